/* SPDX-License-Identifier: MIT */
/*
 * A qemu-nbd process for each disk of another format.
 *
 * It gets the listening socket as systemd would hand it on.  If it ends while
 * the disk is in use it is started again, on the same socket: the backend
 * connects again and repeats what had no answer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/daemon/device.h"
#include "tools/daemon/nbd.h"
#include "tools/daemon/proc.h"
#include "tools/daemon/record.h"

#define RESTART_AFTER 0.2
#define ARGS_MAX      16

struct nbd {
	struct device *dev;
	struct proc *proc;
	struct ev_timer again;
	int listen_fd; /* -1: of a former daemon, with the process alone */
	char socket[108], uri[160], image[1024];
	bool readonly, discard;
	enum disk_format format;
};

bool nbd_is_needed(const struct dom_disk *disk)
{
	return disk->format != FORMAT_RAW ||
	       (disk->type == DISK_NETWORK && strcmp(disk->protocol, "nbd"));
}

static int nbd_listen(struct nbd *n, struct fail *why)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	unlink(n->socket);
	n->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", n->socket);
	if (n->listen_fd >= 0 &&
	    !bind(n->listen_fd, (struct sockaddr *)&sa, sizeof(sa)) &&
	    !listen(n->listen_fd, 16))
		return 0;
	return fail_set(why, fail_of_errno(errno), "%s: %s", n->socket,
			strerror(errno));
}

static int nbd_run(struct nbd *n, struct fail *why);

static int start_again(struct nbd *n, struct fail *why)
{
	if (n->listen_fd < 0 && nbd_listen(n, why))
		return -1;
	return nbd_run(n, why);
}

static void on_again(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct nbd *n = timer->data;
	struct domain *d = n->dev->d;
	struct fail why;

	(void)loop;
	(void)events;
	if (start_again(n, &why)) {
		ev_timer_set(&n->again, 5, 0);
		ev_timer_start(d->dm->loop, &n->again);
	} else if (!record_again(d, &why)) {
		/* Another daemon would not find this process by the old one. */
		return;
	}
	daemon_log("nbd: d%d %s: %s", d->domid, n->dev->label, why.text);
}

/* The last thing that it said, which is why it ended. */
static void last_words(const struct nbd *n, char *text, size_t room)
{
	char log[160], line[256];
	FILE *f;

	snprintf(text, room, "qemu-nbd ended");
	snprintf(log, sizeof(log), "%s.log", n->socket);
	f = fopen(log, "re");
	while (f && fgets(line, sizeof(line), f))
		snprintf(text, room, "%.*s", (int)strcspn(line, "\n"), line);
	if (f)
		fclose(f);
}

static void nbd_ended(struct proc *p, const char *status)
{
	struct nbd *n = p->owner;
	char text[256];

	daemon_log("nbd: d%d %s: qemu-nbd ended, %s", n->dev->d->domid,
		   n->dev->label, status);
	proc_free(p);
	n->proc = NULL;
	if (n->dev->state == DEV_OPENING) {
		last_words(n, text, sizeof(text));
		device_fail(n->dev, text); /* n may be gone now */
		return;
	}
	ev_timer_set(&n->again, RESTART_AFTER, 0);
	ev_timer_start(n->dev->d->dm->loop, &n->again);
}

static int nbd_run(struct nbd *n, struct fail *why)
{
	const struct settings *set = n->dev->d->dm->set;
	const char *argv[ARGS_MAX], *format = config_format_names[n->format];
	char log[512], discard[32];
	struct proc_spec spec = {
		.argv = (char *const *)argv,
		.listen_fd = n->listen_fd,
		.log = log,
	};
	int k = 0;

	snprintf(log, sizeof(log), "%s/nbd/%d-%u.log", set->run,
		 n->dev->d->domid, n->dev->id);
	snprintf(discard, sizeof(discard), "--discard=%s",
		 n->discard ? "unmap" : "ignore");
	argv[k++] = set->nbd;
	argv[k++] = "--persistent";
	argv[k++] = "--shared=8";
	argv[k++] = "--format";
	argv[k++] = format;
	argv[k++] = discard;
	if (n->readonly)
		argv[k++] = "--read-only";
	argv[k++] = n->image;
	argv[k] = NULL;
	n->proc = proc_start(n->dev->d->dm->loop, &spec, why);
	if (!n->proc)
		return -1;
	n->proc->ended = nbd_ended;
	n->proc->owner = n;
	return 0;
}

static struct nbd *nbd_new(struct device *dev, const struct dom_disk *disk)
{
	const char *run = dev->d->dm->set->run;
	struct nbd *n = calloc(1, sizeof(*n));
	char dir[256];

	if (!n)
		return NULL;
	n->dev = dev;
	n->listen_fd = -1;
	n->readonly = disk->readonly;
	n->discard = disk->discard;
	n->format = disk->format;
	ev_timer_init(&n->again, on_again, RESTART_AFTER, 0);
	n->again.data = n;
	if (disk->type != DISK_NETWORK)
		snprintf(n->image, sizeof(n->image), "%s", disk->source);
	else if (disk->port)
		snprintf(n->image, sizeof(n->image), "%s://%s:%u/%s",
			 disk->protocol, disk->host, disk->port, disk->source);
	else
		snprintf(n->image, sizeof(n->image), "%s://%s/%s",
			 disk->protocol, disk->host, disk->source);
	snprintf(dir, sizeof(dir), "%s/nbd", run);
	mkdir(dir, 0711);
	snprintf(n->socket, sizeof(n->socket), "%s/nbd/%d-%u", run,
		 dev->d->domid, dev->id);
	snprintf(n->uri, sizeof(n->uri), "nbd+unix:///?socket=%s", n->socket);
	return n;
}

struct nbd *nbd_start(struct device *dev, const struct dom_disk *disk,
		      struct fail *why)
{
	struct nbd *n = nbd_new(dev, disk);

	if (!n) {
		fail_set(why, FAIL_LIMIT, "no memory");
		return NULL;
	}
	if (nbd_listen(n, why) || nbd_run(n, why)) {
		nbd_stop(n);
		return NULL;
	}
	return n;
}

struct nbd *nbd_adopt(struct device *dev, const struct dom_disk *disk, int pid,
		      uint64_t start)
{
	struct nbd *n = nbd_new(dev, disk);

	if (!n)
		return NULL;
	n->proc = proc_adopt(dev->d->dm->loop, pid, start);
	if (n->proc) {
		n->proc->ended = nbd_ended;
		n->proc->owner = n;
	} else {
		ev_timer_start(dev->d->dm->loop, &n->again);
	}
	return n;
}

void nbd_forget(struct nbd *n)
{
	ev_timer_stop(n->dev->d->dm->loop, &n->again);
	if (n->proc)
		proc_free(n->proc);
	if (n->listen_fd >= 0)
		close(n->listen_fd);
	free(n);
}

void nbd_stop(struct nbd *n)
{
	char log[160];

	if (n->proc)
		proc_stop(n->proc);
	n->proc = NULL;
	unlink(n->socket);
	snprintf(log, sizeof(log), "%s.log", n->socket);
	unlink(log);
	nbd_forget(n);
}

const char *nbd_uri(const struct nbd *n)
{
	return n->uri;
}

void nbd_process(const struct nbd *n, int *pid, uint64_t *start)
{
	*pid = n->proc ? n->proc->pid : 0;
	*start = n->proc ? n->proc->start : 0;
}
