/* SPDX-License-Identifier: MIT */
/*
 * A test kernel's life: boot, run the test table, print TAP, power off.
 *
 * Output goes through console_io if this is the control domain, else to the
 * console ring.  One call writes one line, so that lines of several vcpus and
 * of the hypervisor do not mix.  The runner waits for the line "# end".
 */
#include "tests/guest/lib/child.h"

#include <pv/io/console.h>

struct pv_start_info *start_info;
uint64_t initial_sp;
struct percpu percpus[MAX_VIRT_CPUS];

static uint8_t shared_info_page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
struct pv_shared_info *shared_info = (void *)shared_info_page;
static uint8_t first_entry_stack[STACK_SIZE] __attribute__((aligned(64)));

static bool case_failed, case_skipped;

void start_c(struct pv_start_info *si, uint64_t sp);

/* ---- console ------------------------------------------------------------- */

static void ring_write(const char *text, size_t n)
{
	volatile struct pv_xencons_interface *ring =
		mfn_to_va(start_info->console.domU.mfn);
	uint32_t prod = ring->out_prod;
	size_t i;

	for (i = 0; i < n; i++) {
		while (prod - ring->out_cons >= XENCONS_OUT_SIZE)
			HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
		ring->out[prod++ % XENCONS_OUT_SIZE] = text[i];
		__atomic_thread_fence(__ATOMIC_RELEASE);
		ring->out_prod = prod;
	}
	port_send(start_info->console.domU.evtchn);
}

static void console_write(const char *text, size_t n)
{
	if (start_info->flags & SIF_INITDOMAIN)
		HYPERVISOR_console_io(CONSOLEIO_write, n, P(text));
	else
		ring_write(text, n);
}

static void line_va(const char *lead, const char *fmt, __builtin_va_list ap)
{
	char line[256];
	size_t n = strlen(lead);

	memcpy(line, lead, n);
	n += format(line + n, sizeof(line) - n - 1, fmt, ap);
	line[n++] = '\n';
	console_write(line, n);
}

static void line_out(const char *fmt, ...)
{
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	line_va("", fmt, ap);
	__builtin_va_end(ap);
}

void note(const char *fmt, ...)
{
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	line_va("# ", fmt, ap);
	__builtin_va_end(ap);
}

void die(const char *fmt, ...)
{
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	line_va("Bail out! ", fmt, ap);
	__builtin_va_end(ap);
	line_out("# end");
	shutdown(SHUTDOWN_poweroff);
}

/* ---- checks -------------------------------------------------------------- */

bool check_at(const char *file, int line, bool good, const char *fmt, ...)
{
	__builtin_va_list ap;
	char text[192];

	if (good)
		return true;
	__atomic_store_n(&case_failed, true, __ATOMIC_RELAXED);
	__builtin_va_start(ap, fmt);
	format(text, sizeof(text), fmt, ap);
	__builtin_va_end(ap);
	note("%s:%d: %s", file, line, text);
	return false;
}

void skip(const char *why)
{
	case_skipped = true;
	note("skipped: %s", why);
}

static void run_case(unsigned int number)
{
	const struct test *t = &tests[number - 1];

	case_failed = case_skipped = false;
	if (t->ending != RETURNS)
		line_out("# alone %u %d %s", number, t->ending, t->name);
	t->fn();
	line_out("%s %u - %s%s", case_failed ? "not ok" : "ok", number, t->name,
		 case_skipped ? " # SKIP" : "");
}

static void run_cases(void)
{
	unsigned int only = option("case", 0), n, count = 0;

	while (tests[count].name)
		count++;
	if (only && only <= count) {
		run_case(only);
		return;
	}
	line_out("1..%u", count);
	for (n = 1; n <= count; n++) {
		if (tests[n - 1].ending == RETURNS)
			run_case(n);
		else
			line_out("# wants a boot of its own: %u", n);
	}
}

/* ---- start of day -------------------------------------------------------- */

bool on_parapet(void)
{
	return (read_cs() & 3) == 1;
}

uint64_t option(const char *name, uint64_t otherwise)
{
	const char *s = start_info->cmd_line;
	size_t n = strlen(name);
	uint64_t value = 0;

	for (; *s; s++) {
		if (strncmp(s, name, n) || s[n] != '=' ||
		    (s != start_info->cmd_line && s[-1] != ' '))
			continue;
		for (s += n + 1; *s >= '0' && *s <= '9'; s++)
			value = value * 10 + (*s - '0');
		return value;
	}
	return otherwise;
}

void shutdown(unsigned int reason)
{
	struct pv_sched_shutdown arg = {.reason = reason};

	/* Elsewhere a control domain that powers off leaves the CPU halted. */
	if (!on_parapet() && reason == SHUTDOWN_poweroff)
		arg.reason = SHUTDOWN_reboot;
	HYPERVISOR_sched_op(SCHEDOP_shutdown, P(&arg), 0);
	for (;;)
		cpu_pause();
}

static void percpu_init(struct percpu *p, unsigned int id, uint64_t stack)
{
	p->self = p;
	p->id = id;
	p->entry_stack = stack;
	p->fault.vector = -1;
}

void start_c(struct pv_start_info *si, uint64_t sp)
{
	struct percpu *p = &percpus[0];
	long rc;

	start_info = si;
	initial_sp = sp;
	percpu_init(p, 0, P(first_entry_stack) + sizeof(first_entry_stack));
	HYPERVISOR_set_segment_base(SEGBASE_GS_KERNEL, P(p));
	rc = HYPERVISOR_update_va_mapping(
		P(shared_info_page), si->shared_info | PTE_KERNEL, UVMF_INVLPG);
	if (rc)
		die("shared_info does not map: %ld", rc);
	traps_init();
	if (!(si->flags & SIF_INITDOMAIN)) {
		child_main(option("child", 0));
		shutdown(case_failed ? SHUTDOWN_crash : SHUTDOWN_poweroff);
	}
	run_cases();
	line_out("# end");
	shutdown(SHUTDOWN_poweroff);
}
