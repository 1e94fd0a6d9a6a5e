/* SPDX-License-Identifier: MIT */
/*
 * Frame types: why a guest that writes its own page tables stays in its cage.
 *
 * PURE  Built twice: into the hypervisor and into tests/unit_mm.
 *
 * Guests see machine frames and keep their page tables themselves; hardware
 * walks those very tables.  So the hypervisor vouches for two things: a table
 * in use holds only entries that are allowed, and no guest can write to it.
 * Every frame has a type, a count of the uses as that type, and a count of
 * references.  Who maps a frame writable uses it as FT_WRITABLE; an entry of
 * an L2 uses an L1 as FT_L1; a vcpu's root, a pin use FT_L4 and so on.  The
 * type changes only while the use count is zero, so a frame is never at once
 * writable and a table.  A frame is freed when its references are gone; each
 * use holds one, the owner's allocation is one.
 *
 *   first use as a table:  BUSY while its entries are checked; each entry
 *                          takes a use of what it points to
 *   last use ends:         BUSY again while the entries give theirs back
 *
 * Both can be long (a tree of 512^3 entries) and run under a budget.  A table
 * with the first n entries taken is a state like any other: a preempted
 * validation is parked there and goes on when the call is restarted, by
 * whomever; a table that is being unmade is a zombie on its domain's list.
 * Every call on page tables drains that list first and ends when it is empty,
 * so after a call that returned success nothing is half done.
 *
 * Who writes what: uses as a table, and every entry of a table, change under
 * the owner's lock alone.  References and writable uses change without it,
 * because others than the owner map frames (the control domain, grants).
 * Stale translations: when the last use ends the flush clock is stamped into
 * the frame, and nobody gets at it before; who gives it another type flushes
 * the CPUs that have not flushed since, before the type takes effect.
 */
#include "hv/mm/group.h"

/* None to get a reference from, or no room for one more. */
static bool refs_refuse(uint64_t s)
{
	return (s & FS_REFS) - 1 >= FS_REFS - 1;
}

static bool uses_full(uint64_t s)
{
	return (s & FS_USES) >= FS_USES - FS_USE;
}

bool ref_get(struct frame *f, struct mm_domain *d)
{
	uint32_t tag = owner_tag(d);
	uint64_t s = READ_ONCE(f->state);

	do {
		if (unlikely(READ_ONCE(f->owner) != tag || refs_refuse(s)))
			return false;
	} while (!atomic_cmpxchg(&f->state, &s, s + FS_REF));
	/* It may have been freed and given to another in between. */
	if (unlikely(READ_ONCE(f->owner) != tag)) {
		ref_put(f);
		return false;
	}
	return true;
}

void ref_put(struct frame *f)
{
	uint64_t s = atomic_fetch_sub(&f->state, FS_REF);

	BUG_ON(!(s & FS_REFS));
	if (unlikely((s & FS_REFS) == FS_REF))
		frame_free(f);
}

/*
 * From no use to the first writable one, out of another type.  @extra: FS_REF
 * if the caller wants a reference too.  False if the state moved on.
 */
static bool become_writable(struct frame *f, uint64_t s, uint64_t extra)
{
	uint64_t first = (s & ~FS_TYPE) + type_state(FT_WRITABLE) + FS_USE;

	if (state_type(s) == FT_NONE)
		return atomic_cmpxchg(&f->state, &s, first + extra);
	if (!atomic_cmpxchg(&f->state, &s, s + FS_CHANGING + extra))
		return false;
	/* Hardware may still walk it as a table. */
	frames_flush_since(READ_ONCE(f->link));
	/* Only references changed meanwhile. */
	atomic_fetch_add(&f->state, first - s - FS_CHANGING);
	return true;
}

/* A writable use, with @extra: FS_REF or 0. */
static bool writable_take(struct frame *f, uint32_t tag, uint64_t extra)
{
	uint64_t s = READ_ONCE(f->state);

	for (;;) {
		if (unlikely(READ_ONCE(f->owner) != tag || refs_refuse(s) ||
			     uses_full(s)))
			return false;
		if (likely((s & (FS_TYPE | FS_CHANGING)) ==
			   type_state(FT_WRITABLE))) {
			if (atomic_cmpxchg(&f->state, &s, s + FS_USE + extra))
				return true;
		} else if (s & FS_CHANGING) {
			cpu_relax();
			s = READ_ONCE(f->state);
		} else if (s & (FS_BUSY | FS_USES)) {
			return false;
		} else if (become_writable(f, s, extra)) {
			return true;
		} else {
			s = READ_ONCE(f->state);
		}
	}
}

bool writable_get(struct frame *f, struct mm_domain *d)
{
	uint32_t tag = owner_tag(d);

	if (!writable_take(f, tag, FS_REF))
		return false;
	if (unlikely(READ_ONCE(f->owner) != tag)) {
		writable_put(f);
		return false;
	}
	return true;
}

bool writable_use_get(struct frame *f)
{
	return writable_take(f, READ_ONCE(f->owner), 0);
}

/*
 * @ref: FS_REF if a reference goes with the use.  The last use ends in two
 * steps: the stamp must be later than the end of every use, and a use that
 * comes and goes while this one is about to end leaves no trace in the count.
 */
static void writable_drop(struct frame *f, uint64_t ref)
{
	uint64_t s = READ_ONCE(f->state);
	bool last;

	do {
		BUG_ON(state_type(s) != FT_WRITABLE || !(s & FS_USES) ||
		       !(s & FS_REFS));
		last = (s & FS_USES) == FS_USE;
	} while (!atomic_cmpxchg(&f->state, &s,
				 s - FS_USE + (last ? FS_CHANGING : -ref)));
	if (!last)
		return;
	WRITE_ONCE(f->link, tlb_now());
	s = atomic_fetch_sub(&f->state, FS_CHANGING + ref);
	if (unlikely((s & FS_REFS) == ref))
		frame_free(f);
}

void writable_put(struct frame *f)
{
	writable_drop(f, FS_REF);
}

void writable_use_put(struct frame *f)
{
	writable_drop(f, 0);
}

/* ---- tables ---------------------------------------------------------------- */

#define BUSY_ACTIVE (FS_BUSY + (FS_ACTIVE << FS_USE_SHIFT))

static void zombie_push(struct frame *f, struct mm_domain *d)
{
	f->link = d->zombies;
	d->zombies = (uint32_t)frame_mfn(f);
}

/* From active to waiting, with the first @n entries held. */
static void busy_park(struct frame *f, unsigned int n, uint64_t flags)
{
	atomic_fetch_add(&f->state, flags - ((FS_ACTIVE - n) << FS_USE_SHIFT));
}

static void busy_zombie(struct frame *f, struct mm_domain *d, unsigned int n)
{
	zombie_push(f, d);
	busy_park(f, n, FS_ZOMBIE);
}

/* From active to no use at all; the reference that BUSY was goes too. */
static void busy_end(struct frame *f)
{
	uint64_t s = READ_ONCE(f->state);

	if (state_type(s) == FT_L4)
		root_forget(frame_mfn(f));
	WRITE_ONCE(f->link, tlb_now());
	s = atomic_fetch_sub(&f->state, BUSY_ACTIVE + FS_REF);
	if (unlikely((s & FS_REFS) == FS_REF))
		frame_free(f);
}

static int child_get(struct mm_domain *d, enum frame_type type, uint64_t e)
	MUST_HOLD(d->lock)
{
	struct frame *f = frame_find(pte_mfn(e));

	return f && !(e & PTE_PS) ? typed_get(f, d, type) : -EINVAL;
}

/* Entries that hold no reference in any case. */
static bool entry_ignored(enum frame_type type, unsigned int slot, uint64_t e)
{
	return !(e & PTE_P) || (type == FT_L4 && slot_reserved(slot));
}

/* To look through an empty table is worth some entries, too. */
enum {
	SCAN_COST = PT_ENTRIES / 8
};

/* At the start of a group of entries that are all 0. */
static inline bool empty_from(const uint64_t *pt, unsigned int i)
{
	return !(i % GROUP) && group_empty(pt + i);
}

/* Release the leaves of entries 0..n-1. */
static void l1_release(uint64_t *pt, unsigned int n)
{
	for (unsigned int i = 0; i < n; i += GROUP) {
		if (group_empty(pt + i))
			continue;
		for (unsigned int j = i; j < i + GROUP && j < n; j++) {
			uint64_t e = READ_ONCE(pt[j]);

			if (e & PTE_P)
				leaf_put(e);
		}
	}
}

/* Entry @i of the table @pt. */
static int leaf_validate(struct mm_domain *d, uint64_t *pt, unsigned int i)
	MUST_HOLD(d->lock)
{
	uint64_t e = READ_ONCE(pt[i]);
	int rc;

	if (!(e & PTE_P))
		return 0;
	rc = leaf_get(d, d, e);
	if (unlikely(rc)) {
		l1_release(pt, i);
		return rc;
	}
	d->budget--;
	if (unlikely(e & PTE_G))
		WRITE_ONCE(pt[i], e & ~PTE_G);
	return 0;
}

/* All of an L1 at once: it is short. */
static int l1_validate(struct mm_domain *d, uint64_t *pt) MUST_HOLD(d->lock)
{
	int rc = 0;

	for (unsigned int i = 0; i < PT_ENTRIES && !rc; i += GROUP)
		if (!group_empty(pt + i))
			for (unsigned int j = i; j < i + GROUP && !rc; j++)
				rc = leaf_validate(d, pt, j);
	return rc;
}

/* From entry *n on; *n says how far it came. */
static int table_validate(struct mm_domain *d, uint64_t *pt,
			  enum frame_type type, unsigned int *n)
	MUST_HOLD(d->lock)
{
	for (unsigned int i = *n; i < PT_ENTRIES; i++) {
		uint64_t e = READ_ONCE(pt[i]);
		int rc = -ERESTART;

		if (entry_ignored(type, i, e)) {
			if (!e && empty_from(pt, i))
				i += GROUP - 1;
			continue;
		}
		/* One entry at least, so that it ends some day. */
		if (d->budget-- > 0 || i == *n)
			rc = child_get(d, type - 1, e);
		if (rc) {
			*n = i;
			return rc;
		}
	}
	return 0;
}

/* Make the active table @f, whose first @n entries are held, valid. */
static int validate(struct frame *f, struct mm_domain *d, enum frame_type type,
		    unsigned int n) MUST_HOLD(d->lock)
{
	uint64_t *pt = table_of(f);
	int rc;

	switch (type) {
	case FT_SEGDESC:
		rc = segdesc_validate(pt);
		break;
	case FT_L1:
		rc = l1_validate(d, pt);
		break;
	default:
		rc = table_validate(d, pt, type, &n);
	}
	d->budget -= SCAN_COST;
	if (!rc) {
		/* BUSY's reference becomes the caller's. */
		atomic_fetch_sub(&f->state, BUSY_ACTIVE - FS_USE);
	} else if (rc == -ERESTART) {
		busy_park(f, n, 0);
	} else if (n) {
		busy_zombie(f, d, n);
	} else {
		busy_end(f);
	}
	return rc;
}

/* The table is half made: go on with it, or have it unmade first. */
static int busy_get(struct frame *f, struct mm_domain *d, enum frame_type type,
		    uint64_t s) MUST_HOLD(d->lock)
{
	unsigned int n = state_uses(s);

	if (n == FS_ACTIVE) /* it contains itself */
		return -EINVAL;
	if (s & FS_ZOMBIE)
		return -ERESTART;
	if (state_type(s) != type) {
		(void)busy_abandon(f, d);
		return -ERESTART;
	}
	atomic_fetch_add(&f->state, (FS_ACTIVE - n) << FS_USE_SHIFT);
	return validate(f, d, type, n);
}

bool busy_abandon(struct frame *f, struct mm_domain *d)
{
	uint64_t s = READ_ONCE(f->state);

	if (READ_ONCE(f->owner) != owner_tag(d) || !(s & FS_BUSY))
		return false;
	if (!(s & FS_ZOMBIE)) {
		zombie_push(f, d);
		atomic_fetch_or(&f->state, FS_ZOMBIE);
	}
	return true;
}

int typed_get(struct frame *f, struct mm_domain *d, enum frame_type type)
{
	uint32_t tag = owner_tag(d);
	uint64_t s = READ_ONCE(f->state), new;

	do {
		while (unlikely(s & FS_CHANGING)) {
			cpu_relax();
			s = READ_ONCE(f->state);
		}
		if (unlikely(READ_ONCE(f->owner) != tag || refs_refuse(s)))
			return -EINVAL;
		if (unlikely(s & FS_BUSY))
			return busy_get(f, d, type, s);
		if (s & FS_USES) {
			if (state_type(s) != type || uses_full(s))
				return -EINVAL;
			new = s + FS_REF + FS_USE;
		} else {
			new = (s & ~FS_TYPE) + type_state(type) + BUSY_ACTIVE +
			      FS_REF;
		}
	} while (!atomic_cmpxchg(&f->state, &s, new));
	if (s & FS_USES)
		return 0;
	/* ORDER: busy, so the stamp of the last use is settled. */
	if (state_type(s) != FT_NONE && state_type(s) != type)
		frames_flush_since(READ_ONCE(f->link));
	return validate(f, d, type, 0);
}

void typed_put(struct frame *f, struct mm_domain *d)
{
	uint64_t s = READ_ONCE(f->state), new;
	bool last;

	do {
		BUG_ON((s & FS_BUSY) || !(s & FS_USES) || !(s & FS_REFS));
		last = (s & FS_USES) == FS_USE;
		new = last ? s - FS_USE + BUSY_ACTIVE : s - FS_REF - FS_USE;
	} while (!atomic_cmpxchg(&f->state, &s, new));
	if (!last)
		return;
	switch (state_type(s)) {
	case FT_L1:
		d->budget -= SCAN_COST;
		l1_release(table_of(f), PT_ENTRIES);
		/* fall through */
	case FT_SEGDESC:
		busy_end(f);
		break;
	default:
		busy_zombie(f, d, PT_ENTRIES);
	}
}

/* Give back the entries of the active zombie @f from @n - 1 down. */
static int zombie_release(struct mm_domain *d, struct frame *f, unsigned int n)
	MUST_HOLD(d->lock)
{
	enum frame_type type = state_type(READ_ONCE(f->state));
	uint64_t *pt = table_of(f);

	while (n--) {
		uint64_t e = READ_ONCE(pt[n]);

		if (entry_ignored(type, n, e)) {
			if (!e && empty_from(pt, n + 1 - GROUP))
				n -= GROUP - 1;
			continue;
		}
		if (d->budget-- <= 0) {
			busy_zombie(f, d, n + 1);
			return -ERESTART;
		}
		typed_put(&frame_table[pte_mfn(e)], d);
	}
	d->budget -= SCAN_COST;
	busy_end(f);
	return 0;
}

int zombies_finish(struct mm_domain *d)
{
	int rc = 0;

	while (!rc && d->zombies != LINK_NONE) {
		struct frame *f = &frame_table[d->zombies];
		unsigned int n = state_uses(READ_ONCE(f->state));

		d->zombies = f->link;
		atomic_fetch_add(&f->state,
				 ((FS_ACTIVE - n) << FS_USE_SHIFT) - FS_ZOMBIE);
		rc = zombie_release(d, f, n);
	}
	return rc;
}

/* ---- pins ------------------------------------------------------------------ */

int pin_get(struct frame *f, struct mm_domain *d, enum frame_type type)
{
	int rc;

	if (READ_ONCE(f->state) & FS_PINNED)
		return -EINVAL;
	rc = typed_get(f, d, type);
	if (!rc)
		atomic_fetch_or(&f->state, FS_PINNED);
	return rc;
}

int pin_clear(struct frame *f, struct mm_domain *d)
{
	uint64_t s = READ_ONCE(f->state);

	if (READ_ONCE(f->owner) != owner_tag(d) || !(s & FS_PINNED))
		return -EINVAL;
	atomic_fetch_and(&f->state, ~FS_PINNED); /* ORDER: root_withdraw */
	if (state_type(s) == FT_L4)
		root_withdraw(frame_mfn(f));
	return 0;
}
