/* SPDX-License-Identifier: MIT */
/*
 * The scheduler with real concurrency: each CPU is a thread.  A few tokens are
 * passed from vcpu to vcpu; who has none blocks, polls or goes down.  So nearly
 * everybody sleeps nearly always, and one wake-up that is lost stops everything.
 * Meanwhile the control domain pauses and unpauses others and brings up who is
 * not up, and timers fire.
 */
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <pv/sched.h>

#include "tests/unit_sched/machine.h"

#define CPUS        3
#define DOMAINS     5
#define HOPS        60000
#define STALL_NS    (20000 * MS) /* no progress for so long: it is stuck */
#define MAX_PROGRAM 16

static struct {
	struct vcpu *v;
	uint32_t tokens; /* waiting for it */
	int owner; /* the CPU that has its registers, -1: none */
} programs[MAX_PROGRAM];
static unsigned int nr_programs;
static struct domain *domains[DOMAINS];
static uint64_t fires[CPUS];
static bool kicked[CPUS];
static uint32_t hops, switches, pauses, polls, downs;
static bool stop;
static unsigned int paused; /* 1 + the domain that the control one paused */

static uint64_t real_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void kick(unsigned int cpu)
{
	store_release(&kicked[cpu], true);
}

static void arm(uint32_t count)
{
	fires[this_cpu->id] = real_now() + count;
}

static unsigned int program_of(const struct vcpu *v)
{
	for (unsigned int i = 0; i < nr_programs; i++)
		if (programs[i].v == v)
			return i;
	abort();
}

static void own(struct vcpu *v, int from, int to)
{
	if (vcpu_is_idle(v))
		return;
	if (!atomic_cmpxchg(&programs[program_of(v)].owner, &from, to)) {
		fprintf(stderr, "# d%uv%u is on cpu%d while cpu%u switches\n",
			v->domain->id, v->id, from, this_cpu->id);
		abort();
	}
}

/* Saving takes a while: others must keep their hands off until it is done. */
static void switched(struct vcpu *prev, struct vcpu *next)
{
	int cpu = (int)this_cpu->id;
	unsigned int busy = atomic_fetch_add(&switches, 1) % 8 ? 50 : 1000;

	for (unsigned int i = 0; i < busy; i++)
		cpu_relax();
	own(prev, cpu, -1);
	own(next, -1, cpu);
}

/* As the event channels do it. */
static void send(struct vcpu *v)
{
	if (atomic_exchange(&v->info->evtchn_upcall_pending, 1))
		return;
	if (READ_ONCE(v->state) & (VCPU_BLOCKED | VCPU_POLLING))
		vcpu_wake(v);
	else
		vcpu_kick(v);
}

static void timer_event(struct vcpu *v)
{
	send(v);
}

/* A program's "port 5" is pending when a token waits. */
static int port_pending(struct domain *d, uint32_t port)
{
	(void)d;
	(void)port;
	return READ_ONCE(programs[program_of(current)].tokens) != 0;
}

int copy_from_guest(void *to, uint64_t gva, size_t n)
{
	memcpy(to, (const void *)gva, n);
	return 0;
}

static void pass_token(unsigned int me, uint64_t *seed)
{
	unsigned int to = (unsigned int)chance_in(seed, 0, nr_programs - 1);

	atomic_fetch_sub(&programs[me].tokens, 1);
	atomic_fetch_add(&programs[to].tokens, 1);
	atomic_fetch_add(&hops, 1);
	send(programs[to].v);
}

static void wait_for_token(struct vcpu *v, unsigned int me, uint64_t *seed)
{
	uint32_t port = 5;
	struct pv_sched_poll poll = {.ports = (uint64_t)&port, .nr_ports = 1};

	/* The guest takes its events, then looks for what they were about. */
	atomic_exchange(&v->info->evtchn_upcall_pending, 0);
	if (READ_ONCE(programs[me].tokens))
		return;
	if (v->domain->id && chance_in(seed, 0, 7) == 0) {
		atomic_fetch_add(&downs, 1);
		vcpu_down(v);
		return;
	}
	if (chance_in(seed, 0, 3)) {
		hc_sched_op(SCHEDOP_block, 0);
		return;
	}
	if (chance_in(seed, 0, 1))
		poll.timeout = real_now() + chance_in(seed, 1, 200 * US);
	v->info->evtchn_upcall_mask = 1;
	atomic_fetch_add(&polls, 1);
	assert_int_equal(hc_sched_op(SCHEDOP_poll, (uint64_t)&poll), 0);
}

/* The control domain's vcpu: one domain at a time stands still. */
static void meddle(uint64_t *seed)
{
	struct domain *d;
	struct vcpu *v;

	if (paused) {
		d = domains[paused - 1];
		paused = 0;
		atomic_fetch_sub(&d->pause_count, 1);
		for_each_vcpu (d, v)
			vcpu_wake(v);
		return;
	}
	paused = 1 + (unsigned int)chance_in(seed, 1, DOMAINS - 1);
	d = domains[paused - 1];
	atomic_fetch_add(&d->pause_count, 1);
	for_each_vcpu (d, v) {
		vcpu_sleep_sync(v);
		assert_int_equal(load_acquire(&programs[program_of(v)].owner),
				 -1);
	}
	pauses++;
}

/*
 * The control domain's vcpu brings up whoever is seen to be down, as the token
 * may be theirs by now.  Who is seen down has left its CPU.
 */
static void raise_all(void)
{
	for (unsigned int i = 0; i < nr_programs; i++) {
		struct vcpu *v = programs[i].v;

		if (READ_ONCE(v->domain->tramp->vcpus_up) >> v->id & 1)
			continue;
		assert_int_equal(load_acquire(&programs[i].owner), -1);
		vcpu_up(v);
	}
}

static void guest_step(struct vcpu *v, uint64_t *seed)
{
	unsigned int me = program_of(v);

	assert_int_equal(programs[me].owner, (int)this_cpu->id);
	if (v->domain->id == 0) {
		raise_all();
		timer_set(&v->timers->singleshot, real_now() + 200 * US);
	}
	if (v->domain->id == 0 && chance_in(seed, 0, 15) == 0)
		meddle(seed);
	else if (chance_in(seed, 0, 31) == 0)
		vcpu_yield();
	else if (READ_ONCE(programs[me].tokens))
		pass_token(me, seed);
	else if (v->domain->id == 0 && paused)
		meddle(seed);
	else
		wait_for_token(v, me, seed);
	if (v->domain->id && chance_in(seed, 0, 15) == 0)
		timer_set(&v->timers->singleshot,
			  real_now() + chance_in(seed, 0, 300 * US));
}

static void *cpu_thread(void *arg)
{
	unsigned int cpu = (unsigned int)(uintptr_t)arg;
	uint64_t seed = 77 + cpu;

	machine_here(cpu);
	while (!load_acquire(&stop)) {
		bool interrupt = atomic_exchange(&kicked[cpu], false);

		if (fires[cpu] && fires[cpu] <= real_now()) {
			fires[cpu] = 0;
			time_interrupt();
			interrupt = true;
		}
		if (!vcpu_is_idle(current))
			guest_step(current, &seed);
		else if (!interrupt)
			sched_yield();
		/* An idle CPU passes here for an interrupt only. */
		if (!vcpu_is_idle(current) || interrupt) {
			do {
				timers_run();
				if (this_cpu->need_resched)
					schedule();
			} while (this_cpu->need_resched);
		}
	}
	return NULL;
}

static void report(void)
{
	for (unsigned int i = 0; i < nr_programs; i++) {
		const struct vcpu *v = programs[i].v;

		fprintf(stderr,
			"# d%uv%u cpu%u tokens=%u state=%x pending=%u "
			"running=%u queued=%u pause=%u\n",
			v->domain->id, v->id, v->cpu, programs[i].tokens,
			v->state, v->info->evtchn_upcall_pending, v->running,
			v->sched->e.queued, v->domain->pause_count);
	}
}

/* Until all hops are made.  CPUs that are stuck cannot be joined: abort. */
static void watch(void)
{
	uint64_t since = real_now();
	uint32_t seen = 0;
	const struct timespec tick = {0, 2000000};

	while (READ_ONCE(hops) < HOPS) {
		nanosleep(&tick, NULL);
		if (READ_ONCE(hops) != seen) {
			seen = READ_ONCE(hops);
			since = real_now();
		} else if (real_now() - since > STALL_NS) {
			report();
			abort();
		}
	}
}

static void race(unsigned int tokens)
{
	pthread_t threads[CPUS];

	machine_now = real_now;
	machine_kick = kick;
	machine_arm = arm;
	machine_switched = switched;
	sched_timer_event = timer_event;
	sched_port_pending = port_pending;
	nr_programs = hops = switches = pauses = polls = paused = downs = 0;
	stop = false;
	memset(fires, 0, sizeof(fires));
	memset(programs, 0, sizeof(programs));
	machine_boot(CPUS);
	for (unsigned int i = 0; i < DOMAINS; i++) {
		domains[i] =
			machine_domain((domid_t)i, i ? 1 + i % 3 : 1, 256, 0);
		for (unsigned int v = 0; v < domains[i]->max_vcpus; v++) {
			programs[nr_programs].owner = -1;
			programs[nr_programs++].v = domains[i]->vcpu[v];
		}
	}
	for (unsigned int i = 0; i < tokens; i++)
		programs[i % nr_programs].tokens++;
	for (unsigned int i = 0; i < nr_programs; i++)
		vcpu_up(programs[i].v);
	for (uintptr_t i = 0; i < CPUS; i++) {
		kicked[i] = true;
		assert_int_equal(pthread_create(&threads[i], NULL, cpu_thread,
						(void *)i),
				 0);
	}
	watch();
	store_release(&stop, true);
	for (unsigned int i = 0; i < CPUS; i++)
		pthread_join(threads[i], NULL);
	machine_here(0);
	printf("# hops=%u switches=%u pauses=%u polls=%u downs=%u\n", hops,
	       switches, pauses, polls, downs);
	assert_true(pauses > 0 && polls > 0 && downs > 0);
	assert_true(switches > HOPS / 20);
	for (unsigned int i = 0; i < nr_programs; i++) {
		tokens -= programs[i].tokens;
		programs[i].v->running = false;
	}
	assert_int_equal(tokens, 0);
	machine_end();
}

static void no_wake_up_is_lost_when_almost_all_sleep(void **state)
{
	(void)state;
	race(1);
}

static void nor_when_cpus_are_short(void **state)
{
	(void)state;
	race(12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_wake_up_is_lost_when_almost_all_sleep),
		cmocka_unit_test(nor_when_cpus_are_short),
	};

	return cmocka_run_group_tests_name("scheduler races", tests, NULL,
					   NULL);
}
