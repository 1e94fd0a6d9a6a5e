/* SPDX-License-Identifier: MIT */
/*
 * The daemon's turn: what happens between two waits for events.
 *
 *	run some requests of each client that has any
 *	flush the journal                    one write for all of them
 *	send the answers and events          so none is known before it is safe
 *
 * A client gets RUN_SHARE requests in a turn while others wait, so that one
 * that pipelines thousands does not hold up the rest.
 */
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/store/daemon.h"

#define RUN_ALONE 512
#define RUN_SHARE 32
/* Nodes of a checkpoint in one turn: few while clients wait. */
#define CHECK_BUSY 64
#define CHECK_IDLE 1024

static void run_requests(struct daemon *dm)
{
	struct list *l = &dm->st.runnable, todo;
	unsigned share = l->next->next == l ? RUN_ALONE : RUN_SHARE, done;
	struct conn *c;

	if (list_empty(l))
		return;
	/* Those that become runnable again wait for the next turn. */
	todo = *l;
	todo.next->prev = todo.prev->next = &todo;
	list_init(l);
	while (!list_empty(&todo)) {
		c = container_of(todo.next, struct conn, run_link);
		done = conn_run(c, share);
		if (c->dom && c->transport) {
			ring_spend(c->transport, done);
			ring_mark(c->transport);
		}
	}
}

static void send_all(struct daemon *dm)
{
	struct list todo;
	struct conn *c;

	rings_publish(dm);
	todo = dm->st.dirty;
	if (list_empty(&dm->st.dirty))
		return;
	todo.next->prev = todo.prev->next = &todo;
	list_init(&dm->st.dirty);
	while (!list_empty(&todo)) {
		c = container_of(todo.next, struct conn, dirty_link);
		list_del(&c->dirty_link);
		if (!c->dom)
			sock_send(c->transport);
		else if (c->transport)
			ring_mark(c->transport); /* events: next turn */
	}
}

static bool daemon_has_work(const struct daemon *dm)
{
	return !list_empty(&dm->st.runnable) || !list_empty(&dm->rings_busy) ||
	       !list_empty(&dm->st.dirty) ||
	       (dm->journalling && journal_busy(&dm->journal));
}

static void set_alarm(struct daemon *dm)
{
	double wait = turn_tick(&dm->st);

	if (dm->journalling && dm->journal.failed && (!wait || wait > 1))
		wait = 1;
	if (dm->accept_paused && (!wait || wait > 1))
		wait = 1;
	ev_timer_stop(dm->loop, &dm->alarm);
	if (wait > 0) {
		ev_timer_set(&dm->alarm, wait, 0);
		ev_timer_start(dm->loop, &dm->alarm);
	}
}

/* Ring events of this turn, made by requests of others. */
static void mark_dirty_rings(struct daemon *dm)
{
	struct list *pos;
	struct conn *c;

	list_for_each (pos, &dm->st.dirty) {
		c = container_of(pos, struct conn, dirty_link);
		if (c->dom && c->transport)
			ring_mark(c->transport);
	}
}

/* May another request come so soon that sleeping is not worth it? */
static bool daemon_hopes(struct daemon *dm)
{
	struct store_stats *stats = &dm->st.stats;
	uint64_t now = eager_clock();
	bool look;

	if (stats->requests != dm->served)
		eager_came(&dm->eager, now);
	dm->served = stats->requests;
	look = eager_wait(&dm->eager, now);
	stats->looks = dm->eager.looks;
	stats->hits = dm->eager.hits;
	return look;
}

static void daemon_turn(struct ev_loop *loop, ev_prepare *w, int events)
{
	struct daemon *dm = w->data;
	bool busy = !list_empty(&dm->st.runnable);

	(void)events;
	run_requests(dm);
	mark_dirty_rings(dm);
	rings_settle(dm);
	if (dm->journalling) {
		journal_flush(&dm->journal);
		journal_checkpoint(&dm->journal, false);
		if (journal_busy(&dm->journal))
			journal_step(&dm->journal,
				     busy ? CHECK_BUSY : CHECK_IDLE);
	}
	send_all(dm);
	if (dm->handover)
		handover_go(dm);
	set_alarm(dm);
	if (daemon_has_work(dm) || daemon_hopes(dm))
		ev_idle_start(loop, &dm->more);
	else
		ev_idle_stop(loop, &dm->more);
}

/* Its being active keeps the loop from blocking. */
static void idle_work(struct ev_loop *loop, ev_idle *w, int events)
{
	struct daemon *dm = w->data;

	(void)loop;
	(void)events;
	if (dm->eager.looking)
		sched_yield();
}

static void alarm_rang(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	sock_accept_resume(w->data);
}

static void stop_signal(struct ev_loop *loop, ev_signal *w, int events)
{
	(void)w;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static void hup_signal(struct ev_loop *loop, ev_signal *w, int events)
{
	struct daemon *dm = w->data;

	(void)loop;
	(void)events;
	log_open(dm->cfg.log, dm->cfg.foreground);
}

void server_start(struct daemon *dm)
{
	ev_prepare_init(&dm->turn, daemon_turn);
	dm->turn.data = dm;
	ev_prepare_start(dm->loop, &dm->turn);
	ev_idle_init(&dm->more, idle_work);
	dm->more.data = dm;
	ev_timer_init(&dm->alarm, alarm_rang, 0, 0);
	dm->alarm.data = dm;
	ev_signal_init(&dm->term, stop_signal, SIGTERM);
	ev_signal_init(&dm->intr, stop_signal, SIGINT);
	ev_signal_init(&dm->hup, hup_signal, SIGHUP);
	dm->hup.data = dm;
	ev_signal_start(dm->loop, &dm->term);
	ev_signal_start(dm->loop, &dm->intr);
	ev_signal_start(dm->loop, &dm->hup);
}

/* A socket file that nobody answers on is left over. */
static bool socket_in_use(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool used =
		fd >= 0 && !connect(fd, (const struct sockaddr *)a, sizeof(*a));

	if (fd >= 0)
		close(fd);
	return used;
}

static int socket_dress(const struct config *cfg, const char *path)
{
	const struct group *g;

	if (cfg->socket_group) {
		g = getgrnam(cfg->socket_group);
		if (!g) {
			errno = ENOENT;
			return -1;
		}
		if (chown(path, (uid_t)-1, g->gr_gid))
			return -1;
	}
	return chmod(path, cfg->socket_mode);
}

static int listen_one(struct daemon *dm, unsigned i, char *why, size_t len)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const char *path = dm->cfg.socket[i];
	mode_t mask;
	int fd, rc;

	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		goto failed;
	if (socket_in_use(&a)) {
		errno = EADDRINUSE;
		goto failed;
	}
	unlink(path);
	mask = umask(0177);
	rc = bind(fd, (struct sockaddr *)&a, sizeof(a));
	umask(mask);
	if (rc || socket_dress(&dm->cfg, path) || listen(fd, 1024))
		goto failed;
	sock_listen_start(dm, i, fd);
	return 0;
failed:
	rc = errno;
	snprintf(why, len, "socket: %s: %s", path, strerror(rc));
	if (fd >= 0)
		close(fd);
	return rc;
}

int server_listen(struct daemon *dm, char *why, size_t len)
{
	unsigned i;
	int rc = 0;

	for (i = 0; !rc && i < dm->cfg.nsockets; i++)
		rc = listen_one(dm, i, why, len);
	return rc;
}

void server_stop(struct daemon *dm)
{
	unsigned i;

	for (i = 0; i < dm->cfg.nsockets; i++)
		unlink(dm->cfg.socket[i]);
}
