/* SPDX-License-Identifier: MIT */
/*
 * The process that starts the others: one for each device of a type.
 *
 * It forks without exec: a child needs no loading and linking, only its own
 * loop; and it forks the next one ahead (spare.c).  Which devices there are it
 * learns from the store, which of them are served from locks; so killed and
 * started again it knows all that it did.
 *
 * A child that ends is started again: at once, or later if it ends often.  When
 * the store comes back after it was away, the children cannot connect to it
 * any more (they have no rights), and are replaced.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pv-backends/common/child.h"
#include "pv-backends/common/limit.h"
#include "pv-backends/common/spare.h"
#include "pv-backends/common/worker.h"
#include "tools/xs/xs_ext.h"

#define STORE_RETRY 0.2 /* seconds */
/* A process may be started again that often a second, and so often at once. */
#define AGAIN_RATE  0.5
#define AGAIN_BURST 20

struct child {
	struct supervisor *s;
	domid_t domid;
	uint32_t devid;
	pid_t pid; /* 0: none runs */
	int pidfd;
	struct ev_io ended;
	struct ev_timer again;
	struct limit often;
	bool there; /* in the store, as far as the last look saw */
	struct child *next;
};

struct supervisor {
	const struct xb_driver *drv;
	const struct worker_options *opt;
	struct ev_loop *loop;
	struct store store;
	struct ev_timer reconnect;
	struct ev_signal term, intr;
	struct child *children;
	struct spare spare;
	char folder[STORE_PATH];
};

static void start(struct child *c);
static void look_at(struct supervisor *s, domid_t domid, uint32_t devid);

static void forget(struct child *c)
{
	struct supervisor *s = c->s;
	struct child **at = &s->children;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	ev_timer_stop(s->loop, &c->again);
	if (s->drv->forgotten)
		s->drv->forgotten(c->domid, c->devid);
	unlink(worker_path(s->drv, s->opt, c->domid, c->devid, "journal"));
	unlink(worker_path(s->drv, s->opt, c->domid, c->devid, "sock"));
	unlink(worker_path(s->drv, s->opt, c->domid, c->devid, "pid"));
	free(c);
}

static void on_again(struct ev_loop *loop, struct ev_timer *w, int what)
{
	(void)loop;
	(void)what;
	start(w->data);
}

static void start_later(struct child *c)
{
	double pause = limit_wait(&c->often, ev_now(c->s->loop));

	limit_take(&c->often, 1);
	ev_timer_stop(c->s->loop, &c->again);
	ev_timer_set(&c->again, pause, 0);
	ev_timer_start(c->s->loop, &c->again);
}

/* Why it ended, as an exit status; a process that was not our child has none,
 * and is one that shall run. */
static int reap(struct child *c)
{
	int status;

	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
		return WORKER_AGAIN;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	log_line("d%u/%u: killed by signal %d", c->domid, c->devid,
		 WTERMSIG(status));
	return WORKER_AGAIN;
}

static void on_ended(struct ev_loop *loop, struct ev_io *io, int what)
{
	struct child *c = io->data;
	struct supervisor *s = c->s;
	int status = reap(c);

	(void)what;
	ev_io_stop(loop, io);
	close(c->pidfd);
	c->pid = 0;
	if (status == WORKER_ENDED) {
		domid_t domid = c->domid;
		uint32_t devid = c->devid;

		forget(c);
		/* There may be another one of that number already. */
		if (s->store.xs)
			look_at(s, domid, devid);
	} else if (!c->there) {
		forget(c);
	} else if (status == WORKER_FAILED) {
		log_line("d%u/%u: not started again", c->domid, c->devid);
	} else {
		start_later(c);
	}
}

static void attend(struct child *c, pid_t pid, int pidfd)
{
	c->pid = pid;
	c->pidfd = pidfd;
	ev_io_init(&c->ended, on_ended, pidfd, EV_READ);
	c->ended.data = c;
	ev_io_start(c->s->loop, &c->ended);
}

/* In a child: nothing of the parent's is used again. */
static void forget_parent(struct supervisor *s)
{
	const struct child *c;
	sigset_t none;

	for (c = s->children; c; c = c->next)
		if (c->pid)
			close(c->pidfd);
	/* Destroying the loop leaves them, and who watches next unheard. */
	ev_signal_stop(s->loop, &s->term);
	ev_signal_stop(s->loop, &s->intr);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	store_forget(&s->store);
	ev_loop_destroy(s->loop);
	spare_forget(&s->spare);
}

static void forget_for_spare(struct spare *sp)
{
	forget_parent(
		(struct supervisor *)((char *)sp -
				      offsetof(struct supervisor, spare)));
}

static void start(struct child *c)
{
	struct supervisor *s = c->s;
	int pidfd;
	pid_t pid;

	spare_make_later(&s->spare);
	if (spare_take(&s->spare, c->domid, c->devid, &pid, &pidfd)) {
		attend(c, pid, pidfd);
		return;
	}
	pid = child_fork();
	if (!pid) {
		forget_parent(s);
		exit(worker_run(s->drv, s->opt, c->domid, c->devid));
	}
	if (pid < 0) {
		log_line("d%u/%u: fork: %s", c->domid, c->devid,
			 strerror(errno));
		start_later(c);
		return;
	}
	pidfd = pidfd_open(pid, 0);
	if (pidfd >= 0) {
		attend(c, pid, pidfd);
		return;
	}
	log_line("d%u/%u: pidfd: %s", c->domid, c->devid, strerror(errno));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	start_later(c);
}

/* A process that an earlier supervisor started. */
static bool adopt(struct child *c)
{
	const struct supervisor *s = c->s;
	const char *path =
		worker_path(s->drv, s->opt, c->domid, c->devid, "pid");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	bool locked;
	int pidfd = -1;
	pid_t pid;

	if (fd < 0)
		return false;
	locked = flock(fd, LOCK_SH | LOCK_NB) != 0;
	pid = read(fd, text, sizeof(text) - 1) > 0 ? atoi(text) : 0;
	close(fd);
	if (locked && pid > 0)
		pidfd = pidfd_open(pid, 0);
	if (pidfd < 0)
		return false;
	attend(c, pid, pidfd);
	return true;
}

static struct child *find(struct supervisor *s, domid_t domid, uint32_t devid)
{
	struct child *c = s->children;

	while (c && (c->domid != domid || c->devid != devid))
		c = c->next;
	return c;
}

/* The device failed, and none of its words are there: it is another one. */
static bool is_new(const struct child *c, const char *dir)
{
	struct store_value status;

	return !c->pid && !ev_is_active(&c->again) &&
	       !store_read(&c->s->store, dir, "hotplug-status", &status);
}

static void look_at(struct supervisor *s, domid_t domid, uint32_t devid)
{
	struct child *c = find(s, domid, devid);
	struct store_value state;
	char dir[STORE_PATH];

	snprintf(dir, sizeof(dir), "%.200s/%u/%u", s->folder, domid, devid);
	store_read(&s->store, dir, "state", &state);
	if (!s->store.xs)
		return; /* it has gone meanwhile, and said nothing */
	if (c) {
		c->there = state.there;
		if (!c->there && !c->pid)
			forget(c);
		else if (is_new(c, dir))
			start_later(c);
		return;
	}
	/* 6: closed, and only waits to be removed. */
	if (!state.there || !strcmp(state.text, "6"))
		return;
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	c->s = s;
	c->domid = domid;
	c->devid = devid;
	c->there = true;
	limit_set(&c->often, AGAIN_RATE, AGAIN_BURST, ev_now(s->loop));
	ev_init(&c->again, on_again);
	c->again.data = c;
	c->next = s->children;
	s->children = c;
	if (!adopt(c))
		start(c);
}

static void look_below(struct supervisor *s, const char *domid)
{
	char dir[STORE_PATH];
	unsigned int nr, i;
	char **names;

	snprintf(dir, sizeof(dir), "%.200s/%.16s", s->folder, domid);
	names = xs_directory(s->store.xs, XBT_NULL, dir, &nr);
	for (i = 0; names && i < nr && s->store.xs; i++)
		look_at(s, (domid_t)atoi(domid),
			(uint32_t)strtoul(names[i], NULL, 10));
	free(names);
}

/* The devices that we know, of one domain or (-1) of all. */
static void look_at_known(struct supervisor *s, int domid)
{
	struct child *c, *next;

	for (c = s->children; c && s->store.xs; c = next) {
		next = c->next;
		if (domid < 0 || c->domid == domid)
			look_at(s, c->domid, c->devid);
	}
}

static void look_everywhere(struct supervisor *s)
{
	unsigned int nr = 0, i;
	char **names = xs_directory(s->store.xs, XBT_NULL, s->folder, &nr);

	for (i = 0; names && i < nr && s->store.xs; i++)
		look_below(s, names[i]);
	free(names);
	look_at_known(s, -1);
}

static void on_event(struct store *st, const char *path, const char *token)
{
	struct supervisor *s = st->owner;
	unsigned int domid, devid;
	size_t len = strlen(s->folder);
	char name[16];
	int numbers = 0;

	(void)token;
	if (!strncmp(path, s->folder, len))
		numbers = sscanf(path + len, "/%u/%u", &domid, &devid);
	if (numbers == 2) {
		look_at(s, (domid_t)domid, devid);
	} else if (numbers == 1) {
		snprintf(name, sizeof(name), "%u", domid);
		look_below(s, name);
		look_at_known(s, (int)domid);
	} else {
		look_everywhere(s);
	}
}

static bool connect_store(struct supervisor *s)
{
	if (store_open(&s->store, s->loop))
		return false;
	if (xs_watch_depth(s->store.xs, s->folder, "device", 2)) {
		spare_make_later(&s->spare);
		return true;
	}
	log_line("store: watch %s: %s", s->folder, strerror(errno));
	store_close(&s->store);
	return false;
}

static void on_reconnect(struct ev_loop *loop, struct ev_timer *w, int what)
{
	struct supervisor *s = w->data;
	struct child *c;

	(void)what;
	if (!connect_store(s))
		return;
	ev_timer_stop(loop, w);
	for (c = s->children; c; c = c->next)
		if (c->pid)
			kill(c->pid, SIGHUP);
	log_line("the store is back");
}

static void on_lost(struct store *st)
{
	struct supervisor *s = st->owner;

	log_line("the store is gone");
	spare_end(&s->spare); /* it has lost its connection, too */
	ev_timer_start(s->loop, &s->reconnect);
}

static void on_term(struct ev_loop *loop, struct ev_signal *w, int what)
{
	(void)w;
	(void)what;
	ev_break(loop, EVBREAK_ALL);
}

/* Processes of devices end with us if they are asked, and not otherwise. */
static void stop_children(struct supervisor *s)
{
	struct child *c;

	for (c = s->children; c; c = c->next)
		if (c->pid)
			kill(c->pid, SIGTERM);
	for (c = s->children; c; c = c->next)
		if (c->pid && waitpid(c->pid, NULL, 0) < 0 && errno != ECHILD)
			log_line("wait: %s", strerror(errno));
}

int supervisor_run(const struct xb_driver *drv,
		   const struct worker_options *opt)
{
	struct supervisor s = {.drv = drv, .opt = opt};

	log_name("%s", drv->program);
	s.loop = ev_default_loop(EVFLAG_NOENV);
	/* This loop would wait for our children, too: whether one ended or
	 * wants to be started again would be lost where it is the first. */
	signal(SIGCHLD, SIG_DFL);
	s.store.owner = &s;
	s.store.event = on_event;
	s.store.lost = on_lost;
	snprintf(s.folder, sizeof(s.folder), "/parapet/backend/%s", drv->type);
	ev_signal_init(&s.term, on_term, SIGTERM);
	ev_signal_init(&s.intr, on_term, SIGINT);
	ev_signal_start(s.loop, &s.term);
	ev_signal_start(s.loop, &s.intr);
	ev_timer_init(&s.reconnect, on_reconnect, STORE_RETRY, STORE_RETRY);
	s.reconnect.data = &s;
	s.spare = (struct spare){.drv = drv,
				 .opt = opt,
				 .loop = s.loop,
				 .forget = forget_for_spare};
	spare_init(&s.spare);
	if (!connect_store(&s))
		ev_timer_start(s.loop, &s.reconnect);
	log_line("ready");
	ev_run(s.loop, 0);
	spare_end(&s.spare);
	stop_children(&s);
	store_close(&s.store);
	return 0;
}
