#include "config/services_value.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/str.h"
#include "config/services_http.h"
#include "config/services_text.h"
#include "config/services_tls.h"

enum { NS_PER_S = 1000000000, SHOWN_BYTES = 64, WEIGHT_MAX = 65535, YANET_WEIGHT_MAX = 100 };
enum { NUMBER_BYTES = 64 };

static void report(struct services_run *run, enum diag_severity severity,
		   const struct services_lex_word *w, const char *hint, const char *problem)
{
	int shown = (int)MIN(w->len, (uint32_t)SHOWN_BYTES);

	diag_report(run->diag, severity, w->pos, w->len, hint, "'%.*s' %s", shown, w->at, problem);
}

void services_value_warn(struct services_run *run, const struct services_lex_word *w,
			 const char *hint, const char *problem)
{
	report(run, DIAG_WARNING, w, hint, problem);
}

int services_value_refuse(struct services_run *run, const struct services_lex_word *w,
			  const char *hint, const char *problem)
{
	report(run, DIAG_ERROR, w, hint, problem);
	return SERVICES_VALUE_BAD;
}

/* --- numbers --------------------------------------------------------------------------------- */

/* Decimal with an optional + sign, as the reference reads integers. */
bool services_value_number(const struct services_lex_word *w, uint64_t *ret)
{
	bool has_sign = w->len > 1 && w->at[0] == '+';

	return str_to_u64(w->at + has_sign, w->len - has_sign, UINT64_MAX, ret);
}

/* An integer below zero, or too large for 64 bits: a number, but not in any range of ours. */
static bool is_integer(const struct services_lex_word *w)
{
	uint32_t i = w->len > 1 && (w->at[0] == '-' || w->at[0] == '+');

	for (; i < w->len; i++)
		if (!isdigit((unsigned char)w->at[i]))
			return false;
	return w->len > 0;
}

static int refuse_range(struct services_run *run, const struct services_row *row,
			const struct services_lex_word *w)
{
	char problem[96];
	struct str s = STR_OVER(problem, sizeof(problem));

	if (row->type == TYPE_SECONDS)
		str_putf(&s, "is out of range: %g to %g seconds", (double)row->min / NS_PER_S,
			 (double)row->max / NS_PER_S);
	else
		str_putf(&s, "is out of range: %ju to %ju", (uintmax_t)row->min,
			 (uintmax_t)row->max);
	return services_value_refuse(run, w, NULL, problem);
}

static int parse_number(struct services_run *run, const struct services_row *row,
			const struct services_lex_statement *st, union services_value *ret)
{
	const struct services_lex_word *w = &st->words[1];
	uint64_t v;

	if (!services_value_number(w, &v)) {
		if (!is_integer(w))
			return services_value_refuse(run, w, NULL, "is no whole number");
		return refuse_range(run, row, w);
	}
	if (v < row->min || v > row->max)
		return refuse_range(run, row, w);
	ret->number = v;
	return 0;
}

static int parse_port(struct services_run *run, const struct services_row *row,
		      const struct services_lex_statement *st, union services_value *ret)
{
	ret->number = 0;
	return st->words[1].len == 0 ? 0 : parse_number(run, row, st, ret);
}

static int parse_weight(struct services_run *run, const struct services_row *row,
			const struct services_lex_statement *st, union services_value *ret)
{
	const struct services_lex_word *w = &st->words[1];
	int r = parse_number(run, row, st, ret);

	if (r)
		return r;
	if (ret->number > WEIGHT_MAX) {
		report(run, DIAG_WARNING, w, NULL, "is cut to 65535");
		ret->number = WEIGHT_MAX;
	} else if (ret->number > YANET_WEIGHT_MAX && run->app->balancer.backend == BALANCER_YANET) {
		report(run, DIAG_WARNING, w, NULL, "is more than YANET's nominal maximum of 100");
	}
	return 0;
}

/* Digits with an optional point and up to nine digits behind it: all that files contain. */
static bool plain_seconds(const char *p, uint32_t len, uint64_t *ret_ns)
{
	uint64_t ns = 0;
	uint32_t i = 0, n_fraction = 0;

	for (; i < len && isdigit((unsigned char)p[i]); i++)
		ns = ns * 10 + (uint64_t)(p[i] - '0');
	if (i == 0 || i > 9)
		return false;
	if (i < len && p[i] == '.')
		for (i++; i < len && isdigit((unsigned char)p[i]); i++, n_fraction++)
			ns = ns * 10 + (uint64_t)(p[i] - '0');
	if (i < len || n_fraction > 9)
		return false;
	for (; n_fraction < 9; n_fraction++)
		ns *= 10;
	*ret_ns = ns;
	return true;
}

/* The rest of what the reference's floats may look like: signs, exponents, many digits. */
static bool any_seconds(const struct services_lex_word *w, double *ret)
{
	char text[NUMBER_BYTES], *end;

	if (w->len == 0 || w->len >= sizeof(text) || memchr(w->at, 'x', w->len) ||
	    memchr(w->at, 'X', w->len) || isspace((unsigned char)w->at[0]))
		return false;
	memcpy(text, w->at, w->len);
	text[w->len] = 0;
	*ret = strtod(text, &end);
	return end == text + w->len;
}

static int parse_seconds(struct services_run *run, const struct services_row *row,
			 const struct services_lex_statement *st, union services_value *ret)
{
	const struct services_lex_word *w = &st->words[1];
	uint64_t ns;
	double s;

	if (!plain_seconds(w->at, w->len, &ns)) {
		if (!any_seconds(w, &s))
			return services_value_refuse(run, w, "write decimal seconds, as 0.5",
						     "is no time");
		if (!isfinite(s))
			return services_value_refuse(run, w, NULL, "is not finite");
		if (s < 0 || s > (double)row->max / NS_PER_S)
			return refuse_range(run, row, w);
		ns = (uint64_t)(s * NS_PER_S + 0.5);
	}
	if (ns < row->min || ns > row->max)
		return refuse_range(run, row, w);
	ret->number = ns;
	return 0;
}

/* --- choices --------------------------------------------------------------------------------- */

const struct services_choice *services_value_choose(const struct services_lex_word *w,
						    const struct services_choice *from, size_t n,
						    bool any_case)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(from[i].name);

		if (len == w->len && (any_case ? strncasecmp(from[i].name, w->at, len)
					       : memcmp(from[i].name, w->at, len)) == 0)
			return &from[i];
	}
	return NULL;
}

static int parse_bool(struct services_run *run, const struct services_row *row,
		      const struct services_lex_statement *st, union services_value *ret)
{
	static const struct services_choice words[] = {
		{"on", 1},  {"true", 1},  {"yes", 1}, {"1", 1},
		{"off", 0}, {"false", 0}, {"no", 0},  {"0", 0},
	};
	const struct services_choice *c = NULL;

	(void)row;
	if (st->n_words > 1)
		c = services_value_choose(&st->words[1], words, ARRAY_LEN(words), true);
	if (st->n_words > 1 && !c)
		return services_value_refuse(run, &st->words[1], "on true yes 1, or off false no 0",
					     "is neither true nor false");
	ret->number = c ? c->value : 1;
	return 0;
}

static int parse_protocol(struct services_run *run, const struct services_row *row,
			  const struct services_lex_statement *st, union services_value *ret)
{
	static const struct services_choice words[] = {
		{"TCP", L4_TCP}, {"", L4_TCP}, {"UDP", L4_UDP}};
	const struct services_lex_word *w = &st->words[1];
	const struct services_choice *c = services_value_choose(w, words, ARRAY_LEN(words), true);

	(void)row;
	if (!c && run->app->balancer.backend == BALANCER_YANET)
		return services_value_refuse(run, w, NULL, "is no protocol of YANET: TCP or UDP");
	if (!c)
		report(run, DIAG_WARNING, w, NULL, "is taken as TCP: TCP and UDP are known");
	ret->number = c ? c->value : L4_TCP;
	return 0;
}

static int parse_init_state(struct services_run *run, const struct services_row *row,
			    const struct services_lex_statement *st, union services_value *ret)
{
	static const struct services_choice words[] = {
		{"auto", INIT_AUTO}, {"up", INIT_UP}, {"down", INIT_DOWN}};
	const struct services_lex_word *w = &st->words[1];
	const struct services_choice *c = services_value_choose(w, words, ARRAY_LEN(words), true);

	(void)row;
	if (!c)
		return services_value_refuse(run, w, NULL, "is no initial state: up, down or auto");
	if (c->value == INIT_UP)
		report(run, DIAG_WARNING, w, NULL,
		       "lets a new server take traffic before its first check");
	ret->number = c->value;
	return 0;
}

/* keepalived: TUN [type ipip|gre|gue port N] [nocsum|csum|remcsum]; checksums do not matter here.
 */
static int parse_tunnel(struct services_run *run, const struct services_lex_statement *st,
			union services_value *ret)
{
	static const struct services_choice types[] = {{"ipip", LVS_TUN}, {"gre", LVS_GRE}};
	static const struct services_choice sums[] = {{"nocsum", 0}, {"csum", 0}, {"remcsum", 0}};
	uint32_t n = MIN(st->n_words, (uint32_t)LEX_WORDS);

	for (uint32_t i = 2; i < n; i++) {
		const struct services_lex_word *w = &st->words[i];
		const struct services_choice *type = NULL;

		if (str_is(w->at, w->len, "type") && i + 1 < n) {
			w = &st->words[++i];
			type = services_value_choose(w, types, ARRAY_LEN(types), false);
			if (type) {
				ret->number = type->value;
				continue;
			}
		}
		if (!services_value_choose(w, sums, ARRAY_LEN(sums), false))
			return services_value_refuse(run, w, NULL,
						     "is no tunnel type: ipip or gre");
	}
	return 0;
}

static int parse_method(struct services_run *run, const struct services_row *row,
			const struct services_lex_statement *st, union services_value *ret)
{
	static const struct services_choice words[] = {
		{"TUN", LVS_TUN}, {"IPIP", LVS_TUN}, {"GRE", LVS_GRE},
		{"DR", LVS_DR},   {"NAT", LVS_NAT},
	};
	const struct services_lex_word *w = &st->words[1];
	const struct services_choice *c = services_value_choose(w, words, ARRAY_LEN(words), true);

	(void)row;
	if (!c)
		return services_value_refuse(run, w, NULL,
					     "is no forwarding method: TUN, IPIP, GRE, DR or NAT");
	ret->number = c->value;
	if (st->n_words == 2)
		return 0;
	if (c->value != LVS_TUN)
		return services_value_refuse(run, &st->words[2], NULL, "is one value too many");
	return parse_tunnel(run, st, ret);
}

/* --- addresses ------------------------------------------------------------------------------- */

int services_value_addr(struct services_run *run, const struct services_lex_word *w,
			struct addr *ret)
{
	if (addr_parse(w->at, w->len, ret) == ADDR_OK)
		return 0;
	if (memchr(w->at, '%', w->len))
		return services_value_refuse(run, w, NULL,
					     "has a zone: link-local addresses are not supported");
	if (memchr(w->at, '/', w->len))
		return services_value_refuse(run, w, "no prefix length here", "is no IP address");
	return services_value_refuse(run, w, NULL, "is no IP address");
}

static int parse_addr(struct services_run *run, const struct services_row *row,
		      const struct services_lex_statement *st, union services_value *ret)
{
	(void)row;
	ret->addr = ADDR_UNSET;
	return st->words[1].len == 0 ? 0 : services_value_addr(run, &st->words[1], &ret->addr);
}

int services_value_port(struct services_run *run, const struct services_lex_word *w,
			uint16_t *ret_port, bool *ret_has_port)
{
	uint64_t port = 0;

	if (w->len && !str_to_u64(w->at, w->len, UINT16_MAX, &port))
		return services_value_refuse(run, w, NULL, "is no port: 0 to 65535");
	*ret_port = (uint16_t)port;
	*ret_has_port = w->len > 0;
	return 0;
}

/* --- all types ------------------------------------------------------------------------------- */

static const struct {
	int (*parse)(struct services_run *run, const struct services_row *row,
		     const struct services_lex_statement *st, union services_value *ret);
	uint8_t min_values, max_values;
	bool depends; /* on more than its word: the same word may mean another value elsewhere */
} types[TYPE__N] = {
	[TYPE_SECONDS] = {parse_seconds, 1, 1},
	[TYPE_NUMBER] = {parse_number, 1, 1},
	[TYPE_PORT] = {parse_port, 1, 1},
	[TYPE_STATUS] = {services_http_status, 1, UINT8_MAX},
	[TYPE_WEIGHT] = {parse_weight, 1, 1},
	[TYPE_BOOL] = {parse_bool, 0, 1},
	[TYPE_METHOD] = {parse_method, 1, LEX_WORDS - 1},
	[TYPE_PROTOCOL] = {parse_protocol, 1, 1},
	[TYPE_INIT_STATE] = {parse_init_state, 1, 1},
	[TYPE_TEXT] = {services_text_plain, 1, 1},
	[TYPE_LOWER] = {services_text_plain, 1, 1},
	[TYPE_SCRIPT] = {services_text_plain, 1, UINT8_MAX},
	[TYPE_VIRTUALHOST] = {services_text_virtualhost, 1, 1},
	[TYPE_PATH] = {services_text_path, 1, 1},
	[TYPE_NETWORK4] = {services_text_network, 1, 1},
	[TYPE_NETWORK6] = {services_text_network, 1, 1},
	[TYPE_ADDR] = {parse_addr, 1, 1},
	[TYPE_DIGEST] = {services_text_digest, 1, 1},
	[TYPE_BYTES] = {services_http_bytes, 1, 1},
	[TYPE_HTTP_METHOD] = {services_http_method, 1, 1},
	[TYPE_HEADER] = {services_http_header, 1, UINT8_MAX},
	[TYPE_HTTP_VERSION] = {services_http_version, 1, 1},
	[TYPE_REGEX] = {services_http_regex, 1, 1},
	[TYPE_NO_REGEX] = {services_http_no_regex, 0, UINT8_MAX},
	[TYPE_SNI] = {services_tls_sni, 1, 1},
	[TYPE_VERIFY_NAME] = {services_tls_verify_name, 1, 1},
	[TYPE_TLS_VERSION] = {services_tls_version, 1, 1},
	[TYPE_REUSE] = {services_tls_reuse, 1, 1},
	[TYPE_CA_FILE] = {services_tls_file, 1, 1, true},
	[TYPE_CERT_FILE] = {services_tls_file, 1, 1, true},
	[TYPE_KEY_FILE] = {services_tls_file, 1, 1, true},
};

static int refuse_count(struct services_run *run, const struct services_row *row,
			const struct services_lex_statement *st)
{
	const struct services_lex_word *key = &st->words[0];
	uint32_t surplus = MIN(types[row->type].max_values + 1U, LEX_WORDS - 1U);
	int key_len = (int)key->len;

	if (st->n_words == 1)
		diag_report(run->diag, DIAG_ERROR, key->pos, key->len, NULL, "'%.*s' needs a value",
			    key_len, key->at);
	else
		diag_report(run->diag, DIAG_ERROR, st->words[surplus].pos, st->words[surplus].len,
			    "write \"...\" around a value with blanks",
			    "'%.*s' takes one value, not %u", key_len, key->at, st->n_words - 1);
	return SERVICES_VALUE_BAD;
}

int services_value_parse(struct services_run *run, const struct services_row *row,
			 const struct services_lex_statement *st, union services_value *ret)
{
	struct services_memo *memo = &run->memos[row - services_schema_rows];
	const struct services_lex_word *w = &st->words[1];
	uint32_t n_values = st->n_words - 1;
	/* an escape is read differently within quotes */
	bool is_plain = n_values == 1 && !w->has_escape;
	unsigned n_reports;
	int r;

	if (is_plain && memo->at && memo->len == w->len && memcmp(memo->at, w->at, w->len) == 0) {
		*ret = memo->value;
		return 0;
	}
	if (n_values < types[row->type].min_values || n_values > types[row->type].max_values)
		return refuse_count(run, row, st);
	n_reports = diag_errors(run->diag) + diag_warnings(run->diag);
	r = types[row->type].parse(run, row, st, ret);
	/* what gave a report gives it again */
	if (r == 0 && is_plain && !types[row->type].depends &&
	    n_reports == diag_errors(run->diag) + diag_warnings(run->diag))
		*memo = (struct services_memo){w->at, w->len, *ret};
	return err_trace(r);
}
