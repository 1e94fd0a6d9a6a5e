/* SPDX-License-Identifier: MIT */
/* The console's door: the UART, the debug port, the log ring. */
#ifndef HV_CONSOLE_CONSOLE_H
#define HV_CONSOLE_CONSOLE_H

#include "hv/cpu/cpu.h"
#include "hv/lib/log.h"

/* "console=com1|com2|debug|none" and "loglevel=err|warn|info|debug". */
void console_boot(void);
int console_set_device(const char *name); /* 0, or -1: no such device    */
int log_set_level(const char *name);

/* Text for the device alone (a guest's console_io). */
void console_write(const char *text, size_t n);
/* What was typed; -1: nothing. */
int console_getc(void);
/* From now on the UART interrupts when it has input. */
void console_listen(void);
/* The UART's I/O ports if the console holds one, else 0. */
uint16_t console_ports(void);

/* Copy up to @size bytes of the log ring from position @from (bytes since
 * boot); returns how many, and the position that follows in *@next. */
size_t log_read(char *to, size_t size, uint64_t from, uint64_t *next);

/* Registers and a symbolised backtrace, as panic prints them. */
void dump_state(const struct cpu_regs *regs);
void backtrace(uint64_t rip, uint64_t rbp);

/* Where other CPUs go when one panics; set by boot. */
extern void (*panic_stop_others)(void);

#endif /* HV_CONSOLE_CONSOLE_H */
