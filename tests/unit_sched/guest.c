/* SPDX-License-Identifier: MIT */
/* The memory room, as far as the scheduler's calls see it. */
#include <pv/errno.h>

#include "hv/cpu/cpu.h"
#include "hv/lib/string.h"
#include "tests/unit_sched/guest.h"

unsigned char guest_memory[GUEST_PAGES * 4096] ALIGNED(4096);
bool guest_mapped[GUEST_PAGES], guest_writable[GUEST_PAGES];
bool guest_owned[GUEST_PAGES];
int guest_holds[GUEST_PAGES];
char *host_ram = (char *)guest_memory;

static int copy(uint64_t gva, size_t n, bool write)
{
	for (uint64_t at = gva; at < gva + n; at++) {
		uint64_t page = (at - GUEST_BASE) / PAGE_SIZE;

		if (at < GUEST_BASE || page >= GUEST_PAGES ||
		    !guest_mapped[page] || (write && !guest_writable[page]))
			return -EFAULT;
	}
	return 0;
}

int copy_from_guest(void *to, uint64_t gva, size_t n)
{
	if (n && copy(gva, n, false))
		return -EFAULT;
	memcpy(to, n ? guest_at(gva) : to, n);
	return 0;
}

int copy_to_guest(uint64_t gva, const void *from, size_t n)
{
	if (copy(gva, n, true))
		return -EFAULT;
	memcpy(guest_at(gva), from, n);
	return 0;
}

/* Frame n of "RAM" is page n of the guest. */
uint64_t guest_walk(mfn_t root, uint64_t gva, mfn_t *table, unsigned int *slot)
{
	uint64_t page = (gva - GUEST_BASE) / PAGE_SIZE;

	(void)root;
	*table = MFN_INVALID;
	*slot = 0;
	if (gva < GUEST_BASE || page >= GUEST_PAGES || !guest_mapped[page])
		return 0;
	return page << PAGE_SHIFT | PTE_P | PTE_US |
	       (guest_writable[page] ? PTE_RW : 0);
}

int frame_get_typed(mfn_t m, struct domain *d, enum frame_type type)
{
	(void)d;
	if (type != FT_WRITABLE || m.raw >= GUEST_PAGES || !guest_owned[m.raw])
		return -EINVAL;
	guest_holds[m.raw]++;
	return 0;
}

void frame_put_typed(mfn_t m)
{
	guest_holds[m.raw]--;
}
