/* SPDX-License-Identifier: MIT */
/*
 * Two domains, the second privileged, do what the bytes say: every page-table
 * call with good and bad arguments, stores to tables, descriptors, grants,
 * reservations, contents of plain frames.  Calls are cut after few entries, and
 * between their parts the other vcpu may do something else.
 *
 * Arguments are drawn from what matters: frames of both domains, of nobody,
 * of devices; slots at the ends of a table and of the reserved range.
 */
#include "hv/emul/decode.h"
#include "tests/unit_mm/machine.h"
#include "tests/unit_mm/ops.h"

enum {
	SPARE = 24,
	HOLDS = 8
};

unsigned long ops_done, ops_refused;

static const uint8_t *at, *end;
static struct guest g[2];
static uint64_t spare[2][SPARE];
static struct {
	uint64_t mfn;
	enum frame_type type;
} holds[HOLDS];
static unsigned int depth;

static uint8_t byte(void)
{
	return at < end ? *at++ : 0;
}

static uint64_t pick_mfn(void)
{
	static const uint64_t odd[] = {0,           MMIO_MFN,   NR_FRAMES - 1,
				       ~0ull >> 24, 1ull << 39, 3};
	uint8_t b = byte();
	struct guest *w = &g[b >> 7];

	b &= 127;
	if (b < SPARE)
		return spare[w - g][b];
	if (b < SPARE + GUEST_PAGES)
		return w->page[b - SPARE];
	switch (b) {
	case 100:
		return w->l1;
	case 101:
		return w->l2;
	case 102:
		return w->l3;
	case 103:
		return w->l4;
	case 105:
		return w->window;
	case 104:
		return direct_to_mfn(w->d).raw;
	}
	if (b >= 120)
		return odd[b % ARRAY_SIZE(odd)];
	return spare[w - g][b % SPARE];
}

static unsigned int pick_slot(void)
{
	static const uint16_t slots[] = {0,   1,   2,   3,   7,   8,   127, 128,
					 255, 256, 271, 272, 300, 510, 511, 64};
	uint8_t b = byte();

	return b < 240 ? slots[b % ARRAY_SIZE(slots)] : byte() * 2;
}

static uint64_t pick_pte(void)
{
	uint8_t b = byte();
	uint64_t e = mfn_pte(pick_mfn(), PTE_P | PTE_A | PTE_US);

	if (b < 32)
		return b & 1 ? e & ~PTE_P : 0;
	if (b & 1)
		e |= PTE_RW;
	if (b & 2)
		e |= PTE_D;
	if ((b & 0x3c) == 4)
		e |= PTE_PS;
	if ((b & 0x3c) == 8)
		e |= PTE_G;
	if ((b & 0x3c) == 12)
		e |= PTE_NX;
	return e;
}

static uint64_t pick_va(void)
{
	uint8_t b = byte();

	if (b < 160)
		return gva(b % 32);
	if (b < 200)
		return gva(512 + b % SEEN_TABLES);
	return (uint64_t)byte() << (b % 56);
}

static uint32_t pick_dom(void)
{
	static const uint32_t doms[] = {DOMID_SELF, DOMID_SELF, DOMID_SELF,
					1,          0,          DOMID_IO,
					7,          2 << 16 | 1};

	return doms[byte() % ARRAY_SIZE(doms)];
}

/* B may map what is A's; grants go either way. */
static bool any_of_the_two(struct domain *d, uint64_t mfn)
{
	(void)d;
	return frame_is_of(mfn_of(mfn), g[0].d) ||
	       frame_is_of(mfn_of(mfn), g[1].d);
}

/* ---- operations ---------------------------------------------------------------------- */

static long op_mmu_update(void)
{
	struct pv_mmu_update r[20];
	uint32_t n = 1, done, dom = pick_dom();

	if (byte() > 200)
		n = 1 + byte() % ARRAY_SIZE(r);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t b = byte();

		r[i].ptr = pick_mfn() << PAGE_SHIFT | pick_slot() * 8;
		r[i].ptr |= b < 200 ? b & 2 : b & 7;
		r[i].val = pick_pte();
	}
	return mmu_update_n(r, n, dom, n > 1 ? &done : NULL);
}

static long op_update_va(void)
{
	uint64_t va = pick_va(), e = pick_pte();

	return update_va(va, e, byte() % 8);
}

static long op_mmuext(void)
{
	static const uint8_t cmds[] = {
		MMUEXT_PIN_L1_TABLE,     MMUEXT_PIN_L2_TABLE,
		MMUEXT_PIN_L3_TABLE,     MMUEXT_PIN_L4_TABLE,
		MMUEXT_UNPIN_TABLE,      MMUEXT_UNPIN_TABLE,
		MMUEXT_NEW_USER_BASEPTR, MMUEXT_CLEAR_PAGE,
		MMUEXT_COPY_PAGE,        MMUEXT_TLB_FLUSH_ALL,
		MMUEXT_NEW_BASEPTR,      99,
	};
	uint8_t cmd = cmds[byte() % ARRAY_SIZE(cmds)];
	uint64_t mfn = pick_mfn(), other = 0;

	if (cmd == MMUEXT_NEW_USER_BASEPTR && byte() < 80)
		mfn = 0;
	if (cmd == MMUEXT_COPY_PAGE)
		other = pick_mfn();
	return mmuext(cmd, mfn, other, pick_dom() & 0xffff);
}

/* As the trampoline and the next entry do. */
static long trampoline_switch(void)
{
	const struct tramp_root *t = this_cpu->tconst->roots;

	t += byte() % TRAMP_ROOTS;
	if (!t->kernel || this_cpu->lent)
		return -EINVAL;
	if (t->cr3 != this_cpu->guest_cr3)
		root_learn(t->cr3);
	return 0;
}

/* A process comes, has its turns and goes: its root is much like others'. */
static long op_roots(void)
{
	uint64_t m = spare[caller - g][byte() % 3];

	switch (byte() % 8) {
	case 0:
		if (!frame_get_writable(mfn_of(m), caller->d))
			return -EINVAL;
		memcpy(content(m), content(caller->l4), PAGE_SIZE);
		frame_put_writable(mfn_of(m));
		return mmuext(MMUEXT_PIN_L4_TABLE, m, 0, DOMID_SELF);
	case 1:
		return mmuext(MMUEXT_PIN_L4_TABLE, caller->l4, 0, DOMID_SELF);
	case 2:
		return mmuext(MMUEXT_UNPIN_TABLE, m, 0, DOMID_SELF);
	case 3:
		return mmuext(MMUEXT_NEW_BASEPTR, caller->l4, 0, DOMID_SELF);
	case 4:
		return mmuext(MMUEXT_NEW_BASEPTR, m, 0, DOMID_SELF);
	case 5:
		return mmuext(MMUEXT_NEW_USER_BASEPTR, m, 0, DOMID_SELF);
	default:
		return trampoline_switch();
	}
}

/* The guest's own store to a frame that it could map writable. */
static long op_fill(void)
{
	uint64_t m = pick_mfn();
	unsigned int n = 1 + byte() % 6;

	if (m >= NR_FRAMES || !frame_get_writable(mfn_of(m), g[0].d))
		return -EINVAL;
	while (n--) {
		unsigned int slot = pick_slot();

		content(m)[slot] = pick_pte();
	}
	frame_put_writable(mfn_of(m));
	return 0;
}

static bool store(const char *code, uint64_t va, uint64_t rax)
{
	struct cpu_regs regs = {.rip = gva(1), .rdi = va, .rax = rax};

	regs.rsi = byte() < 128 ? content(caller->l1)[pick_slot()] : 0;
	poke(1, 0, code, strlen(code));
	return mm_emulate_pt_write(current, &regs, va);
}

static long op_store(void)
{
	static const char *const code[] = {
		"\x48\x89\x07",         "\x48\x87\x07",
		"\xf0\x48\x0f\xb1\x07", "\xf0\x48\x0f\xba\x37\x01",
		"\x48\x31\x07",         "\x89\x07"};
	const char *c = code[byte() % ARRAY_SIZE(code)];
	uint64_t va = pick_va() + pick_slot() * 8;

	return store(c, va, pick_pte()) ? 0 : -EFAULT;
}

/* A few in a row: the table may be lent. */
static long op_run(void)
{
	uint64_t va = gva(512 + byte() % 16 / 14) + pick_slot() * 8;
	bool ok = true;

	for (unsigned int i = 0; i < 3; i++)
		ok &= store("\x48\x89\x07", va + i * 8, pick_pte());
	begin_loan();
	return ok ? 0 : -EFAULT;
}

static long op_descriptors(void)
{
	static const uint64_t descs[] = {
		0x00af9a000000ffffull, 0x00cff3000000ffffull,
		0x0000890000000067ull, 0x00006f0000000067ull, 0};
	uint64_t list[2] = {pick_mfn(), pick_mfn()};
	struct vcpu *v = g[byte() & 1].d->vcpu[byte() & 1];

	switch (byte() % 4) {
	case 0:
		return desc_set_gdt(v, list, byte() % 4 * 300);
	case 1:
		return desc_set_ldt(v, pick_va(),
				    v == current ? 0 : byte() % 4 * 300);
	default:
		return hc_update_descriptor(list[0] << 12 | pick_slot() * 8,
					    descs[byte() % 5]);
	}
}

static long op_grant(void)
{
	struct vcpu *v = current;
	struct domain *owner = g[byte() & 1].d;
	uint64_t m = pick_mfn(), e = pick_pte();
	uint64_t where = pick_va(), by_pte;

	by_pte = pick_mfn() << 12 | pick_slot() * 8;
	switch (byte() % 5) {
	case 0:
		return mm_grant_map(v, where, false, mfn_of(m), owner,
				    e & 0xfff);
	case 1:
		return mm_grant_map(v, by_pte, true, mfn_of(m), owner,
				    e & 0xfff);
	case 2:
		return mm_grant_unmap(v, where, false, mfn_of(m), e & PTE_RW);
	case 3:
		return mm_grant_unmap(v, by_pte, true, mfn_of(m), e & PTE_RW);
	default:
		return mm_grant_replace(v, where, pick_va(), mfn_of(m),
					e & PTE_RW);
	}
}

/* Something higher up holds a frame: a runstate area, a grant, a copy. */
static long op_hold(void)
{
	unsigned int i = byte() % HOLDS;
	struct domain *d = g[byte() & 1].d;
	bool ok;

	if (holds[i].mfn) {
		unhold(holds[i].mfn, holds[i].type);
		if (holds[i].type == FT_WRITABLE)
			frame_put_writable(mfn_of(holds[i].mfn));
		else
			frame_put(mfn_of(holds[i].mfn));
		holds[i].mfn = 0;
		return 0;
	}
	holds[i].mfn = pick_mfn();
	holds[i].type = byte() & 1 ? FT_WRITABLE : FT_NONE;
	ok = holds[i].type == FT_WRITABLE
		     ? frame_get_writable(mfn_of(holds[i].mfn), d)
		     : frame_get(mfn_of(holds[i].mfn), d);
	if (!ok) {
		holds[i].mfn = 0;
		return -EINVAL;
	}
	hold(holds[i].mfn, holds[i].type);
	return 0;
}

static void respare(void)
{
	for (unsigned int w = 0; w < 2; w++)
		for (unsigned int i = 0; i < SPARE; i++)
			if (!frame_is_of(mfn_of(spare[w][i]), g[w].d))
				spare[w][i] = frames_alloc(&g[w].d->mm, 0,
							   HEAP_ANYWHERE);
}

static long op_reservation(void)
{
	static const uint32_t cmds[] = {XENMEM_decrease_reservation,
					XENMEM_populate_physmap,
					XENMEM_increase_reservation};
	struct pv_memory_reservation r = {
		.extent_start = gva(2),
		.nr_extents = byte() % 9,
		.extent_order = byte() % 3,
		.domid = (domid_t)pick_dom(),
	};
	uint64_t list[9] = {0};

	for (unsigned int i = 0; i < r.nr_extents; i++)
		list[i] = pick_mfn();
	poke(2, 0, list, sizeof(list));
	return memory_op(cmds[byte() % 3], &r, sizeof(r));
}

static long op_exchange(void)
{
	struct pv_memory_exchange x = {
		.in = {gva(2), 4, 0, 0, DOMID_SELF, {0}},
		.out = {gva(3), 1, 2, 0, DOMID_SELF, {0}},
	};
	uint64_t list[4], pfn = 5;

	for (unsigned int i = 0; i < 4; i++)
		list[i] = pick_mfn();
	poke(2, 0, list, sizeof(list));
	poke(3, 0, &pfn, sizeof(pfn));
	return memory_op(XENMEM_exchange, &x, sizeof(x));
}

/* The guest writes to a table that it has on loan. */
static void scribble(void)
{
	unsigned int n = this_cpu->lent ? byte() % 5 : 0;

	while (n--)
		current->loan.copy[pick_slot()] = pick_pte();
	end_loan();
}

static long op_once(void)
{
	uint8_t b = byte();
	long rc;

	mm_budget = b < 128 ? 1 + b % 8 : 2000;
	b = byte();
	if (b < 80)
		rc = op_mmu_update();
	else if (b < 105)
		rc = op_update_va();
	else if (b < 145)
		rc = op_mmuext();
	else if (b < 170)
		rc = op_roots();
	else if (b < 190)
		rc = op_fill();
	else if (b < 200)
		rc = op_store();
	else if (b < 206)
		rc = op_run();
	else if (b < 215)
		rc = op_descriptors();
	else if (b < 230)
		rc = op_grant();
	else if (b < 240)
		rc = op_hold();
	else if (b < 248)
		rc = op_reservation();
	else
		rc = op_exchange();
	scribble();
	if (rc >= 0)
		ops_done++;
	else
		ops_refused++;
	return rc;
}

/* A part of a call is done; on another vcpu there is time for something. */
static void something_between(void)
{
	check_all();
	if (depth >= 3 || at == end || byte() < 100)
		return;
	depth++;
	(void)op_once();
	depth--;
	check_all();
}

/* ---- the whole ----------------------------------------------------------------------- */

static void start(void)
{
	static bool made;

	if (!made)
		machine_init();
	made = true;
	mm_budget = 2000;
	foreign_allowed = any_of_the_two;
	between = something_between;
	depth = 0;
	for (unsigned int w = 0; w < 2; w++) {
		guest_make(&g[w], w ? 0 : 1, w, 60);
		for (unsigned int i = 0; i < SPARE; i++)
			spare[w][i] = frame_new(g[w].d);
	}
}

static void stop(void)
{
	for (unsigned int i = 0; i < HOLDS; i++) {
		if (!holds[i].mfn)
			continue;
		unhold(holds[i].mfn, holds[i].type);
		if (holds[i].type == FT_WRITABLE)
			frame_put_writable(mfn_of(holds[i].mfn));
		else
			frame_put(mfn_of(holds[i].mfn));
		holds[i].mfn = 0;
	}
	mm_budget = 1 + byte();
	/* Either may map frames of the other. */
	guest_drop(&g[0]);
	guest_drop(&g[1]);
	guest_end(&g[0]);
	guest_end(&g[1]);
}

void ops_run(const uint8_t *data, size_t size)
{
	static uint64_t free_before;

	at = data;
	end = data + size;
	start();
	while (at < end) {
		caller = &g[byte() & 1];
		become(caller->v);
		(void)op_once();
		check_all();
		respare();
	}
	stop();
	if (!free_before)
		free_before = mm_free_frames();
	/* Small objects keep a page of each size. */
	if (mm_free_frames() + 8 < free_before)
		panic("%lu frames are free, %lu were", mm_free_frames(),
		      free_before);
}
