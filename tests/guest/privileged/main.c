/* SPDX-License-Identifier: MIT */
/*
 * Privileged instructions of the guest kernel: what is emulated works, what
 * is not raises #GP or #UD in the guest, and nothing reaches the machine.
 */
#include "tests/guest/lib/hostile.h"

#define MSR_TSC            0x10
#define MSR_APIC_BASE      0x1b
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_SFMASK         0xc0000084
#define MSR_SYSENTER_EIP   0x176
#define MSR_PAT            0x277
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

static uint64_t value; /* in or out */

static void rdmsr(void *msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	value = (uint64_t)hi << 32 | lo;
}

static void wrmsr(void *msr)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)value),
			   "d"((uint32_t)(value >> 32)));
}

static int msr_read(uint64_t msr)
{
	return probe(rdmsr, (void *)msr).vector;
}

static int msr_write(uint64_t msr, uint64_t v)
{
	value = v;
	return probe(wrmsr, (void *)msr).vector;
}

static void segment_base_msrs_are_the_bases(void)
{
	CHECK_EQ(msr_write(MSR_FS_BASE, 0x123456789), -1);
	CHECK_EQ(msr_read(MSR_FS_BASE), -1);
	CHECK_EQ(value, 0x123456789);
	CHECK_EQ(msr_write(MSR_KERNEL_GS_BASE, 0x7fff12345678), -1);
	CHECK_EQ(msr_read(MSR_KERNEL_GS_BASE), -1);
	CHECK_EQ(value, 0x7fff12345678);
	CHECK_EQ(msr_read(MSR_GS_BASE), -1);
	CHECK_EQ(value, P(&percpus[0]));
	CHECK_EQ(msr_write(MSR_GS_BASE, value), -1);
	CHECK_EQ(P(this_vcpu()), P(&percpus[0]));
	CHECK_EQ(msr_write(MSR_FS_BASE, 0x800000000000), VEC_GP);
	CHECK_EQ(msr_write(MSR_GS_BASE, 0x8000000000000000), VEC_GP);
	CHECK_EQ(msr_write(MSR_KERNEL_GS_BASE, 0xffff7fffffffffff), VEC_GP);
	CHECK_EQ(msr_write(MSR_FS_BASE, 0), -1);
}

/* What the hypervisor runs on reads as a constant and cannot be changed. */
static void the_machines_msrs_are_not_the_guests(void)
{
	static const uint64_t msrs[] = {
		MSR_EFER, MSR_STAR,      MSR_LSTAR,       MSR_SFMASK,
		MSR_PAT,  MSR_APIC_BASE, MSR_SYSENTER_EIP};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		int vector = msr_read(msrs[i]);
		uint64_t was = value;

		CHECK(vector == -1 || vector == VEC_GP);
		CHECKF(value < HYPERVISOR_VIRT_START ||
			       value >= HYPERVISOR_VIRT_END,
		       "msr %#lx shows %#lx", msrs[i], value);
		vector = msr_write(msrs[i], 0);
		CHECK(vector == -1 || vector == VEC_GP);
		if (msr_read(msrs[i]) == -1)
			CHECKF(value == was, "msr %#lx: %#lx", msrs[i], value);
	}
	/* And system calls still work. */
	CHECK(HYPERVISOR_xen_version(XENVER_version, 0) > 0);
}

static void unknown_msrs_fault(void)
{
	static const uint64_t msrs[] = {0x12345, 0x40000000, 0x4b564d00,
					0xffffffff, 0xc0010114};
	unsigned int i;

	if (!on_parapet()) {
		skip("others ignore writes");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		CHECKF(msr_read(msrs[i]) == VEC_GP, "%#lx", msrs[i]);
		CHECKF(msr_write(msrs[i], 0) == VEC_GP, "%#lx", msrs[i]);
	}
}

/* ---- control registers ------------------------------------------------------ */

#define CR_FNS(n)                                                              \
	static void read_cr##n(void *arg)                                      \
	{                                                                      \
		__asm__ volatile("movq %%cr" #n ", %0" : "=r"(value));         \
		(void)arg;                                                     \
	}                                                                      \
	static void write_cr##n(void *arg)                                     \
	{                                                                      \
		__asm__ volatile("movq %0, %%cr" #n : : "r"(arg) : "memory");  \
	}
CR_FNS(0)
CR_FNS(2)
CR_FNS(3)
CR_FNS(4)

static void clts(void *arg)
{
	__asm__ volatile("clts");
	(void)arg;
}

static void fnop(void *arg)
{
	__asm__ volatile("fnop");
	(void)arg;
}

static void cr0_has_ts(void)
{
	uint64_t cr0;

	CHECK_EQ(probe(read_cr0, NULL).vector, -1);
	cr0 = value;
	CHECK_EQ(cr0 & 0x80000001, 0x80000001);
	CHECK_EQ(probe(write_cr0, (void *)(cr0 | 8)).vector, -1);
	CHECK_EQ(probe(read_cr0, NULL).vector, -1);
	CHECK_EQ(value & 8, 8);
	CHECK_EQ(probe(fnop, NULL).vector, VEC_NM);
	CHECK_EQ(probe(write_cr0, (void *)(cr0 | 8)).vector, -1);
	CHECK_EQ(probe(clts, NULL).vector, -1);
	CHECK_EQ(probe(fnop, NULL).vector, -1);
	/* No paging, no protection: refused. */
	CHECK_EQ(probe(write_cr0, (void *)(cr0 & ~0x80000000ul)).vector,
		 VEC_GP);
	CHECK_EQ(probe(write_cr0, (void *)(cr0 & ~1ul)).vector, VEC_GP);
	CHECK_EQ(probe(read_cr0, NULL).vector, -1);
	CHECK_EQ(value & ~8ul, cr0 & ~8ul);
}

static void cr2_is_in_the_vcpu_info(void)
{
	probe_read(0x4567000);
	CHECK_EQ(probe(read_cr2, NULL).vector, -1);
	CHECK_EQ(value, 0x4567000);
	CHECK_EQ(probe(write_cr2, (void *)0x9999).vector, -1);
	CHECK_EQ(vcpu_info()->arch.cr2, 0x9999);
}

static void cr3_is_the_kernel_root(void)
{
	CHECK_EQ(probe(read_cr3, NULL).vector, -1);
	CHECK_EQ(value & PTE_ADDR, va_to_mfn(kernel_root()) * PAGE_SIZE);
	CHECK_EQ(probe(write_cr3, (void *)value).vector, -1);
	/* Not a root: refused, one way or the other, and nothing changes. */
	probe(write_cr3, (void *)(va_to_mfn(page_alloc()) * PAGE_SIZE));
	probe(write_cr3, (void *)0xfee00000);
	probe(write_cr3, (void *)0xffffffffff000);
	CHECK_EQ(probe(read_cr3, NULL).vector, -1);
	CHECK_EQ(value & PTE_ADDR, va_to_mfn(kernel_root()) * PAGE_SIZE);
}

static void cr4_is_limited(void)
{
	static const unsigned int forbidden[] = {12, 13, 14, 17, 20,
						 21, 22, 23, 24, 40};
	uint64_t cr4;
	unsigned int i;

	CHECK_EQ(probe(read_cr4, NULL).vector, -1);
	cr4 = value;
	CHECK(cr4 & 1 << 5); /* PAE */
	CHECK_EQ(cr4 & 3ul << 20, 0);
	CHECK_EQ(probe(write_cr4, (void *)cr4).vector, -1);
	for (i = 0; i < ARRAY_SIZE(forbidden); i++) {
		probe(write_cr4, (void *)(cr4 | 1ul << forbidden[i]));
		CHECK_EQ(probe(read_cr4, NULL).vector, -1);
		CHECKF(!(value >> forbidden[i] & 1), "bit %u", forbidden[i]);
	}
	probe(write_cr4, (void *)(cr4 & ~0x20ul));
	CHECK_EQ(probe(read_cr4, NULL).vector, -1);
	CHECK_EQ(value, cr4);
}

/* ---- others -------------------------------------------------------------- */

#define PLAIN(name, text)                                                      \
	static void name(void *arg)                                            \
	{                                                                      \
		__asm__ volatile(text                                          \
				 :                                             \
				 : "D"(arg)                                    \
				 : "rax", "rcx", "rdx", "memory", "cc");       \
	}
PLAIN(do_wbinvd, "wbinvd")
PLAIN(do_invlpg, "invlpg (%%rdi)")
PLAIN(do_lgdt, "lgdt (%%rdi)")
PLAIN(do_lidt, "lidt (%%rdi)")
PLAIN(do_lldt, "lldt %%ax")
PLAIN(do_ltr, "movw $0xe048, %%ax; ltr %%ax")
PLAIN(do_swapgs, "swapgs")
PLAIN(do_sysret, "sysretq")
PLAIN(do_sysexit, "sysexitq")
PLAIN(do_clac, ".byte 0x0f, 0x01, 0xca")
PLAIN(do_stac, ".byte 0x0f, 0x01, 0xcb")
PLAIN(do_vmmcall, ".byte 0x0f, 0x01, 0xd9")
PLAIN(do_vmrun, ".byte 0x0f, 0x01, 0xd8")
PLAIN(do_skinit, ".byte 0x0f, 0x01, 0xde")
PLAIN(do_stgi, ".byte 0x0f, 0x01, 0xdc")
PLAIN(do_monitor, "monitor")
PLAIN(do_rdpmc, "rdpmc")
PLAIN(do_rsm, "rsm")
PLAIN(do_xsetbv, "xorl %%ecx, %%ecx; xorl %%eax, %%eax; xorl %%edx, %%edx\n"
		 "xsetbv")

static void caches_and_tlbs_are_flushed(void)
{
	CHECK_EQ(probe(do_wbinvd, NULL).vector, -1);
	if (!on_parapet())
		return; /* others do not know invlpg */
	CHECK_EQ(probe(do_invlpg, NULL).vector, -1);
	for_each_hostile(h)
		CHECK_EQ(probe(do_invlpg, (void *)h->va).vector, -1);
}

static void the_rest_faults(void)
{
	static const struct {
		const char *name;
		void (*fn)(void *);
	} t[] = {
		{"lgdt", do_lgdt},
		{"lidt", do_lidt},
		{"lldt", do_lldt},
		{"ltr", do_ltr},
		{"swapgs", do_swapgs},
		{"sysret", do_sysret},
		{"sysexit", do_sysexit},
		{"clac", do_clac},
		{"stac", do_stac},
		{"vmmcall", do_vmmcall},
		{"vmrun", do_vmrun},
		{"skinit", do_skinit},
		{"stgi", do_stgi},
		{"monitor", do_monitor},
		{"rdpmc", do_rdpmc},
		{"rsm", do_rsm},
		{"xsetbv of nothing", do_xsetbv},
	};
	uint8_t *page = page_alloc();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct fault f = probe(t[i].fn, page);

		CHECKF(f.vector == VEC_GP || f.vector == VEC_UD, "%s: %d",
		       t[i].name, f.vector);
	}
	page_free(page);
	CHECK_EQ(P(this_vcpu()), P(&percpus[0]));
}

static void cli_and_sti_are_the_event_mask(void)
{
	if (!on_parapet()) {
		skip("others leave them without effect");
		return;
	}
	vcpu_info()->evtchn_upcall_mask = 0;
	__asm__ volatile("cli");
	CHECK_EQ(vcpu_info()->evtchn_upcall_mask, 1);
	__asm__ volatile("sti");
	CHECK_EQ(vcpu_info()->evtchn_upcall_mask, 0);
	vcpu_info()->evtchn_upcall_mask = 1;
}

/* ---- ports ----------------------------------------------------------------- */

static void port_in(void *port)
{
	uint8_t v;

	__asm__ volatile("inb %w1, %0" : "=a"(v) : "d"(port));
	value = v;
}

static void port_out(void *port)
{
	__asm__ volatile("outb %%al, %w0" : : "d"(port), "a"(0));
}

static int set_iopl(unsigned int iopl)
{
	struct pv_physdev_set_iopl arg = {.iopl = iopl};

	return HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, P(&arg));
}

static void ports_need_iopl_1(void)
{
	CHECK_EQ(set_iopl(0), 0);
	CHECK_EQ(probe(port_in, (void *)0x70).vector, VEC_GP);
	CHECK_EQ(probe(port_out, (void *)0x80).vector, VEC_GP);
	CHECK_EQ(set_iopl(4), -EINVAL);
	CHECK_EQ(set_iopl(1), 0);
	CHECK_EQ(probe(port_in, (void *)0x71).vector, -1);
	CHECK_EQ(probe(port_out, (void *)0x80).vector, -1);
}

/* PCI configuration: address and data ports, of every width. */
static void config_address(void *address)
{
	__asm__ volatile("outl %0, %w1"
			 :
			 : "a"((uint32_t)P(address)), "d"(0xcf8));
}

static void config_read(void *port)
{
	uint32_t l;
	uint16_t w;
	uint8_t b;

	__asm__ volatile("inl %w1, %0" : "=a"(l) : "d"(port));
	__asm__ volatile("inw %w1, %0" : "=a"(w) : "d"(port));
	__asm__ volatile("inb %w1, %0" : "=a"(b) : "d"(port));
	value = l;
	CHECK_EQ(w, l & 0xffff);
	CHECK_EQ(b, l & 0xff);
}

static void configuration_needs_it_too(void)
{
	uint32_t id;

	CHECK_EQ(probe(config_address, (void *)0x80000000).vector, -1);
	CHECK_EQ(probe(config_read, (void *)0xcfc).vector, -1);
	id = value;
	CHECK_EQ(id & 0xffff, 0x8086);
	CHECK_EQ(set_iopl(0), 0);
	CHECK_EQ(probe(config_address, (void *)0x80000004).vector, VEC_GP);
	CHECK_EQ(probe(config_read, (void *)0xcfc).vector, VEC_GP);
	CHECK_EQ(set_iopl(1), 0);
	CHECK_EQ(probe(config_read, (void *)0xcfc).vector, -1);
	CHECK_EQ(value, id);
}

static void the_hypervisors_ports_read_as_ones(void)
{
	static const uint16_t ports[] = {0x20, 0x21, 0xa0, 0xa1};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		CHECK_EQ(probe(port_in, (void *)(uint64_t)ports[i]).vector, -1);
		CHECKF(value == 0xff, "port %#x: %#lx", ports[i], value);
		CHECK_EQ(probe(port_out, (void *)(uint64_t)ports[i]).vector,
			 -1);
	}
	/* The serial console still talks: the next lines come through it. */
	probe(port_out, (void *)0x3f9);
	probe(port_out, (void *)0x3fb);
}

static void string_instructions_move_ports(void)
{
	uint8_t *page = page_alloc(), *at = page;
	uint64_t n = 4;

	memset(page, 0xaa, 8);
	__asm__ volatile("rep insb" : "+D"(at), "+c"(n) : "d"(0x20) : "memory");
	CHECK_EQ(at - page, 4);
	CHECK_EQ(n, 0);
	CHECK(page[0] == 0xff && page[3] == 0xff && page[4] == 0xaa);
	n = 3;
	at = page;
	__asm__ volatile("rep outsb"
			 : "+S"(at), "+c"(n)
			 : "d"(0x80)
			 : "memory");
	CHECK_EQ(at - page, 3);
	page_free(page);
}

static void ins_to(void *va)
{
	uint64_t n = 1;

	__asm__ volatile("rep insb" : "+D"(va), "+c"(n) : "d"(0x71) : "memory");
}

static void outs_from(void *va)
{
	uint64_t n = 1;

	__asm__ volatile("rep outsb"
			 : "+S"(va), "+c"(n)
			 : "d"(0x80)
			 : "memory");
}

static void string_instructions_fault_on_bad_addresses(void)
{
	for_each_hostile(h)
	{
		struct fault f = probe(ins_to, (void *)h->va);

		CHECKF(f.vector == VEC_PF || f.vector == VEC_GP, "%s: %d",
		       h->name, f.vector);
		f = probe(outs_from, (void *)h->va);
		CHECKF(f.vector == VEC_PF || f.vector == VEC_GP, "%s: %d",
		       h->name, f.vector);
	}
	/* Page tables and the machine-to-physical table are read-only. */
	CHECK_EQ(probe(ins_to, kernel_root()).vector, VEC_PF);
	CHECK(probe(ins_to, (void *)MACH2PHYS_VIRT_START).vector != -1);
}

CODE(user_in, "movw %di, %dx\n inb %dx, %al\n int3\n");

static void user_ports_need_iopl_3_or_the_bitmap(void)
{
	static uint8_t bitmap[8192];
	struct pv_physdev_set_iobitmap arg = {.bitmap = P(bitmap),
					      .nr_ports = 65536};

	user_init();
	CHECK_EQ(set_iopl(1), 0);
	CHECK_EQ(user_call(user_in, 0x71, 0, 0).vector, VEC_GP);
	CHECK_EQ(set_iopl(3), 0);
	CHECK_EQ(user_call(user_in, 0x71, 0, 0).vector, VEC_BP);
	CHECK_EQ(set_iopl(1), 0);
	CHECK_EQ(user_call(user_in, 0x71, 0, 0).vector, VEC_GP);
	memset(bitmap, 0xff, sizeof(bitmap));
	bitmap[0x71 / 8] &= ~(1 << 0x71 % 8);
	CHECK_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iobitmap, P(&arg)), 0);
	CHECK_EQ(user_call(user_in, 0x71, 0, 0).vector, VEC_BP);
	CHECK_EQ(user_call(user_in, 0x70, 0, 0).vector, VEC_GP);
	arg.nr_ports = 0;
	CHECK_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iobitmap, P(&arg)), 0);
	CHECK_EQ(user_call(user_in, 0x71, 0, 0).vector, VEC_GP);
	arg.nr_ports = 65537;
	CHECK_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iobitmap, P(&arg)),
		 -EINVAL);
}

const struct test tests[] = {
	{"the MSRs of the segment bases are those bases",
	 segment_base_msrs_are_the_bases},
	{"the machine's MSRs are not the guest's",
	 the_machines_msrs_are_not_the_guests},
	{"unknown MSRs fault", unknown_msrs_fault},
	{"CR0 has TS and little else", cr0_has_ts},
	{"CR2 is in the vcpu info", cr2_is_in_the_vcpu_info},
	{"CR3 is the kernel root", cr3_is_the_kernel_root},
	{"CR4 is limited", cr4_is_limited},
	{"caches and TLBs are flushed", caches_and_tlbs_are_flushed},
	{"the rest faults", the_rest_faults},
	{"cli and sti are the event mask", cli_and_sti_are_the_event_mask},
	{"ports need a virtual IOPL of 1", ports_need_iopl_1},
	{"so does PCI configuration", configuration_needs_it_too},
	{"the hypervisor's ports read as ones",
	 the_hypervisors_ports_read_as_ones},
	{"string instructions move ports", string_instructions_move_ports},
	{"string instructions fault on bad addresses",
	 string_instructions_fault_on_bad_addresses},
	{"user code's ports need an IOPL of 3 or the bitmap",
	 user_ports_need_iopl_3_or_the_bitmap},
	{},
};
