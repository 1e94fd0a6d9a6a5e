/* SPDX-License-Identifier: MIT */
/*
 * The directory of unpacked kernels: DIGEST.elf, and links that name a digest.
 *
 * It holds CACHE_MAX kernels; the one that was used longest ago makes room.
 * Failures to keep something are no one's error: the kernel is unpacked again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tools/build/cache.h"

#define CACHE_MAX 8
/* A file that changed less than that ago might change again without a trace. */
#define SETTLED_SECONDS 2
#define NAME_ROOM       160

static void elf_name(char name[NAME_ROOM], const char *digest)
{
	snprintf(name, NAME_ROOM, "%s.elf", digest);
}

static void link_name(char name[NAME_ROOM], const struct stat *st)
{
	snprintf(name, NAME_ROOM, "file-%llx-%llx-%llx-%llx.%lx-%llx.%lx",
		 (unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
		 (unsigned long long)st->st_size,
		 (unsigned long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		 (unsigned long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

static int make_parents(const char *path)
{
	char *copy = strdup(path), *slash;

	if (!copy)
		return -1;
	for (slash = strchr(copy + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(copy, 0755);
		*slash = '/';
	}
	free(copy);
	return 0;
}

int cache_open(struct cache *c, const char *path, struct build_error *why)
{
	struct stat st;

	if (make_parents(path) || (mkdir(path, 0700) && errno != EEXIST))
		return build_fail(why, errno, "kernel cache %s: %s", path,
				  strerror(errno));
	c->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->fd < 0 || fstat(c->fd, &st))
		return build_fail(why, errno, "kernel cache %s: %s", path,
				  strerror(errno));
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return build_fail(why, EPERM,
				  "kernel cache %s: others may write to it",
				  path);
	return 0;
}

void cache_close(struct cache *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void *cache_map(struct cache *c, const char *digest, size_t *bytes)
{
	char name[NAME_ROOM];
	void *map = MAP_FAILED;
	struct stat st;
	int fd;

	elf_name(name, digest);
	fd = openat(c->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && st.st_size > 0)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
			   0);
	close(fd);
	if (map == MAP_FAILED)
		return NULL;
	utimensat(c->fd, name, NULL, 0); /* used just now */
	*bytes = (size_t)st.st_size;
	return map;
}

/* ---- room ------------------------------------------------------------------------ */

static bool is_kernel(const char *name)
{
	size_t n = strlen(name);

	return n == SHA256_HEX - 1 + 4 && !strcmp(name + n - 4, ".elf");
}

/* The kernel used longest ago, and how many there are. */
static unsigned int oldest(DIR *dir, int fd, char name[NAME_ROOM])
{
	struct timespec best = {0};
	struct dirent *e;
	unsigned int n = 0;
	struct stat st;

	rewinddir(dir);
	while ((e = readdir(dir))) {
		if (!is_kernel(e->d_name) ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (!n++ || st.st_mtim.tv_sec < best.tv_sec ||
		    (st.st_mtim.tv_sec == best.tv_sec &&
		     st.st_mtim.tv_nsec < best.tv_nsec)) {
			best = st.st_mtim;
			snprintf(name, NAME_ROOM, "%s", e->d_name);
		}
	}
	return n;
}

/* Links to kernels that are gone. */
static void drop_links(DIR *dir, int fd)
{
	char digest[SHA256_HEX], name[NAME_ROOM];
	struct dirent *e;
	ssize_t n;

	rewinddir(dir);
	while ((e = readdir(dir))) {
		n = readlinkat(fd, e->d_name, digest, sizeof(digest) - 1);
		if (n < 0)
			continue;
		digest[n] = '\0';
		elf_name(name, digest);
		if (faccessat(fd, name, F_OK, 0))
			unlinkat(fd, e->d_name, 0);
	}
}

static void make_room(struct cache *c)
{
	int fd = openat(c->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[NAME_ROOM];
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while (oldest(dir, c->fd, name) >= CACHE_MAX)
		if (unlinkat(c->fd, name, 0))
			break;
	drop_links(dir, c->fd);
	closedir(dir);
}

static bool write_all(int fd, const char *p, size_t bytes)
{
	ssize_t n;

	while (bytes) {
		n = write(fd, p, bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		bytes -= (size_t)n;
	}
	return true;
}

/* A name of a file or link that will be renamed; ours alone. */
static void new_name(char name[NAME_ROOM])
{
	static _Atomic unsigned int serial;

	snprintf(name, NAME_ROOM, "new-%d-%u", getpid(), serial++);
}

bool cache_add(struct cache *c, const char *digest, const void *image,
	       size_t bytes)
{
	char name[NAME_ROOM], tmp[NAME_ROOM];
	bool ok;
	int fd;

	make_room(c);
	elf_name(name, digest);
	new_name(tmp);
	fd = openat(c->fd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (fd < 0)
		return false;
	ok = write_all(fd, image, bytes) && !fsync(fd);
	if (close(fd))
		ok = false;
	if (ok && !renameat(c->fd, tmp, c->fd, name))
		return true;
	unlinkat(c->fd, tmp, 0);
	return false;
}

/* ---- links ----------------------------------------------------------------------- */

bool cache_settled(const struct stat *st)
{
	return time(NULL) - st->st_ctim.tv_sec >= SETTLED_SECONDS;
}

void cache_link(struct cache *c, const struct stat *st, const char *digest)
{
	char name[NAME_ROOM], tmp[NAME_ROOM];

	if (!cache_settled(st))
		return;
	link_name(name, st);
	new_name(tmp);
	if (!symlinkat(digest, c->fd, tmp) && renameat(c->fd, tmp, c->fd, name))
		unlinkat(c->fd, tmp, 0);
}

bool cache_linked(struct cache *c, const struct stat *st,
		  char digest[SHA256_HEX])
{
	char name[NAME_ROOM];
	ssize_t n;

	link_name(name, st);
	n = readlinkat(c->fd, name, digest, SHA256_HEX);
	if (n != SHA256_HEX - 1)
		return false;
	digest[n] = '\0';
	return strspn(digest, "0123456789abcdef") == SHA256_HEX - 1;
}
