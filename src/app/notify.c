#include "app/notify.h"

#include <systemd/sd-daemon.h>

#include "base/clk.h"

void notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)(clk_mono_ns() / CLK_US));
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void notify_watchdog(void)
{
	sd_notify(0, "WATCHDOG=1");
}

void notify_status(const char *text)
{
	sd_notifyf(0, "STATUS=%s", text);
}

uint64_t notify_watchdog_period_ns(void)
{
	uint64_t us = 0;

	return sd_watchdog_enabled(0, &us) > 0 ? us / 2 * CLK_US : 0;
}
