/* SPDX-License-Identifier: MIT */
/* The daemon: the engine on an event loop. */
#ifndef TOOLS_STORE_DAEMON_H
#define TOOLS_STORE_DAEMON_H

#include <ev.h>

#include "tools/store/config.h"
#include "tools/store/journal.h"
#include "tools/store/ring.h"
#include "tools/store/transport.h"
#include "tools/xs/eager.h"

struct daemon;

/* A client on a socket. */
struct sock {
	struct list link;
	struct daemon *dm;
	struct conn *c;
	ev_io rd, wr;
	int fd;
};

/* A domain's ring on the event loop. */
struct ring_io {
	struct list link;
	struct list busy; /* daemon.rings_busy: look at it this turn */
	struct daemon *dm;
	struct domain *d;
	struct ring ring;
	struct ring_link dev;
	ev_io rd;
	ev_timer rest; /* runs: it asked for too much, and waits */
	double tokens, refilled;
};

struct daemon {
	struct ev_loop *loop;
	struct config cfg;
	struct store st;
	struct journal journal;
	bool journalling;
	struct ring_transport rings;
	bool have_rings;
	struct list socks, ring_ios, rings_busy;
	ev_io listener[CONFIG_SOCKETS];
	ev_prepare turn;
	ev_idle more; /* there is work, or hope for some */
	struct eager eager;
	uint64_t served; /* requests, up to the turn before */
	ev_timer alarm;
	ev_signal term, intr, hup;
	unsigned nclients;
	bool accept_paused;
	char *handover; /* program to go on in, or NULL */
	char **argv;
};

/* server.c */
void server_start(struct daemon *dm);
struct sock *sock_adopt(struct daemon *dm, int fd);
int server_listen(struct daemon *dm, char *why, size_t len);
void server_stop(struct daemon *dm);

/* sock.c */
void sock_close(struct sock *s);
void sock_send(struct sock *s);
void sock_listen_start(struct daemon *dm, unsigned i, int fd);
void sock_accept_resume(struct daemon *dm);

/* rings.c */
void rings_init(struct daemon *dm);
void rings_resume(struct daemon *dm); /* those that the journal knows */
void rings_settle(struct daemon *dm); /* before the journal's flush   */
void rings_publish(struct daemon *dm); /* after it                     */
void ring_mark(struct ring_io *r);
void ring_spend(struct ring_io *r, unsigned requests);

/* handover.c */
#define HANDOVER_ENV "PARAPET_STORE_HANDOVER"
void handover_go(struct daemon *dm); /* returns only if it failed */
/* 0: nothing to take over; 1: done; -1: failed, with why. */
int handover_take(struct daemon *dm, char *why, size_t len);

/* log.c */
void log_open(const char *file, bool foreground);
void log_line(const char *text);

#endif
