/* SPDX-License-Identifier: MIT */
#include <sys/mman.h>

#include <pv/hypercalls.h>

#include "hv/cpu/desc.h"
#include "hv/lib/log.h"
#include "tests/unit_mm/machine.h"

char *host_ram;
struct frame *frame_table;
uint64_t *m2p_table;
uint64_t hv_l4_template[512];
struct cpu this_cpu_window;
struct tramp_data host_tramp_data;
struct cpu *cpus[MAX_CPUS];
unsigned int nr_cpus;
int mm_budget = 2000;

void (*between)(void);
unsigned int nr_restarts, nr_flushes;
struct guest *caller;

static struct domain *domains[NR_TEST_DOMAINS];
static struct vcpu *vcpus[NR_TEST_DOMAINS][2];
static uint64_t window_pt[512], gdt_tail[1024];
static struct tramp_const tramp_const;

/* ---- what the rooms call ---------------------------------------------------------- */

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

bool log_guest_allowed(void)
{
	return false;
}

void window_set(uint64_t va, uint64_t pte)
{
	window_pt[(va - WINDOW_BASE) >> PAGE_SHIFT] = pte;
}

void system_descriptor(uint64_t *slot, uint64_t base, uint32_t limit,
		       unsigned int type)
{
	slot[0] = base + limit + type;
}

struct domain *domain_get(domid_t id)
{
	for (unsigned int i = 0; i < NR_TEST_DOMAINS; i++) {
		struct domain *d = domains[i];

		if (d && (d->id == id ||
			  (id == DOMID_SELF && d == current->domain))) {
			d->refs++;
			return d;
		}
	}
	return NULL;
}

void domain_put(struct domain *d)
{
	assert_true(d->refs > 1);
	d->refs--;
}

static bool mmio_allowed(struct domain *d, mfn_t m)
{
	(void)d;
	return m.raw == MMIO_MFN;
}

/* ---- the machine ------------------------------------------------------------------- */

void machine_init(void)
{
	static struct cpu *c = &this_cpu_window;

	host_ram = mmap(NULL, NR_FRAMES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(host_ram != MAP_FAILED);
	frame_table = calloc(NR_FRAMES, sizeof(*frame_table));
	m2p_table = calloc(NR_FRAMES, sizeof(*m2p_table));
	frame_limit = NR_FRAMES;
	mm_phys_limit = 1ull << 28;
	for (unsigned int i = 0; i < NR_FRAMES; i++)
		frame_table[i].state = FS_RAM;
	frame_table[0].state = FS_RAM | FS_HV;
	heap_add(1, NR_FRAMES - 1);
	mm_mmio_allowed = mmio_allowed;
	nr_cpus = 1;
	cpus[0] = c->self = c;
	c->root_lock = (spinlock_t)SPINLOCK_INIT(RUNG_ROOT);
	c->root_copy = heap_alloc(0);
	c->window_pt = c->hv_window_pt = window_pt;
	c->gdt_tail = gdt_tail;
	c->tconst = &tramp_const;
	host_tramp_data.kernel_mode = 1;
}

/* As the way in does. */
void end_loan(void)
{
	if (this_cpu->lent)
		table_take_back(current);
}

/* As the way out does. */
void begin_loan(void)
{
	if (this_cpu->lend_to == current)
		table_lend(current);
	this_cpu->lend_to = NULL;
}

void become(struct vcpu *v)
{
	end_loan();
	this_cpu->curr = v;
	if (v && v->kernel_root.raw != ~0ull)
		root_load(v);
}

void guest_bare(struct guest *g, domid_t id, bool privileged, uint64_t max)
{
	unsigned int slot = domains[0] ? 1 : 0;
	struct domain *d = heap_alloc(0);

	memset(g, 0, sizeof(*g));
	assert_non_null(d);
	assert_null(domains[slot]);
	mm_domain_init(&d->mm, d);
	d->id = id;
	d->refs = 1;
	d->privileged = d->mm.mmio = privileged;
	d->mm.max_frames = max;
	d->max_vcpus = 2;
	d->tramp = heap_alloc(0);
	d->tramp->vcpus_up = 1; /* the other could be brought up */
	for (unsigned int i = 0; i < 2; i++) {
		struct vcpu *v = heap_alloc(2);

		_Static_assert(sizeof(*v) <= 4 * PAGE_SIZE, "fits");
		assert_non_null(v);
		v->domain = d;
		v->id = i;
		v->kernel_root = v->user_root = MFN_INVALID;
		v->held_root[0] = v->held_root[1] = MFN_INVALID;
		d->vcpu[i] = vcpus[slot][i] = v;
	}
	domains[slot] = d;
	g->d = d;
	g->v = d->vcpu[0];
	g->v->running = true;
}

uint64_t frame_new(struct domain *d)
{
	uint32_t m = frames_alloc(&d->mm, 0, HEAP_ANYWHERE);

	assert_true(m != LINK_NONE);
	return m;
}

static void show_tables(struct guest *g)
{
	uint64_t seen[SEEN_TABLES] = {g->l1, g->l2, g->l3, g->l4};

	seen[4] = g->window = frame_new(g->d);
	content(g->l2)[(GUEST_BASE >> 21) + 1] =
		mfn_pte(g->window, PTE_TABLE | PTE_US);
	for (unsigned int i = 0; i < SEEN_TABLES; i++) {
		content(g->window)[i] = mfn_pte(seen[i], PTE_P | PTE_A);
		m2p_table[seen[i]] = 512 + i;
	}
}

void guest_make(struct guest *g, domid_t id, bool privileged, uint64_t max)
{
	int rc;

	guest_bare(g, id, privileged, max);
	g->l4 = frame_new(g->d);
	g->l3 = frame_new(g->d);
	g->l2 = frame_new(g->d);
	g->l1 = frame_new(g->d);
	content(g->l4)[0] = mfn_pte(g->l3, PTE_TABLE | PTE_US);
	content(g->l3)[0] = mfn_pte(g->l2, PTE_TABLE | PTE_US);
	content(g->l2)[GUEST_BASE >> 21] = mfn_pte(g->l1, PTE_TABLE | PTE_US);
	show_tables(g);
	for (unsigned int i = 0; i < GUEST_PAGES; i++) {
		g->page[i] = frame_new(g->d);
		content(g->l1)[i] = mfn_pte(g->page[i], PTE_TABLE | PTE_US);
	}
	do
		rc = root_set(g->v, mfn_of(g->l4));
	while (rc == -ERESTART);
	assert_int_equal(rc, 0);
}

void guest_drop(struct guest *g)
{
	int rc;

	end_loan();
	become(NULL);
	mm_vcpu_relinquish(g->d->vcpu[0]);
	mm_vcpu_relinquish(g->d->vcpu[1]);
	do
		rc = mm_domain_relinquish(g->d);
	while (rc == -ERESTART);
	assert_int_equal(rc, 0);
}

void guest_end(struct guest *g)
{
	guest_drop(g);
	if (g->d->refs != 1 || g->d->mm.nr_frames)
		panic("domain %u keeps %lu frames", g->d->id,
		      g->d->mm.nr_frames);
	for (unsigned int i = 0; i < NR_TEST_DOMAINS; i++)
		if (domains[i] == g->d)
			domains[i] = NULL;
	heap_free(g->d->vcpu[0], 2);
	heap_free(g->d->vcpu[1], 2);
	heap_free(g->d->tramp, 0);
	heap_free(g->d, 0);
	if (caller == g)
		caller = NULL;
}

uint64_t state_of(uint64_t mfn)
{
	return frame_table[mfn].state;
}

unsigned int refs_of(uint64_t mfn)
{
	return state_of(mfn) & FS_REFS;
}

unsigned int uses_of(uint64_t mfn)
{
	return state_uses(state_of(mfn));
}

enum frame_type type_of(uint64_t mfn)
{
	return state_type(state_of(mfn));
}

/* ---- hypercalls -------------------------------------------------------------------- */

static struct {
	unsigned int nr;
	uint64_t a[4];
} again;

static long restart(unsigned int nr, uint64_t a0, uint64_t a1, uint64_t a2,
		    uint64_t a3)
{
	again.nr = nr;
	again.a[0] = a0;
	again.a[1] = a1;
	again.a[2] = a2;
	again.a[3] = a3;
	nr_restarts++;
	return RESTARTED;
}

static long go_on(long rc)
{
	while (rc == RESTARTED) {
		__typeof__(again) a = again;
		struct vcpu *v = current;

		end_loan();
		if (between)
			between();
		become(v);
		host_tramp_data.prefetch_at = 0;
		switch (a.nr) {
		case HC_mmu_update:
			rc = hc_mmu_update(a.a[0], (uint32_t)a.a[1], a.a[2],
					   (uint32_t)a.a[3]);
			break;
		case HC_mmuext_op:
			rc = hc_mmuext_op(a.a[0], (uint32_t)a.a[1], a.a[2],
					  (uint32_t)a.a[3]);
			break;
		case HC_update_va_mapping:
			rc = hc_update_va_mapping(a.a[0], a.a[1], a.a[2]);
			break;
		case HC_memory_op:
			rc = hc_memory_op((uint32_t)a.a[0], a.a[1]);
			break;
		case HC_set_gdt:
			rc = hc_set_gdt(a.a[0], (uint32_t)a.a[1]);
			break;
		default:
			panic("restart of %u", a.nr);
		}
	}
	return rc;
}

void poke(unsigned int n, size_t at, const void *from, size_t size)
{
	mfn_t m = mfn_of(caller->page[n]);

	end_loan();
	if (!frame_get_writable(m, caller->d))
		return;
	if (size)
		memcpy((char *)direct_map(m) + at, from, size);
	frame_put_writable(m);
}

/* To the caller's first page; the first two words are read beforehand. */
static void arguments(size_t at, const void *from, size_t size)
{
	struct tramp_data *t = &host_tramp_data;

	mm_restart = restart;
	poke(0, at, from, size);
	t->prefetch_at = size == 16 ? gva(0) + at : 0;
	if (size == 16)
		memcpy(t->prefetched, from, size);
}

long mmu_update_n(const struct pv_mmu_update *r, uint32_t n, uint32_t dom,
		  uint32_t *done)
{
	uint64_t none = 0;
	long rc;

	poke(0, 0, &none, sizeof(none));
	arguments(8, r, n * sizeof(*r));
	rc = go_on(hc_mmu_update(gva(0) + 8, n, done ? gva(0) : 0, dom));
	if (done)
		*done = (uint32_t)content(caller->page[0])[0];
	return rc;
}

long mmu_update(struct guest *g, uint64_t ptr, uint64_t val, uint32_t dom)
{
	struct pv_mmu_update r = {ptr, val};

	if (g != caller || current != g->v) {
		caller = g;
		become(g->v);
	}
	return mmu_update_n(&r, 1, dom, NULL);
}

long mmuext(uint32_t cmd, uint64_t mfn, uint64_t arg2, uint32_t dom)
{
	struct pv_mmuext_op op = {.cmd = cmd, .arg1.mfn = mfn};

	op.arg2.src_mfn = arg2;
	arguments(0, &op, sizeof(op));
	return go_on(hc_mmuext_op(gva(0), 1, 0, dom));
}

long update_va(uint64_t va, uint64_t pte, uint64_t flags)
{
	arguments(0, NULL, 0);
	return go_on(hc_update_va_mapping(va, pte, flags));
}

long memory_op(uint32_t cmd, const void *arg, size_t size)
{
	arguments(0, arg, size);
	return go_on(hc_memory_op(cmd, gva(0)));
}

struct domain *machine_nth_domain(unsigned int n)
{
	return domains[n];
}
