/* SPDX-License-Identifier: MIT */
/*
 * ELF notes of owner "Xen": numbers of 1, 2, 4 or 8 bytes, and strings.
 *
 * A kernel may name features by words ("!" in front of one that it cannot do
 * without) and by bits.  A required word that we do not know is refused later,
 * with the others that a PV guest cannot have.
 *
 * PURE  HOSTILE: every byte is the guest owner's.
 */
#include "tools/build/notes.h"

#include <elf.h>
#include <string.h>

#include <pv/elfnote.h>

#define PADDED(n) (((size_t)(n) + 3) & ~(size_t)3)

/* By XENFEAT_* number; an empty place is a bit without a word. */
static const char *const feature_words[] = {
	"writable_page_tables",
	"writable_descriptor_tables",
	"auto_translated_physmap",
	"supervisor_mode_kernel",
	"pae_pgdir_above_4gb",
	"mmu_pt_update_preserve_ad",
	"highmem_assist",
	"gnttab_map_avail_bits",
	[11] = "dom0",
};

static int feature_bit(const char *word, size_t len)
{
	const size_t known = sizeof(feature_words) / sizeof(feature_words[0]);

	for (size_t i = 0; i < known; i++)
		if (feature_words[i] && strlen(feature_words[i]) == len &&
		    !memcmp(feature_words[i], word, len))
			return (int)i;
	return -1;
}

static void take_features(struct kernel_notes *n, const char *text, size_t len)
{
	size_t at = 0, end;
	bool required;
	int bit;

	while (at < len && text[at]) {
		required = text[at] == '!';
		at += required;
		for (end = at; end < len && text[end] && text[end] != '|';)
			end++;
		bit = feature_bit(text + at, end - at);
		if (bit >= 0)
			n->features_supported |= 1ull << bit;
		if (bit >= 0 && required)
			n->features_required |= 1ull << bit;
		else if (required)
			n->unknown_required = true;
		at = end < len && text[end] == '|' ? end + 1 : end;
	}
}

static bool number(const uint8_t *p, size_t len, uint64_t *value)
{
	if (len != 1 && len != 2 && len != 4 && len != 8)
		return false;
	*value = 0;
	memcpy(value, p, len); /* little-endian, as the machine is */
	return true;
}

static bool string(const uint8_t *p, size_t len, char *out, size_t room)
{
	size_t n = strnlen((const char *)p, len);

	if (n == len)
		return false;
	if (n > room - 1)
		n = room - 1;
	memcpy(out, p, n);
	out[n] = '\0';
	return true;
}

/* Text that goes to logs and terminals holds nothing but printable ASCII. */
static bool clean_string(const uint8_t *p, size_t len, char *out, size_t room)
{
	if (!string(p, len, out, room))
		return false;
	for (; *out; out++)
		if (*out < ' ' || *out > '~')
			*out = '?';
	return true;
}

static bool take(struct kernel_notes *n, uint32_t type, const uint8_t *p,
		 size_t len)
{
	uint64_t value = 0;
	bool ok;

	switch (type) {
	case XEN_ELFNOTE_ENTRY:
		n->has_entry = true;
		return number(p, len, &n->entry);
	case XEN_ELFNOTE_HYPERCALL_PAGE:
		n->has_hypercall_page = true;
		return number(p, len, &n->hypercall_page);
	case XEN_ELFNOTE_VIRT_BASE:
		return number(p, len, &n->virt_base);
	case XEN_ELFNOTE_PADDR_OFFSET:
		return number(p, len, &n->paddr_offset);
	case XEN_ELFNOTE_INIT_P2M:
		n->has_init_p2m = true;
		return number(p, len, &n->init_p2m);
	case XEN_ELFNOTE_MOD_START_PFN:
		ok = number(p, len, &value);
		n->initrd_by_pfn = value == 1;
		return ok;
	case XEN_ELFNOTE_SUPPORTED_FEATURES:
		ok = number(p, len, &value);
		n->features_supported |= value;
		return ok;
	case XEN_ELFNOTE_FEATURES:
		/* Linux leaves its end out, so the note's end is one too. */
		take_features(n, (const char *)p, len);
		return true;
	case XEN_ELFNOTE_XEN_VERSION:
		return clean_string(p, len, n->abi, sizeof(n->abi));
	case XEN_ELFNOTE_GUEST_OS:
		return clean_string(p, len, n->guest_os, sizeof(n->guest_os));
	case XEN_ELFNOTE_GUEST_VERSION:
		return clean_string(p, len, n->guest_version,
				    sizeof(n->guest_version));
	case XEN_ELFNOTE_PHYS32_ENTRY:
		n->has_pvh = true;
		return true;
	default:
		return true;
	}
}

const char *notes_read(struct kernel_notes *n, const uint8_t *p, size_t bytes)
{
	Elf64_Nhdr note;
	size_t name, desc;

	while (bytes >= sizeof(note)) {
		memcpy(&note, p, sizeof(note));
		p += sizeof(note);
		bytes -= sizeof(note);
		name = PADDED(note.n_namesz);
		desc = PADDED(note.n_descsz);
		if (name > bytes || note.n_descsz > bytes - name)
			return "an ELF note that ends after its section";
		if (note.n_namesz == 4 && !memcmp(p, "Xen", 4)) {
			n->any = true;
			if (!take(n, note.n_type, p + name, note.n_descsz))
				return "a malformed Xen ELF note";
		}
		if (desc > bytes - name)
			break; /* the last one need not be padded */
		p += name + desc;
		bytes -= name + desc;
	}
	return NULL;
}
