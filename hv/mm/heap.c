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
 * Clearing frames is most of the cost of giving them, so idle CPUs do it ahead:
 * what was used since boot is marked USED when it becomes free, and CLEAN when
 * it was cleared.  Of memory that nobody ever had, a reserve is cleared, too.
 * Marks stay with the frame through splits and merges; chunks that look clean
 * by a few samples are given first, and those that nobody had last.
 *
 * LOCKING: heap_lock covers lists, owners' counts and claims, and the marks of
 * frames in chunks.
 */
#include "hv/lib/string.h"
#include "hv/mm/frame.h"

static spinlock_t heap_lock = SPINLOCK_INIT(RUNG_HEAP);
uint64_t frame_limit, mm_phys_limit;

enum {
	NR_ZONES = 3,
	MAX_TRIES = 256,
	SCRUB_LEAST = 512, /* below, clearing ahead is not worth flushes */
	SCRUB_FRAMES = 8, /* of one call */
	SCRUB_LOOKS = 1024,
	RESERVE_PART = 4, /* of memory: kept clean */
	MARK_SAMPLES = 4, /* of a chunk */
	MARK_TRIES = 4 /* chunks of an order */
};
#define FS_MARKS (FS_CLEAN | FS_USED)
static const uint64_t zone_end[NR_ZONES] = {1ull << 12, 1ull << 20, ~0ull};

/* Heads of lists: a frame's number, 0 for none (frame 0 is never given). */
static uint32_t heads[NR_ZONES][HEAP_MAX_ORDER + 1];
static uint64_t nr_free, nr_claimed;
static uint32_t last_free; /* tlb_now() when a guest's frame was freed */
static uint64_t nr_used, nr_clean; /* marked so; atomic */
static uint64_t scrub_at; /* where heap_scrub goes on */

void page_clear(void *page)
{
	uint64_t *p = page;

	for (unsigned int i = 0; i < PAGE_SIZE / 8; i += 8) {
		p[i] = p[i + 1] = p[i + 2] = p[i + 3] = 0;
		p[i + 4] = p[i + 5] = p[i + 6] = p[i + 7] = 0;
		barrier(); /* stays a loop of stores, not a call to memset */
	}
}

uint64_t mm_free_frames(void)
{
	return READ_ONCE(nr_free);
}

/* ---- chunks ------------------------------------------------------------------ */

static unsigned int zone_of(uint64_t mfn)
{
	return (mfn >= zone_end[0]) + (mfn >= zone_end[1]);
}

static uint64_t chunk_state(unsigned int order)
{
	return FS_RAM | FS_FREE | (uint64_t)order << FS_USE_SHIFT;
}

static void chunk_link(uint32_t mfn, unsigned int order)
{
	uint32_t *head = &heads[zone_of(mfn)][order];
	struct frame *f = &frame_table[mfn];

	*f = (struct frame){chunk_state(order) | (f->state & FS_MARKS), *head,
			    0};
	if (*head)
		frame_table[*head].link = mfn;
	*head = mfn;
}

static void chunk_unlink(uint32_t mfn, unsigned int order)
{
	struct frame *f = &frame_table[mfn];

	if (f->link)
		frame_table[f->link].owner = f->owner;
	else
		heads[zone_of(mfn)][order] = f->owner;
	if (f->owner)
		frame_table[f->owner].link = f->link;
	*f = (struct frame){FS_RAM | (f->state & FS_MARKS), 0, 0};
}

static bool is_chunk(uint32_t mfn, unsigned int order)
{
	return (frame_table[mfn].state & ~FS_MARKS) == chunk_state(order);
}

static void chunk_give(uint32_t mfn, unsigned int order) MUST_HOLD(heap_lock)
{
	nr_free += 1ull << order;
	for (; order < HEAP_MAX_ORDER; order++) {
		uint32_t buddy = mfn ^ 1u << order;

		if (buddy >= frame_limit || !is_chunk(buddy, order) ||
		    zone_of(buddy) != zone_of(mfn))
			break;
		chunk_unlink(buddy, order);
		mfn &= ~(1u << order);
	}
	chunk_link(mfn, order);
}

/* How many of some frames in a chunk have one of @marks. */
static unsigned int chunk_marked(uint32_t mfn, unsigned int order,
				 uint64_t marks)
{
	uint32_t nr = 1u << order, step = max(nr / MARK_SAMPLES, 1u);
	unsigned int n = 0;

	for (uint32_t i = 0; i < nr; i += step)
		n += !!(frame_table[mfn + i].state & marks);
	return n;
}

/*
 * A chunk of order @o below @end, near a list's front.  @end is a power of two:
 * no chunk lies across it, as none begins with frame 0.
 */
static uint32_t chunk_find(unsigned int z, unsigned int o, uint64_t end,
			   uint64_t marks)
{
	uint32_t m = heads[z][o];

	for (unsigned int i = marks ? MARK_TRIES : MAX_TRIES; m && i--;) {
		if (m < end && (!marks || chunk_marked(m, o, marks)))
			return m;
		m = frame_table[m].owner;
	}
	return LINK_NONE;
}

/* 2^order frames of a chunk, from the halves with more @marks. */
static uint32_t chunk_split(uint32_t m, unsigned int o, unsigned int order,
			    uint64_t marks)
{
	chunk_unlink(m, o);
	while (o-- > order) {
		uint32_t half = m + (1u << o);

		if (chunk_marked(half, o, marks) > chunk_marked(m, o, marks)) {
			chunk_link(m, o);
			m = half;
		} else {
			chunk_link(half, o);
		}
	}
	nr_free -= 1ull << order;
	return m;
}

static uint32_t zone_take(unsigned int z, unsigned int order, uint64_t end,
			  uint64_t marks)
{
	for (unsigned int o = order; o <= HEAP_MAX_ORDER; o++) {
		uint32_t m = chunk_find(z, o, end, marks);

		if (m != LINK_NONE)
			return chunk_split(m, o, order, marks);
	}
	return LINK_NONE;
}

/*
 * 2^order frames below 2^bits bytes, or LINK_NONE.  If @choose, from those that
 * look clean, then from what was used: what nobody ever had may be memory that
 * a machine below us has yet to find.
 */
static uint32_t chunk_take(unsigned int order, unsigned int bits, bool choose)
	MUST_HOLD(heap_lock)
{
	uint64_t clean = READ_ONCE(nr_clean), used = READ_ONCE(nr_used);
	uint64_t end = bits >= 64 ? ~0ull : (1ull << bits) >> PAGE_SHIFT;
	uint32_t m = LINK_NONE;

	if (order > HEAP_MAX_ORDER)
		return LINK_NONE;
	for (unsigned int z = NR_ZONES; z-- && m == LINK_NONE;) {
		if (z && zone_end[z - 1] >= end)
			continue;
		if (choose && clean >> order)
			m = zone_take(z, order, end, FS_CLEAN);
		if (choose && m == LINK_NONE && (clean + used) >> order)
			m = zone_take(z, order, end, FS_MARKS);
		if (m == LINK_NONE)
			m = zone_take(z, order, end, 0);
	}
	return m;
}

void heap_add(uint64_t mfn, uint64_t nr)
{
	uint64_t end = mfn + nr;

	spin_lock(&heap_lock);
	while (mfn < end) {
		uint64_t zend = min(zone_end[zone_of(mfn)], end);
		unsigned int order = min((unsigned int)__builtin_ctzll(mfn),
					 (unsigned int)HEAP_MAX_ORDER);

		while (mfn + (1ull << order) > zend)
			order--;
		chunk_give((uint32_t)mfn, order);
		mfn += 1ull << order;
	}
	spin_unlock(&heap_lock);
}

/* ---- clean frames ------------------------------------------------------------ */

/* How many frames of a chunk that was taken had which mark. */
struct marks {
	uint64_t used, clean;
};

static void marks_gone(const struct marks *m)
{
	atomic_fetch_sub(&nr_used, m->used);
	atomic_fetch_sub(&nr_clean, m->clean);
}

/* A frame of a chunk that was taken gets a new state; was it clean? */
static bool frame_set(struct frame *f, uint64_t state, struct marks *marks)
{
	uint64_t was = f->state;

	marks->used += !!(was & FS_USED);
	marks->clean += !!(was & FS_CLEAN);
	/* ORDER: the reference, if any, is what lets other CPUs in. */
	store_release(&f->state, state);
	return was & FS_CLEAN;
}

/* End of the chunk that has frame @m, which is free; 0: it is not. */
static uint64_t chunk_end(uint64_t m) MUST_HOLD(heap_lock)
{
	for (unsigned int o = 0; o <= HEAP_MAX_ORDER; o++) {
		uint64_t head = m & ~((1ull << o) - 1);

		if (head && is_chunk((uint32_t)head, o))
			return head + (1ull << o);
	}
	return 0;
}

/* Could the frame be one to clean?  @fresh: one that nobody ever had, too. */
static bool may_scrub(const struct frame *f, bool fresh)
{
	uint64_t s = f->state;

	if (s & FS_USED)
		return true;
	return fresh && !(s & FS_CLEAN) && (s & FS_FREE || s == FS_RAM);
}

static void scrub_frame(struct frame *f) MUST_HOLD(heap_lock)
{
	page_clear(table_of(f));
	if (f->state & FS_USED)
		atomic_fetch_sub(&nr_used, 1);
	f->state = (f->state & ~FS_MARKS) | FS_CLEAN;
	atomic_fetch_add(&nr_clean, 1);
}

/* Are there frames that nobody ever had, and is the reserve not full? */
static bool reserve_wanted(void)
{
	uint64_t marked = READ_ONCE(nr_clean) + READ_ONCE(nr_used);

	return READ_ONCE(nr_clean) < frame_limit / RESERVE_PART &&
	       marked + SCRUB_LEAST <= READ_ONCE(nr_free);
}

bool heap_scrub_wanted(void)
{
	return READ_ONCE(nr_used) >= SCRUB_LEAST || reserve_wanted();
}

bool heap_scrub(void)
{
	unsigned int looks = SCRUB_LOOKS, done = 0;
	bool fresh = reserve_wanted();
	uint64_t end = 0;

	/* Whoever wants memory now goes first. */
	if (!heap_scrub_wanted() || !spin_trylock(&heap_lock))
		return false;
	/* Nobody may write to them any more. */
	frames_flush_since(last_free);
	for (; looks-- && done < SCRUB_FRAMES; scrub_at++) {
		if (scrub_at >= frame_limit) {
			scrub_at = 1;
			end = 0;
		}
		if (!may_scrub(&frame_table[scrub_at], fresh))
			continue;
		/* What is in no chunk was taken a moment ago. */
		if (scrub_at >= end)
			end = chunk_end(scrub_at);
		if (scrub_at >= end)
			continue;
		scrub_frame(&frame_table[scrub_at]);
		done++;
	}
	spin_unlock(&heap_lock);
	return true;
}

/* ---- the hypervisor's own --------------------------------------------------- */

void *heap_alloc(unsigned int order)
{
	struct marks marks = {0, 0};
	uint32_t m;
	char *p;

	spin_lock(&heap_lock);
	m = chunk_take(order, HEAP_ANYWHERE, false);
	spin_unlock(&heap_lock);
	if (m == LINK_NONE)
		return NULL;
	frames_flush_since(READ_ONCE(last_free));
	p = direct_map(mfn_of(m));
	for (uint32_t i = 0; i < 1u << order; i++) {
		if (!frame_set(&frame_table[m + i], FS_RAM | FS_HV, &marks))
			page_clear(p + i * PAGE_SIZE);
	}
	marks_gone(&marks);
	return p;
}

void heap_free(void *p, unsigned int order)
{
	uint64_t m = direct_to_mfn(p).raw;

	if (!p)
		return;
	for (uint32_t i = 0; i < 1u << order; i++) {
		BUG_ON(frame_table[m + i].state != (FS_RAM | FS_HV));
		frame_table[m + i].state = FS_RAM | FS_USED;
	}
	atomic_fetch_add(&nr_used, 1ull << order);
	spin_lock(&heap_lock);
	chunk_give((uint32_t)m, order);
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

/* Take a chunk and count it to @d; its frames are still nobody's. */
static uint32_t chunk_reserve(struct mm_domain *d, unsigned int order,
			      unsigned int bits)
{
	uint64_t nr = 1ull << order, claim;
	uint32_t m = LINK_NONE;

	spin_lock(&heap_lock);
	claim = min(d->claimed, nr);
	if (d->nr_frames + nr <= d->max_frames &&
	    nr + nr_claimed - claim <= nr_free)
		m = chunk_take(order, bits, d->scrub);
	if (m != LINK_NONE) {
		d->claimed -= claim;
		nr_claimed -= claim;
		d->nr_frames += nr;
		d->first_mfn = min(d->first_mfn, (uint64_t)m);
		d->last_mfn = max(d->last_mfn, m + nr - 1);
		for (unsigned int p = frame_part(m);
		     p <= frame_part(m + nr - 1); p++)
			d->parts |= 1ull << p;
	}
	spin_unlock(&heap_lock);
	return m;
}

uint32_t frames_alloc(struct mm_domain *d, unsigned int order,
		      unsigned int bits)
{
	uint32_t m = chunk_reserve(d, order, bits), tag = owner_tag(d);
	struct marks marks = {0, 0};

	if (m == LINK_NONE)
		return m;
	owner_hold(d->domain, 1u << order);
	frames_flush_since(READ_ONCE(last_free));
	for (uint32_t i = 0; i < 1u << order; i++) {
		struct frame *f = &frame_table[m + i];

		if (d->scrub && !(f->state & FS_CLEAN))
			page_clear(table_of(f));
		f->link = 0;
		f->owner = tag;
		(void)frame_set(f, FS_RAM | FS_ALLOC | FS_REF, &marks);
	}
	marks_gone(&marks);
	return m;
}

bool frames_grow(struct mm_domain *d)
{
	/* ORDER: growing before closed; pairs with frames_close. */
	atomic_fetch_add(&d->growing, 1);
	if (!READ_ONCE(d->closed))
		return true;
	frames_grown(d);
	return false;
}

void frames_grown(struct mm_domain *d)
{
	atomic_fetch_sub(&d->growing, 1);
}

void frames_close(struct mm_domain *d)
{
	(void)atomic_exchange(&d->closed, true);
	while (READ_ONCE(d->growing))
		cpu_relax();
	spin_lock(&heap_lock);
	d->max_frames = 0;
	nr_claimed -= d->claimed;
	d->claimed = 0;
	spin_unlock(&heap_lock);
}

void frames_count(struct mm_domain *d, int64_t more)
{
	spin_lock(&heap_lock);
	d->nr_frames += (uint64_t)more;
	spin_unlock(&heap_lock);
}

/* The last reference is gone: back to the heap, whoever's it was. */
void frame_free(struct frame *f)
{
	struct mm_domain *d = owner_of(f);
	bool shared = f->state & FS_SHARED;

	BUG_ON(!d || (f->state & (FS_USES | FS_BUSY | FS_ALLOC | FS_PINNED)));
	*f = (struct frame){FS_RAM | FS_USED, 0, 0};
	atomic_fetch_add(&nr_used, 1);
	WRITE_ONCE(m2p_table[frame_mfn(f)], ~0ull);
	spin_lock(&heap_lock);
	WRITE_ONCE(last_free, tlb_now()); /* under the lock it only grows */
	d->nr_frames -= !shared;
	chunk_give((uint32_t)frame_mfn(f), 0);
	spin_unlock(&heap_lock);
	owner_drop(d->domain);
}

int mm_domain_claim(struct mm_domain *d, uint64_t nr)
{
	uint64_t more = nr > d->nr_frames ? nr - d->nr_frames : 0;
	int rc = -ENOMEM;

	spin_lock(&heap_lock);
	if (nr_claimed - d->claimed + more <= nr_free) {
		nr_claimed += more - d->claimed;
		d->claimed = more;
		rc = 0;
	}
	spin_unlock(&heap_lock);
	return rc;
}
