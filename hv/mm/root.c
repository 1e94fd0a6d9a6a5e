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
 * written to it then is not followed.  A vcpu's root is a use, so no vcpu runs
 * on a copy that is forgotten.
 */
#include "hv/mm/frame.h"

enum {
	NR_COPIES = 4,
	GROUP = 8
};

struct root_copies {
	uint64_t mfn[NR_COPIES]; /* whose copy; 0: of none                  */
	uint64_t *table[NR_COPIES];
	/* Bit n: some entry of the nth eight is not 0. */
	uint64_t used[NR_COPIES];
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
		for (unsigned int s = PT_RESERVED_FIRST; s < PT_RESERVED_END;
		     s++)
			t[s] = c->root_copy[s];
		set->table[i] = t;
		set->used[i] = ~0ull;
	}
	store_release(&copies[c->id], set);
	return set;
}

static unsigned int copy_find(const struct root_copies *set, uint64_t mfn)
{
	unsigned int i = 0;

	while (i < NR_COPIES && READ_ONCE(set->mfn[i]) != mfn)
		i++;
	return i;
}

static unsigned int copy_make(struct root_copies *set, uint64_t mfn)
{
	unsigned int n = set->next;

	set->next = (n + 1) % NR_COPIES;
	WRITE_ONCE(set->mfn[n], mfn);
	smp_mb(); /* ORDER: root_entry_changed */
	copy_fill(set, n, direct_map(mfn_of(mfn)));
	return n;
}

void root_copy_load(mfn_t root)
{
	struct cpu *c = this_cpu->self;
	struct root_copies *set = copies_get(c);
	unsigned int n;

	BUG_ON(!set || !root.raw || root.raw >= frame_limit);
	spin_lock(&c->root_lock);
	n = copy_find(set, root.raw);
	if (n == NR_COPIES)
		n = copy_make(set, root.raw);
	c->root = root;
	c->root_copy = set->table[n];
	c->guest_cr3 = (c->guest_cr3 & ~PTE_ADDRESS) |
		       direct_to_mfn(c->root_copy).raw << PAGE_SHIFT;
	spin_unlock(&c->root_lock);
	tlb_flush_local();
}

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
			WRITE_ONCE(set->mfn[n], 0);
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
