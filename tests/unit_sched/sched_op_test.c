/* SPDX-License-Identifier: MIT */
/* sched_op as a guest calls it: polls, ends of domains, watchdogs. */
#include <pv/sched.h>

#include "tests/unit_sched/calls.h"

static long poll(uint32_t port, uint32_t n, uint64_t timeout)
{
	for (uint32_t i = 0; i < PV_SCHED_POLL_MAX; i++)
		((uint32_t *)guest_at(AREA))[i] = port + i;
	return SCHED(SCHEDOP_poll, struct pv_sched_poll, .ports = AREA,
		     .nr_ports = n, .timeout = timeout);
}

static void poll_waits_for_its_ports_only(void **state)
{
	(void)state;
	self->info->evtchn_upcall_mask = 1;
	assert_int_equal(poll(3, PV_SCHED_POLL_MAX + 1, 0), -EINVAL);
	assert_int_equal(poll(60, 10, 0), -EINVAL); /* 64 does not exist */
	assert_int_equal(SCHED(SCHEDOP_poll, struct pv_sched_poll,
			       .ports = NOT_THERE, .nr_ports = 1),
			 -EFAULT);
	assert_int_equal(self->state, 0);
	/* One is pending: at once. */
	ports_pending = 1 << 5;
	assert_int_equal(poll(3, 4, 0), 0);
	exit_path();
	assert_ptr_equal(current, self);
	/* Another is: it waits. */
	assert_int_equal(poll(6, 2, 0), 0);
	assert_int_equal(self->state, VCPU_POLLING);
	assert_int_equal(self->poll_mask[0], 3 << 6);
	exit_path();
	assert_true(vcpu_is_idle(current));
	vcpu_wake(self);
	exit_path();
	assert_ptr_equal(current, self);
	assert_int_equal(self->state, 0);
}

static void poll_ends_at_its_time(void **state)
{
	uint64_t start = now;

	(void)state;
	self->info->evtchn_upcall_mask = 1;
	assert_int_equal(poll(3, 1, now), 0); /* reached already */
	assert_int_equal(self->state, 0);
	assert_int_equal(poll(3, 1, start + 10 * MS), 0);
	exit_path();
	assert_true(vcpu_is_idle(current));
	wait_until(start + 9 * MS);
	assert_true(vcpu_is_idle(current));
	wait_until(start + 11 * MS);
	assert_ptr_equal(current, self);
	assert_int_equal(events[0], 0); /* that is no timer event */
	/* Woken before: the limit is forgotten. */
	assert_int_equal(poll(3, 1, now + 10 * MS), 0);
	exit_path();
	vcpu_wake(self);
	exit_path();
	assert_false(self->timers->poll.set);
	/* No ports, a time: a sleep. */
	start = now;
	assert_int_equal(poll(0, 0, start + 5 * MS), 0);
	exit_path();
	wait_until(start + 6 * MS);
	assert_ptr_equal(current, self);
}

static void poll_does_not_wait_when_an_event_could_be_taken(void **state)
{
	(void)state;
	self->info->evtchn_upcall_pending = 1;
	self->info->evtchn_upcall_mask = 0;
	assert_int_equal(poll(3, 1, 0), 0);
	assert_int_equal(self->state, 0);
	self->info->evtchn_upcall_mask = 1;
	assert_int_equal(poll(3, 1, 0), 0);
	assert_int_equal(self->state, VCPU_POLLING);
	vcpu_wake(self);
}

static void a_domain_ends_with_a_reason(void **state)
{
	(void)state;
	assert_int_equal(SCHED(SCHEDOP_shutdown, struct pv_sched_shutdown,
			       SHUTDOWN_MAX + 1),
			 -EINVAL);
	assert_int_equal(shutdowns, 0);
	assert_int_equal(SCHED(SCHEDOP_shutdown, struct pv_sched_shutdown,
			       SHUTDOWN_reboot),
			 0);
	assert_int_equal(shutdowns, 1);
	assert_ptr_equal(shutdown_domain, d);
	assert_int_equal(shutdown_code, SHUTDOWN_reboot);
	/* A code that was left before is what a later one reports. */
	assert_int_equal(
		SCHED(SCHEDOP_shutdown_code, struct pv_sched_shutdown, 99),
		-EINVAL);
	assert_int_equal(SCHED(SCHEDOP_shutdown_code, struct pv_sched_shutdown,
			       SHUTDOWN_soft_reset),
			 0);
	assert_int_equal(shutdowns, 1);
	assert_int_equal(SCHED(SCHEDOP_shutdown, struct pv_sched_shutdown,
			       SHUTDOWN_poweroff),
			 0);
	assert_int_equal(shutdown_code, SHUTDOWN_soft_reset);
}

static void only_the_control_domain_ends_others(void **state)
{
	(void)state;
	assert_int_equal(SCHED(SCHEDOP_remote_shutdown,
			       struct pv_sched_remote_shutdown, .domain_id = 0),
			 -EPERM);
	d->privileged = true;
	assert_int_equal(SCHED(SCHEDOP_remote_shutdown,
			       struct pv_sched_remote_shutdown,
			       .domain_id = 77),
			 -ESRCH);
	assert_int_equal(SCHED(SCHEDOP_remote_shutdown,
			       struct pv_sched_remote_shutdown, .domain_id = 0,
			       .reason = 9),
			 -EINVAL);
	assert_int_equal(SCHED(SCHEDOP_remote_shutdown,
			       struct pv_sched_remote_shutdown, .domain_id = 3),
			 -EINVAL); /* itself */
	assert_int_equal(shutdowns, 0);
	assert_int_equal(SCHED(SCHEDOP_remote_shutdown,
			       struct pv_sched_remote_shutdown, .domain_id = 0,
			       .reason = SHUTDOWN_crash),
			 0);
	assert_ptr_equal(shutdown_domain, control);
	assert_int_equal(shutdown_code, SHUTDOWN_crash);
	assert_int_equal(hc_sched_op(SCHEDOP_remote_shutdown, NOT_THERE),
			 -EFAULT);
	d->privileged = false;
}

static long watchdog(uint32_t id, uint32_t timeout)
{
	return SCHED(SCHEDOP_watchdog, struct pv_sched_watchdog, id, timeout);
}

static void a_watchdog_bites_when_it_is_not_fed(void **state)
{
	(void)state;
	assert_int_equal(watchdog(0, 0), -EINVAL);
	assert_int_equal(watchdog(1, 5), -EINVAL);
	assert_int_equal(watchdog(3, 5), -EINVAL);
	assert_int_equal(watchdog(~0u, 5), -EINVAL);
	assert_int_equal(watchdog(0, 5), 1);
	assert_int_equal(watchdog(0, 1000), 2);
	assert_int_equal(watchdog(0, 1000), -EEXIST);
	for (unsigned int i = 0; i < 5; i++) {
		wait_until(now + 4000 * MS);
		assert_int_equal(watchdog(1, 5), 0);
	}
	assert_int_equal(shutdowns, 0);
	wait_until(now + 5001 * MS);
	assert_int_equal(shutdowns, 1);
	assert_int_equal(shutdown_code, SHUTDOWN_watchdog);
	assert_ptr_equal(shutdown_domain, d);
	/* Stopped, it is free again. */
	assert_int_equal(watchdog(2, 0), 0);
	assert_int_equal(watchdog(2, 5), -EINVAL);
	assert_int_equal(watchdog(0, 7), 2);
	assert_int_equal(watchdog(2, 0), 0);
	wait_until(now + 2000000 * MS);
	assert_int_equal(shutdowns, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(poll_waits_for_its_ports_only),
		T(poll_ends_at_its_time),
		T(poll_does_not_wait_when_an_event_could_be_taken),
		T(a_domain_ends_with_a_reason),
		T(only_the_control_domain_ends_others),
		T(a_watchdog_bites_when_it_is_not_fed),
	};

	return cmocka_run_group_tests_name("sched_op", tests, NULL, NULL);
}
