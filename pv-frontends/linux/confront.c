/* SPDX-License-Identifier: GPL-2.0 */
/*
 * parapet-confront: a terminal on Parapet's own console ring (ABI.md 20).
 *
 * The first console, hvc0, has its ring from before the kernel starts, and keeps
 * it: what the kernel says from its first line to a panic goes there.  Beside it
 * this is xvc0, for programs; at the host both are one console, and what is
 * typed goes to whichever somebody reads.  hvc_console would have room for one
 * more line, too, but its declarations are not among the headers that modules of
 * a distribution get, and it copies everything once more, 16 bytes at a time.
 *
 * What was written is in the ring, which outlives the backend: so it counts as
 * sent.  A full ring stops who writes; a terminal that nobody reads, or that has
 * enough to read, leaves what is typed in the ring and its sender waiting.
 *
 * LOCKING: p->lock is held by whatever looks at the ring, and base.life becomes
 * RING_DEAD under it; nothing that may call back is called with it.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/tty_flip.h>
#include <xen/events.h>
#include <xen/xen.h>

#include "pv-frontends/core/pvcon.h"
#include "pv-frontends/linux/device.h"
#include "pv-frontends/linux/offer.h"

enum {
	OUT_PAGES = 16,
	IN_PAGES = 4,
	LEAST_ROOM = 64, /* less of it is none: a tab is put in one piece */
};

struct pvcon {
	struct ring_dev base;
	struct ring_queue queue;
	struct tty_port port; /* whoever has it open holds it */
	bool registered;
	spinlock_t lock; /* of what follows */
	struct pvcon_front ring;
	struct pv_con_ring *shared; /* HOSTILE */
	bool is_read; /* open, and wants more */
	bool stuffed; /* somebody waits for room */
	u32 window;
	struct work_struct resized; /* the window */
	struct delayed_work starved; /* the terminal had no buffer left */
};

static struct tty_driver *terminals;
static struct pvcon *first; /* the one that there is */
static DEFINE_MUTEX(first_lock);

static struct pvcon *pvcon_of(struct ring_dev *base)
{
	return container_of(base, struct pvcon, base);
}

static bool is_live(const struct pvcon *p)
{
	return p->base.life == RING_LIVE;
}

/* From here on nothing touches the ring. */
static void lied(struct pvcon *p)
{
	p->base.life = RING_DEAD;
	schedule_work(&p->base.lied);
}

static void notify(const struct pvcon *p)
{
	notify_remote_via_irq(p->queue.irq);
}

/* ---- to the backend ----------------------------------------------------------- */

/* Bytes; with less than LEAST_ROOM an event comes when there is more. */
static unsigned int find_room(struct pvcon *p)
{
	int room;

	do {
		room = pvcon_fill_room(&p->ring.out);
		if (room < 0) {
			lied(p);
			return 0;
		}
		p->stuffed = room < LEAST_ROOM;
	} while (p->stuffed && pvcon_fill_wait(&p->ring.out));
	return room;
}

static int write(struct tty_struct *tty, const unsigned char *text, int bytes)
{
	struct pvcon *p = tty->driver_data;
	unsigned long flags;
	unsigned int room;
	int done = 0;

	spin_lock_irqsave(&p->lock, flags);
	while (done < bytes && is_live(p)) {
		room = min_t(unsigned int, find_room(p), bytes - done);
		if (!room)
			break;
		pvcon_fill_put(&p->ring.out, text + done, room);
		done += room;
		if (pvcon_fill_push(&p->ring.out))
			notify(p);
	}
	if (!is_live(p))
		done = -EIO;
	spin_unlock_irqrestore(&p->lock, flags);
	return done;
}

static unsigned int write_room(struct tty_struct *tty)
{
	struct pvcon *p = tty->driver_data;
	unsigned long flags;
	unsigned int room;

	spin_lock_irqsave(&p->lock, flags);
	room = is_live(p) ? find_room(p) : 0;
	spin_unlock_irqrestore(&p->lock, flags);
	return room;
}

/* ---- from the backend ------------------------------------------------------------ */

/* False: the terminal takes no more for now. */
static bool receive_some(struct pvcon *p, unsigned int there)
{
	unsigned char *to;
	int n = tty_prepare_flip_string(&p->port, &to, there);

	if (n <= 0) {
		schedule_delayed_work(&p->starved, 1);
		return false;
	}
	pvcon_drain_copy(&p->ring.in, to, n);
	pvcon_drain_done(&p->ring.in, n);
	tty_flip_buffer_push(&p->port);
	if (pvcon_drain_tell(&p->ring.in))
		notify(p);
	return true;
}

/* All that there is; then an event comes with more. */
static void receive(struct pvcon *p)
{
	int there;

	while (is_live(p) && p->is_read) {
		there = pvcon_drain_there(&p->ring.in);
		if (there < 0) {
			lied(p);
			return;
		}
		if (there ? !receive_some(p, there)
			  : !pvcon_drain_sleep(&p->ring.in))
			return;
	}
}

static void set_read(struct pvcon *p, bool is_read)
{
	unsigned long flags;

	spin_lock_irqsave(&p->lock, flags);
	p->is_read = is_read;
	receive(p);
	spin_unlock_irqrestore(&p->lock, flags);
}

static void on_starved(struct work_struct *work)
{
	struct pvcon *p = container_of(work, struct pvcon, starved.work);
	unsigned long flags;

	spin_lock_irqsave(&p->lock, flags);
	receive(p);
	spin_unlock_irqrestore(&p->lock, flags);
}

static void throttle(struct tty_struct *tty)
{
	set_read(tty->driver_data, false);
}

static void unthrottle(struct tty_struct *tty)
{
	set_read(tty->driver_data, true);
}

/* ---- the window -------------------------------------------------------------------- */

static void resize(struct pvcon *p, struct tty_struct *tty)
{
	u32 window = READ_ONCE(p->window);
	struct winsize size = {
		.ws_row = window >> 16,
		.ws_col = window & 0xffff,
	};

	if (size.ws_row && size.ws_col)
		tty_do_resize(tty, &size);
}

static void on_resized(struct work_struct *work)
{
	struct pvcon *p = container_of(work, struct pvcon, resized);
	struct tty_struct *tty = tty_port_tty_get(&p->port);

	if (tty)
		resize(p, tty);
	tty_kref_put(tty);
}

/* HOSTILE: any number is a window's size. */
static bool look_at_window(struct pvcon *p)
{
	u32 window = PV_LOAD(p->shared->window);

	if (window == p->window)
		return false;
	WRITE_ONCE(p->window, window);
	schedule_work(&p->resized);
	return true;
}

/* ---- events --------------------------------------------------------------------------- */

static irqreturn_t on_event(int irq, void *data)
{
	struct pvcon *p = container_of(data, struct pvcon, queue);
	bool wake = false, wanted = true;
	unsigned long flags;

	spin_lock_irqsave(&p->lock, flags);
	if (is_live(p)) {
		wake = p->stuffed && find_room(p) >= LEAST_ROOM;
		wanted = wake | look_at_window(p) |
			 (pvcon_drain_there(&p->ring.in) != 0);
		receive(p);
	}
	spin_unlock_irqrestore(&p->lock, flags);
	if (wake)
		tty_port_tty_wakeup(&p->port);
	ring_event_done(&p->queue, irq, wanted);
	return IRQ_HANDLED;
}

/* ---- the terminal ----------------------------------------------------------------------- */

/* The backend is told where typed text shall go. */
static int set_open(struct pvcon *p, bool is_open)
{
	unsigned long flags;
	bool live;

	spin_lock_irqsave(&p->lock, flags);
	live = is_live(p);
	p->is_read = is_open;
	if (live) {
		PV_STORE(p->shared->front_state, is_open ? PV_CON_OPEN : 0);
		notify(p);
		receive(p);
	}
	spin_unlock_irqrestore(&p->lock, flags);
	return live ? 0 : -EIO;
}

static int activate(struct tty_port *port, struct tty_struct *tty)
{
	struct pvcon *p = container_of(port, struct pvcon, port);

	resize(p, tty);
	return set_open(p, true);
}

static void shutdown(struct tty_port *port)
{
	set_open(container_of(port, struct pvcon, port), false);
}

static void destruct(struct tty_port *port)
{
	kfree(container_of(port, struct pvcon, port));
}

static const struct tty_port_operations port_ops = {
	.activate = activate,
	.shutdown = shutdown,
	.destruct = destruct,
};

static int install(struct tty_driver *driver, struct tty_struct *tty)
{
	int rc = -ENODEV;

	mutex_lock(&first_lock);
	if (first) {
		tty_port_get(&first->port);
		tty->driver_data = first;
		rc = tty_port_install(&first->port, driver, tty);
		if (rc)
			tty_port_put(&first->port);
	}
	mutex_unlock(&first_lock);
	return rc;
}

static void cleanup(struct tty_struct *tty)
{
	struct pvcon *p = tty->driver_data;

	tty_port_put(&p->port);
}

static int open(struct tty_struct *tty, struct file *file)
{
	struct pvcon *p = tty->driver_data;

	return tty_port_open(&p->port, tty, file);
}

static void close(struct tty_struct *tty, struct file *file)
{
	struct pvcon *p = tty->driver_data;

	tty_port_close(&p->port, tty, file);
}

static void hangup(struct tty_struct *tty)
{
	struct pvcon *p = tty->driver_data;

	tty_port_hangup(&p->port);
}

static const struct tty_operations tty_ops = {
	.install = install,
	.cleanup = cleanup,
	.open = open,
	.close = close,
	.hangup = hangup,
	.write = write,
	.write_room = write_room,
	.throttle = throttle,
	.unthrottle = unthrottle,
};

/* ---- the device ------------------------------------------------------------------------- */

static struct ring_queue *queue_of(struct ring_dev *base, unsigned int nr)
{
	return &pvcon_of(base)->queue;
}

static int begin(struct ring_dev *base, unsigned int nr)
{
	struct pvcon *p = pvcon_of(base);
	struct granted *memory = &p->queue.memory;
	int rc = granted_open(memory, base->xbdev->otherend_id,
			      1 + PV_CON_RING_PAGES + OUT_PAGES + IN_PAGES,
			      offsetof(struct pv_con_dir, ref));

	if (rc)
		return rc;
	p->shared = memory->map;
	pvcon_front_init(&p->ring, memory->dir, p->shared, OUT_PAGES, IN_PAGES);
	return 0;
}

static void set_life(struct pvcon *p, enum ring_life life)
{
	unsigned long flags;

	spin_lock_irqsave(&p->lock, flags);
	p->base.life = life;
	spin_unlock_irqrestore(&p->lock, flags);
}

static void connected(struct ring_dev *base)
{
	struct pvcon *p = pvcon_of(base);
	struct device *dev;

	if (base->life != RING_NEW)
		return;
	set_life(p, RING_LIVE);
	dev = tty_port_register_device(&p->port, terminals, 0,
				       &base->xbdev->dev);
	if (IS_ERR(dev)) {
		set_life(p, RING_DEAD);
		xenbus_dev_fatal(base->xbdev, PTR_ERR(dev),
				 "adding the terminal");
		return;
	}
	p->registered = true;
	xenbus_switch_state(base->xbdev, XenbusStateConnected);
	dev_info(&base->xbdev->dev, "%s0: pages=%u+%u\n", terminals->name,
		 OUT_PAGES, IN_PAGES);
}

/* Whoever has it open reads to its end, and cannot write. */
static void kill(struct ring_dev *base)
{
	struct pvcon *p = pvcon_of(base);

	set_life(p, RING_DEAD);
	tty_port_tty_hangup(&p->port, false);
}

static const struct ring_kind kind = {
	.name = "parapet-confront",
	.version = PV_CON_VERSION,
	.on_event = on_event,
	.queue = queue_of,
	.begin = begin,
	.connected = connected,
	.kill = kill,
	.end = kill,
};

static struct pvcon *alloc_first(void)
{
	struct pvcon *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return NULL;
	p->base.nr_queues = 1;
	spin_lock_init(&p->lock);
	INIT_WORK(&p->resized, on_resized);
	INIT_DELAYED_WORK(&p->starved, on_starved);
	tty_port_init(&p->port);
	p->port.ops = &port_ops;
	mutex_lock(&first_lock);
	if (!first) {
		first = p;
		p = NULL;
	}
	mutex_unlock(&first_lock);
	if (!p)
		return first;
	tty_port_put(&p->port);
	return NULL;
}

static int probe(struct xenbus_device *xbdev, const struct xenbus_device_id *id)
{
	struct pvcon *p;

	if (!is_ring_offered(xbdev))
		return -ENODEV;
	p = alloc_first();
	if (!p)
		return -ENOMEM;
	ring_dev_init(&p->base, xbdev, &kind);
	xenbus_switch_state(xbdev, XenbusStateInitialising);
	return 0;
}

/* Who has it open keeps a terminal that has nothing behind it. */
static void hang_up(struct pvcon *p)
{
	struct tty_struct *tty;

	mutex_lock(&first_lock);
	first = NULL;
	mutex_unlock(&first_lock);
	if (p->registered)
		tty_unregister_device(terminals, 0);
	tty = tty_port_tty_get(&p->port);
	if (tty)
		tty_vhangup(tty);
	tty_kref_put(tty);
	set_life(p, RING_DEAD);
}

static void forget(struct xenbus_device *xbdev)
{
	struct pvcon *p = pvcon_of(dev_get_drvdata(&xbdev->dev));

	hang_up(p);
	ring_dev_silence(&p->base);
	cancel_work_sync(&p->resized);
	cancel_delayed_work_sync(&p->starved);
	ring_dev_close(&p->base);
	tty_port_put(&p->port);
}

static const struct xenbus_device_id ids[] = {{"pvconsole"}, {""}};

static struct xenbus_driver driver = {
	.name = "parapet-confront",
	.ids = ids,
	.probe = probe,
	.remove = forget,
	.otherend_changed = ring_otherend_changed,
};

static int make_terminals(void)
{
	int rc;

	terminals = tty_alloc_driver(1, TTY_DRIVER_REAL_RAW |
						TTY_DRIVER_DYNAMIC_DEV);
	if (IS_ERR(terminals))
		return PTR_ERR(terminals);
	terminals->driver_name = "parapet-confront";
	terminals->name = "xvc";
	terminals->type = TTY_DRIVER_TYPE_SYSTEM;
	terminals->init_termios = tty_std_termios;
	terminals->init_termios.c_cflag |= CLOCAL;
	tty_set_operations(terminals, &tty_ops);
	rc = tty_register_driver(terminals);
	if (rc)
		tty_driver_kref_put(terminals);
	return rc;
}

static void free_terminals(void)
{
	tty_unregister_driver(terminals);
	tty_driver_kref_put(terminals);
}

static int __init start(void)
{
	int rc;

	if (!xen_domain())
		return -ENODEV;
	rc = make_terminals();
	if (rc)
		return rc;
	rc = xenbus_register_frontend(&driver);
	if (rc)
		free_terminals();
	return rc;
}
module_init(start);

static void __exit finish(void)
{
	xenbus_unregister_driver(&driver);
	free_terminals();
}
module_exit(finish);

MODULE_DESCRIPTION("A terminal on Parapet's own console ring");
MODULE_LICENSE("GPL");
MODULE_ALIAS("xen:pvconsole");
