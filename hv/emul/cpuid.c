/* SPDX-License-Identifier: MIT */
/*
 * The CPUID policy.
 *
 * A list of what is allowed: a feature that is not named here is hidden, so
 * that a new processor brings nothing that nobody thought about.  Hidden on
 * purpose is what a kernel in ring 1 cannot use (SMEP, SMAP, UMIP, FSGSBASE,
 * MONITOR), what the hypervisor keeps (VMX, SVM, PCID, PGE, performance
 * counters, machine checks, speculation controls), what direct paging has not
 * (PSE, 1 GiB pages, LA57) and what is not switched with a vcpu (PKU, AMX,
 * TSC_AUX behind RDTSCP and RDPID, supervisor states).
 *
 * The topology is flat: every vcpu is a package of its own whose APIC id is
 * its number.
 *
 * PURE
 */
#include <pv/ext.h>
#include <pv/version.h>

#include "hv/emul/cpuid.h"

#define B(n)         (1u << (n))

#define MAX_BASIC    0xd
#define MAX_EXTENDED 0x80000021

enum {
	A_OSXSAVE = 27,
	A_HYPERVISOR = 31
};

/* Leaf 1 EDX, repeated in 0x80000001 EDX by AMD: FPU, DE, TSC, MSR, PAE, CX8,
 * APIC; CMOV, PAT; MMX, FXSR. */
#define COMMON_EDX                                                             \
	(B(0) | B(2) | B(4) | B(5) | B(6) | B(8) | B(9) | B(15) | B(16) |      \
	 B(23) | B(24))

/* Features that need AVX or AVX-512 state, by leaf and register. */
#define L1C_XSAVE B(26)
#define L1C_AVX   (B(12) | B(28) | B(29)) /* FMA, AVX, F16C */
#define L7B_AVX   B(5)
#define L7B_512   (B(16) | B(17) | B(21) | B(26) | B(27) | B(28) | B(30) | B(31))
#define L7C_AVX   (B(9) | B(10)) /* VAES, VPCLMULQDQ */
#define L7C_512   (B(1) | B(6) | B(11) | B(12) | B(14))
#define L7D_512   (B(2) | B(3) | B(8) | B(23))
#define L71A_AVX  B(4)
#define L71A_512  B(5)
/* What makes kernels copy and clear with REP MOVSB and REP STOSB. */
#define L7B_REP  B(9) /* ERMS */
#define L7D_REP  B(4) /* FSRM */
#define L71A_REP (B(10) | B(11) | B(12)) /* FZLRM FSRS FSRCS */
#define X1C_AVX  (B(11) | B(16)) /* XOP, FMA4 */

static const struct allowed {
	uint32_t leaf, sub; /* sub ANY: the leaf has none, or all alike */
	struct cpuid_regs mask;
} allowed[] = {
#define ANY ~0u
#define ALL ~0u
	{0x0, ANY, {ALL, ALL, ALL, ALL}},
	{0x1,
	 ANY,
	 {ALL, 0x0000ffff,
	  /* SSE3 PCLMUL SSSE3 CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES RDRAND */
	  B(0) | B(1) | B(9) | B(13) | B(19) | B(20) | B(22) | B(23) | B(25) |
		  B(30) | L1C_AVX | L1C_XSAVE,
	  /* SEP CLFLUSH SSE SSE2 SS */
	  COMMON_EDX | B(11) | B(19) | B(25) | B(26) | B(27)}},
	{0x2, ANY, {ALL, ALL, ALL, ALL}},
	{0x4, ANY, {0x00003fff, ALL, ALL, ALL}}, /* no sharing */
	{0x7,
	 0,
	 {ALL,
	  /* BMI1 FDP BMI2 ERMS ZERO_FCS RDSEED ADX CLFLUSHOPT CLWB SHA */
	  B(3) | B(6) | B(8) | B(9) | B(13) | B(18) | B(19) | B(23) | B(24) |
		  B(29) | L7B_AVX | L7B_512,
	  /* PREFETCHWT1 GFNI CLDEMOTE MOVDIRI MOVDIR64B */
	  B(0) | B(8) | B(25) | B(27) | B(28) | L7C_AVX | L7C_512,
	  /* FSRM MD_CLEAR SERIALIZE */
	  B(4) | B(10) | B(14) | L7D_512}},
	{0x7, 1, {B(10) | B(11) | B(12) | L71A_AVX | L71A_512, 0, 0, 0}},
	{0xd, 1, {0x7, ALL, 0, 0}}, /* XSAVEOPT XSAVEC XGETBV1 */
	{0x80000000, ANY, {ALL, ALL, ALL, ALL}},
	{0x80000001,
	 ANY,
	 {ALL, ALL,
	  /* LAHF ABM SSE4A MISALIGNSSE 3DNOWPREFETCH TBM */
	  B(0) | B(5) | B(6) | B(7) | B(8) | B(21) | X1C_AVX,
	  /* SYSCALL NX MMXEXT LM 3DNOWEXT 3DNOW */
	  COMMON_EDX | B(11) | B(20) | B(22) | B(29) | B(30) | B(31)}},
	{0x80000002, ANY, {ALL, ALL, ALL, ALL}},
	{0x80000003, ANY, {ALL, ALL, ALL, ALL}},
	{0x80000004, ANY, {ALL, ALL, ALL, ALL}},
	{0x80000005, ANY, {ALL, ALL, ALL, ALL}},
	{0x80000006, ANY, {ALL, ALL, ALL, ALL}},
	{0x80000007, ANY, {0, 0, 0, B(8)}}, /* invariant TSC */
	{0x80000008, ANY, {0xff, B(0) | B(2), 0, 0}}, /* CLZERO XSAVEERPTR */
	/* LFENCE serialises, a null selector clears the base */
	{0x80000021, ANY, {B(0) | B(2) | B(6), 0, 0, 0}},
#undef ANY
#undef ALL
};

static struct cpuid_regs filtered(cpuid_fn host, uint32_t leaf, uint32_t sub)
{
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
		const struct allowed *w = &allowed[i];
		struct cpuid_regs r;

		if (w->leaf != leaf || (w->sub != ~0u && w->sub != sub))
			continue;
		r = host(leaf, sub);
		r.a &= w->mask.a;
		r.b &= w->mask.b;
		r.c &= w->mask.c;
		r.d &= w->mask.d;
		return r;
	}
	return (struct cpuid_regs){0};
}

/* Take away what needs state that the guest cannot have. */
static void drop_states(struct cpuid_regs *r, const struct cpuid_facts *f,
			uint32_t leaf, uint32_t sub)
{
	bool avx = f->xcr0 & 4, avx512 = avx && (f->xcr0 & 0xe0) == 0xe0;

	if (leaf == 1 && !f->xcr0)
		r->c &= ~L1C_XSAVE;
	if (leaf == 1 && !avx)
		r->c &= ~L1C_AVX;
	if (leaf == 0x80000001 && !avx)
		r->c &= ~X1C_AVX;
	if (leaf != 7)
		return;
	if (sub == 1) {
		r->a &= ~((avx ? 0 : L71A_AVX) | (avx512 ? 0 : L71A_512));
		return;
	}
	r->b &= ~((avx ? 0 : L7B_AVX) | (avx512 ? 0 : L7B_512));
	r->c &= ~((avx ? 0 : L7C_AVX) | (avx512 ? 0 : L7C_512));
	r->d &= ~(avx512 ? 0 : L7D_512);
}

/* An emulated processor may claim fast strings that it does not have; a kernel
 * that believes it takes eight times as long to copy or clear a page. */
static void drop_strings(struct cpuid_regs *r, const struct cpuid_facts *f,
			 uint32_t leaf, uint32_t sub)
{
	if (!f->slow_bytes || leaf != 7)
		return;
	if (sub == 1) {
		r->a &= ~L71A_REP;
	} else {
		r->b &= ~L7B_REP;
		r->d &= ~L7D_REP;
	}
}

/* Leaf 0xd: sizes and offsets of the components that are left. */
static struct cpuid_regs xsave(cpuid_fn host, const struct cpuid_facts *f,
			       uint32_t sub)
{
	struct cpuid_regs r = {0};

	if (!f->xcr0)
		return r;
	if (sub == 0) {
		r = host(0xd, 0); /* EBX is for the XCR0 in force */
		r.a &= f->xcr0;
		r.d &= f->xcr0 >> 32;
		r.c = 512 + 64;
		for (unsigned int i = 2; i < 63; i++) {
			struct cpuid_regs part;

			if (!(f->xcr0 >> i & 1))
				continue;
			part = host(0xd, i);
			r.c = max(r.c, part.a + part.b);
		}
		return r;
	}
	if (sub == 1)
		return filtered(host, 0xd, 1);
	if (sub < 63 && f->xcr0 >> sub & 1) {
		r = host(0xd, sub);
		r.c &= 2; /* aligned when compacted */
		r.d = 0;
	}
	return r;
}

static struct cpuid_regs xen_leaf(cpuid_fn host, const struct cpuid_facts *f,
				  uint32_t leaf, uint32_t sub)
{
	struct cpuid_regs r = {0};

	switch (leaf - XEN_CPUID_FIRST_LEAF) {
	case 0:
		r.a = XEN_CPUID_FIRST_LEAF + XEN_CPUID_MAX_NUM_LEAVES;
		r.b = XEN_CPUID_SIGNATURE_EBX;
		r.c = XEN_CPUID_SIGNATURE_ECX;
		r.d = XEN_CPUID_SIGNATURE_EDX;
		break;
	case 1:
		r.a = PV_VERSION_MAJOR << 16 | PV_VERSION_MINOR;
		break;
	case 2: /* hypercall pages; mmu_update preserves A and D */
		r.a = 1;
		r.c = B(0);
		break;
	case 3: /* time: the TSC is native and never emulated */
		if (sub == 0) {
			r.a = f->tsc_stable ? B(1) : 0;
			r.b = 2;
			r.c = f->tsc_khz;
		} else if (sub == 1) {
			r.c = f->tsc_mul;
			r.d = (uint32_t)f->tsc_shift;
		} else if (sub == 2) {
			r.a = f->tsc_khz;
		}
		break;
	case 5: /* machine address width */
		r.b = sub ? 0 : host(0x80000008, 0).a & 0xff;
		break;
	}
	return r;
}

static struct cpuid_regs ext_leaf(const struct cpuid_facts *f, uint32_t n)
{
	struct cpuid_regs r = {0};

	switch (n) {
	case 0:
		r.a = XEN_CPUID_FIRST_LEAF + PV_EXT_CPUID_LEAF_STEP +
		      PV_EXT_CPUID_NR_LEAVES;
		r.b = PV_EXT_CPUID_SIGNATURE_EBX;
		r.c = PV_EXT_CPUID_SIGNATURE_ECX;
		r.d = PV_EXT_CPUID_SIGNATURE_EDX;
		break;
	case 1:
		r.a = PV_EXT_VERSION;
		r.b = PV_EXT_NR_WORDS;
		break;
	case 2:
		r.a = f->features;
		break;
	}
	return r;
}

/* What is made up or corrected after the filter. */
static void adjust(struct cpuid_regs *r, const struct cpuid_facts *f,
		   uint32_t leaf, uint32_t sub)
{
	switch (leaf) {
	case 0:
		r->a = min(r->a, (uint32_t)MAX_BASIC);
		break;
	case 1:
		r->b |= 1 << 16 | f->vcpu << 24;
		r->c |= B(A_HYPERVISOR);
		if (r->c & L1C_XSAVE) /* on, before the guest asks for it */
			r->c |= B(A_OSXSAVE);
		break;
	case 7:
		if (sub == 0)
			r->a = min(r->a, 1u);
		break;
	case 0x80000000:
		r->a = min(r->a, MAX_EXTENDED);
		break;
	case 0x80000007:
		if (!f->tsc_stable)
			r->d = 0;
		break;
	case 0x80000008:
		r->a |= 48 << 8;
		break;
	}
}

struct cpuid_regs cpuid_policy(cpuid_fn host, const struct cpuid_facts *f,
			       uint32_t leaf, uint32_t sub)
{
	struct cpuid_regs r = {0};
	uint32_t ext = XEN_CPUID_FIRST_LEAF + PV_EXT_CPUID_LEAF_STEP;

	if (leaf >> 28 == 4) {
		if (leaf >= ext && leaf <= ext + PV_EXT_CPUID_NR_LEAVES)
			return ext_leaf(f, leaf - ext);
		return xen_leaf(host, f, leaf, sub);
	}
	if (leaf > host(leaf & 0x80000000, 0).a)
		return r; /* not the last leaf's data, as hardware has it */
	if (leaf == 0xb) {
		r.c = sub & 0xff;
		r.d = f->vcpu;
		return r;
	}
	if (leaf == 0xd)
		return xsave(host, f, sub);
	r = filtered(host, leaf, sub);
	drop_states(&r, f, leaf, sub);
	drop_strings(&r, f, leaf, sub);
	adjust(&r, f, leaf, sub);
	return r;
}
