/* SPDX-License-Identifier: MIT */
/*
 * The x86 boot protocol's view of a kernel file.
 *
 *	0             sector of setup code, the setup header at 0x1f1
 *	(n+1)*512     protected-mode code          n = setup_sects, 0 means 4
 *	 + payload_offset, payload_length: the packed ELF kernel, whose last
 *	   four bytes are its unpacked size (gzip has them by itself, the
 *	   kernel's build adds them to the others)
 *
 * The trailing size lets the output be allocated before unpacking, and tells
 * a truncated file from a whole one.
 *
 * PURE  No input or output: linked into the extractor, its unit test and its
 *       fuzzer.  Every byte of the file is untrusted.
 */
#include "tools/image/bzimage.h"

#include <string.h>

enum {
	HDR_SETUP_SECTS = 0x1f1, /* u8 */
	HDR_BOOT_FLAG = 0x1fe, /* u16, 0xaa55 */
	HDR_MAGIC = 0x202, /* "HdrS" */
	HDR_VERSION = 0x206, /* u16 */
	HDR_PAYLOAD_OFFSET = 0x248, /* u32, since version 2.08 */
	HDR_PAYLOAD_LENGTH = 0x24c, /* u32 */
	HDR_END = 0x250,
	VERSION_PAYLOAD = 0x208,
	SECTOR = 512,
};

static uint32_t load32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint16_t load16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static const struct {
	enum packing packing;
	uint8_t len;
	uint8_t magic[6];
	const char *name;
} packings[] = {
	{PACKING_NONE, 4, {0x7f, 'E', 'L', 'F'}, "none"},
	{PACKING_GZIP, 2, {0x1f, 0x8b}, "gzip"},
	{PACKING_XZ, 6, {0xfd, '7', 'z', 'X', 'Z', 0}, "xz"},
	{PACKING_LZ4, 4, {0x02, 0x21, 0x4c, 0x18}, "lz4"},
	{PACKING_ZSTD, 4, {0x28, 0xb5, 0x2f, 0xfd}, "zstd"},
};

#define PACKINGS (sizeof(packings) / sizeof(packings[0]))

const char *packing_name(enum packing packing)
{
	for (size_t i = 0; i < PACKINGS; i++)
		if (packings[i].packing == packing)
			return packings[i].name;
	return "unknown";
}

/* Returns 0, or -1 for data in no known format. */
static int packing_of(const uint8_t *data, size_t len, enum packing *out)
{
	for (size_t i = 0; i < PACKINGS; i++) {
		if (len < packings[i].len ||
		    memcmp(data, packings[i].magic, packings[i].len))
			continue;
		*out = packings[i].packing;
		return 0;
	}
	return -1;
}

static const char *plain_elf(const uint8_t *file, size_t len, struct payload *p)
{
	if (len > KERNEL_MAX_BYTES)
		return "ELF file larger than 512 MiB";
	p->data = file;
	p->len = len;
	p->unpacked = (uint32_t)len;
	p->packing = PACKING_NONE;
	return NULL;
}

static const char *check_header(const uint8_t *file, size_t len)
{
	if (len < HDR_END || load16(file + HDR_BOOT_FLAG) != 0xaa55 ||
	    memcmp(file + HDR_MAGIC, "HdrS", 4))
		return "neither a bzImage nor an ELF file";
	if (load16(file + HDR_VERSION) < VERSION_PAYLOAD)
		return "bzImage older than boot protocol 2.08";
	return NULL;
}

/* Packed data are followed by their size; an unpacked ELF is not. */
static const char *take_size(struct payload *p)
{
	if (p->packing == PACKING_NONE) {
		if (p->len > KERNEL_MAX_BYTES)
			return "kernel larger than 512 MiB";
		p->unpacked = (uint32_t)p->len;
		return NULL;
	}
	if (p->len < 8)
		return "bzImage payload too short";
	p->unpacked = load32(p->data + p->len - 4);
	if (p->unpacked == 0 || p->unpacked > KERNEL_MAX_BYTES)
		return "bzImage says an impossible kernel size";
	if (p->packing != PACKING_GZIP)
		p->len -= 4;
	return NULL;
}

const char *bzimage_find(const uint8_t *file, size_t len, struct payload *p)
{
	const char *err;
	size_t setup, offset, length;

	memset(p, 0, sizeof(*p));
	if (len >= 4 && !memcmp(file, packings[0].magic, 4))
		return plain_elf(file, len, p);
	err = check_header(file, len);
	if (err)
		return err;

	setup = file[HDR_SETUP_SECTS] ? file[HDR_SETUP_SECTS] : 4;
	offset = (setup + 1) * SECTOR + load32(file + HDR_PAYLOAD_OFFSET);
	length = load32(file + HDR_PAYLOAD_LENGTH);
	if (offset > len || length > len - offset)
		return "bzImage is cut short: its payload ends after the file";
	p->data = file + offset;
	p->len = length;
	if (packing_of(p->data, length, &p->packing))
		return "kernel packed in an unknown format "
		       "(known: gzip, xz, lz4, zstd)";
	return take_size(p);
}
