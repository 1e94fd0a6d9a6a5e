/* SPDX-License-Identifier: MIT */
/* What the daemon was told: command line over configuration file. */
#ifndef TOOLS_DAEMON_SETTINGS_H
#define TOOLS_DAEMON_SETTINGS_H

#include <stdbool.h>

#include "tools/daemon/fail.h"

#define SETTINGS_NETWORKS 32
#define SETTINGS_SERVICES 8

struct settings {
	char *socket, *socket_group;
	char *state; /* definitions                                       */
	char *run; /* what runs: does not outlive the machine           */
	char *cache; /* unpacked kernels                                  */
	char *store; /* socket; NULL: the usual one                       */
	char *net; /* /sys/class/net                                    */
	char *log; /* NULL: standard error                              */
	char *nbd; /* qemu-nbd                                          */
	char *fake; /* directory of a hypervisor in memory               */
	bool foreground, no_services;
	double device_timeout; /* seconds a backend may take to open a device */
	double detach_timeout; /* seconds a guest may take to let go of one */
	struct {
		char *name, *bridge;
		bool openvswitch;
	} network[SETTINGS_NETWORKS];
	unsigned int nr_networks;
	struct {
		char *name, *command;
	} service[SETTINGS_SERVICES];
	unsigned int nr_services;
};

void settings_init(struct settings *s);
void settings_free(struct settings *s);
/* One "key = value". */
int settings_set(struct settings *s, const char *key, const char *value,
		 struct fail *why);
/* A whole file; missing is fine unless `must`. */
int settings_load(struct settings *s, const char *path, bool must,
		  struct fail *why);

#endif
