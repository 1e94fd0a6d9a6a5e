/* SPDX-License-Identifier: MIT */
/*
 * The nodes of a domain that are not devices'.
 *
 * The guest reads its folder; it writes where a stock kernel does: what it can
 * do on request (control/feature-*), the answer to a request, its own data.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tools/daemon/life.h"

static void put_control(struct batch *b, unsigned int domid)
{
	static const char *const own[] = {
		"control/shutdown",
		"control/sysrq",
		"control/feature-poweroff",
		"control/feature-reboot",
		"control/feature-suspend",
		"data",
		"attr",
		"error",
		"drivers",
	};

	batch_mkdir(b, PERM_GUEST_READ, "/local/domain/%u/control", domid);
	batch_put(b, "control/platform-feature-multiprocessor-suspend", "1");
	batch_put(b, "control/platform-feature-xs_reset_watches", "1");
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		batch_mkdir(b, PERM_GUEST_OWN, "/local/domain/%u/%s", domid,
			    own[i]);
}

static void put_cpus(struct batch *b, const struct dom_config *c)
{
	char node[32];

	for (unsigned int i = 0; i < c->vcpus; i++) {
		snprintf(node, sizeof(node), "cpu/%u/availability", i);
		batch_put(b, node, i < c->current_vcpus ? "online" : "offline");
	}
}

void life_put_domain(struct batch *b, const struct domain *d)
{
	const struct dom_config *c = d->live;
	unsigned int domid = (unsigned int)d->domid;
	char uuid[CONFIG_UUID_TEXT];

	config_uuid_text(d->uuid, uuid);
	batch_mkdir(b, PERM_GUEST_READ, "/vm/%s", uuid);
	batch_base(b, "/vm/%s", uuid);
	batch_put(b, "name", "%s", d->name);
	batch_put(b, "uuid", "%s", uuid);
	batch_mkdir(b, PERM_GUEST_READ, "/local/domain/%u", domid);
	batch_base(b, "/local/domain/%u", domid);
	batch_put(b, "vm", "/vm/%s", uuid);
	batch_put(b, "name", "%s", d->name);
	batch_put(b, "domid", "%u", domid);
	batch_put(b, "memory/target", "%" PRIu64, c->current_kib);
	batch_put(b, "memory/static-max", "%" PRIu64, c->memory_kib);
	put_cpus(b, c);
	put_control(b, domid);
	batch_mkdir(b, PERM_GUEST_READ, "/local/domain/%u/device", domid);
	batch_mkdir(b, PERM_GUEST_READ, "/local/domain/%u/device/vbd", domid);
	batch_mkdir(b, PERM_GUEST_READ, "/local/domain/%u/device/vif", domid);
	batch_mkdir(b, PERM_GUEST_OWN, "/local/domain/%u/device/suspend",
		    domid);
}

void life_put_rings(struct batch *b, const struct domain *d,
		    const struct hv_guest *guest)
{
	batch_base(b, "/local/domain/%d", d->domid);
	batch_put(b, "store/ring-ref", "%" PRIu64, guest->store_mfn);
	batch_put(b, "store/port", "%u", guest->store_port);
}

void life_put_gone(struct batch *b, const struct domain *d)
{
	static const char *const types[] = {"vbd", "vif", "console"};
	char uuid[CONFIG_UUID_TEXT];

	config_uuid_text(d->uuid, uuid);
	for (int i = 0; i < 3; i++) {
		batch_rm(b, "/parapet/backend/%s/%d", types[i], d->domid);
		/* What a backend had to say about it. */
		batch_rm(b, "/local/domain/0/error/backend/%s/%d", types[i],
			 d->domid);
	}
	batch_rm(b, "/local/domain/%d", d->domid);
	batch_rm(b, "/vm/%s", uuid);
}
