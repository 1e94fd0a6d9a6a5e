/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor, as the daemon sees it: one table of functions.
 *
 * hv_pv.c asks the real one; hv_fake.c is one in memory, so that daemon and
 * command line can be tested on any host.  Functions return 0 or a negative
 * errno number; error() then has one line.  build() and destroy() may be called
 * in any thread, the others in the daemon's only.
 */
#ifndef TOOLS_DAEMON_HV_H
#define TOOLS_DAEMON_HV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pv/control.h>

#define HV_REASON_NAMES 6

struct hv;

struct hv_create {
	uint8_t uuid[16];
	uint64_t max_frames;
	unsigned int vcpus;
};

struct hv_build {
	const char *kernel, *initrd, *cmdline;
	const char *cache; /* directory of unpacked kernels */
	uint64_t nr_frames, max_frames;
};

/* What a built domain has for the store and the console. */
struct hv_guest {
	uint64_t store_mfn, console_mfn;
	uint32_t store_port, console_port;
};

/* A domain whose memory waits to be filled: each hypervisor has its own. */
struct hv_filling;

struct hv_ops {
	const char *name;
	void (*close)(struct hv *hv);
	const char *(*error)(struct hv *hv);
	/* *domid is the wanted number; -EEXIST: it is in use. */
	int (*create)(struct hv *hv, const struct hv_create *c, domid_t *domid);
	int (*claim)(struct hv *hv, domid_t domid, uint64_t frames);
	/*
	 * Two parts, in other threads; why[] instead of error().  After the
	 * first the rings can be introduced.  *filling is for the second, which
	 * frees it; drop does when there will be no second.  What b points to
	 * is used until the end.
	 */
	int (*build)(struct hv *hv, domid_t domid, const struct hv_build *b,
		     struct hv_guest *guest, struct hv_filling **filling,
		     char *why, size_t room);
	int (*fill)(struct hv *hv, struct hv_filling *filling, char *why,
		    size_t room);
	void (*drop)(struct hv *hv, struct hv_filling *filling);
	int (*destroy)(struct hv *hv, domid_t domid);
	int (*pause)(struct hv *hv, domid_t domid);
	int (*unpause)(struct hv *hv, domid_t domid);
	int (*get)(struct hv *hv, domid_t domid, struct pv_domain_info *info);
	int (*list)(struct hv *hv, domid_t first, struct pv_domain_info *info,
		    unsigned int room);
	int (*set_max_memory)(struct hv *hv, domid_t domid, uint64_t frames);
	int (*set_sched)(struct hv *hv, domid_t domid, unsigned int weight,
			 unsigned int cap);
	int (*get_sched)(struct hv *hv, domid_t domid,
			 struct pv_control_sched *sched);
	int (*get_vcpu)(struct hv *hv, domid_t domid, unsigned int vcpu,
			struct pv_vcpu_status *status);
	int (*machine)(struct hv *hv, struct pv_machine_info *info);
	int (*get_cpu)(struct hv *hv, unsigned int cpu,
		       struct pv_cpu_status *status);
	int (*read_log)(struct hv *hv, char *text, size_t room,
			uint64_t *position);
	/* Readable when some domain's state changed; -1: ask now and then. */
	int (*event_fd)(struct hv *hv);
	void (*event_take)(struct hv *hv);
};

struct hv {
	const struct hv_ops *ops;
};

/* NULL: see why. */
struct hv *hv_pv_open(char *why, size_t room);
/*
 * A hypervisor in memory.  dir (NULL: none) holds its state, so that it
 * survives the daemon as a real one does; ending domains is done there, too:
 * a file DOMID.end with the SHUTDOWN_* number.
 */
struct hv *hv_fake_open(const char *dir, uint64_t frames, char *why,
			size_t room);
/* For tests: the n-th call from now on that may fail does; 0: none. */
void hv_fake_fail(struct hv *hv, unsigned int n);
/* The domain ends itself. */
void hv_fake_end(struct hv *hv, domid_t domid, unsigned int reason);
/* Domains and free frames, to see that nothing is left. */
unsigned int hv_fake_domains(struct hv *hv);

/* "poweroff", "reboot", "suspend", "crash", "watchdog", "soft-reset" */
const char *hv_reason_name(unsigned int reason);

#endif
