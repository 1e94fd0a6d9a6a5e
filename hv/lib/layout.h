/* SPDX-License-Identifier: MIT */
/*
 * The virtual layout, for C, assembly and the linker script.  hv/README.md
 * draws it.  Guests reserve 0xffff800000000000..0xffff87ffffffffff for the
 * hypervisor (top-level slots 256..271); two views of that range exist:
 *
 *   guest view  slot 256  machine-to-physical table, read-only
 *               slot 271  trampoline text, tables and this CPU's window
 *   hv view     all of it: what the names below say
 *
 * Every address in slot 271 lies within 2 GiB of every other, so that code can
 * reach data RIP-relative.
 */
#ifndef HV_LIB_LAYOUT_H
#define HV_LIB_LAYOUT_H

#ifdef __ASSEMBLER__
#define UL(x) x
#else
#define UL(x) x##ul
#endif

#define PAGE_SHIFT          12
#define PAGE_SIZE           UL(4096)
#define PAGE_MASK           (~(PAGE_SIZE - 1))

#define RESERVED_START      UL(0xffff800000000000)
#define RESERVED_END        UL(0xffff880000000000) /* exclusive */
#define RESERVED_FIRST_SLOT 256
#define RESERVED_END_SLOT   272 /* exclusive */

#define M2P_GUEST_BASE      UL(0xffff800000000000) /* slot 256: read-only      */
#define FRAMES_BASE         UL(0xffff808000000000) /* slot 257: frame table    */
#define M2P_BASE            UL(0xffff810000000000) /* slot 258: writable alias */
#define IOMAP_BASE          UL(0xffff818000000000) /* slot 259: device memory  */
#define DIRECT_BASE         UL(0xffff820000000000) /* slots 260..270: all RAM  */
#define DIRECT_END          UL(0xffff878000000000)
#define IMAGE_BASE          UL(0xffff878000000000) /* slot 271: + load address */

/*
 * The CPU's own window: the same addresses on every CPU, other pages behind
 * them.  "g" is in the guest view too.
 */
#define WINDOW_BASE     UL(0xffff878040000000)
#define WIN_GDT         (WINDOW_BASE + 0x00000) /* g ro 16 pages, the last 2 ours */
#define WIN_LDT         (WINDOW_BASE + 0x10000) /* g ro 16 pages                  */
#define WIN_TSS         (WINDOW_BASE + 0x20000) /* g ro                           */
#define WIN_CONST       (WINDOW_BASE + 0x21000) /* g ro struct tramp_const        */
#define WIN_DATA        (WINDOW_BASE + 0x22000) /* g rw struct tramp_data         */
#define WIN_VINFO       (WINDOW_BASE + 0x23000) /* g rw the vcpu_info's page      */
#define WIN_DOMAIN      (WINDOW_BASE + 0x24000) /* g ro struct tramp_domain      */
#define WIN_STACK       (WINDOW_BASE + 0x25000) /* g rw ring-0 stack              */
#define WIN_STACK_TOP   (WINDOW_BASE + 0x26000)
#define WIN_IST         (WINDOW_BASE + 0x30000) /* g rw, a hole below each page   */
#define WIN_IST_TOP(n)  (WIN_IST + (n)*UL(0x2000)) /* n = 1..4                 */
#define WIN_CPU         (WINDOW_BASE + 0x40000) /*   struct cpu                   */
#define WIN_HVSTACK     (WINDOW_BASE + 0x51000) /*   C stack, a hole below it     */
#define WIN_HVSTACK_TOP (WINDOW_BASE + 0x59000)
#define WIN_NMISTACK                                                           \
	(WINDOW_BASE + 0x5b000) /*   C stack of NMI and #MC       */
#define WIN_NMISTACK_TOP (WINDOW_BASE + 0x5f000)

/* Selectors.  The guest owns entries below FIRST_RESERVED_GDT_ENTRY. */
#define FIRST_TAIL_SELECTOR 0xe000
#define SEL_HV_CS           0xe008 /* ring 0 code                                */
#define SEL_HV_SS           0xe010 /* ring 0 data: SYSCALL wants CS + 8          */
#define SEL_COMPAT_CS       0xe023 /* public: flat ring 3 32-bit code            */
#define SEL_USER_SS         0xe02b /* public: flat ring 3 data                   */
#define SEL_USER_CS         0xe033 /* public: flat ring 3 64-bit code            */
#define SEL_RING1_CS        0xe039 /* private: ring 1 64-bit code                */
#define SEL_RING1_SS        0xe041 /* private: ring 1 data                       */
#define SEL_TSS             0xe048 /* two slots                                  */
#define SEL_LDT             0xe058 /* two slots                                  */

#endif /* HV_LIB_LAYOUT_H */
