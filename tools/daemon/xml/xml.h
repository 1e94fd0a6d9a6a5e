/* SPDX-License-Identifier: MIT */
/*
 * Domain XML: the part of libvirt's schema that describes PV domains.
 *
 * What the layer does not know is never passed over in silence: it is refused
 * by name, or, with XML_IGNORE_UNSUPPORTED, reported and then passed over.
 * What libvirt itself adds to every PV domain, and means nothing here (an
 * emulator, the keyboard, addresses), is accepted.
 */
#ifndef TOOLS_DAEMON_XML_H
#define TOOLS_DAEMON_XML_H

#include <stddef.h>

#include "tools/daemon/config.h"
#include "tools/daemon/fail.h"

#define XML_BYTES_MAX          (1u << 20)
#define XML_REPORTS_MAX        32

#define XML_IGNORE_UNSUPPORTED 1u

/* Lines "file:line:column: <element>: what". */
struct xml_report {
	unsigned int nr; /* beyond the last, they are only counted */
	char *line[XML_REPORTS_MAX];
};

void xml_report_free(struct xml_report *r);

/*
 * NULL: see *why; the report has all that is refused.  Otherwise it has what
 * was passed over.  UUID and MAC addresses that are missing are made up.
 */
struct dom_config *xml_parse_domain(const char *text, size_t bytes,
				    const char *file, unsigned int flags,
				    struct xml_report *report,
				    struct fail *why);
/* One <disk> or <interface>, in a configuration that has nothing else. */
struct dom_config *xml_parse_device(const char *text, size_t bytes,
				    const char *file, unsigned int flags,
				    struct xml_report *report,
				    struct fail *why);

/* For free(); domid -1: of a domain that does not run. */
char *xml_format_domain(const struct dom_config *c, int domid);
/* Its <disk>s and <interface>s alone. */
char *xml_format_devices(const struct dom_config *c);
/* NULL: no memory. */
struct dom_config *xml_copy(const struct dom_config *c);
/* Of what xml_parse_device() gave. */
struct dom_config *xml_copy_device(const struct dom_config *c);

#endif
