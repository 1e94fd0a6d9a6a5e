/* SPDX-License-Identifier: MIT */
/*
 * Operations on the address space: faults, mappings, protections.
 */
#include "tests/bench/pvbench/pvbench.h"

#include <stddef.h>
#include <sys/mman.h>

#define PAGE        4096
#define FAULT_PAGES 256 /* touched in one mapping */
#define FEW_PAGES   64

static char *map_pages(size_t pages, int flags)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/*
 * First writes to anonymous pages.  Page tables are there after the first
 * page, which is not timed; huge pages are kept away.
 */
static uint64_t run_page_fault(uint64_t n)
{
	uint64_t ticks = 0;

	while (n--) {
		char *p = map_pages(FAULT_PAGES + 1, 0);
		uint64_t began;

		madvise(p, (FAULT_PAGES + 1) * PAGE, MADV_NOHUGEPAGE);
		*(volatile char *)p = 1;
		began = clock_ticks();
		for (int i = 1; i <= FAULT_PAGES; i++)
			*(volatile char *)(p + i * PAGE) = 1;
		ticks += clock_ticks() - began;
		munmap(p, (FAULT_PAGES + 1) * PAGE);
	}
	return ticks;
}

static uint64_t run_mmap64(uint64_t n)
{
	uint64_t began = clock_ticks();

	while (n--)
		munmap(map_pages(FEW_PAGES, MAP_POPULATE), FEW_PAGES * PAGE);
	return clock_ticks() - began;
}

static uint64_t run_mprotect64(uint64_t n)
{
	char *p = map_pages(FEW_PAGES, MAP_POPULATE);
	uint64_t began = clock_ticks();

	while (n--)
		if (mprotect(p, FEW_PAGES * PAGE, PROT_READ) ||
		    mprotect(p, FEW_PAGES * PAGE, PROT_READ | PROT_WRITE))
			die("mprotect");
	began = clock_ticks() - began;
	munmap(p, FEW_PAGES * PAGE);
	return began;
}

const struct metric memory_metrics[] = {
	{"page_fault", run_page_fault, FAULT_PAGES},
	{"mmap64", run_mmap64, 0},
	{"mprotect64", run_mprotect64, 0},
	{0},
};
