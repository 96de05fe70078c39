#include "api/prom.h"

#include <inttypes.h>

enum { NUMBER_BYTES = 32 };

static void put(struct prom *p, const char *text, size_t len)
{
	if (!p->is_full && buf_append(p->to, text, len) < 0)
		p->is_full = true;
}

static void put_text(struct prom *p, const char *text)
{
	put(p, text, strlen(text));
}

/* Backslash and newline are escaped everywhere, the quote in label values. */
static void put_escaped(struct prom *p, const char *text, bool is_label)
{
	for (; *text; text++) {
		if (*text == '\n')
			put(p, "\\n", 2);
		else if (*text == '\\')
			put(p, "\\\\", 2);
		else if (*text == '"' && is_label)
			put(p, "\\\"", 2);
		else
			put(p, text, 1);
	}
}

void prom_head(struct prom *p, const char *name, const char *type, const char *help)
{
	put_text(p, "# HELP ");
	put_text(p, name);
	put_text(p, " ");
	put_escaped(p, help, false);
	put_text(p, "\n# TYPE ");
	put_text(p, name);
	put_text(p, " ");
	put_text(p, type);
	put_text(p, "\n");
}

static void put_labels(struct prom *p, const struct prom_label *labels, size_t n_labels)
{
	for (size_t i = 0; i < n_labels; i++) {
		put_text(p, i ? "," : "{");
		put_text(p, labels[i].key);
		put_text(p, "=\"");
		put_escaped(p, labels[i].value, true);
		put_text(p, "\"");
	}
	if (n_labels)
		put_text(p, "}");
}

static void put_sample(struct prom *p, const char *name, const char *suffix,
		       const struct prom_label *labels, size_t n_labels, const char *value)
{
	put_text(p, name);
	put_text(p, suffix);
	put_labels(p, labels, n_labels);
	put_text(p, " ");
	put_text(p, value);
	put_text(p, "\n");
}

void prom_u64(struct prom *p, const char *name, const char *suffix, const struct prom_label *labels,
	      size_t n_labels, uint64_t value)
{
	char text[NUMBER_BYTES];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	put_sample(p, name, suffix, labels, n_labels, text);
}

/* "1.5", "0.05", "60": no zeros at the end, as the reference's library prints bounds. */
/* value / 10^digits, without zeros at the end. */
static void format_scaled(uint64_t value, int digits, char out[NUMBER_BYTES])
{
	uint64_t scale = 1, part;

	for (int i = 0; i < digits; i++)
		scale *= 10;
	part = value % scale;
	for (; part && part % 10 == 0; digits--)
		part /= 10;
	if (part)
		snprintf(out, NUMBER_BYTES, "%" PRIu64 ".%0*" PRIu64, value / scale, digits, part);
	else
		snprintf(out, NUMBER_BYTES, "%" PRIu64, value / scale);
}

static void format_milli(uint64_t thousandths, char out[NUMBER_BYTES])
{
	format_scaled(thousandths, 3, out);
}

void prom_milli(struct prom *p, const char *name, const char *suffix,
		const struct prom_label *labels, size_t n_labels, uint64_t thousandths)
{
	char text[NUMBER_BYTES];

	format_milli(thousandths, text);
	put_sample(p, name, suffix, labels, n_labels, text);
}

void prom_gauge(struct prom *p, const char *name, const char *help, uint64_t value)
{
	prom_head(p, name, "gauge", help);
	prom_u64(p, name, "", NULL, 0, value);
}

void prom_histogram(struct prom *p, const struct prom_histogram *h)
{
	uint64_t total = 0;
	char bound[NUMBER_BYTES];
	struct prom_label le = {"le", bound};

	prom_head(p, h->name, "histogram", h->help);
	for (size_t i = 0; i < h->n_bounds; i++) {
		format_scaled(h->bounds[i], h->digits, bound);
		total += h->counts[i];
		prom_u64(p, h->name, "_bucket", &le, 1, total);
	}
	total += h->counts[h->n_bounds];
	le.value = "+Inf";
	prom_u64(p, h->name, "_bucket", &le, 1, total);
	format_scaled(h->sum_micro, 6, bound);
	put_sample(p, h->name, "_sum", NULL, 0, bound);
	prom_u64(p, h->name, "_count", NULL, 0, total);
}
