/* SPDX-License-Identifier: MIT */
/*
 * A kernel of the older kind: it asks by an ELF note for a page of hypercall
 * stubs, 32 bytes each, and calls those.
 */
#include "tests/guest/lib/guest.h"

#define STUB_BYTES 32

extern uint8_t hypercall_page[];
__asm__(".pushsection .hypercall_page, \"ax\"\n"
	".balign 4096\n.globl hypercall_page\n"
	"hypercall_page: .skip 4096\n.popsection");
ELFNOTE(XEN_ELFNOTE_HYPERCALL_PAGE, ".quad hypercall_page");

static long call(unsigned int nr, uint64_t a, uint64_t b)
{
	long rc;

	__asm__ volatile("call *%3"
			 : "=a"(rc), "+D"(a), "+S"(b)
			 : "r"(hypercall_page + nr * STUB_BYTES)
			 : "rcx", "r11", "memory");
	return rc;
}

static void every_stub_is_filled(void)
{
	unsigned int nr;

	for (nr = 0; nr < PV_NR_HYPERCALLS; nr++)
		CHECKF(hypercall_page[nr * STUB_BYTES] != 0, "%u", nr);
}

static void stubs_call(void)
{
	struct pv_platform_parameters p = {0};

	CHECK_EQ(call(HC_xen_version, XENVER_version, 0),
		 HYPERVISOR_xen_version(XENVER_version, 0));
	CHECK_EQ(call(HC_xen_version, XENVER_platform_parameters, P(&p)), 0);
	CHECK_EQ(p.virt_start, HYPERVISOR_VIRT_START);
	CHECK_EQ(call(HC_sched_op, SCHEDOP_yield, 0), 0);
	CHECK_EQ(call(63, 0, 0), -ENOSYS);
}

static volatile unsigned int returned;

/* The stub of iret wants the frame without rax, which it pushes itself. */
static void the_stub_of_iret_returns(void)
{
	returned = 0;
	__asm__ volatile(
		"movq %%rsp, %%rbx\n"
		"pushq $0xe028\n pushq %%rbx\n pushq $2\n pushq $0xe030\n"
		"leaq 1f(%%rip), %%rax\n pushq %%rax\n"
		"pushq $0\n" /* flags */
		"jmp *%1\n"
		"1: movl $1, %0"
		: "=m"(returned)
		: "r"(hypercall_page + HC_iret * STUB_BYTES)
		: "rax", "rbx", "rcx", "r11", "memory", "cc");
	CHECK_EQ(returned, 1);
}

const struct test tests[] = {
	{"every stub is filled in", every_stub_is_filled},
	{"stubs call", stubs_call},
	{"the stub of iret returns", the_stub_of_iret_returns},
	{},
};
