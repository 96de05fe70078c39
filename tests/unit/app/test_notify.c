#include "app/notify.h"

#include <criterion/criterion.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clk.h"

static char dir[] = "/tmp/alived-notify-XXXXXX";
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int fd;

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", dir);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

static void teardown(void)
{
	close(fd);
	unlink(address.sun_path);
	rmdir(dir);
}

TestSuite(notify, .init = setup, .fini = teardown, .timeout = 10);

static const char *heard(void)
{
	static char text[256];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = 0;
	return text;
}

Test(notify, each_state_has_its_word)
{
	notify_ready();
	cr_assert_str_eq(heard(), "READY=1");
	notify_reloading();
	cr_assert_not_null(strstr(heard(), "RELOADING=1\nMONOTONIC_USEC="));
	notify_watchdog();
	cr_assert_str_eq(heard(), "WATCHDOG=1");
	notify_stopping();
	cr_assert_str_eq(heard(), "STOPPING=1");
}

Test(notify, without_a_supervisor_nothing_happens)
{
	unsetenv("NOTIFY_SOCKET");
	notify_ready();
	cr_assert_str_eq(heard(), "");
}

Test(notify, watchdog_is_pinged_at_half_its_time)
{
	char pid[16];

	cr_assert_eq(notify_watchdog_period_ns(), 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_PID", pid, 1);
	setenv("WATCHDOG_USEC", "10000000", 1);
	cr_assert_eq(notify_watchdog_period_ns(), 5 * CLK_S);
}
