/* SPDX-License-Identifier: MIT */
/* Making boot material: kernels with notes, what boot loaders leave. */
#ifndef TESTS_UNIT_BOOT_IMAGE_H
#define TESTS_UNIT_BOOT_IMAGE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "hv/boot/multiboot.h"

/* ---- a kernel like Debian's ------------------------------------------------ */
struct kernel_image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[5]; /* text, data, per-CPU, bss, notes */
	Elf64_Shdr sh[3]; /* none, names, one more */
	char names[32];
	uint8_t notes[1024];
	uint8_t bytes[4096];
};

#define KERNEL_BASE  0xffffffff80000000ull
#define KERNEL_TEXT  0x1000000ull
#define KERNEL_ENTRY (KERNEL_BASE + KERNEL_TEXT + 0x40)

void kernel_make(struct kernel_image *k);
/* A number's or a string's note at the end of the others. */
void kernel_note(struct kernel_image *k, uint32_t type, const void *desc,
		 size_t n);
void kernel_note_number(struct kernel_image *k, uint32_t type, uint64_t v);
/* Forget the notes. */
void kernel_no_notes(struct kernel_image *k);

/* ---- a machine's low memory ------------------------------------------------ */
#define MEMORY_BASE 0x9000u
#define MEMORY_SIZE 0x4000u

struct memory {
	uint8_t bytes[MEMORY_SIZE];
	uint32_t used;
};

/* For multiboot_parse: NULL outside the bytes that were put. */
const void *memory_at(void *memory, uint64_t pa, size_t n);
uint32_t memory_put(struct memory *m, const void *bytes, size_t n);
uint32_t memory_put_string(struct memory *m, const char *s);

/* Both give the same: a command line, two modules, a map of four ranges. */
uint32_t multiboot1_make(struct memory *m);
uint32_t multiboot2_make(struct memory *m);

#endif /* TESTS_UNIT_BOOT_IMAGE_H */
