/* SPDX-License-Identifier: MIT */
/* Hypercalls that tell and say: version, features, console, assists. */
#include <pv/console.h>
#include <pv/errno.h>
#include <pv/ext.h>
#include <pv/hypercalls.h>
#include <pv/mmu.h>
#include <pv/version.h>

#include "hv/console/console.h"
#include "hv/dispatch/dispatch.h"
#include "hv/lib/string.h"

#define CONSOLE_CHUNK 256
#define CONSOLE_RUN   4096 /* bytes before interrupts get their turn */

const char *hv_command_line = "";

static uint32_t feature_submap(uint32_t index)
{
	uint32_t map = 1u << XENFEAT_mmu_pt_update_preserve_ad |
		       1u << XENFEAT_gnttab_map_avail_bits;

	if (index)
		return 0;
	if (current->domain->privileged)
		map |= 1u << XENFEAT_dom0;
	return map;
}

static long get_features(uint64_t arg)
{
	struct pv_feature_info f;

	if (copy_from_guest(&f, arg, sizeof(f)))
		return -EFAULT;
	if (f.submap_idx >= XENFEAT_NR_SUBMAPS)
		return -EINVAL;
	f.submap = feature_submap(f.submap_idx);
	return copy_to_guest(arg, &f, sizeof(f)) ? -EFAULT : 0;
}

static long tell(uint64_t arg, const void *what, size_t n)
{
	return copy_to_guest(arg, what, n) ? -EFAULT : 0;
}

long hc_xen_version(uint64_t cmd, uint64_t arg)
{
	static const struct pv_extraversion extra = {".parapet"};
	static const struct pv_compile_info compile = {.compiler = "C compiler",
						       .compile_by = "parapet"};
	static const struct pv_capabilities_info caps = {"xen-3.0-x86_64 "};
	static const struct pv_changeset_info changeset = {"unavailable"};
	const struct pv_platform_parameters platform = {HYPERVISOR_VIRT_START};
	struct pv_commandline line = {""};

	switch (cmd) {
	case XENVER_version:
		return PV_VERSION_MAJOR << 16 | PV_VERSION_MINOR;
	case XENVER_extraversion:
		return tell(arg, &extra, sizeof(extra));
	case XENVER_compile_info:
		return tell(arg, &compile, sizeof(compile));
	case XENVER_capabilities:
		return tell(arg, &caps, sizeof(caps));
	case XENVER_changeset:
		return tell(arg, &changeset, sizeof(changeset));
	case XENVER_platform_parameters:
		return tell(arg, &platform, sizeof(platform));
	case XENVER_get_features:
		return get_features(arg);
	case XENVER_pagesize:
		return PAGE_SIZE;
	case XENVER_guest_handle:
		return tell(arg, current->domain->uuid, 16);
	case XENVER_commandline:
		if (!current->domain->privileged)
			return -EPERM;
		snprintf(line.buf, sizeof(line.buf), "%s", hv_command_line);
		return tell(arg, &line, sizeof(line));
	default:
		return -ENOSYS;
	}
}

static long console_write_guest(uint64_t count, uint64_t buf)
{
	char text[CONSOLE_CHUNK];
	uint64_t done = 0;

	while (done < count) {
		size_t n = min((uint64_t)sizeof(text), count - done);

		if (done >= CONSOLE_RUN)
			return hypercall_restart(HC_console_io, CONSOLEIO_write,
						 count - done, buf + done, 0);
		if (copy_from_guest(text, buf + done, n))
			return -EFAULT;
		console_write(text, n);
		done += n;
	}
	return 0;
}

static long console_read_guest(uint64_t count, uint64_t buf)
{
	char text[CONSOLE_CHUNK];
	size_t n = 0, most = min((uint64_t)sizeof(text), count);
	int c;

	while (n < most && (c = console_getc()) >= 0)
		text[n++] = (char)c;
	if (copy_to_guest(buf, text, n))
		return -EFAULT;
	return (long)n;
}

/* An unprivileged domain's output is for its own console ring: it gets -EPERM. */
long hc_console_io(uint64_t cmd, uint64_t count, uint64_t buf)
{
	if (!current->domain->privileged)
		return -EPERM;
	switch (cmd) {
	case CONSOLEIO_write:
		if (count > INT32_MAX)
			return -EINVAL;
		return console_write_guest(count, buf);
	case CONSOLEIO_read:
		return console_read_guest(count, buf);
	default:
		return -ENOSYS;
	}
}

long hc_vm_assist(uint64_t cmd, uint64_t type)
{
	struct domain *d = current->domain;
	const uint32_t known = 1u << VMASST_TYPE_4gb_segments |
			       1u << VMASST_TYPE_4gb_segments_notify |
			       1u << VMASST_TYPE_writable_pagetables |
			       1u << VMASST_TYPE_pae_extended_cr3 |
			       1u << VMASST_TYPE_runstate_update_flag;

	if (type > 31 || !(known >> type & 1))
		return -EINVAL;
	switch (cmd) {
	case VMASST_CMD_enable:
		atomic_fetch_or(&d->vm_assist, 1u << type);
		return 0;
	case VMASST_CMD_disable:
		atomic_fetch_and(&d->vm_assist, ~(1u << type));
		return 0;
	default:
		return -ENOSYS;
	}
}

/* No extension exists yet: every feature word is 0. */
long hc_ext_op(uint64_t cmd, uint64_t arg)
{
	struct pv_ext_features f;

	if (cmd != PV_EXT_get_features)
		return -ENOSYS;
	if (copy_from_guest(&f, arg, sizeof(f)))
		return -EFAULT;
	f.bits = 0;
	f.version = PV_EXT_VERSION;
	f.nr_words = PV_EXT_NR_WORDS;
	return tell(arg, &f, sizeof(f));
}
