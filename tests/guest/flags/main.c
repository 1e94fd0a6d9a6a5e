/* SPDX-License-Identifier: MIT */
/*
 * Rule 6: flags do not leak through doors.  Whatever a guest has set when it
 * enters the hypervisor or its own kernel, handlers start with clean flags,
 * and the flags come back when it returns.
 */
#include "tests/guest/lib/doors.h"

#define HOSTILE_FLAGS (RFLAGS_DF | RFLAGS_NT | RFLAGS_AC | RFLAGS_ID | 0x8d5ul)
#define CLEAN_FLAGS   (RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC | RFLAGS_DF)

/* A handler that notes the flags with which it is entered. */
extern const uint8_t note_flags[];
uint64_t entry_flags;

/* The registers are as they were; what it pops it pushes again. */
__asm__(".pushsection .text\n"
	".globl note_flags\n"
	"note_flags:\n"
	"pushfq\n popq entry_flags(%rip)\n"
	"cld\n"
	"jmp *entry_next(%rip)\n"
	".popsection");
uint64_t entry_next;

static void use(uint64_t handler)
{
	entry_next = handler;
	entry_flags = ~0ul;
}

#define FLAGGED(name, text)                                                    \
	CODE(name, "pushq %rdi\n popfq\n" text "\n nop\n pushfq\n popq %rax\n" \
		   "ud2\n")
FLAGGED(flagged_syscall, "syscall");
FLAGGED(flagged_fault, "movq 0x3000, %rdx");
FLAGGED(flagged_int, "int $0x80");
FLAGGED(flagged_bp, "int3");

static void check_entry(const char *what)
{
	/* Others leave it to the handler to clear them. */
	if (on_parapet())
		CHECKF((entry_flags & CLEAN_FLAGS) == 0, "%s: %#lx", what,
		       entry_flags);
	CHECKF((entry_flags & RFLAGS_IOPL) == 0, "%s: %#lx", what, entry_flags);
}

static void one(struct code code, const char *what, unsigned int vector,
		unsigned int skip_bytes)
{
	static const uint64_t sets[] = {HOSTILE_FLAGS, RFLAGS_NT, RFLAGS_DF,
					RFLAGS_AC, 0x8d5};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sets); i++) {
		struct frame f = user_frame();

		user_load(code);
		f.rdi = sets[i] | RFLAGS_IF | 2;
		user_run(&f);
		if (!CHECKF(f.vector == vector, "%s: %#lx", what, f.vector))
			return;
		check_entry(what);
		/* On the frame the flags are the user's; NT may be gone. */
		CHECKF(((f.rflags ^ sets[i]) &
			(HOSTILE_FLAGS & ~RFLAGS_NT & ~RFLAGS_ID)) == 0,
		       "%s: frame %#lx, set %#lx", what, f.rflags, sets[i]);
		f.rip += skip_bytes;
		user_run(&f);
		CHECKF(f.vector == VEC_UD, "%s: %#lx", what, f.vector);
		CHECKF(((f.rax ^ sets[i]) &
			(HOSTILE_FLAGS & ~RFLAGS_NT & ~RFLAGS_ID)) == 0,
		       "%s: back %#lx, set %#lx", what, f.rax, sets[i]);
		CHECK_EQ(f.rax & (RFLAGS_NT | RFLAGS_IOPL) & ~sets[i], 0);
	}
}

static void system_calls_start_clean(void)
{
	user_init();
	use(P(syscall_callback));
	CHECK_EQ(callback_set(CALLBACKTYPE_syscall, P(note_flags),
			      CALLBACKF_mask_events),
		 0);
	one(flagged_syscall, "system call", ENTRY_SYSCALL, 0);
	CHECK_EQ(callback_set(CALLBACKTYPE_syscall, P(syscall_callback),
			      CALLBACKF_mask_events),
		 0);
}

static void exceptions_start_clean(void)
{
	use(trap_stub(VEC_PF));
	CHECK_EQ(trap_set(VEC_PF, P(note_flags), 0), 0);
	one(flagged_fault, "page fault", VEC_PF, 8);
	CHECK_EQ(trap_set(VEC_PF, trap_stub(VEC_PF), 0), 0);
	use(trap_stub(0x80));
	CHECK_EQ(trap_set(0x80, P(note_flags), 3), 0);
	one(flagged_int, "int 0x80", 0x80, 0);
	use(trap_stub(VEC_BP));
	CHECK_EQ(trap_set(VEC_BP, P(note_flags), 3), 0);
	one(flagged_bp, "int3", VEC_BP, 0);
	CHECK_EQ(trap_set(VEC_BP, trap_stub(VEC_BP), 3), 0);
}

/* ---- the kernel's own ------------------------------------------------------------ */

static uint64_t hypercall_with(uint64_t flags, uint64_t nr, long *rc)
{
	uint64_t after;

	__asm__ volatile("pushq %2; popfq; syscall; pushfq; cld; popq %1\n"
			 "pushq $2; popfq"
			 : "+a"(nr), "=r"(after)
			 : "r"(flags), "D"(0ul), "S"(0ul)
			 : "rcx", "r11", "memory", "cc");
	*rc = nr;
	return after;
}

static void hypercalls_keep_the_kernels_flags(void)
{
	static const uint64_t nrs[] = {HC_xen_version, HC_sched_op, 63};
	unsigned int i;
	uint64_t after;
	long rc;

	for (i = 0; i < ARRAY_SIZE(nrs); i++) {
		after = hypercall_with(HOSTILE_FLAGS | 2, nrs[i], &rc);
		CHECK_EQ(rc, nrs[i] == 63            ? -ENOSYS
			     : nrs[i] == HC_sched_op ? 0
						     : rc);
		CHECKF((after & (RFLAGS_DF | 0x8d5)) == (RFLAGS_DF | 0x8d5),
		       "%lu: %#lx", nrs[i], after);
		CHECK_EQ(after & RFLAGS_IOPL, 0);
	}
}

static void kernel_exception(void *flags)
{
	__asm__ volatile("pushq %0; popfq; ud2" : : "r"(flags) : "memory");
}

static void exceptions_of_the_kernel_start_clean(void)
{
	static const uint64_t sets[] = {HOSTILE_FLAGS, RFLAGS_NT, RFLAGS_AC,
					RFLAGS_DF, RFLAGS_TF};
	unsigned int i;

	use(trap_stub(VEC_UD));
	CHECK_EQ(trap_set(VEC_UD, P(note_flags), 0), 0);
	for (i = 0; i < ARRAY_SIZE(sets); i++) {
		struct fault f = probe(kernel_exception, (void *)(sets[i] | 2));

		if (f.vector == VEC_DB)
			continue; /* TF: before the ud2 */
		CHECK_EQ(f.vector, VEC_UD);
		check_entry("ud2");
	}
	CHECK_EQ(trap_set(VEC_UD, trap_stub(VEC_UD), 0), 0);
	CHECK_EQ(read_flags() & CLEAN_FLAGS, 0);
}

static void events_start_clean(void)
{
	evtchn_port_t port = bind_ipi(0);
	uint32_t before = event_count[port];
	struct pv_evtchn_send arg = {.port = port};
	long rc;

	use(P(event_callback));
	CHECK_EQ(callback_set(CALLBACKTYPE_event, P(note_flags), 0), 0);
	events_unmask();
	__asm__ volatile("pushq %1; popfq; syscall; pushq $2; popfq"
			 : "=a"(rc)
			 : "r"(HOSTILE_FLAGS | 2), "0"(HC_event_channel_op),
			   "D"(EVTCHNOP_send), "S"(&arg)
			 : "rcx", "r11", "memory", "cc");
	CHECK_EQ(rc, 0);
	CHECK_EQ(event_count[port], before + 1);
	check_entry("event");
	events_mask();
	CHECK_EQ(callback_set(CALLBACKTYPE_event, P(event_callback), 0), 0);
	CHECK_EQ(port_close(port), 0);
}

/* The real IOPL stays 0, whatever the virtual one is. */
static void iopl_is_never_real(void)
{
	struct pv_physdev_set_iopl iopl = {.iopl = 3};
	struct frame f;

	CODE(code, "pushfq\n popq %rax\n int3\n");
	CHECK_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, P(&iopl)), 0);
	CHECK_EQ(read_flags() & RFLAGS_IOPL, 0);
	f = user_call(code, 0, 0, 0);
	CHECK_EQ(f.rax & RFLAGS_IOPL, 0);
	iopl.iopl = 0;
	CHECK_EQ(HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, P(&iopl)), 0);
}

static void doors_open_after_it(void)
{
	doors_init();
	CHECK(doors_round());
}

const struct test tests[] = {
	{"system calls start with clean flags", system_calls_start_clean},
	{"exceptions of users do", exceptions_start_clean},
	{"hypercalls keep the kernel's flags",
	 hypercalls_keep_the_kernels_flags},
	{"exceptions of the kernel start with clean flags",
	 exceptions_of_the_kernel_start_clean},
	{"events start with clean flags", events_start_clean},
	{"the real IOPL stays 0", iopl_is_never_real},
	{"every door is open after it", doors_open_after_it},
	{},
};
