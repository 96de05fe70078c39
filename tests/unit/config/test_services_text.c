#include "services_fixture.h"

#define IN_SERVICE(text)                                                                      \
	"virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80 { TCP_CHECK { } }\n" text \
	"\n}\n"
#define URL(text)                                                                             \
	"virtual_server 192.0.2.1 80 { real_server 198.51.100.1 80 { HTTP_GET { url {\n" text \
	"\n} } } }\n"

static void path_is(const char *line, const char *expected)
{
	char conf[256];
	struct parsed p;
	const char *path;

	snprintf(conf, sizeof(conf), URL("%s"), line);
	p = parse_clean(conf);
	path = p.draft->services->reals->checks->path;
	if (expected)
		cr_assert_str_eq(path, expected, "%s", line);
	else
		cr_assert_null(path);
	parsed_free(&p);
}

Test(services_text, a_path_begins_with_a_slash_or_a_question_mark)
{
	path_is("", NULL);
	path_is("path /", "/");
	path_is("path \"\"", "");
	path_is("path ?a=b", "?a=b");
	path_is("path \"/a#b!c{}\"", "/a#b!c{}");
	path_is("path /a\\#b", "/a#b");
	path_is("path \"/a\\\"b\"", "/a\\\"b");
	path_is("path /a # comment", "/a");
	gives_error(URL("path foo"),
		    "s.conf:2:6: error: 'foo' is no path: it begins with '/' or '?'");
	gives_error(URL("path \"/a b\""), "hint: write other bytes as %XX, a blank as %20");
	gives_error(URL("path /\xc3\xa4"), "is no path: printable ASCII without blanks");
	gives_error(URL("path \"/\x01\""), "is no path");
}

Test(services_text, a_virtual_host_cannot_end_a_header)
{
	struct parsed p = parse_clean(IN_SERVICE("virtualhost \"\""));

	cr_assert_str_eq(p.draft->services->virtualhost, "");
	parsed_free(&p);
	p = parse_clean(IN_SERVICE("virtualhost www.example.org:8080"));
	cr_assert_str_eq(p.draft->services->virtualhost, "www.example.org:8080");
	parsed_free(&p);
	gives_error(IN_SERVICE("virtualhost \"a b\""), "'a b' is no virtual host");
	gives_error(IN_SERVICE("virtualhost \"a\rX: y\""), "is no virtual host");
	gives_error(IN_SERVICE("virtualhost \xc3\xa4.example"), "is no virtual host");
}

Test(services_text, schedulers_are_lower_case)
{
	struct parsed p = parse_clean(IN_SERVICE("lvs_sched WRR"));

	cr_assert_str_eq(p.draft->services->scheduler, "wrr");
	parsed_free(&p);
	p = parse_clean(IN_SERVICE("lb_algo Mh"));
	cr_assert_str_eq(p.draft->services->scheduler, "mh");
	parsed_free(&p);
}

Test(services_text, texts_are_utf8)
{
	struct parsed p = parse_clean(IN_SERVICE("version \"v\xc3\xa4 1\""));

	cr_assert_str_eq(p.draft->services->version, "v\xc3\xa4 1");
	parsed_free(&p);
	gives_error(IN_SERVICE("version \xff"), "is not plain UTF-8 text");
	gives_error(IN_SERVICE("version \"\x1b[2J\""), "is not plain UTF-8 text");
}

Test(services_text, digests_are_32_hex_digits_of_either_case)
{
	static const uint8_t md5[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
					0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
	struct parsed p = parse_clean(URL("digest 00112233445566778899aaBBccDDeeFF"));
	const struct check_profile *profile = &p.draft->services->reals->checks->profile;

	cr_assert_eq(memcmp(profile->digest, md5, 16), 0);
	cr_assert(profile->flags & PROFILE_HAS_DIGEST);
	parsed_free(&p);
	p = parse_clean(URL("digest 00112233445566778899aaBBccDDeeFF\ndigest \"\""));
	cr_assert_eq(p.draft->services->reals->checks->profile.flags & PROFILE_HAS_DIGEST, 0);
	cr_assert_eq(p.draft->services->reals->checks->profile.digest[1], 0);
	parsed_free(&p);
	p = parse_clean(URL("digest 00000000000000000000000000000000"));
	cr_assert(p.draft->services->reals->checks->profile.flags & PROFILE_HAS_DIGEST);
	parsed_free(&p);
	gives_error(URL("digest 00112233445566778899aabbccddeef"), "32 hexadecimal digits");
	gives_error(URL("digest 00112233445566778899aabbccddeefg"), "32 hexadecimal digits");
	gives_error(URL("digest 00112233445566778899aabbccddeeff0"), "32 hexadecimal digits");
}

Test(services_text, outer_networks_are_prefixes_of_their_family)
{
	struct parsed p = parse_clean(IN_SERVICE("ipv4_outer_source_network 10.0.0.0/24\n"
						 "ipv6_outer_source_network 2001:db8::/96"));

	cr_assert_str_eq(p.draft->services->ipv4_outer_source_network, "10.0.0.0/24");
	cr_assert_str_eq(p.draft->services->ipv6_outer_source_network, "2001:db8::/96");
	parsed_free(&p);
	p = parse_clean(IN_SERVICE("ipv4_outer_source_network \"\""));
	cr_assert_str_eq(p.draft->services->ipv4_outer_source_network, "");
	parsed_free(&p);
	gives_error(IN_SERVICE("ipv4_outer_source_network 2001:db8::/96"), "is no IPv4 prefix");
	gives_error(IN_SERVICE("ipv6_outer_source_network 10.0.0.0/8"), "is no IPv6 prefix");
	gives_error(IN_SERVICE("ipv4_outer_source_network 10.0.0.0/33"), "no valid prefix length");
	gives_error(IN_SERVICE("ipv6_outer_source_network 2001:db8::/"), "no valid prefix length");
}

Test(services_text, scripts_may_have_a_user_behind_them)
{
	gives_warning(IN_SERVICE("quorum_up \"/bin/x\" nobody nogroup"), "quorum_up is never run");
}
