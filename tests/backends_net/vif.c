/* SPDX-License-Identifier: MIT */
/* Interfaces as the toolstack makes and removes them, and their TAPs. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/backends_net/net_space.h"
#include "tests/backends_net/vif.h"
#include "tools/xs/xs.h"

const char *const vif_plain[] = {
	"mac", "00:16:3e:01:02:03", "type", "bridge", "bridge", "br0", NULL,
};

void vif_remove_nodes(struct testbed *t, unsigned int devid)
{
	char path[128];

	snprintf(path, sizeof(path), "/parapet/backend/vif/%u/%u",
		 (unsigned int)DOMID, devid);
	xs_rm(t->xs, XBT_NULL, path);
}

void vif_remove(struct testbed *t, unsigned int devid)
{
	end_device(t, "vif", devid);
	vif_remove_nodes(t, devid);
}

const char *tap_name(unsigned int devid)
{
	static char name[32];

	snprintf(name, sizeof(name), "vif%u.%u", (unsigned int)DOMID, devid);
	return name;
}

bool tap_there(unsigned int devid)
{
	char what[64];

	snprintf(what, sizeof(what), " %s: ", tap_name(devid));
	return strstr(run_in(CONTROL, "ip -o link show"), what) != NULL;
}

void nap(void)
{
	const struct timespec ts = {.tv_nsec = 2000000};

	nanosleep(&ts, NULL);
}

void tap_wait(unsigned int devid, bool wanted)
{
	double until = now() + PATIENCE;

	while (tap_there(devid) != wanted) {
		if (now() > until)
			die("%s is %s", tap_name(devid),
			    wanted ? "missing" : "there");
		nap();
	}
}
