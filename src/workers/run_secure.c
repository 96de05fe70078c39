#include "workers/run_secure.h"

#include <errno.h>

#include "base/clk.h"
#include "base/err.h"
#include "base/hash.h"

/* The names of one handshake. */
struct names {
	const char *sent, *verified; /* Host values, "": none */
	char address[ADDR_TEXT_BYTES];
};

static const struct check_extras *extras_of(const struct run *r)
{
	return gen_extras(r->job.generation, r->profile);
}

static const char *sent_name(const struct check_extras *x, const struct check_profile *p,
			     const char *virtualhost)
{
	if (x && x->sni)
		return x->sni;
	return p->flags & PROFILE_SNI ? virtualhost : "";
}

/* What is or would be sent, else the address itself. */
static const char *verified_name(const struct check_extras *x, const char *virtualhost,
				 const char *address)
{
	if (x && x->verify_name[0])
		return x->verify_name;
	if (x && x->sni && x->sni[0])
		return x->sni;
	return virtualhost[0] ? virtualhost : address;
}

static void find_names(const struct run *r, struct names *n)
{
	const struct check_extras *x = extras_of(r);
	const char *virtualhost = check_virtualhost(r->job.generation, r->profile, r->said.url);

	addr_format(&r->spec->connect_ip, n->address);
	n->sent = sent_name(x, r->profile, virtualhost);
	n->verified = verified_name(x, virtualhost, n->address);
}

static struct tls_setting setting_of(const struct run *r)
{
	const struct check_extras *x = extras_of(r);
	uint16_t min_version = (uint16_t)(0x0301 + r->profile->tls_min_version);

	if (x && x->tls)
		return *x->tls;
	return (struct tls_setting){
		.min_version = min_version, .max_version = 0x0304, .hash = min_version};
}

static enum session_reuse reuse_of(const struct run *r)
{
	const struct check_extras *x = extras_of(r);

	return x ? (enum session_reuse)x->session_reuse : SESSION_REUSE_OFF;
}

static struct tls_sessions_owner owner_of(const struct run *r, const struct tls_setting *s)
{
	return (struct tls_sessions_owner){
		.check = r->job.check,
		.sequence = r->job.sequence,
		.key = r->tls_key,
		.reuse = (uint8_t)reuse_of(r),
		.ends_with_cert = s->verify,
	};
}

/* All that the handshake and what it proves depend on. */
static uint64_t key_of(const struct tls_setting *s, const char *const *alpn, const struct names *n)
{
	uint64_t key = hash_u64((uintptr_t)alpn, s->hash);

	key = hash_bytes(n->sent, strlen(n->sent), key);
	return hash_bytes(n->verified, strlen(n->verified), key);
}

static enum run_step no_context(struct run *r, int error)
{
	if (error == -ENOMEM)
		return run_over(r, CODE_NO_MEMORY, ENOMEM);
	return run_over(r, CODE_TLS_SETUP, (uint32_t)-error);
}

enum run_step run_secure_begin(struct run_ctx *c, struct run *r)
{
	const struct tls_setting setting = setting_of(r);
	const struct tls_contexts_want want = {
		.setting = &setting,
		.alpn = check_alpn(r->job.generation, r->profile),
		.resumes = reuse_of(r) != SESSION_REUSE_OFF,
		.generation = r->job.generation->number,
	};
	struct tls_target target = {0};
	struct tls_ctx *ctx;
	struct names names;
	int error = tls_contexts_get(&c->contexts, &want, r->connected_ns, &ctx);

	if (error < 0)
		return no_context(r, error);
	find_names(r, &names);
	target.server_name = names.sent;
	target.verify_name = names.verified;
	if (want.resumes) {
		struct tls_sessions_owner owner;

		r->tls_key = key_of(&setting, want.alpn, &names);
		owner = owner_of(r, &setting);
		target.session =
			tls_sessions_get(&c->sessions, &owner, (uint32_t)(clk_wall_ns() / CLK_S));
	}
	r->tls = tls_new(ctx, &target);
	if (!r->tls)
		return run_over(r, CODE_NO_MEMORY, ENOMEM);
	c->n_tls++;
	return RUN_WAIT;
}

static void keep_session(struct run_ctx *c, struct run *r)
{
	const struct tls_setting setting = setting_of(r);
	const struct tls_sessions_owner owner = owner_of(r, &setting);
	enum check_code code = (enum check_code)r->code;
	struct tls_sessions_end end = {
		.was_good = check_code_verdict(code) == VERDICT_GOOD,
		.was_tls_fault = check_code_layer(code) == LAYER_TLS,
	};

	if (r->secured_ns) {
		end.was_resumed = tls_is_resumed(r->tls);
		end.cert_expiry_s = tls_cert_expiry_s(r->tls);
		end.session = tls_take_session(r->tls);
	}
	tls_sessions_put(&c->sessions, &owner, &end);
}

void run_secure_end(struct run_ctx *c, struct run *r)
{
	/* one without TLS that failed to connect has to be followed by a full handshake, too */
	if (r->spec && check_uses_tls(r->profile) && reuse_of(r) != SESSION_REUSE_OFF)
		keep_session(c, r);
	c->n_tls -= r->tls != NULL;
	tls_free(r->tls);
	r->tls = NULL;
}
