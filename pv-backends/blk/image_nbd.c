/* SPDX-License-Identifier: MIT */
/*
 * NBD exports: every format and every network disk that qemu-nbd or nbdkit
 * knows.
 *
 * A server that goes away is waited for: what was under way is kept, and is
 * done again when there is a connection (it is idempotent, and the frontend
 * has no answer yet).  So a guest's disk hangs for that time, as a disk behind
 * a network does, and loses nothing.
 */
#include <errno.h>
#include <libnbd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pv-backends/blk/image.h"
#include "pv-backends/common/log.h"

#define RETRY_SECONDS 0.1
#define AT_ONCE       (1u << 30) /* bytes of a discard, or of zeros */

struct image_nbd {
	struct image im;
	struct ev_loop *loop;
	struct nbd_handle *nbd;
	char *uri;
	struct ev_io io;
	struct ev_timer retry;
	struct image_io *waiting,
		**waiting_end; /* for a connection, or a turn */
	unsigned int active; /* at the server */
	bool ready;
};

static struct image_nbd *nbd_of(struct image *im)
{
	return (struct image_nbd *)im;
}

static void queue_up(struct image_nbd *n, struct image_io *io)
{
	io->next = NULL;
	*n->waiting_end = io;
	n->waiting_end = &io->next;
}

static struct image_io *next_waiting(struct image_nbd *n)
{
	struct image_io *io = n->waiting;

	if (io) {
		n->waiting = io->next;
		if (!n->waiting)
			n->waiting_end = &n->waiting;
	}
	return io;
}

/* What an io needs to be found by, from a completion. */
struct ticket {
	struct image_nbd *n;
	struct image_io *io;
};

static bool in_parts(const struct image_io *io)
{
	return io->op == IMAGE_DISCARD || io->op == IMAGE_ZERO;
}

static int on_complete(void *arg, int *error)
{
	struct ticket *t = arg;
	struct image_nbd *n = t->n;
	struct image_io *io = t->io;

	free(t);
	n->active--;
	if (*error == ENOTCONN || *error == ESHUTDOWN) {
		queue_up(n, io);
		return 1;
	}
	if (!*error && in_parts(io) && io->tag < io->bytes) {
		io->offset += io->tag;
		io->bytes -= io->tag;
		queue_up(n, io);
		return 1;
	}
	io->done(io, -*error);
	return 1;
}

static int64_t send_one(struct image_nbd *n, struct image_io *io,
			nbd_completion_callback done)
{
	if (in_parts(io))
		io->tag = io->bytes < AT_ONCE ? io->bytes : AT_ONCE;
	switch (io->op) {
	case IMAGE_READ:
		return nbd_aio_pread(n->nbd, io->iov[0].iov_base, io->bytes,
				     io->offset, done, 0);
	case IMAGE_WRITE:
		return nbd_aio_pwrite(n->nbd, io->iov[0].iov_base, io->bytes,
				      io->offset, done, 0);
	case IMAGE_FLUSH:
		return nbd_aio_flush(n->nbd, done, 0);
	case IMAGE_ZERO:
		return nbd_aio_zero(n->nbd, io->tag, io->offset, done, 0);
	default:
		return nbd_aio_trim(n->nbd, io->tag, io->offset, done, 0);
	}
}

/* A server without a cache has nothing to flush. */
static bool needless(struct image_nbd *n, const struct image_io *io)
{
	return io->op == IMAGE_FLUSH && nbd_can_flush(n->nbd) <= 0;
}

static bool send_io(struct image_nbd *n, struct image_io *io)
{
	struct ticket *t = malloc(sizeof(*t));
	nbd_completion_callback done = {
		.callback = on_complete,
		.user_data = t,
	};

	if (!t)
		return false;
	*t = (struct ticket){n, io};
	n->active++;
	if (send_one(n, io, done) >= 0)
		return true;
	n->active--;
	free(t);
	return false;
}

/* Listen for what the handle waits for now. */
static void rearm(struct image_nbd *n)
{
	unsigned int direction = nbd_aio_get_direction(n->nbd);
	int events = (direction & LIBNBD_AIO_DIRECTION_READ ? EV_READ : 0) |
		     (direction & LIBNBD_AIO_DIRECTION_WRITE ? EV_WRITE : 0);
	int fd = nbd_aio_get_fd(n->nbd);

	if (ev_is_active(&n->io) && n->io.fd == fd &&
	    (n->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(n->loop, &n->io);
	if (fd < 0 || !events)
		return;
	ev_io_set(&n->io, fd, events);
	ev_io_start(n->loop, &n->io);
}

static void lose(struct image_nbd *n)
{
	if (n->ready)
		log_line("%s: the server is gone, waiting for it", n->uri);
	n->ready = false;
	ev_io_stop(n->loop, &n->io);
	if (n->nbd)
		nbd_close(n->nbd); /* completes what is under way: ENOTCONN */
	n->nbd = NULL;
	ev_timer_start(n->loop, &n->retry);
}

static bool is_gone(struct image_nbd *n)
{
	return nbd_aio_is_dead(n->nbd) > 0 || nbd_aio_is_closed(n->nbd) > 0;
}

static void nbd_kick(struct image *im)
{
	struct image_nbd *n = nbd_of(im);
	struct image_io *io;

	while (n->ready && (io = next_waiting(n))) {
		if (needless(n, io)) {
			io->done(io, 0);
		} else if (send_io(n, io)) {
			continue;
		} else if (is_gone(n)) {
			queue_up(n, io);
			lose(n);
		} else {
			io->done(io, -EIO);
		}
	}
	if (n->nbd)
		rearm(n);
}

static void nbd_submit(struct image *im, struct image_io *io)
{
	queue_up(nbd_of(im), io);
}

static void pump(struct image_nbd *n, int what)
{
	unsigned int direction = nbd_aio_get_direction(n->nbd);

	if (what & EV_READ && direction & LIBNBD_AIO_DIRECTION_READ)
		nbd_aio_notify_read(n->nbd);
	else if (what & EV_WRITE && direction & LIBNBD_AIO_DIRECTION_WRITE)
		nbd_aio_notify_write(n->nbd);
}

static void check(struct image_nbd *n)
{
	if (is_gone(n)) {
		lose(n);
		return;
	}
	if (!n->ready && nbd_aio_is_ready(n->nbd) > 0) {
		log_line("%s: connected again", n->uri);
		n->ready = true;
	}
	nbd_kick(&n->im);
}

static void on_io(struct ev_loop *loop, struct ev_io *w, int what)
{
	struct image_nbd *n = w->data;

	(void)loop;
	pump(n, what);
	check(n);
}

static void on_retry(struct ev_loop *loop, struct ev_timer *w, int what)
{
	struct image_nbd *n = w->data;

	(void)what;
	ev_timer_stop(loop, w);
	n->nbd = nbd_create();
	if (!n->nbd || nbd_aio_connect_uri(n->nbd, n->uri) < 0) {
		lose(n);
		return;
	}
	check(n);
}

static int nbd_measure(struct image *im)
{
	(void)im;
	return 0; /* an export has the size that it was opened with */
}

static void nbd_drain(struct image *im)
{
	struct image_nbd *n = nbd_of(im);
	struct image_io *io;

	nbd_kick(im);
	while (n->ready && (n->active || n->waiting)) {
		if (nbd_poll(n->nbd, -1) < 0 || is_gone(n))
			lose(n);
		nbd_kick(im);
	}
	/* Nobody waits any more. */
	while ((io = next_waiting(n)))
		io->done(io, -EIO);
}

static void nbd_free(struct image_nbd *n)
{
	ev_timer_stop(n->loop, &n->retry);
	ev_io_stop(n->loop, &n->io);
	if (n->nbd)
		nbd_close(n->nbd);
	free(n->uri);
	free(n);
}

static void nbd_close_image(struct image *im)
{
	nbd_free(nbd_of(im));
}

static const struct image_ops nbd_ops = {
	.submit = nbd_submit,
	.kick = nbd_kick,
	.measure = nbd_measure,
	.drain = nbd_drain,
	.close = nbd_close_image,
};

static void describe(struct image_nbd *n)
{
	int64_t best = nbd_get_block_size(n->nbd, LIBNBD_SIZE_PREFERRED);
	int64_t least = nbd_get_block_size(n->nbd, LIBNBD_SIZE_MINIMUM);

	n->im.bytes = (uint64_t)nbd_get_size(n->nbd) & ~511ull;
	n->im.sector = least > 512 && least <= 4096 ? (uint32_t)least : 512;
	n->im.physical = best > 512 && best <= 4096 ? (uint32_t)best : 512;
	n->im.discard = nbd_can_trim(n->nbd) > 0 ? n->im.physical : 0;
	n->im.network = true;
}

struct image *image_open_nbd(struct ev_loop *loop,
			     const struct image_options *opt, char *why,
			     size_t len)
{
	struct image_nbd *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->im.ops = &nbd_ops;
	n->loop = loop;
	n->waiting_end = &n->waiting;
	ev_init(&n->io, on_io);
	n->io.data = n;
	ev_timer_init(&n->retry, on_retry, RETRY_SECONDS, 0);
	n->retry.data = n;
	n->uri = strdup(opt->path);
	n->nbd = nbd_create();
	if (!n->uri || !n->nbd || nbd_connect_uri(n->nbd, opt->path) < 0) {
		snprintf(why, len, "%s: %s", opt->path, nbd_get_error());
		nbd_free(n);
		return NULL;
	}
	if (!opt->readonly && nbd_is_read_only(n->nbd) > 0) {
		snprintf(why, len, "%s: the export is read-only", opt->path);
		nbd_free(n);
		return NULL;
	}
	describe(n);
	n->ready = true;
	rearm(n);
	return &n->im;
}
