#include "services_fixture.h"

#define REAL "real_server 198.51.100.1 80 { TCP_CHECK { } }\n"

Test(services_block, heads_have_an_address_and_a_port)
{
	gives_error("virtual_server {\n" REAL "}\n",
		    "s.conf:1:1: error: 'virtual_server' needs an address");
	gives_error("virtual_server \"\" 80 {\n" REAL "}\n",
		    "s.conf:1:17: error: '' is no IP address");
	gives_error("virtual_server 192.0.2.1 http {\n" REAL "}\n",
		    "s.conf:1:26: error: 'http' is no port: 0 to 65535");
	gives_error("virtual_server 192.0.2.1 65536 {\n" REAL "}\n", "'65536' is no port");
	gives_error("virtual_server 192.0.2.1 80 x {\n" REAL "}\n",
		    "s.conf:1:29: error: one value too many");
	gives_error("virtual_server :: 80 {\n" REAL "}\n",
		    "the unspecified address cannot be a virtual_server");
	gives_error("virtual_server 192.0.2.1 80 {\nreal_server 0.0.0.0 80 { TCP_CHECK { } }\n}\n",
		    "the unspecified address cannot be a real_server");
	gives_error("virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80 { TCP_CHECK x { "
		    "}\n}\n}\n",
		    "'TCP_CHECK' takes no value");
}

Test(services_block, other_forms_of_a_virtual_server_are_refused)
{
	gives_error("virtual_server fwmark 3 {\n" REAL "}\n",
		    "s.conf:1:16: error: 'virtual_server fwmark' is not supported");
	gives_error("virtual_server group web {\n" REAL "}\n",
		    "'virtual_server group' is not supported");
}

Test(services_block, a_missing_port_differs_from_port_0)
{
	struct parsed p = parse_clean(
		"virtual_server 192.0.2.1 { real_server 198.51.100.1 80 { TCP_CHECK { } } }\n"
		"virtual_server 192.0.2.1 0 { real_server 198.51.100.1 80 { TCP_CHECK { } } }\n"
		"virtual_server 192.0.2.2 \"\" { real_server 198.51.100.1 80 { TCP_CHECK { } } "
		"}\n");
	const struct draft_service *s = p.draft->services;

	cr_assert_eq(s->flags & SERVICE_HAS_PORT, 0);
	cr_assert_eq(s->next->flags & SERVICE_HAS_PORT, SERVICE_HAS_PORT);
	cr_assert_eq(s->next->port, 0);
	cr_assert_eq(s->next->next->flags & SERVICE_HAS_PORT, 0);
	parsed_free(&p);
}

Test(services_block, mapped_addresses_are_ipv4)
{
	struct parsed p = parse_clean("virtual_server ::ffff:192.0.2.1 80 {\n" REAL "}\n");

	cr_assert(addr_is_v4(&p.draft->services->vip));
	parsed_free(&p);
}

Test(services_block, a_surplus_brace_is_an_error)
{
	gives_error("virtual_server 192.0.2.1 80 {\n" REAL "}\n}\n",
		    "s.conf:4:1: error: '}' without a block to close");
}

Test(services_block, a_missing_brace_is_found_at_the_next_block)
{
	struct parsed p = parse("virtual_server 192.0.2.1 80 {\n"
				"real_server 198.51.100.1 80 {\nTCP_CHECK {\n}\n"
				"real_server 198.51.100.2 80 {\nTCP_CHECK {\n}\n}\n}\n"
				"virtual_server 192.0.2.2 80 {\n" REAL "}\n");

	reports(&p, 1, 0, "s.conf:5:1: error: a '}' is missing before 'real_server'\n");
	cr_assert_not_null(strstr(p.text, "note: block 'real_server' opened at s.conf:2\n"));
	parsed_free(&p);
	p = parse("virtual_server 192.0.2.1 80 {\n"
		  "real_server 198.51.100.1 80 {\nHTTP_GET {\nurl {\n"
		  "virtual_server 192.0.2.2 80 {\n" REAL "}\n");
	reports(&p, 1, 0, "s.conf:5:1: error: a '}' is missing before 'virtual_server'\n");
	cr_assert_not_null(strstr(p.text, "note: block 'url' opened at s.conf:4\n"));
	parsed_free(&p);
	p = parse("virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80 {\nTCP_CHECK {\n"
		  "SMTP_CHECK { }\n}\n}\n");
	reports(&p, 2, 0, "a '}' is missing before 'SMTP_CHECK'");
	parsed_free(&p);
}

Test(services_block, a_keyword_of_an_outer_block_is_no_missing_brace)
{
	gives_error("virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80 {\nTCP_CHECK {\n"
		    "weight 3\n}\n}\n}\n",
		    "unknown keyword 'weight' in block TCP_CHECK");
}

Test(services_block, blocks_open_at_the_end_are_named)
{
	struct parsed p = parse("virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80 {\n"
				"TCP_CHECK {\n");

	cr_assert_str_eq(p.text, "s.conf:3:1: error: block 'TCP_CHECK' has no closing '}'\n"
				 "    3 | TCP_CHECK {\n      | ^~~~~~~~~\n"
				 "note: within block 'real_server' at s.conf:2\n"
				 "note: within block 'virtual_server' at s.conf:1\n"
				 "note: the file ends at s.conf:4\n");
	parsed_free(&p);
}

Test(services_block, a_missing_opening_brace_is_one_error)
{
	gives_error("virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80\nweight 2\n"
		    "inhibit_on_failure\nTCP_CHECK { }\n}\n}\n",
		    "'real_server' opens a block: '{' is missing");
	gives_error(
		"virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80 {\nTCP_CHECK\n}\n}\n",
		"s.conf:3:1: error: 'TCP_CHECK' opens a block: '{' is missing");
	gives_error("virtual_server 192.0.2.1 80 { real_server 198.51.100.1 80 { TCP_CHECK } }\n",
		    "'TCP_CHECK' opens a block");
}

Test(services_block, urls_of_a_check_that_asks_for_none_are_merged_with_a_warning)
{
	struct parsed p = parse("virtual_server 192.0.2.1 80 { real_server 198.51.100.1 80 {\n"
				"GRPC_CHECK {\nurl {\nvirtualhost a\nstatus_code 200\n}\n"
				"url {\nvirtualhost b\n}\n}\n}\n}\n");

	reports(&p, 0, 1, "s.conf:7:1: warning: another url of this check");
	cr_assert_str_eq(p.draft->services->reals->checks->virtualhost, "b");
	cr_assert_eq(p.draft->services->reals->checks->profile.status_code, 200);
	cr_assert_null(p.draft->services->reals->checks->extras);
	parsed_free(&p);
}
