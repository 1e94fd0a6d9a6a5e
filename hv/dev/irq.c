/* SPDX-License-Identifier: MIT */
/*
 * Physical interrupts.
 *
 * An irq is a pin of an IO-APIC (its number is the GSI) or a message of a PCI
 * device (numbers above the pins).  It is sent to one vector of one CPU, the
 * CPU on which the vcpu runs that takes the event.  Only the control domain
 * has interrupts; its PIRQ numbers are the irqs' numbers.
 *
 *   pins exist from boot -> mapped (PIRQ) -> bound (a port)
 *   messages come with their mapping and go with it
 *
 * A level-triggered pin is masked when it is delivered and unmasked by the
 * domain's EOI, so that a slow domain costs nothing; all others are taken as
 * they come.  An irq that comes faster than any device should is masked for a
 * moment.
 *
 * A message that was sent before the irq moved to another CPU may arrive after
 * it: the old vector stays valid until the first arrival at the new one.
 *
 * LOCKING  irq_lock covers everything here; ports are raised under it.
 */
#include <pv/errno.h>

#include "hv/console/console.h"
#include "hv/cpu/asm.h"
#include "hv/dev/irq.h"
#include "hv/evtchn/evtchn.h"
#include "hv/lib/log.h"
#include "hv/time/time.h"

#define STORM_WINDOW 10000000ull /* ns */
#define STORM_COUNT  5000

spinlock_t irq_lock = SPINLOCK_INIT(RUNG_IRQ);
struct irq irqs[NR_IRQS];
unsigned int nr_gsis;

static uint16_t by_vector[MAX_CPUS][256]; /* irq + 1, 0: none */
static struct timer storm_timer;

/* What d->irqs points to; the control domain's alone. */
struct irq_domain {
	mfn_t eoi_mfn;
	uint64_t *eoi_map; /* one bit per PIRQ, shared with the guest */
};

static uint32_t number(const struct irq *irq)
{
	return irq - irqs;
}

/* The irq that @d has mapped as @pirq, or NULL. */
static struct irq *find(const struct domain *d, uint32_t pirq)
	MUST_HOLD(irq_lock)
{
	struct irq *irq = pirq < NR_IRQS ? &irqs[pirq] : NULL;

	return irq && irq->mapped && irq->owner == d ? irq : NULL;
}

/* ---- vectors -------------------------------------------------------------- */

/* @n free vectors of @cpu, aligned to @n (a power of two); 0: none left. */
static unsigned int vectors_find(unsigned int cpu, unsigned int n)
{
	for (unsigned int v = ROUND_UP(VEC_FIRST_DEV, n);
	     v + n - 1 <= VEC_LAST_DEV; v += n) {
		unsigned int i = 0;

		while (i < n && !by_vector[cpu][v + i])
			i++;
		if (i == n)
			return v;
	}
	return 0;
}

static void vector_take(struct irq *irq, unsigned int cpu, unsigned int v)
{
	by_vector[cpu][v] = number(irq) + 1;
	irq->cpu = cpu;
	irq->vector = v;
}

static void old_vector_drop(struct irq *irq)
{
	if (irq->old_vector)
		by_vector[irq->old_cpu][irq->old_vector] = 0;
	irq->old_vector = 0;
}

static void vectors_drop(struct irq *irq)
{
	old_vector_drop(irq);
	if (irq->vector)
		by_vector[irq->cpu][irq->vector] = 0;
	irq->vector = 0;
}

/* Where a domain's interrupts go at first: to its first vcpu's CPU. */
static unsigned int home_cpu(const struct domain *d)
{
	return d->vcpu[0] ? d->vcpu[0]->cpu : 0;
}

/* ---- masks and routes ----------------------------------------------------- */

static bool wants_mask(const struct irq *irq)
{
	return !irq->bound || irq->waiting || irq->stormed;
}

static void refresh_mask(struct irq *irq) MUST_HOLD(irq_lock)
{
	if (irq->kind == IRQ_GSI)
		ioapic_mask(number(irq), wants_mask(irq));
	else
		msi_mask(irq, wants_mask(irq));
}

static void program(struct irq *irq) MUST_HOLD(irq_lock)
{
	if (irq->kind == IRQ_GSI)
		ioapic_program(number(irq), irq, wants_mask(irq));
	else
		msi_program(irq);
}

/*
 * A message of a device without mask bits changes in two writes: the vector
 * must then stay the same, so that every mixture of old and new is valid.
 */
static void move(struct irq *irq, unsigned int cpu) MUST_HOLD(irq_lock)
{
	unsigned int v;

	if (irq->cpu == cpu || irq->group != 1 || irq->old_vector ||
	    !irq->vector)
		return;
	if (irq->kind == IRQ_GSI || msi_maskable(irq))
		v = vectors_find(cpu, 1);
	else
		v = by_vector[cpu][irq->vector] ? 0 : irq->vector;
	if (!v)
		return;
	irq->old_cpu = irq->cpu;
	irq->old_vector = irq->vector;
	vector_take(irq, cpu, v);
	program(irq);
}

bool irq_needs_eoi(const struct irq *irq)
{
	return irq->kind == IRQ_GSI && irq->level;
}

static void refresh_eoi_map(const struct irq *irq)
{
	const struct irq_domain *id = irq->owner ? irq->owner->irqs : NULL;
	unsigned int nr = number(irq);

	if (!id || !id->eoi_map)
		return;
	if (irq_needs_eoi(irq))
		atomic_test_and_set_bit(nr, id->eoi_map);
	else
		atomic_test_and_clear_bit(nr, id->eoi_map);
}

/* ---- arrival -------------------------------------------------------------- */

static void storm_over(void *arg)
{
	(void)arg;
	spin_lock(&irq_lock);
	for (unsigned int i = 0; i < NR_IRQS; i++) {
		if (!irqs[i].stormed)
			continue;
		irqs[i].stormed = false;
		refresh_mask(&irqs[i]);
	}
	spin_unlock(&irq_lock);
}

static void count_arrival(struct irq *irq) MUST_HOLD(irq_lock)
{
	uint64_t now = now_ns();

	if (now - irq->window > STORM_WINDOW) {
		irq->window = now;
		irq->count = 0;
	}
	if (++irq->count < STORM_COUNT || irq->stormed)
		return;
	irq->stormed = true;
	refresh_mask(irq);
	timer_set(&storm_timer, now + STORM_WINDOW);
	if (log_guest_allowed())
		log_warn("irq: %u comes too often, masked for a moment",
			 number(irq));
}

/* From entry, interrupts off: device vector @vector of this CPU. */
void irq_handle(uint8_t vector)
{
	unsigned int cpu = this_cpu->id;
	struct irq *irq;

	spin_lock(&irq_lock);
	if (!by_vector[cpu][vector]) {
		spin_unlock(&irq_lock);
		lapic_eoi();
		if (log_guest_allowed())
			log_warn("irq: vector 0x%x of cpu%u is nobody's",
				 vector, cpu);
		return;
	}
	irq = &irqs[by_vector[cpu][vector] - 1];
	irq->waiting |= irq_needs_eoi(irq);
	if (wants_mask(irq))
		refresh_mask(irq);
	lapic_eoi(); /* a level pin is masked first, or it fires again */
	if (vector == irq->vector && cpu == irq->cpu)
		old_vector_drop(irq);
	count_arrival(irq);
	if (irq->bound)
		evtchn_send_port(irq->owner, irq->port);
	spin_unlock(&irq_lock);
}

int irq_eoi(struct domain *d, uint32_t pirq)
{
	struct irq *irq;

	spin_lock(&irq_lock);
	irq = find(d, pirq);
	if (irq && irq->waiting) {
		irq->waiting = false;
		refresh_mask(irq);
	}
	spin_unlock(&irq_lock);
	return irq ? 0 : -EINVAL;
}

/* ---- binding, for the event channels -------------------------------------- */

static int bind(struct domain *d, uint32_t pirq, uint32_t port, bool share)
{
	unsigned int v;
	struct irq *irq;
	int rc = -EINVAL;

	(void)share; /* one domain has interrupts: nobody to share with */
	spin_lock(&irq_lock);
	irq = find(d, pirq);
	if (!irq)
		goto unlock;
	rc = -EEXIST;
	if (irq->bound)
		goto unlock;
	rc = -ENOSPC;
	if (!irq->vector) {
		v = vectors_find(home_cpu(d), 1);
		if (!v)
			goto unlock;
		vector_take(irq, home_cpu(d), v);
	}
	rc = 0;
	irq->port = port;
	irq->bound = true;
	irq->waiting = false;
	if (irq->kind == IRQ_GSI)
		program(irq);
	else
		refresh_mask(irq);
unlock:
	spin_unlock(&irq_lock);
	return rc;
}

static void silence(struct irq *irq) MUST_HOLD(irq_lock)
{
	irq->bound = irq->waiting = false;
	refresh_mask(irq);
}

static void unbind(struct domain *d, uint32_t pirq)
{
	struct irq *irq;

	spin_lock(&irq_lock);
	irq = find(d, pirq);
	if (irq)
		silence(irq);
	spin_unlock(&irq_lock);
}

/* @v takes the event from now on: interrupt the CPU that it runs on. */
static void rebind(struct domain *d, uint32_t pirq, struct vcpu *v)
{
	struct irq *irq;

	spin_lock(&irq_lock);
	irq = find(d, pirq);
	if (irq && irq->bound)
		move(irq, v->cpu);
	spin_unlock(&irq_lock);
}

static const struct pirq_ops ops = {
	.bind = bind,
	.unbind = unbind,
	.rebind = rebind,
};

/* ---- mapping -------------------------------------------------------------- */

static uint32_t console_gsi = UINT32_MAX;

void irq_claim_console(void)
{
	const struct irq pin = {.kind = IRQ_GSI, .vector = VEC_CONSOLE};
	uint32_t isa = console_ports() == 0x2f8 ? 3 : 4;
	uint32_t gsi = acpi.isa_override[isa].gsi;

	if (!console_ports() || gsi >= nr_gsis)
		return;
	console_gsi = gsi;
	spin_lock(&irq_lock);
	ioapic_program(gsi, &pin, false);
	spin_unlock(&irq_lock);
	console_listen();
}

int irq_map_gsi(struct domain *d, uint32_t gsi)
{
	if (!d->irqs || gsi >= nr_gsis)
		return -EINVAL;
	if (gsi == console_gsi)
		return -EBUSY;
	spin_lock(&irq_lock);
	irqs[gsi].mapped = true;
	irqs[gsi].owner = d;
	refresh_eoi_map(&irqs[gsi]);
	spin_unlock(&irq_lock);
	return gsi;
}

/* @n consecutive unused irqs above the pins; 0: none left. */
static unsigned int find_unused(unsigned int n)
{
	unsigned int run = 0;

	for (unsigned int i = nr_gsis; i < NR_IRQS; i++) {
		run = irqs[i].kind == IRQ_NONE && !irqs[i].mapped ? run + 1 : 0;
		if (run == n)
			return i - n + 1;
	}
	return 0;
}

/* Make @n irqs from @template, with vectors of their own, still masked. */
static int map_messages(struct domain *d, const struct irq *template,
			unsigned int n) MUST_HOLD(irq_lock)
{
	unsigned int order = 1, cpu = home_cpu(d), first, v;

	while (order < n)
		order *= 2;
	first = find_unused(n);
	v = vectors_find(cpu, order);
	if (!first || !v)
		return -ENOSPC;
	for (unsigned int i = 0; i < n; i++) {
		struct irq *irq = &irqs[first + i];

		*irq = *template;
		irq->mapped = true;
		irq->owner = d;
		irq->entry += i;
		irq->group = i ? 0 : n;
		vector_take(irq, cpu, v + i);
		refresh_eoi_map(irq);
		msi_mask(irq, true);
	}
	msi_program(&irqs[first]);
	return first;
}

int irq_map_msi(struct domain *d, uint32_t bdf, unsigned int n)
{
	struct irq template = {.kind = IRQ_MSI, .bdf = bdf};
	int rc;

	if (!d->irqs || !n || n > MAX_MSI)
		return -EINVAL;
	spin_lock(&irq_lock);
	rc = msi_check(bdf, n);
	if (rc > 0) {
		template.cap = rc;
		rc = map_messages(d, &template, n);
	}
	spin_unlock(&irq_lock);
	return rc;
}

int irq_map_msix(struct domain *d, uint32_t bdf, uint64_t table_base,
		 unsigned int entry)
{
	struct irq template = {.kind = IRQ_MSIX, .bdf = bdf, .entry = entry};
	int rc;

	if (!d->irqs)
		return -EINVAL;
	spin_lock(&irq_lock);
	rc = msix_open(bdf, table_base, entry, &template.slot);
	if (rc > 0) {
		template.cap = rc;
		rc = map_messages(d, &template, 1);
	}
	spin_unlock(&irq_lock);
	return rc;
}

int irq_reserve(struct domain *d)
{
	unsigned int nr;

	spin_lock(&irq_lock);
	nr = find_unused(1);
	if (nr) {
		irqs[nr].mapped = true;
		irqs[nr].owner = d;
		irqs[nr].group = 1;
	}
	spin_unlock(&irq_lock);
	return nr ? (int)nr : -ENOSPC;
}

static void unmap(struct irq *irq) MUST_HOLD(irq_lock)
{
	unsigned int n = irq->kind == IRQ_GSI ? 1 : irq->group;

	for (unsigned int i = 0; i < n; i++, irq++) {
		silence(irq);
		vectors_drop(irq);
		irq->mapped = false;
		irq->owner = NULL;
		if (irq->kind != IRQ_GSI)
			*irq = (struct irq){0};
	}
}

int irq_unmap(struct domain *d, uint32_t pirq)
{
	struct irq *irq;
	int rc = -EINVAL;

	spin_lock(&irq_lock);
	irq = find(d, pirq);
	/* The others of a set go with its first. */
	if (irq && irq->group) {
		unmap(irq);
		rc = 0;
	}
	spin_unlock(&irq_lock);
	return rc;
}

int irq_set_trigger(uint32_t gsi, bool level, bool low)
{
	struct irq *irq;

	if (gsi >= nr_gsis)
		return -EINVAL;
	irq = &irqs[gsi];
	spin_lock(&irq_lock);
	if (irq->level != level || irq->low != low) {
		irq->level = level;
		irq->low = low;
		irq->waiting &= level;
		if (irq->vector)
			program(irq);
		refresh_eoi_map(irq);
	}
	spin_unlock(&irq_lock);
	return 0;
}

int irq_restore_messages(uint32_t bdf)
{
	int rc = -ENODEV;

	spin_lock(&irq_lock);
	if (pci_present(bdf))
		rc = 0;
	for (unsigned int i = nr_gsis; !rc && i < NR_IRQS; i++) {
		if (irqs[i].kind == IRQ_NONE || irqs[i].bdf != bdf)
			continue;
		if (irqs[i].group)
			msi_program(&irqs[i]);
		refresh_mask(&irqs[i]);
	}
	spin_unlock(&irq_lock);
	return rc;
}

/* ---- domains -------------------------------------------------------------- */

int irq_share_eoi_map(struct domain *d, uint64_t mfn)
{
	struct irq_domain *id = d->irqs;
	int rc;

	if (!id)
		return -ENOSYS;
	rc = frame_get_typed(mfn_of(mfn), d, FT_WRITABLE);
	if (rc)
		return -EINVAL;
	spin_lock(&irq_lock);
	if (id->eoi_map) {
		rc = -EBUSY;
	} else {
		id->eoi_mfn = mfn_of(mfn);
		id->eoi_map = direct_map(id->eoi_mfn);
		for (unsigned int i = 0; i < NR_IRQS; i++)
			if (irqs[i].owner == d)
				refresh_eoi_map(&irqs[i]);
	}
	spin_unlock(&irq_lock);
	if (rc)
		frame_put_typed(mfn_of(mfn));
	return rc;
}

int irq_domain_init(struct domain *d)
{
	if (d->privileged)
		d->irqs = hv_alloc(sizeof(struct irq_domain));
	return d->privileged && !d->irqs ? -ENOMEM : 0;
}

void irq_domain_destroy(struct domain *d)
{
	struct irq_domain *id = d->irqs;
	bool shared;

	if (!id)
		return;
	spin_lock(&irq_lock);
	for (unsigned int i = 0; i < NR_IRQS; i++)
		if (irqs[i].owner == d && irqs[i].group)
			unmap(&irqs[i]);
	d->irqs = NULL;
	shared = id->eoi_map;
	spin_unlock(&irq_lock);
	if (shared)
		frame_put_typed(id->eoi_mfn);
	hv_free(id);
}

/* After acpi_boot and time_boot, on the boot CPU. */
void irq_boot(void)
{
	/* The old controllers: silent for ever. */
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	nr_gsis = ioapic_boot();
	for (unsigned int i = 0; i < nr_gsis; i++) {
		irqs[i].kind = IRQ_GSI;
		irqs[i].group = 1;
		irqs[i].level = irqs[i].low = i >= 16; /* PCI's way */
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(acpi.isa_override); i++) {
		uint32_t gsi = acpi.isa_override[i].gsi;

		if (gsi >= nr_gsis)
			continue;
		irqs[gsi].level = acpi.isa_override[i].level;
		irqs[gsi].low = acpi.isa_override[i].low;
	}
	timer_init(&storm_timer, storm_over, NULL, 0);
	pirq_ops = &ops;
	log_info("irq: %u pins, %u irqs", nr_gsis, NR_IRQS);
}
