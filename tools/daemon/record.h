/* SPDX-License-Identifier: MIT */
/*
 * What outlives the daemon, in files.
 *
 *	STATE/domains/NAME.xml	 definitions
 *	STATE/autostart/NAME	 empty: start it with the machine
 *	RUN/domains/UUID.json	 domains that run; RUN ends with the machine
 *	RUN/autostarted		 it was done
 *
 * Files appear whole: written beside, then renamed.
 */
#ifndef TOOLS_DAEMON_RECORD_H
#define TOOLS_DAEMON_RECORD_H

#include "tools/daemon/domain.h"

enum record_phase {
	RECORD_BUILDING,
	RECORD_LIVE,
	RECORD_DYING
};

/* Make the directories. */
int record_open(const struct settings *set, struct fail *why);

int record_define(const struct domain *d, struct fail *why);
int record_undefine(const struct domain *d, struct fail *why);
int record_autostart(const struct domain *d, bool on, struct fail *why);

int record_save(const struct domain *d, enum record_phase phase,
		struct fail *why);
/* In the phase that it is in, if it has a record. */
int record_again(const struct domain *d, struct fail *why);
void record_remove(const struct domain *d);

/* All of them, as domains: definitions, then what ran.  Domains that are to be
 * destroyed are begun to be. */
void record_recover(struct daemon *dm);
/* Once for each start of the machine. */
void record_start_all(struct daemon *dm);

/* Write a file as a whole. */
int record_write_file(const char *path, const char *text, bool sync,
		      struct fail *why);
/* The whole file, for free(), or NULL with errno. */
char *record_read_file(const char *path, size_t *bytes);

#endif
