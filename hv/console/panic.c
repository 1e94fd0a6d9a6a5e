/* SPDX-License-Identifier: MIT */
/*
 * The end: say why, where and what came before, and stop every CPU.
 */
#include "hv/console/console.h"
#include "hv/cpu/asm.h"
#include "hv/lib/bug.h"
#include "hv/lib/string.h"

struct symbol {
	uint64_t address;
	const char *name;
};

extern const struct symbol symbols_start[];
extern const uint64_t symbols_nr;
extern char text_start[], text_end[];

void (*panic_stop_others)(void);

static const struct symbol *find_symbol(uint64_t address)
{
	uint64_t low = 0, high = symbols_nr;

	if (address < (uint64_t)text_start || address >= (uint64_t)text_end)
		return NULL;
	while (low < high) {
		uint64_t mid = (low + high) / 2;

		if (symbols_start[mid].address <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? &symbols_start[low - 1] : NULL;
}

static void print_address(uint64_t address)
{
	const struct symbol *s = find_symbol(address);

	if (s)
		log_err("    %#lx %s+%#lx", address, s->name,
			address - s->address);
	else
		log_err("    %#lx", address);
}

/* Do the two words at @rbp lie on a stack of ours, in a window or at boot? */
static bool on_our_stacks(uint64_t rbp)
{
	extern char image_end[];
	const struct {
		uint64_t start, end;
	} stacks[] = {
		{WIN_HVSTACK, WIN_HVSTACK_END},
		{WIN_NMISTACK, WIN_NMISTACK_TOP},
		{(uint64_t)text_start, (uint64_t)image_end},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(stacks); i++)
		if (!(rbp & 7) && rbp >= stacks[i].start &&
		    rbp + 16 <= stacks[i].end)
			return true;
	return false;
}

void backtrace(uint64_t rip, uint64_t rbp)
{
	print_address(rip);
	for (int depth = 0; depth < 24 && on_our_stacks(rbp); depth++) {
		const uint64_t *frame = (const uint64_t *)rbp;

		if (!find_symbol(frame[1]) || frame[0] <= rbp)
			break;
		print_address(frame[1]);
		rbp = frame[0];
	}
}

void dump_state(const struct cpu_regs *r)
{
	log_err("  rip %016lx cs %04lx rflags %08lx rsp %016lx ss %04lx",
		r->rip, r->cs, r->rflags, r->rsp, r->ss);
	log_err("  rax %016lx rbx %016lx rcx %016lx rdx %016lx", r->rax, r->rbx,
		r->rcx, r->rdx);
	log_err("  rsi %016lx rdi %016lx rbp %016lx r8  %016lx", r->rsi, r->rdi,
		r->rbp, r->r8);
	log_err("  r9  %016lx r10 %016lx r11 %016lx r12 %016lx", r->r9, r->r10,
		r->r11, r->r12);
	log_err("  r13 %016lx r14 %016lx r15 %016lx cr2 %016lx", r->r13, r->r14,
		r->r15, read_cr2());
	log_err("  cr0 %08lx cr3 %016lx cr4 %08lx entry %#lx error %#lx",
		read_cr0(), read_cr3(), read_cr4(), r->entry, r->error);
}

void panic(const char *fmt, ...)
{
	static uint32_t panicking;
	char why[200];
	va_list ap;

	interrupts_off();
	if (!atomic_exchange(&panicking, 1)) {
		if (panic_stop_others)
			panic_stop_others();
		va_start(ap, fmt);
		vsnprintf(why, sizeof(why), fmt, ap);
		va_end(ap);
		log_err("PANIC: %s", why);
		backtrace((uint64_t)__builtin_return_address(0),
			  *(const uint64_t *)__builtin_frame_address(0));
	}
	for (;;)
		__asm__ volatile("cli; hlt");
}
