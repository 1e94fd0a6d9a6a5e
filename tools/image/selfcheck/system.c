/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of itself, of the hypervisor under it, of its CPUs and
 * of its memory.
 */
#include "tools/image/selfcheck/selfcheck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static void check_uname(void)
{
	struct utsname u;
	int ok = !uname(&u) && !strcmp(u.machine, "x86_64");

	report(ok, "uname", "%s %s %s", u.sysname, u.release, u.machine);
}

/* The field of a "key   value unit" file, in the file's unit; 0 if absent. */
static unsigned long field_of(const char *path, const char *key)
{
	char line[256];
	unsigned long value = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			value = strtoul(line + strlen(key), NULL, 10);
	fclose(file);
	return value;
}

static void check_native(void)
{
	char type[64];

	read_line("/sys/hypervisor/type", type, sizeof(type));
	report(!type[0], "hypervisor", "%s", type[0] ? type : "none");
}

/*
 * Linux exports what the hypervisor answers to version and feature calls; a
 * control domain is told so in its start info.
 */
static void check_hypervisor(void)
{
	char type[64], major[16], minor[16], extra[64], caps[256], role[64];
	char features[32], uuid[64];

	read_line("/sys/hypervisor/type", type, sizeof(type));
	read_line("/sys/hypervisor/version/major", major, sizeof(major));
	read_line("/sys/hypervisor/version/minor", minor, sizeof(minor));
	read_line("/sys/hypervisor/version/extra", extra, sizeof(extra));
	read_line("/sys/hypervisor/uuid", uuid, sizeof(uuid));
	read_line("/sys/hypervisor/properties/capabilities", caps,
		  sizeof(caps));
	read_line("/sys/hypervisor/properties/features", features,
		  sizeof(features));
	read_line("/proc/xen/capabilities", role, sizeof(role));

	report(!strcmp(type, "xen") && major[0] && minor[0], "hypervisor",
	       "type=%s version=%s.%s%s", type, major, minor, extra);
	report(strstr(caps, "xen-3.0-x86_64") && features[0], "properties",
	       "features=%s uuid=%s capabilities=%s", features, uuid, caps);
	report(strstr(role, "control_d") != NULL, "control-domain", "%s",
	       role[0] ? role : "/proc/xen/capabilities is empty");
}

static void check_cpus(long want)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	char list[128];

	read_line("/sys/devices/system/cpu/online", list, sizeof(list));
	report(want == 0 || online == want, "cpus", "%ld online (%s)", online,
	       list);
}

static void check_memory(void)
{
	unsigned long total = field_of("/proc/meminfo", "MemTotal:");
	unsigned long avail = field_of("/proc/meminfo", "MemAvailable:");

	report(total && avail, "memory", "%lu MiB, %lu MiB available",
	       total / 1024, avail / 1024);
}

void check_system(const struct expected *want)
{
	check_uname();
	if (!strcmp(want->system, "native"))
		check_native();
	else
		check_hypervisor();
	check_cpus(want->cpus);
	check_memory();
}
