/* SPDX-License-Identifier: MIT */
/*
 * Event channels in the FIFO format: set-up, order, priorities, masks, and a
 * guest that writes nonsense into the words that it shares.
 */
#include "tests/guest/lib/guest.h"

#define WORDS_PER_PAGE 1024

static struct pv_evtchn_fifo_control_block *control;
static uint32_t *words; /* the first page of the array */
static evtchn_port_t order[64];
static volatile unsigned int taken;

static long init_control(uint64_t mfn, uint32_t offset, uint32_t vcpu)
{
	struct pv_evtchn_init_control c = {
		.control_gfn = mfn, .offset = offset, .vcpu = vcpu};
	long rc = HYPERVISOR_event_channel_op(EVTCHNOP_init_control, P(&c));

	if (!rc)
		CHECK_EQ(c.link_bits, EVTCHN_FIFO_LINK_BITS);
	return rc;
}

static long expand_array(uint64_t mfn)
{
	struct pv_evtchn_expand_array e = {.array_gfn = mfn};

	return HYPERVISOR_event_channel_op(EVTCHNOP_expand_array, P(&e));
}

static long set_priority(evtchn_port_t port, uint32_t priority)
{
	struct pv_evtchn_set_priority p = {port, priority};

	return HYPERVISOR_event_channel_op(EVTCHNOP_set_priority, P(&p));
}

static uint32_t test_bit(evtchn_port_t port, unsigned int bit)
{
	return __atomic_load_n(&words[port], __ATOMIC_SEQ_CST) >> bit & 1;
}

static void change(evtchn_port_t port, uint32_t set, uint32_t clear)
{
	__atomic_or_fetch(&words[port], set, __ATOMIC_SEQ_CST);
	__atomic_and_fetch(&words[port], ~clear, __ATOMIC_SEQ_CST);
}

/* Take the head of a queue as a kernel does; 0 when it is empty. */
static evtchn_port_t take_one(unsigned int queue, evtchn_port_t *head)
{
	evtchn_port_t port = *head ? *head : control->head[queue];
	uint32_t word;

	if (!port)
		return 0;
	/* Unlink: the word loses LINKED and the link, in one step. */
	word = __atomic_load_n(&words[port], __ATOMIC_SEQ_CST);
	while (!__atomic_compare_exchange_n(
		&words[port], &word,
		word & ~(1u << EVTCHN_FIFO_LINKED | EVTCHN_FIFO_LINK_MASK),
		false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	*head = word & EVTCHN_FIFO_LINK_MASK;
	if (!*head)
		__atomic_and_fetch(&control->ready, ~(1u << queue),
				   __ATOMIC_SEQ_CST);
	if (word >> EVTCHN_FIFO_PENDING && !(word >> EVTCHN_FIFO_MASKED & 1)) {
		change(port, 0, 1u << EVTCHN_FIFO_PENDING);
		if (taken < 64)
			order[taken] = port;
		taken++;
	}
	return port;
}

static bool fifo_upcall(struct frame *f)
{
	unsigned int budget = 1000;
	uint32_t ready;

	if (f->vector != ENTRY_EVENT)
		return false;
	vcpu_info()->evtchn_upcall_pending = 0;
	while ((ready = __atomic_load_n(&control->ready, __ATOMIC_SEQ_CST)) &&
	       budget) {
		unsigned int queue = __builtin_ctz(ready);
		evtchn_port_t head = 0;

		do {
			take_one(queue, &head);
		} while (head && --budget);
		if (!head)
			__atomic_and_fetch(&control->ready, ~(1u << queue),
					   __ATOMIC_SEQ_CST);
	}
	return true;
}

/* ---- set-up -------------------------------------------------------------------- */

static void before_it_is_chosen_it_is_refused(void)
{
	uint32_t *page = page_alloc();
	evtchn_port_t port = bind_ipi(0);

	CHECK(expand_array(va_to_mfn(page)) < 0);
	CHECK(set_priority(port, 3) < 0);
	CHECK_EQ(port_close(port), 0);
	page_free(page);
}

static void wrong_control_blocks_are_refused(void)
{
	uint64_t *table = table_alloc(), *page = page_alloc();
	uint64_t mfn = va_to_mfn(page);

	CHECK_EQ(init_control(mfn, 4, 0), -EINVAL);
	CHECK_EQ(init_control(mfn, PAGE_SIZE - 64, 0), -EINVAL);
	CHECK_EQ(init_control(mfn, 0xfffffff8, 0), -EINVAL);
	CHECK_EQ(init_control(mfn, PAGE_SIZE, 0), -EINVAL);
	CHECK_EQ(init_control(mfn, 0, 31), -ENOENT);
	CHECK(init_control(0xfffffffff, 0, 0) < 0);
	CHECK(init_control(0xfee00, 0, 0) < 0);
	CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(table), 0), 0);
	CHECK(init_control(va_to_mfn(table), 0, 0) < 0);
	CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(table), 0), 0);
	page_free(table);
	page_free(page);
}

static void the_format_is_chosen(void)
{
	uint64_t mfn;

	control = page_alloc();
	words = pages_alloc(2);
	mfn = va_to_mfn(control);
	CHECK_EQ(init_control(mfn, 0, 0), 0);
	CHECK(init_control(mfn, 128, 0) < 0);
	CHECK_EQ(init_control(mfn, 128, 1), 0);
	CHECK(expand_array(0xfffffffff) < 0);
	CHECK(expand_array(0xfee00) < 0);
	CHECK_EQ(expand_array(va_to_mfn(words)), 0);
	/* The hypervisor writes there: it cannot become a page table. */
	CHECK_EQ(page_set(words, PTE_P), 0);
	CHECK(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(words), 0) < 0);
	CHECK_EQ(page_set(words, PTE_KERNEL), 0);
	CHECK_EQ(page_set(control, PTE_P), 0);
	CHECK(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(control), 0) < 0);
	CHECK_EQ(page_set(control, PTE_KERNEL), 0);
	this_vcpu()->hook = fifo_upcall;
}

/* ---- delivery -------------------------------------------------------------------- */

static evtchn_port_t fresh(void)
{
	evtchn_port_t port = bind_ipi(0);

	change(port, 0, 1u << EVTCHN_FIFO_MASKED);
	return port;
}

static void events_come_in_order(void)
{
	evtchn_port_t ports[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		ports[i] = fresh();
	events_mask();
	taken = 0;
	for (i = 0; i < 8; i++)
		CHECK_EQ(port_send(ports[(i * 3) % 8]), 0);
	/* Twice is once. */
	CHECK_EQ(port_send(ports[0]), 0);
	CHECK(test_bit(ports[0], EVTCHN_FIFO_PENDING));
	CHECK(test_bit(ports[0], EVTCHN_FIFO_LINKED));
	CHECK_EQ(vcpu_info()->evtchn_upcall_pending, 1);
	events_unmask();
	CHECK_EQ(taken, 8);
	for (i = 0; i < 8; i++)
		CHECK_EQ(order[i], ports[(i * 3) % 8]);
	events_mask();
	for (i = 0; i < 8; i++)
		CHECK_EQ(port_close(ports[i]), 0);
}

static void priorities_come_first(void)
{
	static const uint32_t priority[] = {15, 7, 0, 3};
	static const unsigned int sorted[] = {2, 3, 1, 0};
	evtchn_port_t ports[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		ports[i] = fresh();
		CHECK_EQ(set_priority(ports[i], priority[i]), 0);
	}
	CHECK_EQ(set_priority(ports[0], EVTCHN_FIFO_PRIORITY_MIN + 1), -EINVAL);
	CHECK_EQ(set_priority(ports[0], ~0u), -EINVAL);
	CHECK(set_priority(0, 3) < 0);
	CHECK(set_priority(~0u, 3) < 0);
	events_mask();
	taken = 0;
	for (i = 0; i < 4; i++)
		CHECK_EQ(port_send(ports[i]), 0);
	events_unmask();
	CHECK_EQ(taken, 4);
	for (i = 0; i < 4; i++)
		CHECK_EQ(order[i], ports[sorted[i]]);
	events_mask();
	for (i = 0; i < 4; i++)
		CHECK_EQ(port_close(ports[i]), 0);
}

static void masked_events_wait(void)
{
	evtchn_port_t port = fresh();

	events_unmask();
	taken = 0;
	change(port, 1u << EVTCHN_FIFO_MASKED, 0);
	CHECK_EQ(port_send(port), 0);
	CHECK_EQ(taken, 0);
	CHECK(test_bit(port, EVTCHN_FIFO_PENDING));
	CHECK(!test_bit(port, EVTCHN_FIFO_LINKED));
	port_unmask(port);
	CHECK_EQ(taken, 1);
	CHECK(!test_bit(port, EVTCHN_FIFO_PENDING));
	events_mask();
	CHECK_EQ(port_close(port), 0);
}

/* Ports beyond the first page need the second. */
static void the_array_grows(void)
{
	uint32_t *second = words + WORDS_PER_PAGE;
	evtchn_port_t first = fresh(), port = first;

	CHECK_EQ(expand_array(va_to_mfn(second)), 0);
	while (port < WORDS_PER_PAGE)
		port = fresh();
	events_unmask();
	taken = 0;
	CHECK_EQ(port_send(port), 0);
	CHECK_EQ(taken, 1);
	CHECK_EQ(order[0], port);
	events_mask();
	for (; port >= first; port--)
		port_close(port);
}

/* ---- nonsense --------------------------------------------------------------------- */

static void scribbled_words_do_no_harm(void)
{
	static const uint32_t values[] = {
		0xffffffff, 0x0001ffff, 0x2001ffff, 0xa0000000,
		0xe0000001, 0x10000000, 0x3001ffff, 0x20000000,
	};
	evtchn_port_t a = fresh(), b = fresh();
	unsigned int i, n;

	events_mask();
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		/* The queue's tail points anywhere, to itself, in a ring. */
		CHECK_EQ(port_send(a), 0);
		words[a] = values[i];
		words[b] = values[i] & ~0xe0000000;
		for (n = 0; n < 4; n++)
			control->head[n] = values[i];
		control->ready = values[i];
		CHECK_EQ(port_send(b), 0);
		CHECK_EQ(port_send(a), 0);
		set_priority(a, i);
		CHECK_EQ(port_send(a), 0);
		port_unmask(a);
		port_unmask(b);
		words[a] = words[b] = 0;
		memset(control, 0, 72);
		CHECK_EQ(port_send(b), 0);
	}
	memset(control, 0, 72);
	words[a] = words[b] = 0;
	vcpu_info()->evtchn_upcall_pending = 0;
	CHECK_EQ(port_close(a), 0);
	CHECK_EQ(port_close(b), 0);
	/* New ports of it work, once the queues have been emptied. */
	a = fresh();
	CHECK_EQ(port_send(a), 0);
	CHECK(test_bit(a, EVTCHN_FIFO_PENDING));
	words[a] = 0;
	CHECK_EQ(port_close(a), 0);
}

static volatile uint32_t stop;

static void scribble(void *arg)
{
	uint32_t *word = arg, n = 1;

	while (!stop) {
		n = n * 1664525 + 1013904223;
		__atomic_store_n(word, n, __ATOMIC_RELAXED);
	}
}

/* While another vcpu changes the word, the hypervisor gives up, not in. */
static void words_that_change_all_the_time_do_no_harm(void)
{
	evtchn_port_t port = fresh();
	unsigned int n;

	events_mask();
	stop = 0;
	CHECK_EQ(vcpu_run(1, scribble, &words[port]), 0);
	for (n = 0; n < 20000; n++) {
		port_send(port);
		port_unmask(port);
	}
	stop = 1;
	CHECK(vcpu_wait_down(1, 5000));
	words[port] = 0;
	memset(control, 0, 72);
	CHECK_EQ(port_close(port), 0);
}

static void the_2_level_format_comes_back(void)
{
	struct pv_evtchn_reset reset = {.dom = DOMID_SELF};
	evtchn_port_t port;
	uint32_t before;

	this_vcpu()->hook = NULL;
	CHECK_EQ(HYPERVISOR_event_channel_op(EVTCHNOP_reset, P(&reset)), 0);
	memset(shared_info->evtchn_pending, 0, 512);
	memset(shared_info->evtchn_mask, 0, 512);
	vcpu_info()->evtchn_pending_sel = 0;
	port = bind_ipi(0);
	before = event_count[port];
	events_unmask();
	CHECK_EQ(port_send(port), 0);
	CHECK_EQ(event_count[port], before + 1);
	events_mask();
	CHECK_EQ(port_close(port), 0);
}

static void a_reset_lets_the_pages_go(void)
{
	memset(words, 0, PAGE_SIZE);
	memset(control, 0, PAGE_SIZE);
	CHECK_EQ(page_set(words, PTE_P), 0);
	CHECK_EQ(page_set(control, PTE_P), 0);
	CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(words), 0), 0);
	CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(words), 0), 0);
	CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(control), 0), 0);
	CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(control), 0), 0);
	page_free(words);
	page_free(control);
}

RUN("smp=2 vcpus=2");

const struct test tests[] = {
	{"before the format is chosen its calls are refused",
	 before_it_is_chosen_it_is_refused},
	{"wrong control blocks are refused", wrong_control_blocks_are_refused},
	{"the format is chosen", the_format_is_chosen},
	{"events come in order", events_come_in_order},
	{"priorities come first", priorities_come_first},
	{"masked events wait", masked_events_wait},
	{"the array grows", the_array_grows},
	{"scribbled words do no harm", scribbled_words_do_no_harm},
	{"words that change all the time do no harm",
	 words_that_change_all_the_time_do_no_harm},
	{"the 2-level format comes back", the_2_level_format_comes_back},
	{"a reset lets the pages go", a_reset_lets_the_pages_go},
	{},
};
