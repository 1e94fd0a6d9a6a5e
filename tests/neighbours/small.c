/* SPDX-License-Identifier: MIT */
/*
 * A small kernel: it says that it is up, and then does one thing for ever,
 * by the first letter of its command line.
 *
 *	w	wait for nothing
 *	x	count, and never give the processor away
 *	c	flood the console
 *	s	flood the store with requests, more than its ring holds
 *	e	flood every event channel that it has
 *	l	lie: any index and any byte in the rings of console and store
 */
#include <stdbool.h>

#include <pv/event_channel.h>
#include <pv/hypercalls.h>
#include <pv/io/console.h>
#include <pv/io/xs_wire.h>
#include <pv/sched.h>
#include <pv/start_info.h>

#define VIRT_BASE 0xffffffff80000000ul
#define PAGE_SIZE 4096

void start_c(const struct pv_start_info *si);

static volatile struct pv_xencons_interface *console;
static struct pv_xenstore_domain_interface *store;
static uint32_t console_port, store_port;

static long hypercall(long number, long a, const void *b)
{
	register long rax __asm__("rax") = number;
	register long rdi __asm__("rdi") = a;
	register const void *rsi __asm__("rsi") = b;

	__asm__ volatile("syscall"
			 : "+r"(rax), "+r"(rdi), "+r"(rsi)
			 :
			 : "rcx", "r11", "rdx", "r10", "r8", "r9", "memory");
	return rax;
}

static void notify(uint32_t port)
{
	struct pv_evtchn_send send = {.port = port};

	hypercall(HC_event_channel_op, EVTCHNOP_send, &send);
}

/* Let others run. */
static void yield(void)
{
	hypercall(HC_sched_op, SCHEDOP_yield, 0);
}

/* The boot mapping has every page that we start with; find one by its mfn. */
static void *page_of(const struct pv_start_info *si, uint64_t mfn)
{
	const uint64_t *list = (const uint64_t *)si->mfn_list;
	uint64_t pfn;

	for (pfn = 0; pfn < si->nr_pages; pfn++)
		if (list[pfn] == mfn)
			return (void *)(VIRT_BASE + pfn * PAGE_SIZE);
	return 0;
}

static void say(const char *text, bool wait)
{
	volatile struct pv_xencons_interface *c = console;
	uint32_t prod = c->out_prod;

	for (; *text; text++) {
		while (wait && prod - c->out_cons >= XENCONS_OUT_SIZE)
			yield();
		c->out[prod++ % XENCONS_OUT_SIZE] = *text;
		__asm__ volatile("" ::: "memory");
		c->out_prod = prod;
	}
	notify(console_port);
}

/* Path and value. */
static const struct {
	struct pv_xsd_sockmsg head;
	char body[12];
} request = {{.type = XS_WRITE, .len = 12}, "data\0flooded"};

static void store_flood(void)
{
	volatile struct pv_xenstore_domain_interface *r = store;
	const char *bytes = (const char *)&request;
	uint32_t size = sizeof(request), i;

	for (;;) {
		r->rsp_cons = r->rsp_prod; /* read nothing, make room */
		if (XENSTORE_RING_SIZE - (r->req_prod - r->req_cons) < size) {
			notify(store_port);
			continue;
		}
		for (i = 0; i < size; i++)
			r->req[(r->req_prod + i) % XENSTORE_RING_SIZE] =
				bytes[i];
		__asm__ volatile("" ::: "memory");
		r->req_prod += size;
		notify(store_port);
	}
}

static uint64_t random_state = 88172645463325252ull;

static uint32_t any(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

static void lie(void)
{
	volatile uint32_t *indices[] = {
		&console->in_cons,  &console->in_prod, &console->out_cons,
		&console->out_prod, &store->req_cons,  &store->req_prod,
		&store->rsp_cons,   &store->rsp_prod,  &store->connection};

	for (;;) {
		*indices[any() % 9] = any();
		((volatile char *)store->req)[any() % XENSTORE_RING_SIZE] =
			(char)any();
		notify(any() & 1 ? console_port : store_port);
	}
}

static void event_flood(void)
{
	for (;;) {
		notify(console_port);
		notify(store_port);
	}
}

static void console_flood(void)
{
	for (;;)
		say("all work and no play makes a flood of words\n", true);
}

/* start.S of tests/guest begins here. */
void start_c(const struct pv_start_info *si)
{
	static const struct pv_sched_poll nothing;
	char what = si->cmd_line[0];

	console_port = si->console.domU.evtchn;
	store_port = si->store_evtchn;
	console = page_of(si, si->console.domU.mfn);
	store = page_of(si, si->store_mfn);
	say("small: up\n", false);
	while (what != 'w' && console->out_cons != console->out_prod)
		yield();
	if (what == 'c')
		console_flood();
	else if (what == 's')
		store_flood();
	else if (what == 'e')
		event_flood();
	else if (what == 'l')
		lie();
	while (what == 'x')
		__asm__ volatile("pause");
	for (;;)
		hypercall(HC_sched_op, SCHEDOP_poll, &nothing);
}
