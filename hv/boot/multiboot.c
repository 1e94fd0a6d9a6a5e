/* SPDX-License-Identifier: MIT */
/*
 * Multiboot 1 and 2 information, copied into one shape.
 *
 * Version 1 is a flat structure whose flag bits say which of its physical
 * pointers are valid.  Version 2 is one block of 8-byte aligned tags, each
 * with a type and a length.  Everything is copied out, so that nothing points
 * into the loader's memory once the allocator takes it.
 *
 * PURE  Memory is reached through the caller's function alone, which refuses
 * what is not there; every length is checked against its frame.
 */
#include "hv/boot/multiboot.h"
#include "hv/lib/string.h"

struct reader {
	boot_phys_fn phys;
	void *arg;
	struct boot_info *out;
};

static enum multiboot_error fetch(const struct reader *r, void *to, uint64_t pa,
				  size_t n)
{
	const void *p = pa + n >= pa ? r->phys(r->arg, pa, n) : NULL;

	if (!p)
		return MULTIBOOT_BAD_ADDRESS;
	memcpy(to, p, n);
	return MULTIBOOT_OK;
}

/* A string of at most @max bytes at @pa, cut to @room bytes with its NUL. */
static enum multiboot_error fetch_string(struct reader *r, char *to,
					 size_t room, uint64_t pa, size_t max)
{
	enum multiboot_error err;
	size_t i;

	for (i = 0; i < max; i++) {
		if (i == room - 1) {
			r->out->cut = true;
			break;
		}
		err = fetch(r, &to[i], pa + i, 1);
		if (err)
			return err;
		if (!to[i])
			return MULTIBOOT_OK;
	}
	to[i] = '\0';
	return MULTIBOOT_OK;
}

static void add_range(struct boot_info *out, uint64_t start, uint64_t length,
		      uint32_t type)
{
	uint64_t end = start + length < start ? ~0ull : start + length;

	if (start == end)
		return;
	if (out->nr_ranges == BOOT_MAX_RANGES) {
		out->cut = true;
		return;
	}
	out->range[out->nr_ranges++] = (struct boot_range){start, end, type};
}

static enum multiboot_error add_module(struct reader *r, uint32_t start,
				       uint32_t end, uint64_t cmdline,
				       size_t max)
{
	struct boot_module *m;

	if (end < start)
		return MULTIBOOT_BAD_MODULE;
	if (r->out->nr_modules == BOOT_MAX_MODULES) {
		r->out->cut = true;
		return MULTIBOOT_OK;
	}
	m = &r->out->module[r->out->nr_modules++];
	m->start = start;
	m->end = end;
	if (!cmdline)
		return MULTIBOOT_OK;
	return fetch_string(r, m->cmdline, sizeof(m->cmdline), cmdline, max);
}

/* ---- version 1 ------------------------------------------------------------ */

enum {
	MB1_CMDLINE = 1 << 2,
	MB1_MODULES = 1 << 3,
	MB1_MAP = 1 << 6,
	MB1_LOADER = 1 << 9,
};

struct mb1_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
	uint32_t nr_modules, modules, syms[4], map_length, map;
	uint32_t drives_length, drives, config, loader;
};

struct mb1_module {
	uint32_t start, end, string, reserved;
};

struct mb1_range {
	uint32_t size; /* of what follows */
	uint64_t base, length;
	uint32_t type;
} PACKED;

static enum multiboot_error mb1_modules(struct reader *r,
					const struct mb1_info *mb)
{
	enum multiboot_error err;
	struct mb1_module m;

	for (uint32_t i = 0; i < mb->nr_modules && i <= BOOT_MAX_MODULES; i++) {
		err = fetch(r, &m, mb->modules + (uint64_t)i * sizeof(m),
			    sizeof(m));
		if (!err)
			err = add_module(r, m.start, m.end, m.string, SIZE_MAX);
		if (err)
			return err;
	}
	return MULTIBOOT_OK;
}

static enum multiboot_error mb1_map(struct reader *r, const struct mb1_info *mb)
{
	enum multiboot_error err;
	uint64_t at = mb->map, end = at + mb->map_length;
	struct mb1_range e;

	while (at < end) {
		if (end - at < sizeof(e))
			return MULTIBOOT_BAD_LENGTH;
		err = fetch(r, &e, at, sizeof(e));
		if (err)
			return err;
		if (e.size < sizeof(e) - sizeof(e.size))
			return MULTIBOOT_BAD_LENGTH;
		add_range(r->out, e.base, e.length, e.type);
		at += e.size + sizeof(e.size);
	}
	return MULTIBOOT_OK;
}

static enum multiboot_error mb1_parse(struct reader *r, uint64_t pa)
{
	struct boot_info *out = r->out;
	struct mb1_info mb;
	enum multiboot_error err = fetch(r, &mb, pa, sizeof(mb));

	if (err)
		return err;
	out->info = (struct boot_range){pa, pa + 116, BOOT_RAM};
	if (mb.flags & MB1_CMDLINE)
		err = fetch_string(r, out->cmdline, sizeof(out->cmdline),
				   mb.cmdline, SIZE_MAX);
	if (!err && (mb.flags & MB1_LOADER))
		err = fetch_string(r, out->loader, sizeof(out->loader),
				   mb.loader, SIZE_MAX);
	if (!err && (mb.flags & MB1_MODULES))
		err = mb1_modules(r, &mb);
	if (!err && (mb.flags & MB1_MAP))
		err = mb1_map(r, &mb);
	return err;
}

/* ---- version 2 ------------------------------------------------------------ */

enum {
	MB2_END = 0,
	MB2_CMDLINE = 1,
	MB2_LOADER = 2,
	MB2_MODULE = 3,
	MB2_MAP = 6,
	MB2_EFI64 = 12,
	MB2_RSDP_OLD = 14,
	MB2_RSDP_NEW = 15,
};

struct mb2_tag {
	uint32_t type, size; /* size has this header, not the padding */
};

struct mb2_range {
	uint64_t base, length;
	uint32_t type, zero;
};

static enum multiboot_error mb2_map(struct reader *r, uint64_t pa, size_t n)
{
	struct {
		uint32_t entry_size, version;
	} head;
	struct mb2_range e;
	enum multiboot_error err;

	if (n < sizeof(head))
		return MULTIBOOT_BAD_LENGTH;
	err = fetch(r, &head, pa, sizeof(head));
	if (err)
		return err;
	if (head.entry_size < sizeof(e))
		return MULTIBOOT_BAD_LENGTH;
	pa += sizeof(head);
	n -= sizeof(head);
	for (; n >= head.entry_size; n -= head.entry_size) {
		err = fetch(r, &e, pa, sizeof(e));
		if (err)
			return err;
		add_range(r->out, e.base, e.length, e.type);
		pa += head.entry_size;
	}
	return MULTIBOOT_OK;
}

/* One tag: its body is @n bytes at @pa. */
static enum multiboot_error mb2_tag(struct reader *r, uint32_t type,
				    uint64_t pa, size_t n)
{
	struct boot_info *out = r->out;
	enum multiboot_error err;
	uint32_t module[2];

	switch (type) {
	case MB2_CMDLINE:
		return fetch_string(r, out->cmdline, sizeof(out->cmdline), pa,
				    n);
	case MB2_LOADER:
		return fetch_string(r, out->loader, sizeof(out->loader), pa, n);
	case MB2_MODULE:
		if (n < sizeof(module))
			return MULTIBOOT_BAD_LENGTH;
		err = fetch(r, module, pa, sizeof(module));
		if (err)
			return err;
		return add_module(r, module[0], module[1], pa + sizeof(module),
				  n - sizeof(module));
	case MB2_MAP:
		return mb2_map(r, pa, n);
	case MB2_EFI64:
		return n < 8 ? MULTIBOOT_BAD_LENGTH
			     : fetch(r, &out->efi_table, pa, 8);
	case MB2_RSDP_OLD: /* the new one, if it comes too, is preferred */
		if (!out->rsdp && n >= 20)
			out->rsdp = pa;
		return MULTIBOOT_OK;
	case MB2_RSDP_NEW:
		if (n >= 36)
			out->rsdp = pa;
		return MULTIBOOT_OK;
	default:
		return MULTIBOOT_OK;
	}
}

static enum multiboot_error mb2_parse(struct reader *r, uint64_t pa)
{
	uint32_t total;
	enum multiboot_error err = fetch(r, &total, pa, sizeof(total));
	struct mb2_tag tag;
	uint64_t end;

	if (err)
		return err;
	end = pa + total;
	r->out->info = (struct boot_range){pa, end, BOOT_RAM};
	pa += 8;
	while (pa < end && end - pa >= sizeof(tag)) {
		err = fetch(r, &tag, pa, sizeof(tag));
		if (err)
			return err;
		if (tag.type == MB2_END)
			return MULTIBOOT_OK;
		if (tag.size < sizeof(tag) || tag.size > end - pa)
			return MULTIBOOT_BAD_LENGTH;
		err = mb2_tag(r, tag.type, pa + sizeof(tag),
			      tag.size - sizeof(tag));
		if (err)
			return err;
		pa += ROUND_UP((uint64_t)tag.size, 8);
	}
	return MULTIBOOT_BAD_LENGTH;
}

enum multiboot_error multiboot_parse(uint32_t magic, uint64_t info,
				     boot_phys_fn phys, void *arg,
				     struct boot_info *out)
{
	struct reader r = {phys, arg, out};
	enum multiboot_error err = MULTIBOOT_BAD_MAGIC;

	memset(out, 0, sizeof(*out));
	if (magic == MULTIBOOT1_MAGIC)
		err = mb1_parse(&r, info);
	else if (magic == MULTIBOOT2_MAGIC)
		err = mb2_parse(&r, info);
	if (!err && !out->nr_ranges)
		err = MULTIBOOT_NO_MAP;
	return err;
}

const char *multiboot_error_text(enum multiboot_error err)
{
	static const char *const text[] = {
		[MULTIBOOT_OK] = "no error",
		[MULTIBOOT_BAD_MAGIC] = "not started by a multiboot loader",
		[MULTIBOOT_BAD_ADDRESS] = "boot information outside memory",
		[MULTIBOOT_BAD_LENGTH] = "boot information with a bad length",
		[MULTIBOOT_BAD_MODULE] = "a boot module ends before it starts",
		[MULTIBOOT_NO_MAP] = "the loader gave no memory map",
	};

	return err < MULTIBOOT_NR_ERRORS ? text[err] : "unknown error";
}
