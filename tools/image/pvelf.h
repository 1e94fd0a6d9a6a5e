/* SPDX-License-Identifier: MIT */
/*
 * Does an ELF file hold a kernel that runs paravirtualized?
 */
#ifndef TOOLS_IMAGE_PVELF_H
#define TOOLS_IMAGE_PVELF_H

#include <stddef.h>
#include <stdint.h>

/* What the notes say.  Strings are NUL-terminated, shortened if need be. */
struct pvelf {
	uint64_t entry; /* virtual address of the first instruction */
	int has_entry; /* a PV kernel has it, one for PVH has not */
	int has_pvh; /* the PVH entry note is there */
	char guest_os[32];
	char guest_version[32];
	char abi[32]; /* "xen-3.0" */
};

/*
 * Read the notes of an ELF file of `len` bytes.
 * Returns NULL for a 64-bit x86 kernel with PV support, or one line.
 */
const char *pvelf_check(const uint8_t *file, size_t len, struct pvelf *info);

#endif
