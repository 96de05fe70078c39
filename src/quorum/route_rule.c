#include "quorum/route_rule.h"

#include "model/ids.h"

bool route_rule_is_bad_answer(enum check_code code)
{
	switch (code) {
	case CODE_NO_ROUTE:
	case CODE_CONNECT_TIMEOUT:
	case CODE_NO_REPLY_FOR_VIP:
	case CODE_UNREACHABLE:
	case CODE_CONNECT_ERROR:
	case CODE_TLS_TIMEOUT:
	case CODE_RESPONSE_TIMEOUT:
	case CODE_BODY_TIMEOUT:
		return false;
	default:
		return check_code_verdict(code) == VERDICT_BAD;
	}
}

bool route_rule_is_answer(const struct result *result, enum verdict verdict)
{
	if (verdict == VERDICT_GOOD)
		return true;
	/* a connection that was made is an answer, whatever came after it */
	return verdict == VERDICT_BAD &&
	       (route_rule_is_bad_answer((enum check_code)result->code) ||
		(result->connect_us > 0 && result->layer > LAYER_CONNECT));
}

void route_rule_init(struct route_rule *r)
{
	*r = (struct route_rule){.families = {{.host = SLOT_NONE}, {.host = SLOT_NONE}}};
}

void route_rule_answered(struct route_rule *r, bool is_v4, uint32_t host, uint64_t start_ns)
{
	struct route_family *f = &r->families[is_v4];

	if (host == f->host) {
		f->newest_ns = MAX(f->newest_ns, start_ns);
	} else if (start_ns > f->newest_ns) {
		f->other_ns = f->newest_ns;
		f->newest_ns = start_ns;
		f->host = host;
	} else {
		f->other_ns = MAX(f->other_ns, start_ns);
	}
}

bool route_rule_others_answer(const struct route_rule *r, bool is_v4, uint32_t host,
			      uint64_t since_ns)
{
	const struct route_family *f = &r->families[is_v4];

	return (host == f->host ? f->other_ns : f->newest_ns) > since_ns;
}
