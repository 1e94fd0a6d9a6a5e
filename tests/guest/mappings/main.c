/* SPDX-License-Identifier: MIT */
/*
 * What a guest may map: its own frames, the shared page, device memory; not
 * the hypervisor's memory, free memory, or the interrupt controllers.
 */
#include "tests/guest/lib/hostile.h"

static uint8_t window[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static int map(uint64_t mfn, uint64_t flags)
{
	return HYPERVISOR_update_va_mapping(P(window), mfn * PAGE_SIZE | flags,
					    UVMF_INVLPG);
}

static void map_own(void)
{
	CHECK_EQ(page_set(window, PTE_KERNEL), 0);
}

static void own_frames_map_with_any_flags(void)
{
	static const uint64_t flags[] = {
		PTE_P,
		PTE_P | PTE_W,
		PTE_P | PTE_U,
		PTE_KERNEL | PTE_NX,
		PTE_KERNEL | PTE_PWT,
		PTE_KERNEL | PTE_PCD,
		1ul << 9 | PTE_P,
		0x7ul << 9 | PTE_P,
		1ul << 52 | PTE_P,
	};
	uint64_t mfn = va_to_mfn(window);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		CHECKF(map(mfn, flags[i]) == 0, "flags %#lx", flags[i]);
		CHECK_EQ(probe_read(P(window)).vector, -1);
		CHECK_EQ(probe_write(P(window)).vector,
			 flags[i] & PTE_W ? -1 : VEC_PF);
	}
	map_own();
}

static void absent_entries_hold_anything(void)
{
	uint64_t *pte = walk(kernel_root(), P(window), 1);

	CHECK_EQ(map(0xffffffffff, 0xffe), 0);
	CHECK_EQ(*pte, 0xffffffffffffe);
	CHECK_EQ(probe_read(P(window)).vector, VEC_PF);
	CHECK_EQ(map(0, 0), 0);
	map_own();
}

static void no_entry_is_global(void)
{
	uint64_t *pte = walk(kernel_root(), P(window), 1);

	if (!on_parapet()) {
		skip("a rule of Parapet's");
		return;
	}
	if (map(va_to_mfn(window), PTE_KERNEL | PTE_G) == 0)
		CHECK_EQ(*pte & PTE_G, 0);
	map_own();
}

static void nx_is_obeyed(void)
{
	struct fault f;

	window[0] = 0xc3; /* ret */
	CHECK_EQ(map(va_to_mfn(window), PTE_KERNEL), 0);
	CHECK_EQ(probe_exec(P(window)).vector, -1);
	CHECK_EQ(map(va_to_mfn(window), PTE_KERNEL | PTE_NX), 0);
	f = probe_exec(P(window));
	CHECK_EQ(f.vector, VEC_PF);
	CHECK_EQ(f.error & (PF_PRESENT | PF_FETCH), PF_PRESENT | PF_FETCH);
	map_own();
}

/* ---- other people's memory ------------------------------------------------ */

static bool is_ours(uint64_t mfn)
{
	uint64_t pfn = mfn_to_pfn(mfn);

	return pfn < start_info->nr_pages && pfn_to_mfn(pfn) == mfn;
}

/* A page that the hypervisor shares with us: the first of the grant table. */
static uint64_t grant_frame(void)
{
	uint64_t mfn = 0;
	struct pv_gnttab_setup_table s = {
		.dom = DOMID_SELF, .nr_frames = 1, .frame_list = P(&mfn)};

	HYPERVISOR_grant_table_op(GNTTABOP_setup_table, P(&s), 1);
	return mfn;
}

static void try_range(uint64_t first, uint64_t end, unsigned long *tried)
{
	uint64_t shared = start_info->shared_info / PAGE_SIZE;
	uint64_t grants = grant_frame(), mfn;

	for (mfn = first; mfn < end; mfn++) {
		if (mfn == shared || mfn == grants || is_ours(mfn))
			continue;
		++*tried;
		/* Others share pages of theirs with the control domain. */
		if (map(mfn, PTE_KERNEL) == 0 &&
		    !CHECKF(!on_parapet(), "frame %#lx, writable", mfn))
			return;
		if (map(mfn, PTE_P) == 0 &&
		    !CHECKF(!on_parapet(), "frame %#lx, read-only", mfn))
			return;
	}
}

/* All RAM that is not ours: free, or the hypervisor's. */
static void foreign_memory_is_refused(void)
{
	static struct pv_e820_entry e820[PV_E820_MAX];
	struct pv_memory_map mm = {.nr_entries = PV_E820_MAX,
				   .buffer = P(e820)};
	unsigned long tried = 0;
	unsigned int i;

	CHECK_EQ(HYPERVISOR_memory_op(XENMEM_machine_memory_map, P(&mm)), 0);
	CHECK(mm.nr_entries > 0 && mm.nr_entries <= PV_E820_MAX);
	for (i = 0; i < mm.nr_entries; i++) {
		uint64_t start = e820[i].addr_low | (uint64_t)e820[i].addr_high
							    << 32;
		uint64_t size = e820[i].size_low | (uint64_t)e820[i].size_high
							   << 32;

		/* The first MiB is BIOS data: it may be device memory. */
		if (e820[i].type == PV_E820_RAM && start >= 0x100000)
			try_range(start / PAGE_SIZE, (start + size) / PAGE_SIZE,
				  &tried);
	}
	note("%lu frames of others", tried);
	CHECK(tried > 100);
	map_own();
}

static void frames_beyond_the_machine_are_refused(void)
{
	static const uint64_t mfns[] = {0xfffffffff0, 1ul << 36, 0xffffffff};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mfns); i++) {
		/* What the CPU cannot address; else it is device memory. */
		if (mfns[i] >> 28)
			CHECKF(map(mfns[i], PTE_KERNEL) < 0, "%#lx", mfns[i]);
	}
	map_own();
}

static void interrupt_controllers_are_refused(void)
{
	CHECK(map(0xfee00, PTE_KERNEL | PTE_PCD) < 0);
	/* An IO-APIC may be shown, not written. */
	if (map(0xfec00, PTE_KERNEL | PTE_PCD) == 0)
		CHECK_EQ(probe_write(P(window)).vector, VEC_PF);
	map_own();
}

static void device_memory_maps(void)
{
	volatile uint16_t *screen = (volatile uint16_t *)window;
	uint16_t old;

	if (!CHECK_EQ(map(0xb8, PTE_KERNEL | PTE_PCD), 0))
		return;
	old = screen[79];
	screen[79] = 0x1741;
	CHECK_EQ(screen[79], 0x1741);
	screen[79] = old;
	map_own();
}

/* ---- update_va_mapping ---------------------------------------------------- */

static void addresses_without_a_table_are_refused(void)
{
	uint64_t entry = va_to_mfn(window) * PAGE_SIZE | PTE_KERNEL;

	for_each_hostile(h)
	{
		long rc = HYPERVISOR_update_va_mapping(h->va, entry, 0);

		/* The last page of all may have a table: it is the guest's. */
		if (h->va < HYPERVISOR_VIRT_END)
			CHECKF(rc < 0, "%s: %ld", h->name, rc);
	}
}

static void flush_kinds_are_taken(void)
{
	uint64_t entry = va_to_mfn(window) * PAGE_SIZE | PTE_KERNEL;
	uint64_t mask = 1;

	CHECK_EQ(HYPERVISOR_update_va_mapping(P(window), entry, UVMF_NONE), 0);
	CHECK_EQ(HYPERVISOR_update_va_mapping(P(window), entry,
					      UVMF_TLB_FLUSH | UVMF_LOCAL),
		 0);
	CHECK_EQ(HYPERVISOR_update_va_mapping(P(window), entry,
					      UVMF_TLB_FLUSH | UVMF_ALL),
		 0);
	CHECK_EQ(HYPERVISOR_update_va_mapping(P(window), entry,
					      UVMF_INVLPG | UVMF_ALL),
		 0);
	CHECK_EQ(HYPERVISOR_update_va_mapping(P(window), entry,
					      UVMF_INVLPG | P(&mask)),
		 0);
}

static void flushes_are_served(void)
{
	uint64_t mask = 3;

	CHECK_EQ(mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_INVLPG_LOCAL, P(window), 0), 0);
	CHECK_EQ(mmuext(MMUEXT_INVLPG_ALL, P(window), 0), 0);
	CHECK_EQ(mmuext(MMUEXT_TLB_FLUSH_MULTI, 0, P(&mask)), 0);
	CHECK_EQ(mmuext(MMUEXT_INVLPG_MULTI, P(window), P(&mask)), 0);
	for_each_hostile(h)
	{
		CHECK_EQ(mmuext(MMUEXT_INVLPG_LOCAL, h->va, 0), 0);
		CHECK_EQ(mmuext(MMUEXT_INVLPG_ALL, h->va, 0), 0);
		CHECKF(mmuext(MMUEXT_TLB_FLUSH_MULTI, 0, h->va) < 0, "%s",
		       h->name);
		CHECKF(mmuext(MMUEXT_INVLPG_MULTI, P(window), h->va) < 0, "%s",
		       h->name);
	}
}

/* ---- the machine-to-physical table ------------------------------------------- */

static int m2p_write(uint64_t mfn, uint64_t pfn)
{
	struct pv_mmu_update u = {
		.ptr = mfn * PAGE_SIZE | MMU_MACHPHYS_UPDATE,
		.val = pfn,
	};

	return HYPERVISOR_mmu_update(P(&u), 1, 0, DOMID_SELF);
}

static void m2p_is_written_for_own_frames(void)
{
	uint64_t mfn = va_to_mfn(window), pfn = mfn_to_pfn(mfn), other;

	CHECK_EQ(m2p_write(mfn, 0x12345), 0);
	CHECK_EQ(mfn_to_pfn(mfn), 0x12345);
	CHECK_EQ(m2p_write(mfn, pfn), 0);
	CHECK_EQ(mfn_to_pfn(mfn), pfn);
	for (other = 0x100; is_ours(other); other++)
		;
	CHECK(m2p_write(other, 1) < 0);
	CHECK(m2p_write(0xffffffffff, 1) < 0);
	CHECK(m2p_write(0xfee00, 1) < 0);
}

static void m2p_mapping_is_told(void)
{
	struct pv_machphys_mapping m;

	CHECK_EQ(HYPERVISOR_memory_op(XENMEM_machphys_mapping, P(&m)), 0);
	CHECK_EQ(m.v_start, MACH2PHYS_VIRT_START);
	CHECK(m.v_end > m.v_start && m.v_end <= MACH2PHYS_VIRT_END);
	CHECK(m.max_mfn >= start_info->nr_pages);
	CHECK_EQ(probe_read(m.v_start + m.max_mfn * 8).vector, -1);
	CHECK_EQ(probe_write(m.v_start).vector, VEC_PF);
	CHECK_EQ(probe_exec(m.v_start).vector, VEC_PF);
}

/* The processor's notes on use survive an update that asks for that. */
static void accessed_and_dirty_are_preserved(void)
{
	uint64_t *pte = walk(kernel_root(), P(window), 1);
	struct pv_mmu_update u = {
		.ptr = machine_address(pte) | MMU_PT_UPDATE_PRESERVE_AD,
		.val = va_to_mfn(window) * PAGE_SIZE | PTE_P | PTE_W,
	};

	CHECK_EQ(map(va_to_mfn(window), PTE_P | PTE_W), 0);
	window[0] = 1;
	CHECK_EQ(*pte & (PTE_A | PTE_D), PTE_A | PTE_D);
	CHECK_EQ(HYPERVISOR_mmu_update(P(&u), 1, 0, DOMID_SELF), 0);
	CHECK_EQ(*pte & (PTE_A | PTE_D), PTE_A | PTE_D);
	u.ptr = machine_address(pte) | MMU_NORMAL_PT_UPDATE;
	CHECK_EQ(HYPERVISOR_mmu_update(P(&u), 1, 0, DOMID_SELF), 0);
	CHECK_EQ(*pte & PTE_D, 0);
	map_own();
}

const struct test tests[] = {
	{"own frames map with any flags", own_frames_map_with_any_flags},
	{"an entry that is not present holds anything",
	 absent_entries_hold_anything},
	{"no entry is global", no_entry_is_global},
	{"no-execute is obeyed", nx_is_obeyed},
	{"memory of others is refused", foreign_memory_is_refused},
	{"frames that the CPU cannot address are refused",
	 frames_beyond_the_machine_are_refused},
	{"interrupt controllers are refused",
	 interrupt_controllers_are_refused},
	{"device memory maps for the control domain", device_memory_maps},
	{"addresses without a table are refused",
	 addresses_without_a_table_are_refused},
	{"every kind of flush is taken with an update", flush_kinds_are_taken},
	{"flushes are served, with bad addresses too", flushes_are_served},
	{"the machine-to-physical table is written for own frames",
	 m2p_is_written_for_own_frames},
	{"the machine-to-physical table is where it is said to be",
	 m2p_mapping_is_told},
	{"accessed and dirty bits are preserved on demand",
	 accessed_and_dirty_are_preserved},
	{},
};
