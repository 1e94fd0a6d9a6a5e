/* SPDX-License-Identifier: MIT */
/* PURE  A domain's configuration: memory, names and numbers. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/daemon/config.h"

const char *const config_on_end_names[ON_END_COUNT] = {"destroy", "restart",
						       "preserve"};
const char *const config_format_names[FORMAT_COUNT] = {
	"raw", "qcow2", "qcow", "vmdk", "vdi", "vpc", "vhdx",
};
const char *const config_tune_names[TUNE_COUNT] = {
	"total_bytes_sec", "read_bytes_sec", "write_bytes_sec",
	"total_iops_sec",  "read_iops_sec",  "write_iops_sec",
};

struct dom_config *config_new(void)
{
	struct dom_config *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->refs = 1;
	c->vcpus = c->current_vcpus = 1;
	c->on_reboot = ON_END_RESTART;
	return c;
}

struct dom_config *config_get(struct dom_config *c)
{
	if (c)
		c->refs++;
	return c;
}

static void disk_free(struct dom_disk *d)
{
	free(d->source);
	free(d->protocol);
	free(d->host);
}

static void nic_free(struct dom_nic *n)
{
	free(n->bridge);
	free(n->network);
}

void config_put(struct dom_config *c)
{
	if (!c || --c->refs)
		return;
	for (unsigned int i = 0; i < c->nr_disks; i++)
		disk_free(&c->disk[i]);
	for (unsigned int i = 0; i < c->nr_nics; i++)
		nic_free(&c->nic[i]);
	free(c->disk);
	free(c->nic);
	free(c->title);
	free(c->description);
	free(c->kernel);
	free(c->initrd);
	free(c->cmdline);
	free(c->console_log);
	free(c);
}

/* ---- devices ------------------------------------------------------------------- */

struct dom_disk *config_add_disk(struct dom_config *c)
{
	struct dom_disk *d;

	if (c->nr_disks == CONFIG_DISKS_MAX)
		return NULL;
	d = realloc(c->disk, (c->nr_disks + 1) * sizeof(*d));
	if (!d)
		return NULL;
	c->disk = d;
	d += c->nr_disks++;
	memset(d, 0, sizeof(*d));
	return d;
}

struct dom_nic *config_add_nic(struct dom_config *c)
{
	struct dom_nic *n;

	if (c->nr_nics == CONFIG_NICS_MAX)
		return NULL;
	n = realloc(c->nic, (c->nr_nics + 1) * sizeof(*n));
	if (!n)
		return NULL;
	c->nic = n;
	n += c->nr_nics++;
	memset(n, 0, sizeof(*n));
	return n;
}

void config_remove_disk(struct dom_config *c, unsigned int i)
{
	disk_free(&c->disk[i]);
	c->nr_disks--;
	memmove(&c->disk[i], &c->disk[i + 1],
		(c->nr_disks - i) * sizeof(c->disk[0]));
}

void config_remove_nic(struct dom_config *c, unsigned int i)
{
	nic_free(&c->nic[i]);
	c->nr_nics--;
	memmove(&c->nic[i], &c->nic[i + 1],
		(c->nr_nics - i) * sizeof(c->nic[0]));
}

int config_find_disk(const struct dom_config *c, const char *target)
{
	for (unsigned int i = 0; i < c->nr_disks; i++)
		if (!strcmp(c->disk[i].target, target))
			return (int)i;
	return -1;
}

int config_find_nic(const struct dom_config *c, const uint8_t mac[6])
{
	for (unsigned int i = 0; i < c->nr_nics; i++)
		if (!memcmp(c->nic[i].mac, mac, 6))
			return (int)i;
	return -1;
}

/* ---- names --------------------------------------------------------------------- */

void config_uuid_text(const uint8_t u[16], char text[CONFIG_UUID_TEXT])
{
	snprintf(text, CONFIG_UUID_TEXT,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x%02x%02x%02x%02x",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9],
		 u[10], u[11], u[12], u[13], u[14], u[15]);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* With hyphens at any place between bytes, as libvirt takes it. */
bool config_uuid_parse(const char *text, uint8_t uuid[16])
{
	for (int i = 0; i < 16; i++) {
		int high, low;

		while (*text == '-')
			text++;
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return false;
		uuid[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	return !*text;
}

void config_mac_text(const uint8_t m[6], char text[CONFIG_MAC_TEXT])
{
	snprintf(text, CONFIG_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", m[0],
		 m[1], m[2], m[3], m[4], m[5]);
}

bool config_mac_parse(const char *text, uint8_t mac[6])
{
	for (int i = 0; i < 6; i++) {
		int high = hex_digit(text[0]);
		int low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
		text += 3;
	}
	return true;
}

bool config_name_ok(const char *name)
{
	size_t n = strlen(name);

	return n && n <= CONFIG_NAME_MAX && isalnum((unsigned char)*name) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
			    "WXYZ0123456789-_.+:") == n &&
	       strspn(name, "0123456789") != n;
}

/* The letters of a disk: a = 0, z = 25, aa = 26; moves *p behind them. */
static int disk_letters(const char **p)
{
	int n = 0, letters = 0;

	while (**p >= 'a' && **p <= 'z' && ++letters <= 3)
		n = n * 26 + (*(*p)++ - 'a') + 1;
	return letters && letters <= 3 ? n - 1 : -1;
}

uint32_t config_target_devid(const char *target)
{
	const char *p = target + 3;
	unsigned int part = 0;
	int disk;

	if (strncmp(target, "xvd", 3))
		return 0;
	disk = disk_letters(&p);
	if (disk < 0 || *p == '0')
		return 0;
	for (; *p; p++) {
		if (!isdigit((unsigned char)*p) || part > 25)
			return 0;
		part = part * 10 + (unsigned int)(*p - '0');
	}
	if (disk < 16 && part < 16)
		return 202u << 8 | (uint32_t)disk << 4 | part;
	if (disk >= 1 << 20 || part > 255)
		return 0;
	return 1u << 28 | (uint32_t)disk << 8 | part;
}
