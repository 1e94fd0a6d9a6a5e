/* SPDX-License-Identifier: MIT */
/*
 * Files and block devices, by io_uring.
 *
 * The file is open twice: for O_DIRECT, which parts that are aligned as it
 * wants use, and through the page cache for the others; the kernel keeps both
 * coherent.  Where O_DIRECT is refused (memory file systems) only the second.
 *
 * The kernel knows the pool's pages from the start (registered buffers), and
 * needs not look them up for each request.  Parts that follow each other, on
 * the file and in the pool, and were submitted one after the other become one;
 * if that cannot be done as a whole they are done one by one.
 *
 * The ring can do nothing but read, write, flush and discard on these two, so
 * it is of no use to whoever takes this process over.
 *
 * A lock on the open file makes sure that no other process works on it.  A
 * process that was killed keeps it until the kernel has ended what it had under
 * way: so nothing of a predecessor's can hit the file later.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "pv-backends/blk/image.h"

enum {
	RING_ENTRIES = 256,
	LOCK_TRIES = 1000, /* 5 ms each */
	FILE_DISCARD = 4096, /* granularity of holes in files */
	RUN_BYTES = 1 << 20, /* parts in one, at most */
};

enum fixed {
	FIXED_DIRECT,
	FIXED_CACHED,
	FIXED_NR,
};

struct image_file {
	struct image im;
	struct ev_loop *loop;
	struct io_uring ring;
	struct ev_io completed;
	int fd[FIXED_NR]; /* [FIXED_DIRECT] is -1 without O_DIRECT */
	uint32_t align; /* that O_DIRECT wants, in bytes         */
	bool device;
	unsigned int active;
	/* Parts that are one, not yet in the ring: linked by next. */
	struct {
		struct image_io *first, *last;
		uint64_t bytes;
	} run;
};

static struct image_file *file_of(struct image *im)
{
	return (struct image_file *)im;
}

static bool aligned(const struct image_file *f, const struct image_io *io)
{
	uint64_t mask = f->align - 1;
	uint64_t all = io->offset | io->bytes;

	for (unsigned int i = 0; i < io->nr_iov; i++)
		all |= (uintptr_t)io->iov[i].iov_base | io->iov[i].iov_len;
	return !(all & mask);
}

static int choose(const struct image_file *f, const struct image_io *io)
{
	return f->fd[FIXED_DIRECT] >= 0 && aligned(f, io) ? FIXED_DIRECT
							  : FIXED_CACHED;
}

static int discard_mode(const struct image_file *f)
{
	int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	return f->device ? mode | FALLOC_FL_NO_HIDE_STALE : mode;
}

/* Holes in files are zeros, and every file system has them. */
static int zero_mode(const struct image_file *f)
{
	return FALLOC_FL_KEEP_SIZE |
	       (f->device ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE);
}

static struct io_uring_sqe *get_sqe(struct image_file *f)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&f->ring);

	while (!sqe) {
		io_uring_submit(&f->ring);
		sqe = io_uring_get_sqe(&f->ring);
	}
	return sqe;
}

static void push(struct io_uring_sqe *sqe, struct image_io *io)
{
	sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data(sqe, io);
}

/* Between the file and the pool. */
static void send_run(struct image_file *f)
{
	struct image_io *io = f->run.first;
	struct io_uring_sqe *sqe;
	void *data;

	if (!io)
		return;
	sqe = get_sqe(f);
	data = io->iov->iov_base;
	if (io->op == IMAGE_READ)
		io_uring_prep_read_fixed(sqe, choose(f, io), data,
					 (unsigned int)f->run.bytes, io->offset,
					 0);
	else
		io_uring_prep_write_fixed(sqe, choose(f, io), data,
					  (unsigned int)f->run.bytes,
					  io->offset, 0);
	push(sqe, io);
	f->run.first = NULL;
}

static bool in_pool(const struct image_file *f, const struct image_io *io)
{
	return (io->op == IMAGE_READ || io->op == IMAGE_WRITE) &&
	       io->nr_iov == 1 && pool_has(&f->im.pool, io->iov->iov_base);
}

static bool follows(const struct image_file *f, const struct image_io *io)
{
	const struct image_io *last = f->run.last;

	return io->op == last->op && io->offset == last->offset + last->bytes &&
	       io->iov->iov_base ==
		       (char *)last->iov->iov_base + last->iov->iov_len &&
	       choose(f, io) == choose(f, last) &&
	       f->run.bytes + io->bytes <= RUN_BYTES;
}

static void add_to_run(struct image_file *f, struct image_io *io)
{
	io->next = NULL;
	if (f->run.first && follows(f, io)) {
		f->run.last->next = io;
		f->run.bytes += io->bytes;
	} else {
		send_run(f);
		f->run.first = io;
		f->run.bytes = io->bytes;
	}
	f->run.last = io;
}

static void file_submit(struct image *im, struct image_io *io)
{
	struct image_file *f = file_of(im);
	struct io_uring_sqe *sqe;

	f->active++;
	if (in_pool(f, io)) {
		add_to_run(f, io);
		return;
	}
	send_run(f);
	io->next = NULL;
	sqe = get_sqe(f);
	switch (io->op) {
	case IMAGE_READ:
		io_uring_prep_readv(sqe, choose(f, io), io->iov, io->nr_iov,
				    io->offset);
		break;
	case IMAGE_WRITE:
		io_uring_prep_writev(sqe, choose(f, io), io->iov, io->nr_iov,
				     io->offset);
		break;
	case IMAGE_FLUSH:
		io_uring_prep_fsync(sqe, FIXED_CACHED, IORING_FSYNC_DATASYNC);
		break;
	case IMAGE_DISCARD:
		io_uring_prep_fallocate(sqe, FIXED_CACHED, discard_mode(f),
					(off_t)io->offset, (off_t)io->bytes);
		break;
	case IMAGE_ZERO:
		io_uring_prep_fallocate(sqe, FIXED_CACHED, zero_mode(f),
					(off_t)io->offset, (off_t)io->bytes);
		break;
	}
	push(sqe, io);
}

static void file_kick(struct image *im)
{
	struct image_file *f = file_of(im);

	send_run(f);
	if (io_uring_sq_ready(&f->ring))
		io_uring_submit(&f->ring);
}

/* Less was done than asked for: the rest. */
static void go_on(struct image_file *f, struct image_io *io, uint64_t done)
{
	io->offset += done;
	io->bytes -= done;
	while (done) {
		struct iovec *v = io->iov;
		size_t n = done < v->iov_len ? done : v->iov_len;

		v->iov_base = (char *)v->iov_base + n;
		v->iov_len -= n;
		done -= n;
		if (v->iov_len)
			break;
		io->iov++;
		io->nr_iov--;
	}
	file_submit(&f->im, io);
}

static void complete_one(struct image_file *f, struct image_io *io, int res)
{
	bool moves = io->op == IMAGE_READ || io->op == IMAGE_WRITE;

	f->active--;
	if (res == -EINTR || res == -EAGAIN)
		file_submit(&f->im, io);
	else if (res < 0)
		io->done(io, res);
	else if (moves && !res && io->bytes)
		io->done(io, -EIO); /* the file has become shorter */
	else if (moves && (uint64_t)res < io->bytes)
		go_on(f, io, (uint64_t)res);
	else
		io->done(io, 0);
}

/* All of them were done; or else each tells by itself why not. */
static void complete_run(struct image_file *f, struct image_io *io, int res)
{
	uint64_t bytes = 0;
	struct image_io *next;

	for (next = io; next; next = next->next)
		bytes += next->bytes;
	for (; io; io = next) {
		next = io->next;
		f->active--;
		if (res >= 0 && (uint64_t)res == bytes) {
			io->done(io, 0);
			continue;
		}
		send_run(f);
		file_submit(&f->im, io);
		send_run(f);
	}
}

static void complete(struct image_file *f, struct image_io *io, int res)
{
	if (io->next)
		complete_run(f, io, res);
	else
		complete_one(f, io, res);
}

static void reap(struct image_file *f)
{
	struct io_uring_cqe *cqe;

	while (!io_uring_peek_cqe(&f->ring, &cqe)) {
		struct image_io *io = io_uring_cqe_get_data(cqe);
		int res = cqe->res;

		io_uring_cqe_seen(&f->ring, cqe);
		complete(f, io, res);
	}
	file_kick(&f->im);
}

static void on_completed(struct ev_loop *loop, struct ev_io *w, int what)
{
	(void)loop;
	(void)what;
	reap(w->data);
}

static void file_poll(struct image *im)
{
	struct image_file *f = file_of(im);

	if (io_uring_cq_ready(&f->ring))
		reap(f);
}

static void file_drain(struct image *im)
{
	struct image_file *f = file_of(im);

	while (f->active) {
		send_run(f);
		io_uring_submit_and_wait(&f->ring, 1);
		reap(f);
	}
}

static void file_close(struct image *im)
{
	struct image_file *f = file_of(im);

	ev_io_stop(f->loop, &f->completed);
	io_uring_queue_exit(&f->ring);
	if (f->im.pool.memory)
		munmap(f->im.pool.memory, POOL_BYTES);
	for (int i = 0; i < FIXED_NR; i++)
		if (f->fd[i] >= 0)
			close(f->fd[i]);
	free(f);
}

static int file_measure(struct image *im)
{
	const struct image_file *f = file_of(im);
	struct stat sb;

	if (f->device)
		return ioctl(f->fd[FIXED_CACHED], BLKGETSIZE64, &im->bytes)
			       ? -errno
			       : 0;
	if (fstat(f->fd[FIXED_CACHED], &sb))
		return -errno;
	im->bytes = (uint64_t)sb.st_size & ~(uint64_t)(im->sector - 1);
	return 0;
}

static const struct image_ops file_ops = {
	.submit = file_submit,
	.kick = file_kick,
	.poll = file_poll,
	.measure = file_measure,
	.drain = file_drain,
	.close = file_close,
};

/* How O_DIRECT wants its parts aligned; 0: it does not work at all. */
static uint32_t probe_direct(int fd)
{
	void *buffer = NULL;
	uint32_t align;

	if (fd < 0 || posix_memalign(&buffer, 4096, 4096))
		return 0;
	for (align = 512; align <= 4096; align *= 2)
		if (pread(fd, buffer, align, align) >= 0)
			break;
	free(buffer);
	return align <= 4096 ? align : 0;
}

/* Granularity of discards on a device, as its driver says; 0: it has none. */
static uint32_t device_discard(dev_t dev)
{
	unsigned int granularity = 0;
	char path[96];
	FILE *in;

	/* A partition has its queue one folder up. */
	for (const char *up = ""; up; up = *up ? NULL : "../") {
		snprintf(path, sizeof(path),
			 "/sys/dev/block/%u:%u/%squeue/discard_granularity",
			 major(dev), minor(dev), up);
		in = fopen(path, "re");
		if (!in)
			continue;
		if (fscanf(in, "%u", &granularity) != 1)
			granularity = 0;
		fclose(in);
		break;
	}
	return granularity;
}

static int lock(int fd, bool readonly)
{
	const struct timespec pause = {.tv_nsec = 5000000};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (!flock(fd, (readonly ? LOCK_SH : LOCK_EX) | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK)
			return 0; /* no locks there */
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

static int open_both(struct image_file *f, const struct image_options *opt)
{
	int flags = (opt->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY;
	struct stat sb;
	int one;

	f->fd[FIXED_CACHED] = open(opt->path, flags | O_NONBLOCK);
	if (f->fd[FIXED_CACHED] < 0 || fstat(f->fd[FIXED_CACHED], &sb))
		return -errno;
	f->device = S_ISBLK(sb.st_mode);
	if (!f->device && !S_ISREG(sb.st_mode))
		return -ENOTBLK;
	one = open(opt->path, flags | O_DIRECT);
	f->align = probe_direct(one);
	if (!f->align && one >= 0) {
		close(one);
		one = -1;
	}
	f->fd[FIXED_DIRECT] = one;
	f->im.sector = 512;
	f->im.physical = f->align ? f->align : 512;
	f->im.discard = FILE_DISCARD;
	if (f->device) {
		int logical = 512;
		unsigned int physical = 512;

		ioctl(f->fd[FIXED_CACHED], BLKSSZGET, &logical);
		ioctl(f->fd[FIXED_CACHED], BLKPBSZGET, &physical);
		f->im.sector = (uint32_t)logical;
		f->im.physical = physical;
		f->im.discard = device_discard(sb.st_rdev);
	}
	return lock(f->fd[FIXED_CACHED], opt->readonly);
}

/* Whatever happens to this process: nothing but this. */
static int restrict_ring(struct io_uring *ring)
{
	static const uint8_t allowed[] = {
		IORING_OP_READV,       IORING_OP_WRITEV, IORING_OP_READ_FIXED,
		IORING_OP_WRITE_FIXED, IORING_OP_FSYNC,  IORING_OP_FALLOCATE,
	};
	struct io_uring_restriction r[sizeof(allowed) + 2] = {{0}};
	unsigned int n = 0;

	while (n < sizeof(allowed)) {
		r[n].opcode = IORING_RESTRICTION_SQE_OP;
		r[n].sqe_op = allowed[n];
		n++;
	}
	r[n].opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED;
	r[n++].sqe_flags = IOSQE_FIXED_FILE;
	r[n].opcode = IORING_RESTRICTION_REGISTER_OP;
	r[n++].register_op = IORING_REGISTER_ENABLE_RINGS;
	return io_uring_register((unsigned int)ring->ring_fd,
				 IORING_REGISTER_RESTRICTIONS, r, n);
}

/* What image_prepare() made, until a file needs it. */
static struct {
	bool there;
	struct io_uring ring;
	unsigned char *pool;
} prepared;

/* Without a pool all works as well, only slower. */
static unsigned char *make_pool(struct io_uring *ring)
{
	struct iovec all = {.iov_len = POOL_BYTES};

	all.iov_base = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all.iov_base == MAP_FAILED)
		return NULL;
	if (!io_uring_register_buffers(ring, &all, 1))
		return all.iov_base;
	munmap(all.iov_base, POOL_BYTES);
	return NULL;
}

static int prepare(void)
{
	int rc;

	if (prepared.there)
		return 0;
	rc = io_uring_queue_init(RING_ENTRIES, &prepared.ring,
				 IORING_SETUP_R_DISABLED);
	if (rc)
		return rc;
	prepared.pool = make_pool(&prepared.ring);
	prepared.there = true;
	return 0;
}

void image_prepare(void)
{
	prepare();
}

static int make_ring(struct image_file *f)
{
	int rc = prepare();

	if (rc)
		return rc;
	f->ring = prepared.ring;
	f->im.pool.memory = prepared.pool;
	prepared.there = false;
	rc = io_uring_register_files(&f->ring, f->fd, FIXED_NR);
	if (!rc)
		rc = restrict_ring(&f->ring);
	if (!rc)
		rc = io_uring_register((unsigned int)f->ring.ring_fd,
				       IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	if (rc)
		io_uring_queue_exit(&f->ring);
	return rc;
}

struct image *image_open_file(struct ev_loop *loop,
			      const struct image_options *opt, char *why,
			      size_t len)
{
	struct image_file *f = calloc(1, sizeof(*f));
	const char *stage = "";
	int rc;

	if (!f)
		return NULL;
	f->im.ops = &file_ops;
	f->loop = loop;
	f->fd[FIXED_DIRECT] = f->fd[FIXED_CACHED] = -1;
	rc = open_both(f, opt);
	if (!rc)
		rc = file_measure(&f->im);
	if (!rc) {
		stage = "io_uring: ";
		rc = make_ring(f);
	}
	if (rc) {
		snprintf(why, len, "%s: %s%s", opt->path, stage,
			 rc == -EBUSY ? "in use by another disk"
				      : strerror(-rc));
		for (int i = 0; i < FIXED_NR; i++)
			if (f->fd[i] >= 0)
				close(f->fd[i]);
		free(f);
		return NULL;
	}
	ev_io_init(&f->completed, on_completed, f->ring.ring_fd, EV_READ);
	f->completed.data = f;
	ev_io_start(loop, &f->completed);
	return &f->im;
}
