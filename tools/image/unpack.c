/* SPDX-License-Identifier: MIT */
/*
 * Unpacking a kernel with the compression libraries, memory to memory.
 *
 * Output goes into a buffer of exactly the size that the bzImage states, so a
 * hostile stream can neither overrun it nor make us allocate without bound.
 *
 * PURE  Like bzimage.c: no input or output.
 */
#include "tools/image/bzimage.h"

#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

/* A dictionary beyond this is no kernel's: xz asks 33 MiB at most for one. */
#define XZ_MEMORY_LIMIT (256ull << 20)

#define CORRUPT         "kernel payload is corrupt or cut short"

static const char *unpack_gzip(const struct payload *p, uint8_t *out)
{
	z_stream z = {
		.next_in = (uint8_t *)p->data,
		.avail_in = (uInt)p->len,
		.next_out = out,
		.avail_out = p->unpacked,
	};
	int rc;

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return "zlib: out of memory";
	rc = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	if (rc != Z_STREAM_END || z.avail_out)
		return CORRUPT;
	return NULL;
}

static const char *unpack_xz(const struct payload *p, uint8_t *out)
{
	uint64_t limit = XZ_MEMORY_LIMIT;
	size_t in = 0, done = 0;
	lzma_ret rc;

	rc = lzma_stream_buffer_decode(&limit, 0, NULL, p->data, &in, p->len,
				       out, &done, p->unpacked);
	if (rc == LZMA_MEMLIMIT_ERROR)
		return "xz: kernel packed with a dictionary beyond 256 MiB";
	if (rc == LZMA_MEM_ERROR)
		return "xz: out of memory";
	if (rc != LZMA_OK || done != p->unpacked)
		return CORRUPT;
	return NULL;
}

/*
 * The legacy frame: the magic, then blocks that each start with their packed
 * size.  A second magic may start a new frame; the frame has no end mark.
 */
static const char *unpack_lz4(const struct payload *p, uint8_t *out)
{
	const uint8_t *in = p->data, *end = p->data + p->len;
	size_t done = 0;

	while (end - in >= 4) {
		uint32_t size = in[0] | in[1] << 8 | in[2] << 16 |
				(uint32_t)in[3] << 24;
		int got;

		in += 4;
		if (size == 0x184c2102)
			continue;
		if (size > (size_t)(end - in))
			return CORRUPT;
		got = LZ4_decompress_safe((const char *)in, (char *)out + done,
					  (int)size, (int)(p->unpacked - done));
		if (got < 0)
			return CORRUPT;
		done += (size_t)got;
		in += size;
	}
	return in == end && done == p->unpacked ? NULL : CORRUPT;
}

static const char *unpack_zstd(const struct payload *p, uint8_t *out)
{
	size_t done = ZSTD_decompress(out, p->unpacked, p->data, p->len);

	return ZSTD_isError(done) || done != p->unpacked ? CORRUPT : NULL;
}

const char *payload_unpack(const struct payload *p, uint8_t *out)
{
	switch (p->packing) {
	case PACKING_NONE:
		memcpy(out, p->data, p->unpacked);
		return NULL;
	case PACKING_GZIP:
		return unpack_gzip(p, out);
	case PACKING_XZ:
		return unpack_xz(p, out);
	case PACKING_LZ4:
		return unpack_lz4(p, out);
	case PACKING_ZSTD:
		return unpack_zstd(p, out);
	}
	return "unknown packing";
}
