#include "ctl/ctl_finding.h"

#include <jansson.h>
#include <stdarg.h>
#include <string.h>

enum { TEXT_BYTES = 2048, MAX_IDS = 64 };

struct finding {
	enum ctl_finding_severity severity;
	const char *id;
	char text[TEXT_BYTES], repair[TEXT_BYTES];
};

struct tally {
	const char *id;
	unsigned n_kept, n_omitted;
};

struct ctl_findings {
	struct finding *rows[MAX_IDS * CTL_FINDING_MAX_ALIKE];
	unsigned n;
	struct tally tallies[MAX_IDS];
	unsigned n_tallies;
	struct finding *last; /* NULL: the last one was not kept */
	unsigned counts[CTL_FINDING__N];
};

static const char *const severity_texts[CTL_FINDING__N] = {"note", "warning", "error"};

struct ctl_findings *ctl_findings_new(void)
{
	struct ctl_findings *f = calloc(1, sizeof(*f));

	ASSERT(f);
	return f;
}

void ctl_findings_free(struct ctl_findings *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->n; i++)
		free(f->rows[i]);
	free(f);
}

static struct tally *tally_of(struct ctl_findings *f, const char *id)
{
	for (unsigned i = 0; i < f->n_tallies; i++)
		if (strcmp(f->tallies[i].id, id) == 0)
			return &f->tallies[i];
	ASSERT(f->n_tallies < MAX_IDS);
	f->tallies[f->n_tallies] = (struct tally){.id = id};
	return &f->tallies[f->n_tallies++];
}

static bool is_known(const struct ctl_findings *f, const char *id, const char *text)
{
	for (unsigned i = 0; i < f->n; i++)
		if (strcmp(f->rows[i]->id, id) == 0 && strcmp(f->rows[i]->text, text) == 0)
			return true;
	return false;
}

void ctl_findings_add(struct ctl_findings *f, enum ctl_finding_severity severity, const char *id,
		      const char *format, ...)
{
	struct tally *t = tally_of(f, id);
	struct finding *row = calloc(1, sizeof(*row));
	va_list args;

	ASSERT(row);
	*row = (struct finding){.severity = severity, .id = id};
	va_start(args, format);
	vsnprintf(row->text, sizeof(row->text), format, args);
	va_end(args);
	f->last = NULL;
	if (t->n_kept == CTL_FINDING_MAX_ALIKE || is_known(f, id, row->text)) {
		t->n_omitted += !is_known(f, id, row->text);
		free(row);
		return;
	}
	t->n_kept++;
	f->counts[severity]++;
	f->rows[f->n++] = f->last = row;
}

void ctl_findings_repair(struct ctl_findings *f, const char *format, ...)
{
	va_list args;

	if (!f->last)
		return;
	va_start(args, format);
	vsnprintf(f->last->repair, sizeof(f->last->repair), format, args);
	va_end(args);
}

bool ctl_findings_are_good(const struct ctl_findings *f)
{
	return f->counts[CTL_FINDING_ERROR] + f->counts[CTL_FINDING_WARNING] == 0;
}

static void print_row(const struct finding *row, FILE *to)
{
	fprintf(to, "%s: %s%s%s\n", severity_texts[row->severity], row->text,
		*row->repair ? "; repair: " : "", row->repair);
}

void ctl_findings_print(const struct ctl_findings *f, FILE *to)
{
	for (int s = CTL_FINDING__N; s-- > 0;)
		for (unsigned i = 0; i < f->n; i++)
			if (f->rows[i]->severity == (enum ctl_finding_severity)s)
				print_row(f->rows[i], to);
	for (unsigned i = 0; i < f->n_tallies; i++)
		if (f->tallies[i].n_omitted)
			fprintf(to, "and %u more like %s\n", f->tallies[i].n_omitted,
				f->tallies[i].id);
	if (ctl_findings_are_good(f))
		fputs("nothing is wrong\n", to);
}

void ctl_findings_print_json(const struct ctl_findings *f, FILE *to)
{
	json_t *rows = json_array(), *omitted = json_object(), *all;

	for (unsigned i = 0; i < f->n; i++) {
		const struct finding *row = f->rows[i];

		json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s*}", "severity",
						      severity_texts[row->severity], "id", row->id,
						      "text", row->text, "repair",
						      *row->repair ? row->repair : NULL));
	}
	for (unsigned i = 0; i < f->n_tallies; i++)
		if (f->tallies[i].n_omitted)
			json_object_set_new(omitted, f->tallies[i].id,
					    json_integer(f->tallies[i].n_omitted));
	all = json_pack("{s:b,s:o,s:o}", "ok", ctl_findings_are_good(f), "findings", rows,
			"omitted", omitted);
	json_dumpf(all, to, JSON_COMPACT);
	fputc('\n', to);
	json_decref(all);
}
