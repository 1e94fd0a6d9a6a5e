/* SPDX-License-Identifier: MIT */
/*
 * Finding and unpacking the ELF kernel inside a Linux bzImage.
 */
#ifndef TOOLS_IMAGE_BZIMAGE_H
#define TOOLS_IMAGE_BZIMAGE_H

#include <stddef.h>
#include <stdint.h>

/* No kernel is larger; a header that says so is wrong. */
#define KERNEL_MAX_BYTES (512u << 20)

enum packing {
	PACKING_NONE, /* an ELF file as it is */
	PACKING_GZIP,
	PACKING_XZ,
	PACKING_LZ4, /* the legacy frame, as the kernel's build makes it */
	PACKING_ZSTD,
};

/*
 * Where the kernel lies in a file.  `data` points into the caller's buffer.
 */
struct payload {
	const uint8_t *data;
	size_t len; /* bytes of packed data, trailing size excluded */
	uint32_t unpacked; /* bytes that unpacking must give */
	enum packing packing;
};

/*
 * Find the kernel in a bzImage or a plain ELF file of `len` bytes.
 * Returns NULL, or one line that says what is wrong with the file.
 */
const char *bzimage_find(const uint8_t *file, size_t len, struct payload *p);

/*
 * Unpack into `out`, which has room for p->unpacked bytes.
 * Returns NULL, or one line; the file is refused unless it gives exactly
 * p->unpacked bytes.
 */
const char *payload_unpack(const struct payload *p, uint8_t *out);

const char *packing_name(enum packing packing);

#endif
