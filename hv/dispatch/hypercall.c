/* SPDX-License-Identifier: MIT */
/*
 * From a number to a handler.
 *
 * pv/hypercalls.def is the list; each served call has one small decoder here
 * that narrows registers to the handler's parameters.  The four calls that
 * the memory manager of a guest lives on are tried before the table, to spare
 * them an indirect branch.
 */
#include <pv/errno.h>
#include <pv/hypercalls.h>

#include "hv/control/control.h"
#include "hv/dev/dev.h"
#include "hv/dispatch/dispatch.h"
#include "hv/evtchn/evtchn.h"
#include "hv/gnttab/gnttab.h"
#include "hv/lib/string.h"
#include "hv/sched/sched.h"

#define SYSCALL_LENGTH 2
#define MULTICALL_MAX  65536
#define MULTICALL_RUN  64 /* entries before interrupts get their turn */

/* The entry of a multicall that is being served, or NULL. */
static struct pv_multicall_entry *serving[MAX_CPUS];
static bool restarted[MAX_CPUS];

#define CALL(name, ...)                                                        \
	static long call_##name(const uint64_t *a)                             \
	{                                                                      \
		(void)a;                                                       \
		return hc_##name(__VA_ARGS__);                                 \
	}
CALL(set_trap_table, a[0])
CALL(mmu_update, a[0], a[1], a[2], a[3])
CALL(set_gdt, a[0], a[1])
CALL(stack_switch, a[0], a[1])
CALL(set_callbacks, a[0], a[1], a[2])
CALL(fpu_taskswitch, a[0])
CALL(platform_op, a[0])
CALL(set_debugreg, a[0], a[1])
CALL(get_debugreg, a[0])
CALL(update_descriptor, a[0], a[1])
CALL(memory_op, a[0], a[1])
CALL(multicall, a[0], a[1])
CALL(update_va_mapping, a[0], a[1], a[2])
CALL(set_timer_op, a[0])
CALL(xen_version, a[0], a[1])
CALL(console_io, a[0], a[1], a[2])
CALL(grant_table_op, a[0], a[1], a[2])
CALL(vm_assist, a[0], a[1])
CALL(iret)
CALL(vcpu_op, a[0], a[1], a[2])
CALL(set_segment_base, a[0], a[1])
CALL(mmuext_op, a[0], a[1], a[2], a[3])
CALL(sched_op, a[0], a[1])
CALL(callback_op, a[0], a[1])
CALL(event_channel_op, a[0], a[1])
CALL(physdev_op, a[0], a[1])
CALL(control_op, a[0])
CALL(ext_op, a[0], a[1])

static long (*const table[PV_NR_HYPERCALLS])(const uint64_t *a) = {
#define PV_HYPERCALL(number, name, nargs) [number] = call_##name,
#include <pv/hypercalls.def>
};

static long serve(uint64_t nr, const uint64_t *a)
{
	switch (nr) {
	case HC_mmu_update:
		return hc_mmu_update(a[0], a[1], a[2], a[3]);
	case HC_mmuext_op:
		return hc_mmuext_op(a[0], a[1], a[2], a[3]);
	case HC_update_va_mapping:
		return hc_update_va_mapping(a[0], a[1], a[2]);
	}
	if (nr >= PV_NR_HYPERCALLS || !table[nr])
		return -ENOSYS;
	return table[nr](a);
}

void hypercall_dispatch(struct cpu_regs *regs)
{
	uint64_t a[6] = {regs->rdi, regs->rsi, regs->rdx,
			 regs->r10, regs->r8,  regs->r9};
	uint32_t nr = (uint32_t)regs->rax;
	long result;

	if (nr == HC_multicall) {
		result = hc_multicall(a[0], a[1]);
	} else {
		result = serve(nr, a);
		if (nr == HC_iret)
			return; /* every register is the frame's */
		if (unlikely(result == -ERESTART))
			result = hypercall_restart(nr, a[0], a[1], a[2], a[3]);
	}
	regs->rax = (uint64_t)result;
}

long hypercall_restart(unsigned int nr, uint64_t a0, uint64_t a1, uint64_t a2,
		       uint64_t a3)
{
	struct pv_multicall_entry *e = serving[this_cpu->id];
	struct cpu_regs *regs = guest_regs();

	if (e) {
		e->op = nr;
		e->args[0] = a0;
		e->args[1] = a1;
		e->args[2] = a2;
		e->args[3] = a3;
		restarted[this_cpu->id] = true;
		return nr;
	}
	regs->rdi = a0;
	regs->rsi = a1;
	regs->rdx = a2;
	regs->r10 = a3;
	regs->rip -= SYSCALL_LENGTH;
	return nr;
}

/* Serve one entry; true if it has to be served again. */
static bool serve_entry(struct pv_multicall_entry *e)
{
	unsigned int cpu = this_cpu->id;
	bool again;

	if (e->op == HC_multicall || e->op == HC_iret) {
		e->result = e->op == HC_iret ? -ENOSYS : -EINVAL;
		return false;
	}
	serving[cpu] = e;
	restarted[cpu] = false;
	e->result = serve(e->op, e->args);
	again = restarted[cpu] || e->result == -ERESTART;
	serving[cpu] = NULL;
	restarted[cpu] = false;
	return again;
}

long hc_multicall(uint64_t list, uint64_t count)
{
	struct pv_multicall_entry e;
	uint64_t result = offsetof(struct pv_multicall_entry, result);

	if (count > MULTICALL_MAX)
		return -EINVAL;
	for (uint64_t i = 0; i < count; i++, list += sizeof(e)) {
		if (i == MULTICALL_RUN || (i && this_cpu->need_resched))
			return hypercall_restart(HC_multicall, list, count - i,
						 0, 0);
		if (copy_from_guest(&e, list, sizeof(e)))
			return -EFAULT;
		if (serve_entry(&e)) {
			if (copy_to_guest(list, &e, sizeof(e)))
				return -EFAULT;
			return hypercall_restart(HC_multicall, list, count - i,
						 0, 0);
		}
		if (copy_to_guest(list + result, &e.result, sizeof(e.result)))
			return -EFAULT;
		if (current->domain->crashed)
			return 0;
	}
	return 0;
}
