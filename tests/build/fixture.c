/* SPDX-License-Identifier: MIT */
/*
 * Small PV kernels.  The bytes of a segment are its number, so that a test
 * sees where they went.
 */
#include "tests/build/fixture.h"

#include <stdlib.h>
#include <string.h>

#include <pv/elfnote.h>

#define FILE_START 0x1000

void add_number(struct recipe *r, uint32_t type, uint64_t value)
{
	unsigned int i = r->nr_notes++;

	r->numbers[i] = value;
	r->note[i] = (struct note){.type = type, .bytes = 8};
}

void add_string(struct recipe *r, uint32_t type, const char *text)
{
	r->note[r->nr_notes++] = (struct note){
		.type = type,
		.data = text,
		.bytes = (uint32_t)strlen(text) + 1,
	};
}

void drop_note(struct recipe *r, uint32_t type)
{
	for (unsigned int i = 0; i < r->nr_notes; i++)
		if (r->note[i].type == type)
			r->note[i].owner = "Not";
}

static void add_segment(struct recipe *r, uint64_t pa, uint64_t file,
			uint64_t mem, uint32_t flags)
{
	r->ph[r->nr_ph++] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = flags,
		.p_vaddr = VIRT_BASE + pa,
		.p_paddr = pa,
		.p_filesz = file,
		.p_memsz = mem,
	};
}

static void recipe_basic(struct recipe *r)
{
	*r = (struct recipe){
		.eh =
			{
				.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64,
					    ELFDATA2LSB, EV_CURRENT},
				.e_type = ET_EXEC,
				.e_machine = EM_X86_64,
				.e_version = EV_CURRENT,
				.e_ehsize = sizeof(Elf64_Ehdr),
				.e_phentsize = sizeof(Elf64_Phdr),
			},
	};
	add_segment(r, KERNEL_PA, TEXT_BYTES, TEXT_BYTES, PF_R | PF_X);
	add_segment(r, KERNEL_PA + 0x4000, DATA_BYTES, 0x5000, PF_R | PF_W);
	add_string(r, XEN_ELFNOTE_GUEST_OS, "test");
	add_string(r, XEN_ELFNOTE_GUEST_VERSION, "1.0");
	add_string(r, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
	add_number(r, XEN_ELFNOTE_ENTRY, KERNEL_VA + 0x40);
	add_number(r, XEN_ELFNOTE_VIRT_BASE, VIRT_BASE);
}

void recipe_linux(struct recipe *r)
{
	recipe_basic(r);
	add_number(r, XEN_ELFNOTE_INIT_P2M, 0x8000000000ull);
	add_number(r, XEN_ELFNOTE_MOD_START_PFN, 1);
	add_string(r, XEN_ELFNOTE_FEATURES,
		   "!writable_page_tables|pae_pgdir_above_4gb");
}

void recipe_classic(struct recipe *r)
{
	recipe_basic(r);
	add_number(r, XEN_ELFNOTE_HYPERCALL_PAGE, KERNEL_VA + 0x1000);
}

static size_t put_notes(const struct recipe *r, uint8_t *out)
{
	const char *owner;
	size_t at = 0;

	for (unsigned int i = 0; i < r->nr_notes; i++) {
		const struct note *n = &r->note[i];
		Elf64_Nhdr head = {4, n->bytes, n->type};

		owner = n->owner ? n->owner : "Xen";
		memcpy(out + at, &head, sizeof(head));
		memcpy(out + at + sizeof(head), owner, 4);
		at += sizeof(head) + 4;
		memcpy(out + at, n->data ? n->data : &r->numbers[i], n->bytes);
		at += (n->bytes + 3) & ~3u;
	}
	return at;
}

static void put_header(const struct recipe *r, uint8_t *file, size_t notes_at,
		       size_t notes)
{
	Elf64_Phdr note_ph = {
		.p_type = PT_NOTE,
		.p_offset = notes_at,
		.p_filesz = notes,
		.p_memsz = notes,
	};
	Elf64_Shdr note_sh = {
		.sh_type = SHT_NOTE,
		.sh_offset = notes_at,
		.sh_size = notes,
	};
	Elf64_Ehdr eh = r->eh;

	if (!eh.e_phoff)
		eh.e_phoff = sizeof(eh);
	if (!eh.e_phnum)
		eh.e_phnum = (uint16_t)(r->nr_ph + !r->notes_in_section);
	if (r->notes_in_section) {
		eh.e_shoff = 0x800;
		eh.e_shentsize = sizeof(note_sh);
		eh.e_shnum = 1;
		memcpy(file + eh.e_shoff, &note_sh, sizeof(note_sh));
	} else {
		memcpy(file + sizeof(eh) + r->nr_ph * sizeof(note_ph), &note_ph,
		       sizeof(note_ph));
	}
	memcpy(file, &eh, sizeof(eh));
}

struct image make_image(const struct recipe *r)
{
	size_t at = FILE_START, notes_at = 0xc00;
	uint8_t notes[1024] = {0};
	struct image image;

	for (unsigned int i = 0; i < r->nr_ph; i++)
		at += r->ph[i].p_filesz < 1 << 20 ? r->ph[i].p_filesz : 0;
	image.bytes = at;
	image.data = calloc(1, at);
	at = FILE_START;
	for (unsigned int i = 0; i < r->nr_ph; i++) {
		Elf64_Phdr ph = r->ph[i];

		if (!ph.p_offset)
			ph.p_offset = at;
		memcpy(image.data + sizeof(Elf64_Ehdr) + i * sizeof(ph), &ph,
		       sizeof(ph));
		if (ph.p_filesz < 1 << 20) {
			memset(image.data + at, (int)i + 1, ph.p_filesz);
			at += ph.p_filesz;
		}
	}
	put_header(r, image.data, notes_at, put_notes(r, notes));
	memcpy(image.data + notes_at, notes, sizeof(notes));
	return image;
}
