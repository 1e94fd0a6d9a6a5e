/* SPDX-License-Identifier: MIT */
/*
 * The log of a console, with one older part: FILE and FILE.1.
 *
 * Both are open from the start, because a process that has given up its rights
 * cannot open or rename files: when FILE is full its text is copied to FILE.1,
 * and it begins anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pv-backends/console/console.h"

enum {
	LOG_BYTES = 4 << 20,
};

static int open_one(const char *path, int more)
{
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | more, 0640);
}

int logfile_open(struct logfile *l, const char *path, bool append)
{
	char old[1100];
	struct stat sb;

	*l = (struct logfile){.fd = -1, .old_fd = -1, .limit = LOG_BYTES};
	if (!path)
		return 0;
	snprintf(old, sizeof(old), "%s.1", path);
	l->fd = open_one(path, O_APPEND | (append ? 0 : O_TRUNC));
	if (l->fd < 0 || fstat(l->fd, &sb))
		return -errno;
	/* A pipe or a device is not turned over. */
	if (!S_ISREG(sb.st_mode)) {
		l->limit = UINT64_MAX;
		return 0;
	}
	l->bytes = (uint64_t)sb.st_size;
	l->old_fd = open_one(old, 0);
	return l->old_fd < 0 ? -errno : 0;
}

static void turn_over(struct logfile *l)
{
	off_t at = 0;

	if (ftruncate(l->old_fd, 0) || lseek(l->old_fd, 0, SEEK_SET))
		return;
	while (at < (off_t)l->bytes)
		if (sendfile(l->old_fd, l->fd, &at, LOG_BYTES) <= 0)
			break;
	if (!ftruncate(l->fd, 0))
		l->bytes = 0;
}

/* A full disk costs the text, not the console. */
void logfile_write(struct logfile *l, const char *text, size_t bytes)
{
	if (l->fd < 0)
		return;
	if (l->bytes + bytes > l->limit)
		turn_over(l);
	while (bytes) {
		ssize_t n = write(l->fd, text, bytes);

		if (n <= 0)
			return;
		text += n;
		bytes -= (size_t)n;
		l->bytes += (uint64_t)n;
	}
}

uint32_t logfile_mark(const struct logfile *l)
{
	return (uint32_t)l->bytes;
}

void logfile_cut(struct logfile *l, uint32_t mark, uint32_t most)
{
	uint32_t more = (uint32_t)l->bytes - mark;

	if (l->fd < 0 || !more || more > most || more > l->bytes)
		return;
	if (!ftruncate(l->fd, (off_t)(l->bytes - more)))
		l->bytes -= more;
}

void logfile_close(struct logfile *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->old_fd >= 0)
		close(l->old_fd);
	l->fd = l->old_fd = -1;
}
