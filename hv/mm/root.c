/* SPDX-License-Identifier: MIT */
/*
 * Top-level tables: each CPU runs on copies of its own.
 *
 * The slots of the reserved range differ per CPU (the window with the live
 * ring-0 stacks), so a guest's L4 is never loaded: its other slots are copied
 * and the copy is.  A CPU keeps the copies of the last few roots, since
 * processes take turns; a switch between two of them copies nothing.
 *
 * A copy must not lag.  Who changes an entry of an L4 writes the table first,
 * then every copy of it; who makes a copy names the root first and reads the
 * entries then.  With a full barrier between the two steps on either side, one
 * sees the other; both write the copy under that CPU's root_lock.
 *
 *   changing        table[i] = e   ; full barrier ; is it some CPU's root?
 *   copying         name the root  ; full barrier ; copy table[0..]
 *
 * A table that stops being an L4 is forgotten by all CPUs, since what is
 * written to it then is not followed.  A vcpu's root is a use or pinned, so no
 * vcpu runs on a copy that is forgotten.
 *
 * Copies whose tables the running domain has pinned are on offer: the trampoline
 * switches to them by itself, and the next entry learns from CR3 that it did.
 * Who takes a pin away clears the flag first and then each CPU's offers, under
 * the lock under which that CPU reads the flag to make them, and waits until it
 * has entered:
 *
 *   unpinning       no PINNED ; full barrier ; lock, no offers, unlock ; entered?
 *   offering        lock ; PINNED? ; offer ; unlock
 *   entering        learn the root ; in_guest = 0
 *
 * Shared roots: the copies of a domain that is trusted with all memory (the
 * control domain, by option) show the hypervisor in their reserved slots.  It
 * enters and leaves on its own root then; and entries from others go to the
 * last such copy, the CPU's home, so that the control domain can go on from
 * there.  Either spares a load of CR3.
 */
#include "hv/mm/frame.h"

enum {
	NR_COPIES = TRAMP_ROOTS,
	GROUP = 8
};

struct root_copies {
	struct root_pair root[NR_COPIES]; /* whose copy; kernel 0: of none  */
	uint64_t *table[NR_COPIES];
	/* Bit n: some entry of the nth eight is not 0. */
	uint64_t used[NR_COPIES];
	bool shared[NR_COPIES]; /* it shows the hypervisor              */
	unsigned int home; /* the last shared one that was loaded       */
	unsigned int now; /* the one that is loaded for the guest           */
	unsigned int next; /* which one goes next                           */
};

static struct root_copies *copies[MAX_CPUS];

/* Copy what is not zero, clear what was not zero before. */
static void copy_fill(struct root_copies *set, unsigned int n,
		      const uint64_t *from)
{
	uint64_t *to = set->table[n], used = 0;

	for (unsigned int g = 0; g < 512 / GROUP;
	     g++, from += GROUP, to += GROUP) {
		uint64_t a, b;

		if (slot_reserved(g * GROUP))
			continue;
		a = from[0] | from[1] | from[2] | from[3];
		b = from[4] | from[5] | from[6] | from[7];
		if (a | b)
			used |= 1ull << g;
		else if (!(set->used[n] >> g & 1))
			continue;
		for (unsigned int i = 0; i < GROUP; i++)
			to[i] = from[i];
	}
	set->used[n] = used;
}

static uint64_t root_cr3(const struct cpu *c, const uint64_t *table)
{
	return (c->guest_cr3 & ~PTE_ADDRESS) | direct_to_mfn(table).raw
						       << PAGE_SHIFT;
}

static void reserved_fill(const struct cpu *c, uint64_t *to, bool shared)
{
	const uint64_t *hv = direct_map(mfn_of(c->hv_cr3 >> PAGE_SHIFT));

	for (unsigned int s = 0; s < RESERVED_SLOTS; s++) {
		uint64_t e = hv[PT_RESERVED_FIRST + s];

		to[PT_RESERVED_FIRST + s] = shared && e ? e : c->guest_slots[s];
	}
}

/* This CPU's set; the first copy is the one that the set-up made. */
static struct root_copies *copies_get(struct cpu *c)
{
	struct root_copies *set = copies[c->id];

	if (likely(set))
		return set;
	set = hv_alloc(sizeof(*set));
	for (unsigned int i = 0; set && i < NR_COPIES; i++) {
		uint64_t *t = i ? heap_alloc(0) : c->root_copy;

		if (!t)
			panic("mm: no memory for roots, cpu%u", c->id);
		reserved_fill(c, t, false);
		set->table[i] = t;
		set->used[i] = ~0ull;
		c->tconst->roots[i].cr3 = root_cr3(c, t);
	}
	BUG_ON(!set);
	set->home = NR_COPIES;
	store_release(&copies[c->id], set);
	return set;
}

static unsigned int copy_find(const struct root_copies *set, uint64_t mfn)
{
	unsigned int i = 0;

	while (i < NR_COPIES && READ_ONCE(set->root[i].kernel) != mfn)
		i++;
	return i;
}

/* The guest's, or the one that this CPU is on: neither may change under it. */
static bool copy_busy(const struct cpu *c, const struct root_copies *set,
		      unsigned int n)
{
	return n == set->now || c->tconst->roots[n].cr3 == tlb_root();
}

/* A copy of none, or else the next. */
static unsigned int copy_victim(const struct cpu *c, struct root_copies *set)
{
	unsigned int n;

	for (n = 0; n < NR_COPIES; n++)
		if (!READ_ONCE(set->root[n].kernel) && !copy_busy(c, set, n))
			return n;
	for (n = set->next; copy_busy(c, set, n); n = (n + 1) % NR_COPIES)
		;
	set->next = (n + 1) % NR_COPIES;
	return n;
}

static unsigned int copy_make(struct cpu *c, struct root_copies *set,
			      const struct mm_domain *d, uint64_t mfn)
{
	unsigned int n = copy_victim(c, set);

	if (n == set->home) {
		set->home = NR_COPIES;
		if (c->tconst->enter_cr3)
			c->tconst->enter_cr3 = c->hv_cr3;
	}
	if (set->shared[n] != d->root_shared)
		reserved_fill(c, set->table[n], d->root_shared);
	set->shared[n] = d->root_shared;
	WRITE_ONCE(set->root[n].kernel, mfn);
	smp_mb(); /* ORDER: root_entry_changed */
	copy_fill(set, n, direct_map(mfn_of(mfn)));
	return n;
}

/* ---- offers ---------------------------------------------------------------- */
/* Is @pair a root of @d that stays one until it is withdrawn? */
static bool may_offer(const struct mm_domain *d, struct root_pair pair)
{
	const uint64_t want = FS_PINNED | type_state(FT_L4);
	uint64_t mfn[2] = {pair.kernel, pair.user ? pair.user : pair.kernel};

	for (unsigned int i = 0; pair.kernel && i < 2; i++) {
		const struct frame *f = &frame_table[mfn[i]];

		if (READ_ONCE(f->owner) != owner_tag(d) ||
		    (READ_ONCE(f->state) & (FS_PINNED | FS_TYPE)) != want)
			return false;
	}
	return pair.kernel;
}

static void offers_end(struct cpu *c)
{
	for (unsigned int i = 0; i < NR_COPIES; i++)
		WRITE_ONCE(c->tconst->roots[i].kernel, 0);
}

/* Under root_lock, on the CPU itself. */
static void offers_make(struct cpu *c, const struct root_copies *set,
			const struct mm_domain *d)
{
	struct tramp_root *t = c->tconst->roots;

	for (unsigned int i = 0; i < NR_COPIES; i++) {
		const struct root_pair *r = &set->root[i];

		t[i].user = r->user;
		t[i].kernel = may_offer(d, *r) ? r->kernel : 0;
	}
	/* Not looked at again: who unpins it later must find its offer. */
	if (!t[set->now].kernel)
		offers_end(c);
}

static bool offer_names(const struct tramp_root *t, uint64_t mfn)
{
	return t->kernel && (t->kernel == mfn || t->user == mfn);
}

/*
 * Under root_lock: the offers of @mfn, or all: another CPU may be on it, and
 * leaves it then with an entry.  Were there any?
 */
static bool offers_clear(struct cpu *c, const struct root_copies *set,
			 uint64_t mfn)
{
	struct tramp_root *t = c->tconst->roots;
	bool found = false, all;

	for (unsigned int i = 0; i < NR_COPIES; i++)
		found |= offer_names(&t[i], mfn);
	all = c->id != this_cpu->id || offer_names(&t[set->now], mfn);
	if (found && all)
		offers_end(c);
	for (unsigned int i = 0; i < NR_COPIES; i++)
		if (offer_names(&t[i], mfn))
			WRITE_ONCE(t[i].kernel, 0);
	return found;
}

void root_withdraw(uint64_t mfn)
{
	cpumask_t there = 0;
	struct cpu *c;

	for_each_cpu (c) {
		struct root_copies *set = load_acquire(&copies[c->id]);

		if (!set)
			continue;
		spin_lock(&c->root_lock);
		if (offers_clear(c, set, mfn) && c->id != this_cpu->id)
			there |= 1ull << c->id;
		spin_unlock(&c->root_lock);
	}
	if (there)
		tlb_flush_mask(there);
}

/* ---- this CPU's root ------------------------------------------------------- */
static uint64_t enter_cr3(const struct cpu *c, const struct root_copies *set)
{
	if (set->shared[set->now])
		return 0;
	return set->home < NR_COPIES ? c->tconst->roots[set->home].cr3
				     : c->hv_cr3;
}

static void copy_use(struct cpu *c, struct root_copies *set, unsigned int n)
{
	set->now = n;
	if (set->shared[n])
		set->home = n;
	c->root_copy = set->table[n];
	c->guest_cr3 = c->tconst->roots[n].cr3;
	WRITE_ONCE(c->root_shared, set->shared[n]);
	c->tconst->enter_cr3 = enter_cr3(c, set);
}

void root_copy_load(struct mm_domain *d, struct root_pair pair)
{
	struct cpu *c = this_cpu->self;
	struct root_copies *set = copies_get(c);
	unsigned int n;

	BUG_ON(!pair.kernel || pair.kernel >= frame_limit);
	spin_lock(&c->root_lock);
	n = copy_find(set, pair.kernel);
	if (n == NR_COPIES)
		n = copy_make(c, set, d, pair.kernel);
	BUG_ON(set->shared[n] != d->root_shared);
	set->root[n].user = pair.user;
	copy_use(c, set, n);
	offers_make(c, set, d);
	spin_unlock(&c->root_lock);
}

void root_copy_prepare(struct mm_domain *d, struct root_pair pair)
{
	struct cpu *c = this_cpu->self;
	struct root_copies *set = copies_get(c);
	unsigned int n;

	/* What is not an L4 is not followed: it must have no copy. */
	if (!may_offer(d, pair))
		return;
	spin_lock(&c->root_lock);
	n = copy_find(set, pair.kernel);
	if (n == NR_COPIES)
		n = copy_make(c, set, d, pair.kernel);
	if (n != set->now)
		set->root[n].user = pair.user;
	offers_make(c, set, d);
	spin_unlock(&c->root_lock);
}

struct root_pair root_copy_learn(uint64_t cr3)
{
	struct cpu *c = this_cpu->self;
	struct root_copies *set = copies[c->id];
	unsigned int n = 0;

	while (n < NR_COPIES && c->tconst->roots[n].cr3 != cr3)
		n++;
	BUG_ON(n == NR_COPIES);
	copy_use(c, set, n);
	return set->root[n];
}

/* ---- changes --------------------------------------------------------------- */
/* Change slot @slot of every copy of the L4 @mfn, or forget it (slot < 0). */
static void copies_change(uint64_t mfn, int slot, uint64_t e)
{
	struct root_copies *set;
	unsigned int n;
	struct cpu *c;

	for_each_cpu (c) {
		set = load_acquire(&copies[c->id]);
		if (!set || copy_find(set, mfn) == NR_COPIES)
			continue;
		spin_lock(&c->root_lock);
		n = copy_find(set, mfn);
		if (n < NR_COPIES && slot < 0) {
			WRITE_ONCE(set->root[n].kernel, 0);
		} else if (n < NR_COPIES) {
			WRITE_ONCE(set->table[n][slot], e);
			set->used[n] |= 1ull << slot / GROUP;
		}
		spin_unlock(&c->root_lock);
	}
}

/* Entry @slot of the L4 @mfn has become @e; its owner's lock is held. */
void root_entry_changed(uint64_t mfn, unsigned int slot, uint64_t e)
{
	smp_mb(); /* ORDER: copy_make */
	if (!slot_reserved(slot))
		copies_change(mfn, (int)slot, e);
}

void root_forget(uint64_t mfn)
{
	copies_change(mfn, -1, 0);
}
