/* SPDX-License-Identifier: MIT */
/* Walk a document by tables of rules; errors know where they are. */
#ifndef TOOLS_DAEMON_XML_NODE_H
#define TOOLS_DAEMON_XML_NODE_H

#include <libxml/tree.h>

#include "tools/daemon/xml/xml.h"

struct xml_in {
	const char *text, *file;
	size_t bytes;
	unsigned int flags;
	struct xml_report *report;
	struct fail *why;
	bool failed; /* something is wrong, not only unsupported  */
	bool has_dtd;
};

/*
 * An element: its attributes (a list of names, separated by blanks; "*": any,
 * and any children too), how often it may come, and what to do.  take NULL: it
 * is known and means nothing.
 */
struct xml_rule {
	const char *element;
	const char *attributes;
	void (*take)(struct xml_in *in, xmlNode *n, void *into);
	bool many;
};

/* The document, positions noted; NULL: failed. */
xmlDoc *xml_read(struct xml_in *in);

void xml_take_children(struct xml_in *in, xmlNode *n,
		       const struct xml_rule *rules, size_t nr, void *into);
/* Attributes of an element that no rule named: the root. */
void xml_check_attributes(struct xml_in *in, xmlNode *n, const char *names);

/* Something is wrong.  Only the first is kept. */
void xml_wrong(struct xml_in *in, const xmlNode *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Something is right in libvirt, and not supported here. */
void xml_unsupported(struct xml_in *in, const xmlNode *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- values: wrong ones are reported, and a harmless one is returned --------------- */

/* Text without blanks around it, for free(); never NULL unless `failed`. */
char *xml_text(struct xml_in *in, xmlNode *n);
/* An attribute, for free(), or NULL. */
char *xml_attr(const xmlNode *n, const char *name);
bool xml_attr_is(const xmlNode *n, const char *name, const char *value);
uint64_t xml_number(struct xml_in *in, xmlNode *n, const char *text,
		    uint64_t least, uint64_t most);
uint64_t xml_text_number(struct xml_in *in, xmlNode *n, uint64_t least,
			 uint64_t most);
/* fallback if the attribute is not there. */
uint64_t xml_attr_number(struct xml_in *in, xmlNode *n, const char *name,
			 uint64_t fallback, uint64_t least, uint64_t most);
/* A size with attribute unit, in KiB, rounded up. */
uint64_t xml_kib(struct xml_in *in, xmlNode *n);
/* Index in names[], or -1 (and nothing said). */
int xml_choice(const char *text, const char *const *names, unsigned int nr);

/* ---- elements, into a struct dom_config ------------------------------------------- */

void xml_take_memory(struct xml_in *in, xmlNode *n, void *into);
void xml_take_current_memory(struct xml_in *in, xmlNode *n, void *into);
void xml_take_vcpu(struct xml_in *in, xmlNode *n, void *into);
void xml_take_cputune(struct xml_in *in, xmlNode *n, void *into);
void xml_take_memtune(struct xml_in *in, xmlNode *n, void *into);
void xml_take_disk(struct xml_in *in, xmlNode *n, void *into);
void xml_take_nic(struct xml_in *in, xmlNode *n, void *into);

#define XML_RULES(rules) (rules), sizeof(rules) / sizeof((rules)[0])

#endif
