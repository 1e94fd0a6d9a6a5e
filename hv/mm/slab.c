/* SPDX-License-Identifier: MIT */
/*
 * Small objects for the hypervisor itself.
 *
 * Size classes from 16 to 2048 bytes, a page per slab, nothing in the page but
 * objects: the page's frame entry keeps the book.  Its state says FS_HV, the
 * class, how many objects are out and where the first free one is; owner and
 * link thread the slabs of a class that have room.  A free object begins with
 * the offset of the next one.  Larger requests are whole chunks.
 *
 * Objects are as aligned as their class, so 64 bytes from 64 bytes on.
 */
#include "hv/lib/string.h"
#include "hv/mm/heap.h"

enum {
	MIN_SHIFT = 4,
	MAX_SHIFT = 11,
	NR_CLASSES = MAX_SHIFT - MIN_SHIFT + 1
};
/* Offsets are counted in 16 bytes; a full slab has none. */
enum {
	NO_OBJECT = 0xff0 >> MIN_SHIFT | 0x100
};
/* The state of a slab page, above its flags: class + 1, used, free. */
enum {
	CLASS_POS = 32,
	USED_POS = 36,
	FREE_POS = 48,
	ORDER_POS = 58
};

static spinlock_t slab_lock = SPINLOCK_INIT(RUNG_SLAB);
static uint32_t partial[NR_CLASSES];
static bool ready;

static unsigned int class_of(size_t size)
{
	return size <= 1u << MIN_SHIFT
		       ? 0
		       : 64 - (unsigned int)__builtin_clzll(size - 1) -
				 MIN_SHIFT;
}

static unsigned int field(uint64_t s, unsigned int pos, unsigned int bits)
{
	return (unsigned int)(s >> pos) & ((1u << bits) - 1);
}

static uint64_t slab_state(unsigned int class, unsigned int used,
			   unsigned int first)
{
	return FS_RAM | FS_HV | (uint64_t)(class + 1) << CLASS_POS |
	       (uint64_t)used << USED_POS | (uint64_t)first << FREE_POS;
}

static void slab_link(struct frame *f, unsigned int class)
{
	f->owner = partial[class];
	f->link = LINK_NONE;
	if (f->owner != LINK_NONE)
		frame_table[f->owner].link = (uint32_t)frame_mfn(f);
	partial[class] = (uint32_t)frame_mfn(f);
}

static void slab_unlink(struct frame *f, unsigned int class)
{
	if (f->link == LINK_NONE)
		partial[class] = f->owner;
	else
		frame_table[f->link].owner = f->owner;
	if (f->owner != LINK_NONE)
		frame_table[f->owner].link = f->link;
	f->owner = 0;
}

static struct frame *slab_new(unsigned int class)
{
	unsigned int step = 1u << class;
	char *page = heap_alloc(0);
	struct frame *f;

	if (!page)
		return NULL;
	for (unsigned int o = 0; o < PAGE_SIZE >> MIN_SHIFT; o += step) {
		unsigned int next = o + step;

		if (next == PAGE_SIZE >> MIN_SHIFT)
			next = NO_OBJECT;
		*(uint32_t *)(page + (o << MIN_SHIFT)) = next;
	}
	f = &frame_table[direct_to_mfn(page).raw];
	f->state = slab_state(class, 0, 0);
	slab_link(f, class);
	return f;
}

static void *object_take(struct frame *f, unsigned int class)
{
	unsigned int first = field(f->state, FREE_POS, 10);
	char *p = (char *)table_of(f) + (first << MIN_SHIFT);
	unsigned int next = *(uint32_t *)p;

	f->state = slab_state(class, field(f->state, USED_POS, 12) + 1, next);
	if (next == NO_OBJECT)
		slab_unlink(f, class);
	return p;
}

static void *chunk_alloc(size_t size)
{
	unsigned int order = 0;
	char *p;

	while (PAGE_SIZE << order < size)
		order++;
	p = heap_alloc(order);
	if (p)
		frame_table[direct_to_mfn(p).raw].state |= (uint64_t)order
							   << ORDER_POS;
	return p;
}

void *hv_alloc(size_t size)
{
	unsigned int class = class_of(size);
	struct frame *f;
	void *p = NULL;

	if (size > 1u << MAX_SHIFT)
		return chunk_alloc(size);
	spin_lock(&slab_lock);
	if (!ready)
		memset(partial, 0xff, sizeof(partial));
	ready = true;
	f = partial[class] != LINK_NONE ? &frame_table[partial[class]]
					: slab_new(class);
	if (f)
		p = object_take(f, class);
	spin_unlock(&slab_lock);
	if (p)
		memset(p, 0, (size_t)1 << (class + MIN_SHIFT));
	return p;
}

static void object_free(struct frame *f, void *p)
{
	unsigned int class = field(f->state, CLASS_POS, 4) - 1;
	unsigned int used = field(f->state, USED_POS, 12);
	unsigned int first = field(f->state, FREE_POS, 10);
	unsigned int o = ((uint64_t)p & ~PAGE_MASK) >> MIN_SHIFT;

	BUG_ON(!used || o & ((1u << class) - 1));
	if (first == NO_OBJECT)
		slab_link(f, class);
	*(uint32_t *)p = first;
	f->state = slab_state(class, used - 1, o);
	/* The class keeps one empty slab, so that one object may come and go. */
	if (used == 1 && (f->owner != LINK_NONE || f->link != LINK_NONE)) {
		slab_unlink(f, class);
		f->state = FS_RAM | FS_HV;
		heap_free(table_of(f), 0);
	}
}

void hv_free(void *p)
{
	struct frame *f;
	unsigned int order;

	if (!p)
		return;
	f = &frame_table[direct_to_mfn(p).raw];
	BUG_ON(!(f->state & FS_HV));
	if (field(f->state, CLASS_POS, 4)) {
		spin_lock(&slab_lock);
		object_free(f, p);
		spin_unlock(&slab_lock);
		return;
	}
	order = field(f->state, ORDER_POS, 6);
	f->state = FS_RAM | FS_HV;
	heap_free(p, order);
}
