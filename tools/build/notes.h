/* SPDX-License-Identifier: MIT */
/* The ELF notes of a PV kernel, as they are in the file. */
#ifndef TOOLS_BUILD_NOTES_H
#define TOOLS_BUILD_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_notes {
	bool any, has_entry, has_pvh, has_hypercall_page, has_init_p2m;
	bool initrd_by_pfn, unknown_required;
	uint64_t entry, hypercall_page, virt_base, paddr_offset, init_p2m;
	uint64_t features_supported, features_required;
	char guest_os[32], guest_version[32], abi[16];
};

/*
 * Take the notes of one segment or section.  Returns NULL, or one line.
 * Notes of other owners are passed over.
 */
const char *notes_read(struct kernel_notes *n, const uint8_t *p, size_t bytes);

#endif
