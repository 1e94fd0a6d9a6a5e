/* SPDX-License-Identifier: MIT */
/*
 * The small calls: multicall, console_io, vm_assist, set_callbacks, the
 * commands of sched_op and callback_op that no other test needs, and the old
 * spellings that older kernels use.
 */
#include "tests/guest/lib/hostile.h"

/* ---- multicall ------------------------------------------------------------------ */

static struct pv_multicall_entry calls[600];

static void every_entry_is_executed(void)
{
	struct pv_platform_parameters parameters = {0};
	unsigned int i;

	memset(calls, 0, sizeof(calls));
	calls[0] = (struct pv_multicall_entry){.op = HC_xen_version};
	calls[1] = (struct pv_multicall_entry){.op = 63};
	calls[2] = (struct pv_multicall_entry){
		.op = HC_xen_version,
		.args = {XENVER_platform_parameters, P(&parameters)},
	};
	calls[3] = (struct pv_multicall_entry){.op = HC_sched_op};
	CHECK_EQ(HYPERVISOR_multicall(P(calls), 4), 0);
	CHECK(calls[0].result > 0);
	CHECK_EQ(calls[1].result, -ENOSYS);
	CHECK_EQ(calls[2].result, 0);
	CHECK_EQ(parameters.virt_start, HYPERVISOR_VIRT_START);
	CHECK_EQ(calls[3].result, 0);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i] = (struct pv_multicall_entry){.op = HC_xen_version,
						       .result = -1};
	CHECK_EQ(HYPERVISOR_multicall(P(calls), ARRAY_SIZE(calls)), 0);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (!CHECKF(calls[i].result > 0, "%u", i))
			break;
}

static void multicalls_do_not_nest(void)
{
	calls[1] = (struct pv_multicall_entry){.op = HC_xen_version};
	calls[0] = (struct pv_multicall_entry){.op = HC_multicall,
					       .args = {P(&calls[1]), 1}};
	HYPERVISOR_multicall(P(calls), 1);
	CHECK(calls[0].result < 0);
	if (!on_parapet())
		return; /* iret in a batch is fatal elsewhere */
	calls[0] = (struct pv_multicall_entry){.op = HC_iret};
	CHECK_EQ(HYPERVISOR_multicall(P(calls), 1), 0);
	CHECK_EQ(calls[0].result, -ENOSYS);
	CHECK_EQ(HYPERVISOR_multicall(P(calls), 65537), -EINVAL);
}

/* The call that would be continued is, and the rest comes after it. */
static void long_calls_go_on_inside(void)
{
	uint64_t *page = page_alloc();
	static struct pv_mmu_update updates[512];
	unsigned int i;
	uint32_t done = 0;

	page_set(page, PTE_P);
	CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(page), 0), 0);
	for (i = 0; i < 512; i++)
		updates[i] = (struct pv_mmu_update){
			.ptr = va_to_mfn(page) * PAGE_SIZE + 8 * i,
			.val = (uint64_t)i << 1,
		};
	calls[0] = (struct pv_multicall_entry){
		.op = HC_mmu_update,
		.args = {P(updates), 512, P(&done), DOMID_SELF},
	};
	calls[1] = (struct pv_multicall_entry){.op = HC_xen_version};
	CHECK_EQ(HYPERVISOR_multicall(P(calls), 2), 0);
	CHECK_EQ(calls[0].result, 0);
	CHECK(calls[1].result > 0);
	CHECK_EQ(done, 512);
	for (i = 0; i < 512; i++)
		if (!CHECK_EQ(page[i], (uint64_t)i << 1))
			break;
	CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(page), 0), 0);
	page_free(page);
}

static void results_are_written_as_they_come(void)
{
	struct pv_multicall_entry *last = pages_alloc(2);

	CHECK_EQ(HYPERVISOR_update_va_mapping(P(last) + PAGE_SIZE, 0,
					      UVMF_INVLPG),
		 0);
	last += PAGE_SIZE / sizeof(*last) - 1;
	*last = (struct pv_multicall_entry){.op = HC_xen_version};
	CHECK(HYPERVISOR_multicall(P(last), 2) < 0);
	CHECK(last->result > 0);
}

/* ---- console ------------------------------------------------------------------- */

static void text_of_any_bytes_is_written(void)
{
	static const char text[] = "# bytes: \x01\x7f\x80\xff|%s%n\r\n";
	static char line[300];

	CHECK_EQ(HYPERVISOR_console_io(CONSOLEIO_write, sizeof(text) - 1,
				       P(text)),
		 0);
	memset(line, '.', sizeof(line));
	memcpy(line, "# long line ", 12);
	line[sizeof(line) - 1] = '\n';
	CHECK_EQ(HYPERVISOR_console_io(CONSOLEIO_write, sizeof(line), P(line)),
		 0);
}

static void reading_without_input_gives_nothing(void)
{
	char buffer[16];

	CHECK_EQ(HYPERVISOR_console_io(CONSOLEIO_read, sizeof(buffer),
				       P(buffer)),
		 0);
}

/* ---- others -------------------------------------------------------------------- */

static void assists_are_taken(void)
{
	unsigned int type;

	for (type = 0; type <= VMASST_TYPE_runstate_update_flag; type++) {
		long rc = HYPERVISOR_vm_assist(VMASST_CMD_enable, type);

		if (type == VMASST_TYPE_architectural_iopl)
			CHECK(rc == -EINVAL || !on_parapet());
		else
			CHECKF(rc == 0, "type %u: %ld", type, rc);
	}
	CHECK_EQ(HYPERVISOR_vm_assist(VMASST_CMD_disable,
				      VMASST_TYPE_runstate_update_flag),
		 0);
	CHECK(HYPERVISOR_vm_assist(VMASST_CMD_enable, 32) == -EINVAL ||
	      !on_parapet());
	CHECK_EQ(HYPERVISOR_vm_assist(VMASST_CMD_enable, ~0u), -EINVAL);
}

static void callbacks_are_set_the_old_way(void)
{
	evtchn_port_t port;
	uint32_t before;

	CHECK_EQ(HYPERVISOR_set_callbacks(P(event_callback),
					  P(failsafe_callback),
					  P(syscall_callback)),
		 0);
	port = bind_ipi(0);
	before = event_count[port];
	events_unmask();
	CHECK_EQ(port_send(port), 0);
	CHECK_EQ(event_count[port], before + 1);
	events_mask();
	CHECK_EQ(port_close(port), 0);
	if (on_parapet())
		CHECK_EQ(HYPERVISOR_set_callbacks(1ul << 63,
						  P(failsafe_callback),
						  P(syscall_callback)),
			 -EINVAL);
	traps_init();
}

static void some_callbacks_stay(void)
{
	static const unsigned int types[] = {CALLBACKTYPE_event,
					     CALLBACKTYPE_failsafe};
	struct pv_callback_unregister u = {0};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		u.type = types[i];
		CHECK_EQ(HYPERVISOR_callback_op(CALLBACKOP_unregister, P(&u)),
			 -EINVAL);
	}
	u.type = 99;
	CHECK_EQ(HYPERVISOR_callback_op(CALLBACKOP_unregister, P(&u)), -ENOSYS);
}

static void watchdogs_are_limited(void)
{
	struct pv_sched_watchdog w = {.id = 0, .timeout = 0};
	long a, b;

	if (!on_parapet()) {
		skip("others bite at once");
		return;
	}
	CHECK_EQ(HYPERVISOR_sched_op(SCHEDOP_watchdog, P(&w), 0), -EINVAL);
	w.timeout = 1000;
	a = HYPERVISOR_sched_op(SCHEDOP_watchdog, P(&w), 0);
	b = HYPERVISOR_sched_op(SCHEDOP_watchdog, P(&w), 0);
	CHECK(a >= 1 && b >= 1 && a != b);
	CHECK_EQ(HYPERVISOR_sched_op(SCHEDOP_watchdog, P(&w), 0), -EEXIST);
	w = (struct pv_sched_watchdog){.id = a, .timeout = 0};
	CHECK_EQ(HYPERVISOR_sched_op(SCHEDOP_watchdog, P(&w), 0), 0);
	w.id = b;
	CHECK_EQ(HYPERVISOR_sched_op(SCHEDOP_watchdog, P(&w), 0), 0);
	w.id = 77;
	CHECK_EQ(HYPERVISOR_sched_op(SCHEDOP_watchdog, P(&w), 0), -EINVAL);
}

static void reasons_are_checked(void)
{
	struct pv_sched_shutdown s = {.reason = SHUTDOWN_MAX + 1};

	if (!on_parapet()) {
		skip("others take any reason");
		return;
	}
	CHECK_EQ(HYPERVISOR_sched_op(SCHEDOP_shutdown, P(&s), 0), -EINVAL);
	CHECK_EQ(HYPERVISOR_sched_op(SCHEDOP_shutdown_code, P(&s), 0), -EINVAL);
	s.reason = ~0u;
	CHECK_EQ(HYPERVISOR_sched_op(SCHEDOP_shutdown, P(&s), 0), -EINVAL);
}

/* ---- ends ------------------------------------------------------------------------ */

static void it_crashes_itself(void)
{
	shutdown(SHUTDOWN_crash);
}

static void it_reboots(void)
{
	shutdown(SHUTDOWN_reboot);
}

static void it_powers_off(void)
{
	shutdown(SHUTDOWN_poweroff);
}

static void its_watchdog_bites(void)
{
	struct pv_sched_watchdog w = {.timeout = 1};

	HYPERVISOR_sched_op(SCHEDOP_watchdog, P(&w), 0);
	for (;;)
		HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
}

const struct test tests[] = {
	{"every entry of a multicall is executed", every_entry_is_executed},
	{"multicalls do not nest", multicalls_do_not_nest},
	{"long calls go on inside a multicall", long_calls_go_on_inside},
	{"results are written as they come", results_are_written_as_they_come},
	{"text of any bytes is written", text_of_any_bytes_is_written},
	{"reading without input gives nothing",
	 reading_without_input_gives_nothing},
	{"assists are taken", assists_are_taken},
	{"callbacks are set the old way", callbacks_are_set_the_old_way},
	{"some callbacks stay", some_callbacks_stay},
	{"watchdogs are limited", watchdogs_are_limited},
	{"reasons of a shutdown are checked", reasons_are_checked},
	{"a domain that says it crashed resets the machine", it_crashes_itself,
	 REBOOTS},
	{"a reboot resets the machine", it_reboots, REBOOTS},
	{"a shutdown switches the machine off", it_powers_off, POWERS_OFF},
	{"a watchdog that is not served resets it", its_watchdog_bites,
	 REBOOTS},
	{},
};
