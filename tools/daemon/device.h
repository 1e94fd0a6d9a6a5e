/* SPDX-License-Identifier: MIT */
/*
 * Devices of a running domain: their nodes in the store, and what their
 * backends make of them.  README.md has the table of the nodes.
 */
#ifndef TOOLS_DAEMON_DEVICE_H
#define TOOLS_DAEMON_DEVICE_H

#include "tools/daemon/domain.h"

/* One for each device of the live configuration, and the console. */
int devices_make(struct domain *d, struct fail *why);
void devices_free(struct domain *d);
struct device *device_add_disk(struct domain *d, const struct dom_disk *disk);
struct device *device_add_nic(struct domain *d, const struct dom_nic *nic);
void device_free(struct device *dev);
struct device *device_find(struct domain *d, enum dev_type type, uint32_t id);
/* By target, MAC address or number of the interface. */
struct device *device_by_name(struct domain *d, const char *name);

/* A disk's part of the live configuration, or NULL. */
const struct dom_disk *device_disk(const struct device *dev);
/* Of the interface or its network; NULL: that is not in the settings. */
const char *device_bridge(const struct domain *d, const struct dom_nic *nic,
			  bool *openvswitch);

/* Files, bridges and the like are there; says which is not. */
int device_check_disk(const struct domain *d, const struct dom_disk *disk,
		      struct fail *why);
int device_check_nic(const struct domain *d, unsigned int index,
		     const struct dom_nic *nic, struct fail *why);
int devices_check(const struct domain *d, struct fail *why);

/* Start what serves formats that the backend does not know. */
int device_start_server(struct device *dev, struct fail *why);
int devices_start_servers(struct domain *d, struct fail *why);
void devices_stop_servers(struct domain *d);

/* Both ends of a device, as part of a batch. */
void device_put_disk(struct batch *b, const struct device *dev,
		     const struct dom_disk *disk);
void device_put_nic(struct batch *b, const struct device *dev,
		    const struct dom_nic *nic);
void device_put_console(struct batch *b, struct domain *d,
			const struct hv_guest *guest);
void devices_put(struct batch *b, struct domain *d);
/* Ask the backend to let go; take the nodes away. */
void device_put_closing(struct batch *b, const struct device *dev);
/* The same for a domain that ends: its frontend closes nothing any more. */
void device_put_ended(struct batch *b, const struct device *dev);
void device_put_gone(struct batch *b, const struct device *dev);

/* DEV_READY: all are; DEV_FAILED: *why has the first that is not;
 * otherwise DEV_OPENING. */
enum dev_state devices_state(const struct domain *d, struct fail *why);
bool devices_closed(const struct domain *d);
/* "disk xvda, interface 0": those that are in a state. */
void devices_in_state(const struct domain *d, enum dev_state state, char *text,
		      size_t room);

/* A node of some backend changed; and look at all of which one did. */
void device_changed(struct daemon *dm, const char *path);
void devices_look(struct daemon *dm);
/* It cannot be used; who waits for it is told, and may free it. */
void device_fail(struct device *dev, const char *text);
/* As it is in the store now; for devices found again. */
void device_refresh(struct device *dev);

const char *device_type_name(enum dev_type type); /* "vbd" */

#endif
