/* SPDX-License-Identifier: MIT */
/*
 * physdev_op: the control domain's interrupts and PCI devices; the virtual
 * IOPL of any domain.  ABI.md 11.1.
 *
 * PCI devices need no registration here: messages are set up by bus address
 * when they are mapped.  The calls that announce devices only check them.
 */
#include <pv/errno.h>
#include <pv/physdev.h>

#include "hv/dev/irq.h"

union physdev_arg {
	struct pv_physdev_eoi eoi;
	struct pv_physdev_pirq_eoi_gmfn gmfn;
	struct pv_physdev_irq_status_query status;
	struct pv_physdev_set_iopl iopl;
	struct pv_physdev_set_iobitmap iobitmap;
	struct pv_physdev_apic apic;
	struct pv_physdev_irq irq;
	struct pv_physdev_map_pirq map;
	struct pv_physdev_unmap_pirq unmap;
	struct pv_physdev_manage_pci pci;
	struct pv_physdev_manage_pci_ext pci_ext;
	struct pv_physdev_setup_gsi gsi;
	struct pv_physdev_nr_pirqs nr;
	struct pv_physdev_get_free_pirq free;
	struct pv_physdev_pci_mmcfg_reserved mmcfg;
	struct pv_physdev_pci_device device;
};

static long set_iopl(union physdev_arg *a)
{
	if (a->iopl.iopl > 3)
		return -EINVAL;
	current->iopl = a->iopl.iopl;
	context_load_control(current);
	return 0;
}

static long set_iobitmap(union physdev_arg *a)
{
	return dev_port_bitmap(current, a->iobitmap.bitmap,
			       a->iobitmap.nr_ports);
}

static long eoi(union physdev_arg *a)
{
	return irq_eoi(current->domain, a->eoi.irq);
}

static long share_eoi_map(union physdev_arg *a)
{
	return irq_share_eoi_map(current->domain, a->gmfn.gmfn);
}

static long query_status(union physdev_arg *a)
{
	if (a->status.irq >= NR_IRQS)
		return -EINVAL;
	a->status.flags =
		irq_needs_eoi(&irqs[a->status.irq]) ? XENIRQSTAT_needs_eoi : 0;
	return 0;
}

static long read_apic(union physdev_arg *a)
{
	return ioapic_read(a->apic.apic_physbase, a->apic.reg, &a->apic.value);
}

/* Accepted: an older kernel sets up pins itself, after setup_gsi did. */
static long write_apic(union physdev_arg *a)
{
	return ioapic_read(a->apic.apic_physbase, 0, &a->apic.value);
}

static long alloc_vector(union physdev_arg *a)
{
	if (a->irq.irq >= NR_IRQS)
		return -EINVAL;
	a->irq.vector = VEC_FIRST_DEV + a->irq.irq % 64; /* only stored */
	return 0;
}

static long map_pirq(union physdev_arg *a)
{
	struct domain *d = current->domain;
	struct pv_physdev_map_pirq *m = &a->map;
	uint32_t bdf = (m->bus & 0xff) << 8 | (m->devfn & 0xff);
	int rc;

	if (m->domid != DOMID_SELF && m->domid != d->id)
		return -EINVAL;
	switch (m->type) {
	case MAP_PIRQ_TYPE_GSI:
		if (m->pirq >= 0 && m->pirq != m->index)
			return -EINVAL;
		rc = irq_map_gsi(d, m->index);
		break;
	case MAP_PIRQ_TYPE_MSI:
	case MAP_PIRQ_TYPE_MSI_SEG:
	case MAP_PIRQ_TYPE_MULTI_MSI:
		if (m->type != MAP_PIRQ_TYPE_MSI && (uint32_t)m->bus >> 16)
			return -ENODEV;
		if (m->type == MAP_PIRQ_TYPE_MULTI_MSI)
			rc = irq_map_msi(d, bdf, m->entry_nr);
		else if (m->table_base)
			rc = irq_map_msix(d, bdf, m->table_base, m->entry_nr);
		else
			rc = irq_map_msi(d, bdf, 1);
		break;
	default:
		return -EINVAL;
	}
	if (rc < 0)
		return rc;
	m->pirq = rc;
	return 0;
}

static long unmap_pirq(union physdev_arg *a)
{
	struct domain *d = current->domain;

	if (a->unmap.domid != DOMID_SELF && a->unmap.domid != d->id)
		return -EINVAL;
	return irq_unmap(d, a->unmap.pirq);
}

static long setup_gsi(union physdev_arg *a)
{
	return irq_set_trigger(a->gsi.gsi, a->gsi.triggering, a->gsi.polarity);
}

static long nr_pirqs(union physdev_arg *a)
{
	a->nr.nr_pirqs = NR_IRQS;
	return 0;
}

static long free_pirq(union physdev_arg *a)
{
	int pirq = irq_reserve(current->domain);

	if (pirq < 0)
		return pirq;
	a->free.pirq = pirq;
	return 0;
}

static long check_device(uint16_t seg, uint8_t bus, uint8_t devfn)
{
	bool there;

	spin_lock(&irq_lock);
	there = !seg && pci_present(bus << 8 | devfn);
	spin_unlock(&irq_lock);
	return there ? 0 : -ENODEV;
}

static long pci_add(union physdev_arg *a)
{
	return check_device(0, a->pci.bus, a->pci.devfn);
}

static long device_add(union physdev_arg *a)
{
	return check_device(a->device.seg, a->device.bus, a->device.devfn);
}

/* What is mapped stays until the kernel unmaps it. */
static long device_remove(union physdev_arg *a)
{
	return a->device.seg ? -ENODEV : 0;
}

static long pci_remove(union physdev_arg *a)
{
	(void)a;
	return 0;
}

static long pci_restore(union physdev_arg *a)
{
	return irq_restore_messages(a->pci.bus << 8 | a->pci.devfn);
}

static long device_restore(union physdev_arg *a)
{
	if (a->device.seg)
		return -ENODEV;
	return irq_restore_messages(a->device.bus << 8 | a->device.devfn);
}

static long mmcfg_reserved(union physdev_arg *a)
{
	return a->mmcfg.start_bus > a->mmcfg.end_bus ? -EINVAL : 0;
}

enum {
	ANY = 1,
	OUT = 2
};

/* flags: ANY domain may call; the argument is copied OUT */
static const struct {
	long (*fn)(union physdev_arg *a);
	uint8_t size, flags;
} table[] = {
#define OP(name, fn, member, flags)                                            \
	[PHYSDEVOP_##                                                          \
		name] = {fn, sizeof(((union physdev_arg *)0)->member), flags}
	OP(irq_status_query, query_status, status, OUT),
	OP(set_iopl, set_iopl, iopl, ANY),
	OP(set_iobitmap, set_iobitmap, iobitmap, ANY),
	OP(apic_read, read_apic, apic, OUT),
	OP(apic_write, write_apic, apic, 0),
	OP(alloc_irq_vector, alloc_vector, irq, OUT),
	OP(eoi, eoi, eoi, 0),
	OP(map_pirq, map_pirq, map, OUT),
	OP(unmap_pirq, unmap_pirq, unmap, 0),
	OP(manage_pci_add, pci_add, pci, 0),
	OP(manage_pci_remove, pci_remove, pci, 0),
	OP(restore_msi, pci_restore, pci, 0),
	OP(manage_pci_add_ext, pci_add, pci_ext, 0),
	OP(setup_gsi, setup_gsi, gsi, 0),
	OP(get_nr_pirqs, nr_pirqs, nr, OUT),
	OP(get_free_pirq, free_pirq, free, OUT),
	OP(pci_mmcfg_reserved, mmcfg_reserved, mmcfg, 0),
	OP(pci_device_add, device_add, device, 0),
	OP(pci_device_remove, device_remove, device, 0),
	OP(restore_msi_ext, device_restore, device, 0),
	OP(pirq_eoi_gmfn_v2, share_eoi_map, gmfn, ANY),
	OP(prepare_msix, device_add, device, 0),
	OP(release_msix, device_add, device, 0),
#undef OP
};

long hc_physdev_op(uint32_t cmd, uint64_t arg)
{
	union physdev_arg a = {0};
	long rc;

	if (cmd >= ARRAY_SIZE(table) || !table[cmd].fn)
		return -ENOSYS;
	if (!current->domain->privileged && !(table[cmd].flags & ANY))
		return -EPERM;
	if (copy_from_guest(&a, arg, table[cmd].size))
		return -EFAULT;
	rc = table[cmd].fn(&a);
	if (!rc && (table[cmd].flags & OUT) &&
	    copy_to_guest(arg, &a, table[cmd].size))
		return -EFAULT;
	return rc;
}
