/* SPDX-License-Identifier: MIT */
/*
 * What a domain is to be: its XML as a structure.
 *
 * PURE.  A configuration that others can see is not changed any more: who wants
 * another one copies it (xml_copy()).  Strings are allocated, or NULL.
 */
#ifndef TOOLS_DAEMON_CONFIG_H
#define TOOLS_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_NAME_MAX   64
#define CONFIG_DISKS_MAX  64
#define CONFIG_NICS_MAX   16
#define CONFIG_TARGET_MAX 16 /* "xvda12" */
#define CONFIG_UUID_TEXT  37
#define CONFIG_MAC_TEXT   18
#define CONFIG_IFNAME_MAX 16

enum on_end {
	ON_END_DESTROY,
	ON_END_RESTART,
	ON_END_PRESERVE,
	ON_END_COUNT
};

enum disk_type {
	DISK_FILE,
	DISK_BLOCK,
	DISK_NETWORK
};

enum disk_format {
	FORMAT_RAW,
	FORMAT_QCOW2,
	FORMAT_QCOW,
	FORMAT_VMDK,
	FORMAT_VDI,
	FORMAT_VPC,
	FORMAT_VHDX,
	FORMAT_COUNT,
};

enum disk_tune {
	TUNE_TOTAL_BYTES,
	TUNE_READ_BYTES,
	TUNE_WRITE_BYTES,
	TUNE_TOTAL_IOPS,
	TUNE_READ_IOPS,
	TUNE_WRITE_IOPS,
	TUNE_COUNT,
};

struct dom_disk {
	enum disk_type type;
	enum disk_format format;
	char *source; /* path, or the name of a network disk; NULL: none  */
	char *protocol, *host; /* of a network disk                       */
	uint16_t port; /* 0: the protocol's own                           */
	char target[CONFIG_TARGET_MAX];
	uint32_t devid; /* the number that stands for the target          */
	bool cdrom, readonly, shareable, discard;
	uint64_t tune[TUNE_COUNT]; /* per second; 0: no limit             */
	uint32_t logical_block, physical_block; /* bytes; 0: as it is     */
};

struct dom_rate {
	uint32_t average, peak; /* KiB/s; 0: no limit */
	uint32_t burst; /* KiB */
};

struct dom_nic {
	uint8_t mac[6];
	char *bridge, *network; /* one of them */
	bool openvswitch;
	char ifname[CONFIG_IFNAME_MAX]; /* empty: vifD.N */
	uint32_t mtu; /* 0: as it is */
	bool link_down;
	struct dom_rate inbound, outbound;
};

struct dom_config {
	unsigned int refs;
	char name[CONFIG_NAME_MAX + 1];
	char *title, *description;
	uint8_t uuid[16];
	uint64_t memory_kib, current_kib; /* most, at start       */
	uint64_t hard_limit_kib, min_guarantee_kib; /* 0: none    */
	uint32_t vcpus, current_vcpus; /* most, at start          */
	char *kernel, *initrd, *cmdline;
	bool bootloader; /* kernel was given as <bootloader>       */
	enum on_end on_poweroff, on_reboot, on_crash;
	uint32_t weight, cap; /* 0: the default, no limit              */
	bool console;
	char *console_log;
	bool console_log_append;
	struct dom_disk *disk;
	struct dom_nic *nic;
	unsigned int nr_disks, nr_nics;
};

/* One reference, the defaults; NULL: no memory. */
struct dom_config *config_new(void);
struct dom_config *config_get(struct dom_config *c);
void config_put(struct dom_config *c);

/* A zeroed one more; NULL: too many. */
struct dom_disk *config_add_disk(struct dom_config *c);
struct dom_nic *config_add_nic(struct dom_config *c);
void config_remove_disk(struct dom_config *c, unsigned int i);
void config_remove_nic(struct dom_config *c, unsigned int i);
/* Index of the disk with that target, the interface with that MAC; or -1. */
int config_find_disk(const struct dom_config *c, const char *target);
int config_find_nic(const struct dom_config *c, const uint8_t mac[6]);

void config_uuid_text(const uint8_t uuid[16], char text[CONFIG_UUID_TEXT]);
bool config_uuid_parse(const char *text, uint8_t uuid[16]);
void config_mac_text(const uint8_t mac[6], char text[CONFIG_MAC_TEXT]);
bool config_mac_parse(const char *text, uint8_t mac[6]);
/* Letters, digits and -_.+: after a letter or digit, not only digits. */
bool config_name_ok(const char *name);
/* The number of xvda, xvdb3, ...; 0: not such a name. */
uint32_t config_target_devid(const char *target);

extern const char *const config_on_end_names[ON_END_COUNT];
extern const char *const config_format_names[FORMAT_COUNT];
extern const char *const config_tune_names[TUNE_COUNT];

#endif
