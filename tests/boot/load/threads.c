/* SPDX-License-Identifier: MIT */
/*
 * Threads: locks and their sleepers, and what one CPU's change of a mapping
 * means for the others.
 *
 * The last is the check that a TLB is really flushed everywhere: one thread
 * writes without pause while another takes the permission away, looks twice
 * whether the word still changes, and gives it back.
 */
#include "tests/boot/load/load.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#define THREADS    4
#define ADDITIONS  5000
#define FLIPS      300
#define SWAPS      300
#define LOOK_SPINS 2000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static long total, turn;
static __thread long own;

static void *add_in_turn(void *arg)
{
	long me = (long)arg;

	for (int i = 0; i < ADDITIONS; i++) {
		pthread_mutex_lock(&lock);
		total++;
		own++;
		pthread_mutex_unlock(&lock);
		if (i % 25)
			continue;
		pthread_mutex_lock(&lock);
		while (turn % THREADS != me)
			pthread_cond_wait(&turned, &lock);
		turn++;
		pthread_cond_broadcast(&turned);
		pthread_mutex_unlock(&lock);
	}
	return (void *)own;
}

void load_threads(void)
{
	pthread_t threads[THREADS];
	void *sum;

	for (long i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, add_in_turn,
				      (void *)i));
	for (int i = 0; i < THREADS; i++) {
		CHECK(!pthread_join(threads[i], &sum));
		CHECK((long)sum == ADDITIONS);
	}
	CHECK(total == (long)THREADS * ADDITIONS);
	say("%ld additions, %ld turns", total, turn);
}

static volatile uint64_t *word;
static _Atomic int stop;
static _Atomic long faults;

/* The store is tried again until the permission is back. */
static void wait_for_permission(int number)
{
	(void)number;
	atomic_fetch_add(&faults, 1);
	sched_yield();
}

static void *write_always(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop))
		(*word)++;
	return NULL;
}

static void flip_permission(void)
{
	for (int i = 0; i < FLIPS; i++) {
		uint64_t before, after;

		CHECK(!mprotect((void *)word, 4096, PROT_READ));
		before = *word;
		for (volatile int spin = 0; spin < LOOK_SPINS; spin++)
			;
		after = *word;
		CHECK(!mprotect((void *)word, 4096, PROT_READ | PROT_WRITE));
		if (before != after)
			bad("flip %d: a page was written while read-only", i);
		if (i % 16 == 0)
			usleep(200);
	}
}

/* Put another page there: nobody may still see the old one's number. */
static _Atomic uint64_t oldest;

static void *read_always(void *arg)
{
	volatile uint64_t *at = arg;

	while (!atomic_load(&stop)) {
		uint64_t least = atomic_load(&oldest);
		uint64_t seen = *at;

		if (seen < least)
			bad("page %llu is seen when %llu is the oldest",
			    (unsigned long long)seen,
			    (unsigned long long)least);
	}
	return NULL;
}

static void swap_pages(uint64_t *at)
{
	for (uint64_t i = 1; i <= SWAPS; i++) {
		uint64_t *fresh = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		CHECK(fresh != MAP_FAILED);
		*fresh = i;
		CHECK(mremap(fresh, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED,
			     at) == at);
		atomic_store(&oldest, i);
		if (i % 16 == 0)
			usleep(200);
	}
}

/*
 * mremap first takes the old page away, so a reader may fault in between:
 * it tries again, until the new one is there.
 */
void load_shootdown(void)
{
	pthread_t writer, reader;
	uint64_t *at;

	signal(SIGSEGV, wait_for_permission);
	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(word != MAP_FAILED && at != MAP_FAILED);
	CHECK(!pthread_create(&writer, NULL, write_always, NULL));
	flip_permission();
	atomic_store(&stop, 1);
	pthread_join(writer, NULL);
	CHECK(*word > 0);

	atomic_store(&stop, 0);
	CHECK(!pthread_create(&reader, NULL, read_always, at));
	swap_pages(at);
	atomic_store(&stop, 1);
	pthread_join(reader, NULL);
	say("%d flips, %d pages, %ld faults", FLIPS, SWAPS, (long)faults);
}
