/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the backend of a device offers, and what we offer then.
 *
 * The backend of a device that was just made may not have said yet what it can
 * do; one that is in use has.  It says it before its state, so the state is
 * read first.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>

#include "pv-frontends/linux/device.h"
#include "pv-frontends/linux/offer.h"

enum {
	OFFER_MS = 5000,
};

bool is_ring_offered(struct xenbus_device *xbdev)
{
	unsigned long until = jiffies + msecs_to_jiffies(OFFER_MS);

	for (;;) {
		const char *node = xbdev->otherend;
		enum xenbus_state state = xenbus_read_driver_state(node);

		if (xenbus_read_unsigned(node, "feature-parapet-ring", 0))
			return true;
		if ((state != XenbusStateUnknown &&
		     state != XenbusStateInitialising) ||
		    time_after(jiffies, until))
			return false;
		msleep(10);
	}
}

static int write_queue(struct xenbus_transaction xbt, const char *node,
		       unsigned int nr, const struct ring_queue *q)
{
	char key[sizeof("queue-/event-channel") + 10];
	int rc;

	snprintf(key, sizeof(key), "queue-%u/ring-ref", nr);
	rc = xenbus_printf(xbt, node, key, "%u", q->memory.ref[0]);
	if (rc)
		return rc;
	snprintf(key, sizeof(key), "queue-%u/event-channel", nr);
	return xenbus_printf(xbt, node, key, "%u", q->evtchn);
}

static int write_all(struct xenbus_transaction xbt, struct ring_dev *dev)
{
	const char *node = dev->xbdev->nodename;
	int rc = xenbus_printf(xbt, node, "protocol-pv", "%u",
			       dev->kind->version);

	if (!rc)
		rc = xenbus_printf(xbt, node, "multi-queue-num-queues", "%u",
				   dev->nr_queues);
	for (unsigned int i = 0; !rc && i < dev->nr_queues; i++)
		rc = write_queue(xbt, node, i, dev->kind->queue(dev, i));
	return rc;
}

int ring_publish(struct ring_dev *dev)
{
	struct xenbus_transaction xbt;
	int rc;

	do {
		rc = xenbus_transaction_start(&xbt);
		if (rc)
			return rc;
		rc = write_all(xbt, dev);
		if (rc) {
			xenbus_transaction_end(xbt, 1);
			return rc;
		}
		rc = xenbus_transaction_end(xbt, 0);
	} while (rc == -EAGAIN);
	return rc;
}
