/* systemd: READY, RELOADING, STOPPING, WATCHDOG. All do nothing without NOTIFY_SOCKET. Main
 * thread. */
#pragma once

#include "base/cc.h"

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
void notify_watchdog(void);
/* One line for `systemctl status`. */
void notify_status(const char *text);
/* Half the watchdog's time in ns, 0 if systemd expects no pings. */
uint64_t notify_watchdog_period_ns(void);
