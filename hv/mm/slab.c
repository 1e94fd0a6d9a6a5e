/* SPDX-License-Identifier: MIT */
/*
 * Small objects for the hypervisor itself.
 *
 * Size classes from 16 to 2048 bytes, each with a list of free objects that
 * runs through the objects.  A page is cut up whole and stays with its class:
 * what there is most of is per domain and vcpu, so the next domain takes what
 * the last one left.  The page's frame entry says the class; larger requests
 * are whole chunks, and it says the order.
 *
 * Objects are as aligned as their class, so 64 bytes from 64 bytes on.
 */
#include "hv/lib/string.h"
#include "hv/mm/frame.h"

enum {
	MIN_SHIFT = 4,
	MAX_SHIFT = 11,
	NR_CLASSES = MAX_SHIFT - MIN_SHIFT + 1
};
/* In a frame's state, above its flags. */
enum {
	CLASS_POS = 32,
	ORDER_POS = 40
};

static spinlock_t slab_lock = SPINLOCK_INIT(RUNG_SLAB);
static void *free_objects[NR_CLASSES];

static unsigned int class_of(size_t size)
{
	return size <= 1u << MIN_SHIFT
		       ? 0
		       : 64 - (unsigned int)__builtin_clzll(size - 1) -
				 MIN_SHIFT;
}

static uint64_t *state_of(const void *p)
{
	return &frame_table[direct_to_mfn(p).raw].state;
}

static void *chunk_alloc(size_t size)
{
	uint64_t order = 0;
	void *p;

	while (PAGE_SIZE << order < size)
		order++;
	p = heap_alloc(order);
	if (p)
		*state_of(p) |= order << ORDER_POS;
	return p;
}

static void object_push(unsigned int class, void *p) MUST_HOLD(slab_lock)
{
	*(void **)p = free_objects[class];
	free_objects[class] = p;
}

static void refill(unsigned int class) MUST_HOLD(slab_lock)
{
	char *page = heap_alloc(0);

	if (!page)
		return;
	*state_of(page) |= (uint64_t)(class + 1) << CLASS_POS;
	for (size_t o = 0; o < PAGE_SIZE; o += 1u << (class + MIN_SHIFT))
		object_push(class, page + o);
}

void *hv_alloc(size_t size)
{
	unsigned int class = class_of(size);
	void *p;

	if (size > 1u << MAX_SHIFT)
		return chunk_alloc(size);
	spin_lock(&slab_lock);
	if (!free_objects[class])
		refill(class);
	p = free_objects[class];
	if (p)
		free_objects[class] = *(void **)p;
	spin_unlock(&slab_lock);
	if (p)
		memset(p, 0, (size_t)1 << (class + MIN_SHIFT));
	return p;
}

void hv_free(void *p)
{
	uint64_t s, class;

	if (!p)
		return;
	s = *state_of(p);
	class = s >> CLASS_POS & 0xff;
	BUG_ON(!(s & FS_HV));
	if (class) {
		spin_lock(&slab_lock);
		object_push(class - 1, p);
		spin_unlock(&slab_lock);
	} else {
		*state_of(p) = FS_RAM | FS_HV;
		heap_free(p, s >> ORDER_POS & 0xff);
	}
}
