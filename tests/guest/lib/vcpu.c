/* SPDX-License-Identifier: MIT */
/*
 * Further virtual CPUs: each starts as this one is set up, in a function.
 */
#include "tests/guest/lib/guest.h"

extern const uint8_t vcpu_start[];
void vcpu_start_c(struct percpu *p);

static struct pv_vcpu_guest_context context;

static uint64_t stack_alloc(void)
{
	return P(pages_alloc(STACK_SIZE / PAGE_SIZE)) + STACK_SIZE;
}

void vcpu_start_c(struct percpu *p)
{
	traps_init();
	/* Brought up again, it goes on behind its VCPUOP_down. */
	for (;;) {
		p->vcpu_fn(p->vcpu_arg);
		HYPERVISOR_vcpu_op(VCPUOP_down, p->id, 0);
	}
}

unsigned int nr_vcpus(void)
{
	unsigned int n = 0;

	while (n < MAX_VIRT_CPUS && HYPERVISOR_vcpu_op(VCPUOP_is_up, n, 0) >= 0)
		n++;
	return n;
}

bool vcpu_wait_down(unsigned int id, unsigned int ms)
{
	uint64_t until = system_time() + ms * 1000000ul;

	while (HYPERVISOR_vcpu_op(VCPUOP_is_up, id, 0) == 1) {
		if (system_time() > until)
			return false;
		HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
	}
	return true;
}

static void fill_context(struct percpu *p, uint64_t stack)
{
	unsigned int i;

	memset(&context, 0, sizeof(context));
	context.flags = VGCF_in_kernel;
	context.user_regs.rip = P(vcpu_start);
	context.user_regs.rsp = stack;
	context.user_regs.rdi = P(p);
	context.user_regs.cs = FLAT_KERNEL_CS;
	context.user_regs.ss = FLAT_KERNEL_SS;
	context.user_regs.rflags = 2;
	for (i = 0; i < 256; i++)
		context.trap_ctxt[i] = (struct pv_trap_info){
			.vector = i,
			.cs = FLAT_KERNEL_CS,
			.address = trap_stub(i),
		};
	context.kernel_ss = FLAT_KERNEL_SS;
	context.kernel_sp = p->entry_stack;
	context.ctrlreg[0] = 0x80050033;
	context.ctrlreg[3] = va_to_mfn(kernel_root()) * PAGE_SIZE;
	if (user_root)
		context.ctrlreg[1] = va_to_mfn(user_root) * PAGE_SIZE;
	context.event_callback_eip = P(event_callback);
	context.failsafe_callback_eip = P(failsafe_callback);
	context.syscall_callback_eip = P(syscall_callback);
	context.gs_base_kernel = P(p);
}

int vcpu_run(unsigned int id, void (*fn)(void *arg), void *arg)
{
	struct percpu *p = &percpus[id];
	static uint64_t stacks[MAX_VIRT_CPUS];
	int rc;

	p->vcpu_fn = fn;
	p->vcpu_arg = arg;
	p->fault.vector = -1;
	if (!stacks[id]) {
		p->self = p;
		p->id = id;
		p->entry_stack = stack_alloc();
		stacks[id] = stack_alloc();
		fill_context(p, stacks[id]);
		rc = HYPERVISOR_vcpu_op(VCPUOP_initialise, id, P(&context));
		if (rc)
			return rc;
	}
	return HYPERVISOR_vcpu_op(VCPUOP_up, id, 0);
}
