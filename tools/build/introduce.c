/* SPDX-License-Identifier: MIT */
/*
 * A guest in the store: the nodes that a stock kernel looks for at boot.
 *
 * No devices: those are the toolstack's.  The guest may read its folder and
 * write what it is expected to (control, data).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/build/introduce.h"
#include "tools/xs/xs.h"

struct folder {
	struct xs_handle *xs;
	domid_t domid;
	bool failed;
	char path[128]; /* of the node that was tried last */
};

/* Not after a failure: then the first one's path is kept. */
static bool go_to(struct folder *f, const char *name)
{
	if (f->failed)
		return false;
	snprintf(f->path, sizeof(f->path), "/local/domain/%u%s%s", f->domid,
		 *name ? "/" : "", name);
	return true;
}

static void put(struct folder *f, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void put(struct folder *f, const char *name, const char *fmt, ...)
{
	char value[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (go_to(f, name))
		f->failed = !xs_write(f->xs, XBT_NULL, f->path, value,
				      (unsigned int)strlen(value));
}

/* A folder: of the guest itself, or of ours for it to read. */
static void folder(struct folder *f, const char *name, bool own)
{
	struct xs_permissions perms[] = {
		{own ? f->domid : 0, XS_PERM_NONE},
		{f->domid, XS_PERM_READ},
	};

	if (go_to(f, name))
		f->failed = !xs_mkdir(f->xs, XBT_NULL, f->path) ||
			    !xs_set_permissions(f->xs, XBT_NULL, f->path, perms,
						own ? 1 : 2);
}

static void make_nodes(struct folder *f, const struct guest *g,
		       const char *name, const struct guest_spec *spec,
		       unsigned int vcpus)
{
	/* What the guest writes: features it has, answers to requests. */
	static const char *const own[] = {
		"control/shutdown",        "control/sysrq",
		"control/feature-suspend", "control/feature-poweroff",
		"control/feature-reboot",  "data",
	};
	char cpu[32];

	folder(f, "", false);
	put(f, "name", "%s", name);
	put(f, "domid", "%u", g->domid);
	put(f, "memory/target", "%llu",
	    (unsigned long long)spec->nr_frames * 4);
	put(f, "memory/static-max", "%llu",
	    (unsigned long long)spec->max_frames * 4);
	put(f, "store/ring-ref", "%llu", (unsigned long long)g->store_mfn);
	put(f, "store/port", "%u", g->store_port);
	put(f, "console/ring-ref", "%llu", (unsigned long long)g->console_mfn);
	put(f, "console/port", "%u", g->console_port);
	for (unsigned int i = 0; i < vcpus; i++) {
		snprintf(cpu, sizeof(cpu), "cpu/%u/availability", i);
		put(f, cpu, "online");
	}
	folder(f, "device", false);
	folder(f, "control", false);
	for (unsigned int i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		folder(f, own[i], true);
}

int store_introduce(const struct guest *guest, const char *name,
		    const struct guest_spec *spec, unsigned int vcpus,
		    struct build_error *why)
{
	struct folder f = {.xs = xs_open(0), .domid = guest->domid};
	int err;

	if (!f.xs)
		return 0;
	make_nodes(&f, guest, name, spec, vcpus);
	if (!f.failed) {
		snprintf(f.path, sizeof(f.path), "introduce d%u", f.domid);
		f.failed = !xs_introduce_domain(f.xs, guest->domid,
						guest->store_mfn,
						guest->store_port);
	}
	err = f.failed ? errno : 0;
	xs_close(f.xs);
	return err ? build_fail(why, err, "store: %s: %s", f.path,
				strerror(err))
		   : 0;
}

void store_release(domid_t domid)
{
	struct folder f = {.xs = xs_open(0), .domid = domid};

	if (!f.xs)
		return;
	xs_release_domain(f.xs, domid);
	go_to(&f, "");
	xs_rm(f.xs, XBT_NULL, f.path);
	xs_close(f.xs);
}
