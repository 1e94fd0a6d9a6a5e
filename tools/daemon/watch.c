/* SPDX-License-Identifier: MIT */
/* What wakes the daemon besides its clients: the store, the hypervisor. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tools/daemon/daemon.h"
#include "tools/daemon/device.h"

#define POLL_SECONDS 0.5

double daemon_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void daemon_log(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "parapetd: %s\n", line);
}

static void on_store(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct daemon *dm = io->data;
	char *path;

	(void)loop;
	(void)events;
	while ((path = store_event(dm->store))) {
		device_changed(dm, path);
		free(path);
	}
	devices_look(dm);
}

int daemon_watch_store(struct daemon *dm, struct fail *why)
{
	if (store_watch(dm->store, "/parapet/backend", why))
		return -1;
	ev_io_init(&dm->store_io, on_store, store_fd(dm->store), EV_READ);
	dm->store_io.data = dm;
	ev_io_start(dm->loop, &dm->store_io);
	return 0;
}

static void on_hv(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct daemon *dm = io->data;

	(void)loop;
	(void)events;
	dm->hv->ops->event_take(dm->hv);
	daemon_check_domains(dm);
}

/* Also where the hypervisor tells: a wake-up may get lost with a daemon. */
static void on_poll(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	daemon_check_domains(timer->data);
}

void daemon_watch_hv(struct daemon *dm)
{
	int fd = dm->hv->ops->event_fd(dm->hv);
	double every = fd < 0 ? POLL_SECONDS : 20 * POLL_SECONDS;

	ev_timer_init(&dm->poll, on_poll, every, every);
	dm->poll.data = dm;
	ev_timer_start(dm->loop, &dm->poll);
	if (fd < 0)
		return;
	ev_io_init(&dm->hv_io, on_hv, fd, EV_READ);
	dm->hv_io.data = dm;
	ev_io_start(dm->loop, &dm->hv_io);
}

void daemon_unwatch(struct daemon *dm)
{
	ev_timer_stop(dm->loop, &dm->poll);
	ev_io_stop(dm->loop, &dm->hv_io);
	ev_io_stop(dm->loop, &dm->store_io);
}
