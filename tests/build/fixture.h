/* SPDX-License-Identifier: MIT */
/* Small PV kernels, made in memory, for the tests of the builder. */
#ifndef TESTS_BUILD_FIXTURE_H
#define TESTS_BUILD_FIXTURE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#define VIRT_BASE    0xffffffff80000000ull
#define KERNEL_PA    0x1000000ull
#define KERNEL_VA    (VIRT_BASE + KERNEL_PA)
#define TEXT_BYTES   0x3000
#define DATA_BYTES   0x1800 /* in the file; 0x5000 in memory */
#define MAX_NOTES    24
#define MAX_SEGMENTS 20

struct note {
	uint32_t type;
	const void *data;
	uint32_t bytes;
	const char *owner; /* NULL: "Xen" */
};

/* What an image is made of; a test changes it before make_image(). */
struct recipe {
	Elf64_Ehdr eh; /* offsets and counts are filled in         */
	Elf64_Phdr ph[MAX_SEGMENTS];
	unsigned int nr_ph; /* PT_LOADs; the notes' come last      */
	struct note note[MAX_NOTES];
	unsigned int nr_notes;
	int notes_in_section; /* instead of a segment              */
	uint64_t numbers[MAX_NOTES]; /* what notes point to        */
};

struct image {
	uint8_t *data; /* free() it */
	size_t bytes;
};

/* As a stock Linux kernel: code, data with zeroes behind, its notes. */
void recipe_linux(struct recipe *r);
/* As a small kernel of long ago: no INIT_P2M, a hypercall page. */
void recipe_classic(struct recipe *r);
void add_number(struct recipe *r, uint32_t type, uint64_t value);
void add_string(struct recipe *r, uint32_t type, const char *text);
void drop_note(struct recipe *r, uint32_t type);
struct image make_image(const struct recipe *r);

#endif
