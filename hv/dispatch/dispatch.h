/* SPDX-License-Identifier: MIT */
/* The dispatcher's door: hypercalls by number, traps and callbacks of guests. */
#ifndef HV_DISPATCH_DISPATCH_H
#define HV_DISPATCH_DISPATCH_H

#include "hv/domain/domain.h"

/* The guest kernel executed SYSCALL: serve it, result in regs->rax. */
void hypercall_dispatch(struct cpu_regs *regs);

/*
 * A handler ran out of its budget: make the guest issue the call again with
 * these arguments, after interrupts and events had their turn.  The handler
 * returns what this returns.  One that may be called again with the arguments
 * that it had just returns -ERESTART.
 */
long hypercall_restart(unsigned int nr, uint64_t a0, uint64_t a1, uint64_t a2,
		       uint64_t a3);

/* ---- what guests are told (dispatch/bounce.c) ------------------------------ */
#define NO_ERROR_CODE (~0ull)
/*
 * Enter the guest kernel at @rip as on an exception: switch it to kernel mode
 * and its kernel stack if it was in user mode, push the frame of ABI.md
 * "Frames".  A stack that cannot take it crashes the domain.
 */
void guest_bounce(struct cpu_regs *regs, uint64_t rip, uint64_t error,
		  bool mask_events);
/* Exception @vector of the running guest, by its trap table. */
void guest_trap(struct cpu_regs *regs, unsigned int vector, uint64_t error);
void guest_page_fault(struct cpu_regs *regs, uint64_t va, uint64_t error);
/* The event callback, if an event waits and is not masked. */
void guest_deliver_events(struct cpu_regs *regs);
/* The return to the guest failed on what it asked for. */
void guest_failsafe(struct cpu_regs *regs);

/* ---- emulation (dispatch/privop.c) ----------------------------------------- */
/* A #GP or #UD of the guest at a privileged instruction; true: done. */
bool privop_emulate(struct cpu_regs *regs);
/* #UD: the forced-emulation prefix. */
bool privop_forced_cpuid(struct cpu_regs *regs);

/* ---- hypercalls that concern one vcpu's processor state -------------------- */
long hc_set_trap_table(uint64_t table);
long hc_stack_switch(uint64_t ss, uint64_t sp);
long hc_set_callbacks(uint64_t event, uint64_t failsafe, uint64_t syscall);
long hc_fpu_taskswitch(uint64_t set);
long hc_set_debugreg(uint64_t reg, uint64_t value);
long hc_get_debugreg(uint64_t reg);
long hc_set_segment_base(uint64_t which, uint64_t base);
long hc_callback_op(uint64_t cmd, uint64_t arg);
long hc_iret(void);
long hc_xen_version(uint64_t cmd, uint64_t arg);
long hc_console_io(uint64_t cmd, uint64_t count, uint64_t buf);
long hc_vm_assist(uint64_t cmd, uint64_t type);
long hc_multicall(uint64_t list, uint64_t count);
long hc_ext_op(uint64_t cmd, uint64_t arg);

/* set_debugreg for a vcpu that does not run: check and keep; -EPERM, -EINVAL. */
int vcpu_debugreg_check(struct vcpu *v, unsigned int reg, uint64_t value);

/* The hypervisor's command line, for XENVER_commandline. */
extern const char *hv_command_line;

#endif /* HV_DISPATCH_DISPATCH_H */
