/* SPDX-License-Identifier: MIT */
/*
 * xen_version, and what CPUID says of the hypervisor.
 */
#include "tests/guest/lib/guest.h"

static union {
	char text[1024];
	struct pv_compile_info compile;
	struct pv_platform_parameters platform;
	struct pv_feature_info features;
	struct pv_domain_handle handle;
	struct pv_build_id build_id;
} u;

static void version_is_that_of_the_contract(void)
{
	CHECK_EQ(HYPERVISOR_xen_version(XENVER_version, 0),
		 PV_VERSION_MAJOR << 16 | PV_VERSION_MINOR);
}

static bool terminated(const char *text, size_t size)
{
	while (size && *text)
		text++, size--;
	return size;
}

static bool contains(const char *text, const char *what)
{
	for (; *text; text++)
		if (!strncmp(text, what, strlen(what)))
			return true;
	return false;
}

static void texts_are_terminated(void)
{
	static const struct {
		unsigned int command, size;
	} t[] = {
		{XENVER_extraversion, 16},
		{XENVER_capabilities, 1024},
		{XENVER_changeset, 64},
		{XENVER_commandline, 1024},
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		memset(&u, 0x5a, sizeof(u));
		CHECK_EQ(HYPERVISOR_xen_version(t[i].command, P(&u)), 0);
		CHECKF(terminated(u.text, t[i].size), "command %u",
		       t[i].command);
	}
	CHECK_EQ(HYPERVISOR_xen_version(XENVER_compile_info, P(&u)), 0);
	CHECK(terminated(u.compile.compiler, 64));
	CHECK(terminated(u.compile.compile_by, 16));
	CHECK(terminated(u.compile.compile_domain, 32));
	CHECK(terminated(u.compile.compile_date, 32));
}

static void a_64_bit_guest_is_possible(void)
{
	CHECK_EQ(HYPERVISOR_xen_version(XENVER_capabilities, P(&u)), 0);
	CHECKF(contains(u.text, "xen-3.0-x86_64"), "%s", u.text);
}

static void numbers_are_right(void)
{
	CHECK_EQ(HYPERVISOR_xen_version(XENVER_platform_parameters, P(&u)), 0);
	CHECK_EQ(u.platform.virt_start, HYPERVISOR_VIRT_START);
	CHECK_EQ(HYPERVISOR_xen_version(XENVER_pagesize, 0), PAGE_SIZE);
}

static void features_let_linux_start(void)
{
	u.features.submap_idx = 0;
	CHECK_EQ(HYPERVISOR_xen_version(XENVER_get_features, P(&u)), 0);
	CHECK(u.features.submap & 1 << XENFEAT_mmu_pt_update_preserve_ad);
	CHECK(u.features.submap & 1 << XENFEAT_gnttab_map_avail_bits);
	CHECK(u.features.submap & 1 << XENFEAT_dom0);
	CHECK(!(u.features.submap & 1 << XENFEAT_auto_translated_physmap));
	CHECK(!(u.features.submap & 1 << XENFEAT_writable_page_tables));
	u.features.submap_idx = XENFEAT_NR_SUBMAPS;
	CHECK_EQ(HYPERVISOR_xen_version(XENVER_get_features, P(&u)), -EINVAL);
	u.features.submap_idx = ~0u;
	CHECK_EQ(HYPERVISOR_xen_version(XENVER_get_features, P(&u)), -EINVAL);
}

static void the_control_domain_has_no_handle(void)
{
	static const struct pv_domain_handle zero;

	CHECK_EQ(HYPERVISOR_xen_version(XENVER_guest_handle, P(&u)), 0);
	CHECK(!memcmp(&u.handle, &zero, sizeof(zero)));
}

/* With no room it tells the length, or that there is none. */
static void build_id_tells_its_length(void)
{
	long size = HYPERVISOR_xen_version(XENVER_build_id, 0), rc;

	if (size == -ENODATA || size == -ENOSYS)
		return;
	CHECK(size > 0 && size < 64);
	u.build_id.len = 1;
	rc = HYPERVISOR_xen_version(XENVER_build_id, P(&u));
	CHECK_EQ(rc, -ENOBUFS);
	u.build_id.len = 64;
	CHECK_EQ(HYPERVISOR_xen_version(XENVER_build_id, P(&u)), size);
}

/* ---- CPUID ---------------------------------------------------------------- */

struct cpuid {
	uint32_t a, b, c, d;
};

static struct cpuid cpuid_forced(uint32_t leaf)
{
	struct cpuid r = {.a = leaf};

	__asm__ volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid"
			 : "+a"(r.a), "=b"(r.b), "+c"(r.c), "=d"(r.d));
	return r;
}

static void forced_cpuid_shows_the_hypervisor(void)
{
	struct cpuid r = cpuid_forced(XEN_CPUID_FIRST_LEAF);

	CHECK_EQ(r.b, XEN_CPUID_SIGNATURE_EBX);
	CHECK_EQ(r.c, XEN_CPUID_SIGNATURE_ECX);
	CHECK_EQ(r.d, XEN_CPUID_SIGNATURE_EDX);
	CHECK(r.a >= XEN_CPUID_FIRST_LEAF + 2 &&
	      r.a <= XEN_CPUID_FIRST_LEAF + XEN_CPUID_MAX_NUM_LEAVES);
	r = cpuid_forced(XEN_CPUID_FIRST_LEAF + 1);
	CHECK_EQ(r.a, PV_VERSION_MAJOR << 16 | PV_VERSION_MINOR);
}

static void forced_cpuid_hides_what_pv_has_not(void)
{
	struct cpuid r = cpuid_forced(1);

	CHECK(r.d & 1 << 0); /* FPU                     */
	CHECK(!(r.d & 1 << 3)); /* PSE                     */
	CHECK(!(r.d & 1 << 13)); /* PGE                     */
	CHECK(!(r.c & 1 << 5)); /* VMX                     */
	CHECK(!(r.c & 1 << 17)); /* PCID                    */
	CHECK(!(r.c & 1 << 21)); /* X2APIC                  */
	CHECK(r.c & 1u << 31); /* runs under a hypervisor */
	r = cpuid_forced(7);
	CHECK(!(r.b & 1 << 7)); /* SMEP */
	CHECK(!(r.b & 1 << 20)); /* SMAP */
	r = cpuid_forced(0x80000001);
	CHECK(r.d & 1 << 29); /* long mode */
	CHECK(r.d & 1 << 20); /* NX        */
	CHECK(!(r.d & 1 << 26)); /* 1 GiB pages */
	CHECK(!(r.c & 1 << 2)); /* SVM       */
}

static void extensions_are_found(void)
{
	struct pv_ext_features f = {.word = 0};
	uint32_t leaf;
	struct cpuid r;

	if (!on_parapet()) {
		skip("Parapet's own");
		return;
	}
	for (leaf = PV_EXT_CPUID_FIRST_LEAF; leaf <= PV_EXT_CPUID_LAST_BASE;
	     leaf += PV_EXT_CPUID_LEAF_STEP) {
		r = cpuid_forced(leaf);
		if (r.b == PV_EXT_CPUID_SIGNATURE_EBX &&
		    r.c == PV_EXT_CPUID_SIGNATURE_ECX &&
		    r.d == PV_EXT_CPUID_SIGNATURE_EDX)
			break;
	}
	if (!CHECK(leaf <= PV_EXT_CPUID_LAST_BASE))
		return;
	CHECK_EQ(r.a, leaf + PV_EXT_CPUID_NR_LEAVES);
	CHECK_EQ(HYPERVISOR_ext_op(PV_EXT_get_features, P(&f)), 0);
	CHECK_EQ(f.version, PV_EXT_VERSION);
	CHECK_EQ(f.nr_words, PV_EXT_NR_WORDS);
	CHECK_EQ(cpuid_forced(leaf + 1).a, PV_EXT_VERSION);
	CHECK_EQ(cpuid_forced(leaf + 2).a, f.bits);
	f.word = 1000;
	f.bits = ~0u;
	CHECK_EQ(HYPERVISOR_ext_op(PV_EXT_get_features, P(&f)), 0);
	CHECK_EQ(f.bits, 0);
	CHECK_EQ(HYPERVISOR_ext_op(77, P(&f)), -ENOSYS);
}

const struct test tests[] = {
	{"the version is that of the contract",
	 version_is_that_of_the_contract},
	{"texts are terminated", texts_are_terminated},
	{"a 64-bit guest is possible", a_64_bit_guest_is_possible},
	{"start of the hole and page size are right", numbers_are_right},
	{"the features let Linux start", features_let_linux_start},
	{"the control domain's handle is zero",
	 the_control_domain_has_no_handle},
	{"the build id tells its length", build_id_tells_its_length},
	{"forced CPUID shows the hypervisor",
	 forced_cpuid_shows_the_hypervisor},
	{"forced CPUID hides what a PV guest has not",
	 forced_cpuid_hides_what_pv_has_not},
	{"the extensions are found by CPUID and by ext_op",
	 extensions_are_found},
	{},
};
