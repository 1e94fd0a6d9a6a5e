/* SPDX-License-Identifier: MIT */
/*
 * A guest's console ring on two descriptors.
 *
 * What the guest writes goes out as it comes; what is typed goes in as far as
 * there is room.  The end of a domain is told by VIRQ_DOM_EXC, which only one
 * program of the control domain can have: a second one asks every 100 ms.
 *
 * HOSTILE  The ring is the guest's: each index is read once, and one that
 * claims more than the ring holds ends the console.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pv/event_channel.h>
#include <pv/io/console.h>

#include "tools/build/console.h"

#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define ASK_MS           100

int console_open(struct console *c, struct pv *pv, const struct guest *guest,
		 int in, int out, struct build_error *why)
{
	static const uint32_t ref = GNTTAB_RESERVED_CONSOLE;
	int port;

	*c = (struct console){
		.pv = pv,
		.domid = guest->domid,
		.in = in,
		.out = out,
	};
	c->events = pv_evtchn_open();
	c->gnt = c->events ? pv_gnt_open() : NULL;
	if (c->gnt)
		c->ring = pv_gnt_map(c->gnt, guest->domid, &ref, 1, true);
	port = c->ring ? pv_evtchn_bind(c->events, guest->domid,
					guest->console_port)
		       : -errno;
	if (port < 0) {
		console_close(c);
		return build_fail(why, -port, "console: %s", pv_error());
	}
	c->port = (uint32_t)port;
	port = pv_evtchn_bind_virq(c->events, VIRQ_DOM_EXC);
	c->ended_port = port < 0 ? 0 : (uint32_t)port;
	return 0;
}

void console_close(struct console *c)
{
	if (c->ring)
		pv_gnt_unmap(c->gnt, c->ring, 1);
	pv_gnt_close(c->gnt);
	pv_evtchn_close(c->events);
	*c = (struct console){0};
}

static int write_all(int fd, const char *p, size_t n)
{
	ssize_t done;

	while (n) {
		done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

/* From the guest. */
static int carry_out(struct console *c)
{
	char text[XENCONS_OUT_SIZE];
	uint32_t cons = READ_ONCE(c->ring->out_cons);
	uint32_t prod = READ_ONCE(c->ring->out_prod), n = prod - cons;

	if (n > XENCONS_OUT_SIZE)
		return -EPROTO;
	if (!n)
		return 0;
	__atomic_thread_fence(__ATOMIC_ACQUIRE); /* ORDER: index, bytes */
	for (uint32_t i = 0; i < n; i++)
		text[i] = c->ring->out[(cons + i) % XENCONS_OUT_SIZE];
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* ORDER: bytes, index */
	WRITE_ONCE(c->ring->out_cons, prod);
	pv_evtchn_notify(c->events, c->port);
	return write_all(c->out, text, n);
}

static uint32_t room_in(const struct console *c)
{
	uint32_t used =
		READ_ONCE(c->ring->in_prod) - READ_ONCE(c->ring->in_cons);

	return used > XENCONS_IN_SIZE ? 0 : XENCONS_IN_SIZE - used;
}

/* To the guest. */
static void carry_in(struct console *c)
{
	uint32_t prod = READ_ONCE(c->ring->in_prod), room = room_in(c);
	char text[XENCONS_IN_SIZE];
	ssize_t n;

	if (!room)
		return;
	n = read(c->in, text, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		c->in = -1;
		return;
	}
	for (uint32_t i = 0; i < (uint32_t)n; i++)
		c->ring->in[(prod + i) % XENCONS_IN_SIZE] = text[i];
	__atomic_thread_fence(__ATOMIC_RELEASE); /* ORDER: bytes, index */
	WRITE_ONCE(c->ring->in_prod, prod + (uint32_t)n);
	pv_evtchn_notify(c->events, c->port);
}

static void take_events(struct console *c)
{
	int port;

	while ((port = pv_evtchn_pending(c->events)) >= 0)
		pv_evtchn_unmask(c->events, (uint32_t)port);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Wait for an event, a key, or the time to ask again. */
static void wait_for_news(struct console *c, int64_t left)
{
	struct pollfd fds[2] = {
		{.fd = pv_evtchn_fd(c->events), .events = POLLIN},
		{.fd = room_in(c) ? c->in : -1, .events = POLLIN},
	};
	int timeout = c->ended_port ? -1 : ASK_MS;

	if (left >= 0 && (timeout < 0 || left < timeout))
		timeout = (int)left;
	if (poll(fds, 2, timeout) <= 0)
		return;
	if (fds[0].revents)
		take_events(c);
	if (fds[1].revents)
		carry_in(c);
}

int console_run(struct console *c, unsigned int seconds,
		struct pv_domain_info *info, struct build_error *why)
{
	int64_t end = seconds ? now_ms() + seconds * 1000ll : 0, left = -1;
	int rc;

	for (;;) {
		rc = pv_control_get_domain(c->pv, c->domid, info);
		if (rc)
			return build_fail(why, -rc, "console: %s", pv_error());
		rc = carry_out(c);
		if (rc)
			return build_fail(why, -rc, "console: %s",
					  rc == -EPROTO ? "the ring is broken"
							: strerror(-rc));
		if (info->flags & PV_DOMAIN_SHUTDOWN)
			return 0;
		if (end && (left = end - now_ms()) <= 0)
			return build_fail(why, ETIMEDOUT,
					  "console: d%u did not end within "
					  "%u s",
					  c->domid, seconds);
		wait_for_news(c, left);
	}
}
