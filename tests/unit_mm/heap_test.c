/* SPDX-License-Identifier: MIT */
/* Frames and small objects: nothing overlaps, nothing is lost. */
#include "tests/unit_mm/machine.h"

static uint64_t seed = 0x5eed;

static uint64_t chance(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

/* ---- chunks ------------------------------------------------------------------------ */

static void chunks_do_not_overlap(void **state)
{
	static uint8_t *chunk[256];
	static unsigned int order[256];
	uint64_t before = mm_free_frames();

	(void)state;
	for (unsigned int round = 0; round < 20000; round++) {
		unsigned int i = (unsigned int)chance(ARRAY_SIZE(chunk));
		uint64_t *p;

		if (!chance(20))
			(void)heap_scrub();
		if (chunk[i]) {
			p = (uint64_t *)chunk[i];
			assert_int_equal(*p, i + 1);
			heap_free(chunk[i], order[i]);
			chunk[i] = NULL;
			continue;
		}
		order[i] = (unsigned int)chance(6);
		p = heap_alloc(order[i]);
		if (!p)
			continue;
		assert_int_equal(((char *)p - host_ram) %
					 (int64_t)(PAGE_SIZE << order[i]),
				 0);
		for (uint64_t w = 0; w < 512ull << order[i]; w++) {
			assert_int_equal(p[w], 0);
			p[w] = i + 1;
		}
		chunk[i] = (uint8_t *)p;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(chunk); i++)
		if (chunk[i])
			heap_free(chunk[i], order[i]);
	assert_int_equal(mm_free_frames(), before);
	/* All merged again: the largest chunk is there. */
	heap_free(heap_alloc(8), 8);
	assert_null(heap_alloc(HEAP_MAX_ORDER + 1));
	assert_null(heap_alloc(HEAP_MAX_ORDER));
}

/* Free frames that are marked with @mark, and that it is true. */
static uint64_t marked(uint64_t mark)
{
	uint64_t n = 0;

	for (uint64_t m = 1; m < frame_limit; m++) {
		if (!(frame_table[m].state & mark))
			continue;
		n++;
		for (unsigned int w = 0; mark == FS_CLEAN && w < 512; w++)
			assert_int_equal(content(m)[w], 0);
	}
	return n;
}

static void scrub_all(void)
{
	while (heap_scrub())
		;
}

/* Somebody had all memory, and wrote to it. */
static void use_all(void)
{
	struct guest a;
	mfn_t m;

	guest_bare(&a, 1, false, 1000);
	while (domain_run_alloc(a.d, 1024, &m))
		for (unsigned int i = 0; i < 512; i++)
			content(m.raw)[i] = ~0ull;
	guest_end(&a);
}

/* What nobody ever had is given last. */
static void used_frames_are_given_before_fresh_ones(void **state)
{
	uint32_t used, m;
	struct guest a;

	(void)state;
	assert_int_equal(marked(FS_CLEAN | FS_USED), 0);
	guest_bare(&a, 1, false, 1000);
	used = frames_alloc(&a.d->mm, 6, HEAP_ANYWHERE);
	assert_true(used != LINK_NONE);
	guest_end(&a);
	guest_bare(&a, 1, false, 1000);
	/* There are smaller chunks, which nobody had. */
	for (unsigned int i = 0; i < 8; i++) {
		m = frames_alloc(&a.d->mm, 3, HEAP_ANYWHERE);
		assert_true(m >= used && m < used + 64);
	}
	guest_end(&a);
}

/* A part of that is cleaned. */
static void a_reserve_is_kept_clean(void **state)
{
	uint64_t clean;

	(void)state;
	scrub_all();
	clean = marked(FS_CLEAN);
	assert_true(clean >= frame_limit / 4 && clean < frame_limit / 3);
	assert_false(heap_scrub());
}

static uint64_t clean_between(uint64_t from, uint64_t to)
{
	uint64_t n = 0;

	while (from < to)
		n += !!(frame_table[from++].state & FS_CLEAN);
	return n;
}

/* Wherever the clean ones lie, they are given before others. */
static void clean_frames_are_given_first(void **state)
{
	unsigned int above = 0, below = 0;
	uint64_t clean, taken;
	struct guest a;
	mfn_t m;

	(void)state;
	for (unsigned int round = 0; round < 8; round++) {
		use_all();
		scrub_all();
		if (clean_between(1, 512) > clean_between(512, 1024))
			below++;
		else
			above++;
		guest_bare(&a, 1, false, 1000);
		/* ... if their addresses are as short as is needed. */
		assert_true(frames_alloc(&a.d->mm, 5, 21) <= 512 - 32);
		clean = marked(FS_CLEAN);
		for (taken = 0; clean - taken > 128; taken += 32)
			assert_int_equal(domain_run_alloc(a.d, 32, &m), 32);
		assert_true(taken >= 128);
		assert_true(clean - marked(FS_CLEAN) > taken * 7 / 8);
		guest_end(&a);
	}
	assert_true(above && below);
}

static void idle_cpus_clean_what_was_used(void **state)
{
	uint64_t list[3], before, n, *taken;
	struct frame *f;
	struct guest a;
	mfn_t m;

	(void)state;
	for (unsigned int round = 0; round < 4; round++) {
		use_all();
		list[0] = marked(FS_USED);
		assert_true(list[0] >= 900);
		/* As if another CPU had taken it a moment ago. */
		taken = heap_alloc(0);
		f = &frame_table[direct_to_mfn(taken).raw];
		f->state = FS_RAM | FS_USED;
		*taken = 1;
		before = mm_free_frames();
		for (n = 0; heap_scrub(); n++)
			;
		assert_int_equal(*taken, 1);
		f->state = FS_RAM | FS_HV;
		assert_true(n >= 4 && n < 1000);
		list[1] = marked(FS_USED);
		list[2] = marked(FS_CLEAN);
		assert_true(list[1] < 512);
		assert_true(list[2] + list[1] >= list[0] - 1);
		assert_int_equal(mm_free_frames(), before);
		assert_false(heap_scrub());
		heap_free(taken, 0);
	}
	/* Whoever gets them sees zeros, clean or not. */
	guest_bare(&a, 1, false, 900);
	while (domain_run_alloc(a.d, 1024, &m))
		for (unsigned int i = 0; i < 512; i++)
			assert_int_equal(content(m.raw)[i], 0);
	check_all();
	guest_end(&a);
}

static void objects_do_not_overlap(void **state)
{
	static uint8_t *object[500];
	static size_t size[500];
	uint64_t grown;

	(void)state;
	for (unsigned int round = 0; round < 50000; round++) {
		unsigned int i = (unsigned int)chance(ARRAY_SIZE(object));

		if (object[i]) {
			for (size_t k = 0; k < size[i]; k++)
				assert_int_equal(object[i][k], i & 0xff);
			hv_free(object[i]);
			object[i] = NULL;
			continue;
		}
		size[i] = 1 + chance(chance(20) ? 300 : 9000);
		object[i] = hv_alloc(size[i]);
		if (!object[i])
			continue;
		assert_int_equal((uint64_t)object[i] & 15, 0);
		if (size[i] >= 64)
			assert_int_equal((uint64_t)object[i] & 63, 0);
		for (size_t k = 0; k < size[i]; k++)
			assert_int_equal(object[i][k], 0);
		memset(object[i], (int)i, size[i]);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(object); i++)
		hv_free(object[i]);
	hv_free(NULL);
	/* What is kept is what the next ones get. */
	grown = mm_free_frames();
	for (unsigned int i = 0; i < 100; i++)
		object[i] = hv_alloc(200);
	for (unsigned int i = 0; i < 100; i++)
		hv_free(object[i]);
	assert_int_equal(mm_free_frames(), grown);
}

/* ---- domains ------------------------------------------------------------------------ */

static void limits_and_claims_hold(void **state)
{
	struct guest a, b;
	uint64_t most;
	mfn_t m;

	(void)state;
	guest_bare(&a, 1, false, 100);
	guest_bare(&b, 2, false, 2000);
	assert_int_equal(domain_run_alloc(a.d, 70, &m), 64);
	assert_int_equal(m.raw & 63, 0);
	assert_int_equal(domain_run_alloc(a.d, 64, &m), 32);
	assert_int_equal(domain_run_alloc(a.d, 0, &m), 0);
	assert_int_equal(domain_run_alloc(a.d, 64, &m), 4);
	assert_int_equal(domain_run_alloc(a.d, 64, &m), 0);
	assert_int_equal(a.d->mm.nr_frames, 100);
	/* A claim keeps others out, and not the claimer. */
	a.d->mm.max_frames = 2000;
	most = mm_free_frames();
	assert_int_equal(mm_domain_claim(&a.d->mm, 100 + most + 1), -ENOMEM);
	assert_int_equal(mm_domain_claim(&a.d->mm, 100 + most - 2), 0);
	assert_int_equal(domain_run_alloc(b.d, 8, &m), 2);
	assert_int_equal(domain_run_alloc(b.d, 8, &m), 0);
	assert_true(domain_run_alloc(a.d, 8, &m) == 8);
	assert_int_equal(mm_domain_claim(&b.d->mm, 3), -ENOMEM);
	assert_int_equal(mm_domain_claim(&a.d->mm, 0), 0);
	assert_true(domain_run_alloc(b.d, 8, &m) == 8);
	check_all();
	guest_end(&a);
	guest_end(&b);
}

static void addresses_are_as_short_as_asked(void **state)
{
	struct guest a;
	uint32_t m;

	(void)state;
	guest_bare(&a, 1, true, 2000);
	/* 2 MiB are 512 frames. */
	for (unsigned int i = 0; i < 40; i++) {
		m = frames_alloc(&a.d->mm, i % 4, 21);
		assert_true(m == LINK_NONE || m + (1u << i % 4) <= 512);
	}
	assert_int_equal(frames_alloc(&a.d->mm, 0, 11), LINK_NONE);
	check_all();
	guest_end(&a);
}

/* ---- memory_op ------------------------------------------------------------------------ */

static long reserve(uint32_t cmd, unsigned int order, uint64_t n,
		    uint64_t *list)
{
	struct pv_memory_reservation r = {
		.extent_start = gva(1),
		.nr_extents = n,
		.extent_order = order,
		.domid = DOMID_SELF,
	};
	long rc;

	memcpy(content(caller->page[1]), list, n * sizeof(*list));
	rc = memory_op(cmd, &r, sizeof(r));
	memcpy(list, content(caller->page[1]), n * sizeof(*list));
	return rc;
}

static void reservations_grow_and_shrink(void **state)
{
	uint64_t list[100], had;
	struct guest a;

	(void)state;
	guest_make(&a, 1, false, 300);
	caller = &a;
	become(a.v);
	had = a.d->mm.nr_frames;
	for (mm_budget = 20; mm_budget < 3000; mm_budget *= 10) {
		for (unsigned int i = 0; i < 100; i++)
			list[i] = 5000 + i;
		nr_restarts = 0;
		assert_int_equal(reserve(XENMEM_populate_physmap, 0, 100, list),
				 100);
		assert_true(mm_budget >= 1600 || nr_restarts);
		assert_int_equal(a.d->mm.nr_frames, had + 100);
		assert_int_equal(m2p_table[list[99]], 5099);
		assert_int_equal(
			reserve(XENMEM_decrease_reservation, 0, 100, list),
			100);
		assert_int_equal(a.d->mm.nr_frames, had);
		assert_int_equal(m2p_table[list[99]], ~0ull);
		check_all();
	}
	/* Over the limit, then a frame that is mapped, then not his. */
	assert_int_equal(reserve(XENMEM_increase_reservation, 6, 5, list), 4);
	assert_int_equal(reserve(XENMEM_decrease_reservation, 6, 4, list), 4);
	list[0] = a.page[1];
	assert_int_equal(reserve(XENMEM_decrease_reservation, 0, 1, list), 0);
	list[0] = ~0ull >> 12;
	assert_int_equal(reserve(XENMEM_decrease_reservation, 0, 1, list), 0);
	assert_int_equal(reserve(XENMEM_increase_reservation, 10, 1, list), 0);
	check_all();
	guest_end(&a);
}

static long swap(unsigned int in, uint64_t nr_in, unsigned int out,
		 uint64_t nr_out, uint64_t *list, uint64_t *done)
{
	struct pv_memory_exchange x = {
		.in = {gva(1), nr_in, in, 0, DOMID_SELF, {0}},
		.out = {gva(2), nr_out, out, 22, DOMID_SELF, {0}},
	};
	long rc;

	memcpy(content(caller->page[1]), list, nr_in * sizeof(*list));
	for (unsigned int i = 0; i < nr_out; i++)
		content(caller->page[2])[i] = 9000 + (i << out);
	rc = memory_op(XENMEM_exchange, &x, sizeof(x));
	memcpy(list, content(caller->page[2]), nr_out * sizeof(*list));
	memcpy(&x, content(caller->page[0]), sizeof(x));
	*done = x.nr_exchanged;
	return rc;
}

static void frames_are_exchanged(void **state)
{
	uint64_t list[64], done, had;
	struct guest a;

	(void)state;
	guest_make(&a, 1, true, 13 + 64);
	caller = &a;
	become(a.v);
	assert_int_equal(reserve(XENMEM_increase_reservation, 0, 64, list), 64);
	had = a.d->mm.nr_frames;
	mm_budget = 100;
	nr_restarts = 0;
	assert_int_equal(swap(0, 64, 4, 4, list, &done), 0);
	assert_true(nr_restarts >= 3);
	assert_int_equal(done, 64);
	assert_int_equal(a.d->mm.nr_frames, had);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(list[i] & 15, 0);
		assert_int_equal(m2p_table[list[i] + 3], 9000 + i * 16 + 3);
	}
	check_all();
	assert_int_equal(swap(4, 4, 0, 64, list, &done), 0);
	assert_int_equal(done, 4);
	assert_int_equal(m2p_table[list[63]], 9063);
	/* The third round has a frame that is mapped. */
	list[40] = a.page[3];
	assert_int_equal(swap(0, 64, 4, 4, list, &done), -EBUSY);
	assert_int_equal(done, 32);
	assert_int_equal(a.d->mm.nr_frames, had);
	check_all();
	assert_int_equal(swap(0, 63, 4, 4, list, &done), -EINVAL);
	assert_int_equal(swap(0, 16, 11, 1, list, &done), -EINVAL);
	mm_budget = 2000;
	guest_end(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(used_frames_are_given_before_fresh_ones),
		cmocka_unit_test(a_reserve_is_kept_clean),
		cmocka_unit_test(chunks_do_not_overlap),
		cmocka_unit_test(clean_frames_are_given_first),
		cmocka_unit_test(idle_cpus_clean_what_was_used),
		cmocka_unit_test(objects_do_not_overlap),
		cmocka_unit_test(limits_and_claims_hold),
		cmocka_unit_test(addresses_are_as_short_as_asked),
		cmocka_unit_test(reservations_grow_and_shrink),
		cmocka_unit_test(frames_are_exchanged),
	};

	machine_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
