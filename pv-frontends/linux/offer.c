/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the backend of a device offers.
 *
 * The backend of a device that was just made may not have said yet what it can
 * do; one that is in use has.  It says it before its state, so the state is
 * read first.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>

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
