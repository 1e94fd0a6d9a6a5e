/* SPDX-License-Identifier: MIT */
/*
 * The FPU's registers belong to a virtual CPU: two that share a processor
 * never see each other's, a new one starts with clean ones, and a hypercall,
 * an exception or an event leaves them alone.
 */
#include "tests/guest/lib/guest.h"

#define ROUNDS     200
#define XMM_BYTES  256
#define MXCSR_INIT 0x1f80
#define FCW_INIT   0x37f

struct image {
	uint8_t xmm[XMM_BYTES];
	uint8_t ymm_high[XMM_BYTES];
	uint64_t st; /* a double, by its bits */
	uint32_t mxcsr;
	uint16_t fcw;
} __attribute__((aligned(32)));

static bool has_avx;

#define EACH_XMM(op)                                                           \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10)     \
		op(11) op(12) op(13) op(14) op(15)

static void load(const struct image *i)
{
#define LOAD_XMM(n) "movups " #n "*16(%0), %%xmm" #n "\n"
#define LOAD_YMM(n) "vinsertf128 $1, " #n "*16(%0), %%ymm" #n ", %%ymm" #n "\n"
	__asm__ volatile(EACH_XMM(LOAD_XMM) : : "r"(i->xmm) : "memory");
	if (has_avx)
		__asm__ volatile(EACH_XMM(LOAD_YMM)
				 :
				 : "r"(i->ymm_high)
				 : "memory");
	__asm__ volatile("ldmxcsr %0; fninit; fldcw %1; fldl %2"
			 :
			 : "m"(i->mxcsr), "m"(i->fcw), "m"(i->st));
}

static void store(struct image *i)
{
#define STORE_XMM(n) "movups %%xmm" #n ", " #n "*16(%0)\n"
#define STORE_YMM(n) "vextractf128 $1, %%ymm" #n ", " #n "*16(%0)\n"
	memset(i, 0, sizeof(*i));
	__asm__ volatile(EACH_XMM(STORE_XMM) : : "r"(i->xmm) : "memory");
	if (has_avx)
		__asm__ volatile(EACH_XMM(STORE_YMM)
				 :
				 : "r"(i->ymm_high)
				 : "memory");
	__asm__ volatile("stmxcsr %0; fnstcw %1; fstl %2"
			 : "=m"(i->mxcsr), "=m"(i->fcw), "=m"(i->st));
}

static void fill(struct image *i, unsigned int seed)
{
	unsigned int n;

	memset(i, 0, sizeof(*i));
	for (n = 0; n < XMM_BYTES; n++) {
		i->xmm[n] = seed * 37 + n;
		i->ymm_high[n] = has_avx ? seed * 91 + 3 * n : 0;
	}
	i->mxcsr = MXCSR_INIT | seed % 4 << 13;
	i->fcw = FCW_INIT ^ (seed % 4 << 10);
	/* 1.5 times a power of 2: any bits below the exponent will do. */
	i->st = 0x3ff8000000000000 + ((uint64_t)seed << 52);
}

static bool same(const struct image *a, const struct image *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* On each vcpu that is going to use it. */
static void enable_avx(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid"
			 : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (!(c & 1 << 26) || !(c & 1 << 28))
		return;
	__asm__ volatile("movq %%cr4, %%rax; orq %0, %%rax; movq %%rax, %%cr4"
			 :
			 : "i"(1 << 18)
			 : "rax");
	__asm__ volatile("xsetbv" : : "a"(7), "d"(0), "c"(0));
	__asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	CHECK_EQ(a & 7, 7);
	has_avx = true;
}

static void avx_is_enabled_where_it_is(void)
{
	enable_avx();
	note("AVX: %s", has_avx ? "yes" : "no");
}

/* ---- one vcpu ---------------------------------------------------------------- */

static bool skip_ud2(struct frame *f)
{
	if (f->vector != VEC_UD)
		return false;
	f->rip += 2;
	return true;
}

static void hypercalls_and_exceptions_leave_it_alone(void)
{
	struct image want, got;
	evtchn_port_t port = bind_ipi(0);
	unsigned int n;

	events_unmask();
	for (n = 0; n < ROUNDS; n++) {
		fill(&want, n);
		this_vcpu()->hook = skip_ud2;
		load(&want);
		HYPERVISOR_xen_version(XENVER_version, 0);
		HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
		__asm__ volatile("ud2");
		port_send(port);
		store(&got);
		this_vcpu()->hook = NULL;
		if (!CHECKF(same(&want, &got), "round %u", n))
			break;
	}
	CHECK_EQ(event_count[port], n);
	events_mask();
	CHECK_EQ(port_close(port), 0);
}

static bool give_fpu_back(struct frame *f)
{
	return f->vector == VEC_NM;
}

static void taking_it_away_keeps_it(void)
{
	struct image want, got;

	fill(&want, 77);
	load(&want);
	CHECK_EQ(HYPERVISOR_fpu_taskswitch(1), 0);
	HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
	this_vcpu()->hook = give_fpu_back;
	store(&got);
	this_vcpu()->hook = NULL;
	CHECK(same(&want, &got));
}

static void bad_mxcsr(void *arg)
{
	__asm__ volatile("ldmxcsr (%0)" : : "r"(arg));
}

static void divide_sse(void *arg)
{
	static const uint32_t unmasked = 0x1d80; /* divide by zero traps */

	__asm__ volatile("ldmxcsr %0; xorps %%xmm0, %%xmm0\n"
			 "movss %1, %%xmm1; divss %%xmm0, %%xmm1"
			 :
			 : "m"(unmasked), "m"(*(uint32_t *)arg));
}

static void divide_x87(void *arg)
{
	static const uint16_t unmasked = 0x37b; /* divide by zero traps */

	__asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait"
			 :
			 : "m"(unmasked));
	(void)arg;
}

static void its_exceptions_are_delivered(void)
{
	static uint32_t reserved = 0xffff0000, one = 0x3f800000;
	struct image clean;

	int vector = probe(bad_mxcsr, &reserved).vector;

	/* Some emulators raise nothing for SSE. */
	CHECK(vector == VEC_GP || vector == -1);
	vector = probe(divide_sse, &one).vector;
	CHECK(vector == VEC_XM || vector == -1);
	CHECK_EQ(probe(divide_x87, NULL).vector, VEC_MF);
	fill(&clean, 0);
	load(&clean);
}

/* ---- two vcpus on one processor ------------------------------------------------ */

static volatile uint32_t finished, wrong;

static void rounds(unsigned int who)
{
	struct image want, got;
	unsigned int n;

	for (n = 0; n < ROUNDS; n++) {
		fill(&want, who * 5 + n);
		load(&want);
		HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
		store(&got);
		if (!same(&want, &got))
			wrong++;
	}
}

static void second(void *arg)
{
	enable_avx();
	rounds(1);
	finished = 1;
	(void)arg;
}

static void two_vcpus_keep_their_own(void)
{
	finished = wrong = 0;
	CHECK_EQ(vcpu_run(1, second, NULL), 0);
	rounds(2);
	CHECK(wait_change(&finished, 0, 5000));
	CHECK_EQ(wrong, 0);
	CHECK(vcpu_wait_down(1, 1000));
}

static struct image first_sight;

static void look(void *arg)
{
	enable_avx();
	store(&first_sight);
	finished = 1;
	(void)arg;
}

static void a_new_vcpu_starts_clean(void)
{
	struct image secret;
	unsigned int n;

	fill(&secret, 200);
	load(&secret);
	finished = 0;
	CHECK_EQ(vcpu_run(2, look, NULL), 0);
	CHECK(wait_change(&finished, 0, 5000));
	for (n = 0; n < XMM_BYTES; n++)
		if (!CHECK_EQ(first_sight.xmm[n], 0) ||
		    !CHECK_EQ(first_sight.ymm_high[n], 0))
			break;
	CHECK_EQ(first_sight.mxcsr, MXCSR_INIT);
	CHECK_EQ(first_sight.fcw, FCW_INIT);
}

RUN("smp=1 vcpus=3");

const struct test tests[] = {
	{"AVX is enabled where the CPU has it", avx_is_enabled_where_it_is},
	{"hypercalls, exceptions and events leave the FPU alone",
	 hypercalls_and_exceptions_leave_it_alone},
	{"taking the FPU away keeps its registers", taking_it_away_keeps_it},
	{"exceptions of the FPU are delivered", its_exceptions_are_delivered},
	{"two vcpus on one CPU keep their registers", two_vcpus_keep_their_own},
	{"a new vcpu starts with clean registers", a_new_vcpu_starts_clean},
	{},
};
