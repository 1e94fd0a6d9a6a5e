/* SPDX-License-Identifier: MIT */
/*
 * Every sequence of page-table calls on a tiny machine.
 *
 * Tables have four entries of which one or two are used; there are three or
 * four frames of a domain and one of another, which may hold frames of the
 * first as a grant or a copy does.  From every state every operation is tried,
 * once cut after the first entry and once whole; a call that was cut is not
 * followed up specially, because going on with it is one of the operations
 * that are tried next, and so is anything that another vcpu may do first.
 *
 * States are told apart by a 64-bit hash of what matters, after ordering the
 * frames that are alike.  In each, all references and uses are counted anew,
 * no frame may be used as a table while a TLB may have it writable (or the
 * other way round), and destroying the domain must free every frame.
 *
 * Usage: explore SLOTS[s] [STATES]; SLOTS is a digit per frame of the domain,
 * how many of its entries are used; s: frames are descriptor pages, too; STATES
 * is where to give up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <pv/mmu.h>

#include "hv/paging/paging.h"

enum {
	MAX_FRAMES = 6,
	MAX_SLOTS = 2,
	DOM_A = 1,
	DOM_B = 0,
	BIG = 1000,
	RESTARTED = -1000,
	STALE_W = 1, /* may be in a TLB as writable     */
	STALE_T = 2, /* may be walked as a table        */
	HELD_REF = 0x20, /* by B, to read     */
	HELD_W = 0x40, /* by B, to write        */
	HELD_SEGDESC = 0x60, /* by A's vcpu     */
	HELD_HOW = 0x60,
};

/* ---- the machine ------------------------------------------------------------------- */

static unsigned int nr; /* frames 1..nr; the last is B's           */
static unsigned int slots[MAX_FRAMES];
static struct domain *a, *b;
static struct vcpu *va;
/* What is not in the machine: who holds what, what TLBs may hold. */
static uint8_t held; /* frame, and in which way: HELD_*; 0: none  */
static uint8_t stale[MAX_FRAMES];
static bool with_segdesc;

static uint64_t *entry(unsigned int f, unsigned int slot)
{
	return &table_of(&frame_table[f])[slot];
}

static bool in_use(unsigned int f, bool table)
{
	uint64_t s = frame_table[f].state;
	enum frame_type t = state_type(s);

	if (!(s & (FS_USES | FS_BUSY)) || !(s & FS_REFS))
		return false;
	return table ? t >= FT_L1 && t <= FT_SEGDESC : t == FT_WRITABLE;
}

static void see(void)
{
	for (unsigned int f = 1; f <= nr; f++)
		stale[f - 1] |= (in_use(f, false) ? STALE_W : 0) |
				(in_use(f, true) ? STALE_T : 0);
}

void tlb_flush_mask(cpumask_t mask)
{
	(void)mask;
	memset(stale, 0, sizeof(stale));
	see();
}

void frame_free(struct frame *f)
{
	uint64_t s = f->state;

	if (s & (FS_USES | FS_BUSY | FS_ALLOC | FS_PINNED))
		panic("frame %lu is freed in state 0x%lx", frame_mfn(f), s);
	owner_of(f)->nr_frames--;
	*f = (struct frame){FS_RAM, 0, 0};
}

struct domain *domain_get(domid_t id)
{
	return id == DOM_A ? a : NULL;
}

static long restart(unsigned int call, uint64_t a0, uint64_t a1, uint64_t a2,
		    uint64_t a3)
{
	(void)call;
	(void)a0;
	(void)a1;
	(void)a2;
	(void)a3;
	return RESTARTED;
}

/* ---- states ------------------------------------------------------------------------- */

struct state {
	struct frame frame[MAX_FRAMES];
	uint64_t e[MAX_FRAMES][MAX_SLOTS];
	uint64_t user_root, held_root;
	uint32_t zombies;
	uint8_t held;
	uint8_t stale[MAX_FRAMES];
};

static void save(struct state *s)
{
	memset(s, 0, sizeof(*s));
	for (unsigned int f = 1; f <= nr; f++) {
		s->frame[f - 1] = frame_table[f];
		for (unsigned int i = 0; i < MAX_SLOTS; i++)
			s->e[f - 1][i] = *entry(f, i);
	}
	s->user_root = va->user_root.raw;
	s->held_root = va->held_root[1].raw;
	s->zombies = a->mm.zombies;
	s->held = held;
	memcpy(s->stale, stale, sizeof(stale));
}

static void load(const struct state *s)
{
	for (unsigned int f = 1; f <= nr; f++) {
		frame_table[f] = s->frame[f - 1];
		for (unsigned int i = 0; i < MAX_SLOTS; i++)
			*entry(f, i) = s->e[f - 1][i];
	}
	va->user_root = mfn_of(s->user_root);
	va->held_root[1] = mfn_of(s->held_root);
	a->mm.zombies = s->zombies;
	a->mm.nr_frames = nr - 1;
	held = s->held;
	memcpy(stale, s->stale, sizeof(stale));
}

/* What a frame number is called after reordering; others stay. */
static uint64_t renamed(const uint8_t *name, uint64_t mfn)
{
	return mfn && mfn <= nr ? name[mfn] : mfn & 0xff;
}

static uint64_t mix(uint64_t h, uint64_t x)
{
	h = (h ^ x) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

/* @name: what frame f is called; @frame: which frame is called so. */
static uint64_t hash_as(const struct state *s, const uint8_t *name,
			const uint8_t *frame)
{
	uint64_t h = 1;

	for (unsigned int n = 1; n <= nr; n++) {
		const struct frame *f = &s->frame[frame[n] - 1];
		uint64_t link = f->state & FS_ZOMBIE ? f->link : 0;

		h = mix(h, f->state);
		h = mix(h, renamed(name, link) << 8 | s->stale[frame[n] - 1]);
		for (unsigned int i = 0; i < slots[frame[n] - 1]; i++) {
			uint64_t e = s->e[frame[n] - 1][i];

			h = mix(h, renamed(name, pte_mfn(e)) << 8 | (e & 3));
		}
	}
	h = mix(h, renamed(name, s->zombies) << 16 |
			   renamed(name, s->held_root) << 8 |
			   renamed(name, s->user_root));
	return mix(h, renamed(name, s->held & ~HELD_HOW) << 8 |
			      (s->held & HELD_HOW));
}

static uint8_t orders[24][MAX_FRAMES + 1];
static unsigned int nr_orders;

/* All orders of the frames that have as many slots each. */
static void orders_make(unsigned int at, uint8_t *order)
{
	if (at == nr) { /* the last one is B's */
		order[nr] = (uint8_t)nr;
		memcpy(orders[nr_orders++], order, MAX_FRAMES + 1);
		return;
	}
	for (unsigned int f = 1; f < nr; f++) {
		bool taken = false;

		for (unsigned int i = 1; i < at; i++)
			taken |= order[i] == f;
		if (taken || slots[f - 1] != slots[at - 1])
			continue;
		order[at] = (uint8_t)f;
		orders_make(at + 1, order);
	}
}

static uint64_t hash_least(const struct state *s)
{
	uint64_t least = ~0ull;

	for (unsigned int o = 0; o < nr_orders; o++) {
		uint8_t name[MAX_FRAMES + 1];
		uint64_t h;

		for (unsigned int n = 1; n <= nr; n++)
			name[orders[o][n]] = (uint8_t)n;
		h = hash_as(s, name, orders[o]);
		if (h < least)
			least = h;
	}
	return least | 1;
}

/* ---- what must hold ------------------------------------------------------------------ */

static unsigned int refs[MAX_FRAMES + 1], uses[MAX_FRAMES + 1][8];

static void count(uint64_t mfn, unsigned int type)
{
	refs[mfn]++;
	uses[mfn][type]++;
}

static void count_frame(unsigned int f)
{
	uint64_t s = frame_table[f].state;
	enum frame_type type = state_type(s);
	unsigned int n = s & FS_BUSY ? state_uses(s) : PT_ENTRIES;

	if (s & FS_ALLOC)
		count(f, FT_NONE);
	if (s & FS_BUSY)
		count(f, FT_NONE);
	if (s & FS_PINNED)
		count(f, type);
	if (!in_use(f, true) || type == FT_SEGDESC)
		return;
	for (unsigned int i = 0; i < n; i++) {
		uint64_t e = *entry(f, i), m = pte_mfn(e);

		if (!(e & PTE_P) || (type == FT_L4 && slot_reserved(i)))
			continue;
		if (m == 0 || m > nr || (m == nr && f != nr))
			panic("entry %u of %u names %lu", i, f, m);
		if (type > FT_L1)
			count(m, type - 1);
		else
			count(m, e & PTE_RW ? FT_WRITABLE : FT_NONE);
	}
}

static enum frame_type held_as(void)
{
	return (held & HELD_HOW) == HELD_REF ? FT_NONE
	       : (held & HELD_HOW) == HELD_W ? FT_WRITABLE
					     : FT_SEGDESC;
}

static void let_go(void)
{
	mfn_t m = mfn_of(held & ~HELD_HOW);

	if (held_as() == FT_NONE)
		frame_put(m);
	else if (held_as() == FT_WRITABLE)
		frame_put_writable(m);
	else
		frame_put_typed(m);
	held = 0;
}

/* The trampoline is offered pinned roots, and nothing on one that is not. */
static bool may_switch_to(uint64_t mfn)
{
	const uint64_t want = FS_PINNED | type_state(FT_L4);

	return mfn > nr ||
	       (frame_table[mfn].state & (FS_PINNED | FS_TYPE)) == want;
}

static void check(void)
{
	unsigned int zombies = 0, flagged = 0;

	memset(refs, 0, sizeof(refs));
	memset(uses, 0, sizeof(uses));
	for (unsigned int f = 1; f <= nr; f++)
		count_frame(f);
	if (va->held_root[1].raw <= nr)
		count(va->held_root[1].raw, FT_L4);
	if (!mfn_eq(va->held_root[1], va->user_root) &&
	    !may_switch_to(va->user_root.raw))
		panic("a root, neither held nor pinned");
	if (!mfn_eq(va->held_root[1], va->user_root) &&
	    !may_switch_to(va->held_root[1].raw))
		panic("held as the root that it was");
	if (held)
		count(held & ~HELD_HOW, held_as());
	for (unsigned int f = 1; f <= nr; f++) {
		uint64_t s = frame_table[f].state;

		if ((s & FS_REFS) != refs[f])
			panic("frame %u: state 0x%lx, %u references", f, s,
			      refs[f]);
		for (unsigned int t = FT_L1; t < 8; t++)
			if (uses[f][t] != (t == state_type(s) && !(s & FS_BUSY)
						   ? state_uses(s)
						   : 0))
				panic("frame %u: state 0x%lx, %u uses as %u", f,
				      s, uses[f][t], t);
		if ((s & FS_BUSY) && state_uses(s) > PT_ENTRIES)
			panic("frame %u is left active", f);
		if (s & FS_CHANGING)
			panic("frame %u is left between types", f);
		if (in_use(f, true) && (stale[f - 1] & STALE_W))
			panic("frame %u: a table, maybe writable", f);
		if (in_use(f, false) && (stale[f - 1] & STALE_T))
			panic("frame %u: writable, maybe a table", f);
		flagged += !!(s & FS_ZOMBIE);
	}
	for (uint32_t z = a->mm.zombies; z != LINK_NONE;
	     z = frame_table[z].link)
		if (++zombies > flagged)
			break;
	if (zombies != flagged)
		panic("%u zombies, the list has %u", flagged, zombies);
}

/* Destroying A in small parts leaves nothing. */
static void check_end(void)
{
	if (held)
		let_go();
	mm_budget = 1;
	mm_vcpu_relinquish(va);
	a->mm.scan = 0;
	while (mm_domain_relinquish(a) == -ERESTART)
		;
	if (a->mm.nr_frames)
		panic("%lu frames are not freed", a->mm.nr_frames);
	va->kernel_root = MFN_INVALID;
}

/* ---- operations ---------------------------------------------------------------------- */

static long update(unsigned int f, unsigned int slot, uint64_t val)
{
	struct pv_mmu_update r = {(uint64_t)f << PAGE_SHIFT | slot * 8, val};

	return hc_mmu_update((uint64_t)&r, 1, 0, DOMID_SELF);
}

static long ext(uint32_t cmd, unsigned int f)
{
	struct pv_mmuext_op op = {.cmd = cmd, .arg1.mfn = f};

	return hc_mmuext_op((uint64_t)&op, 1, 0, DOMID_SELF);
}

static long trampoline_switch(unsigned int f)
{
	if (!may_switch_to(va->user_root.raw) || !may_switch_to(f))
		return -EINVAL;
	va->user_root = mfn_of(f);
	return 0;
}

static long get(unsigned int f, uint8_t how)
{
	long rc;

	if (how == HELD_SEGDESC)
		rc = frame_get_typed(mfn_of(f), a, FT_SEGDESC);
	else if (how == HELD_W)
		rc = frame_get_writable(mfn_of(f), a) ? 0 : -EINVAL;
	else
		rc = frame_get(mfn_of(f), a) ? 0 : -EINVAL;
	if (!rc)
		held = (uint8_t)f | how;
	return rc;
}

/* Do operation @n: false if there are no more.  *cuts: it can be cut. */
static bool operation(unsigned int n, long *rc, bool *cuts)
{
	unsigned int values = 1 + 2 * nr, f;

	*cuts = true;
	for (f = 1; f < nr; f++) {
		if (n < slots[f - 1] * values) {
			unsigned int v = n % values;
			uint64_t e = 0;

			if (v)
				e = mfn_pte((v + 1) / 2,
					    PTE_P | (v & 1 ? PTE_RW : 0));
			*rc = update(f, n / values, e);
			return true;
		}
		n -= slots[f - 1] * values;
	}
	if (n < 5 * (nr - 1)) {
		*rc = ext(MMUEXT_PIN_L1_TABLE + n % 5, 1 + n / 5);
		return true;
	}
	n -= 5 * (nr - 1);
	if (n < nr) {
		*rc = ext(MMUEXT_NEW_USER_BASEPTR, n);
		return true;
	}
	n -= nr;
	*cuts = false;
	if (n < nr - 1) {
		*rc = trampoline_switch(n + 1);
		return true;
	}
	n -= nr - 1;
	if (held) {
		let_go();
		*rc = 0;
		return n == 0;
	}
	if (n >= (with_segdesc ? 3 : 2) * (nr - 1))
		return false;
	*rc = get(1 + n % (nr - 1), (uint8_t)(HELD_REF * (1 + n / (nr - 1))));
	return true;
}

/* ---- the search ---------------------------------------------------------------------- */

static struct state *states;
static size_t nr_states, max_states = 1000000;
static unsigned long steps, successes;
/* Hashes: of states as they are met, and of the least of their orders. */
static struct set {
	uint64_t *at;
	size_t mask, used;
} met, least_met;

static void set_make(struct set *set, size_t room)
{
	for (set->mask = 1; set->mask < 2 * room; set->mask *= 2)
		;
	set->at = calloc(set->mask--, sizeof(*set->at));
	if (!set->at)
		panic("no memory for %zu states", room);
}

/* False: it is there already. */
static bool set_add(struct set *set, uint64_t h)
{
	size_t i = h & set->mask;

	while (set->at[i] && set->at[i] != h)
		i = (i + 1) & set->mask;
	if (set->at[i])
		return false;
	if (++set->used > set->mask - set->mask / 8)
		panic("the set is full");
	set->at[i] = h;
	return true;
}

static void visit(void)
{
	struct state s;

	save(&s);
	/* The first order is the one that changes nothing. */
	if (!set_add(&met, hash_as(&s, orders[0], orders[0]) | 1) ||
	    !set_add(&least_met, hash_least(&s)))
		return;
	check();
	if (nr_states == max_states) {
		fprintf(stderr, "explore: more than %zu states\n", max_states);
		exit(2);
	}
	states[nr_states++] = s;
	check_end();
}

static void step_from(const struct state *s)
{
	bool more = true, cuts = true;
	long rc = 0;

	for (unsigned int n = 0; more; n++) {
		for (int cut = 0; cut < 2 && cuts; cut++) {
			load(s);
			mm_budget = cut ? BIG : 1;
			more = operation(n, &rc, &cuts);
			if (!more)
				break;
			see();
			steps++;
			successes += rc == 0;
			visit();
		}
		cuts = true;
	}
}

static void start(void)
{
	a = (struct domain *)(host_ram + (nr + 1) * PAGE_SIZE);
	b = (struct domain *)(host_ram + (nr + 3) * PAGE_SIZE);
	va = calloc(1, sizeof(*va));
	a->mm.domain = a;
	a->id = DOM_A;
	b->mm.domain = b;
	a->mm.zombies = b->mm.zombies = LINK_NONE;
	a->mm.first_mfn = 1;
	a->mm.last_mfn = nr;
	a->mm.parts = ~0ull;
	va->domain = a;
	va->kernel_root = va->user_root = MFN_INVALID;
	va->held_root[0] = va->held_root[1] = MFN_INVALID;
	a->max_vcpus = 1;
	a->mm.nr_frames = nr - 1;
	a->vcpu[0] = va;
	this_cpu->curr = va;
	this_cpu->self = this_cpu;
	cpus[0] = this_cpu;
	mm_restart = restart;
	for (unsigned int f = 1; f <= nr; f++)
		frame_table[f] =
			(struct frame){FS_RAM | FS_ALLOC | FS_REF,
				       owner_tag(f == nr ? &b->mm : &a->mm), 0};
}

int main(int argc, char **argv)
{
	uint8_t order[MAX_FRAMES + 1] = {0};
	const char *digits = argc > 1 ? argv[1] : "211";

	if (argc > 2)
		max_states = strtoull(argv[2], NULL, 0);
	nr = (unsigned int)strspn(digits, "12") + 1;
	with_segdesc = digits[nr - 1] == 's';
	if (nr < 2 || nr > MAX_FRAMES - 1)
		return 2;
	for (unsigned int i = 0; i + 1 < nr; i++)
		slots[i] = (unsigned int)(digits[i] - '0');
	host_ram = mmap(NULL, 16 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	frame_table = calloc(nr + 1, sizeof(*frame_table));
	m2p_table = calloc(nr + 1, sizeof(*m2p_table));
	frame_limit = nr + 1;
	orders_make(1, order);
	set_make(&least_met, max_states);
	set_make(&met, max_states * nr_orders);
	states =
		mmap(NULL, max_states * sizeof(*states), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (host_ram == MAP_FAILED || states == MAP_FAILED)
		return 2;
	start();
	visit();
	for (size_t i = 0; i < nr_states; i++)
		step_from(&states[i]);
	printf("1..1\nok 1 - frames %s: %zu states, %lu steps, %lu succeed\n",
	       digits, nr_states, steps, successes);
	return 0;
}
