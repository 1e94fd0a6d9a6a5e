/* SPDX-License-Identifier: MIT */
/*
 * Domains that do their worst to each other: two children of two vcpus make
 * calls at random about each other's grants, ports and frames, and about their
 * own memory, while the parent maps, copies, pauses and ends them.
 *
 * A child may crash, as it will.  The hypervisor stays, every door works
 * afterwards, and when all are gone every frame is back.  "-a seed=N" gives the
 * runner others.
 */
#include "tests/guest/lib/child.h"
#include "tests/guest/lib/doors.h"
#include "tests/guest/lib/hostile.h"

#define CHILDREN 2
#define POOL     16 /* pages of each domain that take part */
#define REFS     32
#define PORTS    24
#define LIVES    8
#define LIFE_NS  300000000
#define SPARE    8 /* frames: a domain that stays has twice as many itself */

/* Of another's frame, at a page of its own. */
struct map {
	void *page;
	bool mapped;
	grant_handle_t handle;
};
#define MAPS 4

struct brawler {
	uint64_t seed;
	uint64_t *words;
	bool parent;
	struct map maps[MAPS];
};

static struct child children[CHILDREN];
static uint64_t ran_ns;
static uint8_t *pool[POOL];
static uint64_t pool_mfn[POOL];
static volatile uint32_t over, calls, fighting, resting;

static uint64_t next(struct brawler *b)
{
	b->seed ^= b->seed << 13;
	b->seed ^= b->seed >> 7;
	b->seed ^= b->seed << 17;
	return b->seed;
}

static uint64_t below(struct brawler *b, uint64_t n)
{
	return next(b) % n;
}

static domid_t pick_domain(struct brawler *b)
{
	static const domid_t some[] = {0, 1, 2, DOMID_SELF, 3, 0x7ff1};

	return some[below(b, below(b, 8) ? 4 : ARRAY_SIZE(some))];
}

/*
 * One of ours, of a child's as the parent knows them, or any; the parent, which
 * has to stay well, means none of its own but those of the pool.
 */
static uint64_t pick_frame(struct brawler *b)
{
	if (b->parent && below(b, 2))
		return children[below(b, CHILDREN)].mfn[below(b, CHILD_PAGES)];
	if (!below(b, 8))
		return below(b, 0x10000) + (b->parent ? 0x10000 : 0);
	return pool_mfn[below(b, POOL)];
}

static long pool_map(unsigned int i, uint64_t entry)
{
	return HYPERVISOR_update_va_mapping(P(pool[i]), entry, UVMF_INVLPG);
}

static void *pick_page(struct brawler *b)
{
	return pool[below(b, POOL)];
}

/* ---- grants ------------------------------------------------------------------- */
static struct pv_grant_entry_v1 *grants;

static void grants_begin(void)
{
	uint64_t frame = 0;
	struct pv_gnttab_setup_table setup = {
		.dom = DOMID_SELF, .nr_frames = 1, .frame_list = P(&frame)};

	grants = page_alloc();
	HYPERVISOR_grant_table_op(GNTTABOP_setup_table, P(&setup), 1);
	HYPERVISOR_update_va_mapping(P(grants), frame * PAGE_SIZE | PTE_KERNEL,
				     UVMF_INVLPG);
}

static void grant(struct brawler *b)
{
	struct pv_grant_entry_v1 *e = &grants[below(b, REFS)];

	if (below(b, 4))
		e->flags = 0;
	e->frame = (uint32_t)pick_frame(b);
	e->domid = pick_domain(b);
	__atomic_store_n(&e->flags, (uint16_t)(below(b, 2) ? 1 : next(b)),
			 __ATOMIC_SEQ_CST);
}

/*
 * A child maps and unmaps as it likes.  The parent keeps books, as its maps
 * outlive the children: what is mapped over something else stays for ever.
 */
static void grant_map(struct brawler *b)
{
	unsigned int i = (unsigned int)below(b, MAPS);
	struct pv_gnttab_map_grant_ref m = {
		.host_addr = P(b->parent ? b->maps[i].page : pick_page(b)),
		.flags = b->parent || below(b, 8) ? GNTMAP_host_map
						  : (uint32_t)below(b, 64),
		.ref = (uint32_t)below(b, REFS + 1),
		.dom = pick_domain(b),
	};

	if (b->parent && b->maps[i].mapped)
		return;
	if (!below(b, 4))
		m.flags |= GNTMAP_readonly;
	if (!HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, P(&m), 1) &&
	    !m.status) {
		b->maps[i].mapped = true;
		b->maps[i].handle = m.handle;
	}
}

static void unmap(struct map *m)
{
	struct pv_gnttab_unmap_grant_ref u = {.host_addr = P(m->page),
					      .handle = m->handle};

	CHECK_EQ(HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, P(&u), 1),
		 0);
	CHECK_EQ(u.status, 0);
	m->mapped = false;
}

static void grant_unmap(struct brawler *b)
{
	struct pv_gnttab_unmap_grant_ref u = {
		.host_addr = P(pick_page(b)),
		.handle = (uint32_t)below(b, REFS * 2),
	};
	struct map *m = &b->maps[below(b, MAPS)];

	if (!b->parent)
		HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, P(&u), 1);
	else if (m->mapped)
		unmap(m);
}

static void grant_any(struct brawler *b)
{
	if (b->parent)
		return;
	for (unsigned int i = 0; i < 32; i++)
		b->words[i] = below(b, 2)   ? below(b, 40)
			      : below(b, 2) ? pick_frame(b)
					    : P(pick_page(b));
	HYPERVISOR_grant_table_op((int)below(b, 14), P(b->words),
				  (unsigned int)below(b, 3));
}

static void grant_copy(struct brawler *b)
{
	struct pv_gnttab_copy c = {.len = (uint16_t)below(b, 5000)};

	c.source.domid = pick_domain(b);
	c.dest.domid = pick_domain(b);
	c.source.offset = (uint16_t)below(b, 4097);
	c.dest.offset = (uint16_t)below(b, 4097);
	c.flags = (uint16_t)below(b, 4);
	if (c.flags & 1)
		c.source.u.ref = (uint32_t)below(b, REFS);
	else
		c.source.u.gmfn = pick_frame(b);
	if (c.flags & 2)
		c.dest.u.ref = (uint32_t)below(b, REFS);
	else
		c.dest.u.gmfn = pool_mfn[below(b, POOL)];
	HYPERVISOR_grant_table_op(GNTTABOP_copy, P(&c), 1);
}

/* ---- ports -------------------------------------------------------------------- */
static void port_any(struct brawler *b)
{
	static const uint8_t cmds[] = {
		EVTCHNOP_alloc_unbound, EVTCHNOP_bind_interdomain,
		EVTCHNOP_bind_ipi,      EVTCHNOP_close,
		EVTCHNOP_send,          EVTCHNOP_send,
		EVTCHNOP_status,        EVTCHNOP_bind_vcpu,
		EVTCHNOP_unmask,
	};
	uint32_t *w = (uint32_t *)b->words;
	unsigned int cmd = cmds[below(b, ARRAY_SIZE(cmds))];

	for (unsigned int i = 0; i < 8; i++)
		w[i] = (uint32_t)below(b, PORTS);
	if (cmd == EVTCHNOP_alloc_unbound || cmd == EVTCHNOP_status)
		((uint16_t *)w)[0] = b->parent ? pick_domain(b) : DOMID_SELF,
			   ((uint16_t *)w)[1] = pick_domain(b);
	if (cmd == EVTCHNOP_bind_interdomain)
		((uint16_t *)w)[0] = pick_domain(b);
	if (!b->parent && !below(b, 200))
		cmd = EVTCHNOP_reset, ((uint16_t *)w)[0] = DOMID_SELF;
	HYPERVISOR_event_channel_op((int)cmd, P(w));
}

/* ---- memory ------------------------------------------------------------------- */
static void table_any(struct brawler *b)
{
	struct pv_mmuext_op op = {.cmd = (uint32_t)below(b, 24)};
	struct pv_mmu_update u = {.val = pick_frame(b) * PAGE_SIZE |
					 (next(b) & 0x8000000000000067)};
	domid_t dom = below(b, 2) ? DOMID_SELF : pick_domain(b);

	op.arg1.mfn = pick_frame(b);
	op.arg2.src_mfn = pick_frame(b);
	if (op.cmd == MMUEXT_NEW_BASEPTR || op.cmd == MMUEXT_SET_LDT ||
	    op.cmd == MMUEXT_NEW_USER_BASEPTR)
		op.cmd = MMUEXT_UNPIN_TABLE;
	switch (below(b, 3)) {
	case 0:
		HYPERVISOR_mmuext_op(P(&op), 1, 0, dom);
		break;
	case 1:
		u.ptr = pick_frame(b) * PAGE_SIZE + below(b, 512) * 8 +
			(below(b, 2) ? 2 : 0);
		HYPERVISOR_mmu_update(P(&u), 1, 0, dom);
		break;
	case 2: { /* a window onto another's frame, or one of ours */
		uint64_t *pte = walk(kernel_root(), P(pick_page(b)), 1);

		u.ptr = machine_address(pte);
		u.val = pick_frame(b) * PAGE_SIZE |
			(below(b, 2) ? PTE_KERNEL : PTE_P);
		HYPERVISOR_mmu_update(P(&u), 1, 0, dom);
		break;
	}
	}
}

static void memory_any(struct brawler *b)
{
	struct pv_memory_reservation r = {
		.extent_start = P(b->words),
		.nr_extents = 1 + below(b, 4),
		.extent_order = below(b, 8) ? 0 : (uint32_t)below(b, 4),
		.domid = b->parent ? pick_domain(b) : DOMID_SELF,
	};
	unsigned int cmd = (unsigned int)below(b, 3);

	if (r.domid == 0 || (b->parent && r.domid == DOMID_SELF))
		return;
	for (unsigned int i = 0; i < 4; i++)
		b->words[i] = pick_frame(b);
	HYPERVISOR_memory_op(cmd == 0   ? XENMEM_increase_reservation
			     : cmd == 1 ? XENMEM_decrease_reservation
					: XENMEM_populate_physmap,
			     P(&r));
}

/* Frames for others, of other sizes; what was mapped may go. */
static void exchange(struct brawler *b)
{
	uint64_t *in = b->words, *out = b->words + 8;
	unsigned int order = (unsigned int)below(b, 3);
	struct pv_memory_exchange x = {
		.in = {.extent_start = P(in),
		       .nr_extents = 1ul << (2 - order),
		       .extent_order = order,
		       .domid = DOMID_SELF},
		.out = {.extent_start = P(out),
			.nr_extents = 4,
			.domid = DOMID_SELF},
	};

	for (unsigned int i = 0; i < 4; i++) {
		in[i] = pick_frame(b);
		out[i] = mfn_to_pfn(pool_mfn[below(b, POOL)]);
	}
	HYPERVISOR_memory_op(XENMEM_exchange, P(&x));
}

/* ---- vcpus -------------------------------------------------------------------- */
static void vcpu_any(struct brawler *b)
{
	static const uint8_t cmds[] = {
		VCPUOP_up,
		VCPUOP_up,
		VCPUOP_down,
		VCPUOP_get_runstate_info,
		VCPUOP_register_runstate_memory_area,
		VCPUOP_set_periodic_timer,
		VCPUOP_stop_periodic_timer,
		VCPUOP_set_singleshot_timer,
		VCPUOP_stop_singleshot_timer,
		VCPUOP_register_vcpu_time_memory_area,
	};
	int cmd = cmds[below(b, ARRAY_SIZE(cmds))];

	b->words[0] = below(b, 2) ? P(pick_page(b)) + below(b, PAGE_SIZE)
				  : system_time() + below(b, 1000000);
	b->words[1] = below(b, 2);
	/* One stays up, and wakes the other. */
	HYPERVISOR_vcpu_op(cmd, cmd == VCPUOP_down ? 1 : (int)below(b, 3),
			   P(b->words));
}

static void wait_some(struct brawler *b)
{
	uint32_t *ports = (uint32_t *)b->words;
	struct pv_sched_poll poll = {.ports = P(ports),
				     .nr_ports = (uint32_t)below(b, 3),
				     .timeout = system_time() + 100000};

	ports[0] = (uint32_t)below(b, PORTS);
	ports[1] = (uint32_t)below(b, PORTS);
	HYPERVISOR_sched_op(below(b, 2) ? SCHEDOP_poll : SCHEDOP_yield,
			    P(&poll), 0);
}

static void own_call(struct brawler *b)
{
	switch (below(b, 3)) {
	case 0:
		vcpu_any(b);
		break;
	case 1:
		wait_some(b);
		break;
	case 2:
		exchange(b);
		break;
	}
}

static void any_call(struct brawler *b)
{
	switch (below(b, 10)) {
	case 0:
		grant(b);
		break;
	case 1:
	case 2:
		grant_map(b);
		break;
	case 3:
		grant_unmap(b);
		break;
	case 4:
		grant_any(b);
		break;
	case 5:
		grant_copy(b);
		break;
	case 6:
		port_any(b);
		break;
	case 7:
	case 8:
		table_any(b);
		break;
	case 9:
		memory_any(b);
		break;
	}
	calls++;
}

static void prepare(void)
{
	uint8_t *first = pages_alloc(POOL);

	for (unsigned int i = 0; i < POOL; i++) {
		pool[i] = first + i * PAGE_SIZE;
		pool_mfn[i] = va_to_mfn(pool[i]);
	}
	grants_begin();
}

static void brawl(void *arg)
{
	struct brawler b = {.seed = P(arg), .words = page_alloc()};

	this_vcpu()->hook = events_dropped;
	for (;;) {
		any_call(&b);
		if (!below(&b, 8))
			own_call(&b);
	}
}

void child_main(unsigned int which)
{
	prepare();
	vcpu_run(1, brawl, (void *)(which * 0x9e3779b97f4a7c15ul | 1));
	brawl((void *)(which * 0xc2b2ae3d27d4eb4ful | 1));
}

/* ---- the parent --------------------------------------------------------------- */
static void act(struct brawler *b)
{
	struct child *c = &children[below(b, CHILDREN)];
	struct pv_control_op op = {.cmd = 0};

	switch (below(b, 8)) {
	case 0:
		control(&op, PV_CONTROL_pause_domain, c->dom);
		any_call(b);
		/* fall through */
	case 1:
		control(&op, PV_CONTROL_unpause_domain, c->dom);
		break;
	case 2:
		op.u.memory.pages = CHILD_PAGES + below(b, 64);
		control(&op, PV_CONTROL_claim_memory, c->dom);
		break;
	case 3:
		op.u.vcpu.vcpu = (uint32_t)below(b, 3);
		control(&op, PV_CONTROL_get_vcpu, c->dom);
		break;
	case 4:
		control(&op, PV_CONTROL_get_domain, c->dom);
		break;
	default:
		any_call(b);
	}
}

static void begin(struct brawler *b, uint64_t seed)
{
	memset(b, 0, sizeof(*b));
	b->seed = seed | 1;
	b->words = page_alloc();
	b->parent = true;
	for (unsigned int i = 0; i < MAPS; i++)
		b->maps[i].page = page_alloc();
}

static void rest(struct brawler *b)
{
	for (unsigned int i = 0; i < MAPS; i++)
		if (b->maps[i].mapped)
			unmap(&b->maps[i]);
}

static void help(void *arg)
{
	struct brawler b;

	begin(&b, P(arg));
	this_vcpu()->hook = events_dropped;
	while (!over) {
		if (fighting) {
			resting = 0;
			act(&b);
		} else if (!resting) {
			rest(&b);
			resting = 1;
		}
	}
	this_vcpu()->hook = NULL;
}

/* Nothing of another's stays in the pool. */
static void give_back(void)
{
	unsigned int i;

	for (i = 0; i < POOL; i++)
		mmuext(MMUEXT_UNPIN_TABLE, pool_mfn[i], 0);
	for (i = 0; i < POOL; i++)
		CHECK_EQ(pool_map(i, 0), 0);
	for (i = 0; i < POOL; i++)
		CHECK_EQ(pool_map(i, pool_mfn[i] * PAGE_SIZE | PTE_KERNEL), 0);
}

/* Both children, from the start to the end; how many ended by themselves. */
static unsigned int live(struct brawler *b, unsigned int seed)
{
	struct pv_control_op op = {.cmd = 0};
	unsigned int ended = 0, i;
	uint64_t until;

	for (i = 0; i < CHILDREN; i++)
		CHECK_EQ(child_start(&children[i], seed + i), 0);
	fighting = 1;
	this_vcpu()->hook = events_dropped;
	until = system_time() + LIFE_NS;
	while (system_time() < until)
		act(b);
	this_vcpu()->hook = NULL;
	for (i = 0; i < CHILDREN; i++) {
		control(&op, PV_CONTROL_get_domain, children[i].dom);
		ended += op.u.domain.flags & PV_DOMAIN_SHUTDOWN ? 1 : 0;
		ran_ns += op.u.domain.cpu_time;
		CHECK_EQ(child_destroy(&children[i]), 0);
	}
	fighting = 0;
	CHECK(wait_change(&resting, 0, 20000));
	rest(b);
	give_back();
	return ended;
}

static void they_brawl(void)
{
	unsigned int seed = 1 + 1000 * (unsigned int)option("seed", 0);
	unsigned int ended = 0;
	uint64_t before = 0, after;
	struct brawler b;

	begin(&b, seed * 0x9e3779b97f4a7c15);
	prepare();
	CHECK_EQ(vcpu_run(1, help, (void *)~b.seed), 0);
	for (unsigned int i = 0; i < LIVES; i++) {
		ended += live(&b, seed + i * CHILDREN);
		after = machine_free_pages();
		if (i == 0) /* it has filled caches of the hypervisor */
			before = after;
		CHECKF(after + SPARE >= before, "%lu, %lu before", after,
		       before);
	}
	over = 1;
	CHECK(vcpu_wait_down(1, 20000));
	note("%u calls of the parent; %u children ended by themselves, all ran "
	     "%lu ms",
	     calls, ended, ran_ns / 1000000);
}

static void doors_work(void)
{
	doors_init();
	CHECK(doors_round());
}

RUN("mem=256 hv=control_mem=64M smp=2 vcpus=2 seconds=120");

const struct test tests[] = {
	{"they brawl, and all frames come back", they_brawl},
	{"all doors work", doors_work},
	{},
};
