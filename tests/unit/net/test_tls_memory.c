#include "net/tls_memory.h"

#include <errno.h>

#include <criterion/criterion.h>
#include <openssl/err.h>

#include "lib/tls_server.h"
#include "model/check_code.h"
#include "net/tls.h"

/* allocations until one fails; negative: none does */
static long countdown = -1;
static bool did_fail;

static void *failing_realloc(void *old, size_t bytes)
{
	if (countdown >= 0 && countdown-- == 0) {
		did_fail = true;
		return NULL;
	}
	return realloc(old, bytes);
}

static struct tls_ctx *new_ctx(void)
{
	const struct tls_options o = {.min_version = 0x0303, .max_version = 0x0304};
	struct tls_ctx *c = NULL;
	int r = tls_ctx_new(&o, &c);

	cr_assert(r == 0 || r == -ENOMEM, "%d", r);
	return c;
}

static int watched;

/* The test runner uses OpenSSL too, and starts before any test. */
__attribute__((constructor)) static void watch_first(void)
{
	watched = tls_memory_watch(failing_realloc);
}

/* A handshake and an exchange of words in which one allocation of the client fails. */
struct scene {
	struct tls_server server;
	struct tls_ctx *ctx;
	struct tls *client;
	struct buf to_server, to_client;
	long left;
};

static void arm(struct scene *s)
{
	countdown = s->left;
}

static void disarm(struct scene *s)
{
	s->left = countdown;
	countdown = -1;
}

static void exchange_flight(struct scene *s)
{
	cr_assert_eq(tls_drain(s->client, &s->to_server), 0);
	tls_server_take(&s->server, buf_head(&s->to_server), buf_len(&s->to_server));
	buf_consume(&s->to_server, buf_len(&s->to_server));
	tls_server_give(&s->server, &s->to_client);
	cr_assert_eq(tls_feed(s->client, buf_head(&s->to_client), buf_len(&s->to_client)), 0);
	buf_consume(&s->to_client, buf_len(&s->to_client));
}

static bool talk(struct scene *s)
{
	enum tls_step step;
	char text[16];
	size_t len;
	int r;

	arm(s);
	step = tls_handshake(s->client);
	disarm(s);
	if (step != TLS_MORE)
		return false;
	exchange_flight(s);
	arm(s);
	step = tls_handshake(s->client);
	r = step == TLS_UP ? tls_write(s->client, "ping", 4) : -EPROTO;
	disarm(s);
	if (r < 0)
		return false;
	exchange_flight(s);
	cr_assert(SSL_read_ex(s->server.ssl, text, sizeof(text), &len) && len == 4);
	cr_assert(SSL_write_ex(s->server.ssl, "pong", 4, &len));
	exchange_flight(s);
	arm(s);
	step = tls_read(s->client, text, sizeof(text), &len);
	disarm(s);
	return step == TLS_UP && len == 4;
}

/* Returns false once n is beyond the last allocation. */
static bool survive(struct scene *s, long n)
{
	did_fail = false;
	s->left = n;
	tls_server_again(&s->server);
	buf_reset(&s->to_client);
	buf_reset(&s->to_server);
	arm(s);
	s->client = tls_new(s->ctx, &(struct tls_target){.server_name = "www.example.com"});
	disarm(s);
	if (s->client && !talk(s)) {
		cr_assert(did_fail, "failure without cause at %ld", n);
		cr_assert_eq(tls_error(s->client).code, CODE_NO_MEMORY, "allocation %ld: %u/%u", n,
			     tls_error(s->client).code, tls_error(s->client).detail);
	}
	tls_free(s->client);
	cr_assert_eq(ERR_peek_error(), 0);
	return did_fail;
}

Test(tls_memory, d13_failed_allocation_is_never_the_reals_fault)
{
	struct scene s = {.left = -1};
	long n = 0;

	cr_assert_eq(watched, 0);
	tls_server_init(&s.server, &(struct tls_server_options){0});
	s.ctx = new_ctx();
	s.to_client = s.to_server = BUF_INIT(1 << 20);
	/* what is made at first use is made once */
	cr_assert(!survive(&s, 1000000));
	while (survive(&s, n))
		n += n < 300 ? 1 : 5;
	cr_assert_gt(n, 500, "only %ld allocations seen", n);
	tls_ctx_free(s.ctx);
	tls_server_deinit(&s.server);
	buf_deinit(&s.to_client);
	buf_deinit(&s.to_server);
}

Test(tls_memory, context_may_fail_anywhere)
{
	struct tls_ctx *c = NULL;

	cr_assert_eq(watched, 0);
	tls_ctx_free(new_ctx());
	for (long n = 0; n < 5000 && !c; n++) {
		countdown = n;
		c = new_ctx();
		countdown = -1;
	}
	cr_assert_not_null(c);
	tls_ctx_free(c);
}

Test(tls_memory, failure_is_remembered_until_forgotten)
{
	cr_assert_eq(watched, 0);
	cr_assert(!tls_memory_failed());
	countdown = 0;
	cr_assert_null(OPENSSL_malloc(10));
	cr_assert(tls_memory_failed());
	OPENSSL_free(OPENSSL_malloc(10));
	cr_assert(tls_memory_failed());
	tls_memory_forget();
	cr_assert(!tls_memory_failed());
	cr_assert_null(OPENSSL_malloc(0));
	cr_assert_null(OPENSSL_realloc(OPENSSL_malloc(10), 0));
	cr_assert(!tls_memory_failed(), "asking for nothing is no failure");
}
