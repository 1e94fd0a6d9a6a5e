/* SPDX-License-Identifier: MIT */
/* The image: loaded at LOAD, runs at IMAGE_BASE + its load address. */
#define LOAD 0x200000
#include "hv/lib/layout.h"

OUTPUT_FORMAT("elf64-x86-64")
ENTRY(boot_entry_physical)

PHDRS
{
	all PT_LOAD FLAGS(7);
}

SECTIONS
{
	. = IMAGE_BASE + LOAD;
	image_start = .;
	.boot : AT(ADDR(.boot) - IMAGE_BASE) { *(.boot) } :all
	. = ALIGN(4096);
	text_start = .;
	/* In the guest view: the trampoline's code. */
	.tramp.text : AT(ADDR(.tramp.text) - IMAGE_BASE) {
		tramp_text_start = .;
		*(.tramp.text)
		. = ALIGN(4096);
		tramp_text_end = .;
	} :all
	.text : AT(ADDR(.text) - IMAGE_BASE) {
		/* Each entry's way through, together: see layout.h. */
		*(.text.hot .text.hot.*)
		*(.text.hv_entry* .text.serve* .text.leave*)
		*(.text.hc_mmu_update* .text.mmu_update_some*)
		*(.text.subject_get* .text.batch_end* .text.zombies_drain*)
		*(.text.entry_update* .text.leaf_get* .text.leaf_put*)
		*(.text.ref_get* .text.ref_put* .text.copy_from_guest*)
		*(.text.walk.* .text.copy.* .text.writable_*)
		*(.text.hc_mmuext_op* .text.mmuext_some* .text.root_*)
		*(.text.typed_get* .text.typed_put* .text.hc_multicall*)
		*(.text.hc_update_va_mapping* .text.mm_emulate_pt_write*)
		*(.text.emul_decode_store* .text.emul_store_* .text.table_at*)
		*(.text .text.*)
	} :all
	. = ALIGN(4096);
	text_end = .;
	.rodata : AT(ADDR(.rodata) - IMAGE_BASE) {
		*(.rodata .rodata.*)
		. = ALIGN(16);
		fixup_start = .;
		KEEP(*(.fixup_table))
		fixup_end = .;
		symbols_start = .;
		*(.symbols)
	} :all
	. = ALIGN(4096);
	rodata_end = .;
	/* In the guest view, read-only there: the IDT. */
	.tramp.idt : AT(ADDR(.tramp.idt) - IMAGE_BASE) {
		tramp_idt_start = .;
		*(.tramp.idt)
		. = ALIGN(4096);
		tramp_idt_end = .;
	} :all
	.data : AT(ADDR(.data) - IMAGE_BASE) {
		*(.data .data.*)
		*(.symbols_count)
	} :all
	. = ALIGN(4096);
	data_file_end = .;
	.bss : AT(ADDR(.bss) - IMAGE_BASE) {
		*(.bss .bss.* COMMON)
		. = ALIGN(4096);
	} :all
	image_end = .;

	PROVIDE(symbols_nr = image_start); /* first link */
	boot_load_start = image_start - IMAGE_BASE;
	boot_load_file_end = data_file_end - IMAGE_BASE;
	boot_load_end = image_end - IMAGE_BASE;
	boot_entry_physical = boot_entry - IMAGE_BASE;

	/* The CPU's own window. */
	this_cpu_window = WIN_CPU;
	win_stack_top = WIN_STACK_TOP;
	win_data = WIN_DATA;
	win_const = WIN_CONST;
	win_domain = WIN_DOMAIN;
	win_hvstack_top = WIN_HVSTACK_TOP;
	win_nmistack_top = WIN_NMISTACK_TOP;

	/DISCARD/ : { *(.comment) *(.note*) *(.eh_frame*) }
}
