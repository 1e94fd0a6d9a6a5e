/* SPDX-License-Identifier: MIT */
/*
 * Grants, from a domain to itself: the table, mapping, unmapping, copying, and
 * the promise that a frame in use by a grant stays what it is.
 */
#include "tests/guest/lib/hostile.h"

static struct pv_grant_entry_v1 *table; /* its first frame, mapped         */
static uint8_t *lent; /* the page that is granted        */
static uint8_t *window; /* where grants are mapped         */
#define REF 20u

static int16_t setup_table(domid_t dom, unsigned int n, uint64_t *frames)
{
	struct pv_gnttab_setup_table s = {
		.dom = dom, .nr_frames = n, .frame_list = P(frames)};

	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_setup_table, P(&s), 1), 0);
	return s.status;
}

static struct pv_gnttab_map_grant_ref map(domid_t dom, grant_ref_t ref,
					  uint32_t flags, uint64_t at)
{
	struct pv_gnttab_map_grant_ref m = {
		.host_addr = at,
		.flags = flags,
		.ref = ref,
		.dom = dom,
		.status = 99,
	};

	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, P(&m), 1),
		 0);
	return m;
}

static int16_t unmap(grant_handle_t handle, uint64_t at, uint64_t bus)
{
	struct pv_gnttab_unmap_grant_ref u = {
		.host_addr = at,
		.dev_bus_addr = bus,
		.handle = handle,
		.status = 99,
	};

	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, P(&u), 1),
		 0);
	return u.status;
}

static void grant(grant_ref_t ref, const void *page, uint16_t flags)
{
	table[ref].frame = va_to_mfn(page);
	table[ref].domid = 0;
	__atomic_store_n(&table[ref].flags, flags, __ATOMIC_SEQ_CST);
}

static uint16_t flags_of(grant_ref_t ref)
{
	return __atomic_load_n(&table[ref].flags, __ATOMIC_SEQ_CST);
}

/* ---- the table ----------------------------------------------------------------- */

static void the_table_is_set_up(void)
{
	struct pv_gnttab_query_size q = {.dom = DOMID_SELF};
	uint64_t frames[4] = {0};

	table = page_alloc();
	window = page_alloc();
	lent = page_alloc();
	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_query_size, P(&q), 1), 0);
	CHECK_EQ(q.status, GNTST_okay);
	CHECK(q.max_nr_frames >= 4);
	CHECK_EQ(setup_table(DOMID_SELF, 2, frames), GNTST_okay);
	CHECK(frames[0] && frames[1] && frames[0] != frames[1]);
	CHECK_EQ(HYPERVISOR_update_va_mapping(
			 P(table), frames[0] * PAGE_SIZE | PTE_KERNEL,
			 UVMF_INVLPG),
		 0);
	CHECK_EQ(table[REF].flags, 0);
	/* It is no page table. */
	CHECK(mmuext(MMUEXT_PIN_L1_TABLE, frames[0], 0) < 0);
	CHECK(setup_table(DOMID_SELF, q.max_nr_frames + 1, frames) < 0);
	CHECK(setup_table(DOMID_SELF, ~0u, frames) < 0);
	CHECK_EQ(setup_table(0x1234, 1, frames), GNTST_bad_domain);
}

static void version_1_is_served(void)
{
	struct pv_gnttab_set_version v = {.version = 1};
	struct pv_gnttab_get_version g = {.dom = DOMID_SELF};

	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_set_version, P(&v), 1), 0);
	CHECK_EQ(v.version, 1);
	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_get_version, P(&g), 1), 0);
	CHECK_EQ(g.version, 1);
	v.version = 3;
	CHECK(HYPERVISOR_grant_table_op(GNTTABOP_set_version, P(&v), 1) < 0);
}

/* ---- mapping -------------------------------------------------------------------- */

static void a_grant_is_mapped_and_unmapped(void)
{
	struct pv_gnttab_map_grant_ref m;

	memset(lent, 0x5a, PAGE_SIZE);
	grant(REF, lent, GTF_permit_access);
	m = map(0, REF, GNTMAP_host_map, P(window));
	if (!CHECK_EQ(m.status, GNTST_okay))
		return;
	CHECK_EQ(window[100], 0x5a);
	window[101] = 7;
	CHECK_EQ(lent[101], 7);
	CHECK_EQ(flags_of(REF), GTF_permit_access | GTF_reading | GTF_writing);
	CHECK_EQ(unmap(m.handle, P(window), 0), GNTST_okay);
	CHECK_EQ(flags_of(REF), GTF_permit_access);
	CHECK_EQ(probe_read(P(window)).vector, VEC_PF);
	/* The handle is gone. */
	CHECK_EQ(unmap(m.handle, P(window), 0), GNTST_bad_handle);
}

static void a_read_only_map_is_read_only(void)
{
	struct pv_gnttab_map_grant_ref m;

	m = map(0, REF, GNTMAP_host_map | GNTMAP_readonly, P(window));
	if (!CHECK_EQ(m.status, GNTST_okay))
		return;
	CHECK_EQ(flags_of(REF), GTF_permit_access | GTF_reading);
	CHECK_EQ(probe_read(P(window)).vector, -1);
	CHECK_EQ(probe_write(P(window)).vector, VEC_PF);
	CHECK_EQ(probe_exec(P(window)).vector, VEC_PF);
	CHECK_EQ(unmap(m.handle, P(window), 0), GNTST_okay);
}

static void a_read_only_grant_is_not_mapped_writable(void)
{
	struct pv_gnttab_map_grant_ref m;

	grant(REF, lent, GTF_permit_access | GTF_readonly);
	m = map(0, REF, GNTMAP_host_map, P(window));
	CHECK(m.status < 0);
	m = map(0, REF, GNTMAP_host_map | GNTMAP_readonly, P(window));
	CHECK_EQ(m.status, GNTST_okay);
	CHECK_EQ(unmap(m.handle, P(window), 0), GNTST_okay);
	grant(REF, lent, GTF_permit_access);
}

static void wrong_maps_are_refused(void)
{
	struct pv_gnttab_map_grant_ref m;
	static const grant_ref_t refs[] = {REF + 1, 511, 1024, 100000, ~0u};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refs); i++) {
		m = map(0, refs[i], GNTMAP_host_map, P(window));
		CHECKF(m.status < 0, "ref %u: %d", refs[i], m.status);
	}
	CHECK_EQ(map(0x1234, REF, GNTMAP_host_map, P(window)).status,
		 GNTST_bad_domain);
	CHECK(map(0, REF, 0, P(window)).status < 0);
	CHECK(map(0, REF, GNTMAP_host_map | GNTMAP_contains_pte, P(window) | 4)
		      .status < 0);
	for_each_hostile(h)
	{
		if (h->va >= 0xffffffff00000000)
			continue;
		m = map(0, REF, GNTMAP_host_map, h->va);
		CHECKF(m.status < 0, "%s: %d", h->name, m.status);
		m = map(0, REF, GNTMAP_host_map | GNTMAP_contains_pte, h->va);
		CHECKF(m.status < 0, "pte at %s: %d", h->name, m.status);
	}
	/* Granted to somebody else. */
	grant(REF + 2, lent, GTF_permit_access);
	table[REF + 2].domid = 7;
	CHECK(map(0, REF + 2, GNTMAP_host_map, P(window)).status < 0);
	/* A frame that is not ours to lend. */
	grant(REF + 3, lent, GTF_permit_access);
	table[REF + 3].frame = 0x7fffffff;
	CHECK(map(0, REF + 3, GNTMAP_host_map, P(window)).status < 0);
	CHECK_EQ(flags_of(REF + 3), GTF_permit_access);
	table[REF + 3].frame = va_to_mfn(kernel_root());
	CHECK(map(0, REF + 3, GNTMAP_host_map, P(window)).status < 0);
	CHECK_EQ(flags_of(REF + 3), GTF_permit_access);
	CHECK_EQ(flags_of(REF), GTF_permit_access);
}

static void a_grant_is_mapped_by_its_entry(void)
{
	uint64_t *pte = walk(kernel_root(), P(window), 1);
	struct pv_gnttab_map_grant_ref m;

	m = map(0, REF,
		GNTMAP_host_map | GNTMAP_contains_pte |
			5u << GNTMAP_guest_avail0,
		machine_address(pte));
	if (!CHECK_EQ(m.status, GNTST_okay))
		return;
	CHECK_EQ(*pte & PTE_ADDR, va_to_mfn(lent) * PAGE_SIZE);
	CHECK_EQ(*pte >> 9 & 7, 5);
	CHECK_EQ(window[100], 0x5a);
	CHECK_EQ(unmap(m.handle, machine_address(pte), 0), GNTST_okay);
	CHECK_EQ(*pte & PTE_P, 0);
}

static void a_device_map_tells_the_machine_address(void)
{
	struct pv_gnttab_map_grant_ref m;

	m = map(0, REF, GNTMAP_device_map, 0);
	CHECK_EQ(m.status, GNTST_okay);
	CHECK_EQ(m.dev_bus_addr, va_to_mfn(lent) * PAGE_SIZE);
	CHECK(flags_of(REF) & GTF_reading);
	CHECK(unmap(m.handle, 0, m.dev_bus_addr + PAGE_SIZE) < 0);
	CHECK_EQ(unmap(m.handle, 0, m.dev_bus_addr), GNTST_okay);
}

static void grants_are_counted(void)
{
	uint8_t *other = page_alloc();
	struct pv_gnttab_map_grant_ref a, b;

	a = map(0, REF, GNTMAP_host_map, P(window));
	b = map(0, REF, GNTMAP_host_map | GNTMAP_readonly, P(other));
	CHECK_EQ(a.status, GNTST_okay);
	CHECK_EQ(b.status, GNTST_okay);
	CHECK(a.handle != b.handle);
	CHECK_EQ(unmap(a.handle, P(window), 0), GNTST_okay);
	CHECK_EQ(flags_of(REF), GTF_permit_access | GTF_reading);
	CHECK_EQ(unmap(b.handle, P(other), 0), GNTST_okay);
	CHECK_EQ(flags_of(REF), GTF_permit_access);
	page_free(other);
}

/* The frame cannot become a page table while a writable map of it is out. */
static void a_mapped_frame_stays_what_it_is(void)
{
	struct pv_gnttab_map_grant_ref m;

	m = map(0, REF, GNTMAP_host_map, P(window));
	CHECK_EQ(m.status, GNTST_okay);
	memset(lent, 0, PAGE_SIZE);
	CHECK_EQ(page_set(lent, PTE_P), 0);
	CHECK(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(lent), 0) < 0);
	/* The guest forgets its entry by itself: the grant is still in use. */
	CHECK_EQ(HYPERVISOR_update_va_mapping(P(window), 0, UVMF_INVLPG), 0);
	if (mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(lent), 0) == 0) {
		CHECK(!on_parapet());
		mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(lent), 0);
	}
	/* It has to put it back to end the grant. */
	CHECK_EQ(HYPERVISOR_update_va_mapping(
			 P(window), va_to_mfn(lent) * PAGE_SIZE | PTE_KERNEL,
			 UVMF_INVLPG),
		 0);
	CHECK_EQ(unmap(m.handle, P(window), 0), GNTST_okay);
	CHECK_EQ(flags_of(REF), GTF_permit_access);
	CHECK_EQ(page_set(lent, PTE_KERNEL), 0);
	grant(REF, lent, GTF_permit_access);
	memset(lent, 0x5a, PAGE_SIZE);
}

static void wrong_unmaps_are_refused(void)
{
	static const grant_handle_t handles[] = {1000, 0x10000, 0x7fffffff,
						 ~0u};
	struct pv_gnttab_map_grant_ref m;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(handles); i++)
		CHECK_EQ(unmap(handles[i], P(window), 0), GNTST_bad_handle);
	m = map(0, REF, GNTMAP_host_map, P(window));
	CHECK_EQ(m.status, GNTST_okay);
	CHECK(unmap(m.handle, P(table), 0) < 0);
	CHECK(unmap(m.handle, HYPERVISOR_VIRT_START, 0) < 0);
	CHECK_EQ(unmap(m.handle, P(window), 0), GNTST_okay);
}

/* ---- copies -------------------------------------------------------------------- */

static struct pv_gnttab_copy copy_of(uint16_t len)
{
	struct pv_gnttab_copy c = {
		.source = {.u.ref = REF, .domid = 0},
		.dest = {.u.gmfn = va_to_mfn(window), .domid = DOMID_SELF},
		.len = len,
		.flags = GNTCOPY_source_gref,
		.status = 99,
	};

	return c;
}

static int16_t copy(struct pv_gnttab_copy c)
{
	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_copy, P(&c), 1), 0);
	return c.status;
}

static void grants_are_copied(void)
{
	struct pv_gnttab_copy c = copy_of(100);

	CHECK_EQ(page_set(window, PTE_KERNEL), 0);
	memset(window, 0, PAGE_SIZE);
	memset(lent, 0x33, PAGE_SIZE);
	c.source.offset = 50;
	c.dest.offset = 200;
	CHECK_EQ(copy(c), GNTST_okay);
	CHECK(window[199] == 0 && window[200] == 0x33 && window[299] == 0x33 &&
	      window[300] == 0);
	CHECK_EQ(flags_of(REF), GTF_permit_access);
	/* And back. */
	memset(window, 0x44, PAGE_SIZE);
	c = copy_of(PAGE_SIZE);
	c.dest = c.source;
	c.source.u.gmfn = va_to_mfn(window);
	c.source.domid = DOMID_SELF;
	c.flags = GNTCOPY_dest_gref;
	CHECK_EQ(copy(c), GNTST_okay);
	CHECK_EQ(lent[4095], 0x44);
}

static void wrong_copies_are_refused(void)
{
	struct pv_gnttab_copy c;

	c = copy_of(100);
	c.source.offset = 4000;
	CHECK(copy(c) < 0);
	c = copy_of(100);
	c.dest.offset = 0xffff;
	CHECK(copy(c) < 0);
	c = copy_of(0xffff);
	CHECK(copy(c) < 0);
	c = copy_of(8);
	c.source.u.ref = ~0u;
	CHECK(copy(c) < 0);
	c = copy_of(8);
	c.source.domid = 0x1234;
	CHECK_EQ(copy(c), GNTST_bad_domain);
	c = copy_of(8);
	c.dest.u.gmfn = 0xfee00;
	CHECK(copy(c) < 0);
	c = copy_of(8);
	c.dest.u.gmfn = va_to_mfn(kernel_root());
	CHECK(copy(c) < 0);
	c = copy_of(8);
	c.dest.u.gmfn = 0xfffffffff;
	CHECK(copy(c) < 0);
	c = copy_of(8);
	c.dest = c.source;
	c.flags |= GNTCOPY_dest_gref;
	grant(REF, lent, GTF_permit_access | GTF_readonly);
	CHECK(copy(c) < 0);
	grant(REF, lent, GTF_permit_access);
	CHECK_EQ(flags_of(REF), GTF_permit_access);
}

static void entries_are_exchanged(void)
{
	struct pv_gnttab_swap_grant_ref s = {REF, REF + 10, 99, 0};
	uint32_t frame = table[REF].frame;

	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_swap_grant_ref, P(&s), 1),
		 0);
	CHECK_EQ(s.status, GNTST_okay);
	CHECK_EQ(table[REF + 10].frame, frame);
	CHECK_EQ(flags_of(REF), 0);
	s.ref_b = ~0u;
	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_swap_grant_ref, P(&s), 1),
		 0);
	CHECK(s.status < 0);
	s.ref_b = REF + 10;
	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_swap_grant_ref, P(&s), 1),
		 0);
	CHECK_EQ(flags_of(REF), GTF_permit_access);
}

static void a_list_has_a_status_each(void)
{
	struct pv_gnttab_copy list[3] = {copy_of(8), copy_of(8), copy_of(8)};

	list[1].source.u.ref = ~0u;
	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_copy, P(list), 3), 0);
	CHECK_EQ(list[0].status, GNTST_okay);
	CHECK(list[1].status < 0);
	CHECK_EQ(list[2].status, GNTST_okay);
}

static void the_table_can_hold_nonsense(void)
{
	unsigned int ref, n = 0;

	for (ref = 0; ref < 512; ref++) {
		uint64_t word = (ref + 1) * 0x9e3779b97f4a7c15;

		if (ref != REF)
			memcpy(&table[ref], &word, 8);
	}
	for (ref = 0; ref < 512; ref++) {
		struct pv_gnttab_map_grant_ref m;

		m = map(0, ref, GNTMAP_host_map, P(window));
		if (m.status == GNTST_okay) {
			n++;
			CHECK_EQ(unmap(m.handle, P(window), 0), GNTST_okay);
		}
	}
	CHECKF(n >= 1, "%u", n);
}

const struct test tests[] = {
	{"the table is set up", the_table_is_set_up},
	{"version 1 is served", version_1_is_served},
	{"a grant is mapped and unmapped", a_grant_is_mapped_and_unmapped},
	{"a read-only map is read-only", a_read_only_map_is_read_only},
	{"a read-only grant is not mapped writable",
	 a_read_only_grant_is_not_mapped_writable},
	{"wrong maps are refused", wrong_maps_are_refused},
	{"a grant is mapped by its entry", a_grant_is_mapped_by_its_entry},
	{"a device map tells the machine address",
	 a_device_map_tells_the_machine_address},
	{"mappings are counted", grants_are_counted},
	{"a mapped frame stays what it is", a_mapped_frame_stays_what_it_is},
	{"wrong unmaps are refused", wrong_unmaps_are_refused},
	{"grants are copied", grants_are_copied},
	{"wrong copies are refused", wrong_copies_are_refused},
	{"entries are exchanged", entries_are_exchanged},
	{"every element of a list has its status", a_list_has_a_status_each},
	{"the table can hold nonsense", the_table_can_hold_nonsense},
	{},
};
