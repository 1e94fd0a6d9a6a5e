/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables: a page of them is a type of frame like a page table, and
 * what a descriptor may say is checked: no gate, no system segment, nothing
 * that leads to ring 0.
 */
#include "tests/guest/lib/hostile.h"

#define DATA_DPL3 0x00cff2000000ffff
#define DATA_DPL0 0x00cf92000000ffff
#define CODE_DPL3 0x00affa000000ffff
#define CODE_DPL0 0x00af9a000000ffff
#define ACCESSED  (1ul << 40)

static uint64_t *gdt; /* one page of it, read-only once it is in use */

static int gdt_use(uint64_t mfn, unsigned int entries)
{
	return HYPERVISOR_set_gdt(P(&mfn), entries);
}

static int gdt_write(unsigned int index, uint64_t descriptor)
{
	return HYPERVISOR_update_descriptor(machine_address(&gdt[index]),
					    descriptor);
}

static void a_gdt_is_taken_and_let_go(void)
{
	gdt = page_alloc();
	gdt[1] = DATA_DPL3;
	/* It must not be writable. */
	CHECK(gdt_use(va_to_mfn(gdt), 512) < 0);
	CHECK_EQ(page_set(gdt, PTE_P), 0);
	CHECK_EQ(gdt_use(va_to_mfn(gdt), 512), 0);
	CHECK(page_set(gdt, PTE_KERNEL) < 0);
	CHECK_EQ(probe_write(P(gdt)).vector, VEC_PF);
	CHECK(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(gdt), 0) < 0);
	CHECK_EQ(gdt_use(0, 0), 0);
	CHECK_EQ(page_set(gdt, PTE_KERNEL), 0);
	CHECK_EQ(page_set(gdt, PTE_P), 0);
	CHECK_EQ(gdt_use(va_to_mfn(gdt), 512), 0);
}

static void wrong_tables_are_refused(void)
{
	uint64_t *table = table_alloc();
	uint64_t many[16];
	unsigned int i;

	for (i = 0; i < 16; i++)
		many[i] = va_to_mfn(gdt);
	CHECK_EQ(HYPERVISOR_set_gdt(P(many), FIRST_RESERVED_GDT_ENTRY + 1),
		 -EINVAL);
	CHECK_EQ(HYPERVISOR_set_gdt(P(many), 0xffffffff), -EINVAL);
	CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(table), 0), 0);
	CHECK(gdt_use(va_to_mfn(table), 512) < 0);
	CHECK(gdt_use(0xfffffffff, 512) < 0);
	CHECK(gdt_use(0xfee00, 512) < 0);
	/* One good frame, one bad: the old table stays. */
	many[1] = 0xfffffffff;
	CHECK(HYPERVISOR_set_gdt(P(many), 1024) < 0);
	CHECK(page_set(gdt, PTE_KERNEL) < 0);
	CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(table), 0), 0);
	page_free(table);
}

static void load_fs(void *selector)
{
	__asm__ volatile("movw %w0, %%fs; movw %w1, %%fs"
			 :
			 : "r"(selector), "r"(0));
}

static void load_ds(void *selector)
{
	__asm__ volatile("movw %w0, %%ds; movw %w1, %%ds"
			 :
			 : "r"(selector), "r"(0));
}

static void descriptors_are_updated_one_by_one(void)
{
	CHECK_EQ(gdt_write(5, DATA_DPL3), 0);
	CHECK_EQ(gdt[5] & ~ACCESSED, DATA_DPL3 & ~ACCESSED);
	CHECK_EQ(probe(load_fs, (void *)(5 << 3 | 3)).vector, -1);
	CHECK_EQ(gdt_write(5, 0), 0);
	CHECK_EQ(gdt[5], 0);
	CHECK_EQ(probe(load_fs, (void *)(5 << 3 | 3)).vector, VEC_GP);
	/* Only descriptors of the caller's, aligned. */
	CHECK(HYPERVISOR_update_descriptor(machine_address(&gdt[5]) + 4,
					   DATA_DPL3) < 0);
	CHECK(HYPERVISOR_update_descriptor(0xfee00000, DATA_DPL3) < 0);
	CHECK(HYPERVISOR_update_descriptor(0xffffffffff000, DATA_DPL3) < 0);
	CHECK(HYPERVISOR_update_descriptor(machine_address(kernel_root()),
					   DATA_DPL3) < 0);
}

CODE(use_selector, "movw %di, %ds\n movw %di, %fs\n movw %fs, %ax\n int3\n");
CODE(far_call, "pushq %rdi\n pushq $0x400010\n lretq\n .balign 16\n"
	       "movw %cs, %ax\n int3\n");
CODE(far_call_gate, "movq %rdi, -8(%rsp)\n movq $0x400000, -16(%rsp)\n"
		    "rex.w lcall *-16(%rsp)\n int3\n");

static void users_load_what_the_kernel_gives_them(void)
{
	struct frame f;

	CHECK_EQ(gdt_write(6, DATA_DPL3), 0);
	CHECK_EQ(gdt_write(7, CODE_DPL3), 0);
	f = user_call(use_selector, 6 << 3 | 3, 0, 0);
	CHECK_EQ(f.vector, VEC_BP);
	f = user_call(far_call, 7 << 3 | 3, 0, 0);
	CHECK_EQ(f.vector, VEC_BP);
	CHECK_EQ(f.cs & 0xffff, 7 << 3 | 3);
}

/* Gates and system segments: refused, or never usable. */
static void system_descriptors_are_harmless(void)
{
	unsigned int type, dpl;

	for (type = 0; type < 16; type++)
		for (dpl = 0; dpl < 4; dpl++) {
			uint64_t d = 0x0000800000080000 |
				     P(memset) << 48 >> 48 |
				     (uint64_t)type << 40 | (uint64_t)dpl << 45;
			struct fault k;
			struct frame u;

			if (gdt_write(8, d))
				continue;
			gdt_write(9, 0xffffffff);
			u = user_call(far_call_gate, 8 << 3 | 3, 0, 0);
			CHECKF(u.vector == VEC_GP || u.vector == VEC_NP,
			       "type %u dpl %u: user %#lx", type, dpl,
			       u.vector);
			u = user_call(far_call, 8 << 3 | 3, 0, 0);
			CHECKF(u.vector == VEC_GP || u.vector == VEC_NP,
			       "type %u dpl %u: user %#lx", type, dpl,
			       u.vector);
			k = probe(load_ds, (void *)(8ul << 3));
			CHECKF(k.vector == VEC_GP || k.vector == VEC_NP,
			       "type %u dpl %u: kernel %d", type, dpl,
			       k.vector);
			gdt_write(8, 0);
			gdt_write(9, 0);
		}
}

/* Code and data of every type and privilege: user code gains nothing. */
static void segments_of_inner_rings_are_not_for_users(void)
{
	unsigned int type, dpl;
	struct frame f;

	if (!on_parapet()) {
		skip("with the kernel in ring 3 they are");
		return;
	}
	for (type = 0; type < 16; type++)
		for (dpl = 0; dpl < 3; dpl++) {
			uint64_t d = 0x00a090000000ffff | (uint64_t)type << 40 |
				     (uint64_t)dpl << 45;

			if (type & 4 && type & 8)
				continue; /* conforming: runs in the caller's ring */
			if (gdt_write(8, d))
				continue;
			f = user_call(use_selector, 8 << 3 | 3, 0, 0);
			CHECKF(f.vector == VEC_GP, "%u/%u: %#lx", type, dpl,
			       f.vector);
			f = user_call(far_call, 8 << 3 | 3, 0, 0);
			CHECKF(f.vector == VEC_GP, "%u/%u: %#lx", type, dpl,
			       f.vector);
			f = user_call(far_call, 8 << 3, 0, 0);
			CHECKF(f.vector == VEC_GP, "%u/%u: %#lx", type, dpl,
			       f.vector);
		}
	gdt_write(8, 0);
}

/* A conforming segment keeps the ring of who calls it. */
static void conforming_segments_keep_the_ring(void)
{
	unsigned int dpl;
	struct frame f;

	for (dpl = 0; dpl < 4; dpl++) {
		if (gdt_write(8, CODE_DPL0 | 4ul << 40 | (uint64_t)dpl << 45))
			continue;
		f = user_call(far_call, 8 << 3 | 3, 0, 0);
		if (f.vector == VEC_BP)
			CHECK_EQ(f.cs & 3, 3);
	}
	gdt_write(8, 0);
}

static void to_ring(void *selector)
{
	__asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax\n"
			 "lretq\n 1: movw %%cs, %%ax\n"
			 "movzwl %%ax, %%eax; movq %%rax, %1\n"
			 "pushq %2; leaq 2f(%%rip), %%rax; pushq %%rax\n"
			 "lretq\n 2:"
			 :
			 : "r"(selector), "m"(*(uint64_t *)gdt),
			   "r"((uint64_t)read_cs())
			 : "rax", "memory");
}

/* With a DPL of 0 a guest kernel's segments are those of its own ring. */
static void kernel_segments_are_not_ring_0(void)
{
	struct fault f;

	if (gdt_write(8, CODE_DPL0) || gdt_write(10, DATA_DPL0)) {
		note("descriptors with DPL 0 are refused");
		return;
	}
	/* The store to the read-only table stops it, in the new segment. */
	f = probe(to_ring, (void *)(8ul << 3 | (read_cs() & 3)));
	CHECK(f.vector == VEC_PF || f.vector == VEC_GP);
	f = probe(to_ring, (void *)(8ul << 3));
	CHECKF(f.vector == VEC_GP || f.vector == VEC_PF, "%d", f.vector);
	CHECK(gdt_write(8, 0) == 0 && gdt_write(10, 0) == 0);
}

/* ---- LDT ------------------------------------------------------------------ */

static void an_ldt_is_used(void)
{
	uint64_t *ldt = page_alloc();

	ldt[3] = DATA_DPL3;
	CHECK_EQ(page_set(ldt, PTE_P), 0);
	CHECK_EQ(mmuext(MMUEXT_SET_LDT, P(ldt), 512), 0);
	CHECK_EQ(user_call(use_selector, 3 << 3 | 4 | 3, 0, 0).vector, VEC_BP);
	/* Now it is a table, whether before or by the first use. */
	CHECK(page_set(ldt, PTE_KERNEL) < 0);
	CHECK_EQ(user_call(use_selector, 4 << 3 | 4 | 3, 0, 0).vector, VEC_GP);
	CHECK_EQ(user_call(use_selector, 512 << 3 | 4 | 3, 0, 0).vector,
		 VEC_GP);
	CHECK_EQ(mmuext(MMUEXT_SET_LDT, 0, 0), 0);
	CHECK_EQ(user_call(use_selector, 3 << 3 | 4 | 3, 0, 0).vector, VEC_GP);
	CHECK_EQ(page_set(ldt, PTE_KERNEL), 0);
	page_free(ldt);
}

static void wrong_ldts_are_refused(void)
{
	uint8_t *page = page_alloc();

	CHECK(mmuext(MMUEXT_SET_LDT, P(page) + 8, 16) < 0);
	CHECK(mmuext(MMUEXT_SET_LDT, P(page), 8193) < 0);
	CHECK(mmuext(MMUEXT_SET_LDT, P(page), ~0u) < 0);
	for_each_hostile(h)
	{
		if (!h->va || h->va & (PAGE_SIZE - 1))
			continue;
		/* Taken or not, a selector of it leads nowhere. */
		if (mmuext(MMUEXT_SET_LDT, h->va, 512) == 0) {
			struct frame f = user_call(use_selector, 7, 0, 0);

			CHECKF(f.vector == VEC_GP || f.vector == VEC_PF,
			       "%s: %#lx", h->name, f.vector);
		}
		CHECK_EQ(mmuext(MMUEXT_SET_LDT, 0, 0), 0);
	}
	/* A writable page never is one, for as long as it is writable. */
	if (mmuext(MMUEXT_SET_LDT, P(page), 512) == 0) {
		struct frame f = user_call(use_selector, 7, 0, 0);

		CHECK(f.vector == VEC_GP || f.vector == VEC_PF);
		CHECK_EQ(mmuext(MMUEXT_SET_LDT, 0, 0), 0);
	}
	page_free(page);
}

static void init(void)
{
	user_init();
	CHECK(user_root != NULL);
}

const struct test tests[] = {
	{"user space can be made", init},
	{"a GDT is taken and let go", a_gdt_is_taken_and_let_go},
	{"wrong tables are refused", wrong_tables_are_refused},
	{"descriptors are updated one by one",
	 descriptors_are_updated_one_by_one},
	{"users load what the kernel gives them",
	 users_load_what_the_kernel_gives_them},
	{"gates and system descriptors are harmless",
	 system_descriptors_are_harmless},
	{"segments of inner rings are not for users",
	 segments_of_inner_rings_are_not_for_users},
	{"conforming segments keep the ring",
	 conforming_segments_keep_the_ring},
	{"segments of DPL 0 are not ring 0", kernel_segments_are_not_ring_0},
	{"an LDT is used", an_ldt_is_used},
	{"wrong LDTs are refused", wrong_ldts_are_refused},
	{},
};
