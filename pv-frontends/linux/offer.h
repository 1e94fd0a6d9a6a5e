/* SPDX-License-Identifier: GPL-2.0 */
/* Who takes a device, we or the stock driver?  And where are its rings? */
#ifndef PV_FRONTENDS_LINUX_OFFER_H
#define PV_FRONTENDS_LINUX_OFFER_H

#include <xen/grant_table.h>
#include <xen/xenbus.h>

/* Does the backend offer our ring?  Waits for it to say what it can do. */
bool is_ring_offered(struct xenbus_device *xbdev);

/* A queue, as the backend finds it. */
struct ring_place {
	grant_ref_t ref; /* of its first page */
	evtchn_port_t evtchn;
};
typedef struct ring_place ring_place_fn(const struct xenbus_device *xbdev,
					unsigned int nr);

/* Write the keys of all queues (ABI.md 18.1, 19.1) at once; 0 or an errno. */
int ring_publish(struct xenbus_device *xbdev, unsigned int version,
		 unsigned int nr_queues, ring_place_fn *place);

#endif
