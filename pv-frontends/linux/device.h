/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all devices on our own rings have in common: queues that are memory
 * granted once and a port, the states of a connection, and its end.
 *
 * LOCKING: dev->change is held by whatever changes dev->life, but for a part of
 * the device that finds the backend lying: the callbacks of xenbus, and the
 * works, which it does not serialize with them.
 */
#ifndef PV_FRONTENDS_LINUX_DEVICE_H
#define PV_FRONTENDS_LINUX_DEVICE_H

#include <linux/interrupt.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>

#include "pv-frontends/linux/granted.h"

/* The first member of a device's own queues. */
struct ring_queue {
	struct granted memory;
	evtchn_port_t evtchn;
	int irq;
	unsigned int idle; /* events in a row that brought nothing */
};

enum ring_life {
	RING_NEW, /* nothing uses the rings yet                     */
	RING_LIVE, /* they are in use                               */
	RING_DEAD, /* nothing goes to them                          */
};

struct ring_dev;

/* What a kind of devices is.  The functions are called with dev->change held. */
struct ring_kind {
	const char *name; /* of the interrupts */
	unsigned int version; /* of its protocol */
	irq_handler_t on_event; /* its data is the struct ring_queue */
	struct ring_queue *(*queue)(struct ring_dev *dev, unsigned int nr);
	/* Grant a queue's memory, which has none, and begin in it; 0 or an errno.
	 * On failure, too, there is something for granted_close(). */
	int (*begin)(struct ring_dev *dev, unsigned int nr);
	/* The backend has all it needs; may come again. */
	void (*connected)(struct ring_dev *dev);
	/* Nothing goes to the rings from here on; in any life.  The backend may
	 * be lying, or it ends the device and still answers for a while. */
	void (*kill)(struct ring_dev *dev);
	void (*end)(struct ring_dev *dev);
};

struct ring_dev {
	struct xenbus_device *xbdev;
	const struct ring_kind *kind;
	unsigned int nr_queues;
	struct mutex change; /* of what follows */
	enum ring_life life;
	struct work_struct lied; /* the backend broke the protocol */
};

/* As many queues as the backend takes, are wanted, and are of use; 1 or more. */
unsigned int ring_count_queues(const struct xenbus_device *xbdev,
			       unsigned int wanted, unsigned int most);
/* Pages, of each of that many areas: a part of all memory. */
unsigned int ring_share_memory(unsigned int areas, unsigned int least,
			       unsigned int most);

/* A device of that kind, zeroed but for nr_queues, becomes the driver's; the
 * backend is told to begin by the caller. */
void ring_dev_init(struct ring_dev *dev, struct xenbus_device *xbdev,
		   const struct ring_kind *kind);
/* Does the backend have our memory, or is it about to? */
bool ring_dev_is_open(struct ring_dev *dev);
/* The end of on_event(): did the event bring anything? */
void ring_event_done(struct ring_queue *q, int irq, bool wanted);
/* No interrupt, and so no answer, from here on. */
void ring_dev_silence(struct ring_dev *dev);
/* Nothing looks at the rings but an interrupt: the end of the connection. */
void ring_dev_close(struct ring_dev *dev);

/* The driver's: of a device whose drvdata is its struct ring_dev. */
void ring_otherend_changed(struct xenbus_device *xbdev,
			   enum xenbus_state state);

#endif
