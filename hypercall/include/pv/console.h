/* SPDX-License-Identifier: MIT */
/*
 * console_io: the hypervisor's console.
 */
#ifndef PV_CONSOLE_H
#define PV_CONSOLE_H

#define CONSOLEIO_write 0
#define CONSOLEIO_read  1

#endif /* PV_CONSOLE_H */
