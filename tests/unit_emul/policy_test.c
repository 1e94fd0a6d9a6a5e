/* SPDX-License-Identifier: MIT */
/* What CPUID and MSRs tell a guest, on imagined processors. */
#include <pv/ext.h>
#include <pv/version.h>

#include "hv/emul/cpuid.h"
#include "hv/emul/msr.h"
#include "tests/unit_time/check.h"

/* A processor with every bit of every leaf set. */
static struct cpuid_regs everything(uint32_t leaf, uint32_t sub)
{
	struct cpuid_regs r = {~0u, ~0u, ~0u, ~0u};

	if (leaf == 0xd && sub > 1) { /* component: size 64, offsets apart */
		r.a = 64;
		r.b = 512 + 64 * sub;
	}
	return r;
}

/* One whose leaves end early. */
static struct cpuid_regs small(uint32_t leaf, uint32_t sub)
{
	(void)sub;
	if (leaf == 0)
		return (struct cpuid_regs){1, 0x68747541, 0, 0};
	if (leaf == 0x80000000)
		return (struct cpuid_regs){0x80000008, 0, 0, 0};
	return (struct cpuid_regs){~0u, ~0u, ~0u, ~0u};
}

static const struct cpuid_facts full = {
	.vcpu = 5,
	.xcr0 = CPUID_XCR0_MAX,
	.tsc_stable = true,
	.tsc_khz = 2500000,
	.features = 0x1234,
};

static struct cpuid_regs ask(uint32_t leaf, uint32_t sub)
{
	return cpuid_policy(everything, &full, leaf, sub);
}

#define BIT(n) (1u << (n))

static void what_ring_1_cannot_use_is_hidden(void **state)
{
	(void)state;
	/* MONITOR VMX PDCM PCID DCA x2APIC TSC-deadline */
	assert_int_equal(ask(1, 0).c & (BIT(3) | BIT(5) | BIT(15) | BIT(17) |
					BIT(18) | BIT(21) | BIT(24)),
			 0);
	/* VME PSE MCE MTRR PGE MCA PSE36 DS ACPI HTT TM PBE */
	assert_int_equal(ask(1, 0).d & (BIT(1) | BIT(3) | BIT(7) | BIT(12) |
					BIT(13) | BIT(14) | BIT(17) | BIT(21) |
					BIT(22) | BIT(28) | BIT(29) | BIT(31)),
			 0);
	/* FSGSBASE HLE SMEP INVPCID RTM MPX SMAP PT */
	assert_int_equal(ask(7, 0).b & (BIT(0) | BIT(4) | BIT(7) | BIT(10) |
					BIT(11) | BIT(14) | BIT(20) | BIT(25)),
			 0);
	/* UMIP PKU OSPKE SHSTK LA57 RDPID PKS */
	assert_int_equal(ask(7, 0).c & (BIT(2) | BIT(3) | BIT(4) | BIT(7) |
					BIT(16) | BIT(22) | BIT(31)),
			 0);
	/* UINTR IBT AMX speculation controls ARCH_CAPABILITIES */
	assert_int_equal(ask(7, 0).d & (BIT(5) | BIT(20) | BIT(22) | BIT(24) |
					BIT(25) | BIT(26) | BIT(27) | BIT(29) |
					BIT(31)),
			 0);
	/* SVM TOPOEXT NODEID MONITORX; PAGE1GB RDTSCP */
	assert_int_equal(ask(0x80000001, 0).c &
				 (BIT(2) | BIT(19) | BIT(22) | BIT(29)),
			 0);
	assert_int_equal(ask(0x80000001, 0).d & (BIT(26) | BIT(27)), 0);
	for (uint32_t leaf = 5; leaf <= 0x40; leaf++) {
		struct cpuid_regs r = ask(leaf, 0);

		if (leaf != 7 && leaf != 0xb && leaf != 0xd)
			CHECK(!(r.a | r.b | r.c | r.d), "leaf %x", leaf);
	}
	for (uint32_t sub = 2; sub < 8; sub++)
		assert_int_equal(ask(7, sub).a | ask(7, sub).b, 0);
}

static void what_linux_needs_is_there(void **state)
{
	(void)state;
	/* FPU TSC MSR PAE CX8 APIC SEP CMOV PAT FXSR SSE SSE2 */
	uint32_t need = BIT(0) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(9) |
			BIT(11) | BIT(15) | BIT(16) | BIT(24) | BIT(25) |
			BIT(26);

	assert_int_equal(ask(1, 0).d & need, need);
	/* CX16 XSAVE OSXSAVE AVX, hypervisor present */
	need = BIT(13) | BIT(26) | BIT(27) | BIT(28) | BIT(31);
	assert_int_equal(ask(1, 0).c & need, need);
	/* SYSCALL NX LM */
	need = BIT(11) | BIT(20) | BIT(29);
	assert_int_equal(ask(0x80000001, 0).d & need, need);
	assert_int_equal(ask(0x80000007, 0).d, BIT(8));
	assert_int_equal(ask(0x80000008, 0).a, 0x30ff);
}

static void every_vcpu_is_a_package(void **state)
{
	(void)state;
	assert_int_equal(ask(1, 0).b >> 24, 5);
	assert_int_equal(ask(1, 0).b >> 16 & 0xff, 1);
	assert_int_equal(ask(4, 0).a & 0xffffc000, 0);
	assert_int_equal(ask(0xb, 1).a | ask(0xb, 1).b, 0);
	assert_int_equal(ask(0xb, 1).c, 1);
	assert_int_equal(ask(0xb, 1).d, 5);
	assert_int_equal(ask(0x80000008, 0).c, 0);
	assert_int_equal(ask(0x8000001e, 0).b, 0);
}

static void states_that_are_not_switched_take_their_features_along(void **state)
{
	struct cpuid_facts f = full;
	struct cpuid_regs r;

	(void)state;
	r = cpuid_policy(everything, &f, 0xd, 0);
	assert_int_equal(r.a, 0xe7);
	assert_int_equal(r.c, 512 + 64 * 7 + 64);
	assert_int_equal(cpuid_policy(everything, &f, 0xd, 1).a, 7);
	assert_int_equal(cpuid_policy(everything, &f, 0xd, 9).a, 0);
	assert_true(cpuid_policy(everything, &f, 7, 0).b & BIT(16));

	f.xcr0 = 7;
	r = cpuid_policy(everything, &f, 7, 0);
	assert_int_equal(r.b & BIT(16), 0);
	assert_true(r.b & BIT(5));
	assert_int_equal(cpuid_policy(everything, &f, 0xd, 5).a, 0);

	f.xcr0 = 3;
	r = cpuid_policy(everything, &f, 1, 0);
	assert_int_equal(r.c & (BIT(12) | BIT(28) | BIT(29)), 0);
	assert_true(r.c & BIT(26));
	assert_int_equal(cpuid_policy(everything, &f, 7, 0).b & BIT(5), 0);

	f.xcr0 = 0;
	r = cpuid_policy(everything, &f, 1, 0);
	assert_int_equal(r.c & (BIT(26) | BIT(27)), 0);
	r = cpuid_policy(everything, &f, 0xd, 0);
	assert_int_equal(r.a | r.b | r.c | r.d, 0);
}

static void fast_strings_are_shown_where_they_are_fast(void **state)
{
	struct cpuid_facts f = full;

	(void)state;
	assert_true(ask(7, 0).b & BIT(9));
	assert_true(ask(7, 0).d & BIT(4));
	assert_int_equal(ask(7, 1).a >> 10 & 7, 7);
	f.slow_bytes = true;
	assert_int_equal(cpuid_policy(everything, &f, 7, 0).b & BIT(9), 0);
	assert_int_equal(cpuid_policy(everything, &f, 7, 0).d & BIT(4), 0);
	assert_int_equal(cpuid_policy(everything, &f, 7, 1).a >> 10 & 7, 0);
	assert_true(cpuid_policy(everything, &f, 7, 0).b & BIT(8));
}

static void leaves_beyond_the_last_are_empty(void **state)
{
	struct cpuid_regs r;

	(void)state;
	assert_int_equal(ask(0, 0).a, 0xd);
	assert_int_equal(ask(0x80000000, 0).a, 0x80000021);
	r = cpuid_policy(small, &full, 7, 0);
	assert_int_equal(r.a | r.b | r.c | r.d, 0);
	r = cpuid_policy(small, &full, 0x80000021, 0);
	assert_int_equal(r.a, 0);
	assert_int_equal(cpuid_policy(small, &full, 0, 0).a, 1);
}

static void both_hypervisor_ranges_are_found(void **state)
{
	struct cpuid_regs r = ask(0x40000000, 0);
	char name[13] = {0};

	(void)state;
	memcpy(name, &r.b, 12);
	assert_string_equal(name, "XenVMMXenVMM");
	assert_int_equal(r.a, 0x40000005);
	assert_int_equal(ask(0x40000001, 0).a, 4 << 16 | 17);
	assert_int_equal(ask(0x40000003, 0).b, 2);
	assert_int_equal(ask(0x40000003, 0).c, 2500000);
	assert_int_equal(ask(0x40000005, 0).b, 0xff);
	r = ask(0x40000100, 0);
	memcpy(name, &r.b, 12);
	assert_string_equal(name, "ParapetPV");
	assert_int_equal(r.a, 0x40000102);
	assert_int_equal(ask(0x40000101, 0).a, PV_EXT_VERSION);
	assert_int_equal(ask(0x40000102, 0).a, 0x1234);
	/* Those of a hypervisor below us do not show. */
	assert_int_equal(ask(0x40000006, 0).a | ask(0x40000200, 0).b, 0);
}

/* ---- MSRs ----------------------------------------------------------------- */

static void msrs_read_as_the_table_says(void **state)
{
	uint64_t v;

	(void)state;
	assert_int_equal(msr_read_policy(0x1b, 0, &v), MSR_VALUE);
	assert_int_equal(v, 0xfee00900);
	assert_int_equal(msr_read_policy(0x1b, 1, &v), MSR_VALUE);
	assert_int_equal(v, 0xfee00800);
	assert_int_equal(msr_read_policy(0x277, 0, &v), MSR_VALUE);
	assert_int_equal(v, 0x0000050100070406);
	assert_int_equal(msr_read_policy(0xc0000080, 0, &v), MSR_VALUE);
	assert_int_equal(v, 0xd01);
	assert_int_equal(msr_read_policy(0xc0000101, 0, &v), MSR_GS);
	assert_int_equal(msr_read_policy(0x8b, 0, &v), MSR_HOST);
	/* x2APIC, SPEC_CTRL, performance, VMX, the hypercall page */
	for (uint32_t msr = 0x800; msr < 0x900; msr++)
		assert_int_equal(msr_read_policy(msr, 0, &v), MSR_GP);
	assert_int_equal(msr_read_policy(0x48, 0, &v), MSR_GP);
	assert_int_equal(msr_read_policy(0xc1, 0, &v), MSR_GP);
	assert_int_equal(msr_read_policy(0x480, 0, &v), MSR_GP);
	assert_int_equal(msr_write_policy(0x40000000, 0), MSR_GP);
}

static void bases_must_be_canonical(void **state)
{
	static const struct {
		uint64_t base;
		bool good;
	} cases[] = {
		{0, true},
		{0x00007fffffffffff, true},
		{0x0000800000000000, false},
		{0xffff7fffffffffff, false},
		{0xffff800000000000, true},
		{~0ull, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum msr_verdict want = cases[i].good ? MSR_KERNEL_GS : MSR_GP;

		assert_int_equal(msr_write_policy(0xc0000102, cases[i].base),
				 want);
	}
	assert_int_equal(msr_write_policy(0xc0000080, ~0ull), MSR_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_ring_1_cannot_use_is_hidden),
		cmocka_unit_test(what_linux_needs_is_there),
		cmocka_unit_test(every_vcpu_is_a_package),
		cmocka_unit_test(
			states_that_are_not_switched_take_their_features_along),
		cmocka_unit_test(fast_strings_are_shown_where_they_are_fast),
		cmocka_unit_test(leaves_beyond_the_last_are_empty),
		cmocka_unit_test(both_hypervisor_ranges_are_found),
		cmocka_unit_test(msrs_read_as_the_table_says),
		cmocka_unit_test(bases_must_be_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
