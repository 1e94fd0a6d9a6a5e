/* SPDX-License-Identifier: MIT */
/*
 * Free frames: a buddy allocator whose lists run through the frame table.
 *
 * The first frame of a free chunk carries FS_FREE, the order in place of the
 * type count, and the list's links as frame numbers; the others carry nothing.
 * Boot hands over whole ranges as the largest aligned chunks, so starting with
 * gigabytes free costs a few list insertions.
 *
 * Three zones, so that devices with short addresses find memory: below 16 MiB,
 * below 4 GiB, the rest.  The last is taken first.  Chunks never span zones.
 *
 * A frame that a guest may still reach through stale translations must not be
 * given to another: frees stamp the flush clock, and an allocation flushes the
 * processors that have not flushed since the last free.
 *
 * LOCKING: heap_lock covers lists, owners' counts and claims.
 */
#include "hv/lib/string.h"
#include "hv/mm/heap.h"

spinlock_t heap_lock = SPINLOCK_INIT(RUNG_HEAP);
uint64_t frame_limit, mm_phys_limit;
void (*mm_domain_hold)(struct domain *d, bool hold);

enum {
	NR_ZONES = 3
};
static const uint64_t zone_end[NR_ZONES] = {1ull << 12, 1ull << 20, ~0ull};

static uint32_t heads[NR_ZONES][HEAP_MAX_ORDER + 1];
static uint64_t nr_free, nr_claimed;
static uint32_t last_free; /* tlb_now() when a guest's frame was freed */
static bool ready;

void page_clear(void *page)
{
	uint64_t *p = page;

	for (unsigned int i = 0; i < PAGE_SIZE / 8; i += 8) {
		p[i] = p[i + 1] = p[i + 2] = p[i + 3] = 0;
		p[i + 4] = p[i + 5] = p[i + 6] = p[i + 7] = 0;
		barrier(); /* stays a loop of stores, not a call to memset */
	}
}

void page_copy(void *to, const void *from)
{
	const uint64_t *f = from;
	uint64_t *t = to;

	for (unsigned int i = 0; i < PAGE_SIZE / 8; i += 4) {
		uint64_t a = f[i], b = f[i + 1], c = f[i + 2], d = f[i + 3];

		t[i] = a, t[i + 1] = b, t[i + 2] = c, t[i + 3] = d;
		barrier();
	}
}

static unsigned int zone_of(uint64_t mfn)
{
	return (mfn >= zone_end[0]) + (mfn >= zone_end[1]);
}

static void heads_init(void)
{
	for (unsigned int z = 0; z < NR_ZONES; z++)
		for (unsigned int o = 0; o <= HEAP_MAX_ORDER; o++)
			heads[z][o] = LINK_NONE;
	ready = true;
}

static void chunk_link(uint32_t mfn, unsigned int order)
{
	uint32_t *head = &heads[zone_of(mfn)][order];
	struct frame *f = &frame_table[mfn];

	f->state = FS_RAM | FS_FREE | (uint64_t)order << FS_USE_SHIFT;
	f->owner = *head;
	f->link = LINK_NONE;
	if (*head != LINK_NONE)
		frame_table[*head].link = mfn;
	*head = mfn;
}

static void chunk_unlink(uint32_t mfn, unsigned int order)
{
	struct frame *f = &frame_table[mfn];

	if (f->link == LINK_NONE)
		heads[zone_of(mfn)][order] = f->owner;
	else
		frame_table[f->link].owner = f->owner;
	if (f->owner != LINK_NONE)
		frame_table[f->owner].link = f->link;
	f->state = FS_RAM;
	f->owner = 0;
}

static bool chunk_free_of(uint64_t mfn, unsigned int order)
{
	return mfn < frame_limit &&
	       frame_table[mfn].state ==
		       (FS_RAM | FS_FREE | (uint64_t)order << FS_USE_SHIFT);
}

void heap_give(uint32_t mfn, unsigned int order)
{
	nr_free += 1ull << order;
	frame_table[mfn].state = FS_RAM;
	while (order < HEAP_MAX_ORDER) {
		uint32_t buddy = mfn ^ 1u << order;

		if (!chunk_free_of(buddy, order) ||
		    zone_of(buddy) != zone_of(mfn))
			break;
		chunk_unlink(buddy, order);
		mfn &= ~(1u << order);
		order++;
	}
	chunk_link(mfn, order);
}

static uint32_t zone_take(unsigned int z, unsigned int order, uint64_t end)
{
	for (unsigned int o = order; o <= HEAP_MAX_ORDER; o++) {
		uint32_t m = heads[z][o];

		while (m != LINK_NONE && m + (1ull << order) > end)
			m = frame_table[m].owner;
		if (m == LINK_NONE)
			continue;
		chunk_unlink(m, o);
		while (o > order) {
			o--;
			chunk_link(m + (1u << o), o);
		}
		nr_free -= 1ull << order;
		return m;
	}
	return LINK_NONE;
}

uint32_t heap_take(unsigned int order, unsigned int bits)
{
	uint64_t end = bits >= 52          ? ~0ull
		       : bits < PAGE_SHIFT ? 0
					   : 1ull << (bits - PAGE_SHIFT);
	uint32_t m;

	if (order > HEAP_MAX_ORDER)
		return LINK_NONE;
	for (int z = NR_ZONES - 1; z >= 0; z--) {
		if (z && zone_end[z - 1] >= end)
			continue;
		m = zone_take((unsigned int)z, order, end);
		if (m != LINK_NONE)
			return m;
	}
	return LINK_NONE;
}

uint64_t mm_free_frames(void)
{
	return READ_ONCE(nr_free);
}

void heap_add(uint64_t mfn, uint64_t nr)
{
	uint64_t end = mfn + nr;

	spin_lock(&heap_lock);
	if (!ready)
		heads_init();
	while (mfn < end) {
		unsigned int order = HEAP_MAX_ORDER;
		uint64_t zend = min(zone_end[zone_of(mfn)], end);

		if (mfn)
			order = min(order, (unsigned int)__builtin_ctzll(mfn));
		while (mfn + (1ull << order) > zend)
			order--;
		heap_give((uint32_t)mfn, order);
		mfn += 1ull << order;
	}
	spin_unlock(&heap_lock);
}

/* ---- the hypervisor's own --------------------------------------------------- */

void *heap_alloc(unsigned int order)
{
	uint32_t m;
	char *p;

	spin_lock(&heap_lock);
	m = heap_take(order, HEAP_ANYWHERE);
	if (m != LINK_NONE)
		for (uint32_t i = 0; i < 1u << order; i++)
			frame_table[m + i].state = FS_RAM | FS_HV;
	spin_unlock(&heap_lock);
	if (m == LINK_NONE)
		return NULL;
	frames_flush_since(READ_ONCE(last_free));
	p = direct_map(mfn_of(m));
	for (unsigned int i = 0; i < 1u << order; i++)
		page_clear(p + i * PAGE_SIZE);
	return p;
}

void heap_free(void *p, unsigned int order)
{
	uint64_t m = direct_to_mfn(p).raw;

	if (!p)
		return;
	for (uint32_t i = 0; i < 1u << order; i++) {
		BUG_ON(frame_table[m + i].state != (FS_RAM | FS_HV));
		frame_table[m + i].state = FS_RAM;
	}
	spin_lock(&heap_lock);
	heap_give((uint32_t)m, order);
	spin_unlock(&heap_lock);
}

/* ---- domains' frames --------------------------------------------------------- */

void mm_domain_init(struct mm_domain *mm, struct domain *d)
{
	memset(mm, 0, sizeof(*mm));
	spin_lock_init(&mm->lock, RUNG_MM);
	mm->domain = d;
	mm->scrub = true;
	mm->zombies = LINK_NONE;
	mm->first_mfn = ~0ull;
}

static bool held_nothing(const struct mm_domain *d)
{
	return !d->nr_frames && !d->nr_shared;
}

/* May @d have @nr more?  Others' claims are not touched. */
static bool frames_allowed(const struct mm_domain *d, uint64_t nr)
{
	return d->nr_frames + nr <= d->max_frames &&
	       nr + nr_claimed - min(d->claimed, nr) <= nr_free;
}

/* Count a chunk to @d and take it; its frames are still nobody's. */
static uint32_t chunk_reserve(struct mm_domain *d, unsigned int order,
			      unsigned int bits, bool *first)
{
	uint64_t nr = 1ull << order, claim;
	uint32_t m = LINK_NONE;

	spin_lock(&heap_lock);
	if (frames_allowed(d, nr))
		m = heap_take(order, bits);
	if (m != LINK_NONE) {
		*first = held_nothing(d);
		claim = min(d->claimed, nr);
		d->claimed -= claim;
		nr_claimed -= claim;
		d->nr_frames += nr;
		d->first_mfn = min(d->first_mfn, (uint64_t)m);
		d->last_mfn = max(d->last_mfn, m + nr - 1);
	}
	spin_unlock(&heap_lock);
	return m;
}

uint32_t frames_alloc(struct mm_domain *d, unsigned int order,
		      unsigned int bits, bool clear)
{
	uint32_t m, tag = owner_tag(d);
	bool first = false;

	m = chunk_reserve(d, order, bits, &first);
	if (m == LINK_NONE)
		return m;
	frames_flush_since(READ_ONCE(last_free));
	for (uint32_t i = 0; clear && i < 1u << order; i++)
		page_clear(direct_map(mfn_of(m + i)));
	for (struct frame *f = &frame_table[m];
	     f < &frame_table[m + (1u << order)]; f++) {
		f->link = 0;
		f->owner = tag;
		/* ORDER: the reference is what lets other CPUs in. */
		store_release(&f->state, FS_RAM | FS_ALLOC | FS_REF);
	}
	if (first && mm_domain_hold)
		mm_domain_hold(d->domain, true);
	return m;
}

/* The last reference is gone: back to the heap, whoever's it was. */
void frame_free(struct frame *f)
{
	struct mm_domain *d = owner_of(f);
	bool last;

	BUG_ON(!d || (f->state & (FS_USES | FS_BUSY | FS_ALLOC | FS_PINNED)));
	spin_lock(&heap_lock);
	if (f->state & FS_SHARED)
		d->nr_shared--;
	else
		d->nr_frames--;
	last = held_nothing(d);
	f->owner = 0;
	f->link = 0;
	m2p_table[frame_mfn(f)] = ~0ull;
	last_free = tlb_now();
	heap_give((uint32_t)frame_mfn(f), 0);
	spin_unlock(&heap_lock);
	if (last && mm_domain_hold)
		mm_domain_hold(d->domain, false);
}

int mm_domain_claim(struct mm_domain *d, uint64_t nr)
{
	uint64_t more = nr > d->nr_frames ? nr - d->nr_frames : 0;
	int rc = 0;

	spin_lock(&heap_lock);
	nr_claimed -= d->claimed;
	d->claimed = 0;
	if (nr_claimed + more > nr_free) {
		rc = -ENOMEM;
	} else {
		d->claimed = more;
		nr_claimed += more;
	}
	spin_unlock(&heap_lock);
	return rc;
}
