/* SPDX-License-Identifier: MIT */
/* Where ring pages and their events come from. */
#ifndef TOOLS_STORE_TRANSPORT_H
#define TOOLS_STORE_TRANSPORT_H

#include "tools/store/domain.h"

struct ring_link {
	struct xs_ring_page *page;
	int fd; /* readable when the guest sent an event   */
	int out_fd; /* transport's own                         */
	uint32_t port; /* transport's own                         */
	uint64_t index;
};

struct ring_transport {
	const char *name;
	const char *arg;
	/* 0 or an errno number. */
	int (*open)(const struct ring_transport *t, const struct domain *d,
		    struct ring_link *l);
	void (*close)(const struct ring_transport *t, struct ring_link *l);
	void (*drain)(const struct ring_transport *t, struct ring_link *l);
	void (*notify)(const struct ring_transport *t, struct ring_link *l);
};

/*
 * Files in directory arg: N.page is the ring page of domain N, and the FIFOs
 * N.up and N.down carry one byte for each event to and from the daemon.
 */
struct ring_transport ring_transport_files(const char *dir);

/*
 * Real domains, through the control domain's kernel: grant 1 of a guest is its
 * ring page, /dev/xen/evtchn its event channel.
 */
struct ring_transport ring_transport_xen(void);
/* The control domain's own ring: its event channel port, or 0. */
uint32_t ring_xen_own_port(void);

#endif
