/* SPDX-License-Identifier: MIT */
/* This CPU's window: the page tables behind it are the CPU's own. */
#include "hv/cpu/asm.h"
#include "hv/cpu/cpu.h"

struct cpu *cpus[MAX_CPUS];
unsigned int nr_cpus;

void window_set(uint64_t va, uint64_t pte)
{
	unsigned int slot = (va - WINDOW_BASE) >> PAGE_SHIFT;

	this_cpu->window_pt[slot] = pte;
	this_cpu->hv_window_pt[slot] = pte;
	invlpg((void *)va);
}
