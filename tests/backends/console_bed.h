/* SPDX-License-Identifier: MIT */
/* What tests of the console backend share: a guest in the test program. */
#ifndef TESTS_BACKENDS_CONSOLE_BED_H
#define TESTS_BACKENDS_CONSOLE_BED_H

#include <pv/io/console.h>

#include "tests/backends/domain.h"

#define HOME      "/local/domain/7/console"
#define BACK      "/parapet/backend/console/7/0"
#define FRONT_OWN "/local/domain/7/device/pvconsole/0"
#define BACK_OWN  BACK "/own"
#define ERROR     "/local/domain/0/error/backend/console/7/0/error"

extern struct testbed bed;
extern struct pv_xencons_interface *ring;
extern struct port port;
extern char log_path[256];

void start_console(void);
void stop_console(void);

/* As a guest's kernel writes: what fits, then an event, then again. */
void guest_write(const char *text, size_t bytes);
void wait_taken(void);
/* For free(). */
char *read_file(const char *path, size_t *bytes);
/* All that is in the log, once it is there. */
void expect_log(const char *want, size_t bytes);

int connect_client(void);
/* Read from a client until it has seen that text. */
void expect_seen(int fd, const char *want);
/* Read it from the stock ring. */
void expect_typed(const char *want);

#endif
