/* SPDX-License-Identifier: MIT */
/*
 * The parts of parapet-load: a user program that works a kernel hard and
 * checks every result.
 */
#ifndef TESTS_BOOT_LOAD_H
#define TESTS_BOOT_LOAD_H

#include <stddef.h>
#include <stdint.h>

/*
 * A check runs in a process of its own.  It ends normally if all is well, or
 * calls bad(), which does not return.  say() sets the line's detail.
 */
void bad(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(cond)                                                            \
	do {                                                                   \
		if (!(cond))                                                   \
			bad("%s:%d: %s, errno=%d", __FILE__, __LINE__, #cond,  \
			    errno);                                            \
	} while (0)

/* Memory that all children of a check share. */
void *shared(size_t bytes);

/* Start a child that runs fn(arg) and ends with status 0. */
int start(void (*fn)(long arg), long arg);

/* Wait for a child, which must end with status 0. */
void finish(int pid);

/* A repeatable sequence; any seed. */
uint64_t next_random(uint64_t *state);

/* The checks. */
void load_fork_tree(void);
void load_parallel(void);
void load_pipes(void);
void load_exec(void);
void load_signals(void);
void load_faults(void);
void load_memory_model(void);
void load_memory_large(void);
void load_threads(void);
void load_shootdown(void);
void load_registers(void);
void load_segments(void);
void load_debugger(void);
void load_ports(void);

/* The argument by which load_exec's programs know themselves. */
#define EXEC_WORD "--exec-chain"
int exec_chain(int argc, char **argv);

#endif
