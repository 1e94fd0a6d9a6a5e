/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op and set_timer_op as a guest calls them: arguments, areas in guest
 * memory, timers, the first state of a vcpu.
 */
#include <pv/mmu.h>
#include <pv/sched.h>

#include "tests/unit_sched/calls.h"

static void unknown_numbers_are_refused(void **state)
{
	(void)state;
	assert_int_equal(hc_vcpu_op(99, 0, 0), -ENOSYS);
	assert_int_equal(hc_sched_op(99, 0), -ENOSYS);
	assert_int_equal(hc_sched_op(SCHEDOP_pin_override, ARG), -ENOSYS);
	for (uint32_t cmd = 0; cmd <= 13; cmd++) {
		assert_int_equal(hc_vcpu_op(cmd, 2, ARG), -ENOENT);
		assert_int_equal(hc_vcpu_op(cmd, ~0u, ARG), -ENOENT);
	}
}

static void bad_addresses_are_faults(void **state)
{
	static const uint32_t vcpu_cmds[] = {0, 4, 5, 6, 8, 10, 13};
	static const uint32_t sched_cmds[] = {2, 3, 5, 6};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(vcpu_cmds); i++)
		assert_int_equal(
			hc_vcpu_op(vcpu_cmds[i], !vcpu_cmds[i], NOT_THERE),
			-EFAULT);
	for (unsigned int i = 0; i < ARRAY_SIZE(sched_cmds); i++)
		assert_int_equal(hc_sched_op(sched_cmds[i], NOT_THERE),
				 -EFAULT);
}

static void a_vcpu_goes_up_and_down(void **state)
{
	(void)state;
	assert_int_equal(hc_vcpu_op(VCPUOP_is_up, 0, 0), 1);
	assert_int_equal(hc_vcpu_op(VCPUOP_is_up, 1, 0), 0);
	assert_int_equal(hc_vcpu_op(VCPUOP_up, 1, 0), -EINVAL);
	other->initialised = true;
	assert_int_equal(hc_vcpu_op(VCPUOP_up, 1, 0), 0);
	assert_int_equal(hc_vcpu_op(VCPUOP_up, 1, 0), 0);
	assert_int_equal(hc_vcpu_op(VCPUOP_is_up, 1, 0), 1);
	assert_int_equal(d->tramp->vcpus_up, 3);
	machine_here(1);
	exit_path();
	assert_ptr_equal(current, other);
	machine_here(0);
	assert_int_equal(hc_vcpu_op(VCPUOP_down, 1, 0), 0);
	/* Seen to be down when it has left its CPU. */
	assert_int_equal(hc_vcpu_op(VCPUOP_is_up, 1, 0), 1);
	machine_here(1);
	exit_path();
	assert_ptr_not_equal(current, other);
	machine_here(0);
	assert_int_equal(hc_vcpu_op(VCPUOP_is_up, 1, 0), 0);
	assert_int_equal(d->tramp->vcpus_up, 1);
	assert_int_equal(shutdowns, 0);
	/* The last one takes the domain with it. */
	assert_int_equal(hc_vcpu_op(VCPUOP_down, 0, 0), 0);
	assert_int_equal(shutdowns, 1);
	assert_int_equal(shutdown_code, SHUTDOWN_poweroff);
}

static long register_info_of(uint32_t vcpu, uint64_t mfn)
{
	const struct pv_vcpu_register_vcpu_info op = {.mfn = mfn};

	memcpy(guest_at(ARG), &op, sizeof(op));
	return hc_vcpu_op(VCPUOP_register_vcpu_info, vcpu, ARG);
}

/* While vcpu 1 is set up: it is brought up, and set up by another, too. */
static int meanwhile(struct vcpu *v, uint64_t mfn, uint32_t offset)
{
	(void)mfn;
	(void)offset;
	assert_ptr_equal(v, other);
	assert_int_equal(register_info_of(1, 7), -EBUSY);
	assert_int_equal(hc_vcpu_op(VCPUOP_up, 1, 0), 0);
	assert_int_equal(register_info_of(1, 7), -EINVAL);
	machine_here(1);
	exit_path();
	assert_ptr_not_equal(current, other);
	machine_here(0);
	return 0;
}

static void one_at_a_time_sets_up_a_vcpu(void **state)
{
	(void)state;
	other->initialised = true;
	vcpu_info_register_hook = meanwhile;
	assert_int_equal(register_info_of(1, 7), 0);
	/* It was let go: now it runs. */
	machine_here(1);
	exit_path();
	assert_ptr_equal(current, other);
	machine_here(0);
	assert_int_equal(register_info_of(1, 7), -EINVAL);
	/* Down, but not yet off its CPU. */
	vcpu_down(other);
	assert_int_equal(register_info_of(1, 7), -EBUSY);
	assert_int_equal(hc_vcpu_op(VCPUOP_initialise, 1, ARG), -EEXIST);
	machine_here(1);
	exit_path();
	machine_here(0);
	other->initialised = false;
	assert_int_equal(hc_vcpu_op(VCPUOP_initialise, 1, NOT_THERE), -EFAULT);
	assert_int_equal(other->state, VCPU_DOWN);
}

static struct pv_vcpu_guest_context good_context(void)
{
	struct pv_vcpu_guest_context c = {
		.flags = VGCF_in_kernel,
		.user_regs = {.rip = 0xffffffff81000000,
			      .rsp = 0xffffc90000004000,
			      .cs = 0xe030,
			      .ss = 0xe02b,
			      .rflags = 0x1000,
			      .rax = 1,
			      .r15 = 15},
		.gdt_frames = {42},
		.gdt_ents = 16,
		.kernel_sp = 0xffffc90000008000,
		.ctrlreg = {[3] = 5 << 12},
		.gs_base_kernel = 0xffff888000000000,
		.event_callback_eip = 0xffffffff81001000,
	};

	c.trap_ctxt[14].address = 0xffffffff81002000;
	c.trap_ctxt[14].flags = TI_IF;
	return c;
}

#define CONTEXT (GUEST_BASE + 0x4000)

static long initialise(const struct pv_vcpu_guest_context *c)
{
	memcpy(guest_at(CONTEXT), c, sizeof(*c));
	return hc_vcpu_op(VCPUOP_initialise, 1, CONTEXT);
}

static void a_vcpu_starts_as_its_context_says(void **state)
{
	struct pv_vcpu_guest_context c = good_context();

	(void)state;
	c.flags |= VGCF_i387_valid;
	c.fpu_ctxt[100] = 77;
	c.user_regs.rflags = 0x7002 | ~0x3fffffull; /* NT, IOPL 3, junk */
	c.debugreg[7] = 0x401;
	c.vm_assist = ~0ull;
	assert_int_equal(initialise(&c), 0);
	assert_true(other->initialised);
	assert_int_equal(other->regs.rip, c.user_regs.rip);
	assert_int_equal(other->regs.rsp, c.user_regs.rsp);
	assert_int_equal(other->regs.r15, 15);
	assert_int_equal(other->regs.cs, SEL_RING1_CS);
	assert_int_equal(other->regs.ss, SEL_RING1_SS);
	assert_int_equal(other->regs.rflags, 0x202);
	assert_int_equal(other->iopl, 3);
	assert_int_equal(other->gs_base, c.gs_base_kernel);
	assert_int_equal(other->gs_base_inactive, 0);
	assert_int_equal(other->kernel_root.raw, 5);
	assert_int_equal(other->user_root.raw, MFN_INVALID.raw);
	assert_int_equal(gdt_frame, 42);
	assert_int_equal(gdt_entries, 16);
	assert_int_equal(other->tramp.kernel_mode, 1);
	assert_int_equal(other->tramp.kernel_sp, c.kernel_sp);
	assert_int_equal(other->traps[14].address, c.trap_ctxt[14].address);
	assert_int_equal(other->event.rip, c.event_callback_eip);
	assert_int_equal(other->debugreg[7], 0x401);
	assert_int_equal(((uint8_t *)other->fpu)[100], 77);
	assert_int_equal(((uint8_t *)other->fpu)[512], 3); /* XSTATE_BV */
	assert_int_equal(other->info->evtchn_upcall_mask, 1);
	assert_int_equal(hc_vcpu_op(VCPUOP_is_up, 1, 0), 0);
	assert_int_equal(initialise(&c), -EEXIST);
	assert_int_equal(hc_vcpu_op(VCPUOP_initialise, 0, CONTEXT), -EEXIST);
}

/* What was given is what is read, as far as it is taken as it is. */
static void a_context_is_read_back(void **state)
{
	struct pv_vcpu_guest_context c = good_context(), got;

	(void)state;
	c.flags = VGCF_i387_valid | VGCF_failsafe_disables_events;
	for (unsigned int i = 0; i < sizeof(c.fpu_ctxt); i++)
		c.fpu_ctxt[i] = (uint8_t)(i * 7);
	c.user_regs.rflags = 0x3202;
	c.user_regs.cs = 0xe033;
	c.user_regs.ss = 0xe02b;
	c.user_regs.ds = c.user_regs.es = 0x2b;
	c.user_regs.fs = 0x33;
	c.user_regs.gs = 0x3b;
	c.fs_base = 0x1000;
	c.gs_base_user = 0x2000;
	c.ldt_base = 0xffff888000010000;
	c.ctrlreg[0] = 0x8005003b; /* TS, too */
	c.ctrlreg[1] = 6 << 12;
	c.ctrlreg[4] = 8; /* DE */
	c.debugreg[0] = 0x400000;
	c.debugreg[6] = 0xffff0ff0;
	c.debugreg[7] = 0x401;
	c.failsafe_callback_eip = 0xffffffff81003000;
	c.syscall_callback_eip = 0xffffffff81004000;
	for (unsigned int i = 0; i < ARRAY_SIZE(c.trap_ctxt); i++)
		c.trap_ctxt[i].vector = (uint8_t)i;
	assert_int_equal(initialise(&c), 0);
	other->gdt_frames[0].raw = gdt_frame; /* the room above does that */
	other->gdt_entries = gdt_entries;
	other->ldt_base = c.ldt_base;
	memset(&got, 0x55, sizeof(got));
	vcpu_get_context(other, &got);
	c.user_regs.saved_upcall_mask = 1;
	c.vm_assist = d->vm_assist;
	assert_memory_equal(&got, &c, sizeof(c));
	/* Up, and in kernel mode. */
	vcpu_up(other);
	other->tramp.kernel_mode = 1;
	vcpu_get_context(other, &got);
	assert_int_equal(got.flags, c.flags | VGCF_online | VGCF_in_kernel);
	assert_int_equal(got.gs_base_kernel, c.gs_base_user);
	assert_int_equal(got.gs_base_user, c.gs_base_kernel);
	vcpu_down(other);
}

/* Parts of the FPU that were not saved, as they are after reset. */
static void an_fpu_after_reset_is_read_as_such(void **state)
{
	struct pv_vcpu_guest_context c = good_context(), got;
	uint8_t *fpu = other->fpu;

	(void)state;
	assert_int_equal(initialise(&c), 0);
	memset(fpu, 0xff, 512);
	memset(fpu + 512, 0, 8);
	vcpu_get_context(other, &got);
	assert_int_equal(got.fpu_ctxt[0] | got.fpu_ctxt[1] << 8, 0x37f);
	assert_int_equal(got.fpu_ctxt[24], 0xff); /* MXCSR is saved always */
	for (unsigned int i = 32; i < 416; i++)
		assert_int_equal(got.fpu_ctxt[i], 0);
	fpu[512] = 2;
	vcpu_get_context(other, &got);
	assert_int_equal(got.fpu_ctxt[32], 0);
	assert_int_equal(got.fpu_ctxt[160], 0xff);
}

static void one_that_starts_in_user_mode_is_in_ring_3(void **state)
{
	struct pv_vcpu_guest_context c = good_context();

	(void)state;
	c.flags = 0;
	c.user_regs.rip = 0x400000;
	c.user_regs.cs = SEL_HV_CS; /* ring 0, it says */
	c.user_regs.ss = SEL_HV_SS;
	c.gs_base_user = 0x7000;
	c.ctrlreg[1] = 6 << 12;
	assert_int_equal(initialise(&c), 0);
	assert_int_equal(other->regs.cs & 3, 3);
	assert_int_equal(other->regs.ss & 3, 3);
	assert_int_equal(other->tramp.kernel_mode, 0);
	assert_int_equal(other->gs_base, 0x7000);
	assert_int_equal(other->gs_base_inactive, c.gs_base_kernel);
	assert_int_equal(other->user_root.raw, 6);
}

static void a_context_that_would_fault_in_ring_0_is_refused(void **state)
{
	static const size_t addresses[] = {
		offsetof(struct pv_vcpu_guest_context, user_regs.rip),
		offsetof(struct pv_vcpu_guest_context, user_regs.rsp),
		offsetof(struct pv_vcpu_guest_context, ldt_base),
		offsetof(struct pv_vcpu_guest_context, kernel_sp),
		offsetof(struct pv_vcpu_guest_context, fs_base),
		offsetof(struct pv_vcpu_guest_context, gs_base_kernel),
		offsetof(struct pv_vcpu_guest_context, gs_base_user),
		offsetof(struct pv_vcpu_guest_context, event_callback_eip),
		offsetof(struct pv_vcpu_guest_context, failsafe_callback_eip),
		offsetof(struct pv_vcpu_guest_context, syscall_callback_eip),
		offsetof(struct pv_vcpu_guest_context, trap_ctxt[0].address),
		offsetof(struct pv_vcpu_guest_context, trap_ctxt[255].address),
	};
	const uint64_t bad = 0x8000000000000000;
	struct pv_vcpu_guest_context c;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(addresses); i++) {
		c = good_context();
		memcpy((char *)&c + addresses[i], &bad, sizeof(bad));
		CHECK(initialise(&c) == -EINVAL, "field at %zu", addresses[i]);
	}
	c = good_context();
	c.gdt_ents = FIRST_RESERVED_GDT_ENTRY + 1;
	assert_int_equal(initialise(&c), -EINVAL);
	c.gdt_ents = 1ull << 32; /* 0, if it were cut short */
	assert_int_equal(initialise(&c), -EINVAL);
	c = good_context();
	c.ldt_ents = 8193;
	assert_int_equal(initialise(&c), -EINVAL);
	c = good_context();
	c.ctrlreg[3] = 0;
	assert_int_equal(initialise(&c), -EINVAL);
	c = good_context();
	c.debugreg[0] = 0xffff800000000000;
	assert_int_equal(initialise(&c), -EINVAL);
	assert_false(other->initialised);
	/* Preempted, and refused, by the memory room. */
	c = good_context();
	root_rc = -ERESTART;
	assert_int_equal(initialise(&c), -ERESTART);
	gdt_rc = -EINVAL;
	assert_int_equal(initialise(&c), -EINVAL);
	assert_false(other->initialised);
	root_rc = gdt_rc = 0;
	assert_int_equal(initialise(&c), 0);
}

/* ---- timers ------------------------------------------------------------------------ */

static void a_singleshot_timer_fires_once(void **state)
{
	(void)state;
	assert_int_equal(OP(VCPUOP_set_singleshot_timer, 0,
			    struct pv_vcpu_set_singleshot_timer,
			    .timeout_abs_ns = now + 5 * MS),
			 0);
	wait_until(now + 4 * MS);
	assert_int_equal(events[0], 0);
	wait_until(now + 2 * MS);
	assert_int_equal(events[0], 1);
	wait_until(now + 20 * MS);
	assert_int_equal(events[0], 1);
	/* Past: at once. */
	assert_int_equal(OP(VCPUOP_set_singleshot_timer, 0,
			    struct pv_vcpu_set_singleshot_timer,
			    .timeout_abs_ns = 1),
			 0);
	wait_until(now + 1);
	assert_int_equal(events[0], 2);
	/* Past, and the guest wants to know. */
	assert_int_equal(OP(VCPUOP_set_singleshot_timer, 0,
			    struct pv_vcpu_set_singleshot_timer,
			    .timeout_abs_ns = now - 1,
			    .flags = VCPU_SSHOTTMR_future),
			 -ETIME);
	wait_until(now + MS);
	assert_int_equal(events[0], 2);
	/* Another's timer is its own affair. */
	assert_int_equal(OP(VCPUOP_set_singleshot_timer, 1,
			    struct pv_vcpu_set_singleshot_timer,
			    .timeout_abs_ns = now),
			 -EINVAL);
	assert_int_equal(hc_vcpu_op(VCPUOP_stop_singleshot_timer, 1, 0),
			 -EINVAL);
	/* Stopped in time. */
	assert_int_equal(hc_set_timer_op(now + MS), 0);
	assert_int_equal(hc_vcpu_op(VCPUOP_stop_singleshot_timer, 0, 0), 0);
	assert_int_equal(hc_set_timer_op(now + MS), 0);
	assert_int_equal(hc_set_timer_op(0), 0);
	wait_until(now + 2 * MS);
	assert_int_equal(events[0], 2);
	assert_int_equal(hc_set_timer_op(now + MS), 0);
	wait_until(now + 2 * MS);
	assert_int_equal(events[0], 3);
}

static void a_timer_wakes_one_that_blocks(void **state)
{
	(void)state;
	self->info->evtchn_upcall_mask = 1;
	assert_int_equal(hc_set_timer_op(now + 5 * MS), 0);
	assert_int_equal(hc_sched_op(SCHEDOP_block, 0), 0);
	assert_int_equal(self->info->evtchn_upcall_mask, 0);
	exit_path();
	assert_true(vcpu_is_idle(current));
	wait_until(now + 6 * MS);
	assert_ptr_equal(current, self);
	assert_int_equal(self->state, 0);
	/* With an event pending it does not even stop. */
	assert_int_equal(self->info->evtchn_upcall_pending, 1);
	assert_int_equal(hc_sched_op(SCHEDOP_block, 0), 0);
	exit_path();
	assert_ptr_equal(current, self);
}

static void a_periodic_timer_ticks_while_the_vcpu_runs(void **state)
{
	(void)state;
	assert_int_equal(OP(VCPUOP_set_periodic_timer, 0,
			    struct pv_vcpu_set_periodic_timer, 999999),
			 -EINVAL);
	assert_int_equal(OP(VCPUOP_set_periodic_timer, 0,
			    struct pv_vcpu_set_periodic_timer, 1ull << 63),
			 -EINVAL);
	assert_int_equal(OP(VCPUOP_set_periodic_timer, 0,
			    struct pv_vcpu_set_periodic_timer, 10 * MS),
			 0);
	wait_until(now + 101 * MS);
	assert_int_equal(events[0], 10);
	/* Blocked: no ticks wake it; one is given when it is back. */
	self->info->evtchn_upcall_pending = 0;
	hc_sched_op(SCHEDOP_block, 0);
	exit_path();
	wait_until(now + 100 * MS);
	assert_int_equal(events[0], 10);
	vcpu_wake(self);
	exit_path();
	assert_int_equal(events[0], 11);
	wait_until(now + 10 * MS);
	assert_int_equal(events[0], 12);
	assert_int_equal(hc_vcpu_op(VCPUOP_stop_periodic_timer, 0, 0), 0);
	assert_int_equal(hc_vcpu_op(VCPUOP_stop_periodic_timer, 1, 0), 0);
	wait_until(now + 100 * MS);
	assert_int_equal(events[0], 12);
}

/* ---- areas -------------------------------------------------------------------------- */

static long runstate_area(unsigned int vcpu, uint64_t gva)
{
	return OP(VCPUOP_register_runstate_memory_area, vcpu,
		  struct pv_vcpu_register_runstate_memory_area, gva);
}

static long time_area(unsigned int vcpu, uint64_t gva)
{
	return OP(VCPUOP_register_vcpu_time_memory_area, vcpu,
		  struct pv_vcpu_register_time_memory_area, gva);
}

static struct pv_vcpu_runstate_info runstate_at(uint64_t gva)
{
	struct pv_vcpu_runstate_info r;

	memcpy(&r, guest_at(gva), sizeof(r));
	return r;
}

static void the_runstate_area_follows_the_vcpu(void **state)
{
	struct pv_vcpu_runstate_info r, call;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t gva = i ? EDGE : AREA;

		assert_int_equal(runstate_area(0, gva), 0);
		r = runstate_at(gva);
		assert_int_equal(r.state, RUNSTATE_running);
		self->info->evtchn_upcall_pending = 0;
		hc_sched_op(SCHEDOP_block, 0);
		exit_path();
		assert_int_equal(runstate_at(gva).state, RUNSTATE_blocked);
		wait_until(now + 7 * MS);
		vcpu_wake(self);
		exit_path();
		call = r;
		r = runstate_at(gva);
		assert_int_equal(r.state, RUNSTATE_running);
		assert_int_equal(r.state_entry_time, now);
		assert_int_equal(r.time[RUNSTATE_blocked] -
					 call.time[RUNSTATE_blocked],
				 7 * MS);
		wait_until(now + 3 * MS);
		assert_int_equal(hc_vcpu_op(VCPUOP_get_runstate_info, 0, ARG),
				 0);
		memcpy(&call, guest_at(ARG), sizeof(call));
		assert_int_equal(call.time[RUNSTATE_running] -
					 r.time[RUNSTATE_running],
				 3 * MS);
		assert_int_equal(guest_holds[1], !i);
		assert_int_equal(guest_holds[2], i);
		assert_int_equal(guest_holds[3], i);
		d->vm_assist |= 1u << VMASST_TYPE_runstate_update_flag;
	}
	/* Taken away: nothing is written, nothing is held. */
	assert_int_equal(runstate_area(0, 0), 0);
	assert_int_equal(guest_holds[2] + guest_holds[3], 0);
	memset(guest_at(EDGE), 0x55, 48);
	self->info->evtchn_upcall_pending = 0;
	hc_sched_op(SCHEDOP_block, 0);
	exit_path();
	vcpu_wake(self);
	exit_path();
	assert_int_equal(((uint8_t *)guest_at(EDGE))[0], 0x55);
	/* A vcpu that is not up yet may have one: Linux does it so. */
	assert_int_equal(runstate_area(1, AREA), 0);
	assert_int_equal(runstate_at(AREA).state, RUNSTATE_offline);
}

static void areas_must_be_the_guests_own_writable_pages(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		long (*reg)(unsigned int, uint64_t) =
			i ? time_area : runstate_area;

		assert_int_equal(reg(0, NOT_THERE), -EFAULT);
		assert_int_equal(reg(0, RESERVED_START), -EFAULT);
		guest_writable[1] = false;
		assert_int_equal(reg(0, AREA), -EFAULT);
		guest_writable[1] = true;
		guest_owned[1] = false;
		assert_int_equal(reg(0, AREA), -EINVAL);
		guest_owned[1] = true;
		/* The second page of two: the first is let go. */
		guest_owned[3] = false;
		assert_int_equal(reg(0, EDGE), -EINVAL);
		assert_int_equal(guest_holds[2], 0);
		guest_owned[3] = true;
		guest_mapped[3] = false;
		assert_int_equal(reg(0, EDGE), -EFAULT);
		assert_int_equal(guest_holds[2], 0);
		guest_mapped[3] = true;
		/* A failed call leaves the area that was. */
		assert_int_equal(reg(0, AREA), 0);
		assert_int_equal(reg(0, NOT_THERE), -EFAULT);
		assert_int_equal(guest_holds[1], 1);
		assert_int_equal(reg(0, AREA + 64), 0);
		assert_int_equal(guest_holds[1], 1);
		assert_int_equal(reg(0, 0), 0);
	}
}

static void the_clock_words_are_shown(void **state)
{
	struct pv_vcpu_time_info t;
	uint32_t version;

	(void)state;
	assert_int_equal(self->info->time.tsc_to_system_mul, 1u << 31);
	assert_int_equal(self->info->time.flags, PVCLOCK_TSC_STABLE_BIT);
	version = self->info->time.version;
	assert_true(version && !(version & 1));
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t gva = i ? EDGE : AREA;

		assert_int_equal(time_area(0, gva), 0);
		memcpy(&t, guest_at(gva), sizeof(t));
		assert_int_equal(t.tsc_to_system_mul, 1u << 31);
		assert_int_equal(t.flags, PVCLOCK_TSC_STABLE_BIT);
		assert_int_equal(t.version & 1, 0);
	}
	/* Of another vcpu only while that is down. */
	other->initialised = true;
	assert_int_equal(time_area(1, AREA), 0);
	vcpu_up(other);
	assert_int_equal(time_area(1, AREA), -EINVAL);
}

static void vcpu_info_moves_through_the_hook(void **state)
{
	uint32_t version = self->info->time.version;

	(void)state;
	assert_int_equal(OP(VCPUOP_register_vcpu_info, 0,
			    struct pv_vcpu_register_vcpu_info, .mfn = 8),
			 -EINVAL);
	assert_int_equal(OP(VCPUOP_register_vcpu_info, 0,
			    struct pv_vcpu_register_vcpu_info, .mfn = 7),
			 0);
	assert_int_equal(self->info->time.version, version + 2);
}

static void an_nmi_ends_a_block(void **state)
{
	(void)state;
	hc_sched_op(SCHEDOP_block, 0);
	exit_path();
	assert_true(vcpu_is_idle(current));
	/* From another vcpu of the domain, on the other CPU. */
	machine_here(1);
	other->initialised = true;
	vcpu_up(other);
	exit_path();
	assert_ptr_equal(current, other);
	assert_int_equal(hc_vcpu_op(VCPUOP_send_nmi, 0, 0), 0);
	assert_true(self->nmi_pending);
	assert_int_equal(self->state, 0);
	machine_here(0);
	exit_path();
	assert_ptr_equal(current, self);
	/* Nor does one begin while an NMI waits. */
	hc_sched_op(SCHEDOP_block, 0);
	exit_path();
	assert_ptr_equal(current, self);
	vcpu_down(other);
	machine_here(1);
	exit_path();
	machine_here(0);
}

static void no_vcpu_has_a_physical_id(void **state)
{
	(void)state;
	assert_int_equal(hc_vcpu_op(VCPUOP_get_physid, 0, ARG), -EINVAL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(unknown_numbers_are_refused),
		T(bad_addresses_are_faults),
		T(a_vcpu_goes_up_and_down),
		T(one_at_a_time_sets_up_a_vcpu),
		T(a_vcpu_starts_as_its_context_says),
		T(a_context_is_read_back),
		T(an_fpu_after_reset_is_read_as_such),
		T(one_that_starts_in_user_mode_is_in_ring_3),
		T(a_context_that_would_fault_in_ring_0_is_refused),
		T(a_singleshot_timer_fires_once),
		T(a_timer_wakes_one_that_blocks),
		T(a_periodic_timer_ticks_while_the_vcpu_runs),
		T(the_runstate_area_follows_the_vcpu),
		T(areas_must_be_the_guests_own_writable_pages),
		T(the_clock_words_are_shown),
		T(vcpu_info_moves_through_the_hook),
		T(an_nmi_ends_a_block),
		T(no_vcpu_has_a_physical_id),
	};

	return cmocka_run_group_tests_name("vcpu_op", tests, NULL, NULL);
}
