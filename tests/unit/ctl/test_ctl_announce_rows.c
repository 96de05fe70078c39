#include "ctl/ctl_announce_rows.h"

#include <string.h>

#include "unit/ctl/ctl_test.h"

static bool is(struct addr a, const char *text)
{
	struct addr want;

	return addr_parse(text, strlen(text), &want) == ADDR_OK && addr_eq(&a, &want);
}

Test(ctl_announce_rows, vip_of_a_services_name)
{
	static const struct {
		const char *name, *vip;
	} cases[] = {
		{"tcp/192.0.2.1:80", "192.0.2.1"},
		{"tcp/192.0.2.1", "192.0.2.1"},
		{"udp/[2001:db8::1]:53", "2001:db8::1"},
		{"udp/2001:db8::1", "2001:db8::1"},
	};
	struct addr a;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cr_assert(ctl_announce_rows_parse_service(cases[i].name, &a), "%s", cases[i].name);
		cr_assert(is(a, cases[i].vip), "%s", cases[i].name);
	}
	cr_assert(!ctl_announce_rows_parse_service("192.0.2.1:80", &a));
	cr_assert(!ctl_announce_rows_parse_service("tcp/", &a));
	cr_assert(!ctl_announce_rows_parse_service("tcp/[2001:db8::1", &a));
}

Test(ctl_announce_rows, only_host_prefixes_are_prefixes_here)
{
	struct addr a;
	char text[CTL_ANNOUNCE_PREFIX_BYTES];

	cr_assert(ctl_announce_rows_parse_prefix("192.0.2.1/32", &a));
	ctl_announce_rows_prefix(&a, text);
	cr_assert_str_eq(text, "192.0.2.1/32");
	cr_assert(ctl_announce_rows_parse_prefix("2001:db8::1/128", &a));
	ctl_announce_rows_prefix(&a, text);
	cr_assert_str_eq(text, "2001:db8::1/128");
	cr_assert(!ctl_announce_rows_parse_prefix("192.0.2.0/24", &a));
	cr_assert(!ctl_announce_rows_parse_prefix("192.0.2.1", &a));
	cr_assert(!ctl_announce_rows_parse_prefix("master4:/32", &a));
}

/* One service as the daemon lists it. */
static void put_service(char *text, size_t bytes, const char *vs, const char *group,
			const char *state)
{
	size_t len = strlen(text);

	snprintf(text + len, bytes - len,
		 "%s{\"vs\":\"%s\",\"announce_group\":\"%s\",\"prefix\":{\"state\":\"%s\","
		 "\"sent\":\"withdrawn\",\"reason\":\"services_up\","
		 "\"since\":\"2025-12-04T12:33:20Z\"}}",
		 text[len - 1] == '[' ? "" : ",", vs, group, state);
}

Test(ctl_announce_rows, several_backends_each_have_their_word)
{
	static const char text[] =
		"{\"now\":\"2025-12-04T12:33:30Z\",\"services\":[{\"vs\":\"tcp/192.0.2.1:80\","
		"\"announce_group\":\"a\",\"prefix\":{\"state\":\"announced\",\"sent\":"
		"\"withdrawn\",\"accepted\":{\"bird\":\"announced\",\"bird_list\":\"withdrawn\","
		"\"another\":\"announced\"},\"reason\":\"services_up\",\"since\":null}}]}";
	struct ctl_announce_rows r;

	cr_assert(ctl_announce_rows_read(text, strlen(text), &r));
	cr_assert_eq(r.n, 1);
	cr_assert_str_eq(r.at[0].accepted[0], "announced");
	cr_assert_str_eq(r.at[0].accepted[1], "", "not in use");
	cr_assert_str_eq(r.at[0].accepted[2], "withdrawn");
	ctl_announce_rows_deinit(&r);
}

Test(ctl_announce_rows, services_on_one_vip_are_one_row_and_rows_are_sorted)
{
	char text[2048] = "{\"generation\":1,\"now\":\"2025-12-04T12:33:30Z\",\"services\":[";
	struct ctl_announce_rows r;
	size_t len;

	put_service(text, sizeof(text), "tcp/[2001:db8::1]:80", "b", "undecided");
	put_service(text, sizeof(text), "tcp/192.0.2.9:80", "b", "announced");
	put_service(text, sizeof(text), "tcp/192.0.2.10:80", "a", "announced");
	put_service(text, sizeof(text), "tcp/192.0.2.9:443", "b", "announced");
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len,
		 ",{\"vs\":\"tcp/192.0.2.77:80\",\"announce_group\":\"\",\"prefix\":null}]}");
	cr_assert(ctl_announce_rows_read(text, strlen(text), &r));
	cr_assert_eq(r.n, 3);
	cr_assert(is(r.at[0].vip, "192.0.2.10") && is(r.at[1].vip, "192.0.2.9") &&
		  is(r.at[2].vip, "2001:db8::1"));
	cr_assert_str_eq(r.at[0].group, "a");
	cr_assert_str_eq(r.at[1].state, "announced");
	cr_assert_str_eq(r.at[1].sent, "withdrawn");
	cr_assert_str_eq(r.at[1].reason, "services_up");
	ctl_announce_rows_deinit(&r);
	cr_assert(!ctl_announce_rows_read("{}", 2, &r));
}
