/* SPDX-License-Identifier: MIT */
/* The heap of timers against a model: a plain array. */
#include "hv/time/pure.h"
#include "tests/unit_time/check.h"

#define TIMERS 200

static struct timer timers[TIMERS];

/* Every node: not before its parent, linked both ways.  Returns how many. */
static unsigned int heap_check(const struct timer *t)
{
	const struct timer *child, *left = NULL;
	unsigned int n = 1;

	assert_true(t->set);
	for (child = t->child; child; left = child, child = child->next) {
		assert_true(child->expires >= t->expires);
		assert_ptr_equal(child->prev, left ? left : t);
		n += heap_check(child);
	}
	return n;
}

static uint64_t model_first(void)
{
	uint64_t first = UINT64_MAX;

	for (unsigned int i = 0; i < TIMERS; i++)
		if (timers[i].set && timers[i].expires < first)
			first = timers[i].expires;
	return first;
}

static unsigned int model_count(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < TIMERS; i++)
		n += timers[i].set;
	return n;
}

static void random_operations_agree_with_an_array(void **state)
{
	uint64_t seed = 20240611;
	struct timer *heap = NULL, *t;

	(void)state;
	memset(timers, 0, sizeof(timers));
	for (unsigned int step = 0; step < 20000; step++) {
		/* Swing between few timers and nearly all of them. */
		unsigned int most = step / 2000 % 2 ? TIMERS : TIMERS / 10;

		t = &timers[chance_in(&seed, 0, TIMERS - 1)];
		if (t->set) {
			heap_remove(&heap, t);
		} else if (model_count() < most) {
			t->expires = chance_in(&seed, 0, 300); /* equals too */
			heap_insert(&heap, t);
		} else {
			heap_remove(&heap, heap);
		}
		if (!heap) {
			assert_int_equal(model_count(), 0);
			continue;
		}
		assert_null(heap->prev);
		assert_null(heap->next);
		assert_int_equal(heap->expires, model_first());
		if (step % 16 == 0)
			assert_int_equal(heap_check(heap), model_count());
	}
}

static void draining_gives_them_in_order(void **state)
{
	uint64_t seed = 7, last = 0;
	struct timer *heap = NULL, *t;

	(void)state;
	memset(timers, 0, sizeof(timers));
	for (unsigned int i = 0; i < TIMERS; i++) {
		timers[i].expires = chance(&seed) >> 1;
		heap_insert(&heap, &timers[i]);
	}
	for (unsigned int i = 0; i < TIMERS; i++) {
		t = heap;
		assert_non_null(t);
		assert_true(t->expires >= last);
		last = t->expires;
		heap_remove(&heap, t);
		assert_false(t->set);
	}
	assert_null(heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_agree_with_an_array),
		cmocka_unit_test(draining_gives_them_in_order),
	};

	return cmocka_run_group_tests_name("timer heap", tests, NULL, NULL);
}
