/* SPDX-License-Identifier: MIT */
/*
 * Every hypercall with bad arguments: pointers that lead nowhere or into the
 * hypervisor, numbers that nothing has, domains and vcpus that do not exist.
 *
 * Each is refused with its documented error and without any effect; what the
 * calls do when they are right is told by the other tests.
 */
#include "tests/guest/lib/hostile.h"

#define NOWHERE 60ul /* a command that nothing has                    */
#define NOBODY  0x1234ul /* a domain that does not exist                  */
#define NO_VCPU 31ul

struct call {
	const char *name;
	unsigned int nr;
	uint64_t args[4];
	long want;
	bool nothing_is_good; /* address 0 means something             */
};

/* ---- pointers ------------------------------------------------------------ */

#define ROW(call, number, ...)                                                 \
	{                                                                      \
		.name = call, .nr = number, .args = {__VA_ARGS__},             \
		.want = -EFAULT,                                               \
	}
#define POINTER(call, ...) ROW(#call, HC_##call, __VA_ARGS__)
#define EVENT(op)          ROW(#op, HC_event_channel_op, EVTCHNOP_##op, HERE)
#define VCPU(op)           ROW(#op, HC_vcpu_op, VCPUOP_##op, 0, HERE)
#define PHYSDEV(op)        ROW(#op, HC_physdev_op, PHYSDEVOP_##op, HERE)
#define MEMORY(op)         ROW(#op, HC_memory_op, XENMEM_##op, HERE)
#define GRANT(op)          ROW(#op, HC_grant_table_op, GNTTABOP_##op, HERE, 1)
#define VERSION(op)        ROW(#op, HC_xen_version, XENVER_##op, HERE)

static const struct call pointers[] = {
	{"set_trap_table", HC_set_trap_table, {HERE}, -EFAULT, true},
	POINTER(mmu_update, HERE, 1, 0, DOMID_SELF),
	POINTER(set_gdt, HERE, 8),
	POINTER(platform_op, HERE),
	POINTER(multicall, HERE, 1),
	POINTER(mmuext_op, HERE, 1, 0, DOMID_SELF),
	POINTER(console_io, CONSOLEIO_write, 8, HERE),
	POINTER(sched_op, SCHEDOP_shutdown, HERE),
	POINTER(sched_op, SCHEDOP_poll, HERE),
	POINTER(sched_op, SCHEDOP_remote_shutdown, HERE),
	POINTER(sched_op, SCHEDOP_watchdog, HERE),
	POINTER(callback_op, CALLBACKOP_register, HERE),
	POINTER(callback_op, CALLBACKOP_unregister, HERE),
	EVENT(bind_interdomain),
	EVENT(bind_virq),
	EVENT(bind_pirq),
	EVENT(close),
	EVENT(send),
	EVENT(status),
	EVENT(alloc_unbound),
	EVENT(bind_ipi),
	EVENT(bind_vcpu),
	EVENT(unmask),
	EVENT(init_control),
	EVENT(expand_array),
	EVENT(set_priority),
	{"initialise", HC_vcpu_op, {VCPUOP_initialise, 1, HERE}, -EFAULT},
	VCPU(get_runstate_info),
	VCPU(register_runstate_memory_area),
	VCPU(set_periodic_timer),
	VCPU(set_singleshot_timer),
	VCPU(register_vcpu_info),
	VCPU(register_vcpu_time_memory_area),
	PHYSDEV(irq_status_query),
	PHYSDEV(set_iopl),
	PHYSDEV(eoi),
	PHYSDEV(map_pirq),
	PHYSDEV(unmap_pirq),
	PHYSDEV(apic_read),
	PHYSDEV(setup_gsi),
	PHYSDEV(get_free_pirq),
	PHYSDEV(pci_device_add),
	PHYSDEV(pirq_eoi_gmfn_v2),
	MEMORY(maximum_reservation),
	MEMORY(current_reservation),
	MEMORY(machphys_mapping),
	MEMORY(machine_memory_map),
	MEMORY(exchange),
	GRANT(map_grant_ref),
	GRANT(unmap_grant_ref),
	GRANT(setup_table),
	GRANT(copy),
	GRANT(query_size),
	GRANT(set_version),
	VERSION(extraversion),
	VERSION(compile_info),
	VERSION(capabilities),
	VERSION(changeset),
	VERSION(platform_parameters),
	VERSION(get_features),
	VERSION(guest_handle),
	VERSION(commandline),
	{},
};

static const struct call own_pointers[] = {
	POINTER(control_op, HERE),
	POINTER(ext_op, PV_EXT_get_features, HERE),
	{},
};

static long call_with(const struct call *c, uint64_t address)
{
	uint64_t a[4];
	unsigned int i;

	for (i = 0; i < 4; i++)
		a[i] = c->args[i] == HERE ? address : c->args[i];
	return hypercall(c->nr, a[0], a[1], a[2], a[3], 0);
}

static void try_pointers(const struct call *c)
{
	for (; c->name; c++) {
		for_each_hostile(h)
		{
			long rc;

			if (!h->va && c->nothing_is_good)
				continue;
			rc = call_with(c, h->va);
			CHECKF(rc == c->want, "%s(%s): %ld", c->name, h->name,
			       rc);
		}
	}
}

static void pointers_are_checked(void)
{
	try_pointers(pointers);
	if (on_parapet())
		try_pointers(own_pointers);
}

/* The last readable bytes of a page, followed by one that is not mapped. */
static void structs_may_not_cross_into_nothing(void)
{
	uint8_t *page = pages_alloc(2), *next = page + PAGE_SIZE;
	const struct call *c;

	CHECK_EQ(HYPERVISOR_update_va_mapping(P(next), 0, UVMF_INVLPG), 0);
	for (c = pointers; c->name; c++) {
		long rc = call_with(c, P(next) - 1);

		CHECKF(rc == c->want, "%s: %ld", c->name, rc);
	}
	CHECK_EQ(page_set(next, PTE_KERNEL), 0);
	page_free(next);
	page_free(page);
}

/* What a call writes may not go to a page that the guest cannot write. */
static void results_need_a_writable_page(void)
{
	static const unsigned int writers[] = {
		XENVER_extraversion,
		XENVER_compile_info,
		XENVER_capabilities,
		XENVER_platform_parameters,
	};
	uint8_t *page = page_alloc();
	unsigned int i;

	CHECK_EQ(page_set(page, PTE_P | PTE_A), 0);
	for (i = 0; i < ARRAY_SIZE(writers); i++)
		CHECK_EQ(HYPERVISOR_xen_version(writers[i], P(page)), -EFAULT);
	CHECK_EQ(HYPERVISOR_xen_version(XENVER_extraversion,
					start_info->pt_base),
		 -EFAULT);
	page_free(page);
}

/* ---- numbers ------------------------------------------------------------- */

static void unknown_numbers_are_refused(void)
{
	/* The low 32 bits are the number. */
	static const uint64_t far[] = {
		64,         65,         127,           128,
		255,        256,        0x10000003ful, ~0ul,
		0x80000011, 0xffffffff, 0x7fffffff,    0xdeadbeef,
	};
	static const uint8_t unused[] = {11, 42, 43, 44, 45, 46, 47, 50, 51, 54,
					 55, 56, 57, 58, 59, 60, 61, 62, 63};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unused); i++) {
		long rc = hypercall(unused[i], 0, 0, 0, 0, 0);

		/* 42 means something elsewhere. */
		CHECKF(rc == -ENOSYS || (unused[i] == 42 && !on_parapet()),
		       "%u: %ld", unused[i], rc);
	}
	for (i = 0; i < ARRAY_SIZE(far); i++) {
		long rc = hypercall(far[i], 0, 0, 0, 0, 0);

		CHECKF(rc == -ENOSYS, "%#lx: %ld", far[i], rc);
	}
}

static void refused_numbers_are_refused(void)
{
	static const uint8_t refused[] = {
#define PV_HYPERCALL(number, name, nargs)
#define PV_HYPERCALL_REFUSED(number, name) number,
#include <pv/hypercalls.def>
	};
	unsigned int i;

	if (!on_parapet()) {
		skip("others serve some of them");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		CHECK_EQ(hypercall(refused[i], 0, 0, 0, 0, 0), -ENOSYS);
}

static uint64_t scratch[512] __attribute__((aligned(4096)));

static void unknown_commands_are_refused(void)
{
	static const struct call calls[] = {
		{"memory_op", HC_memory_op, {63, HERE}, -ENOSYS},
		{"console_io", HC_console_io, {NOWHERE, 1, HERE}, -ENOSYS},
		{"grant_table_op",
		 HC_grant_table_op,
		 {NOWHERE, HERE, 1},
		 -ENOSYS},
		{"vcpu_op", HC_vcpu_op, {NOWHERE, 0, HERE}, -ENOSYS},
		{"sched_op", HC_sched_op, {NOWHERE, HERE}, -ENOSYS},
		{"callback_op", HC_callback_op, {NOWHERE, HERE}, -ENOSYS},
		{"event_channel_op",
		 HC_event_channel_op,
		 {NOWHERE, HERE},
		 -ENOSYS},
		{"physdev_op", HC_physdev_op, {NOWHERE, HERE}, -ENOSYS},
		{"xen_version", HC_xen_version, {NOWHERE, HERE}, -ENOSYS},
		{"vm_assist", HC_vm_assist, {NOWHERE, 0}, -ENOSYS},
		{"vm_assist", HC_vm_assist, {VMASST_CMD_enable, 31}, -EINVAL},
		{"set_segment_base", HC_set_segment_base, {9, 0}, -EINVAL},
		{},
	};
	const struct call *c;

	for (c = calls; c->name; c++) {
		long rc = call_with(c, P(scratch));

		CHECKF(rc == c->want, "%s: %ld", c->name, rc);
	}
	CHECK_EQ(mmuext(NOWHERE, 0, 0), -ENOSYS);
}

static void platform_versions_are_checked(void)
{
	struct pv_platform_op op = {.cmd = XENPF_firmware_info};

	op.interface_version = XENPF_INTERFACE_VERSION + 1;
	CHECK_EQ(HYPERVISOR_platform_op(P(&op)), -EACCES);
	op.interface_version = XENPF_INTERFACE_VERSION;
	op.cmd = 99;
	CHECK_EQ(HYPERVISOR_platform_op(P(&op)), -ENOSYS);
}

static void unknown_vcpus_are_refused(void)
{
	unsigned int op;

	for (op = VCPUOP_initialise; op <= VCPUOP_stop_singleshot_timer; op++) {
		long rc = HYPERVISOR_vcpu_op(op, NO_VCPU, P(scratch));

		CHECKF(rc == -ENOENT, "vcpu_op %u: %ld", op, rc);
		rc = HYPERVISOR_vcpu_op(op, ~0u, P(scratch));
		CHECKF(rc == -ENOENT, "vcpu_op %u of vcpu ~0: %ld", op, rc);
	}
}

static void unknown_domains_are_refused(void)
{
	static const uint64_t nobodies[] = {NOBODY, DOMID_IDLE, DOMID_INVALID,
					    DOMID_COW,
					    DOMID_FIRST_RESERVED - 1};
	struct pv_memory_reservation r = {.nr_extents = 0};
	struct pv_evtchn_alloc_unbound unbound;
	struct pv_evtchn_bind_interdomain bind;
	struct pv_mmu_update update = {.ptr = machine_address(scratch)};
	struct pv_mmuext_op ext = {.cmd = MMUEXT_TLB_FLUSH_LOCAL};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nobodies); i++) {
		domid_t dom = nobodies[i];

		r.domid = dom;
		CHECK(HYPERVISOR_memory_op(XENMEM_decrease_reservation,
					   P(&r)) <= 0);
		CHECK(HYPERVISOR_mmu_update(P(&update), 1, 0, dom) < 0);
		CHECK(HYPERVISOR_mmuext_op(P(&ext), 1, 0, dom) < 0);
		unbound = (struct pv_evtchn_alloc_unbound){.dom = dom};
		CHECK(HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound,
						  P(&unbound)) < 0);
		bind = (struct pv_evtchn_bind_interdomain){.remote_dom = dom};
		CHECK(HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain,
						  P(&bind)) < 0);
	}
}

/* ---- counts -------------------------------------------------------------- */

static void counts_of_nothing_do_nothing(void)
{
	CHECK_EQ(HYPERVISOR_mmu_update(0, 0, 0, DOMID_SELF), 0);
	CHECK_EQ(HYPERVISOR_mmuext_op(0, 0, 0, DOMID_SELF), 0);
	CHECK_EQ(HYPERVISOR_multicall(0, 0), 0);
	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_copy, P(scratch), 0), 0);
	CHECK_EQ(HYPERVISOR_console_io(CONSOLEIO_write, 0, P(scratch)), 0);
}

static void huge_counts_end_where_the_memory_does(void)
{
	uint8_t *page = pages_alloc(2), *next = page + PAGE_SIZE;

	CHECK_EQ(HYPERVISOR_update_va_mapping(P(next), 0, UVMF_INVLPG), 0);
	/* Entries of zeroes: an update of frame 0, a flush of nothing. */
	CHECK(HYPERVISOR_mmu_update(P(page), 0x7fffffff, 0, DOMID_SELF) < 0);
	memset(page, 0xff, PAGE_SIZE);
	CHECK(HYPERVISOR_mmuext_op(P(page), 0x7fffffff, 0, DOMID_SELF) < 0);
	CHECK(HYPERVISOR_multicall(P(page), 0x7fffffff) < 0);
	CHECK(HYPERVISOR_grant_table_op(GNTTABOP_copy, P(page), 0x7fffffff) <
	      0);
	CHECK(HYPERVISOR_console_io(CONSOLEIO_write, 0x7fffffff,
				    HYPERVISOR_VIRT_START) < 0);
	CHECK_EQ(page_set(next, PTE_KERNEL), 0);
	page_free(next);
	page_free(page);
}

/* The registers that a hypercall does not return in are its caller's. */
static void registers_survive(void)
{
	uint64_t rbx = 0x1111, rbp, r12 = 3, r13 = 4, r14 = 5, r15 = 6;
	register uint64_t r9 __asm__("r9") = 0x9999;
	long rc;

	__asm__ volatile("movq %%rbp, %%r11\n"
			 "movq $0x2222, %%rbp\n"
			 "pushq %%r11\n"
			 "movq $0x1111, %%rbx\n movq $3, %%r12\n"
			 "movq $4, %%r13\n movq $5, %%r14\n movq $6, %%r15\n"
			 "xorl %%edi, %%edi\n xorl %%esi, %%esi\n"
			 "movl %7, %%eax\n syscall\n"
			 "movq %%rbp, %1\n popq %%rbp\n"
			 "movq %%r12, %2\n movq %%r13, %3\n"
			 "movq %%r14, %4\n movq %%r15, %5\n"
			 : "=a"(rc), "=&d"(rbp), "=m"(r12), "=m"(r13),
			   "=m"(r14), "=m"(r15), "=&b"(rbx)
			 : "i"(HC_xen_version), "r"(r9)
			 : "rcx", "r11", "rdi", "rsi", "r12", "r13", "r14",
			   "r15", "memory");
	CHECK(rc > 0);
	CHECK_EQ(rbx, 0x1111);
	CHECK_EQ(rbp, 0x2222);
	CHECK_EQ(r12, 3);
	CHECK_EQ(r13, 4);
	CHECK_EQ(r14, 5);
	CHECK_EQ(r15, 6);
}

RUN("vcpus=2");

const struct test tests[] = {
	{"bad pointers are refused", pointers_are_checked},
	{"a struct that ends in an unmapped page is refused",
	 structs_may_not_cross_into_nothing},
	{"results do not go to read-only pages", results_need_a_writable_page},
	{"unknown numbers are refused", unknown_numbers_are_refused},
	{"calls that are listed as refused are", refused_numbers_are_refused},
	{"unknown commands are refused", unknown_commands_are_refused},
	{"platform_op checks its version", platform_versions_are_checked},
	{"vcpus that do not exist are refused", unknown_vcpus_are_refused},
	{"domains that do not exist are refused", unknown_domains_are_refused},
	{"a count of 0 does nothing", counts_of_nothing_do_nothing},
	{"a huge count ends where the memory does",
	 huge_counts_end_where_the_memory_does},
	{"a hypercall keeps the caller's registers", registers_survive},
	{},
};
