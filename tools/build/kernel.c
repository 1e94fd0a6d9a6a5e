/* SPDX-License-Identifier: MIT */
/*
 * Reading a PV kernel's ELF64 image.
 *
 * Bytes are placed by their physical address: p_paddr less the PADDR_OFFSET
 * note is where they go, VIRT_BASE says where that memory is mapped.  p_vaddr
 * is not used: the per-CPU segment of a Linux kernel has 0 there.  Notes are
 * taken from PT_NOTE segments or, when those hold none of ours, from SHT_NOTE
 * sections.
 *
 * PURE  HOSTILE: the image is the guest owner's.  Headers are copied out once
 * and each offset, size and address is checked before it is used.
 */
#include "tools/build/kernel.h"
#include "tools/build/notes.h"

#include <elf.h>
#include <string.h>

#include <pv/abi.h>
#include <pv/arch-x86.h>

/* Translated memory and a kernel in ring 0: not for PV guests. */
#define FEATURES_REFUSED (1ull << 2 | 1ull << 3)
#define PAGE_OFFSET(x)   ((x) & (PV_PAGE_SIZE - 1))
#define PAGE_UP(x)       (((x) + PV_PAGE_SIZE - 1) & ~(uint64_t)(PV_PAGE_SIZE - 1))
/* No guest has more memory than this: a larger address is nonsense. */
#define PA_LIMIT (1ull << 46)

static bool within(const struct kernel *k, uint64_t offset, uint64_t n)
{
	return offset <= k->bytes && n <= k->bytes - offset;
}

bool kernel_address_ok(uint64_t start, uint64_t end)
{
	bool low = end <= 1ull << 47, high = start >= ~0ull << 47;

	return start < end && (low || high) &&
	       (end <= HYPERVISOR_VIRT_START || start >= HYPERVISOR_VIRT_END);
}

static Elf64_Phdr phdr(const struct kernel *k, const Elf64_Ehdr *eh,
		       unsigned int i)
{
	Elf64_Phdr ph;

	memcpy(&ph, k->image + eh->e_phoff + i * sizeof(ph), sizeof(ph));
	return ph;
}

static const char *check_header(const struct kernel *k, const Elf64_Ehdr *eh)
{
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG))
		return "not an ELF file";
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh->e_ident[EI_DATA] != ELFDATA2LSB || eh->e_machine != EM_X86_64)
		return "not for 64-bit x86";
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return "not an executable ELF file";
	if (eh->e_phentsize != sizeof(Elf64_Phdr) || !eh->e_phnum)
		return "an ELF file without program headers";
	if (!within(k, eh->e_phoff, eh->e_phnum * sizeof(Elf64_Phdr)))
		return "ELF program headers that end after the file";
	return NULL;
}

/* ---- notes ------------------------------------------------------------------- */

static const char *segment_notes(const struct kernel *k, const Elf64_Ehdr *eh,
				 struct kernel_notes *n)
{
	const char *why = NULL;
	Elf64_Phdr ph;

	for (unsigned int i = 0; i < eh->e_phnum && !why; i++) {
		ph = phdr(k, eh, i);
		if (ph.p_type != PT_NOTE)
			continue;
		if (!within(k, ph.p_offset, ph.p_filesz))
			return "an ELF segment that ends after the file";
		why = notes_read(n, k->image + ph.p_offset, ph.p_filesz);
	}
	return why;
}

static const char *section_notes(const struct kernel *k, const Elf64_Ehdr *eh,
				 struct kernel_notes *n)
{
	const char *why = NULL;
	Elf64_Shdr sh;

	if (eh->e_shentsize != sizeof(sh) ||
	    !within(k, eh->e_shoff, eh->e_shnum * sizeof(sh)))
		return NULL;
	for (unsigned int i = 0; i < eh->e_shnum && !why; i++) {
		memcpy(&sh, k->image + eh->e_shoff + i * sizeof(sh),
		       sizeof(sh));
		if (sh.sh_type != SHT_NOTE)
			continue;
		if (!within(k, sh.sh_offset, sh.sh_size))
			return "an ELF section that ends after the file";
		why = notes_read(n, k->image + sh.sh_offset, sh.sh_size);
	}
	return why;
}

static const char *check_notes(const struct kernel_notes *n)
{
	if (!n->has_entry)
		return n->has_pvh ? "a kernel with PVH support only, not PV"
				  : "a kernel without PV support "
				    "(CONFIG_XEN_PV)";
	if (n->abi[0] && strcmp(n->abi, "xen-3.0"))
		return "a kernel for another ABI than xen-3.0";
	if (n->unknown_required || (n->features_required & FEATURES_REFUSED))
		return "a kernel that requires what a PV guest does not have";
	if (PAGE_OFFSET(n->virt_base))
		return "a kernel whose VIRT_BASE is not page-aligned";
	if (n->has_init_p2m && PAGE_OFFSET(n->init_p2m))
		return "a kernel whose INIT_P2M is not page-aligned";
	return NULL;
}

static void take_notes(struct kernel *k, const struct kernel_notes *n)
{
	k->virt_base = n->virt_base;
	k->entry = n->entry;
	k->has_init_p2m = n->has_init_p2m;
	k->init_p2m = n->init_p2m;
	k->initrd_by_pfn = n->initrd_by_pfn;
	k->features_supported = n->features_supported;
	k->features_required = n->features_required;
	memcpy(k->guest_os, n->guest_os, sizeof(k->guest_os));
	memcpy(k->guest_version, n->guest_version, sizeof(k->guest_version));
	memcpy(k->abi, n->abi, sizeof(k->abi));
}

/* ---- segments ----------------------------------------------------------------- */

static bool overlaps(const struct kernel *k, uint64_t start, uint64_t end)
{
	for (unsigned int i = 0; i < k->nr_segments; i++) {
		const struct kernel_segment *s = &k->segment[i];

		if (start < s->pa + s->mem_bytes && s->pa < end)
			return true;
	}
	return false;
}

static const char *add_segment(struct kernel *k, const Elf64_Phdr *ph,
			       uint64_t paddr_offset)
{
	uint64_t pa = ph->p_paddr - paddr_offset;

	if (!within(k, ph->p_offset, ph->p_filesz))
		return "an ELF segment that ends after the file";
	if (ph->p_filesz > ph->p_memsz)
		return "an ELF segment with more bytes in the file than in "
		       "memory";
	if (ph->p_paddr < paddr_offset || pa > PA_LIMIT ||
	    ph->p_memsz > PA_LIMIT - pa)
		return "an ELF segment outside a guest's memory";
	if (overlaps(k, pa, pa + ph->p_memsz))
		return "ELF segments that overlap";
	if (k->nr_segments == KERNEL_SEGMENTS_MAX)
		return "more ELF segments than 16";
	k->segment[k->nr_segments++] = (struct kernel_segment){
		.pa = pa,
		.mem_bytes = ph->p_memsz,
		.offset = ph->p_offset,
		.file_bytes = ph->p_filesz,
		.executable = ph->p_flags & PF_X,
	};
	if (PAGE_UP(pa + ph->p_memsz) > k->pa_end)
		k->pa_end = PAGE_UP(pa + ph->p_memsz);
	return NULL;
}

static const char *take_segments(struct kernel *k, const Elf64_Ehdr *eh,
				 uint64_t paddr_offset)
{
	const char *why = NULL;
	Elf64_Phdr ph;

	for (unsigned int i = 0; i < eh->e_phnum && !why; i++) {
		ph = phdr(k, eh, i);
		if (ph.p_type == PT_LOAD && ph.p_memsz)
			why = add_segment(k, &ph, paddr_offset);
	}
	if (!why && !k->nr_segments)
		why = "an ELF file without a segment to load";
	if (!why && !kernel_address_ok(k->virt_base, k->virt_base + k->pa_end))
		why = "a kernel outside a guest's addresses";
	return why;
}

static bool in_segment(const struct kernel *k, uint64_t va, bool executable)
{
	uint64_t pa = va - k->virt_base;

	for (unsigned int i = 0; i < k->nr_segments; i++) {
		const struct kernel_segment *s = &k->segment[i];

		if (pa - s->pa < s->mem_bytes && pa >= s->pa &&
		    (s->executable || !executable))
			return true;
	}
	return false;
}

static const char *take_addresses(struct kernel *k,
				  const struct kernel_notes *n)
{
	if (!in_segment(k, k->entry, true))
		return "an entry point outside the kernel's code";
	k->has_hypercall_page = n->has_hypercall_page;
	k->hypercall_page_pa = n->hypercall_page - k->virt_base;
	if (n->has_hypercall_page && (PAGE_OFFSET(n->hypercall_page) ||
				      !in_segment(k, n->hypercall_page, false)))
		return "a hypercall page outside the kernel";
	return NULL;
}

const char *kernel_parse(struct kernel *k, const void *image, size_t bytes)
{
	struct kernel_notes notes = {0};
	const char *why;
	Elf64_Ehdr eh;

	memset(k, 0, sizeof(*k));
	k->image = image;
	k->bytes = bytes;
	if (bytes < sizeof(eh))
		return "not an ELF file";
	memcpy(&eh, image, sizeof(eh));
	why = check_header(k, &eh);
	if (!why)
		why = segment_notes(k, &eh, &notes);
	if (!why && !notes.any)
		why = section_notes(k, &eh, &notes);
	if (!why)
		why = check_notes(&notes);
	if (why)
		return why;
	take_notes(k, &notes);
	why = take_segments(k, &eh, notes.paddr_offset);
	return why ? why : take_addresses(k, &notes);
}
