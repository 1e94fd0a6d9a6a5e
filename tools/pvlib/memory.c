/* SPDX-License-Identifier: MIT */
/*
 * Frames of other domains: give, map, and what the builder asks for besides.
 *
 * Long lists go through the scratch memory piece by piece; the hypervisor
 * continues a long call by itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <pv/event_channel.h>
#include <pv/hypercalls.h>

#include "tools/pvlib/internal.h"

struct privcmd_mmapbatch {
	uint32_t num;
	domid_t dom;
	uint16_t pad0;
	uint64_t addr;
	const uint64_t *arr;
	int *err;
};
#define PRIVCMD_MMAPBATCH XEN_IOC('P', 4, sizeof(struct privcmd_mmapbatch))

#define LIST_AT           256 /* in the scratch memory, behind the request */
/* Bytes that are written need not be in hypercall memory: what the kernel took
 * away meanwhile is fetched again, so many times. */
#define FAULTS_MAX   100
#define WRITE_FRAMES 1024ul /* of one call, at most */
#define LIST_MAX     ((SCRATCH_BYTES - LIST_AT) / sizeof(uint64_t))

static void *list_of(struct pv *pv)
{
	return (char *)pv->scratch + LIST_AT;
}

int pv_populate(struct pv *pv, domid_t domid, unsigned int order,
		uint64_t *extents, unsigned int nr)
{
	struct pv_memory_reservation *r = pv->scratch;
	unsigned int done = 0, n;
	long rc;

	while (done < nr) {
		n = nr - done < LIST_MAX ? nr - done : LIST_MAX;
		memcpy(list_of(pv), extents + done, n * sizeof(*extents));
		*r = (struct pv_memory_reservation){
			.extent_start = (uintptr_t)list_of(pv),
			.nr_extents = n,
			.extent_order = order,
			.domid = domid,
		};
		rc = pv_hypercall(pv, HC_memory_op, XENMEM_populate_physmap,
				  (uintptr_t)r, 0, 0);
		if (rc < 0)
			return pv_fail((int)-rc,
				       "give d%u %u extents of %lu frames",
				       domid, n, 1ul << order);
		memcpy(extents + done, list_of(pv),
		       (size_t)rc * sizeof(*extents));
		done += (unsigned int)rc;
		if ((unsigned int)rc < n)
			break;
	}
	return (int)done;
}

/* Read a byte of each page, so that all are there. */
static void touch(const char *from, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += PV_PAGE_SIZE)
		(void)*(const volatile char *)(from + at);
	if (bytes)
		(void)*(const volatile char *)(from + bytes - 1);
}

/* One call: some of the bytes.  Returns how many, or a negative errno. */
static long write_some(struct pv *pv, domid_t domid, const uint64_t *mfn,
		       unsigned int offset, const char *from, size_t bytes)
{
	size_t most = (WRITE_FRAMES << PV_PAGE_SHIFT) - offset;
	struct pv_control_op op = {
		.cmd = PV_CONTROL_write_memory,
		.domid = domid,
		.u.write =
			{
				.buffer = (uintptr_t)from,
				.frames = (uintptr_t)list_of(pv),
				.offset = offset,
				.length =
					(uint32_t)(bytes < most ? bytes : most),
			},
	};
	size_t frames = (offset + op.u.write.length + PV_PAGE_SIZE - 1) >>
			PV_PAGE_SHIFT;
	int rc;

	memcpy(list_of(pv), mfn, frames * sizeof(*mfn));
	rc = pv_control(pv, &op);
	return rc ? rc : (long)op.u.write.length;
}

int pv_write_memory(struct pv *pv, domid_t domid, const uint64_t *mfn,
		    unsigned int offset, const void *from, size_t bytes)
{
	const char *at = from;
	unsigned int faults = 0;
	long done;

	while (bytes) {
		done = write_some(pv, domid, mfn, offset, at, bytes);
		if (done == -EFAULT && faults++ < FAULTS_MAX) {
			touch(at, bytes < 65536 ? bytes : 65536);
			continue;
		}
		if (done < 0)
			return (int)done;
		faults = 0;
		at += done;
		bytes -= (size_t)done;
		offset += (unsigned int)done;
		mfn += offset >> PV_PAGE_SHIFT;
		offset %= PV_PAGE_SIZE;
	}
	return 0;
}

/* The first frame that could not be mapped names the failure. */
static int batch_error(domid_t domid, const uint64_t *mfn, const int *err,
		       unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		if (err[i])
			return pv_fail(-err[i],
				       "map %u frames of d%u: frame %u, "
				       "mfn=0x%llx",
				       nr, domid, i,
				       (unsigned long long)mfn[i]);
	return 0;
}

void *pv_map_frames(struct pv *pv, domid_t domid, const uint64_t *mfn,
		    unsigned int nr_frames, bool writable)
{
	size_t bytes = (size_t)nr_frames * PV_PAGE_SIZE;
	struct privcmd_mmapbatch batch = {
		.num = nr_frames,
		.dom = domid,
		.arr = mfn,
	};
	void *map;
	int rc = 0;

	if (!nr_frames)
		return pv_fail_null(EINVAL, "map no frame of d%u", domid);
	batch.err = calloc(nr_frames, sizeof(*batch.err));
	if (!batch.err)
		return pv_fail_null(ENOMEM, "map %u frames of d%u", nr_frames,
				    domid);
	map = mmap(NULL, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ,
		   MAP_SHARED, pv->fd, 0);
	if (map == MAP_FAILED) {
		rc = pv_fail(errno, "map %u frames of d%u", nr_frames, domid);
		goto free_errors;
	}
	batch.addr = (uintptr_t)map;
	if (ioctl(pv->fd, PRIVCMD_MMAPBATCH, &batch) < 0)
		rc = pv_fail(errno, "map %u frames of d%u from mfn=0x%llx",
			     nr_frames, domid, (unsigned long long)mfn[0]);
	else
		rc = batch_error(domid, mfn, batch.err, nr_frames);
	if (rc)
		munmap(map, bytes);
free_errors:
	free(batch.err);
	if (!rc)
		return map;
	errno = -rc;
	return NULL;
}

void pv_unmap_frames(struct pv *pv, void *map, unsigned int nr_frames)
{
	(void)pv;
	if (map)
		munmap(map, (size_t)nr_frames * PV_PAGE_SIZE);
}

int pv_mmuext(struct pv *pv, domid_t domid, const struct pv_mmuext_op *ops,
	      unsigned int nr)
{
	size_t bytes = nr * sizeof(*ops);
	long rc;

	if (bytes > SCRATCH_BYTES)
		return pv_fail(EINVAL, "%u page-table operations at once", nr);
	memcpy(pv->scratch, ops, bytes);
	rc = pv_hypercall(pv, HC_mmuext_op, (uintptr_t)pv->scratch, nr, 0,
			  domid);
	if (rc < 0)
		return pv_fail(
			(int)-rc, "page-table operation %u on d%u, mfn=0x%llx",
			ops->cmd, domid, (unsigned long long)ops->arg1.mfn);
	return 0;
}

static int grant_errno(int status)
{
	switch (status) {
	case GNTST_bad_domain:
		return ESRCH;
	case GNTST_permission_denied:
		return EPERM;
	case GNTST_no_space:
		return ENOSPC;
	case GNTST_eagain:
		return EAGAIN;
	default:
		return EINVAL;
	}
}

int pv_grant_frames(struct pv *pv, domid_t domid, uint64_t *mfn,
		    unsigned int nr_frames)
{
	struct pv_gnttab_setup_table *op = pv->scratch;
	long rc;

	if (!nr_frames || nr_frames > LIST_MAX)
		return pv_fail(EINVAL, "%u grant frames of d%u", nr_frames,
			       domid);
	*op = (struct pv_gnttab_setup_table){
		.dom = domid,
		.nr_frames = nr_frames,
		.frame_list = (uintptr_t)list_of(pv),
	};
	rc = pv_hypercall(pv, HC_grant_table_op, GNTTABOP_setup_table,
			  (uintptr_t)op, 1, 0);
	if (rc < 0)
		return pv_fail((int)-rc, "%u grant frames of d%u", nr_frames,
			       domid);
	if (op->status)
		return pv_fail(grant_errno(op->status),
			       "%u grant frames of d%u: %s", nr_frames, domid,
			       pv_gnt_status_text(op->status));
	memcpy(mfn, list_of(pv), nr_frames * sizeof(*mfn));
	return 0;
}

int pv_alloc_unbound(struct pv *pv, domid_t domid, domid_t remote)
{
	struct pv_evtchn_alloc_unbound *op = pv->scratch;
	long rc;

	*op = (struct pv_evtchn_alloc_unbound){
		.dom = domid,
		.remote_dom = remote,
	};
	rc = pv_hypercall(pv, HC_event_channel_op, EVTCHNOP_alloc_unbound,
			  (uintptr_t)op, 0, 0);
	if (rc < 0)
		return pv_fail((int)-rc, "event channel in d%u for d%u", domid,
			       remote);
	return (int)op->port;
}
