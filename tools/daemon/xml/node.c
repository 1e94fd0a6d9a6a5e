/* SPDX-License-Identifier: MIT */
/*
 * Reading XML so that every complaint has a place.
 *
 * libxml2 keeps no columns, and lines only up to 65535.  So the parser's hook
 * for "an element begins" notes the element's offset in the text (in the node's
 * _private, plus one), and line and column are counted when they are needed.
 *
 * HOSTILE  The text may come from anybody who may talk to the daemon: no DTD,
 * no entities, no network, a bounded size; libxml2 bounds the depth.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/SAX2.h>
#include <libxml/parser.h>

#include "tools/daemon/xml/node.h"

void xml_report_free(struct xml_report *r)
{
	for (unsigned int i = 0; i < r->nr && i < XML_REPORTS_MAX; i++)
		free(r->line[i]);
	r->nr = 0;
}

/* ---- places -------------------------------------------------------------------- */

struct place {
	unsigned int line, column;
};

static struct place place_of(const struct xml_in *in, const xmlNode *n)
{
	size_t at = (size_t)(uintptr_t)n->_private;
	struct place p = {1, 1};

	for (size_t i = 0; i + 1 < at && i < in->bytes; i++) {
		unsigned char c = (unsigned char)in->text[i];

		if (c == '\n')
			p = (struct place){p.line + 1, 1};
		else if ((c & 0xc0) != 0x80) /* UTF-8: not a continuation */
			p.column++;
	}
	return p;
}

/* The parser stands behind the tag's attributes: '<' is the nearest before. */
static void note_place(const struct xml_in *in, xmlParserCtxt *ctx)
{
	const xmlParserInput *at = ctx->input;
	size_t offset;

	if (!ctx->node || !at)
		return;
	offset = (size_t)at->consumed + (size_t)(at->cur - at->base);
	if (offset > in->bytes)
		offset = in->bytes;
	while (offset && in->text[offset - 1] != '<')
		offset--;
	ctx->node->_private = (void *)(uintptr_t)offset;
}

static void element_begins(void *arg, const xmlChar *name,
			   const xmlChar *prefix, const xmlChar *uri,
			   int nr_namespaces, const xmlChar **namespaces,
			   int nr_attributes, int nr_defaulted,
			   const xmlChar **attributes)
{
	xmlParserCtxt *ctx = arg;

	xmlSAX2StartElementNs(arg, name, prefix, uri, nr_namespaces, namespaces,
			      nr_attributes, nr_defaulted, attributes);
	note_place(ctx->_private, ctx);
}

static void dtd_begins(void *arg, const xmlChar *name, const xmlChar *id,
		       const xmlChar *uri)
{
	xmlParserCtxt *ctx = arg;
	struct xml_in *in = ctx->_private;

	(void)name;
	(void)id;
	(void)uri;
	in->has_dtd = true;
	xmlStopParser(ctx);
}

/* ---- complaints ---------------------------------------------------------------- */

static void xml_complain(struct xml_in *in, const xmlNode *n, char *line,
			 size_t room, const char *fmt, va_list ap)
{
	struct place p = place_of(in, n);
	int k = snprintf(line, room, "%s:%u:%u: <%s>: ", in->file, p.line,
			 p.column, (const char *)n->name);

	if (k >= 0 && (size_t)k < room)
		vsnprintf(line + k, room - (size_t)k, fmt, ap);
}

void xml_wrong(struct xml_in *in, const xmlNode *n, const char *fmt, ...)
{
	char line[sizeof(in->why->text)];
	va_list ap;

	if (in->failed)
		return;
	va_start(ap, fmt);
	xml_complain(in, n, line, sizeof(line), fmt, ap);
	va_end(ap);
	in->failed = true;
	/* What is missing may have been in what is not supported. */
	if (!in->report->nr || in->flags & XML_IGNORE_UNSUPPORTED)
		fail_set(in->why, FAIL_INVALID, "%s", line);
}

void xml_unsupported(struct xml_in *in, const xmlNode *n, const char *fmt, ...)
{
	char line[sizeof(in->why->text)];
	va_list ap;

	/* Finding a place takes time: not for thousands of complaints. */
	if (in->report->nr >= XML_REPORTS_MAX) {
		in->report->nr++;
		return;
	}
	va_start(ap, fmt);
	xml_complain(in, n, line, sizeof(line), fmt, ap);
	va_end(ap);
	in->report->line[in->report->nr] = strdup(line);
	if (!in->report->nr++ && !(in->flags & XML_IGNORE_UNSUPPORTED) &&
	    !in->failed)
		fail_set(in->why, FAIL_UNSUPPORTED, "%s", line);
}

/* ---- the document -------------------------------------------------------------- */

static void xml_malformed(struct xml_in *in, xmlParserCtxt *ctx)
{
	const xmlError *e = xmlCtxtGetLastError(ctx);
	const char *text = e && e->message ? e->message : "not XML";

	in->failed = true;
	if (in->has_dtd)
		fail_set(in->why, FAIL_UNSUPPORTED,
			 "%s: a document type declaration: not supported",
			 in->file);
	else
		fail_set(in->why, FAIL_INVALID, "%s:%d:%d: %.*s", in->file,
			 e ? e->line : 1, e ? e->int2 : 1,
			 (int)strcspn(text, "\n"), text);
}

static bool encoding_ok(struct xml_in *in, const xmlDoc *doc)
{
	const char *e = (const char *)doc->encoding;

	if (!e || !strcasecmp(e, "UTF-8") || !strcasecmp(e, "US-ASCII"))
		return true;
	in->failed = true;
	fail_set(in->why, FAIL_UNSUPPORTED, "%s: encoding %s: only UTF-8 is",
		 in->file, e);
	return false;
}

static bool size_ok(struct xml_in *in)
{
	if (in->bytes && in->bytes <= XML_BYTES_MAX)
		return true;
	in->failed = true;
	fail_set(in->why, in->bytes ? FAIL_LIMIT : FAIL_INVALID,
		 in->bytes ? "%s: longer than %u bytes"
			   : "%s: nothing in it (of %u bytes at most)",
		 in->file, XML_BYTES_MAX);
	return false;
}

xmlDoc *xml_read(struct xml_in *in)
{
	xmlParserCtxt *ctx;
	xmlDoc *doc;

	if (!size_ok(in))
		return NULL;
	ctx = xmlNewParserCtxt();
	if (!ctx) {
		in->failed = true;
		fail_set(in->why, FAIL_LIMIT, "%s: no memory", in->file);
		return NULL;
	}
	ctx->_private = in;
	ctx->sax->startElementNs = element_begins;
	ctx->sax->internalSubset = dtd_begins;
	doc = xmlCtxtReadMemory(ctx, in->text, (int)in->bytes, NULL, NULL,
				XML_PARSE_NONET | XML_PARSE_NOERROR |
					XML_PARSE_NOWARNING |
					XML_PARSE_NOCDATA);
	if (!doc || in->has_dtd)
		xml_malformed(in, ctx);
	if (doc && (in->has_dtd || !encoding_ok(in, doc))) {
		xmlFreeDoc(doc);
		doc = NULL;
	}
	xmlFreeParserCtxt(ctx);
	return doc;
}

/* ---- rules --------------------------------------------------------------------- */

/* Is the word in a list that is separated by blanks? */
static bool listed(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += n)
		if ((at == list || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
			return true;
	return false;
}

void xml_check_attributes(struct xml_in *in, xmlNode *n, const char *names)
{
	if (!strcmp(names, "*"))
		return;
	for (const xmlAttr *a = n->properties; a; a = a->next)
		if (a->ns || !listed(names, (const char *)a->name))
			xml_unsupported(in, n, "attribute %s: not supported",
					(const char *)a->name);
}

static bool seen_before(const xmlNode *n)
{
	for (const xmlNode *p = n->prev; p; p = p->prev)
		if (p->type == XML_ELEMENT_NODE && !p->ns &&
		    xmlStrEqual(p->name, n->name))
			return true;
	return false;
}

static const struct xml_rule *rule_find(const struct xml_rule *rules, size_t nr,
					const xmlNode *n)
{
	for (size_t i = 0; i < nr && !n->ns; i++)
		if (!strcmp(rules[i].element, (const char *)n->name))
			return &rules[i];
	return NULL;
}

static void take_element(struct xml_in *in, xmlNode *n,
			 const struct xml_rule *rule, void *into)
{
	if (!rule) {
		xml_unsupported(in, n, "not supported in <%s>",
				(const char *)n->parent->name);
		return;
	}
	if (!rule->many && seen_before(n)) {
		xml_wrong(in, n, "comes twice in <%s>",
			  (const char *)n->parent->name);
		return;
	}
	xml_check_attributes(in, n, rule->attributes);
	if (rule->take)
		rule->take(in, n, into);
	else if (strcmp(rule->attributes, "*"))
		xml_take_children(in, n, NULL, 0, into);
}

void xml_take_children(struct xml_in *in, xmlNode *n,
		       const struct xml_rule *rules, size_t nr, void *into)
{
	for (xmlNode *c = n->children; c; c = c->next) {
		if (c->type == XML_ELEMENT_NODE)
			take_element(in, c, rule_find(rules, nr, c), into);
		else if (c->type == XML_ENTITY_REF_NODE ||
			 (c->type == XML_TEXT_NODE && !xmlIsBlankNode(c)))
			xml_wrong(in, n, "text where elements belong");
	}
}
