/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing the builder: any bytes as a kernel, then the layout of a small guest
 * for it, then its page tables.
 *
 * A libFuzzer target.  The first four bytes choose memory and initrd; the seeds
 * are the fixtures (kernel_seeds.c).  What comes out is checked where that is
 * cheap: segments lie in the file and in memory, tables name the guest's own
 * frames.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fuzz.h"
#include "tools/build/layout.h"

#define FRAMES_MOST 20000u
#define MFN_BASE    0x100000ull

static void check_kernel(const struct kernel *k)
{
	for (unsigned int i = 0; i < k->nr_segments; i++) {
		const struct kernel_segment *s = &k->segment[i];

		MUST(s->offset <= k->bytes);
		MUST(s->file_bytes <= k->bytes - s->offset);
		MUST(s->file_bytes <= s->mem_bytes);
		MUST(s->pa + s->mem_bytes <= k->pa_end);
	}
	MUST(!k->has_hypercall_page || k->hypercall_page_pa < k->pa_end);
}

static void make_tables(const struct layout *l)
{
	uint64_t *mfn = malloc(l->nr_frames * sizeof(*mfn));
	uint64_t nr = l->nr_tables + l->nr_list_tables;
	uint64_t(*pages)[512] = calloc(nr, sizeof(*pages));

	MUST(mfn && pages);
	for (uint64_t i = 0; i < l->nr_frames; i++)
		mfn[i] = MFN_BASE + i;
	layout_tables(l, mfn, pages);
	for (uint64_t i = 0; i < nr; i++)
		for (unsigned int e = 0; e < 512; e++)
			MUST(!pages[i][e] ||
			     (pages[i][e] >> 12) - MFN_BASE < l->nr_frames);
	free(pages);
	free(mfn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct layout_rings rings = {1, 2, 3, 4};
	struct pv_vcpu_guest_context c;
	struct pv_start_info si;
	uint16_t frames, initrd;
	struct kernel k;
	struct layout l;

	if (size < 4)
		return 0;
	memcpy(&frames, data, 2);
	memcpy(&initrd, data + 2, 2);
	if (kernel_parse(&k, data + 4, size - 4))
		return 0;
	check_kernel(&k);
	if (layout_plan(&l, &k, frames % FRAMES_MOST, initrd))
		return 0;
	MUST(l.frames_used <= l.nr_frames);
	make_tables(&l);
	layout_start_info(&si, &l, &k, &rings, 5, "");
	layout_context(&c, &l, &k, 6);
	return 0;
}
