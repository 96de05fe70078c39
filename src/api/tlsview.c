#include "api/tlsview.h"

#include "base/clk.h"
#include "net/tls_text.h"

/* Rows of checks without TLS are not looked at: their memory is never touched. */
static bool read_facts(const struct walk *w, uint32_t check, struct tls_row *ret_row)
{
	unsigned kind = w->gen->checks[check].kind;

	if (kind != CHECK_HTTPS && kind != CHECK_GRPC)
		return false;
	if (!seqrow_read(state_tls(w->tables, check), ret_row, sizeof(*ret_row)))
		return false;
	return ret_row->version;
}

void tlsview_json(struct walk *w)
{
	struct jsonout *j = &w->out;
	struct tls_row row;

	jsonout_key(j, "tls");
	if (!read_facts(w, w->check.slot, &row)) {
		jsonout_null(j);
		return;
	}
	jsonout_open(j, '{');
	jsonout_kstr(j, "version", tls_text_version(row.version));
	jsonout_kstr(j, "cipher", tls_text_cipher(row.cipher));
	jsonout_kbool(j, "resumed", row.flags & TLS_ROW_RESUMED);
	jsonout_ktime(j, "cert_expiry", row.cert_expiry_s * CLK_S);
	jsonout_kbool(j, "cert_expires_soon", row.flags & TLS_ROW_EXPIRES);
	jsonout_close(j, '}');
}

uint32_t tlsview_earliest_expiry(const struct walk *w, const struct service_spec *service)
{
	uint32_t earliest = 0;
	struct tls_row row;

	for (uint32_t i = 0; i < service->n_reals; i++) {
		uint32_t real = w->gen->real_order[service->first_real + i];
		uint32_t c = w->gen->reals[real].first_check;

		for (; c != SLOT_NONE; c = w->gen->checks[c].next)
			if (read_facts(w, c, &row) && row.cert_expiry_s &&
			    (!earliest || row.cert_expiry_s < earliest))
				earliest = row.cert_expiry_s;
	}
	return earliest;
}
