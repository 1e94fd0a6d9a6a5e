/* SPDX-License-Identifier: MIT */
/*
 * The domains that the daemon knows, defined ones and running ones.
 *
 *	          create, start                    it ends, preserve
 *	DOM_OFF ----------------> DOM_STARTING --> DOM_RUNNING --> DOM_ENDED
 *	   ^                           |  failed        |             |
 *	   +---------------------------+----------- DOM_STOPPING <----+
 *	                                             destroy
 *
 * A domain without a definition is forgotten when it is off.  What takes more
 * than a turn of the loop is a job (job.h), one at a time for each domain.
 *
 * A device that shall go from a running domain is DEV_CLOSING, and stays so
 * when nobody waits for it any more: the guest lets go of it when it likes, or
 * somebody asks again, or the domain ends.
 */
#ifndef TOOLS_DAEMON_DOMAIN_H
#define TOOLS_DAEMON_DOMAIN_H

#include "tools/daemon/daemon.h"

enum dom_state {
	DOM_OFF,
	DOM_STARTING,
	DOM_RUNNING,
	DOM_ENDED, /* by itself, and kept */
	DOM_STOPPING,
};

enum dev_type {
	DEV_DISK,
	DEV_NIC,
	DEV_CONSOLE
};

enum dev_state {
	DEV_OPENING,
	DEV_READY,
	DEV_FAILED, /* error[] says */
	DEV_CLOSING,
	DEV_CLOSED,
};

struct nbd;

/* A device of a domain that runs. */
struct device {
	TAILQ_ENTRY(device) link;
	struct domain *d;
	enum dev_type type;
	enum dev_state state;
	uint32_t id;
	bool has_state, has_plug; /* its backend's nodes changed */
	bool coming; /* it is being attached */
	bool leaving; /* it goes when the guest lets go of it, */
	bool undefine; /* from the definition, too */
	char label[48]; /* "disk xvda", "interface 0" */
	char error[256];
	struct nbd *nbd; /* serves the disk's format, or NULL */
	uint8_t mac[6]; /* of an interface */
};

TAILQ_HEAD(device_list, device);

struct domain {
	TAILQ_ENTRY(domain) link;
	struct daemon *dm;
	char name[CONFIG_NAME_MAX + 1];
	uint8_t uuid[16];
	struct dom_config *config; /* its definition, or NULL */
	struct dom_config *live; /* while it is not off */
	enum dom_state state;
	int domid; /* -1: none */
	bool paused, autostart;
	unsigned int end_reason; /* SHUTDOWN_*, DOM_ENDED */
	double started; /* of the calendar */
	unsigned int quick_ends; /* one after the other */
	struct device_list devices;
	struct job *job;
	unsigned int kept; /* by those who use it after a call that may
			    * settle it */
};

/* By name, UUID or number; NULL: see why. */
struct domain *domain_find(struct daemon *dm, const char *key,
			   struct fail *why);
struct domain *domain_by_name(struct daemon *dm, const char *name);
struct domain *domain_by_uuid(struct daemon *dm, const uint8_t uuid[16]);
struct domain *domain_by_domid(struct daemon *dm, int domid);
/* For a configuration: the one with its UUID, or a new one.  Refused if the
 * name is another's. */
struct domain *domain_for(struct daemon *dm, const struct dom_config *c,
			  struct fail *why);
/* Forget it if nothing keeps it: it is off and has no definition. */
void domain_settle(struct domain *d);
void domain_free(struct domain *d);
/* The daemon ends: what belongs to the domain goes on. */
void domain_forget(struct domain *d);

/* "running", "paused", "shut off", "crashed", "starting", "stopping" */
const char *domain_state_name(const struct domain *d);
/* The state and a job are fit for a new job of that verb. */
int domain_check_idle(const struct domain *d, struct fail *why);
int domain_check_running(const struct domain *d, struct fail *why);

#endif
