/* SPDX-License-Identifier: MIT */
/*
 * What a test kernel is written with.
 *
 * A test is a folder with a main.c that defines tests[]; each element is a
 * sentence and a function that makes checks.  The library boots, prints the
 * plan, runs them in order, prints TAP and powers the machine off.
 *
 * A case that ends the domain is marked with how it ends: it is not run with
 * the others; the runner boots the kernel again with "case=N" for it alone.
 */
#ifndef GUEST_H
#define GUEST_H

#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/offsets.h"
#include "tests/guest/lib/pv.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_SIZE     4096ul
#define VIRT_BASE     0xffffffff80000000ul

/* ---- the test table ------------------------------------------------------ */
enum ending {
	RETURNS, /* the function comes back                               */
	CRASHES, /* the hypervisor crashes the domain, and says so        */
	MAY_CRASH, /* either; the hypervisor itself stays well              */
	POWERS_OFF, /* the machine is off by the time it returns             */
	REBOOTS,
	MAY_END, /* in any of these ways, or it hangs                     */
};

struct test {
	const char *name; /* a sentence */
	void (*fn)(void);
	enum ending ending;
};
extern const struct test tests[]; /* ends with a NULL name */

/*
 * How the runner boots this kernel: words out of smp=N, vcpus=N, mem=MiB,
 * cpu=MODEL or cpu=MODEL+MODEL... (one boot each), args=WORD (for its command
 * line), module=PATH (an initrd), nmi (NMIs are injected all the time),
 * seconds=N.
 */
#define RUN(words)                                                             \
	__asm__(".pushsection .cases, \"\", @progbits\n.asciz \"" words        \
		"\"\n.popsection")

/* A Xen ELF note of this test's own; value is an assembler directive. */
#define ELFNOTE(type, value)                                                   \
	__asm__(".pushsection .note.Xen, \"a\", @note\n.balign 4\n"            \
		".long 4, 2f - 1f, " STRING(                                   \
			type) "\n.asciz \"Xen\"\n1: " value                    \
			      "\n2: .balign 4\n.popsection")
#define STRING(x)  STRING_(x)
#define STRING_(x) #x

/* Record a failure and go on; false if it failed. */
bool check_at(const char *file, int line, bool good, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
#define CHECK(cond) check_at(__FILE__, __LINE__, (cond), "%s", #cond)
/* The same, and say something more about it. */
#define CHECKF(cond, fmt, ...)                                                 \
	check_at(__FILE__, __LINE__, (cond), "%s: " fmt, #cond, ##__VA_ARGS__)
#define CHECK_EQ(got, want)                                                    \
	({                                                                     \
		long got_ = (long)(got), want_ = (long)(want);                 \
		check_at(__FILE__, __LINE__, got_ == want_,                    \
			 "%s is %ld (%#lx), not %ld (%#lx)", #got, got_, got_, \
			 want_, want_);                                        \
	})
/* This case does not apply here. */
void skip(const char *why);
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* ---- start of day -------------------------------------------------------- */
extern struct pv_start_info *start_info;
extern struct pv_shared_info *shared_info;
extern uint64_t initial_sp;
bool on_parapet(void); /* else: some other hypervisor of the same ABI       */
/* The number after "name=" on the command line, or otherwise. */
uint64_t option(const char *name, uint64_t otherwise);

/* ---- text ---------------------------------------------------------------- */
int format(char *to, size_t size, const char *fmt, __builtin_va_list ap);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strncmp(const char *a, const char *b, size_t n);

/* ---- memory: pages of the boot mapping ------------------------------------ */
#define PTE_P      0x001ul
#define PTE_W      0x002ul
#define PTE_U      0x004ul
#define PTE_PWT    0x008ul
#define PTE_PCD    0x010ul
#define PTE_A      0x020ul
#define PTE_D      0x040ul
#define PTE_PS     0x080ul
#define PTE_G      0x100ul
#define PTE_NX     (1ul << 63)
#define PTE_ADDR   0x000ffffffffff000ul

#define PTE_KERNEL (PTE_P | PTE_W | PTE_A | PTE_D)
#define PTE_TABLE  (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D)
#define PTE_USER   (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D)

void *page_alloc(void); /* zeroed, writable */
void *pages_alloc(unsigned int n); /* neighbours; each is freed by itself */
void page_free(void *page);
uint64_t pfn_to_mfn(uint64_t pfn);
uint64_t mfn_to_pfn(uint64_t mfn);
uint64_t va_to_mfn(const void *page); /* of the boot mapping only */
void *mfn_to_va(uint64_t mfn);
uint64_t machine_address(const void *va);

/* The entry at @level (4..1) that maps va under root; NULL if there is none. */
uint64_t *walk(const uint64_t *root, uint64_t va, unsigned int level);
uint64_t *kernel_root(void);
/* mmu_update of one entry; update_va_mapping of one page. */
int pte_write(const uint64_t *entry, uint64_t value);
int page_set(const void *page, uint64_t flags); /* the same frame, new flags */
int mmuext(unsigned int cmd, uint64_t arg1, uint64_t arg2);
/* A zeroed page, mapped read-only: fit to become a page table. */
uint64_t *table_alloc(void);

/* ---- user space: 2 MiB from USER_BASE, in both roots ---------------------- */
#define USER_BASE  0x400000ul
#define USER_END   0x600000ul
#define USER_CODE  0x400000ul
#define USER_DATA  0x500000ul
#define USER_STACK 0x510000ul /* the page below it */

extern uint64_t *user_root;
void user_init(void); /* once; code, data and stack pages exist then */
/* A table with Linux's two, for frames with them that IRETQ takes. */
void user_linux_selectors(void);
int user_map(uint64_t va, uint64_t mfn, uint64_t flags);
extern uint8_t *user_code_page, *user_data_page;

/* Position-independent code for ring 3, put at USER_CODE by user_load(). */
struct code {
	const uint8_t *start, *end;
};
#define CODE(name, text)                                                       \
	__asm__(".pushsection .user, \"ax\"\n.balign 256\n" #name              \
		"_start:\n" text "\n" #name "_end:\n.popsection");             \
	extern const uint8_t name##_start[], name##_end[];                     \
	static const struct code name = {name##_start, name##_end}
void user_load(struct code code);

/* ---- traps --------------------------------------------------------------- */
struct frame {
	uint64_t r15, r14, r13, r12, rbp, rbx;
	uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* Linux's selectors of user mode: those that SYSRET loads. */
#define LINUX_USER_CS 0x33
#define LINUX_USER_SS 0x2b

struct fault {
	int vector; /* or ENTRY_*; -1: none                                  */
	uint64_t error, cr2, rip;
};

struct percpu {
	struct percpu *self;
	uint64_t user_sp, probe_sp; /* of user_enter(), probe_call()         */
	uint64_t iret_flags; /* VGCF_in_syscall or 0, for the iret hypercall */
	unsigned int id;
	bool probing;
	struct fault fault; /* the last one that a probe took                */
	struct frame *user; /* where user_run() wants the exit               */
	uint64_t user_cr2;
	/* Looked at first; true: the frame says where to go on.             */
	bool (*hook)(struct frame *f);
	uint64_t entry_stack; /* its top: HYPERVISOR_stack_switch            */
	uint64_t events, nmis; /* upcalls taken                              */
	void (*vcpu_fn)(void *arg);
	void *vcpu_arg;
};
extern struct percpu percpus[MAX_VIRT_CPUS];

static inline struct percpu *this_vcpu(void)
{
	struct percpu *self;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(self));
	return self;
}

/* Linear address of the handler that the library registers for a vector. */
uint64_t trap_stub(unsigned int vector);
void traps_init(void); /* the trap table and callbacks of this vcpu          */
int callback_set(unsigned int type, uint64_t address, unsigned int flags);
int trap_set(unsigned int vector, uint64_t address, unsigned int flags);
extern const uint8_t syscall_callback[], syscall32_callback[],
	sysenter_callback[], event_callback[], failsafe_callback[],
	nmi_callback[];

/* Call fn(arg); the fault it takes, with vector -1 if it comes back. */
struct fault probe(void (*fn)(void *arg), void *arg);
struct fault probe_read(uint64_t va);
struct fault probe_write(uint64_t va); /* writes what it read, or 0          */
struct fault probe_exec(uint64_t va);

/*
 * Run user code until it leaves: f->vector says how (a vector, ENTRY_*), f
 * has its registers.  user_frame() starts at USER_CODE with empty registers,
 * fit for SYSRET if iret_flags want that.
 */
struct frame user_frame(void);
void user_run(struct frame *f);
/* Load code, run it from a fresh frame with these in rdi, rsi and rdx. */
struct frame user_call(struct code code, uint64_t rdi, uint64_t rsi,
		       uint64_t rdx);

/* ---- events -------------------------------------------------------------- */
extern volatile uint32_t event_count[4096]; /* upcalls seen, by port         */
static inline struct pv_vcpu_info *vcpu_info(void)
{
	return &shared_info->vcpu_info[this_vcpu()->id];
}
static inline void events_mask(void)
{
	*(volatile uint8_t *)&vcpu_info()->evtchn_upcall_mask = 1;
}
void events_unmask(void); /* and take what is pending                        */
/* A hook: nobody looks which ports are pending. */
bool events_dropped(struct frame *f);
void port_unmask(evtchn_port_t port); /* in the 2-level array                */
bool port_pending(evtchn_port_t port); /* and clear it                       */
/* Wait until *word is not old any more, but at most ms; false: too late. */
bool wait_change(const volatile uint32_t *word, uint32_t old, unsigned int ms);
evtchn_port_t bind_virq(unsigned int virq, unsigned int vcpu);
evtchn_port_t bind_ipi(unsigned int vcpu);
int port_send(evtchn_port_t port);
int port_close(evtchn_port_t port);

/* ---- time ---------------------------------------------------------------- */
uint64_t system_time(void); /* nanoseconds, from this vcpu's clock page      */
void spin_ms(unsigned int ms);

/* ---- vcpus --------------------------------------------------------------- */
/*
 * Start a vcpu that is down in fn(arg), as this one is set up; it goes down
 * when fn returns.  0 or a negative errno.
 */
int vcpu_run(unsigned int id, void (*fn)(void *arg), void *arg);
/* Wait until it is down, at most ms. */
bool vcpu_wait_down(unsigned int id, unsigned int ms);
unsigned int nr_vcpus(void); /* that VCPUOP_is_up knows                      */

void shutdown(unsigned int reason) __attribute__((noreturn));

#endif /* GUEST_H */
