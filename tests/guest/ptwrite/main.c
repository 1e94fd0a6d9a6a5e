/* SPDX-License-Identifier: MIT */
/*
 * Stores to read-only page tables, which the hypervisor carries out.
 *
 * A stock kernel changes l1 entries by plain instructions: xchg, a locked bit
 * operation, compare-exchange, mov.  The result, the flags and the next
 * instruction must be those of the instruction; a value that the table may
 * not hold is refused by a page fault and changes nothing.
 */
#include "tests/guest/lib/guest.h"

static uint8_t *page; /* mapped at its own address by: */
static uint64_t *pte; /* the l1 entry, seen read-only   */
static uint64_t good; /* what the entry holds normally  */
static uint64_t table; /* an entry that is refused: a writable page table */

#define STATUS 0x8d5ul /* carry, parity, adjust, zero, sign, overflow */

static void setup(void)
{
	page = page_alloc();
	pte = walk(kernel_root(), P(page), 1);
	page_set(page, PTE_KERNEL);
	page[0] = 1;
	good = *pte; /* with the hypervisor's own bits, if it has any */
	table = va_to_mfn(pte) * PAGE_SIZE | PTE_KERNEL;
}

static void restore(void)
{
	CHECK_EQ(page_set(page, PTE_KERNEL), 0);
}

static void mov_changes_an_entry(void)
{
	setup();
	store64(P(pte), good & ~PTE_W);
	CHECK_EQ(*pte & PTE_W, 0);
	mmuext(MMUEXT_INVLPG_LOCAL, P(page), 0);
	CHECK_EQ(probe_write(P(page)).vector, VEC_PF);
	store64(P(pte), 0);
	CHECK_EQ(*pte, 0);
	mmuext(MMUEXT_INVLPG_LOCAL, P(page), 0);
	CHECK_EQ(probe_read(P(page)).vector, VEC_PF);
	store64(P(pte), good);
	CHECK_EQ(probe_write(P(page)).vector, -1);
	restore();
}

static void mov_takes_immediates_and_every_register(void)
{
	uint64_t value = good & ~PTE_W;

	__asm__ volatile("movq $0, (%0)" : : "r"(pte) : "memory");
	CHECK_EQ(*pte, 0);
	__asm__ volatile("movq $0x7ffff000, 0x10(%0)"
			 :
			 : "r"(P(pte) - 0x10)
			 : "memory");
	CHECK_EQ(*pte, 0x7ffff000);
#define STORE_FROM(reg)                                                        \
	__asm__ volatile("movq %1, %%" reg "\n movq %%" reg ", (%0)"           \
			 :                                                     \
			 : "D"(pte), "S"(value)                                \
			 : "memory", reg);                                     \
	CHECK_EQ(*pte, value);                                                 \
	__asm__ volatile("movq $0, (%0)" : : "r"(pte) : "memory")
	STORE_FROM("rax");
	STORE_FROM("rbx");
	STORE_FROM("rcx");
	STORE_FROM("rdx");
	STORE_FROM("r8");
	STORE_FROM("r9");
	STORE_FROM("r12");
	STORE_FROM("r13");
	STORE_FROM("r15");
	restore();
}

static void addressing_modes_are_decoded(void)
{
	uint64_t value = good & ~PTE_W, old = good, index = 5;

	__asm__ volatile("movq %0, -40(%1,%2,8)"
			 :
			 : "r"(value), "r"(pte), "r"(index)
			 : "memory");
	CHECK_EQ(*pte & PTE_W, 0);
	__asm__ volatile("pushq %%rbp; movq %1, %%rbp; xchgq %0, 8(%%rbp)\n"
			 "popq %%rbp"
			 : "+a"(old)
			 : "D"(P(pte) - 8)
			 : "memory");
	CHECK_EQ(old, value);
	CHECK_EQ(*pte & PTE_W, PTE_W);
	__asm__ volatile("movq %0, %%r12; movq %1, %%r13\n"
			 "movq %%r12, (%%r13)"
			 :
			 : "r"(value), "r"(pte)
			 : "r12", "r13", "memory");
	CHECK_EQ(*pte & PTE_W, 0);
	restore();
}

static void xchg_returns_the_old_entry(void)
{
	uint64_t value = 0;

	page[0] = 1; /* dirty */
	__asm__ volatile("xchgq %0, (%1)" : "+r"(value) : "r"(pte) : "memory");
	CHECK_EQ(value, good);
	CHECK_EQ(*pte, 0);
	__asm__ volatile("xchgq %0, (%1)" : "+r"(value) : "r"(pte) : "memory");
	CHECK_EQ(value, 0);
	CHECK_EQ(*pte, good);
	restore();
}

static void bit_operations_return_the_old_bit(void)
{
	uint64_t flags;

#define BIT_OP(op, bit, before, after)                                         \
	__asm__ volatile("lock " op " %2, (%1); pushfq; popq %0"               \
			 : "=r"(flags)                                         \
			 : "r"(pte), "i"(bit)                                  \
			 : "memory", "cc");                                    \
	CHECK_EQ(flags & 1, before);                                           \
	CHECK_EQ(*pte >> (bit)&1, after)
	BIT_OP("btrq", 1, 1, 0);
	BIT_OP("btrq", 1, 0, 0);
	BIT_OP("btsq", 1, 0, 1);
	BIT_OP("btcq", 1, 1, 0);
	BIT_OP("btsq", 58, 0, 1);
	BIT_OP("btrq", 58, 1, 0);
	/* Linux clears flags by byte operations too. */
	__asm__ volatile("lock orb $2, (%0)" : : "r"(pte) : "memory");
	CHECK_EQ(*pte & PTE_W, PTE_W);
	__asm__ volatile("lock andb $0xfd, (%0)" : : "r"(pte) : "memory");
	CHECK_EQ(*pte & PTE_W, 0);
	restore();
}

/* A register as the bit number reaches other words: entries beside this. */
static void bit_numbers_in_registers_reach_other_entries(void)
{
	uint64_t flags, bit = 64 + 1;

	if (((P(pte) - 8) ^ P(pte)) / PAGE_SIZE) {
		skip("the entry is the first of its table");
		return;
	}
	__asm__ volatile("lock btrq %2, (%1); pushfq; popq %0"
			 : "=r"(flags)
			 : "r"(pte - 1), "r"(bit)
			 : "memory", "cc");
	CHECK_EQ(flags & 1, 1);
	CHECK_EQ(*pte & PTE_W, 0);
	restore();
}

static void compare_exchange_compares(void)
{
	uint64_t old = good ^ PTE_W, flags;

	page[0] = 1;
	__asm__ volatile("lock cmpxchgq %3, (%2); pushfq; popq %1"
			 : "+a"(old), "=r"(flags)
			 : "r"(pte), "r"(0ul)
			 : "memory", "cc");
	CHECK_EQ(flags & 0x40, 0);
	CHECK_EQ(old, good);
	CHECK_EQ(*pte, good);
	__asm__ volatile("lock cmpxchgq %3, (%2); pushfq; popq %1"
			 : "+a"(old), "=r"(flags)
			 : "r"(pte), "r"(good & ~PTE_W)
			 : "memory", "cc");
	CHECK_EQ(flags & 0x40, 0x40);
	CHECK_EQ(*pte & PTE_W, 0);
	restore();
}

static void arithmetic_sets_flags(void)
{
	uint64_t flags;

	store64(P(pte), 0);
	__asm__ volatile("lock orq $0, (%1); pushfq; popq %0"
			 : "=r"(flags)
			 : "r"(pte)
			 : "memory", "cc");
	CHECK_EQ(flags & STATUS & ~0x10, 0x44); /* zero, parity */
	__asm__ volatile("lock orq %2, (%1); pushfq; popq %0"
			 : "=r"(flags)
			 : "r"(pte), "r"(1ul << 63)
			 : "memory", "cc");
	CHECK_EQ(flags & STATUS & ~0x10, 0x84); /* sign, parity */
	store64(P(pte), 0);
	restore();
}

/* ---- refusals ------------------------------------------------------------ */

static void refused_mov(void *value)
{
	store64(P(pte), P(value));
}

static void refused_xchg(void *value)
{
	__asm__ volatile("xchgq %0, (%1)" : "+r"(value) : "r"(pte) : "memory");
}

static void refused_cmpxchg(void *value)
{
	__asm__ volatile("lock cmpxchgq %2, (%1)"
			 :
			 : "a"(good), "r"(pte), "r"(value)
			 : "memory", "cc");
}

static void bad_values_fault_and_change_nothing(void)
{
	void (*const how[])(void *) = {refused_mov, refused_xchg,
				       refused_cmpxchg};
	const uint64_t values[] = {
		table, /* a writable page table */
		0xfee00000 | PTE_KERNEL, /* the local APIC       */
		0xffffffffff000 | PTE_P, /* no such frame        */
	};
	unsigned int i, j;
	struct fault f;

	page[0] = 1;
	for (i = 0; i < ARRAY_SIZE(how); i++)
		for (j = 0; j < ARRAY_SIZE(values); j++) {
			f = probe(how[i], (void *)values[j]);
			CHECKF(f.vector == VEC_PF, "%u, %#lx: %d", i, values[j],
			       f.vector);
			CHECK_EQ(f.error, PF_PRESENT | PF_WRITE);
			CHECK_EQ(f.cr2, P(pte));
			CHECK_EQ(*pte, good);
		}
}

static void store_across(void *at)
{
	store64(P(at), 0);
}

/* A store that is not one whole entry never tears or leaves the table. */
static void odd_stores_are_safe(void)
{
	uint64_t *last = (uint64_t *)(P(pte) | (PAGE_SIZE - 8)), was = *last;
	uint64_t neighbour = pte[1];
	struct fault f;

	f = probe(store_across, (uint8_t *)last + 4);
	CHECKF(f.vector != -1 || *last == (was & 0xffffffff), "%#lx", *last);
	if (f.vector != -1)
		CHECK_EQ(*last, was);
	store64(P(last), was);
	f = probe(store_across, (uint8_t *)pte + 4);
	if (f.vector != -1)
		CHECK_EQ(*pte, good);
	CHECK_EQ(pte_write(pte + 1, neighbour), 0);
	restore();
}

static void store32(void *arg)
{
	__asm__ volatile("movl %1, (%0)"
			 :
			 : "r"(pte), "r"((uint32_t)P(arg))
			 : "memory");
}

static void half_an_entry_keeps_the_other_half(void)
{
	uint64_t value = good & ~PTE_W;
	struct fault f = probe(store32, (void *)value);

	if (f.vector == -1)
		CHECK_EQ(*pte, value);
	else
		CHECK_EQ(*pte, good);
	restore();
}

/* Upper levels take hypercalls only, or the same checks. */
static void upper_levels_are_not_open(void)
{
	uint64_t *l2 = walk(kernel_root(), P(page), 2), was = *l2;
	uint64_t *spare = walk(kernel_root(), P(page) & ~0x3ffffffful, 2) + 500;
	struct fault f;

	f = probe_write(P(l2));
	CHECK(f.vector == VEC_PF || f.vector == -1);
	pte = spare;
	f = probe(refused_mov,
		  (void *)(va_to_mfn(page) * PAGE_SIZE | PTE_TABLE));
	CHECK_EQ(f.vector, VEC_PF);
	CHECK_EQ(*spare, 0);
	CHECK_EQ(*l2, was);
	pte = walk(kernel_root(), P(page), 1);
}

CODE(store_code, "movq %rsi, (%rdi)\n ud2\n");

static void user_stores_are_not_carried_out(void)
{
	uint64_t *l1 = walk(kernel_root(), P(page), 1);
	struct frame f;

	user_init();
	/* Even where the user may read the table. */
	CHECK_EQ(user_map(USER_DATA + PAGE_SIZE, va_to_mfn(l1), PTE_P | PTE_U),
		 0);
	f = user_call(store_code, USER_DATA + PAGE_SIZE + P(l1) % PAGE_SIZE,
		      good & ~PTE_W, 0);
	CHECK_EQ(f.vector, VEC_PF);
	CHECK_EQ(f.error, PF_PRESENT | PF_WRITE | PF_USER);
	CHECK_EQ(*l1 & PTE_W, PTE_W);
	CHECK_EQ(user_map(USER_DATA + PAGE_SIZE, 0, 0), 0);
}

/* Of a kernel that lives in the upper half: its users are there, no tables. */
static void the_kernels_stores_to_users_addresses_fault(void)
{
	uint64_t alias;
	struct fault f;

	setup();
	alias = USER_DATA + PAGE_SIZE + P(pte) % PAGE_SIZE;
	user_init();
	CHECK_EQ(user_map(USER_DATA + PAGE_SIZE, va_to_mfn(pte), PTE_P | PTE_U),
		 0);
	CHECK_EQ(load64(alias), good);
	f = probe_write(alias);
	if (!on_parapet()) {
		CHECK_EQ(f.vector, -1);
	} else if (CHECK_EQ(f.vector, VEC_PF)) {
		CHECK_EQ(f.error, PF_PRESENT | PF_WRITE);
		CHECK_EQ(f.cr2, alias);
	}
	CHECK_EQ(*pte, good);
	CHECK_EQ(user_map(USER_DATA + PAGE_SIZE, 0, 0), 0);
	restore();
}

const struct test tests[] = {
	{"mov changes an entry", mov_changes_an_entry},
	{"mov takes immediates and every register",
	 mov_takes_immediates_and_every_register},
	{"addressing modes are decoded", addressing_modes_are_decoded},
	{"xchg returns the old entry", xchg_returns_the_old_entry},
	{"bit operations return the old bit",
	 bit_operations_return_the_old_bit},
	{"bit numbers in registers reach other entries",
	 bit_numbers_in_registers_reach_other_entries},
	{"compare-exchange compares", compare_exchange_compares},
	{"or sets the flags", arithmetic_sets_flags},
	{"a value that is refused faults and changes nothing",
	 bad_values_fault_and_change_nothing},
	{"stores that are no entry are safe", odd_stores_are_safe},
	{"half an entry keeps the other half",
	 half_an_entry_keeps_the_other_half},
	{"upper levels are not open to stores", upper_levels_are_not_open},
	{"the kernel's stores to users' addresses fault",
	 the_kernels_stores_to_users_addresses_fault},
	{"user code's stores are not carried out",
	 user_stores_are_not_carried_out},
	{},
};
