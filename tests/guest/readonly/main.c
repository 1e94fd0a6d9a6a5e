/* SPDX-License-Identifier: MIT */
/*
 * Rule 1: what the hypervisor trusts while a guest runs is read-only for ring
 * 1: descriptor tables, task state, the trampoline's code and constants, the
 * machine-to-physical table, page tables.  And what is writable for ring 1 is
 * not executable.
 */
#include "tests/guest/lib/hostile.h"

struct table_register {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static struct table_register gdtr, idtr;
static unsigned int readable, writable;

static void store_registers(void *arg)
{
	__asm__ volatile("sgdt %0; sidt %1" : "=m"(gdtr), "=m"(idtr));
	(void)arg;
}

static void mov_byte(void *va)
{
	uint8_t v = *(volatile uint8_t *)va;

	*(volatile uint8_t *)va = v;
}

static void xchg_word(void *va)
{
	uint64_t v = *(volatile uint64_t *)va;

	__asm__ volatile("xchgq %0, (%1)" : "+r"(v) : "r"(va) : "memory");
}

static void movs(void *va)
{
	uint64_t n = 8;
	void *from = va;

	__asm__ volatile("rep movsb"
			 : "+D"(va), "+S"(from), "+c"(n)
			 :
			 : "memory");
}

static void pop_word(void *va)
{
	__asm__ volatile("pushq (%0); popq (%0)" : : "r"(va) : "memory");
}

static void store_gdtr(void *va)
{
	__asm__ volatile("sgdt (%0)" : : "r"(va) : "memory");
}

static void fxsave(void *va)
{
	__asm__ volatile("fxsave (%0)" : : "r"(va) : "memory");
}

/* Every way to store leaves the page alone, and its contents are the same. */
static void refuses_stores(const char *what, uint64_t page)
{
	void (*const how[])(void *) = {mov_byte, xchg_word,  movs,
				       pop_word, store_gdtr, fxsave};
	uint64_t before = load64(page);
	unsigned int i;
	struct fault f;

	for (i = 0; i < ARRAY_SIZE(how); i++) {
		f = probe(how[i], (void *)page);
		CHECKF(f.vector == VEC_PF, "%s, %#lx, %u: vector %d", what,
		       page, i, f.vector);
	}
	CHECK_EQ(load64(page), before);
}

static void descriptor_tables_are_read_only(void)
{
	uint64_t va;

	if (!on_parapet()) {
		skip("others show their tables to nobody");
		return;
	}
	if (probe(store_registers, NULL).vector != -1) {
		skip("the tables' addresses are hidden");
		return;
	}
	note("gdt %#lx+%#x idt %#lx+%#x", gdtr.base, gdtr.limit, idtr.base,
	     idtr.limit);
	for (va = idtr.base; va < idtr.base + idtr.limit; va += PAGE_SIZE)
		refuses_stores("idt", va);
	/* The guest's own part may be unmapped; the rest must be there. */
	for (va = gdtr.base + FIRST_RESERVED_GDT_BYTE;
	     va < gdtr.base + gdtr.limit; va += PAGE_SIZE)
		refuses_stores("gdt", va);
}

/* The base of the task state that the hypervisor's part of the GDT names. */
static uint64_t find_task_state(void)
{
	uint64_t at, lo;

	for (at = gdtr.base + FIRST_RESERVED_GDT_BYTE;
	     at + 16 <= gdtr.base + gdtr.limit + 1; at += 8) {
		lo = load64(at);
		if ((lo >> 40 & 0x9d) == 0x89) /* present, system, TSS */
			return (lo >> 16 & 0xffffff) | (lo >> 56 & 0xff) << 24 |
			       load64(at + 8) << 32;
	}
	return 0;
}

static void task_state_is_read_only(void)
{
	uint64_t tss;

	if (!gdtr.base) {
		skip("the tables' addresses are hidden");
		return;
	}
	tss = find_task_state();
	if (!CHECK(tss != 0))
		return;
	note("tss %#lx rsp0 %#lx", tss, load64(tss + 4));
	refuses_stores("tss", tss);
	refuses_stores("end of tss", tss + 0x60);
}

/* Where the gates lead is code: read-only; and so is the rest of its page. */
static void handlers_are_read_only(void)
{
	uint64_t last = 0;
	unsigned int vector;

	if (!idtr.base) {
		skip("the tables' addresses are hidden");
		return;
	}
	for (vector = 0; vector <= idtr.limit / 16u; vector++) {
		uint64_t lo = load64(idtr.base + vector * 16);
		uint64_t hi = load64(idtr.base + vector * 16 + 8);
		uint64_t handler = (lo & 0xffff) | (lo >> 48) << 16 | hi << 32;

		if (!(lo >> 47 & 1) || handler / PAGE_SIZE == last)
			continue;
		last = handler / PAGE_SIZE;
		refuses_stores("handler", handler & ~(PAGE_SIZE - 8));
	}
}

static void the_machine_to_physical_table_is_read_only(void)
{
	struct pv_machphys_mapping m;
	uint64_t va;

	CHECK_EQ(HYPERVISOR_memory_op(XENMEM_machphys_mapping, P(&m)), 0);
	for (va = m.v_start; va < m.v_start + m.max_mfn * 8; va += 64 * 1024)
		if (probe_read(va).vector == -1)
			CHECK_EQ(probe(mov_byte, (void *)va).vector, VEC_PF);
	refuses_stores("m2p", MACH2PHYS_VIRT_START);
}

/* ---- everything that can be read -------------------------------------------- */

static void classify(uint64_t va, void *arg)
{
	(void)arg;
	readable++;
	if (probe(mov_byte, (void *)va).vector != -1)
		return;
	writable++;
	if (probe_exec(va).vector != VEC_PF)
		CHECKF(false, "%#lx is writable and executable", va);
}

static void what_is_writable_is_not_executable(void)
{
	reserved_for_each(classify, NULL);
	note("%u pages readable, %u of them writable", readable, writable);
	CHECK(readable > 0);
	/* Stacks, one page of data, the vcpu's info. */
	CHECK(writable <= 8);
}

static uint64_t text[64];
static unsigned int nr_text;

static void collect_text(uint64_t va, void *arg)
{
	(void)arg;
	if (va < MACH2PHYS_VIRT_END || probe(mov_byte, (void *)va).vector == -1)
		return;
	if (nr_text < ARRAY_SIZE(text))
		text[nr_text++] = va;
}

/* Nothing that a guest can read tells where other memory is mapped or what
 * other domains hold: no pointer into the hypervisor's own map. */
static void secrets_are_not_readable(void)
{
	unsigned int i, words = 0;
	uint64_t va;

	reserved_for_each(collect_text, NULL);
	for (i = 0; i < nr_text; i++)
		for (va = text[i]; va < text[i] + PAGE_SIZE; va += 8) {
			uint64_t word = load64(va);

			if (word >= 0xffff878080000000 &&
			    word < HYPERVISOR_VIRT_END)
				words++;
		}
	CHECK_EQ(words, 0);
}

static void the_root_shows_nothing(void)
{
	unsigned int slot;

	if (!on_parapet()) {
		skip("others show their entries");
		return;
	}
	for (slot = 256; slot < 272; slot++)
		CHECK_EQ(kernel_root()[slot], 0);
}

RUN("mem=256");

const struct test tests[] = {
	{"the descriptor tables are read-only",
	 descriptor_tables_are_read_only},
	{"the task state is read-only", task_state_is_read_only},
	{"the handlers are read-only", handlers_are_read_only},
	{"the machine-to-physical table is read-only",
	 the_machine_to_physical_table_is_read_only},
	{"what is writable is not executable",
	 what_is_writable_is_not_executable},
	{"no secrets lie in what can be read", secrets_are_not_readable},
	{"the root shows nothing of the hypervisor's slots",
	 the_root_shows_nothing},
	{},
};
