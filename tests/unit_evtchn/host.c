/* SPDX-License-Identifier: MIT */
/* The pretended machine: memory, domains, the scheduler's two calls. */
#include "tests/unit_evtchn/host.h"

#include <pv/errno.h>

#include "hv/cpu/tlb.h"
#include "hv/lib/bug.h"
#include "hv/lib/log.h"
#include "hv/lib/string.h"
#include "hv/sched/sched.h"

struct host_frame host_frames[HOST_FRAMES];
unsigned int host_wakes[8][4];
int host_heap_countdown = -1;
long host_heap_pages;
uint64_t host_bad_read, host_bad_write;
bool host_expect_panic;
jmp_buf host_panic;

static char ram[HOST_FRAMES * PAGE_SIZE] ALIGNED(4096);
char *host_ram = ram;
struct cpu this_cpu_window;
static struct domain *domains[8];

/* ---- faults of our own --------------------------------------------------- */
void panic(const char *fmt, ...)
{
	va_list ap;

	if (host_expect_panic)
		longjmp(host_panic, 1);
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

/* ---- memory --------------------------------------------------------------- */
void *heap_alloc(unsigned int order)
{
	size_t size = PAGE_SIZE << order;
	void *p;

	if (host_heap_countdown >= 0 && host_heap_countdown-- == 0) {
		host_heap_countdown = 0;
		return NULL;
	}
	p = aligned_alloc(size, size);
	assert_non_null(p);
	host_heap_pages += 1l << order;
	return memset(p, 0, size);
}

void heap_free(void *p, unsigned int order)
{
	assert_non_null(p);
	host_heap_pages -= 1l << order;
	free(p);
}

static struct host_frame *frame_at(mfn_t m)
{
	return m.raw < HOST_FRAMES ? &host_frames[m.raw] : NULL;
}

bool frame_get(mfn_t m, struct domain *d)
{
	struct host_frame *f = frame_at(m);

	if (!f || f->owner != d)
		return false;
	f->refs++;
	return true;
}

void frame_put(mfn_t m)
{
	assert_true(frame_at(m)->refs > 0);
	frame_at(m)->refs--;
}

bool frame_get_writable(mfn_t m, struct domain *d)
{
	if (!frame_at(m) || frame_at(m)->table || !frame_get(m, d))
		return false;
	frame_at(m)->writable++;
	return true;
}

void frame_put_writable(mfn_t m)
{
	assert_true(frame_at(m)->writable > 0);
	frame_at(m)->writable--;
	frame_put(m);
}

int frame_get_typed(mfn_t m, struct domain *d, enum frame_type type)
{
	assert_int_equal(type, FT_WRITABLE);
	return frame_get_writable(m, d) ? 0 : -EINVAL;
}

void frame_put_typed(mfn_t m)
{
	frame_put_writable(m);
}

/* Lent pages go back to the heap when they are taken away. */
void frame_share(mfn_t m, struct domain *d, bool writable)
{
	(void)m;
	assert_non_null(d);
	assert_true(writable);
}

void frame_unshare(mfn_t m)
{
	heap_free(direct_map(m), 0);
}

static bool reachable(uint64_t at, size_t n, uint64_t bad)
{
	return at >= PAGE_SIZE && (bad < at || bad >= at + n);
}

int copy_from_guest(void *to, uint64_t at, size_t n)
{
	if (!reachable(at, n, host_bad_read))
		return -EFAULT;
	memcpy(to, (const void *)at, n);
	return 0;
}

int copy_to_guest(uint64_t at, const void *from, size_t n)
{
	if (!reachable(at, n, host_bad_write))
		return -EFAULT;
	memcpy((void *)at, from, n);
	return 0;
}

/* ---- domains --------------------------------------------------------------- */
struct domain *domain_get(domid_t id)
{
	struct domain *d = id == DOMID_SELF ? current->domain
			   : id < 8         ? domains[id]
					    : NULL;

	if (!d || d->dying)
		return NULL;
	d->refs++;
	return d;
}

void domain_put(struct domain *d)
{
	assert_true(d->refs > 1);
	d->refs--;
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
	(void)fmt;
	d->crashed = true;
}

struct domain *host_domain(domid_t id, unsigned int vcpus, bool privileged)
{
	struct domain *d = aligned_alloc(64, ROUND_UP(sizeof(*d), 64));

	assert_non_null(d);
	memset(d, 0, sizeof(*d));
	d->id = id;
	d->privileged = privileged;
	d->refs = 1;
	d->max_vcpus = vcpus;
	d->shared_info = heap_alloc(0);
	for (unsigned int i = 0; i < vcpus; i++) {
		struct vcpu *v = calloc(1, sizeof(*v));

		assert_non_null(v);
		v->domain = d;
		v->id = i;
		v->info = &d->shared_info->vcpu_info[i];
		d->vcpu[i] = v;
	}
	for (unsigned int i = 8 * id; i < 8u * id + 8; i++) {
		host_frames[i] = (struct host_frame){.owner = d};
		memset(direct_map(mfn_of(i)), 0, PAGE_SIZE);
	}
	domains[id] = d;
	return d;
}

void host_domain_free(struct domain *d)
{
	assert_int_equal(d->refs, 1);
	for (unsigned int i = 8 * d->id; i < 8u * d->id + 8; i++) {
		assert_int_equal(host_frames[i].refs, 0);
		assert_int_equal(host_frames[i].writable, 0);
	}
	for (unsigned int i = 0; i < d->max_vcpus; i++)
		free(d->vcpu[i]);
	heap_free(d->shared_info, 0);
	domains[d->id] = NULL;
	free(d);
}

void host_begin(void)
{
	memset(host_frames, 0, sizeof(host_frames));
	memset(host_wakes, 0, sizeof(host_wakes));
	host_heap_countdown = -1;
	host_heap_pages = 0;
	host_bad_read = host_bad_write = 0;
}

void host_end(void)
{
	for (unsigned int i = 0; i < 8; i++)
		assert_null(domains[i]);
	assert_int_equal(host_heap_pages, 0);
}

void host_run(struct domain *d, unsigned int vcpu)
{
	this_cpu_window.curr = d->vcpu[vcpu];
}

/* ---- the scheduler and the processors -------------------------------------- */
void vcpu_wake(struct vcpu *v)
{
	v->state &= ~(uint32_t)(VCPU_BLOCKED | VCPU_POLLING);
	host_wakes[v->domain->id][v->id]++;
}

void vcpu_kick(struct vcpu *v)
{
	host_wakes[v->domain->id][v->id]++;
}

uint32_t host_random(uint64_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)((*state >> 32) % below);
}
