/* SPDX-License-Identifier: MIT */
/*
 * The journal: a file of frames, rewritten when it has grown too much.
 *
 * Files are journal.N.  A new one begins with a checkpoint and is complete when
 * it holds REC_COMPLETE; until then every frame goes to it and to the old one,
 * so either is enough.  Recovery takes the highest complete file, stops at the
 * first frame that is not whole, cuts the file there and goes on appending.
 *
 * Everything of one turn of the event loop is written with one write(), before
 * any of its answers leaves.  That survives the death of the daemon; with
 * "sync" it also survives the death of the machine.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/store/journal.h"

#define CHECKPOINT_MIN (8u << 20)
#define RETRY_SECONDS  1.0
#define LOCK_TRIES     100
#define LOCK_WAIT_US   20000

/* "PVSTORE" and the version of the format. */
static const char file_magic[16] = "PVSTORE\0\1\0\0\0\0\0\0";

static ssize_t io_write(void *arg, int fd, const void *p, size_t n)
{
	(void)arg;
	return write(fd, p, n);
}

static int io_sync(void *arg, int fd)
{
	(void)arg;
	return fdatasync(fd);
}

static int io_unlink(void *arg, int dir, const char *name)
{
	(void)arg;
	return unlinkat(dir, name, 0);
}

static const struct journal_io default_io = {io_write, io_sync, io_unlink,
					     NULL};

static void file_name(char *name, size_t size, uint64_t seq)
{
	snprintf(name, size, "journal.%llu", (unsigned long long)seq);
}

static bool write_all(struct journal *j, int fd, const char *p, size_t n)
{
	ssize_t done;

	while (n) {
		done = j->io->write(j->io->arg, fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static void journal_unlink(struct journal *j, uint64_t seq)
{
	char name[32];

	file_name(name, sizeof(name), seq);
	j->io->unlink(j->io->arg, j->dir, name);
}

static int journal_create(struct journal *j, uint64_t seq)
{
	char name[32];
	int fd;

	file_name(name, sizeof(name), seq);
	fd = openat(j->dir, name,
		    O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC |
			    O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return -1;
	if (!write_all(j, fd, file_magic, sizeof(file_magic))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A write failed: what is on disk may be torn, so start afresh later. */
static void journal_fail(struct journal *j, const char *what)
{
	if (!j->failed)
		store_log(j->st, "journal: %s: %s; state is not durable", what,
			  strerror(errno));
	j->failed = true;
	j->retry_at = store_now(j->st) + RETRY_SECONDS;
	if (j->next_fd >= 0)
		close(j->next_fd);
	j->next_fd = -1;
	j->st->tree.cursor = NULL;
}

static void flush_file(struct journal *j, int fd, struct buf *out,
		       uint64_t *size, const char *what)
{
	bool ok;

	if (!out->len)
		return;
	ok = write_all(j, fd, buf_data(out), out->len);
	if (ok && j->sync)
		ok = !j->io->sync(j->io->arg, fd);
	*size += out->len;
	out->off = out->len = 0;
	if (!ok)
		journal_fail(j, what);
}

void journal_flush(struct journal *j)
{
	frame_seal(j->st, &j->out);
	if (j->next_fd >= 0)
		buf_add(&j->next_out, buf_data(&j->out), j->out.len);
	if (j->failed)
		j->out.off = j->out.len = 0;
	else
		flush_file(j, j->fd, &j->out, &j->size, "write");
	if (j->next_fd >= 0)
		flush_file(j, j->next_fd, &j->next_out, &j->next_size,
			   "checkpoint");
}

bool journal_busy(const struct journal *j)
{
	return j->next_fd >= 0;
}

void journal_checkpoint(struct journal *j, bool force)
{
	if (j->next_fd >= 0)
		return;
	if (j->failed) {
		if (!force && store_now(j->st) < j->retry_at)
			return;
	} else if (!force && (j->size < j->base * 2 ||
			      j->size < j->base + j->checkpoint_min)) {
		return;
	}
	journal_flush(j);
	j->next_fd = journal_create(j, j->seq + 1);
	if (j->next_fd < 0) {
		journal_fail(j, "create");
		return;
	}
	j->next_size = sizeof(file_magic);
	buf_take(&j->next_out, j->next_out.len);
	checkpoint_head(j->st, &j->next_out);
}

/* The new file is whole: it is the journal now. */
static void checkpoint_finish(struct journal *j)
{
	rec_complete(j->st);
	frame_seal(j->st, &j->next_out);
	flush_file(j, j->next_fd, &j->next_out, &j->next_size, "checkpoint");
	if (j->next_fd < 0)
		return;
	if (j->fd >= 0)
		close(j->fd);
	journal_unlink(j, j->seq);
	j->fd = j->next_fd;
	j->next_fd = -1;
	j->seq++;
	j->size = j->base = j->next_size;
	if (j->failed)
		store_log(j->st, "journal: writing again, seq=%llu",
			  (unsigned long long)j->seq);
	j->failed = false;
}

void journal_step(struct journal *j, unsigned nodes)
{
	bool more;

	if (j->next_fd < 0)
		return;
	journal_flush(j);
	if (j->next_fd < 0)
		return;
	more = checkpoint_nodes(j->st, &j->next_out, nodes);
	flush_file(j, j->next_fd, &j->next_out, &j->next_size, "checkpoint");
	if (j->next_fd >= 0 && !more)
		checkpoint_finish(j);
}

/*
 * Recovery.
 */

/* Does this image hold a complete checkpoint?  Where does it stop? */
static bool image_scan(const char *p, size_t size, size_t *whole)
{
	size_t at = sizeof(file_magic), n, len;
	const char *records;
	bool complete = false;

	*whole = 0;
	if (size < at || memcmp(p, file_magic, at))
		return false;
	while ((n = frame_open(p + at, size - at, &records, &len))) {
		/* REC_COMPLETE is always the only record of its frame. */
		if (len == 1 && records[0] == REC_COMPLETE)
			complete = true;
		at += n;
	}
	*whole = at;
	return complete;
}

static void image_replay(struct replay *r, const char *p, size_t whole)
{
	size_t at = sizeof(file_magic), n, len, bad = 0;
	const char *records;

	while (at < whole) {
		n = frame_open(p + at, whole - at, &records, &len);
		if (!replay_frame(r, records, len))
			bad++;
		at += n;
	}
	if (bad)
		store_log(r->st, "journal: %zu frames made no sense", bad);
}

/* Highest file number below the given one, or 0. */
static uint64_t file_below(struct journal *j, uint64_t limit)
{
	int fd = openat(j->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	uint64_t seq, best = 0;
	struct dirent *e;
	char *end;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((e = readdir(d))) {
		if (strncmp(e->d_name, "journal.", 8))
			continue;
		seq = strtoull(e->d_name + 8, &end, 10);
		if (!*end && seq < limit && seq > best)
			best = seq;
	}
	closedir(d);
	return best;
}

/*
 * Try one file: true if its state is in the store now.  A file without a whole
 * checkpoint is taken only when there is nothing better.
 */
static bool file_recover(struct journal *j, struct replay *r, uint64_t seq,
			 bool partial)
{
	struct stat sb;
	size_t whole;
	char name[32];
	void *p;
	bool ok = false;
	int fd;

	file_name(name, sizeof(name), seq);
	fd = openat(j->dir, name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &sb) || sb.st_size < (off_t)sizeof(file_magic))
		goto close_file;
	p = mmap(NULL, (size_t)sb.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		goto close_file;
	ok = image_scan(p, (size_t)sb.st_size, &whole);
	ok = ok || (partial && whole);
	if (ok)
		image_replay(r, p, whole);
	munmap(p, (size_t)sb.st_size);
	if (!ok)
		goto close_file;
	if (whole < (size_t)sb.st_size) {
		store_log(j->st,
			  "journal: %s is whole up to byte %zu of %lld, "
			  "the rest is dropped",
			  name, whole, (long long)sb.st_size);
		if (ftruncate(fd, (off_t)whole))
			store_log(j->st, "journal: cannot cut %s: %s", name,
				  strerror(errno));
	}
	j->fd = fd;
	j->seq = seq;
	j->size = whole; /* base 0: a long file is rewritten soon */
	return true;
close_file:
	if (fd >= 0)
		close(fd);
	store_log(j->st, "journal: %s is not complete, ignored", name);
	return false;
}

static int journal_prepare(struct journal *j, struct store *st,
			   const char *path, const struct journal_io *io,
			   char *why, size_t why_len)
{
	int rc, tries;

	memset(j, 0, sizeof(*j));
	j->st = st;
	j->fd = j->next_fd = -1;
	j->io = io ? io : &default_io;
	j->checkpoint_min = CHECKPOINT_MIN;
	if (mkdir(path, 0700) && errno != EEXIST)
		goto failed;
	j->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dir < 0)
		goto failed;
	/* A predecessor that was just killed may still be on its way out. */
	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (!flock(j->dir, LOCK_EX | LOCK_NB))
			return 0;
		usleep(LOCK_WAIT_US);
	}
	snprintf(why, why_len, "journal: %s: in use by another daemon", path);
	close(j->dir);
	return EBUSY;
failed:
	rc = errno;
	snprintf(why, why_len, "journal: %s: %s", path, strerror(rc));
	return rc;
}

/* A whole checkpoint at once. */
static int journal_rewrite(struct journal *j, const char *path, char *why,
			   size_t why_len)
{
	journal_checkpoint(j, true);
	if (journal_settle(j))
		return 0;
	snprintf(why, why_len, "journal: cannot write in %s", path);
	return EIO;
}

int journal_open(struct journal *j, struct store *st, const char *path,
		 const struct journal_io *io, struct replay *r, char *why,
		 size_t why_len)
{
	int rc = journal_prepare(j, st, path, io, why, why_len);
	uint64_t seq, top, whole;

	if (rc)
		return rc;
	top = seq = file_below(j, UINT64_MAX);
	while (seq && !file_recover(j, r, seq, false))
		seq = file_below(j, seq);
	whole = seq;
	if (!seq && top) {
		store_log(st,
			  "journal: %s holds no complete journal, "
			  "taking what there is",
			  path);
		seq = top;
		while (seq && !file_recover(j, r, seq, true))
			seq = file_below(j, seq);
	}
	st->journal = &j->out;
	if (!whole) {
		j->seq = top;
		rc = journal_rewrite(j, path, why, why_len);
	}
	for (seq = j->seq; !rc && (seq = file_below(j, seq));)
		journal_unlink(j, seq);
	return rc;
}

int journal_adopt(struct journal *j, struct store *st, const char *path,
		  char *why, size_t why_len)
{
	int rc = journal_prepare(j, st, path, NULL, why, why_len);
	struct stat sb;
	char name[32];

	if (rc)
		return rc;
	j->seq = file_below(j, UINT64_MAX);
	st->journal = &j->out;
	file_name(name, sizeof(name), j->seq);
	j->fd = openat(j->dir, name,
		       O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (j->fd < 0 || fstat(j->fd, &sb))
		return journal_rewrite(j, path, why, why_len);
	j->size = (uint64_t)sb.st_size;
	return 0;
}

bool journal_settle(struct journal *j)
{
	journal_flush(j);
	while (journal_busy(j))
		journal_step(j, 4096);
	return !j->failed;
}

void journal_close(struct journal *j)
{
	if (j->st)
		j->st->journal = NULL;
	if (j->fd >= 0)
		close(j->fd);
	if (j->next_fd >= 0)
		close(j->next_fd);
	if (j->dir >= 0)
		close(j->dir);
	buf_free(&j->out);
	buf_free(&j->next_out);
	j->fd = j->next_fd = j->dir = -1;
}
