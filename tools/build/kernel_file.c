/* SPDX-License-Identifier: MIT */
/*
 * Kernel files, and the cache of what was unpacked from them.
 *
 * A file that others may change is read, never mapped: a mapping would end the
 * program with SIGBUS when the file is cut short.  Only our own files in the
 * cache are mapped.  There, DIGEST.elf holds the kernel of the bzImage with
 * that SHA-256, and the link file-DEVICE-INODE-... names the digest of a file
 * as it was seen, so that it need not even be read again.  A file that changed
 * within the last seconds gets no link: its time stamps might not show another
 * change.  Entries appear whole, by rename; a damaged cache costs time, never
 * a wrong kernel, as entries are read-only and the directory is ours alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/build/cache.h"
#include "tools/build/internal.h"
#include "tools/image/bzimage.h"

const struct kernel *kernel_of(const struct kernel_file *file)
{
	return &file->kernel;
}

void kernel_close(struct kernel_file *file)
{
	if (!file)
		return;
	if (file->mapped)
		munmap(file->image, file->mapped);
	else
		free(file->image);
	runs_free(&file->kernel.runs);
	free(file);
}

struct opening {
	const char *path;
	int fd;
	struct stat st;
	struct cache cache; /* .fd is -1: none */
	struct kernel_file *file;
	struct build_error *why;
};

static int refuse(struct opening *o, int err, const char *text)
{
	return build_fail(o->why, err, "kernel %s: %s", o->path, text);
}

/* ---- the ways to an image --------------------------------------------------------- */

static int open_source(struct opening *o)
{
	o->fd = open(o->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (o->fd < 0 || fstat(o->fd, &o->st))
		return refuse(o, errno, strerror(errno));
	if (!S_ISREG(o->st.st_mode))
		return refuse(o, EINVAL, "not a regular file");
	if (o->st.st_size < 64)
		return refuse(o, ENOEXEC, "too small for a kernel");
	if (o->st.st_size > KERNEL_MAX_BYTES)
		return refuse(o, EFBIG, "larger than 512 MiB");
	return 0;
}

static int read_source(struct opening *o, uint8_t **data)
{
	int rc;

	*data = malloc((size_t)o->st.st_size);
	if (!*data)
		return refuse(o, ENOMEM, "out of memory");
	rc = file_read(o->fd, *data, (size_t)o->st.st_size);
	if (!rc)
		return 0;
	free(*data);
	return refuse(o, -rc,
		      rc == -ENODATA ? "it became shorter" : strerror(-rc));
}

/* Unpack data; what it gives is the file's image. */
static int unpack(struct opening *o, const uint8_t *data)
{
	struct payload payload;
	const char *err = bzimage_find(data, (size_t)o->st.st_size, &payload);

	if (err)
		return refuse(o, ENOEXEC, err);
	o->file->image = malloc(payload.unpacked);
	if (!o->file->image)
		return refuse(o, ENOMEM, "out of memory");
	o->file->bytes = payload.unpacked;
	err = payload_unpack(&payload, o->file->image);
	return err ? refuse(o, ENOEXEC, err) : 0;
}

static int parse(struct opening *o)
{
	struct kernel *k = &o->file->kernel;
	const char *err = kernel_parse(k, o->file->image, o->file->bytes);

	if (err)
		return refuse(o, ENOEXEC, err);
	runs_find(&k->runs, k); /* without, it only takes longer */
	return 0;
}

/* From the cache, by digest; false: it is not there. */
static bool take_cached(struct opening *o, const char *digest)
{
	struct kernel_file *f = o->file;

	f->image = cache_map(&o->cache, digest, &f->mapped);
	f->bytes = f->mapped;
	return f->image;
}

static int open_packed(struct opening *o, const uint8_t *data)
{
	char digest[SHA256_HEX] = "";
	int rc;

	if (o->cache.fd >= 0) {
		sha256_hex(data, (size_t)o->st.st_size, digest);
		if (take_cached(o, digest)) {
			cache_link(&o->cache, &o->st, digest);
			return parse(o);
		}
	}
	rc = unpack(o, data);
	if (!rc)
		rc = parse(o);
	if (!rc && o->cache.fd >= 0 &&
	    cache_add(&o->cache, digest, o->file->image, o->file->bytes))
		cache_link(&o->cache, &o->st, digest);
	return rc;
}

static int open_any(struct opening *o)
{
	char digest[SHA256_HEX];
	uint8_t *data;
	int rc = open_source(o);

	if (rc)
		return rc;
	if (o->cache.fd >= 0 && cache_linked(&o->cache, &o->st, digest) &&
	    take_cached(o, digest))
		return parse(o);
	rc = read_source(o, &data);
	if (rc)
		return rc;
	if (!memcmp(data, "\177ELF", 4)) {
		o->file->image = data;
		o->file->bytes = (size_t)o->st.st_size;
		return parse(o);
	}
	rc = open_packed(o, data);
	free(data);
	return rc;
}

struct kernel_file *kernel_open(const char *path, const char *cache,
				struct build_error *why)
{
	struct opening o = {
		.path = path,
		.fd = -1,
		.cache.fd = -1,
		.file = calloc(1, sizeof(struct kernel_file)),
		.why = why,
	};
	int rc;

	if (!o.file) {
		errno = -refuse(&o, ENOMEM, "out of memory");
		return NULL;
	}
	rc = cache ? cache_open(&o.cache, cache, why) : 0;
	if (!rc)
		rc = open_any(&o);
	if (o.fd >= 0)
		close(o.fd);
	cache_close(&o.cache);
	o.file->st = o.st;
	if (!rc)
		return o.file;
	kernel_close(o.file);
	errno = -rc;
	return NULL;
}
