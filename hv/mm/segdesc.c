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
#include "hv/mm/guest.h"

enum {
	GDT_PAGES = FIRST_RESERVED_GDT_PAGE,
	LDT_PAGES = 16,
	DESC_PER_PAGE = PAGE_SIZE / 8,
	LDT_MAX_ENTRIES = LDT_PAGES * DESC_PER_PAGE,
	DESC_TYPE_LDT = 2,
};

static uint64_t *zero_page;
static bool ldt_loaded[MAX_CPUS];

static void ldtr_load(uint16_t selector)
{
	__asm__ volatile("lldt %0" : : "r"(selector) : "memory");
}

static uint64_t zero_pte(void)
{
	if (!zero_page)
		zero_page = heap_alloc(0);
	BUG_ON(!zero_page);
	return mfn_pte(direct_to_mfn(zero_page).raw, PTE_P | PTE_A | PTE_NX);
}

/* Put @mfns, then zeros, at @va.. of the window; what is there stays. */
static void window_pages(uint64_t va, const mfn_t *mfns, unsigned int n,
			 unsigned int max_pages)
{
	unsigned int slot = (va - WINDOW_BASE) >> PAGE_SHIFT;
	uint64_t zero = zero_pte();

	for (unsigned int i = 0; i < max_pages; i++) {
		uint64_t e = zero;

		if (i < n)
			e = mfn_pte(mfns[i].raw, PTE_P | PTE_A | PTE_NX);
		if ((this_cpu->window_pt[slot + i] & ~PTE_AD) == (e & ~PTE_AD))
			continue;
		window_set(va + i * PAGE_SIZE, e);
		tlb_flush_local();
	}
}

static unsigned int pages_of(unsigned int entries)
{
	return (entries + DESC_PER_PAGE - 1) / DESC_PER_PAGE;
}

static void gdt_load(struct vcpu *v)
{
	window_pages(WIN_GDT, v->gdt_frames, pages_of(v->gdt_entries),
		     GDT_PAGES);
}

static void ldt_load(struct vcpu *v)
{
	uint64_t *slot =
		&this_cpu->gdt_tail[(SEL_LDT - FIRST_RESERVED_GDT_BYTE) / 8];
	unsigned int entries = v->ldt_frames ? v->ldt_entries : 0;

	if (!entries) {
		if (ldt_loaded[this_cpu->id])
			ldtr_load(0);
		ldt_loaded[this_cpu->id] = false;
		return;
	}
	window_pages(WIN_LDT, v->ldt_frames, pages_of(entries), LDT_PAGES);
	system_descriptor(slot, WIN_LDT, entries * 8 - 1, DESC_TYPE_LDT);
	ldtr_load(SEL_LDT);
	ldt_loaded[this_cpu->id] = true;
}

void desc_load(struct vcpu *v)
{
	gdt_load(v);
	ldt_load(v);
}

/* ---- GDT ----------------------------------------------------------------------- */

static void segdesc_put_all(struct mm_domain *d, mfn_t *mfns, unsigned int n)
	MUST_HOLD(d->lock)
{
	while (n--)
		typed_put(&frame_table[mfns[n].raw], d);
}

static int segdesc_get(struct mm_domain *d, uint64_t mfn) MUST_HOLD(d->lock)
{
	struct frame *f = frame_find(mfn);

	return f ? typed_get(f, d, FT_SEGDESC) : -EINVAL;
}

static int gdt_replace(struct mm_domain *d, struct vcpu *v,
		       const uint64_t *mfns, unsigned int entries)
	MUST_HOLD(d->lock)
{
	unsigned int n = pages_of(entries), old = pages_of(v->gdt_entries);
	mfn_t new[GDT_PAGES], was[GDT_PAGES];
	int rc;

	for (unsigned int i = 0; i < n; i++) {
		new[i] = mfn_of(mfns[i]);
		rc = segdesc_get(d, mfns[i]);
		if (rc) {
			segdesc_put_all(d, new, i);
			return rc;
		}
	}
	for (unsigned int i = 0; i < GDT_PAGES; i++) {
		was[i] = v->gdt_frames[i];
		v->gdt_frames[i] = i < n ? new[i] : mfn_of(0);
	}
	v->gdt_entries = entries;
	if (v == current)
		gdt_load(v);
	segdesc_put_all(d, was, old);
	return 0;
}

int desc_set_gdt(struct vcpu *v, const uint64_t *mfns, unsigned int entries)
{
	struct mm_domain *d = &v->domain->mm;
	int rc;

	if (entries > FIRST_RESERVED_GDT_ENTRY)
		return -EINVAL;
	mm_lock(d);
	rc = zombies_drain(d);
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

/* ---- LDT ----------------------------------------------------------------------- */

int ldt_replace(struct mm_domain *d, struct vcpu *v, uint64_t base,
		unsigned int entries)
{
	unsigned int n = pages_of(entries), i;
	mfn_t *new = NULL, *was = v->ldt_frames;
	uint64_t e;
	int rc;

	if (entries > LDT_MAX_ENTRIES || (n && (base & ~PAGE_MASK)))
		return -EINVAL;
	if (n) {
		new = hv_alloc(n * sizeof(*new));
		if (!new)
			return -ENOMEM;
	}
	for (i = 0; i < n; i++) {
		e = guest_walk(v->kernel_root, base + i * PAGE_SIZE, NULL,
			       NULL);
		new[i] = mfn_of(pte_mfn(e));
		rc = e ? segdesc_get(d, new[i].raw) : -EINVAL;
		if (rc) {
			segdesc_put_all(d, new, i);
			hv_free(new);
			return rc;
		}
	}
	i = pages_of(v->ldt_entries);
	v->ldt_frames = new;
	v->ldt_base = base;
	v->ldt_entries = entries;
	if (v == current)
		ldt_load(v);
	if (was)
		segdesc_put_all(d, was, i);
	hv_free(was);
	return 0;
}

int desc_set_ldt(struct vcpu *v, uint64_t base, unsigned int entries)
{
	struct mm_domain *d = &v->domain->mm;
	int rc;

	mm_lock(d);
	rc = zombies_drain(d);
	if (!rc)
		rc = ldt_replace(d, v, base, entries);
	spin_unlock(&d->lock);
	return rc;
}

/* ---- single descriptors ----------------------------------------------------------- */

static int descriptor_store(struct mm_domain *d, struct frame *f,
			    unsigned int slot, uint64_t desc) MUST_HOLD(d->lock)
{
	uint64_t s = READ_ONCE(f->state);

	if (READ_ONCE(f->owner) == owner_tag(d) && (s & FS_USES) &&
	    state_type(s) == FT_SEGDESC) {
		WRITE_ONCE(table_of(f)[slot], desc);
		return 0;
	}
	if (!writable_get(f, d))
		return -EINVAL;
	WRITE_ONCE(table_of(f)[slot], desc);
	writable_put(f);
	return 0;
}

long hc_update_descriptor(uint64_t maddr, uint64_t desc)
{
	struct mm_domain *d = &current->domain->mm;
	struct frame *f = frame_find(maddr >> PAGE_SHIFT);
	int rc;

	if (!f || (maddr & 7) || !segdesc_fix(&desc))
		return -EINVAL;
	mm_lock(d);
	rc = descriptor_store(d, f, (maddr & ~PAGE_MASK) >> 3, desc);
	spin_unlock(&d->lock);
	return rc;
}
