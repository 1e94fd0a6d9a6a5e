/* SPDX-License-Identifier: MIT */
/*
 * In place of pv-backends/common/{bus,xenbus}.c, for tests that have a device in
 * their own process: a guest's frames are plain memory, grant N is frame N.
 */
#ifndef TESTS_BACKENDS_FAKE_BUS_H
#define TESTS_BACKENDS_FAKE_BUS_H

#include <stdbool.h>

#include "pv-backends/common/bus.h"

struct fake_guest {
	unsigned char *frames; /* NULL: nothing may be copied */
	unsigned int nr_frames;
	unsigned int events; /* that it was sent */
	/* Called after each batch of copies: what it does meanwhile. */
	void (*meanwhile)(void);
};

extern struct fake_guest fake_guest;

/* What must hold; else it says what, and ends the program. */
void fake_check(bool holds, const char *what);

#endif
