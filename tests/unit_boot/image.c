/* SPDX-License-Identifier: MIT */
/*
 * Boot material that the tests mutate.
 *
 * The multiboot structures are put down word by word, as their specifications
 * number the bytes, so that the parser's own structures are not trusted.
 */
#include "tests/unit_boot/image.h"

#include <string.h>

#include <pv/elfnote.h>

/* ---- kernels --------------------------------------------------------------- */

void kernel_note(struct kernel_image *k, uint32_t type, const void *desc,
		 size_t n)
{
	Elf64_Nhdr head = {4, n, type};
	uint8_t *at = k->notes + k->ph[4].p_filesz;

	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), "Xen", 4);
	memcpy(at + sizeof(head) + 4, desc, n);
	k->ph[4].p_filesz += sizeof(head) + 4 + ((n + 3) & ~3ull);
}

void kernel_note_number(struct kernel_image *k, uint32_t type, uint64_t v)
{
	kernel_note(k, type, &v, 8);
}

void kernel_no_notes(struct kernel_image *k)
{
	memset(k->notes, 0, sizeof(k->notes));
	k->ph[4].p_filesz = 0;
}

static void segment(struct kernel_image *k, unsigned int i, uint32_t flags,
		    uint64_t paddr, uint64_t filesz, uint64_t memsz)
{
	k->ph[i] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = flags,
		.p_offset = offsetof(struct kernel_image, bytes) + i * 1024,
		.p_vaddr = i == 2 ? 0 : KERNEL_BASE + paddr,
		.p_paddr = paddr,
		.p_filesz = filesz,
		.p_memsz = memsz,
	};
}

void kernel_make(struct kernel_image *k)
{
	static const uint64_t l1[] = {1, 1};
	static const uint32_t supported = 0x8801, yes = 1;

	memset(k, 0, sizeof(*k));
	memcpy(k->eh.e_ident, ELFMAG, SELFMAG);
	k->eh.e_ident[EI_CLASS] = ELFCLASS64;
	k->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	k->eh.e_type = ET_EXEC;
	k->eh.e_machine = EM_X86_64;
	k->eh.e_phoff = offsetof(struct kernel_image, ph);
	k->eh.e_phentsize = sizeof(Elf64_Phdr);
	k->eh.e_phnum = 5;
	k->eh.e_shoff = offsetof(struct kernel_image, sh);
	k->eh.e_shentsize = sizeof(Elf64_Shdr);
	k->eh.e_shnum = 3;
	k->eh.e_shstrndx = 1;
	memcpy(k->names, "\0.strtab\0__xen_guest", 21);
	k->sh[1].sh_name = 1;
	k->sh[1].sh_offset = offsetof(struct kernel_image, names);
	k->sh[1].sh_size = sizeof(k->names);
	segment(k, 0, PF_R | PF_X, KERNEL_TEXT, 0x400, 0x400);
	segment(k, 1, PF_R | PF_W, 0x2a00000, 0x200, 0x644000);
	segment(k, 2, PF_R | PF_W, 0x3044000, 0x100, 0x35000);
	segment(k, 3, PF_R | PF_W | PF_X, 0x3079000, 0x80, 0x100000);
	k->ph[4].p_type = PT_NOTE;
	k->ph[4].p_offset = offsetof(struct kernel_image, notes);
	kernel_note(k, XEN_ELFNOTE_GUEST_OS, "linux", 6);
	kernel_note(k, XEN_ELFNOTE_GUEST_VERSION, "2.6", 4);
	kernel_note(k, XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8);
	kernel_note_number(k, XEN_ELFNOTE_VIRT_BASE, KERNEL_BASE);
	kernel_note_number(k, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
	kernel_note_number(k, XEN_ELFNOTE_ENTRY, KERNEL_ENTRY);
	kernel_note(k, XEN_ELFNOTE_FEATURES,
		    "!writable_page_tables|pae_pgdir_above_4gb", 41);
	kernel_note(k, XEN_ELFNOTE_SUPPORTED_FEATURES, &supported, 4);
	kernel_note(k, XEN_ELFNOTE_PAE_MODE, "yes", 4);
	kernel_note(k, XEN_ELFNOTE_LOADER, "generic", 8);
	kernel_note(k, XEN_ELFNOTE_L1_MFN_VALID, l1, sizeof(l1));
	kernel_note(k, XEN_ELFNOTE_MOD_START_PFN, &yes, 4);
	kernel_note(k, XEN_ELFNOTE_SUSPEND_CANCEL, &yes, 4);
	kernel_note_number(k, XEN_ELFNOTE_PADDR_OFFSET, 0);
}

/* ---- memory ---------------------------------------------------------------- */

const void *memory_at(void *memory, uint64_t pa, size_t n)
{
	struct memory *m = memory;

	if (pa < MEMORY_BASE || pa - MEMORY_BASE > m->used ||
	    n > m->used - (pa - MEMORY_BASE))
		return NULL;
	return m->bytes + (pa - MEMORY_BASE);
}

uint32_t memory_put(struct memory *m, const void *bytes, size_t n)
{
	uint32_t at = (m->used + 7) & ~7u;

	memcpy(m->bytes + at, bytes, n);
	m->used = at + n;
	return MEMORY_BASE + at;
}

uint32_t memory_put_string(struct memory *m, const char *s)
{
	return memory_put(m, s, strlen(s) + 1);
}

static const uint64_t ranges[4][3] = {
	{0, 0x9fc00, 1},
	{0xf0000, 0x10000, 2},
	{0x100000, 0x3ff00000, 1},
	{0xfffffffffffff000, 0x2000, 5}, /* wraps: cut at the end */
};

uint32_t multiboot1_make(struct memory *m)
{
	uint32_t info[29] = {0}, modules[8] = {0}, map[24];

	memset(m, 0, sizeof(*m));
	for (unsigned int i = 0; i < 4; i++) {
		map[i * 6] = 20;
		memcpy(&map[i * 6 + 1], ranges[i], 20);
	}
	modules[0] = 0x400000;
	modules[1] = 0x800000;
	modules[2] = memory_put_string(m, "vmlinux console=hvc0");
	modules[4] = 0x900000;
	modules[5] = 0x900000;
	modules[6] = memory_put_string(m, "initrd");
	info[0] = 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9;
	info[4] = memory_put_string(m, "parapet loglevel=debug");
	info[5] = 2;
	info[6] = memory_put(m, modules, sizeof(modules));
	info[11] = sizeof(map);
	info[12] = memory_put(m, map, sizeof(map));
	info[16] = memory_put_string(m, "qemu");
	return memory_put(m, info, sizeof(info));
}

static void tag(uint32_t *block, uint32_t type, const void *body, size_t n)
{
	uint32_t at = block[0];
	uint32_t head[2] = {type, 8 + n};

	memcpy((uint8_t *)block + at, head, 8);
	if (n)
		memcpy((uint8_t *)block + at + 8, body, n);
	block[0] = at + ((8 + n + 7) & ~7u);
}

uint32_t multiboot2_make(struct memory *m)
{
	uint32_t block[256] = {8}, map[26] = {24, 0};
	uint8_t module[40] = {0}, rsdp[36] = "RSD PTR ";
	uint64_t efi = 0x7f9ee018;
	uint32_t at[2] = {0x400000, 0x800000};

	memset(m, 0, sizeof(*m));
	tag(block, 1, "parapet loglevel=debug", 23);
	tag(block, 2, "qemu", 5);
	memcpy(module, at, 8);
	strcpy((char *)module + 8, "vmlinux console=hvc0");
	tag(block, 3, module, 29);
	at[0] = at[1] = 0x900000;
	memcpy(module, at, 8);
	strcpy((char *)module + 8, "initrd");
	tag(block, 3, module, 15);
	for (unsigned int i = 0; i < 4; i++)
		memcpy(&map[2 + i * 6], ranges[i], 20);
	tag(block, 6, map, sizeof(map));
	tag(block, 12, &efi, 8);
	tag(block, 15, rsdp, 36);
	tag(block, 14, rsdp, 20);
	tag(block, 0, NULL, 0);
	return memory_put(m, block, block[0]);
}
