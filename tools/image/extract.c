/* SPDX-License-Identifier: MIT */
/*
 * parapet-extract: a bzImage in, the ELF kernel that the hypervisor boots out.
 *
 *	parapet-extract KERNEL OUTPUT	write the ELF file
 *	parapet-extract KERNEL		check it and say what it is
 *
 * The hypervisor has no decompressor, so this is done where the image is put
 * together.  The output appears whole or not at all (written beside it and
 * renamed).  Errors are one line: stage, file, reason.
 */
#include "tools/image/bzimage.h"
#include "tools/image/pvelf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *file, const char *why)
{
	fprintf(stderr, "parapet-extract: %s: %s\n", file, why);
	return 1;
}

static uint8_t *map_file(const char *path, size_t *len)
{
	struct stat st;
	void *map;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st)) {
		close(fd);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || st.st_size == 0) {
		close(fd);
		errno = ENOEXEC;
		return NULL;
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return NULL;
	*len = (size_t)st.st_size;
	return map;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Returns 0, or -1 with errno set and nothing left behind. */
static int write_file(const char *path, const uint8_t *data, size_t len)
{
	char *tmp = NULL;
	int fd, saved;

	if (asprintf(&tmp, "%s.XXXXXX", path) < 0)
		return -1;
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		goto free_name;
	if (write_all(fd, data, len) || fchmod(fd, 0644)) {
		saved = errno;
		close(fd);
		errno = saved;
		goto remove_file;
	}
	if (close(fd) || rename(tmp, path))
		goto remove_file;
	free(tmp);
	return 0;

remove_file:
	saved = errno;
	unlink(tmp);
	errno = saved;
free_name:
	saved = errno;
	free(tmp);
	errno = saved;
	return -1;
}

static int extract(const char *in, const char *out, const uint8_t *file,
		   size_t len)
{
	struct payload payload;
	struct pvelf info;
	const char *err;
	uint8_t *elf;
	int rc = 1;

	err = bzimage_find(file, len, &payload);
	if (err)
		return fail(in, err);
	elf = malloc(payload.unpacked);
	if (!elf)
		return fail(in, "out of memory");
	err = payload_unpack(&payload, elf);
	if (!err)
		err = pvelf_check(elf, payload.unpacked, &info);
	if (err) {
		fail(in, err);
		goto free_elf;
	}
	if (out && write_file(out, elf, payload.unpacked)) {
		fail(out, strerror(errno));
		goto free_elf;
	}
	printf("%s: %s kernel, packing=%s bytes=%u abi=%s entry=0x%llx\n", in,
	       info.guest_os, packing_name(payload.packing), payload.unpacked,
	       info.abi, (unsigned long long)info.entry);
	rc = 0;
free_elf:
	free(elf);
	return rc;
}

int main(int argc, char **argv)
{
	uint8_t *file;
	size_t len;
	int rc;

	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: parapet-extract KERNEL [OUTPUT]\n");
		return 2;
	}
	file = map_file(argv[1], &len);
	if (!file)
		return fail(argv[1], errno == ENOEXEC ? "not a file with data"
						      : strerror(errno));
	rc = extract(argv[1], argc == 3 ? argv[2] : NULL, file, len);
	munmap(file, len);
	return rc;
}
