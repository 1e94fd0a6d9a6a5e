/* SPDX-License-Identifier: MIT */
/*
 * New roots by pairs, as kernels switch between processes: served without
 * entering the hypervisor where both are pinned, and never wrong.
 *
 * Each root sees a page of its own at OWN.
 */
#include "tests/guest/lib/guest.h"

#define OWN  0xffff960000000000ul /* slot 300 */
#define SLOT 300

struct space {
	uint64_t *root, *user, *l3, *l2, *l1, *leaf;
};

static struct space a, b, c;

static uint64_t user_now(void)
{
	return user_root ? va_to_mfn(user_root) : 0;
}

static int switch_by_number(uint64_t root, uint64_t user)
{
	struct pv_mmuext_op ops[2] = {
		{.cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = root},
		{.cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = user},
	};

	return HYPERVISOR_mmuext_op(P(ops), 2, 0, DOMID_SELF);
}

static int switch_to(const struct space *s)
{
	return switch_by_number(va_to_mfn(s->root), va_to_mfn(s->user));
}

static int switch_home(void)
{
	return switch_by_number(va_to_mfn(kernel_root()), user_now());
}

static uint64_t cr3(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	return (value & PTE_ADDR) / PAGE_SIZE;
}

static uint64_t own(void)
{
	return *(volatile uint64_t *)OWN;
}

static int pin(uint64_t *root)
{
	return mmuext(MMUEXT_PIN_L4_TABLE, va_to_mfn(root), 0);
}

static int unpin(uint64_t *root)
{
	return mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(root), 0);
}

static void space_make(struct space *s, uint64_t id)
{
	uint64_t *kernel = kernel_root();

	s->l3 = page_alloc();
	s->l2 = page_alloc();
	s->l1 = page_alloc();
	s->leaf = page_alloc();
	*s->leaf = id;
	s->l1[0] = va_to_mfn(s->leaf) * PAGE_SIZE | PTE_KERNEL;
	s->l2[0] = va_to_mfn(s->l1) * PAGE_SIZE | PTE_TABLE;
	s->l3[0] = va_to_mfn(s->l2) * PAGE_SIZE | PTE_TABLE;
	s->root = page_alloc();
	for (unsigned int i = 0; i < 512; i++)
		if (i < 256 || i >= 272)
			s->root[i] = kernel[i];
	s->root[SLOT] = va_to_mfn(s->l3) * PAGE_SIZE | PTE_TABLE;
	CHECK_EQ(page_set(s->l1, PTE_P), 0);
	CHECK_EQ(page_set(s->l2, PTE_P), 0);
	CHECK_EQ(page_set(s->l3, PTE_P), 0);
	CHECK_EQ(page_set(s->root, PTE_P), 0);
	s->user = table_alloc();
	CHECK_EQ(pin(s->root), 0);
	CHECK_EQ(pin(s->user), 0);
}

static void space_end(struct space *s)
{
	uint64_t *pages[] = {s->root, s->user, s->l3, s->l2, s->l1, s->leaf};

	for (unsigned int i = 0; i < 6; i++) {
		CHECK_EQ(page_set(pages[i], PTE_KERNEL), 0);
		page_free(pages[i]);
	}
}

static void visit(const struct space *s, uint64_t id)
{
	CHECK_EQ(switch_to(s), 0);
	CHECK_EQ(own(), id);
	CHECK_EQ(cr3(), va_to_mfn(s->root));
	CHECK_EQ(own(), id);
}

static void start(void)
{
	space_make(&a, 1);
	space_make(&b, 2);
	space_make(&c, 3);
	/* Whoever keeps roots at hand has them now. */
	for (unsigned int i = 0; i < 3; i++) {
		visit(&a, 1);
		visit(&b, 2);
	}
	CHECK_EQ(switch_home(), 0);
	CHECK_EQ(probe_read(OWN).vector, VEC_PF);
}

static void end(void)
{
	CHECK_EQ(switch_home(), 0);
	space_end(&a);
	space_end(&b);
	space_end(&c);
}

static void unpin_both(const struct space *s)
{
	CHECK_EQ(unpin(s->root), 0);
	CHECK_EQ(unpin(s->user), 0);
}

/* ---- switching ------------------------------------------------------------- */

static void a_root_shows_what_is_its_own(void)
{
	start();
	for (unsigned int i = 0; i < 50; i++) {
		visit(&a, 1);
		visit(&b, 2);
		if (i % 3 == 0)
			visit(&c, 3);
		if (i % 5 == 0)
			CHECK_EQ(switch_home(), 0);
	}
	CHECK_EQ(switch_home(), 0);
	CHECK_EQ(probe_read(OWN).vector, VEC_PF);
	unpin_both(&a);
	unpin_both(&b);
	unpin_both(&c);
	end();
}

static void an_entry_changed_from_afar_is_seen(void)
{
	start();
	visit(&a, 1);
	for (unsigned int i = 0; i < 20; i++) {
		uint64_t *l3 = i % 2 ? b.l3 : c.l3;

		CHECK_EQ(pte_write(&b.root[SLOT], 0), 0);
		CHECK_EQ(switch_to(&b), 0);
		CHECK_EQ(probe_read(OWN).vector, VEC_PF);
		visit(&a, 1);
		CHECK_EQ(pte_write(&b.root[SLOT],
				   va_to_mfn(l3) * PAGE_SIZE | PTE_TABLE),
			 0);
		visit(&b, i % 2 ? 2 : 3);
		visit(&a, 1);
	}
	CHECK_EQ(switch_home(), 0);
	unpin_both(&a);
	unpin_both(&b);
	unpin_both(&c);
	end();
}

static void what_is_no_pair_of_roots_changes_nothing(void)
{
	uint64_t *writable = page_alloc();

	start();
	visit(&a, 1);
	CHECK(switch_by_number(0, va_to_mfn(a.user)) < 0);
	CHECK(switch_by_number(0, 0) < 0);
	CHECK(switch_by_number(~0ul, va_to_mfn(a.user)) < 0);
	CHECK(switch_by_number(va_to_mfn(writable), va_to_mfn(a.user)) < 0);
	CHECK(switch_by_number(va_to_mfn(b.l3), 0) < 0);
	CHECK_EQ(own(), 1);
	/* The first of the two is done, the second refused. */
	CHECK(switch_by_number(va_to_mfn(b.root), va_to_mfn(writable)) < 0);
	CHECK_EQ(own(), 2);
	/* A root's user root is whatever is said. */
	CHECK_EQ(switch_by_number(va_to_mfn(a.root), va_to_mfn(b.user)), 0);
	CHECK_EQ(own(), 1);
	CHECK_EQ(switch_by_number(va_to_mfn(a.root), 0), 0);
	CHECK_EQ(switch_home(), 0);
	unpin_both(&a);
	unpin_both(&b);
	unpin_both(&c);
	end();
	page_free(writable);
}

static void a_list_may_be_anywhere(void)
{
	uint8_t *pages = pages_alloc(2);
	struct pv_mmuext_op *ops = (void *)(pages + PAGE_SIZE - sizeof(*ops));

	start();
	visit(&a, 1);
	ops[0] = (struct pv_mmuext_op){.cmd = MMUEXT_NEW_BASEPTR,
				       .arg1.mfn = va_to_mfn(b.root)};
	ops[1] = (struct pv_mmuext_op){.cmd = MMUEXT_NEW_USER_BASEPTR,
				       .arg1.mfn = va_to_mfn(b.user)};
	CHECK_EQ(HYPERVISOR_mmuext_op(P(ops), 2, 0, DOMID_SELF), 0);
	CHECK_EQ(own(), 2);
	CHECK_EQ(switch_home(), 0);
	CHECK_EQ(page_set(pages + PAGE_SIZE, 0), 0);
	CHECK(HYPERVISOR_mmuext_op(P(ops), 2, 0, DOMID_SELF) < 0);
	CHECK_EQ(page_set(pages, 0), 0);
	CHECK(HYPERVISOR_mmuext_op(P(ops), 2, 0, DOMID_SELF) < 0);
	CHECK(HYPERVISOR_mmuext_op(MACH2PHYS_VIRT_START, 2, 0, DOMID_SELF) < 0);
	CHECK(HYPERVISOR_mmuext_op(1ul << 63, 2, 0, DOMID_SELF) < 0);
	CHECK_EQ(switch_home(), 0);
	CHECK_EQ(page_set(pages, PTE_KERNEL), 0);
	CHECK_EQ(page_set(pages + PAGE_SIZE, PTE_KERNEL), 0);
	unpin_both(&a);
	unpin_both(&b);
	unpin_both(&c);
	end();
	page_free(pages);
	page_free(pages + PAGE_SIZE);
}

/* ---- letting go ------------------------------------------------------------ */

static void a_root_that_was_left_is_a_page_again(void)
{
	start();
	visit(&a, 1);
	CHECK_EQ(switch_to(&b), 0);
	unpin_both(&a);
	CHECK_EQ(page_set(a.root, PTE_KERNEL), 0);
	CHECK_EQ(page_set(a.user, PTE_KERNEL), 0);
	memset(a.root, 0xff, PAGE_SIZE);
	/* It is no root any more. */
	CHECK(switch_to(&a) < 0);
	CHECK_EQ(own(), 2);
	CHECK_EQ(switch_home(), 0);
	unpin_both(&b);
	unpin_both(&c);
	end();
}

static void a_root_in_use_is_none_until_it_is_left(void)
{
	start();
	visit(&b, 2);
	CHECK_EQ(switch_to(&a), 0);
	unpin_both(&a);
	CHECK(page_set(a.root, PTE_KERNEL) < 0);
	CHECK(page_set(a.user, PTE_KERNEL) < 0);
	CHECK_EQ(own(), 1);
	CHECK_EQ(switch_to(&b), 0);
	CHECK_EQ(page_set(a.root, PTE_KERNEL), 0);
	CHECK_EQ(page_set(a.user, PTE_KERNEL), 0);
	CHECK_EQ(switch_home(), 0);
	unpin_both(&b);
	unpin_both(&c);
	end();
}

static void a_root_pinned_again_is_one(void)
{
	start();
	for (unsigned int i = 0; i < 10; i++) {
		visit(&a, 1);
		CHECK_EQ(unpin(a.root), 0);
		CHECK_EQ(pin(a.root), 0);
		CHECK_EQ(switch_to(&b), 0);
		CHECK_EQ(unpin(a.root), 0);
		CHECK_EQ(page_set(a.root, PTE_KERNEL), 0);
		a.root[SLOT] = b.root[SLOT];
		CHECK_EQ(page_set(a.root, PTE_P), 0);
		CHECK_EQ(pin(a.root), 0);
		visit(&a, 2);
		CHECK_EQ(pte_write(&a.root[SLOT],
				   va_to_mfn(a.l3) * PAGE_SIZE | PTE_TABLE),
			 0);
		CHECK_EQ(mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0), 0);
		CHECK_EQ(own(), 1);
	}
	CHECK_EQ(switch_home(), 0);
	unpin_both(&a);
	unpin_both(&b);
	unpin_both(&c);
	end();
}

/* ---- two vcpus ------------------------------------------------------------- */

static volatile uint32_t ready, stop, off, wrong, rounds, refused;

/* Here and there, and what is seen there is that root's own. */
static void wanderer(void *arg)
{
	(void)arg;
	ready = 1;
	while (!stop) {
		if (!off && switch_to(&b) == 0)
			wrong += own() != 2;
		else
			refused++;
		wrong += switch_to(&a) != 0 || own() != 1;
		rounds++;
	}
	CHECK_EQ(switch_home(), 0);
}

static bool more_rounds(void)
{
	uint32_t from = rounds;

	return wait_change(&rounds, from, 20000) &&
	       wait_change(&rounds, from + 1, 20000);
}

static void a_root_goes_while_another_vcpu_wanders(void)
{
	uint32_t tries = 0;

	start();
	ready = stop = off = wrong = rounds = refused = 0;
	CHECK_EQ(vcpu_run(1, wanderer, NULL), 0);
	CHECK(wait_change(&ready, 0, 20000));
	for (unsigned int i = 0; i < 100; i++) {
		CHECK(more_rounds());
		off = 1;
		CHECK_EQ(unpin(b.root), 0);
		/* It may be on it for a moment still. */
		for (tries = 0; page_set(b.root, PTE_KERNEL) < 0; tries++)
			if (!CHECK(tries < 100000000))
				break;
		memset(b.root, 0xff, PAGE_SIZE);
		off = 0; /* it may try */
		CHECK(more_rounds());
		off = 1;
		CHECK(more_rounds());
		memcpy(b.root, a.root, PAGE_SIZE);
		b.root[SLOT] = va_to_mfn(b.l3) * PAGE_SIZE | PTE_TABLE;
		CHECK_EQ(page_set(b.root, PTE_P), 0);
		CHECK_EQ(pin(b.root), 0);
		off = 0;
	}
	stop = 1;
	CHECK(vcpu_wait_down(1, 20000));
	CHECK_EQ(wrong, 0);
	note("%u rounds, %u without the other root", rounds, refused);
	unpin_both(&a);
	unpin_both(&b);
	unpin_both(&c);
	end();
}

RUN("smp=2 vcpus=2 seconds=120");

const struct test tests[] = {
	{"a root shows what is its own", a_root_shows_what_is_its_own},
	{"an entry changed from afar is seen",
	 an_entry_changed_from_afar_is_seen},
	{"what is no pair of roots changes nothing",
	 what_is_no_pair_of_roots_changes_nothing},
	{"a list may be anywhere", a_list_may_be_anywhere},
	{"a root that was left is a page again",
	 a_root_that_was_left_is_a_page_again},
	{"a root in use is none until it is left",
	 a_root_in_use_is_none_until_it_is_left},
	{"a root pinned again is one", a_root_pinned_again_is_one},
	{"a root goes while another vcpu wanders",
	 a_root_goes_while_another_vcpu_wanders},
	{},
};
