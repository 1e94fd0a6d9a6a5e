/* SPDX-License-Identifier: MIT */
/* What the daemon was told: command line over configuration file. */
#ifndef TOOLS_STORE_CONFIG_H
#define TOOLS_STORE_CONFIG_H

#include "tools/store/domain.h"

#define CONFIG_SOCKETS 4

struct config {
	char *socket[CONFIG_SOCKETS];
	unsigned nsockets;
	unsigned socket_mode;
	char *socket_group;
	char *state; /* directory of the journal; NULL: none     */
	char *log; /* file; NULL: stderr or the system's log   */
	char *pid_file;
	char *user; /* become this user after the start         */
	char *rings; /* "none", "xen" or "files:DIRECTORY"       */
	unsigned max_clients;
	bool foreground;
	bool sync;
	bool sandbox;
	uint32_t quota[QUOTA_COUNT]; /* QUOTA_UNSET: built-in default */
};

void config_init(struct config *c);
void config_free(struct config *c);
/* One "key = value"; 0, or EINVAL with a text in why. */
int config_set(struct config *c, const char *key, const char *value, char *why,
	       size_t len);
/* A whole file; errors name file and line. */
int config_load(struct config *c, const char *file, char *why, size_t len);

#endif
