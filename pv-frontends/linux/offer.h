/* SPDX-License-Identifier: GPL-2.0 */
/* Who takes a device, we or the stock driver?  And where are its rings? */
#ifndef PV_FRONTENDS_LINUX_OFFER_H
#define PV_FRONTENDS_LINUX_OFFER_H

#include <xen/xenbus.h>

/* Does the backend offer our ring?  Waits for it to say what it can do. */
bool is_ring_offered(struct xenbus_device *xbdev);

/* Write the keys of all queues (ABI.md 18.1, 19.1) at once; 0 or an errno. */
struct ring_dev;
int ring_publish(struct ring_dev *dev);

#endif
