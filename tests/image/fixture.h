/* SPDX-License-Identifier: MIT */
/*
 * Small kernels and bzImages, made in memory, for the tests of the extractor.
 */
#ifndef TESTS_IMAGE_FIXTURE_H
#define TESTS_IMAGE_FIXTURE_H

#include "tools/image/bzimage.h"

#include <elf.h>

struct image {
	uint8_t *data; /* free() it */
	size_t len;
};

/* What make_elf puts into its note segment. */
enum elf_kind {
	ELF_PV, /* the notes of a PV kernel */
	ELF_PVH_ONLY, /* only the PVH entry */
	ELF_NO_NOTES,
};

/* An ELF kernel of one loadable segment of `bytes` bytes and a note one. */
struct image make_elf(enum elf_kind kind, size_t bytes);

/* The ELF header of an image, to be spoilt by a test. */
Elf64_Ehdr *elf_header(struct image *elf);

/* A bzImage around a packed copy of `elf`. */
struct image make_bzimage(const struct image *elf, enum packing packing);

/* The 32-bit fields of an image, at any offset. */
uint32_t get_field(const struct image *image, size_t offset);
void set_field(struct image *image, size_t offset, uint32_t value);

#endif
