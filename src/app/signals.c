#include "app/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

static void on_stop(struct signals *s, uint32_t number)
{
	if (s->stop != STOP_NO && number != SIGUSR2) {
		LOG(LOG_WARN, "main", "second_signal", LF_U64("signal", number));
		log_stop();
		_exit(1);
	}
	s->stop = number == SIGUSR2 ? STOP_KEEP : STOP_AS_CONFIGURED;
}

static void on_signal(struct ev_source *source, uint32_t events)
{
	struct signals *s = CONTAINER_OF(source, struct signals, source);
	struct signalfd_siginfo info;

	(void)events;
	while (read(source->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		LOG(LOG_INFO, "main", "signal", LF_U64("signal", info.ssi_signo),
		    LF_U64("pid", info.ssi_pid));
		if (info.ssi_signo == SIGHUP)
			s->is_reload_wanted = true;
		else
			on_stop(s, info.ssi_signo);
	}
}

int signals_init(struct signals *s, struct evloop *loop)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	*s = (struct signals){.source = {.fn = on_signal}};
	s->source.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->source.fd < 0)
		return err_origin(-errno);
	return evloop_watch(loop, &s->source, EPOLLIN);
}

void signals_deinit(struct signals *s, struct evloop *loop)
{
	evloop_unwatch(loop, &s->source);
	close(s->source.fd);
}
