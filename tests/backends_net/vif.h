/* SPDX-License-Identifier: MIT */
/* Interfaces as the toolstack makes and removes them, and their TAPs. */
#ifndef TESTS_BACKENDS_NET_VIF_H
#define TESTS_BACKENDS_NET_VIF_H

#include "tests/backends/domain.h"

extern const char *const vif_plain[]; /* for make_device() */

void vif_remove_nodes(struct testbed *t, unsigned int devid);
/* As the toolstack takes a device away. */
void vif_remove(struct testbed *t, unsigned int devid);

/* In a static buffer. */
const char *tap_name(unsigned int devid);
bool tap_there(unsigned int devid);
void tap_wait(unsigned int devid, bool there);

void nap(void);

#endif
