/* SPDX-License-Identifier: MIT */
/*
 * Memory under direct paging.
 *
 * The boot mapping holds the image, and with it a pool of pages in .bss, at a
 * constant distance from pseudo-physical memory.  Page tables are written
 * through mmu_update; a page that becomes a table is mapped read-only first.
 */
#include "tests/guest/lib/guest.h"

#define POOL_PAGES 384
#define ENTRIES    512

static uint8_t pool[POOL_PAGES][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static unsigned int pool_used;
static void *free_pages; /* linked through their first word */

uint64_t *user_root;
uint8_t *user_code_page, *user_data_page;

void *pages_alloc(unsigned int n)
{
	void *first = pool[pool_used];

	if (n > POOL_PAGES - pool_used)
		die("the page pool is empty");
	pool_used += n;
	return first;
}

void *page_alloc(void)
{
	void *page = free_pages;

	if (!page)
		return pages_alloc(1);
	free_pages = *(void **)page;
	return memset(page, 0, PAGE_SIZE);
}

void page_free(void *page)
{
	if (page_set(page, PTE_KERNEL))
		die("a freed page is still in use");
	*(void **)page = free_pages;
	free_pages = page;
}

uint64_t pfn_to_mfn(uint64_t pfn)
{
	return ((const uint64_t *)start_info->mfn_list)[pfn];
}

uint64_t mfn_to_pfn(uint64_t mfn)
{
	return ((const uint64_t *)MACH2PHYS_VIRT_START)[mfn];
}

uint64_t va_to_mfn(const void *page)
{
	return pfn_to_mfn((P(page) - VIRT_BASE) / PAGE_SIZE);
}

void *mfn_to_va(uint64_t mfn)
{
	return (void *)(VIRT_BASE + mfn_to_pfn(mfn) * PAGE_SIZE);
}

uint64_t machine_address(const void *va)
{
	return va_to_mfn(va) * PAGE_SIZE + P(va) % PAGE_SIZE;
}

uint64_t *kernel_root(void)
{
	return (uint64_t *)start_info->pt_base;
}

uint64_t *walk(const uint64_t *root, uint64_t va, unsigned int level)
{
	const uint64_t *entry = root;
	unsigned int at = 4;

	for (;; at--) {
		entry += (va >> (12 + 9 * (at - 1))) % ENTRIES;
		if (at == level)
			return (uint64_t *)entry;
		if (!(*entry & PTE_P) || *entry & PTE_PS)
			return NULL;
		entry = mfn_to_va((*entry & PTE_ADDR) / PAGE_SIZE);
	}
}

int pte_write(const uint64_t *entry, uint64_t value)
{
	struct pv_mmu_update u = {
		.ptr = machine_address(entry) | MMU_NORMAL_PT_UPDATE,
		.val = value,
	};
	uint32_t done = 0;

	return HYPERVISOR_mmu_update(P(&u), 1, P(&done), DOMID_SELF);
}

int page_set(const void *page, uint64_t flags)
{
	return HYPERVISOR_update_va_mapping(P(page),
					    va_to_mfn(page) * PAGE_SIZE | flags,
					    UVMF_INVLPG | UVMF_ALL);
}

int mmuext(unsigned int cmd, uint64_t arg1, uint64_t arg2)
{
	struct pv_mmuext_op op = {.cmd = cmd};

	op.arg1.mfn = arg1;
	op.arg2.vcpumask = arg2;
	return HYPERVISOR_mmuext_op(P(&op), 1, 0, DOMID_SELF);
}

uint64_t *table_alloc(void)
{
	uint64_t *table = page_alloc();

	if (page_set(table, PTE_P | PTE_A))
		die("a page does not become read-only");
	return table;
}

static void must(int rc, const char *what)
{
	if (rc)
		die("user_init: %s: %d", what, rc);
}

static uint8_t *user_page(uint64_t va)
{
	uint8_t *page = page_alloc();

	must(user_map(va, va_to_mfn(page), PTE_USER), "page");
	return page;
}

void user_init(void)
{
	uint64_t *l3 = table_alloc(), *l2 = table_alloc(), *l1 = table_alloc();

	if (user_root)
		return;
	user_root = table_alloc();
	must(mmuext(MMUEXT_PIN_L4_TABLE, va_to_mfn(user_root), 0), "pin");
	must(pte_write(walk(kernel_root(), USER_BASE, 4),
		       va_to_mfn(l3) * PAGE_SIZE | PTE_TABLE),
	     "kernel root");
	must(pte_write(user_root, va_to_mfn(l3) * PAGE_SIZE | PTE_TABLE),
	     "user root");
	must(pte_write(l3, va_to_mfn(l2) * PAGE_SIZE | PTE_TABLE), "l3");
	must(pte_write(l2 + USER_BASE / 0x200000,
		       va_to_mfn(l1) * PAGE_SIZE | PTE_TABLE),
	     "l2");
	must(mmuext(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(user_root), 0),
	     "baseptr");
	user_code_page = user_page(USER_CODE);
	user_data_page = user_page(USER_DATA);
	user_page(USER_STACK - PAGE_SIZE);
}

int user_map(uint64_t va, uint64_t mfn, uint64_t flags)
{
	return HYPERVISOR_update_va_mapping(va, mfn * PAGE_SIZE | flags,
					    UVMF_INVLPG | UVMF_ALL);
}

void user_load(struct code code)
{
	size_t size = code.end - code.start;

	if (size > PAGE_SIZE)
		die("user code is too long");
	memset(user_code_page, 0xcc, PAGE_SIZE);
	memcpy(user_code_page, code.start, size);
}

void user_linux_selectors(void)
{
	uint64_t *gdt = page_alloc(), mfn = va_to_mfn(gdt);

	gdt[LINUX_USER_SS / 8] = 0x00cff3000000ffff;
	gdt[LINUX_USER_CS / 8] = 0x00affb000000ffff;
	must(page_set(gdt, PTE_P | PTE_A), "gdt page");
	must(HYPERVISOR_set_gdt(P(&mfn), PAGE_SIZE / 8), "gdt");
}
