/* SPDX-License-Identifier: MIT */
/* The hypervisor's own faults: always checked, in release builds too. */
#ifndef HV_LIB_BUG_H
#define HV_LIB_BUG_H

#include "hv/lib/types.h"

/* Print the message, registers, backtrace and the log's end; stop for ever. */
void panic(const char *fmt, ...) PRINTF(1) NORETURN;

#define BUG_ON(cond)                                                           \
	do {                                                                   \
		if (unlikely(cond))                                            \
			panic("BUG at %s:%d: %s", __FILE__, __LINE__, #cond);  \
	} while (0)
#define BUG() panic("BUG at %s:%d", __FILE__, __LINE__)

#endif /* HV_LIB_BUG_H */
