/* SPDX-License-Identifier: MIT */
/* A vcpu's roots: the tables it runs on, each a use as an L4. */
#include "hv/paging/paging.h"

void root_load(struct vcpu *v)
{
	root_copy_load(v->kernel_root);
}

/* Frame 0 is never a domain's, so 0 says that there is none. */
static bool root_none(mfn_t m)
{
	return m.raw == 0 || mfn_eq(m, MFN_INVALID);
}

int root_replace(struct mm_domain *d, struct vcpu *v, mfn_t *which,
		 uint64_t new)
{
	struct frame *f = frame_find(new);
	mfn_t old = *which;
	int rc;

	if (new && (new != old.raw || !f)) {
		rc = f ? typed_get(f, d, FT_L4) : -EINVAL;
		if (rc)
			return rc;
	}
	*which = new ? mfn_of(new) : MFN_INVALID;
	if (new &&which == &v->kernel_root && v == current)
		root_load(v);
	if (new != old.raw && !root_none(old))
		typed_put(&frame_table[old.raw], d);
	return 0;
}

static int root_replace_locked(struct vcpu *v, mfn_t *which, mfn_t new)
{
	struct mm_domain *d = &v->domain->mm;
	int rc = mm_begin(d);

	if (!rc)
		rc = root_replace(d, v, which, root_none(new) ? 0 : new.raw);
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

void mm_vcpu_relinquish(struct vcpu *v)
{
	struct mm_domain *d = &v->domain->mm;

	/* Only uses are put, which cannot fail. */
	mm_lock(d);
	(void)gdt_replace(d, v, NULL, 0);
	(void)ldt_replace(d, v, 0, 0);
	(void)root_replace(d, v, &v->kernel_root, 0);
	(void)root_replace(d, v, &v->user_root, 0);
	spin_unlock(&d->lock);
	heap_free(v->loan.copy, 0);
	v->loan.copy = NULL;
}
