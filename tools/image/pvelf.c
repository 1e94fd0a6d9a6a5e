/* SPDX-License-Identifier: MIT */
/*
 * The ELF notes by which a kernel says that it can run paravirtualized.
 *
 * They lie in a PT_NOTE segment, each with owner "Xen".  A kernel built with
 * CONFIG_XEN_PV has an ENTRY note; one that supports only PVH has nothing but
 * PHYS32_ENTRY.  The checks here let the tools refuse a wrong kernel with one
 * clear line; the hypervisor checks everything again for itself.
 *
 * PURE  Like bzimage.c.  Every byte of the file is untrusted.
 */
#include "tools/image/pvelf.h"

#include <elf.h>
#include <string.h>

/* Note types, as in Xen's public ABI. */
enum {
	NOTE_ENTRY = 1,
	NOTE_XEN_VERSION = 5,
	NOTE_GUEST_OS = 6,
	NOTE_GUEST_VERSION = 7,
	NOTE_PHYS32_ENTRY = 18,
};

static void take_string(char *out, size_t room, const uint8_t *desc, size_t len)
{
	size_t n = len < room - 1 ? len : room - 1;

	memcpy(out, desc, n);
	out[n] = '\0';
}

static void take_note(struct pvelf *info, uint32_t type, const uint8_t *desc,
		      size_t len)
{
	switch (type) {
	case NOTE_ENTRY:
		if (len < 8)
			return;
		memcpy(&info->entry, desc, 8);
		info->has_entry = 1;
		return;
	case NOTE_PHYS32_ENTRY:
		info->has_pvh = 1;
		return;
	case NOTE_XEN_VERSION:
		take_string(info->abi, sizeof(info->abi), desc, len);
		return;
	case NOTE_GUEST_OS:
		take_string(info->guest_os, sizeof(info->guest_os), desc, len);
		return;
	case NOTE_GUEST_VERSION:
		take_string(info->guest_version, sizeof(info->guest_version),
			    desc, len);
		return;
	}
}

/* Name and descriptor are each padded to four bytes. */
static size_t padded(uint32_t n)
{
	return ((size_t)n + 3) & ~(size_t)3;
}

static void walk_notes(const uint8_t *p, size_t len, struct pvelf *info)
{
	Elf64_Nhdr note;

	while (len >= sizeof(note)) {
		size_t name, desc;

		memcpy(&note, p, sizeof(note));
		p += sizeof(note);
		len -= sizeof(note);
		name = padded(note.n_namesz);
		desc = padded(note.n_descsz);
		if (name > len || note.n_descsz > len - name)
			return;
		if (note.n_namesz == 4 && !memcmp(p, "Xen", 4))
			take_note(info, note.n_type, p + name, note.n_descsz);
		if (desc > len - name)
			return;
		p += name + desc;
		len -= name + desc;
	}
}

static const char *check_header(const Elf64_Ehdr *eh)
{
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG))
		return "kernel is not an ELF file";
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_machine != EM_X86_64)
		return "kernel is not for 64-bit x86";
	if (eh->e_ident[EI_DATA] != ELFDATA2LSB ||
	    (eh->e_type != ET_EXEC && eh->e_type != ET_DYN))
		return "ELF file is not an executable kernel";
	if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phnum == 0)
		return "kernel has no ELF program headers";
	return NULL;
}

const char *pvelf_check(const uint8_t *file, size_t len, struct pvelf *info)
{
	const char *err;
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	memset(info, 0, sizeof(*info));
	if (len < sizeof(eh))
		return "kernel is not an ELF file";
	memcpy(&eh, file, sizeof(eh));
	err = check_header(&eh);
	if (err)
		return err;
	if (eh.e_phoff > len || eh.e_phnum > (len - eh.e_phoff) / sizeof(ph))
		return "kernel's ELF program headers end after the file";

	for (unsigned int i = 0; i < eh.e_phnum; i++) {
		memcpy(&ph, file + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_offset > len || ph.p_filesz > len - ph.p_offset)
			return "kernel's ELF segments end after the file";
		if (ph.p_type == PT_NOTE)
			walk_notes(file + ph.p_offset, ph.p_filesz, info);
	}
	if (!info->has_entry)
		return info->has_pvh
			       ? "kernel without PV support (CONFIG_XEN_PV); "
				 "it has only the PVH entry"
			       : "kernel without PV support (CONFIG_XEN_PV)";
	return NULL;
}
