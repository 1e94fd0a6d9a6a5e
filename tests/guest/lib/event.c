/* SPDX-License-Identifier: MIT */
/*
 * Event channels in the 2-level format, and this vcpu's clock.
 *
 * An upcall counts each pending, unmasked port in event_count[] and clears
 * it.  Tests of the FIFO format install a hook of their own.
 */
#include "tests/guest/lib/guest.h"

#define WORD_BITS 64

volatile uint32_t event_count[4096];

void event_upcall(void);

static uint64_t fetch_and_clear(uint64_t *word)
{
	return __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);
}

/* Whose ports are whose: vcpu 0 has all that are bound to no other. */
static uint64_t others[MAX_VIRT_CPUS][64], of_others[64];

static void bound(evtchn_port_t port, unsigned int vcpu)
{
	uint64_t bit = 1ul << port % WORD_BITS;
	unsigned int word = port / WORD_BITS, v;

	for (v = 1; v < MAX_VIRT_CPUS; v++)
		__atomic_and_fetch(&others[v][word], ~bit, __ATOMIC_SEQ_CST);
	if (vcpu) {
		__atomic_or_fetch(&of_others[word], bit, __ATOMIC_SEQ_CST);
		__atomic_or_fetch(&others[vcpu][word], bit, __ATOMIC_SEQ_CST);
	} else {
		__atomic_and_fetch(&of_others[word], ~bit, __ATOMIC_SEQ_CST);
	}
}

/* A word is shared by all vcpus: each takes its own ports only. */
static void take_word(unsigned int word)
{
	unsigned int id = this_vcpu()->id;
	uint64_t own = id ? others[id][word] : ~of_others[word];
	uint64_t *pending = &shared_info->evtchn_pending[word];
	uint64_t ready = own & __atomic_load_n(pending, __ATOMIC_SEQ_CST) &
			 ~__atomic_load_n(&shared_info->evtchn_mask[word],
					  __ATOMIC_SEQ_CST);

	__atomic_and_fetch(pending, ~ready, __ATOMIC_SEQ_CST);
	for (; ready; ready &= ready - 1)
		event_count[word * WORD_BITS + __builtin_ctzl(ready)]++;
}

void event_upcall(void)
{
	volatile struct pv_vcpu_info *info = vcpu_info();
	uint64_t words;

	do {
		info->evtchn_upcall_pending = 0;
		words = fetch_and_clear(&vcpu_info()->evtchn_pending_sel);
		for (; words; words &= words - 1)
			take_word(__builtin_ctzl(words));
	} while (info->evtchn_upcall_pending);
}

void events_unmask(void)
{
	volatile struct pv_vcpu_info *info = vcpu_info();

	info->evtchn_upcall_mask = 0;
	barrier();
	/* A hypercall makes the hypervisor look. */
	if (info->evtchn_upcall_pending)
		HYPERVISOR_xen_version(XENVER_version, 0);
}

void port_unmask(evtchn_port_t port)
{
	struct pv_evtchn_unmask arg = {.port = port};

	HYPERVISOR_event_channel_op(EVTCHNOP_unmask, P(&arg));
}

bool port_pending(evtchn_port_t port)
{
	uint64_t bit = 1ul << port % WORD_BITS;

	return __atomic_fetch_and(
		       &shared_info->evtchn_pending[port / WORD_BITS], ~bit,
		       __ATOMIC_SEQ_CST) &
	       bit;
}

bool wait_change(const volatile uint32_t *word, uint32_t old, unsigned int ms)
{
	uint64_t until = system_time() + ms * 1000000ul;

	while (*word == old) {
		if (system_time() > until)
			return false;
		HYPERVISOR_sched_op(SCHEDOP_yield, 0, 0);
	}
	return true;
}

static evtchn_port_t must(long rc, evtchn_port_t port, unsigned int vcpu,
			  const char *what)
{
	if (rc)
		die("%s: %ld", what, rc);
	bound(port, vcpu);
	port_unmask(port);
	return port;
}

evtchn_port_t bind_virq(unsigned int virq, unsigned int vcpu)
{
	struct pv_evtchn_bind_virq arg = {.virq = virq, .vcpu = vcpu};
	long rc = HYPERVISOR_event_channel_op(EVTCHNOP_bind_virq, P(&arg));

	return must(rc, arg.port, vcpu, "bind_virq");
}

evtchn_port_t bind_ipi(unsigned int vcpu)
{
	struct pv_evtchn_bind_ipi arg = {.vcpu = vcpu};
	long rc = HYPERVISOR_event_channel_op(EVTCHNOP_bind_ipi, P(&arg));

	return must(rc, arg.port, vcpu, "bind_ipi");
}

int port_send(evtchn_port_t port)
{
	struct pv_evtchn_send arg = {.port = port};

	return HYPERVISOR_event_channel_op(EVTCHNOP_send, P(&arg));
}

int port_close(evtchn_port_t port)
{
	struct pv_evtchn_close arg = {.port = port};

	return HYPERVISOR_event_channel_op(EVTCHNOP_close, P(&arg));
}

/* ---- time ---------------------------------------------------------------- */

uint64_t system_time(void)
{
	const volatile struct pv_vcpu_time_info *t = &vcpu_info()->time;
	uint64_t ticks, ns;
	uint32_t version;

	do {
		version = t->version & ~1u;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		ticks = rdtsc() - t->tsc_timestamp;
		ticks = t->tsc_shift < 0 ? ticks >> -t->tsc_shift
					 : ticks << t->tsc_shift;
		ns = t->system_time + (uint64_t)((unsigned __int128)ticks *
							 t->tsc_to_system_mul >>
						 32);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (version != t->version);
	return ns;
}

void spin_ms(unsigned int ms)
{
	uint64_t until = system_time() + ms * 1000000ul;

	while (system_time() < until)
		cpu_pause();
}

bool events_dropped(struct frame *f)
{
	if (f->vector != ENTRY_EVENT)
		return false;
	vcpu_info()->evtchn_upcall_pending = 0;
	return true;
}
