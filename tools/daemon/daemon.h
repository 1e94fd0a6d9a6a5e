/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the daemon share.
 *
 * One thread runs everything, in turns of one event loop; only building and
 * destroying a domain is handed to others (work.h).
 */
#ifndef TOOLS_DAEMON_DAEMON_H
#define TOOLS_DAEMON_DAEMON_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "tools/daemon/config.h"
#include "tools/daemon/fail.h"
#include "tools/daemon/hv.h"
#include "tools/daemon/settings.h"
#include "tools/daemon/store.h"

#define DAEMON_VERSION "1.0"

struct domain;
struct job;
struct server;
struct services;
struct work;

TAILQ_HEAD(domain_list, domain);

struct daemon {
	struct ev_loop *loop;
	const struct settings *set;
	struct hv *hv;
	struct store *store;
	struct server *server; /* NULL in some tests */
	struct services *services; /* NULL: supervises nothing */
	struct work *work;
	struct domain_list domains;
	domid_t last_domid; /* the number that was given last */
	struct ev_io store_io, hv_io;
	struct ev_timer poll; /* where the hypervisor cannot tell */
};

/* Seconds, for differences; and of the calendar. */
double daemon_now(void);
/* "room: subject verb, key=value" to the log. */
void daemon_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Look for domains that ended; life_end.c. */
void daemon_check_domains(struct daemon *dm);
/* Take the store's events; watch.c. */
int daemon_watch_store(struct daemon *dm, struct fail *why);
void daemon_watch_hv(struct daemon *dm);
void daemon_unwatch(struct daemon *dm);

#endif
