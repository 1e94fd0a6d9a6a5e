/* SPDX-License-Identifier: MIT */
/*
 * The life of a vcpu: initialised once, up, down and up again; its registers,
 * its areas, its NMIs; more of them than processors.
 */
#include "tests/guest/lib/hostile.h"

static volatile uint32_t counter, running;
static struct pv_vcpu_guest_context *context;

static void count_one(void *arg)
{
	__atomic_add_fetch(&counter, 1, __ATOMIC_SEQ_CST);
	(void)arg;
}

static void how_many_there_are(void)
{
	CHECK_EQ(nr_vcpus(), 8);
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_is_up, 0, 0), 1);
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_is_up, 1, 0), 0);
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_is_up, 8, 0), -ENOENT);
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_is_up, ~0u, 0), -ENOENT);
}

static void a_vcpu_without_a_state_does_not_run(void)
{
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_up, 7, 0), -EINVAL);
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_is_up, 7, 0), 0);
}

/* ---- contexts that are refused -------------------------------------------------- */

static void fill(void)
{
	memset(context, 0, sizeof(*context));
	context->flags = VGCF_in_kernel;
	context->user_regs.rip = P(count_one);
	context->user_regs.cs = FLAT_KERNEL_CS;
	context->user_regs.ss = FLAT_KERNEL_SS;
	context->ctrlreg[0] = 0x80050033;
	context->ctrlreg[3] = va_to_mfn(kernel_root()) * PAGE_SIZE;
}

static void refused(const char *what)
{
	long rc = HYPERVISOR_vcpu_op(VCPUOP_initialise, 6, P(context));

	CHECKF(rc < 0, "%s: %ld", what, rc);
	fill();
}

static void wrong_states_are_refused(void)
{
	uint8_t *writable = page_alloc();

	context = pages_alloc(2);
	fill();
	context->ctrlreg[3] = 0xffffffffff000;
	refused("a root beyond memory");
	context->ctrlreg[3] = 0xfee00000;
	refused("a root in device memory");
	context->ctrlreg[3] = va_to_mfn(writable) * PAGE_SIZE;
	refused("a root that is a writable page");
	context->ctrlreg[1] = va_to_mfn(writable) * PAGE_SIZE;
	refused("a user root that is a writable page");
	context->gdt_ents = 512;
	context->gdt_frames[0] = va_to_mfn(writable);
	refused("a GDT that is a writable page");
	context->gdt_ents = 8192;
	refused("too long a GDT");
	if (on_parapet()) {
		context->ldt_base = HYPERVISOR_VIRT_START;
		context->ldt_ents = 8;
		refused("an LDT in the hole");
		context->ldt_base = P(context) + 8;
		context->ldt_ents = 8;
		refused("an LDT that is not aligned");
		context->user_regs.rip = 0x8000000000000000;
		refused("rip");
		context->event_callback_eip = 0x8000000000000000;
		refused("event callback");
		context->failsafe_callback_eip = 0x800000000000;
		refused("failsafe callback");
		context->syscall_callback_eip = 0xffff7fffffffffff;
		refused("syscall callback");
		context->fs_base = 0x8000000000000000;
		refused("fs base");
		context->gs_base_kernel = 0x8000000000000000;
		refused("gs base");
		context->gs_base_user = 0x8000000000000000;
		refused("user gs base");
		context->kernel_sp = 0x8000000000000000;
		refused("kernel stack");
		context->debugreg[0] = HYPERVISOR_VIRT_END - PAGE_SIZE;
		context->debugreg[7] = 1;
		refused("a breakpoint in the hole");
		context->trap_ctxt[3].address = 0x8000000000000000;
		refused("a trap handler");
	}
	page_free(writable);
}

/* ---- running --------------------------------------------------------------------- */

static void vcpus_start_and_stop(void)
{
	unsigned int i, id;

	for (i = 0; i < 3; i++)
		for (id = 1; id < 6; id++) {
			uint32_t before = counter;

			CHECK_EQ(vcpu_run(id, count_one, NULL), 0);
			CHECK(wait_change(&counter, before, 5000));
			CHECK(vcpu_wait_down(id, 5000));
		}
	CHECK_EQ(counter, 15);
}

static void a_state_is_given_once(void)
{
	fill();
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_initialise, 1, P(context)), -EEXIST);
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_initialise, 0, P(context)), -EEXIST);
}

static volatile uint32_t stop;

static void work(void *arg)
{
	volatile uint32_t *slot = arg;

	while (!stop)
		++*slot;
}

/* More than there are processors, and none of them gives up its turn. */
static void many_vcpus_share_processors(void)
{
	static volatile uint32_t slots[8];
	unsigned int id;

	stop = 0;
	for (id = 1; id < 6; id++)
		CHECK_EQ(vcpu_run(id, work, (void *)&slots[id]), 0);
	for (id = 1; id < 6; id++)
		CHECKF(wait_change(&slots[id], 0, 20000), "vcpu %u", id);
	/* They go on, all of them. */
	for (id = 1; id < 6; id++)
		CHECKF(wait_change(&slots[id], slots[id], 20000), "vcpu %u",
		       id);
	stop = 1;
	for (id = 1; id < 6; id++)
		CHECK(vcpu_wait_down(id, 20000));
}

static void spin_till_told(void *arg)
{
	running = 1;
	while (!stop)
		cpu_pause();
	(void)arg;
}

/* Down by another's hand, in the middle of its work; up again, it goes on. */
static void a_vcpu_is_stopped_by_another(void)
{
	static volatile uint32_t slot;
	uint32_t seen;

	stop = 0;
	CHECK_EQ(vcpu_run(1, work, (void *)&slot), 0);
	CHECK(wait_change(&slot, slot, 10000));
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_down, 1, 0), 0);
	CHECK(vcpu_wait_down(1, 10000));
	seen = slot;
	spin_ms(20);
	CHECK_EQ(slot, seen);
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_up, 1, 0), 0);
	CHECK(wait_change(&slot, seen, 10000));
	stop = 1;
	CHECK(vcpu_wait_down(1, 10000));
}

/* ---- registers of each -------------------------------------------------------------- */

static volatile uint32_t wrong;

static void keep_registers(void *arg)
{
	uint64_t id = P(arg), n;

	HYPERVISOR_set_debugreg(0, 0x1000 * id);
	HYPERVISOR_set_segment_base(SEGBASE_FS, 0x2000 * id);
	HYPERVISOR_set_segment_base(SEGBASE_GS_USER, 0x3000 * id);
	for (n = 0; n < 300; n++) {
		uint32_t lo, hi;
		uint64_t r12;

		__asm__ volatile("movq %1, %%r12; movq %%r12, %%r13\n"
				 "xorl %%edi, %%edi; xorl %%esi, %%esi\n"
				 "syscall\n"
				 "xorq %%r13, %%r12; movq %%r12, %0"
				 : "=r"(r12)
				 : "r"(id), "a"(HC_sched_op)
				 : "rcx", "r11", "rdi", "rsi", "r12", "r13",
				   "memory", "cc");
		__asm__ volatile("rdmsr"
				 : "=a"(lo), "=d"(hi)
				 : "c"(0xc0000100));
		wrong += r12 != 0;
		wrong += lo != 0x2000 * id;
		__asm__ volatile("rdmsr"
				 : "=a"(lo), "=d"(hi)
				 : "c"(0xc0000102));
		wrong += lo != 0x3000 * id;
		wrong += HYPERVISOR_get_debugreg(0) != (long)(0x1000 * id);
		wrong += this_vcpu()->id != (id == 9 ? 0 : id);
	}
	HYPERVISOR_set_debugreg(0, 0);
	__atomic_add_fetch(&counter, 1, __ATOMIC_SEQ_CST);
}

static void vcpus_keep_their_registers(void)
{
	unsigned int id;

	counter = wrong = 0;
	for (id = 1; id < 6; id++)
		CHECK_EQ(vcpu_run(id, keep_registers, (void *)(uint64_t)id), 0);
	keep_registers((void *)9);
	for (id = 1; id < 6; id++)
		CHECK(vcpu_wait_down(id, 20000));
	CHECK_EQ(counter, 6);
	CHECK_EQ(wrong, 0);
}

/* ---- one clock ---------------------------------------------------------------- */

static volatile uint64_t told;
static volatile uint32_t turn;

static void tell_time(void *arg)
{
	(void)arg;
	while (!stop) {
		if (turn != 1) {
			HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
			continue;
		}
		told = system_time();
		__atomic_store_n(&turn, 0, __ATOMIC_SEQ_CST);
	}
}

static void clocks_agree(void)
{
	uint64_t before, after;
	unsigned int i;

	if (!(vcpu_info()->time.flags & PVCLOCK_TSC_STABLE_BIT)) {
		skip("the clocks are not said to");
		return;
	}
	stop = turn = 0;
	CHECK_EQ(vcpu_run(1, tell_time, NULL), 0);
	for (i = 0; i < 2000; i++) {
		before = system_time();
		__atomic_store_n(&turn, 1, __ATOMIC_SEQ_CST);
		while (turn)
			HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
		after = system_time();
		if (!CHECKF(before <= told && told <= after,
			    "%lu: %lu, then %lu", before, told, after))
			break;
	}
	stop = 1;
	CHECK(vcpu_wait_down(1, 10000));
}

/* ---- vcpu info ------------------------------------------------------------------------ */

static long register_info(unsigned int id, uint64_t mfn, uint32_t offset)
{
	struct pv_vcpu_register_vcpu_info r = {.mfn = mfn, .offset = offset};

	return HYPERVISOR_vcpu_op(VCPUOP_register_vcpu_info, id, P(&r));
}

static void vcpu_info_moves_once(void)
{
	uint8_t *page = page_alloc();
	uint64_t *table = table_alloc();
	struct pv_vcpu_info *info = (void *)(page + 128);

	CHECK(register_info(7, va_to_mfn(page), PAGE_SIZE - 32) < 0);
	CHECK(register_info(7, va_to_mfn(page), 0xfffffff0) < 0);
	CHECK(register_info(7, 0xfffffffff, 0) < 0);
	CHECK(register_info(7, 0xfee00, 0) < 0);
	CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(table), 0), 0);
	CHECK(register_info(7, va_to_mfn(table), 0) < 0);
	CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(table), 0), 0);
	CHECK_EQ(register_info(7, va_to_mfn(page), 128), 0);
	CHECK(register_info(7, va_to_mfn(page), 256) < 0);
	CHECK_EQ(info->evtchn_upcall_pending, 1);
	/* In use: no page table. */
	CHECK_EQ(page_set(page, PTE_P), 0);
	CHECK(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(page), 0) < 0);
	CHECK_EQ(page_set(page, PTE_KERNEL), 0);
	page_free(table);
}

static void mask_events(void *arg)
{
	(void)arg;
	__asm__ volatile("cli" ::: "memory");
}

/* One that has run before finds its new place when it runs again. */
static void vcpu_info_moves_between_two_runs(void)
{
	struct pv_vcpu_info *info = page_alloc();

	if (!on_parapet()) {
		skip("CLI masks events there only");
		return;
	}
	CHECK_EQ(vcpu_run(6, mask_events, NULL), 0);
	CHECK(vcpu_wait_down(6, 5000));
	CHECK_EQ(shared_info->vcpu_info[6].evtchn_upcall_mask, 1);
	shared_info->vcpu_info[6].evtchn_upcall_mask = 0;
	CHECK_EQ(register_info(6, va_to_mfn(info), 0), 0);
	CHECK_EQ(info->evtchn_upcall_mask, 0);
	info->evtchn_upcall_pending = 0;
	CHECK_EQ(vcpu_run(6, mask_events, NULL), 0);
	CHECK(vcpu_wait_down(6, 5000));
	CHECK_EQ(info->evtchn_upcall_mask, 1);
	CHECK_EQ(shared_info->vcpu_info[6].evtchn_upcall_mask, 0);
}

/* ---- NMIs ------------------------------------------------------------------------------- */

static void nmis_are_sent(void)
{
	uint64_t before = this_vcpu()->nmis;

	CHECK_EQ(callback_set(CALLBACKTYPE_nmi, P(nmi_callback), 0), 0);
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_send_nmi, 0, 0), 0);
	CHECK_EQ(this_vcpu()->nmis, before + 1);
	/* Events that are masked do not hold it back. */
	events_mask();
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_send_nmi, 0, 0), 0);
	CHECK_EQ(this_vcpu()->nmis, before + 2);
}

static void take_nmis(void *arg)
{
	callback_set(CALLBACKTYPE_nmi, P(nmi_callback), 0);
	spin_till_told(arg);
}

static void nmis_reach_a_running_vcpu(void)
{
	volatile uint64_t *nmis = &percpus[1].nmis;
	uint64_t before = *nmis, until;

	stop = running = 0;
	CHECK_EQ(vcpu_run(1, take_nmis, NULL), 0);
	CHECK(wait_change(&running, 0, 10000));
	CHECK_EQ(HYPERVISOR_vcpu_op(VCPUOP_send_nmi, 1, 0), 0);
	until = system_time() + 10000000000;
	while (*nmis == before && system_time() < until)
		HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
	CHECK_EQ(*nmis, before + 1);
	stop = 1;
	CHECK(vcpu_wait_down(1, 10000));
}

/* ---- the end ------------------------------------------------------------------------------ */

static void the_last_vcpu_goes_down(void)
{
	HYPERVISOR_vcpu_op(VCPUOP_down, 0, 0);
}

RUN("smp=2 vcpus=8");

const struct test tests[] = {
	{"as many as the command line says", how_many_there_are},
	{"one without a state does not run",
	 a_vcpu_without_a_state_does_not_run},
	{"wrong states are refused", wrong_states_are_refused},
	{"vcpus start and stop", vcpus_start_and_stop},
	{"a state is given once", a_state_is_given_once},
	{"many share few processors", many_vcpus_share_processors},
	{"one is stopped by another", a_vcpu_is_stopped_by_another},
	{"all keep their registers", vcpus_keep_their_registers},
	{"their clocks agree", clocks_agree},
	{"the vcpu info moves once", vcpu_info_moves_once},
	{"the vcpu info moves between two runs",
	 vcpu_info_moves_between_two_runs},
	{"an NMI is sent to oneself", nmis_are_sent},
	{"an NMI reaches a running vcpu", nmis_reach_a_running_vcpu},
	{"when the last goes down the machine is off", the_last_vcpu_goes_down,
	 POWERS_OFF},
	{},
};
