/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls through the kernel's /dev/xen/privcmd, and memory for them.
 *
 * The hypervisor reads and writes arguments at their linear addresses while
 * the caller's page tables are loaded, and does not wait for a page that is
 * not there.  So arguments live in pages that the kernel neither moves nor
 * shares: those of /dev/xen/hypercall, or, from a kernel without it, locked
 * ones that children do not inherit.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/pvlib/internal.h"

struct privcmd_hypercall {
	uint64_t op;
	uint64_t arg[5];
};
#define PRIVCMD_HYPERCALL XEN_IOC('P', 0, sizeof(struct privcmd_hypercall))

static size_t whole_pages(size_t bytes)
{
	return (bytes + PV_PAGE_SIZE - 1) & ~(size_t)(PV_PAGE_SIZE - 1);
}

static void *locked_memory(size_t bytes)
{
	void *m = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED,
		       -1, 0);
	int err;

	if (m == MAP_FAILED)
		return m;
	if (mlock(m, bytes) || madvise(m, bytes, MADV_DONTFORK)) {
		err = errno;
		munmap(m, bytes);
		errno = err;
		return MAP_FAILED;
	}
	return m;
}

void *pv_buffer_alloc(struct pv *pv, size_t bytes)
{
	size_t size = whole_pages(bytes);
	void *m;

	if (!bytes || size < bytes)
		return pv_fail_null(EINVAL, "hypercall buffer of %zu bytes",
				    bytes);
	if (pv->buffer_fd >= 0)
		m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 pv->buffer_fd, 0);
	else
		m = locked_memory(size);
	if (m == MAP_FAILED)
		return pv_fail_null(errno, "hypercall buffer of %zu bytes",
				    bytes);
	memset(m, 0, size);
	return m;
}

void pv_buffer_free(struct pv *pv, void *buffer, size_t bytes)
{
	(void)pv;
	if (buffer)
		munmap(buffer, whole_pages(bytes));
}

struct pv *pv_open(void)
{
	struct pv *pv = calloc(1, sizeof(*pv));
	int err;

	if (!pv)
		return pv_fail_null(ENOMEM, "open the hypercall device");
	pv->fd = pv_open_device("privcmd", O_RDWR);
	if (pv->fd < 0) {
		err = errno;
		goto free_handle;
	}
	pv->buffer_fd = open("/dev/xen/hypercall", O_RDWR | O_CLOEXEC);
	pv->scratch = pv_buffer_alloc(pv, SCRATCH_BYTES);
	if (pv->scratch)
		return pv;
	err = errno;
	if (pv->buffer_fd >= 0)
		close(pv->buffer_fd);
	close(pv->fd);
free_handle:
	free(pv);
	errno = err;
	return NULL;
}

void pv_close(struct pv *pv)
{
	if (!pv)
		return;
	pv_buffer_free(pv, pv->scratch, SCRATCH_BYTES);
	if (pv->buffer_fd >= 0)
		close(pv->buffer_fd);
	close(pv->fd);
	free(pv);
}

long pv_hypercall(struct pv *pv, unsigned int nr, uint64_t a1, uint64_t a2,
		  uint64_t a3, uint64_t a4)
{
	struct privcmd_hypercall call = {.op = nr, .arg = {a1, a2, a3, a4}};
	int rc = ioctl(pv->fd, PRIVCMD_HYPERCALL, &call);

	return rc < 0 ? -errno : rc;
}
