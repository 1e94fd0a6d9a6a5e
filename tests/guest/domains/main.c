/* SPDX-License-Identifier: MIT */
/*
 * Other domains: made, run, watched, paused and destroyed by control_op; what
 * one may do to another, and what it may not.
 *
 * The children are copies of this kernel.  What they check they print on their
 * console ring, from where it comes here.
 */
#include "tests/guest/lib/child.h"
#include "tests/guest/lib/doors.h"
#include "tests/guest/lib/hostile.h"

enum {
	CHILD_ENDS,
	CHILD_TRIES,
	CHILD_SPINS,
	CHILD_BLOCKS,
	CHILD_FAULTS,
	CHILD_CALLS_DOORS,
	CHILD_SHARES,
};

static struct pv_domain_info info_of(domid_t dom)
{
	struct pv_control_op op = {.cmd = 0};

	CHECK_EQ(control(&op, PV_CONTROL_get_domain, dom), 0);
	return op.u.domain;
}

/* ---- life -------------------------------------------------------------------------- */

static struct child child, other;

static void a_child_lives_and_ends(void)
{
	uint64_t before = 0;
	unsigned int i;

	/* The first one fills caches of the hypervisor. */
	for (i = 0; i < 4; i++) {
		if (i == 1)
			before = machine_free_pages();
		CHECK_EQ(child_start(&child, CHILD_ENDS), 0);
		CHECK_EQ(child_wait(&child, 10000), SHUTDOWN_poweroff);
		CHECK_EQ(child_destroy(&child), 0);
	}
	CHECK_EQ(machine_free_pages(), before);
}

static void its_end_is_told(void)
{
	evtchn_port_t port = bind_virq(VIRQ_DOM_EXC, 0);
	uint32_t before;

	events_unmask();
	before = event_count[port];
	CHECK_EQ(child_start(&child, CHILD_ENDS), 0);
	CHECK(wait_change(&event_count[port], before, 10000));
	CHECK_EQ(child_wait(&child, 10000), SHUTDOWN_poweroff);
	CHECK_EQ(child_destroy(&child), 0);
	events_mask();
	CHECK_EQ(port_close(port), 0);
}

static void it_may_crash_alone(void)
{
	uint64_t before = machine_free_pages();

	CHECK_EQ(child_start(&child, CHILD_FAULTS), 0);
	CHECK_EQ(child_wait(&child, 10000), SHUTDOWN_crash);
	CHECK_EQ(child_destroy(&child), 0);
	CHECK_EQ(machine_free_pages(), before);
}

static void its_doors_open(void)
{
	CHECK_EQ(child_start(&child, CHILD_CALLS_DOORS), 0);
	CHECK_EQ(child_wait(&child, 20000), SHUTDOWN_poweroff);
	CHECK_EQ(child_destroy(&child), 0);
}

/* ---- rights -------------------------------------------------------------------------- */

static void it_has_no_rights(void)
{
	void *secret = page_alloc();
	volatile uint64_t *mailbox;

	memset(secret, 0x5e, PAGE_SIZE);
	CHECK_EQ(child_create(&child), 0);
	CHECK_EQ(child_load(&child, CHILD_TRIES), 0);
	/* It is told a frame of ours, in the unused page 0. */
	mailbox = page_alloc();
	CHECK_EQ(foreign_map((void *)mailbox, child.dom, child.mfn[0],
			     PTE_KERNEL),
		 0);
	mailbox[0] = va_to_mfn(secret);
	mailbox[1] = va_to_mfn(kernel_root());
	CHECK_EQ(control(&(struct pv_control_op){.cmd = 0},
			 PV_CONTROL_unpause_domain, child.dom),
		 0);
	CHECK_EQ(child_wait(&child, 20000), SHUTDOWN_poweroff);
	foreign_map((void *)mailbox, DOMID_SELF, 0, 0);
	page_free((void *)mailbox);
	CHECK_EQ(child_destroy(&child), 0);
	CHECK_EQ(*(uint64_t *)secret, 0x5e5e5e5e5e5e5e5e);
	page_free(secret);
}

/* In the child. */
static void control_is_refused(void)
{
	struct pv_platform_op platform = {
		.cmd = XENPF_get_cpuinfo,
		.interface_version = XENPF_INTERFACE_VERSION,
	};
	struct pv_memory_map mm = {.nr_entries = 1, .buffer = P(&platform)};
	struct pv_physdev_setup_gsi gsi = {.gsi = 9};
	struct pv_sched_remote_shutdown end = {.domain_id = 0};
	struct pv_memory_reservation r = {.domid = 0};
	struct pv_evtchn_bind_pirq pirq = {.pirq = 9};
	struct pv_evtchn_alloc_unbound unbound = {.dom = 0};
	unsigned int cmd;
	domid_t zero = 0;

	for (cmd = 0; cmd < 40; cmd++) {
		struct pv_control_op op = {.cmd = 0};

		CHECKF(control(&op, cmd, 0) == -EPERM, "control %u", cmd);
	}
	CHECK_EQ(HYPERVISOR_platform_op(P(&platform)), -EPERM);
	CHECK_EQ(HYPERVISOR_console_io(CONSOLEIO_write, 3, P("oh\n")), -EPERM);
	CHECK_EQ(HYPERVISOR_memory_op(XENMEM_machine_memory_map, P(&mm)),
		 -EPERM);
	CHECK_EQ(HYPERVISOR_memory_op(XENMEM_current_reservation, P(&zero)),
		 -EPERM);
	CHECK(HYPERVISOR_memory_op(XENMEM_decrease_reservation, P(&r)) <= 0);
	CHECK(HYPERVISOR_physdev_op(PHYSDEVOP_setup_gsi, P(&gsi)) < 0);
	CHECK(HYPERVISOR_sched_op(SCHEDOP_remote_shutdown, P(&end), 0) < 0);
	CHECK(HYPERVISOR_event_channel_op(EVTCHNOP_bind_pirq, P(&pirq)) < 0);
	CHECK(HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, P(&unbound)) <
	      0);
	CHECK(mmuext(MMUEXT_FLUSH_CACHE, 0, 0) < 0);
}

static void frames_of_others_are_refused(const uint64_t *frames)
{
	static uint8_t page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
	static const uint64_t devices[] = {0xb8,    0xfee00, 0xfec00,
					   0xb0000, 0xfed00, 0x0};
	domid_t doms[] = {DOMID_SELF, 0, DOMID_IO, DOMID_XEN};
	unsigned int i, k;
	uint64_t mfn;

	for (k = 0; k < ARRAY_SIZE(doms); k++) {
		for (i = 0; i < 2; i++) {
			CHECK(foreign_map(page, doms[k], frames[i],
					  PTE_KERNEL) < 0);
			CHECK(foreign_map(page, doms[k], frames[i], PTE_P) < 0);
		}
		for (i = 0; i < ARRAY_SIZE(devices); i++)
			CHECKF(foreign_map(page, doms[k], devices[i],
					   PTE_KERNEL) < 0,
			       "device %#lx as %#x", devices[i], doms[k]);
		for (mfn = 0; mfn < 0x10000; mfn += 61)
			if (mfn_to_pfn(mfn) >= CHILD_PAGES ||
			    pfn_to_mfn(mfn_to_pfn(mfn)) != mfn)
				if (!CHECKF(foreign_map(page, doms[k], mfn,
							PTE_P) < 0,
					    "frame %#lx as %#x", mfn, doms[k]))
					break;
	}
	CHECK(mmuext(MMUEXT_CLEAR_PAGE, frames[0], 0) < 0);
	CHECK(mmuext(MMUEXT_PIN_L4_TABLE, frames[1], 0) < 0);
	CHECK(mmuext(MMUEXT_NEW_BASEPTR, frames[1], 0) < 0);
	CHECK(HYPERVISOR_update_descriptor(frames[0] * PAGE_SIZE, 0) < 0);
	CHECK_EQ(page_set(page, PTE_KERNEL), 0);
}

static void ports_are_refused(void)
{
	uint32_t v = 0;
	struct pv_physdev_set_iopl iopl = {3};

	HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, P(&iopl));
	/* With all the rights it can have, they read as ones. */
	__asm__ volatile("inb $0x71, %%al" : "=a"(v));
	CHECK_EQ(v & 0xff, 0xff);
	/* But for the interval timer's counter, which stands still. */
	__asm__ volatile("inb $0x42, %%al" : "=a"(v));
	CHECK_EQ(v & 0xff, 0);
	/* Nor is there a bus to configure. */
	__asm__ volatile("outl %0, %w1" : : "a"(1u << 31), "d"(0xcf8));
	__asm__ volatile("inl %w1, %0" : "=a"(v) : "d"(0xcfc));
	CHECK_EQ(v, 0xffffffff);
	v = 0;
	__asm__ volatile("inw %w1, %w0" : "+a"(v) : "d"(0xcfe));
	CHECK_EQ(v, 0xffff);
	__asm__ volatile("outb %%al, $0x80" : : "a"(0));
}

static void child_tries(void)
{
	const volatile uint64_t *mailbox = (const uint64_t *)VIRT_BASE;
	uint64_t frames[2] = {mailbox[0], mailbox[1]};

	control_is_refused();
	frames_of_others_are_refused(frames);
	ports_are_refused();
	CHECK(start_info->nr_pages == CHILD_PAGES);
}

/* ---- pauses, lists, limits ---------------------------------------------------------------- */

/* Until it has run for more than @ns in all. */
static bool wait_run(uint64_t ns)
{
	uint64_t until = system_time() + 20000 * 1000000ul;

	while (info_of(child.dom).cpu_time <= ns)
		if (system_time() > until)
			return false;
	return true;
}

static void it_is_paused_and_goes_on(void)
{
	struct pv_control_op op = {.cmd = 0};
	uint64_t time;

	CHECK_EQ(child_start(&child, CHILD_SPINS), 0);
	CHECK(wait_run(0));
	CHECK_EQ(control(&op, PV_CONTROL_pause_domain, child.dom), 0);
	CHECK(info_of(child.dom).flags & PV_DOMAIN_PAUSED);
	time = info_of(child.dom).cpu_time;
	CHECK(time > 0);
	spin_ms(20);
	CHECK_EQ(info_of(child.dom).cpu_time, time);
	CHECK_EQ(control(&op, PV_CONTROL_unpause_domain, child.dom), 0);
	CHECK(wait_run(time));
	CHECK_EQ(control(&op, PV_CONTROL_unpause_domain, child.dom), -EINVAL);
	/* Destroyed in the middle of its work. */
	CHECK_EQ(child_destroy(&child), 0);
	CHECK(control(&op, PV_CONTROL_get_domain, child.dom) < 0);
}

static void two_are_listed(void)
{
	static struct pv_domain_info list[8];
	struct pv_control_op op = {
		.u.list = {.buffer = P(list), .nr_entries = 8},
	};

	CHECK_EQ(child_start(&child, CHILD_BLOCKS), 0);
	CHECK_EQ(child_start(&other, CHILD_SPINS), 0);
	CHECK(child.dom != other.dom);
	CHECK_EQ(control(&op, PV_CONTROL_list_domains, 0), 0);
	CHECK_EQ(op.u.list.nr_entries, 3);
	CHECK_EQ(list[0].domid, 0);
	CHECK(list[0].flags & PV_DOMAIN_PRIVILEGED);
	CHECK_EQ(list[1].nr_pages, CHILD_PAGES);
	CHECK_EQ(list[2].domid, other.dom > child.dom ? other.dom : child.dom);
	CHECK_EQ(child_destroy(&child), 0);
	CHECK_EQ(child_destroy(&other), 0);
}

static void wrong_requests_are_refused(void)
{
	struct pv_control_op op = {.cmd = PV_CONTROL_get_machine,
				   .version = PV_CONTROL_VERSION + 1};
	unsigned int cmd;

	CHECK_EQ(HYPERVISOR_control_op(P(&op)), -EINVAL);
	for (cmd = 0; cmd < 80; cmd++) {
		memset(&op, 0, sizeof(op));
		/* Against the control domain, or nothing sensible. */
		if (cmd == PV_CONTROL_create_domain ||
		    (cmd >= PV_CONTROL_get_domain &&
		     cmd <= PV_CONTROL_list_domains) ||
		    cmd == PV_CONTROL_get_vcpu ||
		    cmd == PV_CONTROL_claim_memory ||
		    cmd == PV_CONTROL_get_sched || cmd >= PV_CONTROL_read_log ||
		    cmd == PV_CONTROL_set_max_memory)
			continue;
		CHECKF(control(&op, cmd, 0) < 0, "%u of d0", cmd);
		memset(&op, 0, sizeof(op));
		CHECKF(control(&op, cmd, 0x1234) < 0, "%u of nobody", cmd);
		memset(&op, 0, sizeof(op));
		CHECKF(control(&op, cmd, DOMID_SELF) < 0, "%u of self", cmd);
	}
	memset(&op, 0, sizeof(op));
	op.reserved0 = 1;
	CHECK_EQ(control(&op, PV_CONTROL_get_machine, 0), -EINVAL);
	memset(&op, 0, sizeof(op));
	CHECK_EQ(control(&op, 200, 0), -ENOSYS);
}

static void limits_of_new_domains_are_checked(void)
{
	static const struct pv_control_create bad[] = {
		{.max_pages = 64, .max_vcpus = 0},
		{.max_pages = 64, .max_vcpus = 33},
		{.max_pages = 64, .max_vcpus = ~0u},
		{.max_pages = 64, .max_vcpus = 1, .flags = 1},
		{.max_pages = 64, .max_vcpus = 1, .reserved0 = 1},
	};
	struct pv_control_op op;
	uint64_t before = machine_free_pages();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(&op, 0, sizeof(op));
		op.u.create = bad[i];
		CHECKF(control(&op, PV_CONTROL_create_domain, DOMID_INVALID) <
			       0,
		       "%u", i);
	}
	memset(&op, 0, sizeof(op));
	op.u.create =
		(struct pv_control_create){.max_pages = 1, .max_vcpus = 1};
	CHECK(control(&op, PV_CONTROL_create_domain, 0) < 0);
	CHECK(control(&op, PV_CONTROL_create_domain, DOMID_SELF) < 0);
	CHECK(control(&op, PV_CONTROL_create_domain, DOMID_FIRST_RESERVED) < 0);
	CHECK_EQ(machine_free_pages(), before);
}

static void wrong_states_are_refused(void)
{
	struct pv_control_op op = {.cmd = 0};
	static struct pv_vcpu_guest_context x;

	CHECK_EQ(child_create(&child), 0);
	for_each_hostile(h)
	{
		memset(&op, 0, sizeof(op));
		op.u.context.context = h->va;
		CHECKF(control(&op, PV_CONTROL_set_vcpu_context, child.dom) ==
			       -EFAULT,
		       "%s", h->name);
	}
	/* Our own root is not the child's. */
	memset(&x, 0, sizeof(x));
	x.flags = VGCF_in_kernel;
	x.ctrlreg[3] = va_to_mfn(kernel_root()) * PAGE_SIZE;
	memset(&op, 0, sizeof(op));
	op.u.context.context = P(&x);
	CHECK(control(&op, PV_CONTROL_set_vcpu_context, child.dom) < 0);
	x.ctrlreg[3] = child.mfn[3] * PAGE_SIZE;
	op.u.context.vcpu = 7;
	CHECK(control(&op, PV_CONTROL_set_vcpu_context, child.dom) < 0);
	/* What has no state does not run. */
	memset(&op, 0, sizeof(op));
	control(&op, PV_CONTROL_unpause_domain, child.dom);
	CHECK_EQ(child_destroy(&child), 0);
}

static long context_op(uint32_t cmd, struct pv_vcpu_guest_context *x)
{
	struct pv_control_op op = {.u.context = {.context = P(x)}};

	return control(&op, cmd, child.dom);
}

/* What is read is what was set, and makes the same again. */
static void a_state_is_read_back(void)
{
	static struct pv_vcpu_guest_context x, y;

	CHECK_EQ(child_create(&child), 0);
	CHECK_EQ(child_load(&child, 0), 0);
	CHECK_EQ(context_op(PV_CONTROL_get_vcpu_context, &x), 0);
	CHECK_EQ(x.flags & VGCF_in_kernel, VGCF_in_kernel);
	CHECK_EQ(x.user_regs.cs & 3, 1);
	CHECK(x.user_regs.rip >= VIRT_BASE);
	CHECK(x.ctrlreg[3] && !(x.ctrlreg[3] % PAGE_SIZE));
	x.user_regs.r12 = 0x1234567890;
	x.debugreg[0] = VIRT_BASE;
	x.event_callback_eip = VIRT_BASE + 0x1000;
	CHECK_EQ(context_op(PV_CONTROL_set_vcpu_context, &x), 0);
	CHECK_EQ(context_op(PV_CONTROL_get_vcpu_context, &y), 0);
	CHECK_EQ(memcmp(&x, &y, sizeof(x)), 0);
	CHECK_EQ(child_destroy(&child), 0);
}

/* ---- what two share ------------------------------------------------------------------------- */

#define GRANT_REF 9

/*
 * In the child: it lends a page of its own and a port; the parent maps the one
 * and connects to the other, and they play one round.
 */
static void child_shares(void)
{
	volatile uint64_t *mailbox = (volatile uint64_t *)VIRT_BASE;
	struct pv_grant_entry_v1 *table = page_alloc();
	uint64_t *page = page_alloc(), frame = 0;
	struct pv_gnttab_setup_table setup = {
		.dom = DOMID_SELF, .nr_frames = 1, .frame_list = P(&frame)};
	struct pv_evtchn_alloc_unbound port = {.dom = DOMID_SELF};
	uint32_t before;

	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_setup_table, P(&setup), 1),
		 0);
	CHECK_EQ(HYPERVISOR_update_va_mapping(
			 P(table), frame * PAGE_SIZE | PTE_KERNEL, UVMF_INVLPG),
		 0);
	page[0] = 0x1234;
	table[GRANT_REF].frame = va_to_mfn(page);
	table[GRANT_REF].domid = 0;
	__atomic_store_n(&table[GRANT_REF].flags, GTF_permit_access,
			 __ATOMIC_SEQ_CST);
	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, P(&port)),
		 0);
	port_unmask(port.port);
	events_unmask();
	before = event_count[port.port];
	mailbox[0] = port.port;
	/* The parent has mapped it, written to it and sent an event. */
	CHECK(wait_change(&event_count[port.port], before, 10000));
	CHECK_EQ(*(volatile uint64_t *)page, 0x4321);
	CHECK_EQ(port_send(port.port), 0);
	/* While it is mapped it cannot be a page table, nor given back. */
	page[0] = 0;
	page_set(page, PTE_P);
	CHECK(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(page), 0) < 0);
	mailbox[1] = 1;
	CHECK(wait_change(&event_count[port.port], before + 1, 10000));
	CHECK_EQ(table[GRANT_REF].flags, GTF_permit_access);
	CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(page), 0), 0);
}

static void parent_plays(volatile uint64_t *mailbox)
{
	uint64_t *page = page_alloc(), until = system_time() + 10000000000;
	struct pv_gnttab_map_grant_ref m = {
		.host_addr = P(page),
		.flags = GNTMAP_host_map,
		.ref = GRANT_REF,
		.dom = child.dom,
	};
	struct pv_gnttab_unmap_grant_ref u = {.host_addr = P(page)};
	struct pv_evtchn_bind_interdomain b = {.remote_dom = child.dom};
	uint32_t before;

	while (!mailbox[0] && system_time() < until)
		HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
	b.remote_port = mailbox[0];
	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, P(&b)),
		 0);
	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, P(&m), 1),
		 0);
	if (!CHECK_EQ(m.status, GNTST_okay))
		return;
	CHECK_EQ(page[0], 0x1234);
	page[0] = 0x4321;
	port_pending(b.local_port);
	port_unmask(b.local_port);
	events_unmask();
	before = event_count[b.local_port];
	CHECK_EQ(port_send(b.local_port), 0);
	CHECK(wait_change(&event_count[b.local_port], before, 10000));
	/* It has been told; now it tries to make a table of the page. */
	while (!mailbox[1] && system_time() < until)
		HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
	u.handle = m.handle;
	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, P(&u), 1),
		 0);
	CHECK_EQ(u.status, GNTST_okay);
	CHECK_EQ(port_send(b.local_port), 0);
	events_mask();
	page_free(page);
}

static void share_once(void)
{
	volatile uint64_t *mailbox = page_alloc();
	uint64_t before;

	CHECK_EQ(child_create(&child), 0);
	CHECK_EQ(child_load(&child, CHILD_SHARES), 0);
	CHECK_EQ(foreign_map((void *)mailbox, child.dom, child.mfn[0],
			     PTE_KERNEL),
		 0);
	mailbox[0] = mailbox[1] = 0;
	CHECK_EQ(control(&(struct pv_control_op){.cmd = 0},
			 PV_CONTROL_unpause_domain, child.dom),
		 0);
	parent_plays(mailbox);
	CHECK_EQ(child_wait(&child, 20000), SHUTDOWN_poweroff);
	before = machine_free_pages();
	/* Destroyed while we still map a page of it: that one stays. */
	CHECK_EQ(child_destroy(&child), 0);
	CHECKF(machine_free_pages() > before + CHILD_PAGES / 2, "%lu, %lu",
	       machine_free_pages(), before);
	CHECK_EQ(probe_read(P(mailbox)).vector, -1);
	before = machine_free_pages();
	foreign_map((void *)mailbox, DOMID_SELF, 0, 0);
	CHECK(machine_free_pages() > before);
	page_free((void *)mailbox);
}

static void they_share_a_page_and_a_port(void)
{
	uint64_t before;

	share_once(); /* fills caches */
	before = machine_free_pages();
	share_once();
	share_once();
	CHECK_EQ(machine_free_pages(), before);
}

void child_main(unsigned int which)
{
	switch (which) {
	case CHILD_ENDS:
		CHECK(on_parapet());
		break;
	case CHILD_TRIES:
		child_tries();
		break;
	case CHILD_SPINS:
		for (;;)
			cpu_pause();
	case CHILD_BLOCKS:
		for (;;)
			HYPERVISOR_sched_op(SCHEDOP_block, 0, 0);
	case CHILD_FAULTS:
		HYPERVISOR_set_trap_table(0);
		__asm__ volatile("ud2");
		break;
	case CHILD_CALLS_DOORS:
		doors_init();
		CHECK(doors_round());
		break;
	case CHILD_SHARES:
		child_shares();
		break;
	}
}

RUN("mem=256 hv=control_mem=64M smp=2 vcpus=1 seconds=120");

const struct test tests[] = {
	{"a child lives and ends", a_child_lives_and_ends},
	{"its end is told", its_end_is_told},
	{"it may crash alone", it_may_crash_alone},
	{"its doors open", its_doors_open},
	{"it has no rights", it_has_no_rights},
	{"it is paused and goes on", it_is_paused_and_goes_on},
	{"two are listed", two_are_listed},
	{"wrong requests are refused", wrong_requests_are_refused},
	{"limits of new domains are checked",
	 limits_of_new_domains_are_checked},
	{"wrong states are refused", wrong_states_are_refused},
	{"a state is read back", a_state_is_read_back},
	{"they share a page and a port", they_share_a_page_and_a_port},
	{},
};
