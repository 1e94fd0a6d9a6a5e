/* SPDX-License-Identifier: MIT */
/*
 * The engine under real races: one thread is a domain that makes its frames
 * tables, writable and descriptor pages by turns, two more are other domains
 * that map them writable or hold them.  Who has a frame says so in a counter
 * of its kind; no two kinds may be there at once, and in the end each frame
 * has the one reference that it began with.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "hv/paging/paging.h"

enum {
	FRAMES = 4,
	OTHERS = 2,
	ROUNDS = 1000000
};

static struct domain *a;
static unsigned int writers[FRAMES + 1], tables[FRAMES + 1];
static unsigned int had_table, had_writable, refused;

/* ---- what tiny.c lacks --------------------------------------------------------------- */

void tlb_flush_mask(cpumask_t mask)
{
	(void)mask;
}

void frame_free(struct frame *f)
{
	panic("frame %lu is freed", frame_mfn(f));
}

struct domain *domain_get(domid_t id)
{
	(void)id;
	return NULL;
}

/* ---- the threads ---------------------------------------------------------------------- */

static unsigned int chance(uint64_t *seed, unsigned int n)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (unsigned int)(*seed >> 33) % n;
}

static void as_writable(unsigned int m)
{
	if (!frame_get_writable(mfn_of(m), a)) {
		atomic_fetch_add(&refused, 1);
		return;
	}
	atomic_fetch_add(&writers[m], 1);
	if (READ_ONCE(tables[m]))
		panic("frame %u: writable and a table", m);
	atomic_fetch_add(&had_writable, 1);
	atomic_fetch_sub(&writers[m], 1);
	frame_put_writable(mfn_of(m));
}

static void as_table(unsigned int m, enum frame_type type)
{
	int rc = frame_get_typed(mfn_of(m), a, type);

	if (rc) {
		atomic_fetch_add(&refused, 1);
		return;
	}
	WRITE_ONCE(tables[m], 1);
	smp_mb();
	for (unsigned int i = 0; i < 20; i++)
		if (READ_ONCE(writers[m]))
			panic("frame %u: a table and writable", m);
	atomic_fetch_add(&had_table, 1);
	WRITE_ONCE(tables[m], 0);
	frame_put_typed(mfn_of(m));
}

static void *owner(void *arg)
{
	static const enum frame_type types[] = {FT_L1, FT_L2, FT_SEGDESC};
	uint64_t seed = 0xabc;

	(void)arg;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int m = 1 + chance(&seed, FRAMES);

		if (chance(&seed, 4))
			as_table(m, types[chance(&seed, 3)]);
		else
			as_writable(m);
	}
	return NULL;
}

static void *other(void *arg)
{
	uint64_t seed = (uint64_t)arg;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int m = 1 + chance(&seed, FRAMES);

		if (chance(&seed, 3)) {
			as_writable(m);
		} else if (frame_get(mfn_of(m), a)) {
			frame_put(mfn_of(m));
		}
	}
	return NULL;
}

static void no_frame_is_two_things_at_once(void **state)
{
	pthread_t t[1 + OTHERS];

	(void)state;
	pthread_create(&t[0], NULL, owner, NULL);
	for (unsigned int i = 1; i <= OTHERS; i++)
		pthread_create(&t[i], NULL, other, (void *)(i * 0x1234567ul));
	for (unsigned int i = 0; i <= OTHERS; i++)
		pthread_join(t[i], NULL);
	for (unsigned int m = 1; m <= FRAMES; m++)
		assert_int_equal(frame_table[m].state & ~FS_TYPE,
				 FS_RAM | FS_ALLOC | FS_REF);
	assert_int_equal(a->mm.zombies, LINK_NONE);
	print_message("tables %u, writable %u, refused %u\n", had_table,
		      had_writable, refused);
	assert_true(had_table > ROUNDS / 10 && had_writable > ROUNDS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_frame_is_two_things_at_once),
	};

	host_ram = mmap(NULL, 16 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	frame_table = calloc(FRAMES + 1, sizeof(*frame_table));
	frame_limit = FRAMES + 1;
	a = (struct domain *)(host_ram + (FRAMES + 2) * PAGE_SIZE);
	a->mm.domain = a;
	a->mm.zombies = LINK_NONE;
	mm_budget = 1000;
	for (unsigned int m = 1; m <= FRAMES; m++) {
		frame_table[m].state = FS_RAM | FS_ALLOC | FS_REF;
		frame_table[m].owner = owner_tag(&a->mm);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
