/* SPDX-License-Identifier: MIT */
/*
 * Layouts and page tables, for kernels of many shapes and guests of many sizes.
 *
 * Each layout is checked against the rules of the ABI, not against the code:
 * nothing overlaps, everything is inside, the tables that were made are walked
 * as a processor would, and show each page once, with the right to write
 * unless it is a table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pv/elfnote.h>

#include "tests/build/fixture.h"
#include "tools/build/layout.h"

#define PAGE(bytes) (((bytes) + 4095) / 4096)
#define MFN_BASE    0x100000ull /* the frame of pfn 0, in the simple guests */

struct guest {
	struct kernel k;
	struct layout l;
	uint64_t *mfn;
	uint64_t (*pages)[512];
};

static uint64_t random_number(uint64_t *seed, uint64_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % below;
}

/* ---- a simulated walk ------------------------------------------------------------- */

/* Which of our pages is the table in frame mfn? */
static uint64_t *table_in(const struct guest *g, uint64_t mfn)
{
	const struct layout *l = &g->l;

	for (uint64_t i = 0; i < l->nr_tables; i++)
		if (g->mfn[l->tables_pfn + i] == mfn)
			return g->pages[i];
	for (uint64_t i = 0; i < l->nr_list_tables; i++)
		if (g->mfn[l->list_tables_pfn + i] == mfn)
			return g->pages[l->nr_tables + i];
	fail_msg("frame 0x%lx is not a table", mfn);
	return NULL;
}

/* The leaf that maps va, or 0. */
static uint64_t walk(const struct guest *g, uint64_t va)
{
	uint64_t *table = g->pages[0], entry;

	for (unsigned int shift = 39; shift > 12; shift -= 9) {
		entry = table[va >> shift & 511];
		if (!(entry & 1))
			return 0;
		assert_int_equal(entry & 7, 7);
		table = table_in(g, (entry & 0xffffffffff000) >> 12);
	}
	return table[va >> 12 & 511];
}

static bool is_table(const struct layout *l, uint64_t pfn)
{
	return pfn - l->tables_pfn < l->nr_tables;
}

static void check_tables(const struct guest *g)
{
	const struct layout *l = &g->l;
	uint64_t nr = (l->end_va - l->virt_base) >> 12, leaf, step;

	step = nr > 5000 ? nr / 2500 : 1; /* long ones by samples and ends */
	for (uint64_t pfn = 0; pfn<nr; pfn += pfn + 600> nr ? 1 : step) {
		leaf = walk(g, layout_va(l, pfn));
		assert_int_equal(leaf >> 12, g->mfn[pfn]);
		/* Present, and not for users; accessed is set. */
		assert_int_equal(leaf & 0x25, 0x21);
		assert_int_equal(!!(leaf & 2), !is_table(l, pfn));
	}
	assert_int_equal(walk(g, l->end_va), 0);
	for (uint64_t i = 0; i < l->list_frames; i++) {
		leaf = walk(g, l->list_va + i * 4096);
		assert_int_equal(leaf >> 12, g->mfn[l->list_pfn + i]);
		assert_int_equal(leaf & 0x27, 0x23);
	}
	if (l->nr_list_tables)
		assert_int_equal(walk(g, l->list_va + l->list_frames * 4096),
				 0);
}

/* ---- regions ------------------------------------------------------------------------ */

struct region {
	uint64_t pfn, frames;
};

static void check_regions(const struct guest *g)
{
	const struct layout *l = &g->l;
	const struct region all[] = {
		{0, g->k.pa_end / 4096},
		{l->initrd_pfn, PAGE(l->initrd_bytes)},
		{l->list_pfn, l->list_frames},
		{l->start_info_pfn, 1},
		{l->store_pfn, 1},
		{l->console_pfn, 1},
		{l->tables_pfn, l->nr_tables},
		{l->stack_pfn, 1},
		{l->list_tables_pfn, l->nr_list_tables},
	};
	const unsigned int n = sizeof(all) / sizeof(all[0]);

	for (unsigned int i = 0; i < n; i++) {
		assert_true(all[i].pfn + all[i].frames <= l->frames_used);
		for (unsigned int j = 0; j < i; j++)
			if (all[i].frames && all[j].frames)
				assert_true(all[i].pfn >=
						    all[j].pfn +
							    all[j].frames ||
					    all[j].pfn >=
						    all[i].pfn + all[i].frames);
	}
	assert_int_equal(l->list_frames, PAGE(l->nr_frames * 8));
	assert_int_equal(l->end_va % (4 << 20), 0);
	assert_true(l->end_va >= layout_va(l, l->stack_pfn + 1) + (512 << 10));
	assert_true(l->frames_used <= l->nr_frames);
}

/* Lay out, make the tables and check everything; false: it does not fit. */
static bool try_guest(struct guest *g, uint64_t frames, uint64_t initrd,
		      uint64_t *seed)
{
	enum layout_error err = layout_plan(&g->l, &g->k, frames, initrd);

	if (err) {
		assert_int_not_equal(err, LAYOUT_TOO_LARGE);
		return false;
	}
	g->mfn = malloc(frames * sizeof(*g->mfn));
	g->pages =
		calloc(g->l.nr_tables + g->l.nr_list_tables, sizeof(*g->pages));
	for (uint64_t i = 0; i < frames; i++)
		g->mfn[i] = MFN_BASE + i;
	/* Some frames are elsewhere. */
	for (unsigned int i = 0; seed && i < 50; i++) {
		uint64_t a = random_number(seed, frames);
		uint64_t b = random_number(seed, frames), was = g->mfn[a];

		g->mfn[a] = g->mfn[b];
		g->mfn[b] = was;
	}
	check_regions(g);
	layout_tables(&g->l, g->mfn, g->pages);
	check_tables(g);
	free(g->mfn);
	free(g->pages);
	return true;
}

static void parse(struct kernel *k, struct image *image, const struct recipe *r)
{
	*image = make_image(r);
	assert_null(kernel_parse(k, image->data, image->bytes));
}

/* ---- tests ---------------------------------------------------------------------------- */

static void a_linux_guest_is_laid_out(void **state)
{
	struct guest g = {0};
	struct image image;
	struct recipe r;

	(void)state;
	recipe_linux(&r);
	parse(&g.k, &image, &r);
	assert_true(try_guest(&g, 65536, 5 << 20, NULL));
	/* The initrd is not mapped, nor is the list where the image is. */
	assert_true(g.l.initrd_pfn * 4096 >= g.l.end_va - VIRT_BASE);
	assert_int_equal(g.l.list_va, 0x8000000000ull);
	assert_int_equal(g.l.nr_list_tables, 3);
	free(image.data);
}

static void a_classic_guest_has_all_of_it_mapped(void **state)
{
	struct guest g = {0};
	struct image image;
	struct recipe r;

	(void)state;
	recipe_classic(&r);
	parse(&g.k, &image, &r);
	assert_true(try_guest(&g, 65536, 5 << 20, NULL));
	assert_int_equal(g.l.initrd_pfn * 4096, KERNEL_PA + 0x9000);
	assert_int_equal(g.l.list_va,
			 VIRT_BASE + KERNEL_PA + 0x9000 + (5 << 20));
	assert_int_equal(g.l.nr_list_tables, 0);
	free(image.data);
}

/* Bases in both halves, lists that share tables with the image or do not. */
static void guests_of_all_shapes_obey_the_rules(void **state)
{
	static const uint64_t bases[] = {
		0,
		0x400000,
		0x7fffffe00000,
		0xffff880000000000ull,
		VIRT_BASE,
		0xffffffffc0000000ull,
	};
	unsigned int made = 0;

	(void)state;
	for (uint64_t n = 1; n <= 400; n++) {
		uint64_t seed = n * 0x9e3779b97f4a7c15ull;
		uint64_t base = bases[random_number(&seed, 6)];
		uint64_t frames = 2000 + random_number(&seed, 100000);
		uint64_t initrd = random_number(&seed, 30 << 20);
		struct guest g = {0};
		struct image image;
		struct recipe r;

		recipe_classic(&r);
		r.ph[0].p_paddr = random_number(&seed, 2) * KERNEL_PA;
		r.ph[1].p_paddr = r.ph[0].p_paddr + 0x3000 +
				  random_number(&seed, 9) * 0x800;
		drop_note(&r, XEN_ELFNOTE_HYPERCALL_PAGE);
		add_number(&r, XEN_ELFNOTE_VIRT_BASE, base);
		add_number(&r, XEN_ELFNOTE_ENTRY, base + r.ph[0].p_paddr);
		if (random_number(&seed, 2))
			add_number(&r, XEN_ELFNOTE_MOD_START_PFN, 1);
		if (random_number(&seed, 2))
			add_number(&r, XEN_ELFNOTE_INIT_P2M,
				   base + (random_number(&seed, 4) << 30) +
					   (random_number(&seed, 400) << 20));
		image = make_image(&r);
		printf("# seed %lu\n", (unsigned long)n);
		if (!kernel_parse(&g.k, image.data, image.bytes))
			made += try_guest(&g, frames, initrd, &seed);
		free(image.data);
	}
	assert_true(made > 100);
}

static void what_does_not_fit_is_refused_by_name(void **state)
{
	struct image image;
	struct recipe r;
	struct kernel k;
	struct layout l;

	(void)state;
	recipe_linux(&r);
	parse(&k, &image, &r);
	assert_int_equal(layout_plan(&l, &k, 4000, 0), LAYOUT_NO_ROOM);
	assert_true(l.frames_used > 4096 && l.frames_used < 6000);
	/* A larger guest has a longer list of frames. */
	assert_int_equal(layout_plan(&l, &k, l.frames_used + 4, 0), LAYOUT_OK);
	assert_int_equal(layout_plan(&l, &k, l.frames_used - 1, 0),
			 LAYOUT_NO_ROOM);
	assert_int_equal(layout_plan(&l, &k, LAYOUT_FRAMES_MAX + 1, 0),
			 LAYOUT_TOO_LARGE);
	assert_int_equal(layout_plan(&l, &k, 65536, ~0ull), LAYOUT_TOO_LARGE);
	k.init_p2m = VIRT_BASE + KERNEL_PA;
	assert_int_equal(layout_plan(&l, &k, 65536, 0), LAYOUT_LIST_ADDRESS);
	k.init_p2m = 0xffff7ffffffff000ull;
	assert_int_equal(layout_plan(&l, &k, 65536, 0), LAYOUT_LIST_ADDRESS);
	k.initrd_by_pfn = false;
	assert_int_equal(layout_plan(&l, &k, 1 << 20, 3ull << 30),
			 LAYOUT_ADDRESS);
	free(image.data);
}

static void a_guest_is_told_where_it_is(void **state)
{
	const struct layout_rings rings = {0x11, 0x22, 3, 4};
	struct pv_vcpu_guest_context c;
	struct pv_start_info si;
	struct image image;
	struct recipe r;
	struct kernel k;
	struct layout l;

	(void)state;
	recipe_linux(&r);
	parse(&k, &image, &r);
	assert_int_equal(layout_plan(&l, &k, 65536, 12345), LAYOUT_OK);
	layout_start_info(&si, &l, &k, &rings, 0x33, "root=/dev/xvda");
	assert_string_equal(si.magic, "xen-3.0-x86_64");
	assert_int_equal(si.nr_pages, 65536);
	assert_int_equal(si.shared_info, 0x33000);
	assert_int_equal(si.flags, SIF_VIRT_P2M_4TOOLS | SIF_MOD_START_PFN);
	assert_int_equal(si.store_mfn, 0x11);
	assert_int_equal(si.console.domU.mfn, 0x22);
	assert_int_equal(si.store_evtchn, 3);
	assert_int_equal(si.console.domU.evtchn, 4);
	assert_int_equal(si.pt_base, layout_va(&l, l.tables_pfn));
	assert_int_equal(si.nr_pt_frames, l.nr_tables);
	assert_int_equal(si.mfn_list, 0x8000000000ull);
	assert_int_equal(si.mod_start, l.initrd_pfn);
	assert_int_equal(si.mod_len, 12345);
	assert_int_equal(si.first_p2m_pfn, l.list_pfn);
	assert_int_equal(si.nr_p2m_frames, 128 + 3);
	assert_string_equal(si.cmd_line, "root=/dev/xvda");
	layout_context(&c, &l, &k, 0x44);
	assert_int_equal(c.user_regs.rip, KERNEL_VA + 0x40);
	assert_int_equal(c.user_regs.rsi, layout_va(&l, l.start_info_pfn));
	assert_int_equal(c.user_regs.rsp, layout_va(&l, l.stack_pfn + 1));
	assert_int_equal(c.ctrlreg[3], 0x44000);
	assert_true(c.flags & VGCF_in_kernel);
	free(image.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_linux_guest_is_laid_out),
		cmocka_unit_test(a_classic_guest_has_all_of_it_mapped),
		cmocka_unit_test(guests_of_all_shapes_obey_the_rules),
		cmocka_unit_test(what_does_not_fit_is_refused_by_name),
		cmocka_unit_test(a_guest_is_told_where_it_is),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
