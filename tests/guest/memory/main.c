/* SPDX-License-Identifier: MIT */
/*
 * memory_op: giving frames back, getting others, exchanging them; what a domain
 * may ask about memory.  And a big tree of page tables, which takes long to
 * validate: events come in between.
 */
#include "tests/guest/lib/hostile.h"

#define BATCH 16

static long reserve(unsigned int op, uint64_t *list, uint64_t n,
		    unsigned int order, domid_t dom)
{
	struct pv_memory_reservation r = {
		.extent_start = P(list),
		.nr_extents = n,
		.extent_order = order,
		.domid = dom,
	};

	return HYPERVISOR_memory_op(op, P(&r));
}

static long current(void)
{
	domid_t self = DOMID_SELF;

	return HYPERVISOR_memory_op(XENMEM_current_reservation, P(&self));
}

static long maximum(void)
{
	domid_t self = DOMID_SELF;

	return HYPERVISOR_memory_op(XENMEM_maximum_reservation, P(&self));
}

/* Pages at the end of memory, which nothing maps. */
static uint64_t far_pfn(unsigned int i)
{
	return start_info->nr_pages - 1 - i;
}

static void sizes_are_told(void)
{
	CHECK_EQ(current(), start_info->nr_pages);
	CHECK(maximum() >= current());
	CHECK(HYPERVISOR_memory_op(XENMEM_maximum_ram_page, 0) >=
	      (long)start_info->nr_pages);
}

static void frames_are_given_back_and_got_again(void)
{
	uint64_t list[BATCH], *p2m = (uint64_t *)start_info->mfn_list;
	long before = current();
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		list[i] = p2m[far_pfn(i)];
	CHECK_EQ(reserve(XENMEM_decrease_reservation, list, BATCH, 0,
			 DOMID_SELF),
		 BATCH);
	CHECK_EQ(current(), before - BATCH);
	/* They are not ours any more. */
	CHECK(mmuext(MMUEXT_CLEAR_PAGE, list[0], 0) < 0);
	CHECK_EQ(reserve(XENMEM_decrease_reservation, list, 1, 0, DOMID_SELF),
		 0);
	for (i = 0; i < BATCH; i++)
		list[i] = far_pfn(i);
	CHECK_EQ(reserve(XENMEM_populate_physmap, list, BATCH, 0, DOMID_SELF),
		 BATCH);
	CHECK_EQ(current(), before);
	for (i = 0; i < BATCH; i++) {
		CHECK_EQ(mfn_to_pfn(list[i]), far_pfn(i));
		p2m[far_pfn(i)] = list[i];
		CHECK_EQ(mmuext(MMUEXT_CLEAR_PAGE, list[i], 0), 0);
	}
}

static void frames_in_use_are_kept(void)
{
	const uint64_t frames[] = {va_to_mfn(page_alloc()),
				   va_to_mfn(kernel_root()),
				   start_info->shared_info / PAGE_SIZE,
				   ~0ul,
				   0xfee00,
				   1ul << 40};
	long before = current();
	unsigned int i;

	if (!on_parapet()) {
		skip("others free them later");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(frames); i++) {
		uint64_t mfn = frames[i];

		CHECKF(reserve(XENMEM_decrease_reservation, &mfn, 1, 0,
			       DOMID_SELF) == 0,
		       "frame %#lx", mfn);
	}
	CHECK_EQ(current(), before);
}

static void no_more_than_the_maximum(void)
{
	uint64_t list[BATCH];
	long room = maximum() - current();

	if (room >= BATCH) {
		skip("there is room");
		return;
	}
	CHECK_EQ(reserve(XENMEM_increase_reservation, list, BATCH, 0,
			 DOMID_SELF),
		 room);
}

static void counts_are_checked(void)
{
	uint64_t *page = pages_alloc(2), *next = page + 512;
	long rc;

	CHECK_EQ(HYPERVISOR_update_va_mapping(P(next), 0, UVMF_INVLPG), 0);
	memset(page, 0xff, PAGE_SIZE);
	rc = reserve(XENMEM_decrease_reservation, page, 1ul << 40, 0,
		     DOMID_SELF);
	CHECK(rc <= 0);
	rc = reserve(XENMEM_populate_physmap, page, ~0ul, 0, DOMID_SELF);
	CHECK(rc <= 0);
	rc = reserve(XENMEM_increase_reservation, page, 1, 63, DOMID_SELF);
	CHECK(rc <= 0);
	rc = reserve(XENMEM_increase_reservation, page, 1, 0xffffffff,
		     DOMID_SELF);
	CHECK(rc <= 0);
	CHECK_EQ(page_set(next, PTE_KERNEL), 0);
	page_free(page);
	page_free(next);
}

/* What Linux does for buffers of devices: scattered for contiguous. */
static void frames_are_exchanged_for_contiguous_ones(void)
{
	uint64_t *p2m = (uint64_t *)start_info->mfn_list;
	uint64_t in[4], out[1];
	struct pv_memory_exchange e = {
		.in = {.extent_start = P(in),
		       .nr_extents = 4,
		       .domid = DOMID_SELF},
		.out = {.extent_start = P(out),
			.nr_extents = 1,
			.extent_order = 2,
			.address_bits = 32,
			.domid = DOMID_SELF},
	};
	long before = current(), rc;
	unsigned int i;

	for (i = 0; i < 4; i++)
		in[i] = p2m[far_pfn(100 + 3 - i)];
	out[0] = far_pfn(103);
	rc = HYPERVISOR_memory_op(XENMEM_exchange, P(&e));
	if (!CHECK_EQ(rc, 0))
		return;
	CHECK_EQ(e.nr_exchanged, 4);
	CHECK_EQ(current(), before);
	CHECK_EQ(out[0] & 3, 0);
	for (i = 0; i < 4; i++) {
		CHECK_EQ(mfn_to_pfn(out[0] + i), far_pfn(103) + i);
		p2m[far_pfn(103) + i] = out[0] + i;
		CHECK_EQ(mmuext(MMUEXT_CLEAR_PAGE, out[0] + i, 0), 0);
	}
}

static void wrong_exchanges_change_nothing(void)
{
	uint64_t *p2m = (uint64_t *)start_info->mfn_list;
	uint64_t in[4], out[4];
	struct pv_memory_exchange e = {
		.in = {.extent_start = P(in),
		       .nr_extents = 3,
		       .domid = DOMID_SELF},
		.out = {.extent_start = P(out),
			.nr_extents = 1,
			.extent_order = 2,
			.domid = DOMID_SELF},
	};
	long before = current();
	unsigned int i;

	for (i = 0; i < 4; i++)
		in[i] = p2m[far_pfn(110 + 3 - i)];
	CHECK_EQ(HYPERVISOR_memory_op(XENMEM_exchange, P(&e)), -EINVAL);
	e.in.nr_extents = 4;
	e.nr_exchanged = 5;
	CHECK(HYPERVISOR_memory_op(XENMEM_exchange, P(&e)) < 0);
	e.nr_exchanged = 0;
	in[2] = va_to_mfn(kernel_root());
	CHECK(HYPERVISOR_memory_op(XENMEM_exchange, P(&e)) < 0);
	e.nr_exchanged = 0;
	in[2] = ~0ul;
	CHECK(HYPERVISOR_memory_op(XENMEM_exchange, P(&e)) < 0);
	CHECK_EQ(current(), before);
	for (i = 0; i < 4; i++)
		CHECK_EQ(mmuext(MMUEXT_CLEAR_PAGE, p2m[far_pfn(110 + i)], 0),
			 0);
}

static void maps_of_memory_are_told(void)
{
	static struct pv_e820_entry e820[PV_E820_MAX];
	struct pv_memory_map mm = {.nr_entries = PV_E820_MAX,
				   .buffer = P(e820)};
	uint64_t ram = 0;
	unsigned int i;

	CHECK_EQ(HYPERVISOR_memory_op(XENMEM_machine_memory_map, P(&mm)), 0);
	for (i = 0; i < mm.nr_entries; i++)
		if (e820[i].type == PV_E820_RAM)
			ram += e820[i].size_low +
			       ((uint64_t)e820[i].size_high << 32);
	CHECK(ram / PAGE_SIZE > start_info->nr_pages);
	CHECK(ram / PAGE_SIZE < start_info->nr_pages * 4);
	mm.nr_entries = 1;
	CHECK(HYPERVISOR_memory_op(XENMEM_machine_memory_map, P(&mm)) <= 0);
	CHECK(mm.nr_entries <= 1);
	mm.nr_entries = PV_E820_MAX;
	for_each_hostile(h)
	{
		mm.buffer = h->va;
		CHECKF(!h->va || HYPERVISOR_memory_op(XENMEM_machine_memory_map,
						      P(&mm)) < 0,
		       "%s", h->name);
	}
}

/* ---- long work ------------------------------------------------------------------- */

#define L1_TABLES 400

static volatile bool pinning;
static unsigned int rings_while_pinning;

static bool note_ring(struct frame *f)
{
	if (f->vector == ENTRY_EVENT && pinning)
		rings_while_pinning++;
	return false;
}

/* 200,000 entries: l2 tables full of l1 tables full of entries. */
static void a_big_tree_is_validated_in_pieces(void)
{
	struct pv_vcpu_set_periodic_timer t = {.period_ns = 1000000};
	uint64_t *l3 = page_alloc(), *l2 = page_alloc(), *l1 = page_alloc();
	uint64_t mfn, leaf = va_to_mfn(page_alloc());
	unsigned int i;

	for (i = 0; i < 512; i++)
		l1[i] = leaf * PAGE_SIZE | PTE_P | PTE_U | PTE_A;
	for (i = 0; i < L1_TABLES; i++) {
		mfn = pfn_to_mfn(far_pfn(1000 + i));
		CHECK_EQ(mmuext(MMUEXT_COPY_PAGE, mfn, va_to_mfn(l1)), 0);
		l2[i] = mfn * PAGE_SIZE | PTE_TABLE;
	}
	l3[0] = va_to_mfn(l2) * PAGE_SIZE | PTE_TABLE;
	page_set(l2, PTE_P);
	page_set(l3, PTE_P);
	bind_virq(VIRQ_TIMER, 0);
	this_vcpu()->hook = note_ring;
	events_unmask();
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_set_periodic_timer, 0, P(&t)), 0);
	for (i = 0; i < 5; i++) {
		pinning = true;
		CHECK_EQ(mmuext(MMUEXT_PIN_L3_TABLE, va_to_mfn(l3), 0), 0);
		CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(l3), 0), 0);
		pinning = false;
	}
	HYPERVISOR_vcpu_op(VCPUOP_stop_periodic_timer, 0, 0);
	this_vcpu()->hook = NULL;
	note("%u events in %u pins", rings_while_pinning, i);
	CHECK(rings_while_pinning > 1);
	page_free(l2);
	page_free(l3);
	page_free(l1);
}

/* Another vcpu that changes the tables while they are validated. */
static volatile uint32_t stop;
static void *spare;

static void change_tables(void *arg)
{
	uint64_t mfn = P(arg), n = 0;
	struct pv_mmu_update u = {.ptr = mfn * PAGE_SIZE};

	while (!stop) {
		u.ptr = mfn * PAGE_SIZE + 8 * (n++ % 512);
		u.val = n & 1 ? 0 : va_to_mfn(spare) * PAGE_SIZE | PTE_P;
		HYPERVISOR_mmu_update(P(&u), 1, 0, DOMID_SELF);
		mmuext(MMUEXT_PIN_L1_TABLE, mfn, 0);
		mmuext(MMUEXT_UNPIN_TABLE, mfn, 0);
	}
}

static void two_vcpus_validate_one_tree(void)
{
	uint64_t *l3 = page_alloc(), *l2 = page_alloc();
	uint64_t mfn = pfn_to_mfn(far_pfn(2000));
	unsigned int i;
	int rc;

	for (i = 0; i < 200; i++) {
		CHECK_EQ(mmuext(MMUEXT_CLEAR_PAGE,
				pfn_to_mfn(far_pfn(2000 + i)), 0),
			 0);
		l2[i] = pfn_to_mfn(far_pfn(2000 + i)) * PAGE_SIZE | PTE_TABLE;
	}
	l3[0] = va_to_mfn(l2) * PAGE_SIZE | PTE_TABLE;
	page_set(l2, PTE_P);
	page_set(l3, PTE_P);
	stop = 0;
	spare = page_alloc();
	CHECK_EQ(vcpu_run(1, change_tables, (void *)mfn), 0);
	for (i = 0; i < 300; i++) {
		rc = mmuext(MMUEXT_PIN_L3_TABLE, va_to_mfn(l3), 0);
		if (rc && !on_parapet())
			continue; /* others let one of them lose */
		if (!CHECKF(rc == 0, "%u: %d", i, rc))
			break;
		CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(l3), 0), 0);
	}
	stop = 1;
	CHECK(vcpu_wait_down(1, 20000));
	page_free(l2);
	page_free(l3);
	CHECK_EQ(mmuext(MMUEXT_CLEAR_PAGE, mfn, 0), 0);
}

RUN("smp=2 vcpus=2");

const struct test tests[] = {
	{"sizes are told", sizes_are_told},
	{"frames are given back and got again",
	 frames_are_given_back_and_got_again},
	{"frames in use are kept", frames_in_use_are_kept},
	{"there are no more than the maximum", no_more_than_the_maximum},
	{"counts are checked", counts_are_checked},
	{"frames are exchanged for contiguous ones",
	 frames_are_exchanged_for_contiguous_ones},
	{"wrong exchanges change nothing", wrong_exchanges_change_nothing},
	{"maps of memory are told", maps_of_memory_are_told},
	{"a big tree is validated in pieces",
	 a_big_tree_is_validated_in_pieces},
	{"two vcpus validate one tree", two_vcpus_validate_one_tree},
	{},
};
