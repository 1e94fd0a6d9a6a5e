/* SPDX-License-Identifier: MIT */
/*
 * Page tables as types: a frame is a table of one level or it is writable,
 * never both, and a table holds only what its level may hold.
 *
 * Pins, references by entries, base pointers; what is refused and that a
 * refusal changes nothing; that a frame is free again when its last use ends.
 */
#include "tests/guest/lib/guest.h"

static uint64_t entry_for(const void *page, uint64_t flags)
{
	return va_to_mfn(page) * PAGE_SIZE | flags;
}

static bool writable_again(void *page)
{
	return page_set(page, PTE_KERNEL) == 0 &&
	       probe_write(P(page)).vector == -1;
}

/* A tree of our own: l4[0] -> l3[0] -> l2[0] -> l1, none of them pinned. */
static struct {
	uint64_t *l4, *l3, *l2, *l1;
} t;

/* The tables are filled while they are still writable. */
static void tree_alloc(uint64_t l1_entry)
{
	t.l4 = page_alloc();
	t.l3 = page_alloc();
	t.l2 = page_alloc();
	t.l1 = page_alloc();
	t.l4[0] = entry_for(t.l3, PTE_TABLE);
	t.l3[0] = entry_for(t.l2, PTE_TABLE);
	t.l2[0] = entry_for(t.l1, PTE_TABLE);
	t.l1[0] = l1_entry;
	page_set(t.l4, PTE_P);
	page_set(t.l3, PTE_P);
	page_set(t.l2, PTE_P);
	page_set(t.l1, PTE_P);
}

static void tree_free(void)
{
	page_free(t.l4);
	page_free(t.l3);
	page_free(t.l2);
	page_free(t.l1);
}

static int pin(unsigned int level, const void *table)
{
	return mmuext(MMUEXT_PIN_L1_TABLE + level - 1, va_to_mfn(table), 0);
}

static int unpin(const void *table)
{
	return mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(table), 0);
}

/* ---- pins ---------------------------------------------------------------- */

static void a_page_of_each_level_can_be_pinned(void)
{
	unsigned int level;

	for (level = 1; level <= 4; level++) {
		uint64_t *table = table_alloc();

		CHECK_EQ(pin(level, table), 0);
		CHECK(page_set(table, PTE_KERNEL) < 0);
		CHECK(!(*walk(kernel_root(), P(table), 1) & PTE_W));
		CHECK_EQ(unpin(table), 0);
		CHECK(writable_again(table));
		page_free(table);
	}
}

static void a_pin_is_not_repeated(void)
{
	uint64_t *table = table_alloc();

	CHECK_EQ(pin(1, table), 0);
	CHECK_EQ(pin(1, table), -EINVAL);
	CHECK(pin(2, table) < 0);
	CHECK(pin(4, table) < 0);
	CHECK_EQ(unpin(table), 0);
	CHECK_EQ(unpin(table), -EINVAL);
	page_free(table);
}

static void a_writable_page_is_not_pinned(void)
{
	uint64_t *page = page_alloc();
	unsigned int level;

	for (level = 1; level <= 4; level++)
		CHECK(pin(level, page) < 0);
	CHECK(writable_again(page));
	page_free(page);
}

static void frames_that_do_not_exist_are_not_pinned(void)
{
	static const uint64_t mfns[] = {0xfffffffffful, ~0ul,    1ul << 40,
					0xfee00,        0xfec00, 0xb0000};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mfns); i++) {
		CHECK(mmuext(MMUEXT_PIN_L1_TABLE, mfns[i], 0) < 0);
		CHECK(mmuext(MMUEXT_PIN_L4_TABLE, mfns[i], 0) < 0);
		CHECK(mmuext(MMUEXT_UNPIN_TABLE, mfns[i], 0) < 0);
		CHECK(mmuext(MMUEXT_NEW_BASEPTR, mfns[i], 0) < 0);
		CHECK(mmuext(MMUEXT_NEW_USER_BASEPTR, mfns[i], 0) < 0);
	}
}

static void a_tree_is_validated_from_its_root(void)
{
	void *leaf = page_alloc();

	tree_alloc(entry_for(leaf, PTE_KERNEL));
	CHECK_EQ(pin(4, t.l4), 0);
	CHECK(page_set(t.l4, PTE_KERNEL) < 0);
	CHECK(page_set(t.l3, PTE_KERNEL) < 0);
	CHECK(page_set(t.l2, PTE_KERNEL) < 0);
	CHECK(page_set(t.l1, PTE_KERNEL) < 0);
	/* The leaf is mapped writable there, so it cannot become a table. */
	CHECK_EQ(page_set(leaf, PTE_P), 0);
	CHECK(pin(1, leaf) < 0);
	CHECK_EQ(unpin(t.l4), 0);
	CHECK_EQ(pin(1, leaf), 0);
	CHECK_EQ(unpin(leaf), 0);
	tree_free();
	page_free(leaf);
}

/* Each mistake is in another level; the tree is free again after it. */
static void a_wrong_tree_is_refused_whole(void)
{
	static const struct {
		const char *name;
		unsigned int level;
		uint64_t flags;
		enum {
			LEAF,
			SELF,
			ROOT
		} frame;
	} wrong[] = {
		{"l1 maps itself writable", 1, PTE_KERNEL, SELF},
		{"l1 maps its root writable", 1, PTE_KERNEL, ROOT},
		{"l2 points at a writable page", 2, PTE_TABLE, LEAF},
		{"l2 points at itself", 2, PTE_TABLE, SELF},
		{"l2 points at its root", 2, PTE_TABLE, ROOT},
		{"l2 maps a superpage", 2, PTE_TABLE | PTE_PS, LEAF},
		{"l3 maps a superpage", 3, PTE_TABLE | PTE_PS, LEAF},
		{"l3 points at a writable page", 3, PTE_TABLE, LEAF},
		{"l3 points at its root", 3, PTE_TABLE, ROOT},
		{"l4 has a reserved bit", 4, PTE_TABLE | PTE_PS, LEAF},
		{"l4 points at a writable page", 4, PTE_TABLE, LEAF},
	};
	void *leaf = page_alloc();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		uint64_t *at, *frame;

		tree_alloc(0);
		at = wrong[i].level == 1   ? t.l1
		     : wrong[i].level == 2 ? t.l2
		     : wrong[i].level == 3 ? t.l3
					   : t.l4;
		frame = wrong[i].frame == SELF   ? at
			: wrong[i].frame == ROOT ? t.l4
						 : leaf;
		page_set(at, PTE_KERNEL);
		at[511] = entry_for(frame, wrong[i].flags);
		page_set(at, PTE_P);
		CHECKF(pin(4, t.l4) < 0, "%s", wrong[i].name);
		CHECKF(writable_again(t.l4), "%s", wrong[i].name);
		CHECKF(writable_again(t.l1), "%s", wrong[i].name);
		tree_free();
	}
	page_free(leaf);
}

/* ---- entries ------------------------------------------------------------- */

static void entries_are_checked_one_by_one(void)
{
	uint64_t *other = table_alloc(), *leaf = page_alloc();

	tree_alloc(0);
	CHECK_EQ(pin(4, t.l4), 0);
	CHECK(pte_write(&t.l1[1], entry_for(t.l1, PTE_KERNEL)) < 0);
	CHECK(pte_write(&t.l1[1], entry_for(t.l4, PTE_KERNEL)) < 0);
	CHECK_EQ(pte_write(&t.l1[1], entry_for(t.l4, PTE_P)), 0);
	CHECK_EQ(pte_write(&t.l1[2], entry_for(leaf, PTE_KERNEL)), 0);
	CHECK_EQ(pte_write(&t.l1[3], 0x123456789000), 0); /* not present */
	CHECK(pte_write(&t.l2[1], entry_for(leaf, PTE_TABLE)) < 0);
	CHECK(pte_write(&t.l2[1], entry_for(t.l2, PTE_TABLE)) < 0);
	CHECK(pte_write(&t.l2[1], entry_for(leaf, PTE_TABLE | PTE_PS)) < 0);
	CHECK(pte_write(&t.l3[1], entry_for(t.l1, PTE_TABLE)) < 0);
	CHECK(pte_write(&t.l3[1], entry_for(leaf, PTE_TABLE | PTE_PS)) < 0);
	CHECK(pte_write(&t.l4[1], entry_for(t.l2, PTE_TABLE)) < 0);
	CHECK_EQ(t.l1[1], entry_for(t.l4, t.l1[1] & ~PTE_ADDR));
	CHECK_EQ(t.l2[1], 0);
	CHECK_EQ(t.l3[1], 0);
	CHECK_EQ(t.l4[1], 0);
	/* A new table becomes one, and stops when its entry goes. */
	CHECK_EQ(pte_write(&t.l2[1], entry_for(other, PTE_TABLE)), 0);
	CHECK(page_set(other, PTE_KERNEL) < 0);
	CHECK_EQ(pte_write(&t.l2[1], 0), 0);
	CHECK(writable_again(other));
	CHECK_EQ(unpin(t.l4), 0);
	tree_free();
	page_free(other);
	page_free(leaf);
}

static void reserved_slots_are_refused(void)
{
	uint64_t *root = kernel_root(), *l3 = table_alloc();
	unsigned int slot;

	for (slot = 256; slot < 272; slot++) {
		CHECKF(pte_write(&root[slot], entry_for(l3, PTE_TABLE)) < 0,
		       "slot %u", slot);
		/* Nothing may be written there; it changes nothing. */
		pte_write(&root[slot], 0);
	}
	CHECK_EQ(probe_read(MACH2PHYS_VIRT_START).vector, -1);
	/* Those beside it are the guest's. */
	CHECK_EQ(pte_write(&root[272], entry_for(l3, PTE_TABLE)), 0);
	CHECK_EQ(pte_write(&root[272], 0), 0);
	CHECK_EQ(pte_write(&root[255], entry_for(l3, PTE_TABLE)), 0);
	CHECK_EQ(pte_write(&root[255], 0), 0);
	CHECK_EQ(mfn_to_pfn(va_to_mfn(l3)), (P(l3) - VIRT_BASE) / PAGE_SIZE);
	page_free(l3);
}

/* Whatever a root has in the reserved slots, the hypervisor is in its place. */
static void reserved_slots_of_a_new_root_are_not_the_guests(void)
{
	uint64_t *root = page_alloc(), *l3 = table_alloc();
	uint64_t mfn = va_to_mfn(root), old = va_to_mfn(kernel_root());
	unsigned int slot;

	memcpy(root, kernel_root(), PAGE_SIZE);
	for (slot = 256; slot < 272; slot++)
		root[slot] = entry_for(l3, PTE_TABLE);
	page_set(root, PTE_P);
	if (pin(4, root) == 0) {
		CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, mfn, 0), 0);
		CHECK_EQ(mfn_to_pfn(mfn), (P(root) - VIRT_BASE) / PAGE_SIZE);
		CHECK_EQ(probe_read(HYPERVISOR_VIRT_END - 8).vector, VEC_PF);
		CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, old, 0), 0);
		CHECK_EQ(unpin(root), 0);
	}
	page_free(root);
	page_free(l3);
}

/* ---- roots --------------------------------------------------------------- */

static void the_kernel_can_change_its_root(void)
{
	uint64_t *root = page_alloc();
	uint64_t old = va_to_mfn(kernel_root());
	unsigned int slot;

	for (slot = 0; slot < 512; slot++)
		if (slot < 256 || slot >= 272)
			root[slot] = kernel_root()[slot];
	page_set(root, PTE_P);
	CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, va_to_mfn(root), 0), 0);
	/* In use, though nobody pinned it. */
	CHECK(page_set(root, PTE_KERNEL) < 0);
	CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, old, 0), 0);
	CHECK(writable_again(root));
	page_free(root);
}

static void what_is_no_root_is_refused(void)
{
	uint64_t *writable = page_alloc(), *l1 = table_alloc();

	CHECK_EQ(pin(1, l1), 0);
	CHECK(mmuext(MMUEXT_NEW_BASEPTR, va_to_mfn(writable), 0) < 0);
	CHECK(mmuext(MMUEXT_NEW_BASEPTR, va_to_mfn(l1), 0) < 0);
	CHECK(mmuext(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(writable), 0) < 0);
	CHECK(mmuext(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(l1), 0) < 0);
	CHECK_EQ(unpin(l1), 0);
	page_free(l1);
	page_free(writable);
}

static void a_user_root_is_held_and_let_go(void)
{
	uint64_t *root = table_alloc();

	CHECK_EQ(mmuext(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(root), 0), 0);
	CHECK(page_set(root, PTE_KERNEL) < 0);
	CHECK_EQ(mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0), 0);
	CHECK(writable_again(root));
	page_free(root);
}

static void an_unpinned_root_in_use_stays_a_table(void)
{
	uint64_t *root = kernel_root();

	CHECK_EQ(unpin(root), 0);
	CHECK(page_set(root, PTE_KERNEL) < 0);
	CHECK_EQ(pin(4, root), 0);
}

/* ---- frames by number ----------------------------------------------------- */

static void pages_are_cleared_and_copied_by_frame(void)
{
	uint64_t *a = page_alloc(), *b = page_alloc(), *table = table_alloc();
	unsigned int i;

	for (i = 0; i < 512; i++)
		a[i] = i * 0x10001ul;
	CHECK_EQ(mmuext(MMUEXT_COPY_PAGE, va_to_mfn(b), va_to_mfn(a)), 0);
	CHECK(!memcmp(a, b, PAGE_SIZE));
	CHECK_EQ(mmuext(MMUEXT_CLEAR_PAGE, va_to_mfn(b), 0), 0);
	for (i = 0; i < 512; i++)
		if (!CHECK_EQ(b[i], 0))
			break;
	CHECK_EQ(pin(1, table), 0);
	CHECK(mmuext(MMUEXT_CLEAR_PAGE, va_to_mfn(table), 0) < 0);
	CHECK(mmuext(MMUEXT_COPY_PAGE, va_to_mfn(table), va_to_mfn(a)) < 0);
	CHECK_EQ(unpin(table), 0);
	page_free(a);
	page_free(b);
	page_free(table);
}

static void a_list_stops_at_its_first_mistake(void)
{
	uint64_t *l1, leaf = entry_for(page_alloc(), PTE_P);
	struct pv_mmu_update list[3];
	uint32_t done = 77;

	tree_alloc(0);
	l1 = t.l1;
	CHECK_EQ(pin(4, t.l4), 0);
	list[0] = (struct pv_mmu_update){machine_address(&l1[5]), leaf};
	list[1] = (struct pv_mmu_update){machine_address(&l1[6]),
					 entry_for(l1, PTE_KERNEL)};
	list[2] = (struct pv_mmu_update){machine_address(&l1[7]), leaf};
	CHECK(HYPERVISOR_mmu_update(P(list), 3, P(&done), DOMID_SELF) < 0);
	CHECK_EQ(done, 1);
	CHECK(l1[5] != 0);
	CHECK_EQ(l1[6], 0);
	CHECK_EQ(l1[7], 0);
	list[1].val = leaf;
	CHECK_EQ(HYPERVISOR_mmu_update(P(list), 3, P(&done), DOMID_SELF), 0);
	CHECK_EQ(done, 3);
	/* Not aligned to an entry. */
	list[0].ptr |= 4;
	CHECK(HYPERVISOR_mmu_update(P(list), 1, 0, DOMID_SELF) < 0);
	CHECK_EQ(unpin(t.l4), 0);
	tree_free();
}

const struct test tests[] = {
	{"a page of each level can be pinned and unpinned",
	 a_page_of_each_level_can_be_pinned},
	{"a page is pinned once", a_pin_is_not_repeated},
	{"a page that is mapped writable is not pinned",
	 a_writable_page_is_not_pinned},
	{"frames that are not the domain's are not pinned",
	 frames_that_do_not_exist_are_not_pinned},
	{"pinning a root validates the tree below it",
	 a_tree_is_validated_from_its_root},
	{"a wrong tree is refused and leaves nothing behind",
	 a_wrong_tree_is_refused_whole},
	{"every new entry is checked", entries_are_checked_one_by_one},
	{"the reserved slots of a root are refused",
	 reserved_slots_are_refused},
	{"a root's reserved slots never show what the guest put there",
	 reserved_slots_of_a_new_root_are_not_the_guests},
	{"the kernel can change its root", the_kernel_can_change_its_root},
	{"only an l4 table is a root", what_is_no_root_is_refused},
	{"a user root is held and let go", a_user_root_is_held_and_let_go},
	{"an unpinned root in use stays a table",
	 an_unpinned_root_in_use_stays_a_table},
	{"pages are cleared and copied, tables are not",
	 pages_are_cleared_and_copied_by_frame},
	{"a list of updates stops at its first mistake",
	 a_list_stops_at_its_first_mistake},
	{},
};
