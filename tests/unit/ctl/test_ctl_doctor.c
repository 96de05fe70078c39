#include "ctl/ctl_doctor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/ctl_doctor_links.h"
#include "unit/ctl/ctl_test.h"

static char dir[32], yaml[64], services[64], path[96];
static const char *more_yaml = "";

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/alived-doctor-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(yaml, sizeof(yaml), "%s/a.yaml", dir);
	snprintf(services, sizeof(services), "%s/services.conf", dir);
	snprintf(path, sizeof(path), "%s/default_m2b", dir);
	write_file(services,
		   "virtual_server 192.0.2.1 80 {\nprotocol TCP\nlvs_method NAT\n"
		   "real_server 127.0.0.1 80 {\nTCP_CHECK {\nconnect_timeout 1\n}\n}\n}\n");
	cr_redirect_stdout();
	cr_redirect_stderr();
}

static void teardown(void)
{
	unlink(path);
	unlink(yaml);
	unlink(services);
	rmdir(dir);
}

TestSuite(ctl_doctor, .init = setup, .fini = teardown);

/* What the doctor prints; it must find something wrong: there is no daemon. */
static const char *doctor(void)
{
	static char text[16384];
	size_t n;

	snprintf(text, sizeof(text),
		 "balancer:\n  backend: none\nbird:\n  sock_dir: %s\n"
		 "server:\n  unix_sock: %s/none.sock\n%s",
		 dir, dir, more_yaml);
	write_file(yaml, text);
	cr_assert_eq(CTL("doctor", "-c", yaml, "--services", services), CTL_EXIT_REFUSED);
	n = fread(text, 1, sizeof(text) - 1, cr_get_redirected_stdout());
	text[n] = 0;
	return text;
}

static int listen_at(int type)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type, 0);

	memcpy(sa.sun_path, path, strlen(path));
	cr_assert_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	if (type == SOCK_STREAM)
		cr_assert_eq(listen(fd, 1), 0);
	return fd;
}

Test(ctl_doctor, sockets_are_tried)
{
	int fd;

	cr_assert_eq(ctl_doctor_links_try(path, SOCK_STREAM), -ENOENT);
	fd = listen_at(SOCK_STREAM);
	cr_assert_eq(ctl_doctor_links_try(path, SOCK_STREAM), 0);
	cr_assert_eq(ctl_doctor_links_try(path, SOCK_DGRAM), -EPROTOTYPE);
	close(fd);
	cr_assert_eq(ctl_doctor_links_try(path, SOCK_STREAM), -ECONNREFUSED);
	cr_assert_eq(ctl_doctor_links_try("/12345678901234567890123456789012345678901234567890"
					  "12345678901234567890123456789012345678901234567890"
					  "1234567890",
					  SOCK_STREAM),
		     -ENAMETOOLONG);
}

Test(ctl_doctor, absent_daemon_and_bird_are_errors_with_commands)
{
	const char *text = doctor();

	cr_assert_not_null(strstr(text, "error: no daemon answers at "), "%s", text);
	cr_assert_not_null(strstr(text, "repair: systemctl start alived\n"), "%s", text);
	cr_assert_not_null(strstr(text, "error: bird cannot be reached at "), "%s", text);
	cr_assert_not_null(strstr(text, "repair: systemctl restart bird\n"), "%s", text);
}

Test(ctl_doctor, reachable_bird_is_no_finding)
{
	int fd = listen_at(SOCK_DGRAM);

	cr_assert_null(strstr(doctor(), "bird cannot"));
	close(fd);
}

Test(ctl_doctor, untunnelled_reals_need_no_rules_and_no_queue)
{
	const char *text = doctor();

	cr_assert_null(strstr(text, "tables"), "%s", text);
	cr_assert_null(strstr(text, "queue"), "%s", text);
}

Test(ctl_doctor, faulty_services_file_is_an_error_with_its_place)
{
	const char *text;
	char expected[256];

	write_file(services, "nonsense {\n}\n");
	text = doctor();
	snprintf(expected, sizeof(expected), "error: %s:1: unknown keyword 'nonsense'", services);
	cr_assert_not_null(strstr(text, expected), "%s", text);
	snprintf(expected, sizeof(expected), "repair: alivectl config check -c %s --services %s\n",
		 yaml, services);
	cr_assert_not_null(strstr(text, expected), "%s", text);
}

/* --- announcer.require_local_address --- */

static void write_announced(const char *vips[], size_t n)
{
	char text[4096] = "";

	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "virtual_server %s %zu {\nprotocol TCP\nlvs_method NAT\n"
			 "%sreal_server %s 80 {\nTCP_CHECK {\nconnect_timeout 1\n}\n}\n}\n",
			 vips[i], 80 + i, i < n - 1 ? "announce_group default\n" : "",
			 strchr(vips[i], ':') ? "::1" : "127.0.0.1");
	write_file(services, text);
}

Test(ctl_doctor, missing_interface_is_one_error_with_a_command)
{
	const char *vips[] = {"192.0.2.1", "127.0.0.1", "192.0.2.9"}, *text;

	write_announced(vips, 3);
	more_yaml = "announcer:\n  require_local_address: nosuch0\n";
	text = doctor();
	cr_assert_not_null(strstr(text, "error: there is no interface nosuch0 "
					"(announcer.require_local_address): nothing is announced; "
					"repair: ip link add nosuch0 type dummy && ip link set "
					"nosuch0 up\n"),
			   "%s", text);
	cr_assert_null(strstr(text, "ip addr add"), "%s", text);
}

Test(ctl_doctor, announced_vip_that_is_not_on_the_interface_is_told_once)
{
	const char *vips[] = {"192.0.2.1", "127.0.0.1", "192.0.2.1", "2001:db8::1", "192.0.2.9"};
	const char *text, *at;

	write_announced(vips, 5); /* the last one is not announced */
	more_yaml = "announcer:\n  require_local_address: lo\n";
	text = doctor();
	at = strstr(text, "warning: VIP 192.0.2.1 is not on lo (announcer.require_local_address): "
			  "it is not announced; repair: ip addr add 192.0.2.1/32 dev lo\n");
	cr_assert_not_null(at, "%s", text);
	cr_assert_null(strstr(at + strlen("warning: V"), "VIP 192.0.2.1 "), "%s", text);
	cr_assert_not_null(strstr(text, "repair: ip addr add 2001:db8::1/128 dev lo\n"), "%s",
			   text);
	cr_assert_null(strstr(text, "VIP 127.0.0.1"), "it is there: %s", text);
	cr_assert_null(strstr(text, "VIP 192.0.2.9"), "it is not announced: %s", text);
}

Test(ctl_doctor, without_a_required_interface_addresses_do_not_matter)
{
	const char *vips[] = {"192.0.2.1", "192.0.2.9"};

	write_announced(vips, 2);
	cr_assert_null(strstr(doctor(), "ip addr add"));
}
