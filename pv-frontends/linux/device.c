/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections of devices on our own rings.
 *
 *	InitWait: memory is offered, once -> Initialised
 *	Connected: the device is used     -> Connected
 *	Closing: it is not any more       -> Closed
 *
 * A backend that was started again goes on with the rings as they are, and is
 * not noticed here, even if it begins with InitWait: the memory that a queue was
 * opened with is the device's to its end.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <xen/events.h>

#include "pv-frontends/linux/device.h"
#include "pv-frontends/linux/offer.h"

enum {
	MEMORY_SHARE = 32, /* of all memory, for a device           */
	CLOSE_MS = 5000, /* for a backend to let go of a device     */
	IDLE_EVENTS = 32, /* that bring nothing, before they wait    */
};

/* ---- queues ------------------------------------------------------------------ */

static void silence_queue(struct ring_dev *dev, struct ring_queue *q)
{
	if (q->irq > 0)
		unbind_from_irqhandler(q->irq, q);
	else if (q->evtchn)
		xenbus_free_evtchn(dev->xbdev, q->evtchn);
	q->irq = 0;
	q->evtchn = 0;
}

static void close_queues(struct ring_dev *dev)
{
	for (unsigned int i = 0; i < dev->nr_queues; i++) {
		struct ring_queue *q = dev->kind->queue(dev, i);

		silence_queue(dev, q);
		granted_close(&q->memory);
	}
}

static int open_queue(struct ring_dev *dev, unsigned int nr)
{
	struct ring_queue *q = dev->kind->queue(dev, nr);
	int rc = dev->kind->begin(dev, nr);

	if (!rc)
		rc = xenbus_alloc_evtchn(dev->xbdev, &q->evtchn);
	if (rc)
		return rc;
	rc = bind_evtchn_to_irqhandler_lateeoi(q->evtchn, dev->kind->on_event,
					       0, dev->kind->name, q);
	if (rc < 0)
		return rc;
	q->irq = rc;
	return 0;
}

static int open_queues(struct ring_dev *dev)
{
	for (unsigned int i = 0; i < dev->nr_queues; i++) {
		int rc = open_queue(dev, i);

		if (rc)
			return rc;
	}
	return 0;
}

/*
 * HOSTILE: the kernel slows down who sends events for nothing.  An honest
 * backend does, too, when what it told of was found before the event came; so
 * that has to happen many times in a row.
 */
void ring_event_done(struct ring_queue *q, int irq, bool wanted)
{
	q->idle = wanted ? 0 : min(q->idle + 1, IDLE_EVENTS + 1u);
	xen_irq_lateeoi(irq, q->idle > IDLE_EVENTS ? XEN_EOI_FLAG_SPURIOUS : 0);
}

bool ring_dev_is_open(struct ring_dev *dev)
{
	return dev->kind->queue(dev, 0)->memory.map;
}

unsigned int ring_count_queues(const struct xenbus_device *xbdev,
			       unsigned int wanted, unsigned int most)
{
	unsigned int takes = xenbus_read_unsigned(xbdev->otherend,
						  "multi-queue-max-queues", 1);

	most = min3(most, wanted, num_online_cpus());
	return max(min(most, takes), 1u);
}

unsigned int ring_share_memory(unsigned int areas, unsigned int least,
			       unsigned int most)
{
	return clamp_t(unsigned long, totalram_pages() / MEMORY_SHARE / areas,
		       least, most);
}

/* ---- states -------------------------------------------------------------------- */

/* Offer memory to the backend, which is in InitWait. */
static void offer(struct ring_dev *dev)
{
	int rc = open_queues(dev);

	if (!rc)
		rc = ring_publish(dev);
	if (rc) {
		close_queues(dev);
		xenbus_dev_fatal(dev->xbdev, rc, "offering memory");
		return;
	}
	xenbus_switch_state(dev->xbdev, XenbusStateInitialised);
}

static void on_lied(struct work_struct *work)
{
	struct ring_dev *dev = container_of(work, struct ring_dev, lied);

	mutex_lock(&dev->change);
	xenbus_dev_error(dev->xbdev, -EPROTO, "the ring makes no sense");
	dev->kind->kill(dev);
	xenbus_switch_state(dev->xbdev, XenbusStateClosing);
	mutex_unlock(&dev->change);
}

void ring_otherend_changed(struct xenbus_device *xbdev, enum xenbus_state state)
{
	struct ring_dev *dev = dev_get_drvdata(&xbdev->dev);

	mutex_lock(&dev->change);
	switch (state) {
	case XenbusStateInitWait:
		if (dev->life == RING_NEW && !ring_dev_is_open(dev))
			offer(dev);
		break;
	case XenbusStateConnected:
		if (ring_dev_is_open(dev))
			dev->kind->connected(dev);
		break;
	case XenbusStateClosed:
		/* The end of another connection: we have offered none yet. */
		if (xbdev->state == XenbusStateClosed ||
		    xbdev->state == XenbusStateInitialising)
			break;
		fallthrough;
	case XenbusStateClosing:
		dev->kind->end(dev);
		xenbus_frontend_closed(xbdev);
		break;
	default:
		break;
	}
	mutex_unlock(&dev->change);
}

/* ---- begin and end ---------------------------------------------------------------- */

void ring_dev_init(struct ring_dev *dev, struct xenbus_device *xbdev,
		   const struct ring_kind *kind)
{
	dev->xbdev = xbdev;
	dev->kind = kind;
	mutex_init(&dev->change);
	INIT_WORK(&dev->lied, on_lied);
	dev_set_drvdata(&xbdev->dev, dev);
}

void ring_dev_silence(struct ring_dev *dev)
{
	for (unsigned int i = 0; i < dev->nr_queues; i++)
		silence_queue(dev, dev->kind->queue(dev, i));
}

/* Whoever takes the device next must not see the end of our connection. */
static void end_connection(struct xenbus_device *xbdev)
{
	unsigned long until = jiffies + msecs_to_jiffies(CLOSE_MS);
	enum xenbus_state state;

	xenbus_switch_state(xbdev, XenbusStateClosed);
	do {
		state = xenbus_read_driver_state(xbdev->otherend);
		if (state == XenbusStateClosed || state == XenbusStateUnknown)
			return;
		msleep(10);
	} while (time_before(jiffies, until));
}

void ring_dev_close(struct ring_dev *dev)
{
	ring_dev_silence(dev);
	cancel_work_sync(&dev->lied);
	/* Whoever takes the device next may not speak this. */
	xenbus_rm(XBT_NIL, dev->xbdev->nodename, "protocol-pv");
	end_connection(dev->xbdev);
	close_queues(dev);
	dev_set_drvdata(&dev->xbdev->dev, NULL);
}
