#include <criterion/criterion.h>

#include "api/status.h"

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

TestSuite(status, .init = setup, .fini = teardown);

#define HTTP_HEAD                                                                               \
	"{\"type\":\"HTTP\",\"connect_ip\":\"192.0.2.1\",\"connect_port\":80,"                  \
	"\"bind_ip\":\"10.9.9.9\",\"connect_timeout\":\"1s\",\"check_timeout\":\"1.100s\","     \
	"\"fwmark\":3,\"path\":\"/health?a=\\\"b\\\"\",\"status_code\":200,"                    \
	"\"digest\":\"00112233445566778899aabbccddeeff\",\"virtualhost\":\"fqdn.example.com\"," \
	"\"dynamic_weight\":true,\"dynamic_weight_header\":true,\"dynamic_weight_coeff\":40,"   \
	"\"delay_loop\":\"10s\",\"retries\":1,\"retry_delay\":\"1s\","

static const char golden[] =
	"{\"update_timestamp\":\"2025-12-04T12:31:54.123456789Z\",\"status\":["
	"{\"vip\":\"192.0.2.1\",\"port\":80,\"protocol\":\"TCP\",\"lvs_method\":\"TUN\","
	"\"quorum_state\":1,\"alive_count\":2,\"alive_weight\":5,\"transitions\":1,\"fwmark\":7,"
	"\"announce_group\":\"g-1\",\"ipv4_outer_source_network\":\"10.1.0.0/24\","
	"\"ipv6_outer_source_network\":\"\",\"rs\":["
	"{\"ip\":\"10.0.0.1\",\"port\":80,\"alive\":1,\"weight\":4,\"transitions\":3,\"checkers\":"
	"[" HTTP_HEAD
	"\"alive\":1,\"failed_attempts\":1,\"last_check_ts\":\"2025-12-04T12:33:19.620Z\"},"
	"{\"type\":\"TCP\",\"connect_ip\":\"10.0.0.1\",\"connect_port\":80,"
	"\"bind_ip\":\"invalid IP\",\"connect_timeout\":\"1s\",\"check_timeout\":\"1.100s\","
	"\"fwmark\":0,\"path\":\"\",\"status_code\":0,\"digest\":\"\",\"dynamic_weight\":false,"
	"\"dynamic_weight_header\":false,\"dynamic_weight_coeff\":0,\"delay_loop\":\"10s\","
	"\"retries\":1,\"retry_delay\":\"1s\",\"alive\":0,\"failed_attempts\":0,"
	"\"last_check_ts\":\"0001-01-01T00:00:00Z\"}]},"
	"{\"ip\":\"10.0.0.2\",\"port\":80,\"alive\":0,\"weight\":3,\"transitions\":1,\"checkers\":"
	"[" HTTP_HEAD
	"\"alive\":0,\"failed_attempts\":0,\"last_check_ts\":\"0001-01-01T00:00:00Z\"}]}],"
	"\"quorum_up\":\"/etc/keepalived/quorum.sh up 192.0.2.1,b-100,g-1\"},"
	"{\"vip\":\"2001:db8::1\",\"protocol\":\"UDP\",\"lvs_method\":\"GRE\",\"quorum_state\":0,"
	"\"alive_count\":0,\"alive_weight\":0,\"transitions\":0,\"fwmark\":0,\"announce_group\":"
	"\"\","
	"\"ipv4_outer_source_network\":\"\",\"ipv6_outer_source_network\":\"\",\"rs\":["
	"{\"ip\":\"2001:db8::2\",\"alive\":0,\"weight\":0,\"transitions\":0,\"checkers\":[]}],"
	"\"quorum_up\":\"\"}]}";

Test(status, document_has_the_references_shape)
{
	char *text = fleet_fixture_text(&f, &status_view, SLOT_NONE);

	cr_assert_str_eq(text, golden);
	free(text);
}

static char *with_real(struct real_row row)
{
	seqrow_publish(state_real(&f.tables, f.first_real), &row, sizeof(row));
	return fleet_fixture_text(&f, &status_view, f.tcp);
}

static void shows(struct real_row row, const char *part)
{
	char *text = with_real(row);

	cr_assert_not_null(strstr(text, part), "%s lacks %s", text, part);
	free(text);
}

Test(status, weight_of_a_real_is_its_own_or_the_configured_one)
{
	/* up: what it is enabled with; down: what it will come back with; undecided: 0 */
	shows((struct real_row){.flags = REAL_ROW_IN_USE | REAL_ROW_ENABLED,
				.state = STATE_UP,
				.wanted_weight = 2},
	      "\"ip\":\"10.0.0.1\",\"port\":80,\"alive\":1,\"weight\":2,");
	shows((struct real_row){.flags = REAL_ROW_IN_USE, .state = STATE_DOWN},
	      "\"ip\":\"10.0.0.1\",\"port\":80,\"alive\":0,\"weight\":5,");
	shows((struct real_row){.flags = REAL_ROW_IN_USE, .state = STATE_UNDECIDED},
	      "\"ip\":\"10.0.0.1\",\"port\":80,\"alive\":0,\"weight\":0,");
	/* drained by the operator: enabled with weight 0 */
	shows((struct real_row){.flags = REAL_ROW_IN_USE | REAL_ROW_ENABLED, .state = STATE_UP},
	      "\"ip\":\"10.0.0.1\",\"port\":80,\"alive\":1,\"weight\":0,");
}

Test(status, row_that_is_not_taken_up_yet_is_undecided)
{
	shows((struct real_row){.state = STATE_UP,
				.flags = REAL_ROW_ENABLED,
				.wanted_weight = 9,
				.transitions = 4},
	      "\"ip\":\"10.0.0.1\",\"port\":80,\"alive\":0,\"weight\":0,\"transitions\":0,");
}

Test(status, group_that_is_not_configured_prints_empty)
{
	cr_assert_str_eq(status_group_name(&f.app, 0), "");
	cr_assert_str_eq(status_group_name(&f.app, 1), "default");
	cr_assert_str_eq(status_group_name(&f.app, 3), "");
}

Test(status, methods_have_the_references_names)
{
	cr_assert_str_eq(status_method_text(LVS_TUN), "TUN");
	cr_assert_str_eq(status_method_text(LVS_GRE), "GRE");
	cr_assert_str_eq(status_method_text(LVS_DR), "DR");
	cr_assert_str_eq(status_method_text(LVS_NAT), "NAT");
	cr_assert_str_eq(status_method_text(9), "?");
}
