/* SPDX-License-Identifier: MIT */
/*
 * Guests' GDTs and LDTs.
 *
 * Their pages are the guest's own frames, typed FT_SEGDESC while a vcpu has
 * them loaded, and mapped read-only in the window of the CPU that runs it.
 * The processor's limits always cover the whole GDT window; where the guest
 * has no page there is one of zeros, so that a bad selector gives the fault
 * that an empty descriptor gives.
 *
 * An LDT is a range of the guest's addresses.  Its pages are looked up once,
 * when it is set: the frames behind them count from then on.
 */
#include <pv/hypercalls.h>

#include "hv/cpu/desc.h"
#include "hv/paging/paging.h"

enum {
	GDT_PAGES = FIRST_RESERVED_GDT_PAGE,
	LDT_PAGES = 16,
	DESC_PER_PAGE = PAGE_SIZE / 8,
	DESC_TYPE_LDT = 2,
};

static uint64_t zero_page[DESC_PER_PAGE] ALIGNED(PAGE_SIZE);
static bool ldt_loaded[MAX_CPUS];

static void load_ldtr(uint16_t selector)
{
	__asm__ volatile("lldt %0" : : "r"(selector) : "memory");
}

static unsigned int pages_of(unsigned int entries)
{
	return (entries + DESC_PER_PAGE - 1) / DESC_PER_PAGE;
}

/* Put @mfns, then zeros, at @va.. of the window. */
static void window_pages(uint64_t va, const mfn_t *mfns, unsigned int n,
			 unsigned int pages)
{
	unsigned int slot = (va - WINDOW_BASE) >> PAGE_SHIFT;
	uint64_t zeros = (uint64_t)zero_page - IMAGE_BASE;

	for (unsigned int i = 0; i < pages; i++) {
		uint64_t e = i < n ? mfns[i].raw << PAGE_SHIFT : zeros;

		e |= PTE_P | PTE_A | PTE_NX;
		if (this_cpu->window_pt[slot + i] == e)
			continue;
		window_set(va + i * PAGE_SIZE, e);
		tlb_flush_local();
	}
}

static void gdt_load(struct vcpu *v)
{
	window_pages(WIN_GDT, v->gdt_frames, pages_of(v->gdt_entries),
		     GDT_PAGES);
}

static void ldt_load(struct vcpu *v)
{
	uint64_t *tail = this_cpu->gdt_tail;

	if (v->ldt_entries) {
		window_pages(WIN_LDT, v->ldt_frames, pages_of(v->ldt_entries),
			     LDT_PAGES);
		system_descriptor(
			&tail[(SEL_LDT - FIRST_RESERVED_GDT_BYTE) / 8], WIN_LDT,
			v->ldt_entries * 8 - 1, DESC_TYPE_LDT);
	}
	if (v->ldt_entries || ldt_loaded[this_cpu->id])
		load_ldtr(v->ldt_entries ? SEL_LDT : 0);
	ldt_loaded[this_cpu->id] = v->ldt_entries;
}

void desc_load(struct vcpu *v)
{
	gdt_load(v);
	ldt_load(v);
}

/* ---- pages ----------------------------------------------------------------------- */

static void pages_put(struct mm_domain *d, const mfn_t *mfns, unsigned int n)
	MUST_HOLD(d->lock)
{
	while (n--)
		typed_put(&frame_table[mfns[n].raw], d);
}

/* All @n or none. */
static int pages_get(struct mm_domain *d, const mfn_t *mfns, unsigned int n)
	MUST_HOLD(d->lock)
{
	for (unsigned int i = 0; i < n; i++) {
		struct frame *f = frame_find(mfns[i].raw);
		int rc = f ? typed_get(f, d, FT_SEGDESC) : -EINVAL;

		if (rc) {
			pages_put(d, mfns, i);
			return rc;
		}
	}
	return 0;
}

/* ---- GDT ------------------------------------------------------------------------- */

int gdt_replace(struct mm_domain *d, struct vcpu *v, const uint64_t *mfns,
		unsigned int entries)
{
	unsigned int n = pages_of(entries), old = pages_of(v->gdt_entries);
	mfn_t new[GDT_PAGES] = {0}, was[GDT_PAGES];
	int rc;

	for (unsigned int i = 0; i < n; i++)
		new[i] = mfn_of(mfns[i]);
	rc = pages_get(d, new, n);
	if (rc)
		return rc;
	for (unsigned int i = 0; i < GDT_PAGES; i++) {
		was[i] = v->gdt_frames[i];
		v->gdt_frames[i] = new[i];
	}
	v->gdt_entries = entries;
	if (v == current)
		gdt_load(v);
	pages_put(d, was, old);
	return 0;
}

int desc_set_gdt(struct vcpu *v, const uint64_t *mfns, unsigned int entries)
{
	struct mm_domain *d = &v->domain->mm;
	int rc;

	if (entries > FIRST_RESERVED_GDT_ENTRY)
		return -EINVAL;
	rc = mm_begin(d);
	if (!rc)
		rc = gdt_replace(d, v, mfns, entries);
	spin_unlock(&d->lock);
	return rc;
}

long hc_set_gdt(uint64_t list, uint32_t entries)
{
	uint64_t mfns[GDT_PAGES];
	int rc;

	if (entries > FIRST_RESERVED_GDT_ENTRY)
		return -EINVAL;
	if (copy_from_guest(mfns, list, pages_of(entries) * sizeof(*mfns)))
		return -EFAULT;
	rc = desc_set_gdt(current, mfns, entries);
	return rc == -ERESTART ? mm_restart(HC_set_gdt, list, entries, 0, 0)
			       : rc;
}

/* ---- LDT ------------------------------------------------------------------------- */

int ldt_replace(struct mm_domain *d, struct vcpu *v, uint64_t base,
		unsigned int entries)
{
	unsigned int n = pages_of(entries), old = pages_of(v->ldt_entries);
	mfn_t *new = NULL, *was = v->ldt_frames;
	uint64_t e;
	int rc;

	if (entries > LDT_PAGES * PAGE_SIZE / 8 || (n && (base & ~PAGE_MASK)))
		return -EINVAL;
	if (n && !(new = hv_alloc(n * sizeof(*new))))
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++) {
		/* Frame 0, if there is none, is no domain's. */
		e = guest_walk(v->kernel_root, base + i * PAGE_SIZE, NULL,
			       NULL);
		new[i] = mfn_of(pte_mfn(e));
	}
	rc = pages_get(d, new, n);
	if (rc) {
		hv_free(new);
		return rc;
	}
	v->ldt_frames = new;
	v->ldt_base = base;
	v->ldt_entries = entries;
	if (v == current)
		ldt_load(v);
	pages_put(d, was, old);
	hv_free(was);
	return 0;
}

int desc_set_ldt(struct vcpu *v, uint64_t base, unsigned int entries)
{
	struct mm_domain *d = &v->domain->mm;
	int rc = mm_begin(d);

	if (!rc)
		rc = ldt_replace(d, v, base, entries);
	spin_unlock(&d->lock);
	return rc;
}

/* ---- single descriptors ----------------------------------------------------------- */

long hc_update_descriptor(uint64_t maddr, uint64_t desc)
{
	struct mm_domain *d = &current->domain->mm;
	struct frame *f = frame_find(maddr >> PAGE_SHIFT);
	bool used, writable = false;
	uint64_t s;

	if (!f || (maddr & 7) || !segdesc_fix(&desc))
		return -EINVAL;
	mm_lock(d);
	s = READ_ONCE(f->state);
	used = READ_ONCE(f->owner) == owner_tag(d) && (s & FS_USES) &&
	       state_type(s) == FT_SEGDESC && !(s & FS_BUSY);
	if (!used)
		writable = writable_get(f, d);
	if (used || writable)
		WRITE_ONCE(table_of(f)[(maddr & ~PAGE_MASK) >> 3], desc);
	if (writable)
		writable_put(f);
	spin_unlock(&d->lock);
	return used || writable ? 0 : -EINVAL;
}
