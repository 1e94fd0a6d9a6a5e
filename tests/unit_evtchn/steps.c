/* SPDX-License-Identifier: MIT */
/*
 * The explorer: depth first over all schedules.
 *
 * A schedule is the list of choices made where more than one thread could go
 * on.  A run follows the list and, beyond its end, lets the thread that runs
 * go on; the next schedule changes the last choice that has alternatives
 * left.  To take the CPU from a thread that could go on is a forced switch;
 * few of them find nearly all mistakes.
 */
#include "tests/unit_evtchn/steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#define MAX_THREADS 4
#define MAX_STEPS   4000
#define STACK       (64 * 1024)

struct thread {
	ucontext_t context; /* to begin with; the system call for the signal
			       mask makes it too slow to go on with         */
	jmp_buf at;
	bool started;
	char *stack;
	void (*body)(void);
	const uint16_t *busy; /* waits until this is 0, if not NULL */
	bool done;
};

static struct thread threads[MAX_THREADS];
static unsigned int nr_threads, running;
static jmp_buf explorer;
static bool exploring;

static struct choice {
	uint8_t taken, alternatives;
} path[MAX_STEPS];
static unsigned int path_len, path_at, forced, forced_max;

static const char *scenario_name;

void steps_fail(const char *what, const char *where)
{
	print_error("%s: %s: not %s, in the order", scenario_name, where, what);
	for (unsigned int i = 0; i < path_at; i++)
		print_error(" %u/%u", path[i].taken, path[i].alternatives);
	print_error("\n");
	abort();
}

static bool can_go(unsigned int i)
{
	return !threads[i].done && !(threads[i].busy && *threads[i].busy);
}

/* The threads that may run now, the running one first. */
static unsigned int candidates(uint8_t *out)
{
	unsigned int n = 0;

	if (can_go(running))
		out[n++] = running;
	if (n && forced == forced_max)
		return n;
	for (unsigned int i = 0; i < nr_threads; i++)
		if (i != running && can_go(i))
			out[n++] = i;
	return n;
}

static unsigned int choose(void)
{
	uint8_t can[MAX_THREADS];
	unsigned int n = candidates(can), pick = 0;

	if (n == 0)
		steps_fail("deadlock", __func__);
	if (n > 1) {
		assert_true(path_at < MAX_STEPS);
		if (path_at == path_len)
			path[path_len++] = (struct choice){0, n};
		assert_int_equal(path[path_at].alternatives, n);
		pick = path[path_at++].taken;
		if (pick && can[0] == running)
			forced++;
	}
	return can[pick];
}

static void NORETURN go_on(struct thread *t)
{
	if (t->started)
		_longjmp(t->at, 1);
	t->started = true;
	setcontext(&t->context);
	abort();
}

static void switch_to(unsigned int next)
{
	unsigned int from = running;

	running = next;
	if (next == from || _setjmp(threads[from].at))
		return;
	go_on(&threads[next]);
}

void step(void)
{
	if (exploring)
		switch_to(choose());
}

void step_until_clear(const uint16_t *busy)
{
	if (!exploring) {
		assert_int_equal(*busy, 0);
		return;
	}
	threads[running].busy = busy;
	switch_to(choose());
	threads[running].busy = NULL;
}

static void thread_main(void)
{
	bool left = false;

	threads[running].body();
	threads[running].done = true;
	for (unsigned int i = 0; i < nr_threads; i++)
		left |= !threads[i].done;
	if (left)
		switch_to(choose());
	exploring = false;
	_longjmp(explorer, 1);
}

static void run_once(const struct scenario *s)
{
	path_at = forced = 0;
	s->begin();
	for (unsigned int i = 0; i < nr_threads; i++) {
		struct thread *t = &threads[i];

		t->body = s->thread[i];
		t->busy = NULL;
		t->done = t->started = false;
		getcontext(&t->context);
		t->context.uc_stack.ss_sp = t->stack;
		t->context.uc_stack.ss_size = STACK;
		t->context.uc_link = NULL;
		makecontext(&t->context, thread_main, 0);
	}
	exploring = true;
	running = 0;
	if (!_setjmp(explorer)) {
		running = choose();
		go_on(&threads[running]);
	}
	s->end();
}

/* The next schedule; false after the last one. */
static bool advance(void)
{
	while (path_len) {
		struct choice *c = &path[path_len - 1];

		if (++c->taken < c->alternatives)
			return true;
		path_len--;
	}
	return false;
}

unsigned long explore(const struct scenario *s)
{
	unsigned long runs = 0;

	for (nr_threads = 0; nr_threads < MAX_THREADS && s->thread[nr_threads];
	     nr_threads++) {
		threads[nr_threads].stack = malloc(STACK);
		assert_non_null(threads[nr_threads].stack);
	}
	scenario_name = s->name;
	forced_max = s->switches;
	path_len = 0;
	do {
		run_once(s);
		runs++;
	} while (advance());
	for (unsigned int i = 0; i < nr_threads; i++)
		free(threads[i].stack);
	print_message("# %s: %lu orders\n", s->name, runs);
	return runs;
}
