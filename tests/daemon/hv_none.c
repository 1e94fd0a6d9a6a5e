/* SPDX-License-Identifier: MIT */
/* No hypervisor: for the daemon under test, which has one in memory. */
#include <stdio.h>

#include "tools/daemon/hv.h"

struct hv *hv_pv_open(char *why, size_t room)
{
	snprintf(why, room, "this program has none but --fake");
	return NULL;
}
