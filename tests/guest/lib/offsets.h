/* SPDX-License-Identifier: MIT */
/*
 * What the assembly knows of the C structs; checked in trap.c.
 */
#ifndef GUEST_OFFSETS_H
#define GUEST_OFFSETS_H

/* struct percpu, at the kernel's GS base */
#define PERCPU_SELF       0
#define PERCPU_USER_SP    8
#define PERCPU_PROBE_SP   16
#define PERCPU_IRET_FLAGS 24

/* struct frame */
#define FRAME_VECTOR 120
#define FRAME_ERROR  128
#define FRAME_RIP    136
#define FRAME_CS     144
#define FRAME_RFLAGS 152
#define FRAME_RSP    160
#define FRAME_SS     168
#define FRAME_SIZE   176

/* Pseudo vectors: how the kernel was entered, beside exceptions. */
#define ENTRY_SYSCALL   0x100
#define ENTRY_EVENT     0x101
#define ENTRY_FAILSAFE  0x102
#define ENTRY_SYSCALL32 0x103
#define ENTRY_SYSENTER  0x104
#define ENTRY_NMI       0x105

#define STACK_SIZE      16384

#endif /* GUEST_OFFSETS_H */
