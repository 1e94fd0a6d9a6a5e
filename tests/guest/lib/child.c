/* SPDX-License-Identifier: MIT */
/*
 * Building a domain by control_op and foreign mappings, as a toolstack does.
 *
 * The child is this kernel again: its image is copied from memory, except for
 * .bss, which starts as zeroes.  It lies at the same pseudo-physical addresses,
 * behind it come the frame list, start info, store and console pages, page
 * tables and a stack.
 */
#include "tests/guest/lib/child.h"

#include <pv/io/console.h>

#define NR_L1 (CHILD_PAGES / 512)

extern uint8_t text_start[], bss_start[], image_end[];
void _start(void);

enum { /* pages behind the image, after the frame list */
	AT_START_INFO,
	AT_STORE,
	AT_CONSOLE,
	AT_L4,
	AT_L3,
	AT_L2,
	AT_L1,
	AT_STACK = AT_L1 + NR_L1,
};

static uint8_t window[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

__attribute__((weak)) void child_main(unsigned int which)
{
	die("there is no child %u", which);
}

int foreign_map(void *page, domid_t dom, uint64_t mfn, uint64_t flags)
{
	uint64_t *pte = walk(kernel_root(), P(page), 1);
	struct pv_mmu_update u = {
		.ptr = machine_address(pte) | MMU_NORMAL_PT_UPDATE,
		.val = mfn * PAGE_SIZE | flags,
	};
	int rc = HYPERVISOR_mmu_update(P(&u), 1, 0, dom);

	mmuext(MMUEXT_INVLPG_LOCAL, P(page), 0);
	return rc;
}

long control(struct pv_control_op *op, unsigned int cmd, domid_t dom)
{
	op->cmd = cmd;
	op->version = PV_CONTROL_VERSION;
	op->domid = dom;
	return HYPERVISOR_control_op(P(op));
}

uint64_t machine_free_pages(void)
{
	struct pv_control_op op = {.cmd = 0};

	CHECK_EQ(control(&op, PV_CONTROL_get_machine, 0), 0);
	return op.u.machine.free_pages;
}

long child_create(struct child *c)
{
	struct pv_control_op op = {
		.u.create = {.max_pages = CHILD_PAGES + 64, .max_vcpus = 2},
	};
	struct pv_memory_reservation r = {
		.extent_start = P(c->mfn),
		.nr_extents = CHILD_PAGES,
	};
	unsigned int i;
	long rc = control(&op, PV_CONTROL_create_domain, DOMID_INVALID);

	if (rc)
		return rc;
	c->dom = op.domid;
	c->console = NULL;
	r.domid = c->dom;
	for (i = 0; i < CHILD_PAGES; i++)
		c->mfn[i] = i;
	rc = HYPERVISOR_memory_op(XENMEM_populate_physmap, P(&r));
	return rc == CHILD_PAGES ? 0 : rc < 0 ? rc : -ENOMEM;
}

/* A page of the child, to be written until the next one is asked for. */
static void *page_of(struct child *c, unsigned int pfn)
{
	int rc = foreign_map(window, c->dom, c->mfn[pfn], PTE_KERNEL);

	if (rc)
		die("page %u of d%u does not map: %d", pfn, c->dom, rc);
	return window;
}

static void copy_image(struct child *c)
{
	uint8_t *at;

	for (at = text_start; at < image_end; at += PAGE_SIZE) {
		uint8_t *to = page_of(c, (P(at) - VIRT_BASE) / PAGE_SIZE);
		size_t n = at >= bss_start ? 0 : bss_start - at;

		n = n > PAGE_SIZE ? PAGE_SIZE : n;
		memcpy(to, at, n);
		memset(to + n, 0, PAGE_SIZE - n);
	}
}

static void fill_tables(struct child *c, unsigned int first)
{
	uint64_t *table;
	unsigned int i, l1;

	for (l1 = 0; l1 < NR_L1; l1++) {
		table = page_of(c, first + AT_L1 + l1);
		for (i = 0; i < 512; i++) {
			unsigned int pfn = l1 * 512 + i;
			bool ro = pfn >= first + AT_L4 &&
				  pfn < first + AT_L1 + NR_L1;

			table[i] = c->mfn[pfn] * PAGE_SIZE |
				   (ro ? PTE_P | PTE_A : PTE_KERNEL);
		}
	}
	table = memset(page_of(c, first + AT_L2), 0, PAGE_SIZE);
	for (l1 = 0; l1 < NR_L1; l1++)
		table[l1] = c->mfn[first + AT_L1 + l1] * PAGE_SIZE | PTE_TABLE;
	table = memset(page_of(c, first + AT_L3), 0, PAGE_SIZE);
	table[510] = c->mfn[first + AT_L2] * PAGE_SIZE | PTE_TABLE;
	table = memset(page_of(c, first + AT_L4), 0, PAGE_SIZE);
	table[511] = c->mfn[first + AT_L3] * PAGE_SIZE | PTE_TABLE;
}

static void digits(char *to, unsigned int n)
{
	char text[12];
	unsigned int i = 0;

	do {
		text[i++] = '0' + n % 10;
		n /= 10;
	} while (n);
	while (i)
		*to++ = text[--i];
	*to = 0;
}

static void fill_start_info(struct child *c, unsigned int list,
			    unsigned int first, uint64_t shared,
			    unsigned int which)
{
	struct pv_start_info *si =
		memset(page_of(c, first + AT_START_INFO), 0, PAGE_SIZE);

	memcpy(si->magic, start_info->magic, sizeof(si->magic));
	si->nr_pages = CHILD_PAGES;
	si->shared_info = shared * PAGE_SIZE;
	si->store_mfn = c->mfn[first + AT_STORE];
	si->console.domU.mfn = c->mfn[first + AT_CONSOLE];
	si->pt_base = VIRT_BASE + (first + AT_L4) * PAGE_SIZE;
	si->nr_pt_frames = 3 + NR_L1;
	si->mfn_list = VIRT_BASE + list * PAGE_SIZE;
	memcpy(si->cmd_line, "child=", 7);
	digits(si->cmd_line + 6, which);
}

static long set_context(struct child *c, unsigned int first)
{
	static struct pv_vcpu_guest_context x;
	struct pv_control_op op = {.u.context = {.context = P(&x)}};

	memset(&x, 0, sizeof(x));
	x.flags = VGCF_in_kernel;
	x.user_regs.rip = P(_start);
	x.user_regs.rsi = VIRT_BASE + (first + AT_START_INFO) * PAGE_SIZE;
	x.user_regs.rsp = VIRT_BASE + (first + AT_STACK + 1) * PAGE_SIZE;
	x.user_regs.cs = FLAT_KERNEL_CS;
	x.user_regs.ss = FLAT_KERNEL_SS;
	x.user_regs.rflags = 2;
	x.ctrlreg[0] = 0x80050033;
	x.ctrlreg[3] = c->mfn[first + AT_L4] * PAGE_SIZE;
	return control(&op, PV_CONTROL_set_vcpu_context, c->dom);
}

long child_load(struct child *c, unsigned int which)
{
	unsigned int list = (P(image_end) - VIRT_BASE) / PAGE_SIZE, i;
	unsigned int first = list + CHILD_PAGES * 8 / PAGE_SIZE;
	struct pv_mmuext_op pin = {.cmd = MMUEXT_PIN_L4_TABLE};
	struct pv_control_op op = {.cmd = 0};
	long rc = control(&op, PV_CONTROL_get_domain, c->dom);

	if (rc)
		return rc;
	copy_image(c);
	for (i = list; i < first; i++)
		memcpy(page_of(c, i),
		       (uint8_t *)c->mfn + (i - list) * PAGE_SIZE, PAGE_SIZE);
	fill_tables(c, first);
	fill_start_info(c, list, first, op.u.domain.shared_info_frame, which);
	memset(page_of(c, first + AT_CONSOLE), 0, PAGE_SIZE);
	foreign_map(window, DOMID_SELF, 0, 0);
	pin.arg1.mfn = c->mfn[first + AT_L4];
	rc = HYPERVISOR_mmuext_op(P(&pin), 1, 0, c->dom);
	if (rc)
		return rc;
	c->console = page_alloc();
	rc = foreign_map(c->console, c->dom, c->mfn[first + AT_CONSOLE],
			 PTE_KERNEL);
	return rc ? rc : set_context(c, first);
}

long child_start(struct child *c, unsigned int which)
{
	struct pv_control_op op = {.cmd = 0};
	long rc = child_create(c);

	if (!rc)
		rc = child_load(c, which);
	return rc ? rc : control(&op, PV_CONTROL_unpause_domain, c->dom);
}

/* Whole lines only; "# d1: " goes before each. */
static void drain(struct child *c)
{
	volatile struct pv_xencons_interface *ring = c->console;
	uint32_t prod = ring->out_prod, at;
	char line[128];
	size_t n = 0;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	for (at = ring->out_cons; at != prod; at++) {
		char byte = ring->out[at % XENCONS_OUT_SIZE];

		if (byte != '\n' && n < sizeof(line) - 1) {
			line[n++] = byte;
			continue;
		}
		line[n] = 0;
		note("d%u: %s", c->dom, line);
		ring->out_cons = at + 1;
		n = 0;
	}
}

int child_wait(struct child *c, unsigned int ms)
{
	uint64_t until = system_time() + ms * 1000000ul;
	struct pv_control_op op;

	do {
		memset(&op, 0, sizeof(op));
		if (control(&op, PV_CONTROL_get_domain, c->dom))
			return -1;
		drain(c);
		if (op.u.domain.flags & PV_DOMAIN_SHUTDOWN)
			return op.u.domain.shutdown_reason;
		HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
	} while (system_time() < until);
	return -1;
}

long child_destroy(struct child *c)
{
	struct pv_control_op op = {.cmd = 0};

	if (c->console) {
		foreign_map(c->console, DOMID_SELF, 0, 0);
		page_free(c->console);
		c->console = NULL;
	}
	return control(&op, PV_CONTROL_destroy_domain, c->dom);
}
