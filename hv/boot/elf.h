/* SPDX-License-Identifier: MIT */
/* A PV kernel's ELF image: where its bytes go and what its notes ask for. */
#ifndef HV_BOOT_ELF_H
#define HV_BOOT_ELF_H

#include "hv/lib/types.h"

#define ELF_MAX_SEGMENTS 16

/* mem_size bytes at virtual address virt, of which the first file_size come
 * from offset in the image; the others are zero. */
struct elf_segment {
	uint64_t virt, mem_size, offset, file_size;
	bool writable, executable;
};

struct elf_kernel {
	unsigned int nr_segments;
	struct elf_segment segment[ELF_MAX_SEGMENTS]; /* no two overlap      */
	uint64_t virt_start, virt_end; /* lowest and highest byte + 1       */
	bool has_hypercall_page, has_init_p2m;
	/* The notes; 0 or empty if not there. */
	uint64_t virt_base; /* where pseudo-physical address 0 is mapped    */
	uint64_t paddr_offset;
	uint64_t entry; /* virtual, in an executable segment                */
	uint64_t hypercall_page; /* virtual, page-aligned, in the image     */
	uint64_t init_p2m; /* where the frame list is to be mapped          */
	uint64_t mod_start_pfn; /* 1: takes an unmapped initrd by its pfn   */
	char guest_os[32], xen_version[16];
};

enum elf_error {
	ELF_OK,
	ELF_NOT_ELF,
	ELF_NOT_X86_64,
	ELF_NOT_EXECUTABLE,
	ELF_TRUNCATED, /* a header, segment or note ends after the file     */
	ELF_NO_SEGMENTS,
	ELF_TOO_MANY_SEGMENTS,
	ELF_BAD_SEGMENT, /* more in the file than in memory; overlap; wraps */
	ELF_BAD_ADDRESS, /* not canonical, or in the hypervisor's hole      */
	ELF_BAD_NOTE, /* a number of a wrong size, a string without its end */
	ELF_NOT_PV, /* no Xen notes at all, or no entry                     */
	ELF_PVH_ONLY,
	ELF_OLD_SECTION, /* __xen_guest strings: kernels before 2.6.23      */
	ELF_BAD_ABI, /* not "xen-3.0"                                       */
	ELF_NEEDS_FEATURE, /* requires one that a PV guest cannot have here */
	ELF_BAD_ENTRY,
	ELF_BAD_HYPERCALL_PAGE,
	ELF_NR_ERRORS,
};

enum elf_error elf_parse(const void *image, size_t size,
			 struct elf_kernel *out);
const char *elf_error_text(enum elf_error err);

#endif /* HV_BOOT_ELF_H */
