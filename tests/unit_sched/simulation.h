/* SPDX-License-Identifier: MIT */
/*
 * The whole scheduler on an imagined machine, in simulated time.  Vcpus run
 * programs that compute and sleep; timers and kicks are events like the ends
 * of bursts.  The rules that must hold after every event are here too.
 */
#ifndef TESTS_SIMULATION_H
#define TESTS_SIMULATION_H

#include "tests/unit_sched/machine.h"

#include "hv/sched/sched.c"

#define CPUS    8
#define KICK_NS 1000 /* how long an interrupt travels */

/* What a vcpu's program does. */
struct task {
	struct vcpu *v;
	uint64_t burst,
		sleep; /* runs so long, then waits so long; 0: for ever */
	bool random; /* up to twice as long, each time                         */
	uint64_t
		left; /* of this burst; 0: waits                              */
	uint64_t
		wake_at; /* 0: not asleep                                     */
	uint64_t
		woken; /* when it was, until it runs                          */
	uint64_t ran, waited, waits, worst;
	uint64_t
		hungry; /* since when it wants to run and does not            */
};

static struct task tasks[64];
static unsigned int nr_tasks;
static uint64_t now, seed;
static uint64_t fires[CPUS], kicks[CPUS];
static unsigned int interrupts[CPUS];
static uint64_t idle_beside_waiters; /* CPU time lost */

static uint64_t sim_now(void)
{
	return now;
}

static void sim_kick(unsigned int cpu)
{
	if (!kicks[cpu])
		kicks[cpu] = now + KICK_NS;
}

static void sim_arm(uint32_t count)
{
	fires[this_cpu->id] = now + count;
}

static struct task *task_of(const struct vcpu *v)
{
	for (unsigned int i = 0; i < nr_tasks; i++)
		if (tasks[i].v == v)
			return &tasks[i];
	return NULL;
}

static struct vcpu *on_cpu(unsigned int cpu)
{
	struct vcpu *v = cpus[cpu]->curr;

	return vcpu_is_idle(v) ? NULL : v;
}

static uint64_t vary(const struct task *t, uint64_t ns)
{
	return t->random ? chance_in(&seed, 1, 2 * ns) : ns;
}

static void sim_switched(struct vcpu *prev, struct vcpu *next)
{
	struct task *t;

	assert_ptr_equal(prev, this_cpu->curr);
	assert_ptr_not_equal(prev, next);
	assert_true(vcpu_is_idle(next) || next->running);
	for (unsigned int i = 0; i < nr_cpus; i++)
		assert_true(vcpu_is_idle(next) || cpus[i]->curr != next);
	t = vcpu_is_idle(next) ? NULL : task_of(next);
	if (!t)
		return;
	if (t->woken) {
		t->waited += now - t->woken;
		t->worst = max(t->worst, now - t->woken);
		t->waits++;
		t->woken = 0;
	}
}

/* ---- rules that always hold ---------------------------------------------------- */

static unsigned int queued_on(const struct cpu_sched *cs, const struct vcpu *v)
{
	struct runq_entity *e;
	unsigned int n = 0;

	list_for_each (e, &cs->q.waiting, link)
		n += runq_vcpu(e)->vcpu == v;
	return n;
}

static void check_queue(unsigned int cpu)
{
	const struct cpu_sched *cs = ((struct cpu_sched *)cpus[cpu]->sched);
	const struct runq_entity *last = NULL;
	struct runq_entity *e;
	unsigned int n = 0;

	list_for_each (e, &cs->q.waiting, link) {
		assert_true(e->queued);
		assert_int_equal(runq_vcpu(e)->vcpu->cpu, cpu);
		assert_true(vcpu_may_run(runq_vcpu(e)->vcpu));
		assert_true(!last ||
			    runq_ahead(e->vruntime, last->vruntime) >= 0);
		last = e;
		n++;
	}
	assert_int_equal(n, cs->q.nr);
	assert_ptr_equal(cs->curr, cpus[cpu]->curr);
}

static void check_rules(void)
{
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
		check_queue(cpu);
	for (unsigned int i = 0; i < nr_tasks; i++) {
		struct vcpu *v = tasks[i].v;
		unsigned int queues = 0, currs = 0;

		for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
			queues += queued_on(
				((struct cpu_sched *)cpus[cpu]->sched), v);
			currs += cpus[cpu]->curr == v;
		}
		assert_int_equal(v->running, currs);
		assert_true(queues + currs <= 1);
		if (!vcpu_may_run(v))
			assert_int_equal(queues, 0);
		else
			assert_int_equal(queues + currs, 1);
		/* Nothing is lost: one that must stop has been told. */
		if (currs && !vcpu_may_run(v))
			assert_true(cpus[v->cpu]->need_resched ||
				    kicks[v->cpu]);
	}
}

/* ---- the machine runs ------------------------------------------------------------ */

static void exit_path(void)
{
	do {
		timers_run();
		if (this_cpu->need_resched)
			schedule();
	} while (this_cpu->need_resched);
	if (kicks[this_cpu->id] && kicks[this_cpu->id] <= now)
		kicks[this_cpu->id] = 0;
}

static void pass(uint64_t to)
{
	uint64_t ns = to - now;
	unsigned int idle = 0, waiting = 0;

	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		struct task *t = on_cpu(cpu) ? task_of(on_cpu(cpu)) : NULL;

		idle += !on_cpu(cpu);
		waiting += ((struct cpu_sched *)cpus[cpu]->sched)->q.nr;
		if (!t)
			continue;
		t->ran += ns;
		if (t->burst)
			t->left -= min(t->left, ns);
	}
	idle_beside_waiters += min(idle, waiting) * ns;
	now = to;
}

/* The vcpu that runs here has come to the end of its burst. */
static void guest_blocks(struct task *t)
{
	t->v->info->evtchn_upcall_pending = 0;
	t->wake_at = now + vary(t, t->sleep);
	vcpu_block();
}

static void device_wakes(struct task *t)
{
	machine_here((unsigned int)chance_in(&seed, 0, nr_cpus - 1));
	t->wake_at = 0;
	t->left = vary(t, t->burst);
	t->woken = now;
	t->v->info->evtchn_upcall_pending = 1;
	vcpu_wake(t->v);
	exit_path();
}

/* One event; false if there is none before @until. */
static bool step(uint64_t until)
{
	uint64_t at = until;
	struct task *sleeper = NULL;
	int cpu = -1;

	for (unsigned int i = 0; i < nr_tasks; i++) {
		if (tasks[i].wake_at && tasks[i].wake_at < at) {
			sleeper = &tasks[i];
			at = max(now, sleeper->wake_at);
		}
	}
	for (unsigned int c = 0; c < nr_cpus; c++) {
		struct task *t = on_cpu(c) ? task_of(on_cpu(c)) : NULL;
		uint64_t next = UINT64_MAX;

		if (fires[c])
			next = fires[c];
		if (kicks[c])
			next = min(next, kicks[c]);
		if (t && t->burst)
			next = min(next, now + t->left);
		if (next < at || (next == at && next < until)) {
			at = max(now, next);
			sleeper = NULL;
			cpu = (int)c;
		}
	}
	pass(at);
	if (sleeper) {
		device_wakes(sleeper);
	} else if (cpu >= 0) {
		struct task *t = on_cpu((unsigned int)cpu)
					 ? task_of(on_cpu((unsigned int)cpu))
					 : NULL;

		machine_here((unsigned int)cpu);
		interrupts[cpu]++;
		if (kicks[cpu] && kicks[cpu] <= now)
			kicks[cpu] = 0;
		if (fires[cpu] && fires[cpu] <= now) {
			fires[cpu] = 0;
			time_interrupt();
		} else if (t && t->burst && !t->left) {
			guest_blocks(t);
		}
		exit_path();
	} else {
		return false;
	}
	return true;
}

static void run(uint64_t ns)
{
	uint64_t until = now + ns, n = 0;

	while (step(until))
		if (n++ % 7 == 0)
			check_rules();
	check_rules();
}

static void boot(unsigned int n)
{
	machine_now = sim_now;
	machine_kick = sim_kick;
	machine_arm = sim_arm;
	machine_switched = sim_switched;
	now = 1;
	seed = 42;
	nr_tasks = 0;
	idle_beside_waiters = 0;
	idle_cpus = 0;
	vclock = 0;
	memset(tasks, 0, sizeof(tasks));
	memset(fires, 0, sizeof(fires));
	memset(kicks, 0, sizeof(kicks));
	memset(interrupts, 0, sizeof(interrupts));
	machine_boot(n);
}

static int stop(void **state)
{
	(void)state;
	if (nr_cpus)
		machine_end();
	return 0;
}

/* A vcpu with a program, up and running. */
static struct task *start(struct domain *d, unsigned int vcpu, uint64_t burst,
			  uint64_t sleep)
{
	struct task *t = &tasks[nr_tasks++];

	*t = (struct task){.v = d->vcpu[vcpu],
			   .burst = burst,
			   .sleep = sleep,
			   .left = burst};
	vcpu_up(t->v);
	exit_path();
	return t;
}

static struct task *hog(domid_t id, unsigned int weight, unsigned int cap)
{
	return start(machine_domain(id, 1, weight, cap), 0, 0, 0);
}

static double share(const struct task *t, uint64_t ns)
{
	return (double)t->ran / (double)ns;
}

static void forget(void)
{
	for (unsigned int i = 0; i < nr_tasks; i++)
		tasks[i].ran = tasks[i].waited = tasks[i].waits =
			tasks[i].worst = 0;
	idle_beside_waiters = 0;
}

#define CHECK_SHARE(t, ns, want, tolerance)                                    \
	CHECK(share(t, ns) > (want) - (tolerance) &&                           \
		      share(t, ns) < (want) + (tolerance),                     \
	      "d%u share %.4f, not %.4f", (t)->v->domain->id, share(t, ns),    \
	      (double)(want))

#endif /* TESTS_SIMULATION_H */
