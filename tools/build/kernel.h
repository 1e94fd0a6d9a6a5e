/* SPDX-License-Identifier: MIT */
/*
 * A PV kernel's ELF image: where its bytes go, and what its notes ask for.
 *
 * Addresses: "pa" is pseudo-physical, in the guest's own numbering from 0;
 * "va" is linear.  Everything below is checked against the file and the ABI
 * (ABI.md section 3.1), and against nothing else: whether it fits into the
 * guest's memory is the layout's business.
 */
#ifndef TOOLS_BUILD_KERNEL_H
#define TOOLS_BUILD_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_SEGMENTS_MAX 16

struct kernel_segment {
	uint64_t pa, mem_bytes; /* the rest behind file_bytes is zero   */
	uint64_t offset, file_bytes; /* in the image                    */
	bool executable;
};

/* Bytes of a segment, in whole pages of the guest but for its ends. */
struct kernel_run {
	uint64_t pa, offset, bytes;
};

struct kernel_runs {
	struct kernel_run *run; /* what is not zero, in order               */
	size_t nr; /* 0: nobody has looked                             */
};

struct kernel {
	const uint8_t *image;
	size_t bytes;
	unsigned int nr_segments;
	struct kernel_segment segment[KERNEL_SEGMENTS_MAX]; /* no two overlap */
	uint64_t pa_end; /* behind the last byte, page-aligned            */
	uint64_t virt_base; /* va of pa 0, page-aligned                    */
	uint64_t entry; /* va, in an executable segment                   */

	bool has_hypercall_page, has_init_p2m;
	uint64_t hypercall_page_pa; /* page-aligned, in a segment         */
	uint64_t init_p2m; /* va, page-aligned: where the frame list goes  */
	bool initrd_by_pfn; /* takes an initrd that is not mapped         */
	uint64_t features_supported, features_required; /* bits by XENFEAT_* */
	char guest_os[32], guest_version[32], abi[16];

	struct kernel_runs runs;
};

/*
 * Read the image, which `k` refers to from then on.
 * Returns NULL, or one line that says what is wrong with it.
 */
const char *kernel_parse(struct kernel *k, const void *image, size_t bytes);

/* Is [start, end) a range of canonical addresses outside the reserved hole? */
bool kernel_address_ok(uint64_t start, uint64_t end);

#endif
