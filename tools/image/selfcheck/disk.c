/* SPDX-License-Identifier: MIT */
/*
 * The disk: write a pattern past the page cache, read it back in other pieces.
 *
 * Only a disk whose first sector says that it is for this is written to.
 * Direct I/O makes the device move data to and from user pages that are not
 * contiguous in machine memory, so wrong machine addresses show at once.
 */
#include "tools/image/selfcheck/selfcheck.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* tools/image/machine.py writes it. */
#define LABEL       "parapet-scratch-disk\n"

#define START       (1u << 20) /* bytes; the label's sector stays */
#define TOTAL       (8u << 20)
#define WRITE_BYTES (1u << 20)
#define READ_BYTES  (192u << 10) /* not a divisor of WRITE_BYTES */

static int has_label(const char *path)
{
	char head[sizeof(LABEL)] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, head, sizeof(LABEL) - 1);
	close(fd);
	return n == sizeof(LABEL) - 1 && !strcmp(head, LABEL);
}

/* The first disk with the label; returns 0 if there is none. */
static int find_disk(char *path, size_t room)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *entry;
	int found = 0;

	while (dir && !found && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "vd", 2) &&
		    strncmp(entry->d_name, "sd", 2) &&
		    strncmp(entry->d_name, "nvme", 4))
			continue;
		snprintf(path, room, "/dev/%s", entry->d_name);
		found = has_label(path);
	}
	if (dir)
		closedir(dir);
	return found;
}

static void fill(uint64_t *words, size_t bytes, uint64_t seed, size_t offset)
{
	for (size_t i = 0; i < bytes / 8; i++)
		words[i] = pattern_word(seed, offset / 8 + i);
}

static size_t wrong_words(const uint64_t *words, size_t bytes, uint64_t seed,
			  size_t offset)
{
	size_t wrong = 0;

	for (size_t i = 0; i < bytes / 8; i++)
		wrong += words[i] != pattern_word(seed, offset / 8 + i);
	return wrong;
}

static int write_pattern(int fd, uint64_t *buffer, uint64_t seed)
{
	for (size_t at = 0; at < TOTAL; at += WRITE_BYTES) {
		fill(buffer, WRITE_BYTES, seed, at);
		if (pwrite(fd, buffer, WRITE_BYTES, START + at) != WRITE_BYTES)
			return -1;
	}
	return fsync(fd);
}

static int read_pattern(int fd, uint64_t *buffer, uint64_t seed, size_t *wrong)
{
	*wrong = 0;
	for (size_t at = 0, n; at < TOTAL; at += n) {
		n = TOTAL - at < READ_BYTES ? TOTAL - at : READ_BYTES;
		memset(buffer, 0, n);
		if (pread(fd, buffer, n, START + at) != (ssize_t)n)
			return -1;
		*wrong += wrong_words(buffer, n, seed, at);
	}
	return 0;
}

static void check_device(const char *path, uint64_t *buffer)
{
	uint64_t seed = (uint64_t)(now() * 1e9);
	size_t wrong = 0;
	double began;
	int fd;

	fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (fd < 0) {
		report(0, "disk", "%s: %s", path, strerror(errno));
		return;
	}
	began = now();
	if (write_pattern(fd, buffer, seed))
		report(0, "disk", "%s: write: %s", path, strerror(errno));
	else if (read_pattern(fd, buffer, seed, &wrong))
		report(0, "disk", "%s: read: %s", path, strerror(errno));
	else
		report(wrong == 0, "disk",
		       "%s: %u MiB written and read back in %.1f s, %zu wrong "
		       "words",
		       path, TOTAL >> 20, now() - began, wrong);
	close(fd);
}

void check_disk(void)
{
	void *buffer = NULL;
	char path[300];

	if (!find_disk(path, sizeof(path))) {
		report(0, "disk", "no disk with the label is there");
		return;
	}
	if (posix_memalign(&buffer, 4096, WRITE_BYTES)) {
		report(0, "disk", "out of memory");
		return;
	}
	check_device(path, buffer);
	free(buffer);
}
