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
#include "hv/mm/guest.h"
#include "hv/mm/heap.h"

enum {
	NR_COPIES = 4,
	GROUP = 8
};

struct root_copy {
	uint64_t mfn; /* whose copy; ~0: of none                          */
	uint64_t *table;
	uint64_t used; /* bit n: some entry of the nth eight is not 0      */
};

struct root_copies {
	struct root_copy copy[NR_COPIES];
	unsigned int next; /* which one goes next                          */
};

static struct root_copies *copies[MAX_CPUS];

static bool group_reserved(unsigned int g)
{
	return g - PT_RESERVED_FIRST / GROUP <
	       (PT_RESERVED_END - PT_RESERVED_FIRST) / GROUP;
}

/* Copy what is not zero, clear what was not zero before. */
static void copy_fill(struct root_copy *c, const uint64_t *from)
{
	uint64_t *to = c->table, used = 0;

	for (unsigned int g = 0; g < 512 / GROUP;
	     g++, from += GROUP, to += GROUP) {
		uint64_t a, b;

		if (group_reserved(g))
			continue;
		a = from[0] | from[1] | from[2] | from[3];
		b = from[4] | from[5] | from[6] | from[7];
		if (a | b)
			used |= 1ull << g;
		else if (!(c->used >> g & 1))
			continue;
		for (unsigned int i = 0; i < GROUP; i++)
			to[i] = from[i];
	}
	c->used = used;
}

/* This CPU's set; the first copy is the one that the set-up made. */
static struct root_copies *copies_get(struct cpu *c)
{
	struct root_copies *set = copies[c->id];

	if (likely(set))
		return set;
	set = hv_alloc(sizeof(*set));
	if (!set)
		panic("mm: no memory for roots, cpu%u", c->id);
	for (unsigned int i = 0; i < NR_COPIES; i++) {
		uint64_t *t = i ? heap_alloc(0) : c->root_copy;

		if (!t)
			panic("mm: no memory for roots, cpu%u", c->id);
		for (unsigned int s = PT_RESERVED_FIRST; s < PT_RESERVED_END;
		     s++)
			t[s] = c->root_copy[s];
		set->copy[i] = (struct root_copy){~0ull, t, ~0ull};
	}
	store_release(&copies[c->id], set);
	return set;
}

static struct root_copy *copy_find(struct root_copies *set, uint64_t mfn)
{
	for (unsigned int i = 0; i < NR_COPIES; i++)
		if (set->copy[i].mfn == mfn)
			return &set->copy[i];
	return NULL;
}

static struct root_copy *copy_make(struct root_copies *set, uint64_t mfn)
{
	struct root_copy *c = &set->copy[set->next];

	set->next = (set->next + 1) % NR_COPIES;
	WRITE_ONCE(c->mfn, mfn);
	smp_mb(); /* ORDER: root_entry_changed */
	copy_fill(c, direct_map(mfn_of(mfn)));
	return c;
}

void root_load(struct vcpu *v)
{
	struct cpu *c = this_cpu->self;
	uint64_t mfn = v->kernel_root.raw;
	struct root_copies *set = copies_get(c);
	struct root_copy *copy;

	spin_lock(&c->root_lock);
	copy = copy_find(set, mfn);
	if (!copy)
		copy = copy_make(set, mfn);
	c->root = mfn_of(mfn);
	c->root_copy = copy->table;
	c->guest_cr3 = (c->guest_cr3 & ~PTE_ADDRESS) |
		       direct_to_mfn(copy->table).raw << PAGE_SHIFT;
	spin_unlock(&c->root_lock);
	tlb_flush_local();
}

/* Entry @slot of the L4 @mfn has become @e; its owner's lock is held. */
void root_entry_changed(uint64_t mfn, unsigned int slot, uint64_t e)
{
	struct root_copies *set;
	struct root_copy *copy;
	struct cpu *c;

	if (slot_reserved(slot))
		return;
	smp_mb(); /* ORDER: copy_make */
	for_each_cpu (c) {
		set = load_acquire(&copies[c->id]);
		if (!set || !copy_find(set, mfn))
			continue;
		spin_lock(&c->root_lock);
		copy = copy_find(set, mfn);
		if (copy) {
			WRITE_ONCE(copy->table[slot], e);
			copy->used |= 1ull << slot / GROUP;
		}
		spin_unlock(&c->root_lock);
	}
}

void root_forget(uint64_t mfn)
{
	struct root_copies *set;
	struct root_copy *copy;
	struct cpu *c;

	for_each_cpu (c) {
		set = load_acquire(&copies[c->id]);
		if (!set || !copy_find(set, mfn))
			continue;
		spin_lock(&c->root_lock);
		copy = copy_find(set, mfn);
		if (copy)
			copy->mfn = ~0ull;
		if (c->root.raw == mfn)
			c->root = MFN_INVALID;
		spin_unlock(&c->root_lock);
	}
}

/* ---- a vcpu's roots ---------------------------------------------------------- */

/* Frame 0 is never a domain's, so a vcpu starts with no root. */
static bool root_none(mfn_t m)
{
	return m.raw == 0 || mfn_eq(m, MFN_INVALID);
}

int root_replace(struct mm_domain *d, struct vcpu *v, mfn_t *which, mfn_t new)
{
	mfn_t old = *which;
	struct frame *f;
	int rc;

	if (!mfn_eq(new, old) && !root_none(new)) {
		f = frame_find(new.raw);
		rc = f ? typed_get(f, d, FT_L4) : -EINVAL;
		if (rc)
			return rc;
	}
	*which = new;
	if (which == &v->kernel_root && v == current && !root_none(new))
		root_load(v);
	if (!mfn_eq(new, old) && !root_none(old))
		typed_put(&frame_table[old.raw], d);
	return 0;
}

static int root_replace_locked(struct vcpu *v, mfn_t *which, mfn_t new)
{
	struct mm_domain *d = &v->domain->mm;
	int rc;

	mm_lock(d);
	rc = zombies_drain(d);
	if (!rc)
		rc = root_replace(d, v, which, new);
	if (!rc)
		rc = zombies_drain(d);
	spin_unlock(&d->lock);
	return rc;
}

int root_set(struct vcpu *v, mfn_t kernel)
{
	return root_replace_locked(v, &v->kernel_root, kernel);
}

int root_set_user(struct vcpu *v, mfn_t user)
{
	return root_replace_locked(v, &v->user_root, user);
}
