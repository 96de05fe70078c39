#include <criterion/criterion.h>

#include "api/listing.h"
#include "api/tlsview.h"
#include "unit/api/fleet_fixture.h"

static struct fleet_fixture f;

static void setup(void)
{
	fleet_fixture_init(&f);
}

static void teardown(void)
{
	fleet_fixture_deinit(&f);
}

TestSuite(tlsview, .init = setup, .fini = teardown);

static void has_facts(enum check_kind kind, const struct tls_row *row)
{
	((struct check_spec *)f.gen->checks)[f.first_check].kind = (uint8_t)kind;
	seqrow_publish(state_tls(&f.tables, f.first_check), row, sizeof(*row));
}

static void lists(const char *expected)
{
	char *text = fleet_fixture_text(&f, &listing_reals, f.tcp);

	cr_assert_not_null(strstr(text, expected), "%s", text);
	free(text);
}

Test(tlsview, latest_handshake_is_told)
{
	has_facts(CHECK_HTTPS, &(struct tls_row){.cert_expiry_s = 1800000000,
						 .version = 0x0304,
						 .cipher = 0x1302,
						 .flags = TLS_ROW_EXPIRES});
	lists("\"tls\":{\"version\":\"TLSv1.3\",\"cipher\":\"TLS_AES_256_GCM_SHA384\","
	      "\"resumed\":false,\"cert_expiry\":\"2027-01-15T08:00:00Z\","
	      "\"cert_expires_soon\":true}");
	has_facts(CHECK_GRPC,
		  &(struct tls_row){.version = 0x0303, .cipher = 0xc02b, .flags = TLS_ROW_RESUMED});
	lists("\"tls\":{\"version\":\"TLSv1.2\","
	      "\"cipher\":\"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\",\"resumed\":true,"
	      "\"cert_expiry\":null,\"cert_expires_soon\":false}");
}

Test(tlsview, kinds_without_tls_have_none)
{
	has_facts(CHECK_TCP, &(struct tls_row){.cert_expiry_s = 5, .version = 0x0304});
	lists("\"failures\":9,\"tls\":null");
	has_facts(CHECK_HTTPS, &(struct tls_row){0});
	lists("\"failures\":9,\"tls\":null");
}
