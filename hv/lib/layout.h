/* SPDX-License-Identifier: MIT */
/*
 * The virtual layout, for C, assembly and the linker script.  hv/README.md
 * draws it.  Guests reserve 0xffff800000000000..0xffff87ffffffffff for the
 * hypervisor (top-level slots 256..271); two views of that range exist:
 *
 *   guest view  slot 256  machine-to-physical table, read-only
 *               slot 271  trampoline text, tables and this CPU's window
 *   hv view     what the names below say
 *
 * What a hypercall touches is packed: an entry begins with an empty TLB (no
 * PCID under emulation, a small share with it), so each page and each page
 * table it needs costs a walk.  Slot 271 has one table below it for the image,
 * the window, all of RAM and the frame table; the CPU's small structures share
 * pages by who may write them.
 *
 * Image and window lie within 2 GiB of each other, so that code can reach data
 * RIP-relative.
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
#define RESERVED_SLOTS      (RESERVED_END_SLOT - RESERVED_FIRST_SLOT)

#define M2P_GUEST_BASE      UL(0xffff800000000000) /* slot 256: read-only      */
#define M2P_BASE            UL(0xffff810000000000) /* slot 258: writable alias */
#define IOMAP_BASE          UL(0xffff818000000000) /* slot 259: device memory  */
#define IMAGE_BASE          UL(0xffff878000000000) /* slot 271: + load address */
#define WINDOW_BASE         UL(0xffff878040000000) /* + 1 GiB                  */
#define DIRECT_BASE         UL(0xffff878080000000) /* + 2 GiB: all RAM         */
#define DIRECT_END          UL(0xffff87ff00000000)
#define FRAMES_BASE         UL(0xffff87ff00000000) /* + 508 GiB: frame table   */

/*
 * The CPU's own window: the same addresses on every CPU, other pages behind
 * them.  "g" is in the guest view too.
 */
#define WIN_GDT          (WINDOW_BASE + 0x00000) /* g ro 14 pages of the guest's    */
#define WIN_TAIL         (WINDOW_BASE + 0x0e000) /* g ro the page that is ours:     */
#define WIN_TSS          (WIN_TAIL + 0x100) /*      behind our descriptors          */
#define WIN_CONST        (WIN_TAIL + 0x200) /*      struct tramp_const              */
#define WIN_LDT          (WINDOW_BASE + 0x10000) /* g ro 16 pages                   */
#define WIN_VINFO        (WINDOW_BASE + 0x23000) /* g rw the vcpu_info's page       */
#define WIN_DOMAIN       (WINDOW_BASE + 0x24000) /* g ro struct tramp_domain       */
#define WIN_STACK        (WINDOW_BASE + 0x25000) /* g rw ring-0 stack, and below it */
#define WIN_DATA         WIN_STACK /*      struct tramp_data          */
#define WIN_STACK_TOP    (WINDOW_BASE + 0x26000)
#define WIN_IST          (WINDOW_BASE + 0x30000) /* g rw, a hole below each page */
#define WIN_IST_TOP(n)   (WIN_IST + (n)*UL(0x2000)) /* n = 1..4                 */
#define WIN_HVSTACK      (WINDOW_BASE + 0x51000) /* C stack, a hole below it     */
#define WIN_HVSTACK_END  (WINDOW_BASE + 0x59000)
#define WIN_CPU          (WIN_HVSTACK_END - 0x400) /* struct cpu, above the stack */
#define WIN_HVSTACK_TOP  WIN_CPU
#define WIN_NMISTACK     (WINDOW_BASE + 0x5b000) /* C stack of NMI and #MC       */
#define WIN_NMISTACK_TOP (WINDOW_BASE + 0x5f000)

#define GDT_LIMIT        0xe067 /* our last descriptor is the LDT's upper half */

/* Selectors.  The guest owns entries below FIRST_RESERVED_GDT_ENTRY. */
#define FIRST_TAIL_SELECTOR 0xe000
#define SEL_HV_CS           0xe008 /* ring 0 code                                */
#define SEL_HV_SS           0xe010 /* ring 0 data: SYSCALL wants CS + 8          */
#define SEL_COMPAT_CS       0xe023 /* public: flat ring 3 32-bit code            */
#define SEL_USER_SS         0xe02b /* public: flat ring 3 data                   */
#define SEL_USER_CS         0xe033 /* public: flat ring 3 64-bit code            */
#define SEL_SYSRET_SS       0x2b /* what SYSRET loads: Linux's, of its own table */
#define SEL_SYSRET_CS       0x33
#define SEL_RING1_CS        0xe039 /* private: ring 1 64-bit code                */
#define SEL_RING1_SS        0xe041 /* private: ring 1 data                       */
#define SEL_TSS             0xe048 /* two slots                                  */
#define SEL_LDT             0xe058 /* two slots                                  */

#endif /* HV_LIB_LAYOUT_H */
