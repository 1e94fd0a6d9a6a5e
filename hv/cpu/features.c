/* SPDX-License-Identifier: MIT */
/* CPUID, read once on the boot CPU. */
#include "hv/cpu/features.h"
#include "hv/cpu/asm.h"
#include "hv/lib/string.h"

struct cpu_features features;

/* x87, SSE, AVX and the three parts of AVX-512: all that guests may use. */
#define XCR0_OFFERED 0xe7

static void find_xsave(void)
{
	struct cpuid_regs r = cpuid(13, 0);
	uint64_t have = r.a | (uint64_t)r.d << 32;

	features.xcr0 = have & XCR0_OFFERED;
	if ((features.xcr0 & 0xe0) != 0xe0 || !(features.xcr0 & 4))
		features.xcr0 &= ~0xe0ull;
	features.xsave_size = 512 + 64;
	for (unsigned int i = 2; i < 8; i++) {
		r = cpuid(13, i);
		if (features.xcr0 >> i & 1)
			features.xsave_size =
				max(features.xsave_size, r.a + r.b);
	}
	features.xsaveopt = cpuid(13, 1).a & 1;
}

/* The least time of a few that 2 KiB take to copy. */
static uint64_t time_copy(bool words)
{
	static uint64_t from[256], to[256];
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 8; i++) {
		const void *s = from;
		void *d = to;
		uint64_t n = words ? 256 : 2048, began = rdtsc();

		if (words)
			__asm__ volatile("rep movsq"
					 : "+D"(d), "+S"(s), "+c"(n)
					 :
					 : "memory");
		else
			__asm__ volatile("rep movsb"
					 : "+D"(d), "+S"(s), "+c"(n)
					 :
					 : "memory");
		least = min(least, rdtsc() - began);
	}
	return least;
}

/* CPUID leaf 0x40000000: who makes this processor up, if it says so. */
static bool find_emulator(void)
{
	struct cpuid_regs r = cpuid(0x40000000, 0);
	char name[13] = "";

	memcpy(name, &r.b, 4);
	memcpy(name + 4, &r.c, 4);
	memcpy(name + 8, &r.d, 4);
	return !strcmp(name, "TCGTCGTCGTCG");
}

void features_boot(void)
{
	struct cpuid_regs r = cpuid(0, 0);
	uint32_t most = r.a, most_ext = cpuid(0x80000000, 0).a;

	memcpy(features.vendor, &r.b, 4);
	memcpy(features.vendor + 4, &r.d, 4);
	memcpy(features.vendor + 8, &r.c, 4);
	features.intel = !strcmp(features.vendor, "GenuineIntel");
	features.amd = !strcmp(features.vendor, "AuthenticAMD");
	r = cpuid(1, 0);
	features.sysenter = r.d >> 11 & 1;
	features.pge = r.d >> 13 & 1;
	features.pcid = r.c >> 17 & 1;
	features.xsave = r.c >> 26 & 1;
	features.meltdown = features.intel;
	features.emulated = (r.c >> 31) && find_emulator();
	if (most >= 7) {
		r = cpuid(7, 0);
		features.fsgsbase = r.b & 1;
		features.smep = r.b >> 7 & 1;
		features.umip = r.c >> 2 & 1;
		if (r.d >> 29 & 1) /* IA32_ARCH_CAPABILITIES: RDCL_NO */
			features.meltdown &= !(rdmsr(0x10a) & 1);
	}
	if (features.xsave && most >= 13)
		find_xsave();
	/* An emulator copies one byte after another. */
	features.slow_bytes = time_copy(false) > 3 * time_copy(true);
	features.physical_bits = 36;
	features.pages_1g = cpuid(0x80000001, 0).d >> 26 & 1;
	if (most_ext >= 0x80000008)
		features.physical_bits = cpuid(0x80000008, 0).a & 0xff;
}
