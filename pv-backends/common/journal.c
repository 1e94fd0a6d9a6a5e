/* SPDX-License-Identifier: MIT */
/*
 * Memory that outlives the process.
 *
 * A file on a memory file system, mapped shared: what a killed process had
 * stored is there for its successor, in the order of the stores.  It need not
 * outlive the machine, nor does a guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pv-backends/common/journal.h"

#define MAGIC 0x316c6e726a656270ull /* also the version of what follows */

struct head {
	uint64_t magic;
	uint64_t connection;
	uint64_t bytes;
};

static int map_file(struct journal *j, const char *path)
{
	struct stat sb;
	int rc = 0;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &sb)) {
		rc = -errno;
		goto close_fd;
	}
	j->fresh = sb.st_size != (off_t)j->bytes;
	if (j->fresh && (ftruncate(fd, 0) || ftruncate(fd, (off_t)j->bytes))) {
		rc = -errno;
		goto close_fd;
	}
	j->map =
		mmap(NULL, j->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (j->map == MAP_FAILED)
		rc = -errno;
close_fd:
	close(fd);
	return rc;
}

int journal_open(struct journal *j, const char *path, size_t bytes)
{
	j->bytes = JOURNAL_HEAD + bytes;
	if (path)
		return map_file(j, path);
	j->fresh = true;
	j->map = mmap(NULL, j->bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return j->map == MAP_FAILED ? -errno : 0;
}

void journal_close(struct journal *j)
{
	if (j->map)
		munmap(j->map, j->bytes);
	j->map = NULL;
}

void *journal_data(const struct journal *j)
{
	return (char *)j->map + JOURNAL_HEAD;
}

bool journal_is_of(const struct journal *j, uint64_t connection)
{
	const struct head *h = j->map;

	return connection && h->magic == MAGIC && h->bytes == j->bytes &&
	       h->connection == connection;
}

void journal_forget(struct journal *j)
{
	struct head *h = j->map;

	h->connection = 0;
	/* ORDER: nobody's before it changes. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	h->magic = MAGIC;
	h->bytes = j->bytes;
}

void journal_begin(struct journal *j, uint64_t connection)
{
	struct head *h = j->map;

	/* ORDER: somebody's after it was written. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	h->connection = connection;
}
