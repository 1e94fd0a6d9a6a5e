/* SPDX-License-Identifier: MIT */
/*
 * Reading a PV kernel's ELF64 image.
 *
 * Bytes are placed by their physical address: p_paddr less the PADDR_OFFSET
 * note is where they go in the guest's pseudo-physical memory, and VIRT_BASE
 * says where that memory is mapped.  p_vaddr is not used: the per-CPU segment
 * of a Linux kernel has 0 there.
 *
 * The notes are taken from PT_NOTE segments or, when those hold none of ours,
 * from SHT_NOTE sections.
 *
 * PURE  HOSTILE: every offset, size and address in the image is checked.
 */
#include "hv/boot/elf.h"
#include "hv/lib/string.h"

#include <pv/elfnote.h>

struct elf_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct elf_shdr {
	uint32_t name, type;
	uint64_t flags, addr, offset, size;
	uint32_t link, info;
	uint64_t align, entsize;
};

enum {
	PT_LOAD = 1,
	PT_NOTE = 4,
	PF_X = 1,
	PF_W = 2,
	SHT_NOTE = 7
};

struct parser {
	const uint8_t *image;
	size_t size;
	struct elf_header eh;
	struct elf_kernel *out;
	uint32_t seen; /* bit per note type */
	bool bad_feature;
};

static bool seen(const struct parser *p, unsigned int type)
{
	return p->seen >> type & 1;
}

static bool within(const struct parser *p, uint64_t offset, uint64_t n)
{
	return offset <= p->size && n <= p->size - offset;
}

/* ---- notes ---------------------------------------------------------------- */

/* Where a note goes in struct elf_kernel: a number, or a string of that room. */
static const struct {
	uint16_t offset, room;
} notes[XEN_ELFNOTE_MAX + 1] = {
#define NUMBER(field)                                                          \
	{                                                                      \
		offsetof(struct elf_kernel, field), 0                          \
	}
#define STRING(field)                                                          \
	{                                                                      \
		offsetof(struct elf_kernel, field),                            \
			sizeof(((struct elf_kernel *)0)->field)                \
	}
	[XEN_ELFNOTE_ENTRY] = NUMBER(entry),
	[XEN_ELFNOTE_HYPERCALL_PAGE] = NUMBER(hypercall_page),
	[XEN_ELFNOTE_VIRT_BASE] = NUMBER(virt_base),
	[XEN_ELFNOTE_PADDR_OFFSET] = NUMBER(paddr_offset),
	[XEN_ELFNOTE_XEN_VERSION] = STRING(xen_version),
	[XEN_ELFNOTE_GUEST_OS] = STRING(guest_os),
	[XEN_ELFNOTE_INIT_P2M] = NUMBER(init_p2m),
	[XEN_ELFNOTE_MOD_START_PFN] = NUMBER(mod_start_pfn),
};

static bool feature_known(const char *name, size_t n)
{
	/* Not: auto_translated_physmap, supervisor_mode_kernel. */
	static const char *const known[] = {
		"writable_page_tables",  "writable_descriptor_tables",
		"pae_pgdir_above_4gb",   "mmu_pt_update_preserve_ad",
		"gnttab_map_avail_bits", "dom0",
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i]) == n && !memcmp(known[i], name, n))
			return true;
	return false;
}

/* "!required|optional|..." */
static bool features_ok(const char *s, size_t n)
{
	n = strnlen(s, n);
	for (size_t i = 0, start = 0; i <= n; i++) {
		if (i < n && s[i] != '|')
			continue;
		if (i > start && s[start] == '!' &&
		    !feature_known(s + start + 1, i - start - 1))
			return false;
		start = i + 1;
	}
	return true;
}

static enum elf_error take_note(struct parser *p, uint32_t type,
				const uint8_t *desc, size_t n)
{
	uint8_t *to;

	if (type > XEN_ELFNOTE_MAX)
		return ELF_OK;
	p->seen |= 1u << type;
	if (type == XEN_ELFNOTE_FEATURES)
		p->bad_feature |= !features_ok((const char *)desc, n);
	if (!notes[type].offset)
		return ELF_OK;
	to = (uint8_t *)p->out + notes[type].offset;
	if (notes[type].room) {
		if (strnlen((const char *)desc, n) == n)
			return ELF_BAD_NOTE;
		memset(to, 0, notes[type].room);
		memcpy(to, desc, min(n, notes[type].room - (size_t)1));
		return ELF_OK;
	}
	if (n != 1 && n != 2 && n != 4 && n != 8)
		return ELF_BAD_NOTE;
	memset(to, 0, 8);
	memcpy(to, desc, n);
	return ELF_OK;
}

/* Names and descriptors are each padded to four bytes. */
static enum elf_error walk_notes(struct parser *p, uint64_t offset, uint64_t n)
{
	const uint8_t *at = p->image + offset;
	uint32_t head[3]; /* name size, descriptor size, type */
	enum elf_error err;

	while (n >= sizeof(head)) {
		uint64_t name, desc;

		memcpy(head, at, sizeof(head));
		at += sizeof(head);
		n -= sizeof(head);
		name = ROUND_UP((uint64_t)head[0], 4);
		desc = ROUND_UP((uint64_t)head[1], 4);
		if (name > n || head[1] > n - name)
			return ELF_TRUNCATED;
		if (head[0] == 4 && !memcmp(at, "Xen", 4)) {
			err = take_note(p, head[2], at + name, head[1]);
			if (err)
				return err;
		}
		desc = min(desc, n - name);
		at += name + desc;
		n -= name + desc;
	}
	return ELF_OK;
}

static struct elf_phdr phdr(const struct parser *p, unsigned int i)
{
	struct elf_phdr ph;

	memcpy(&ph, p->image + p->eh.phoff + i * sizeof(ph), sizeof(ph));
	return ph;
}

static enum elf_error segment_notes(struct parser *p)
{
	enum elf_error err = ELF_OK;

	for (unsigned int i = 0; i < p->eh.phnum && !err; i++) {
		struct elf_phdr ph = phdr(p, i);

		if (ph.type != PT_NOTE)
			continue;
		if (!within(p, ph.offset, ph.filesz))
			return ELF_TRUNCATED;
		err = walk_notes(p, ph.offset, ph.filesz);
	}
	return err;
}

static bool is_old_section(const struct parser *p, const struct elf_shdr *names,
			   const struct elf_shdr *sh)
{
	static const char old[] = "__xen_guest";

	return sh->name < names->size &&
	       names->size - sh->name >= sizeof(old) &&
	       within(p, names->offset, names->size) &&
	       !memcmp(p->image + names->offset + sh->name, old, sizeof(old));
}

static enum elf_error section_notes(struct parser *p)
{
	struct elf_shdr names = {0}, sh;
	enum elf_error err;
	bool old = false;

	if (p->eh.shentsize != sizeof(sh) ||
	    !within(p, p->eh.shoff, (uint64_t)p->eh.shnum * sizeof(sh)))
		return ELF_OK;
	if (p->eh.shstrndx < p->eh.shnum)
		memcpy(&names,
		       p->image + p->eh.shoff + p->eh.shstrndx * sizeof(sh),
		       sizeof(sh));
	for (unsigned int i = 0; i < p->eh.shnum; i++) {
		memcpy(&sh, p->image + p->eh.shoff + i * sizeof(sh),
		       sizeof(sh));
		old |= is_old_section(p, &names, &sh);
		if (sh.type != SHT_NOTE)
			continue;
		if (!within(p, sh.offset, sh.size))
			return ELF_TRUNCATED;
		err = walk_notes(p, sh.offset, sh.size);
		if (err)
			return err;
	}
	return old && !p->seen ? ELF_OLD_SECTION : ELF_OK;
}

/* ---- segments ------------------------------------------------------------- */

static bool address_ok(uint64_t start, uint64_t end)
{
	bool low = end <= 1ull << 47, high = start >= ~0ull << 47;

	return start < end && (low || high) &&
	       (end <= RESERVED_START || start >= RESERVED_END);
}

static bool overlaps(const struct elf_kernel *k, uint64_t start, uint64_t end)
{
	for (unsigned int i = 0; i < k->nr_segments; i++) {
		const struct elf_segment *s = &k->segment[i];

		if (start < s->virt + s->mem_size && s->virt < end)
			return true;
	}
	return false;
}

static enum elf_error add_segment(struct parser *p, const struct elf_phdr *ph)
{
	struct elf_kernel *k = p->out;
	uint64_t virt = ph->paddr - k->paddr_offset + k->virt_base;
	uint64_t end = virt + ph->memsz;

	if (!within(p, ph->offset, ph->filesz))
		return ELF_TRUNCATED;
	if (ph->filesz > ph->memsz || end < virt || overlaps(k, virt, end))
		return ELF_BAD_SEGMENT;
	if (!address_ok(virt, end))
		return ELF_BAD_ADDRESS;
	if (k->nr_segments == ELF_MAX_SEGMENTS)
		return ELF_TOO_MANY_SEGMENTS;
	k->segment[k->nr_segments++] = (struct elf_segment){
		.virt = virt,
		.mem_size = ph->memsz,
		.offset = ph->offset,
		.file_size = ph->filesz,
		.writable = ph->flags & PF_W,
		.executable = ph->flags & PF_X,
	};
	k->virt_start = min(k->virt_start, virt);
	k->virt_end = max(k->virt_end, end);
	return ELF_OK;
}

static enum elf_error take_segments(struct parser *p)
{
	enum elf_error err = ELF_OK;

	p->out->virt_start = ~0ull;
	for (unsigned int i = 0; i < p->eh.phnum && !err; i++) {
		struct elf_phdr ph = phdr(p, i);

		if (ph.type == PT_LOAD && ph.memsz)
			err = add_segment(p, &ph);
	}
	if (!err && !p->out->nr_segments)
		err = ELF_NO_SEGMENTS;
	/* Segments on either side of the hole are no kernel. */
	if (!err && !address_ok(p->out->virt_start, p->out->virt_end))
		err = ELF_BAD_ADDRESS;
	return err;
}

/* ---- the whole ------------------------------------------------------------ */

static enum elf_error check_header(const struct parser *p)
{
	const struct elf_header *eh = &p->eh;

	if (memcmp(eh->ident, "\177ELF", 4))
		return ELF_NOT_ELF;
	if (eh->ident[4] != 2 || eh->ident[5] != 1 || eh->machine != 62)
		return ELF_NOT_X86_64;
	if (eh->type != 2 && eh->type != 3)
		return ELF_NOT_EXECUTABLE;
	if (!eh->phnum || eh->phentsize != sizeof(struct elf_phdr))
		return ELF_NO_SEGMENTS;
	if (!within(p, eh->phoff, eh->phnum * sizeof(struct elf_phdr)))
		return ELF_TRUNCATED;
	return ELF_OK;
}

static enum elf_error check_wishes(const struct parser *p)
{
	if (!seen(p, XEN_ELFNOTE_ENTRY))
		return seen(p, XEN_ELFNOTE_PHYS32_ENTRY) ? ELF_PVH_ONLY
							 : ELF_NOT_PV;
	if (seen(p, XEN_ELFNOTE_XEN_VERSION) &&
	    strcmp(p->out->xen_version, "xen-3.0"))
		return ELF_BAD_ABI;
	return p->bad_feature ? ELF_NEEDS_FEATURE : ELF_OK;
}

static enum elf_error check_entry(const struct elf_kernel *k)
{
	bool found = false;

	for (unsigned int i = 0; i < k->nr_segments; i++) {
		const struct elf_segment *s = &k->segment[i];

		found |= s->executable && k->entry >= s->virt &&
			 k->entry - s->virt < s->mem_size;
	}
	if (!found)
		return ELF_BAD_ENTRY;
	if (k->has_hypercall_page &&
	    (k->hypercall_page % PAGE_SIZE ||
	     k->hypercall_page < k->virt_start ||
	     k->hypercall_page >= ROUND_UP(k->virt_end, PAGE_SIZE)))
		return ELF_BAD_HYPERCALL_PAGE;
	return ELF_OK;
}

enum elf_error elf_parse(const void *image, size_t size, struct elf_kernel *out)
{
	struct parser p = {.image = image, .size = size, .out = out};
	enum elf_error err;

	memset(out, 0, sizeof(*out));
	if (size < sizeof(p.eh))
		return ELF_NOT_ELF;
	memcpy(&p.eh, image, sizeof(p.eh));
	err = check_header(&p);
	if (!err)
		err = segment_notes(&p);
	if (!err && !p.seen)
		err = section_notes(&p);
	out->has_hypercall_page = seen(&p, XEN_ELFNOTE_HYPERCALL_PAGE);
	out->has_init_p2m = seen(&p, XEN_ELFNOTE_INIT_P2M);
	if (!err)
		err = check_wishes(&p);
	if (!err)
		err = take_segments(&p);
	return err ? err : check_entry(out);
}

const char *elf_error_text(enum elf_error err)
{
	static const char *const text[] = {
		[ELF_OK] = "no error",
		[ELF_NOT_ELF] = "not an ELF file",
		[ELF_NOT_X86_64] = "not for 64-bit x86",
		[ELF_NOT_EXECUTABLE] = "not an executable ELF file",
		[ELF_TRUNCATED] = "ELF headers or segments end after the file",
		[ELF_NO_SEGMENTS] = "no ELF segment to load",
		[ELF_TOO_MANY_SEGMENTS] = "too many ELF segments",
		[ELF_BAD_SEGMENT] = "ELF segments overlap or have bad sizes",
		[ELF_BAD_ADDRESS] = "ELF segments outside a guest's addresses",
		[ELF_BAD_NOTE] = "a malformed Xen ELF note",
		[ELF_NOT_PV] = "a kernel without PV support (CONFIG_XEN_PV)",
		[ELF_PVH_ONLY] = "a kernel with PVH support only, not PV",
		[ELF_OLD_SECTION] = "a kernel older than Xen's ELF notes",
		[ELF_BAD_ABI] = "a kernel for another ABI than xen-3.0",
		[ELF_NEEDS_FEATURE] = "requires a feature that PV has not",
		[ELF_BAD_ENTRY] = "entry point outside the kernel's code",
		[ELF_BAD_HYPERCALL_PAGE] = "hypercall page outside the kernel",
	};

	return err < ELF_NR_ERRORS ? text[err] : "unknown error";
}
