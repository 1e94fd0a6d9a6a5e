/* SPDX-License-Identifier: MIT */
/*
 * The process of one device.
 *
 * As root it finds the device in the store, opens what the device stands for,
 * the journal and the bus; then it becomes a user without rights and runs its
 * loop.  It cannot connect to the store again: when the store goes away it
 * serves its rings without, until SIGHUP tells it to make room for a successor
 * that has a connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pv-backends/common/worker.h"

const char *worker_path(const struct xb_driver *drv,
			const struct worker_options *opt, domid_t domid,
			uint32_t devid, const char *ending)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s-%u-%u.%s", opt->run, drv->type,
		 domid, devid, ending);
	return path;
}

/* One process a device: the lock is held until this one ends, and the file has
 * its number. */
static int take_lock(const char *path)
{
	char pid[16];
	int n, fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		return -1;
	}
	n = snprintf(pid, sizeof(pid), "%d\n", getpid());
	if (ftruncate(fd, 0) || write(fd, pid, (size_t)n) != n) {
		close(fd);
		return -1;
	}
	return fd;
}

static void on_signal(struct ev_loop *loop, struct ev_signal *w, int what)
{
	(void)w;
	(void)what;
	ev_break(loop, EVBREAK_ALL);
}

static void on_lost(struct store *s)
{
	(void)s;
	log_line("the store is gone; going on without");
}

static int give_away(struct xb *xb, const struct worker_options *opt)
{
	char why[256];

	if (opt->user && harden_user(opt->user, why, sizeof(why)))
		return xb_error(xb, "%s", why);
	if (opt->sandbox && harden_sandbox(xb->network, why, sizeof(why)))
		log_line("%s; going on without", why);
	return 0;
}

/* Everything that needs rights; then give them away. */
static int prepare(struct xb *xb, const struct worker_options *opt)
{
	const char *journal =
		worker_path(xb->drv, opt, xb->domid, xb->devid, "journal");
	int rc = journal_open(&xb->journal, journal, xb->drv->journal_bytes);

	if (rc)
		return xb_error(xb, "%s: %s", journal, strerror(-rc));
	if (!xb->bus)
		xb->bus = bus_open(opt->bus, xb->loop);
	if (!xb->bus)
		return xb_error(xb, "%s", bus_error());
	bus_restrict(xb->bus, xb->domid);
	if (xb->drv->open(xb))
		return -1;
	rc = give_away(xb, opt);
	if (rc)
		xb->drv->close(xb);
	return rc;
}

static int serve(struct xb *xb, const struct worker_options *opt)
{
	struct ev_signal term, hup;
	int rc;

	xb->store.lost = on_lost;
	if (!xb->store.xs && store_open(&xb->store, xb->loop)) {
		log_line("store: %s", strerror(errno));
		return WORKER_AGAIN;
	}
	if (xb_find(xb)) {
		log_line("%s", xb->error);
		return WORKER_AGAIN;
	}
	rc = prepare(xb, opt);
	xb_report(xb, rc);
	if (rc)
		return WORKER_FAILED;
	ev_signal_init(&term, on_signal, SIGTERM);
	ev_signal_init(&hup, on_signal, SIGHUP);
	ev_signal_start(xb->loop, &term);
	ev_signal_start(xb->loop, &hup);
	xb_start(xb);
	if (!xb->ended)
		ev_run(xb->loop, 0);
	xb_stop(xb);
	return xb->ended ? WORKER_ENDED : WORKER_AGAIN;
}

static struct {
	const struct worker_options *opt;
	char device[32];
} self;

void worker_exec(const char *program)
{
	const struct worker_options *opt = self.opt;
	char path[256];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	const char *argv[] = {program,
			      "--device",
			      self.device,
			      "--run",
			      opt->run,
			      "--user",
			      opt->user ? opt->user : "",
			      "--bus",
			      opt->bus ? opt->bus : "xen",
			      opt->sandbox ? NULL : "--no-sandbox",
			      NULL};
	char *slash;

	if (n < 0)
		return;
	path[n] = '\0';
	slash = strrchr(path, '/');
	snprintf(slash + 1, sizeof(path) - (size_t)(slash + 1 - path), "%s",
		 program);
	execv(path, (char **)(uintptr_t)argv);
}

struct xb *worker_prepare(const struct xb_driver *drv,
			  const struct worker_options *opt)
{
	struct xb *xb = calloc(1, sizeof(*xb));

	if (!xb)
		return NULL;
	xb->drv = drv;
	xb->loop = ev_default_loop(EVFLAG_NOENV);
	/* What fails now is tried again, and told, when there is a device. */
	store_open(&xb->store, xb->loop);
	xb->bus = bus_open(opt->bus, xb->loop);
	return xb;
}

int worker_serve(struct xb *xb, const struct worker_options *opt, domid_t domid,
		 uint32_t devid)
{
	const struct xb_driver *drv = xb->drv;
	int rc = WORKER_AGAIN, lock;

	self.opt = opt;
	snprintf(self.device, sizeof(self.device), "%u/%u", domid, devid);
	log_name("%s: d%u/%u", drv->program, domid, devid);
	lock = take_lock(worker_path(drv, opt, domid, devid, "pid"));
	if (lock >= 0) {
		snprintf(xb->socket, sizeof(xb->socket), "%s",
			 worker_path(drv, opt, domid, devid, "sock"));
		xb->domid = domid;
		xb->devid = devid;
		ev_now_update(xb->loop);
		rc = serve(xb, opt);
	} else {
		log_line("another process serves it");
	}
	bus_close(xb->bus);
	journal_close(&xb->journal);
	store_close(&xb->store);
	free(xb);
	if (lock >= 0)
		close(lock);
	return rc;
}

int worker_run(const struct xb_driver *drv, const struct worker_options *opt,
	       domid_t domid, uint32_t devid)
{
	struct xb *xb = worker_prepare(drv, opt);

	return xb ? worker_serve(xb, opt, domid, devid) : WORKER_AGAIN;
}
