/* SPDX-License-Identifier: MIT */
/*
 * Kernels for the extractor's tests: an ELF file with a program that is no
 * program, the notes that matter, and a bzImage around it as the boot
 * protocol and the kernel's build lay it out.  Packed by the same libraries
 * that unpack it, except for LZ4's legacy frame, which is written here.
 */
#include "tests/image/fixture.h"

#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#define NOTE_OFFSET 0x200
#define LOAD_OFFSET 0x400
#define SETUP_SECTS 3
#define PAYLOAD_AT  0x180 /* behind the protected-mode code's start */
#define LZ4_CHUNK   4096

static void must(int ok)
{
	if (!ok)
		abort();
}

static size_t put_note(uint8_t *at, uint32_t type, const void *desc,
		       uint32_t len)
{
	Elf64_Nhdr note = {.n_namesz = 4, .n_descsz = len, .n_type = type};

	memcpy(at, &note, sizeof(note));
	memcpy(at + sizeof(note), "Xen", 4);
	memcpy(at + sizeof(note) + 4, desc, len);
	return sizeof(note) + 4 + ((len + 3) & ~3u);
}

static size_t put_notes(uint8_t *at, enum elf_kind kind)
{
	uint64_t entry = 0xffffffff81000000;
	uint32_t pvh = 0x1000000;
	size_t n = 0;

	if (kind != ELF_NO_NOTES)
		n += put_note(at + n, 18, &pvh, sizeof(pvh));
	if (kind != ELF_PV)
		return n;
	n += put_note(at + n, 6, "linux", 6);
	n += put_note(at + n, 7, "2.6", 4);
	n += put_note(at + n, 5, "xen-3.0", 8);
	n += put_note(at + n, 1, &entry, sizeof(entry));
	return n;
}

struct image make_elf(enum elf_kind kind, size_t bytes)
{
	struct image elf = {.len = LOAD_OFFSET + bytes};
	Elf64_Ehdr eh = {
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(eh),
		.e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	};
	Elf64_Phdr ph[2] = {
		{.p_type = PT_LOAD, .p_offset = LOAD_OFFSET, .p_filesz = bytes},
		{.p_type = PT_NOTE, .p_offset = NOTE_OFFSET},
	};

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_ident[EI_VERSION] = EV_CURRENT;
	elf.data = calloc(1, elf.len);
	must(elf.data != NULL);
	ph[1].p_filesz = put_notes(elf.data + NOTE_OFFSET, kind);
	memcpy(elf.data, &eh, sizeof(eh));
	memcpy(elf.data + sizeof(eh), ph, sizeof(ph));
	for (size_t i = 0; i < bytes; i++)
		elf.data[LOAD_OFFSET + i] = (uint8_t)(i * i >> 7);
	return elf;
}

Elf64_Ehdr *elf_header(struct image *elf)
{
	return (Elf64_Ehdr *)elf->data;
}

static size_t pack_gzip(const struct image *elf, uint8_t *out, size_t room)
{
	z_stream z = {
		.next_in = elf->data,
		.avail_in = (uInt)elf->len,
		.next_out = out,
		.avail_out = (uInt)room,
	};

	must(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8,
			  Z_DEFAULT_STRATEGY) == Z_OK);
	must(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out; /* its last four bytes are the size */
}

static size_t pack_xz(const struct image *elf, uint8_t *out, size_t room)
{
	size_t n = 0;

	must(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, elf->data,
				     elf->len, out, &n, room) == LZMA_OK);
	return n;
}

static size_t pack_lz4(const struct image *elf, uint8_t *out, size_t room)
{
	const uint32_t magic = 0x184c2102;
	size_t n = sizeof(magic);

	memcpy(out, &magic, sizeof(magic));
	for (size_t at = 0, step; at < elf->len; at += step) {
		int32_t got;

		step = elf->len - at < LZ4_CHUNK ? elf->len - at : LZ4_CHUNK;
		got = LZ4_compress_default((const char *)elf->data + at,
					   (char *)out + n + 4, (int)step,
					   (int)(room - n - 4));
		must(got > 0);
		memcpy(out + n, &got, sizeof(got));
		n += 4 + (size_t)got;
	}
	return n;
}

static size_t pack_zstd(const struct image *elf, uint8_t *out, size_t room)
{
	size_t n = ZSTD_compress(out, room, elf->data, elf->len, 5);

	must(!ZSTD_isError(n));
	return n;
}

static size_t pack(const struct image *elf, enum packing packing, uint8_t *out,
		   size_t room)
{
	uint32_t size = (uint32_t)elf->len;
	size_t n = 0;

	switch (packing) {
	case PACKING_NONE:
		memcpy(out, elf->data, elf->len);
		return elf->len;
	case PACKING_GZIP:
		return pack_gzip(elf, out, room);
	case PACKING_XZ:
		n = pack_xz(elf, out, room);
		break;
	case PACKING_LZ4:
		n = pack_lz4(elf, out, room);
		break;
	case PACKING_ZSTD:
		n = pack_zstd(elf, out, room);
		break;
	}
	memcpy(out + n, &size, sizeof(size));
	return n + sizeof(size);
}

uint32_t get_field(const struct image *image, size_t offset)
{
	uint32_t value;

	memcpy(&value, image->data + offset, sizeof(value));
	return value;
}

void set_field(struct image *image, size_t offset, uint32_t value)
{
	memcpy(image->data + offset, &value, sizeof(value));
}

struct image make_bzimage(const struct image *elf, enum packing packing)
{
	const size_t at = (SETUP_SECTS + 1) * 512 + PAYLOAD_AT;
	const size_t room = elf->len + elf->len / 8 + 4096;
	struct image bz = {.data = calloc(1, at + room)};
	size_t n;

	must(bz.data != NULL);
	n = pack(elf, packing, bz.data + at, room - 4);
	bz.len = at + n;
	bz.data[0x1f1] = SETUP_SECTS;
	bz.data[0x1fe] = 0x55;
	bz.data[0x1ff] = 0xaa;
	memcpy(bz.data + 0x202, "HdrS", 4);
	bz.data[0x206] = 0x0f; /* protocol 2.15 */
	bz.data[0x207] = 0x02;
	set_field(&bz, 0x248, PAYLOAD_AT);
	set_field(&bz, 0x24c, (uint32_t)n);
	return bz;
}
