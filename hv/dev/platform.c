/* SPDX-License-Identifier: MIT */
/*
 * platform_op: what the control domain asks of the machine as a whole.
 * ABI.md 11.2.
 */
#include <pv/errno.h>
#include <pv/platform.h>

#include "hv/dev/irq.h"
#include "hv/lib/string.h"
#include "hv/time/time.h"

static long set_time(uint64_t sec, uint32_t nsec, uint64_t system_time)
{
	if (nsec >= 1000000000)
		return -EINVAL;
	wall_clock_set(sec, nsec, system_time);
	for (struct domain *d = domain_next(-1), *next; d; d = next) {
		spin_lock(&d->lock);
		if (!d->dying)
			wall_clock_publish(d->shared_info, d->time_offset_ns);
		spin_unlock(&d->lock);
		next = domain_next(d->id);
		domain_put(d);
	}
	return 0;
}

static long firmware_info(struct pv_pf_firmware_info *info)
{
	static const uint8_t *flags; /* in the BIOS data area */

	switch (info->type) {
	case XEN_FW_DISK_INFO:
	case XEN_FW_DISK_MBR_SIGNATURE:
	case XEN_FW_VBEDDC_INFO:
	case XEN_FW_EFI_INFO: /* runtime services are not offered */
		return -ESRCH;
	case XEN_FW_KBD_SHIFT_FLAGS:
		if (info->index)
			return -ESRCH;
		if (!flags)
			flags = iomap(0x417, 1);
		info->u.kbd_shift_flags = flags ? *flags & 0x70 : 0;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static long get_cpuinfo(struct pv_pf_pcpuinfo *info)
{
	const struct cpu *c;

	c = info->xen_cpuid < nr_cpus ? cpus[info->xen_cpuid] : NULL;
	info->max_present = nr_cpus - 1;
	info->flags = XEN_PCPU_FLAGS_INVALID;
	info->apic_id = info->acpi_id = ~0u;
	if (!c)
		return 0;
	info->flags = c->online ? XEN_PCPU_FLAGS_ONLINE : 0;
	info->apic_id = c->apic_id;
	for (unsigned int i = 0; i < acpi.nr_cpus; i++)
		if (acpi.apic_id[i] == c->apic_id)
			info->acpi_id = acpi.acpi_id[i];
	return 0;
}

static long enter_sleep(const struct pv_pf_enter_acpi_sleep *s)
{
	if (s->sleep_state != 5 || s->flags)
		return -EINVAL;
	machine_poweroff_by(s->val_a, s->val_b);
}

long hc_platform_op(uint64_t arg)
{
	struct pv_platform_op op;
	long rc;

	if (!current->domain->privileged)
		return -EPERM;
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XENPF_INTERFACE_VERSION)
		return -EACCES;
	switch (op.cmd) {
	case XENPF_settime32:
		return set_time(op.u.settime32.secs, op.u.settime32.nsecs,
				op.u.settime32.system_time);
	case XENPF_settime64:
		if (op.u.settime64.mbz)
			return -EINVAL;
		return set_time(op.u.settime64.secs, op.u.settime64.nsecs,
				op.u.settime64.system_time);
	case XENPF_firmware_info:
		rc = firmware_info(&op.u.firmware_info);
		break;
	case XENPF_get_cpuinfo:
		rc = get_cpuinfo(&op.u.pcpu_info);
		break;
	case XENPF_enter_acpi_sleep:
		return enter_sleep(&op.u.enter_acpi_sleep);
	case XENPF_get_dom0_console:
		return -ENODEV; /* the serial console is all there is */
	default:
		return -ENOSYS;
	}
	if (!rc && copy_to_guest(arg, &op, sizeof(op)))
		return -EFAULT;
	return rc;
}
