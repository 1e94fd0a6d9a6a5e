/* SPDX-License-Identifier: MIT */
/*
 * A vcpu's two roots: the table it runs on, and the one it names for its users,
 * which the ABI has and nothing here walks.  Each is a use as an L4.
 *
 * The trampoline switches to roots that are pinned without a word (mm/root.c),
 * so what is counted may lag behind: kernel_root and user_root are what the
 * vcpu ran on when it was last seen, held_root what it has uses of.
 *
 *   - Where the two differ, what it ran on is pinned, so it stays an L4.
 *   - What it runs on now is what it ran on, or on offer to it, so pinned.
 *   - To unpin a table withdraws the offers of it and waits until each CPU that
 *     had one has been seen; then whoever does run on it gets a use instead,
 *     and whoever does not loses the one that it may still have.
 *
 * A vcpu on a table that is not pinned is offered nothing: when it leaves that
 * table it is seen, and the use ends at once.
 */
#include "hv/paging/paging.h"

/* Frame 0 is never a domain's, so 0 says that there is none. */
static bool root_none(mfn_t m)
{
	return m.raw == 0 || mfn_eq(m, MFN_INVALID);
}

static mfn_t *root_of(struct vcpu *v, enum root_kind kind)
{
	return kind == ROOT_KERNEL ? &v->kernel_root : &v->user_root;
}

void root_load(struct vcpu *v)
{
	struct root_pair pair = {.kernel = v->kernel_root.raw};

	if (!root_none(v->user_root))
		pair.user = v->user_root.raw;
	root_copy_load(&v->domain->mm, pair);
}

void root_learn(uint64_t cr3)
{
	struct root_pair pair = root_copy_learn(cr3);
	struct vcpu *v = current;

	WRITE_ONCE(v->kernel_root.raw, pair.kernel);
	WRITE_ONCE(v->user_root.raw, pair.user ? pair.user : MFN_INVALID.raw);
}

int root_replace(struct mm_domain *d, struct vcpu *v, enum root_kind kind,
		 uint64_t new)
{
	struct frame *f = frame_find(new);
	mfn_t old = v->held_root[kind];
	int rc;

	if (new && (new != old.raw || !f)) {
		rc = f ? typed_get(f, d, FT_L4) : -EINVAL;
		if (rc)
			return rc;
	}
	v->held_root[kind] = new ? mfn_of(new) : MFN_INVALID;
	*root_of(v, kind) = v->held_root[kind];
	if (v == current && !root_none(v->kernel_root)) {
		root_load(v);
		tlb_flush_local();
	}
	if (new != old.raw && !root_none(old))
		typed_put(&frame_table[old.raw], d);
	return 0;
}

/* Uses of what @v runs on, where @mfn is that or was. */
static void root_settle(struct mm_domain *d, struct vcpu *v,
			enum root_kind kind, uint64_t mfn) MUST_HOLD(d->lock)
{
	mfn_t *held = &v->held_root[kind], old = *held;
	mfn_t now = mfn_of(READ_ONCE(root_of(v, kind)->raw));

	if (mfn_eq(now, old) || (now.raw != mfn && old.raw != mfn))
		return;
	/* A pin holds it, or did until now: this only counts. */
	if (!root_none(now) && typed_get(&frame_table[now.raw], d, FT_L4))
		panic("mm: d%uv%u runs on %#lx, no L4", v->domain->id, v->id,
		      now.raw);
	*held = now;
	if (!root_none(old))
		typed_put(&frame_table[old.raw], d);
}

/*
 * Kernels pin the two roots of a process by one batch of calls, and soon switch
 * to them.  A wrong guess costs a copy.
 */
static void root_pinned(struct mm_domain *d, uint64_t mfn) MUST_HOLD(d->lock)
{
	struct vcpu *v = current;

	if (v->domain != d->domain || root_none(v->kernel_root))
		return;
	if (v->pinned_at == this_cpu->entries)
		root_copy_prepare(d, (struct root_pair){v->pinned_root, mfn});
	v->pinned_root = mfn;
	v->pinned_at = this_cpu->entries;
}

int pt_pin(struct frame *f, struct mm_domain *d, enum frame_type type)
{
	int rc = pin_get(f, d, type);

	if (!rc && type == FT_L4)
		root_pinned(d, frame_mfn(f));
	return rc;
}

int pt_unpin(struct frame *f, struct mm_domain *d)
{
	bool root = state_type(READ_ONCE(f->state)) == FT_L4;
	struct domain *dom = d->domain;
	int rc = pin_clear(f, d);

	if (rc)
		return rc;
	for (unsigned int i = 0; root && i < dom->max_vcpus; i++) {
		if (!dom->vcpu[i])
			continue;
		root_settle(d, dom->vcpu[i], ROOT_KERNEL, frame_mfn(f));
		root_settle(d, dom->vcpu[i], ROOT_USER, frame_mfn(f));
	}
	typed_put(f, d);
	return 0;
}

static int root_replace_locked(struct vcpu *v, enum root_kind kind, mfn_t new)
{
	struct mm_domain *d = &v->domain->mm;
	int rc = mm_begin(d);

	if (!rc)
		rc = root_replace(d, v, kind, root_none(new) ? 0 : new.raw);
	if (!rc)
		rc = zombies_drain(d);
	spin_unlock(&d->lock);
	return rc;
}

int root_set(struct vcpu *v, mfn_t kernel)
{
	return root_replace_locked(v, ROOT_KERNEL, kernel);
}

int root_set_user(struct vcpu *v, mfn_t user)
{
	return root_replace_locked(v, ROOT_USER, user);
}

void mm_vcpu_relinquish(struct vcpu *v)
{
	struct mm_domain *d = &v->domain->mm;

	/* Only uses are put, which cannot fail. */
	mm_lock(d);
	(void)gdt_replace(d, v, NULL, 0);
	(void)ldt_replace(d, v, 0, 0);
	(void)root_replace(d, v, ROOT_KERNEL, 0);
	(void)root_replace(d, v, ROOT_USER, 0);
	spin_unlock(&d->lock);
	heap_free(v->loan.copy, 0);
	v->loan.copy = NULL;
}
