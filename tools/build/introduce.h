/* SPDX-License-Identifier: MIT */
/* A guest in the store, as far as parapet-build needs it. */
#ifndef TOOLS_BUILD_INTRODUCE_H
#define TOOLS_BUILD_INTRODUCE_H

#include "tools/build/build.h"

/* Make the guest's folder and introduce it; without a store nothing is done. */
int store_introduce(const struct guest *guest, const char *name,
		    const struct guest_spec *spec, unsigned int vcpus,
		    struct build_error *why);
/* Release it and remove its folder. */
void store_release(domid_t domid);

#endif
