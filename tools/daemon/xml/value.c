/* SPDX-License-Identifier: MIT */
/* PURE  Texts and attributes as values: strings, numbers, sizes, choices. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/daemon/xml/node.h"

#define BLANKS " \t\r\n"

static char *trim(char *text)
{
	size_t skip = strspn(text, BLANKS), n = strlen(text + skip);

	memmove(text, text + skip, n + 1);
	while (n && strchr(BLANKS, text[n - 1]))
		text[--n] = '\0';
	return text;
}

char *xml_text(struct xml_in *in, xmlNode *n)
{
	xmlChar *content;
	char *text;

	for (const xmlNode *c = n->children; c; c = c->next)
		if (c->type != XML_TEXT_NODE && c->type != XML_COMMENT_NODE) {
			xml_wrong(in, n, "must hold nothing but text");
			return strdup("");
		}
	content = xmlNodeGetContent(n);
	text = strdup(content ? (const char *)content : "");
	xmlFree(content);
	return text ? trim(text) : NULL;
}

char *xml_attr(const xmlNode *n, const char *name)
{
	xmlChar *value = xmlGetNoNsProp((xmlNode *)n, (const xmlChar *)name);
	char *text = value ? strdup((const char *)value) : NULL;

	xmlFree(value);
	return text;
}

bool xml_attr_is(const xmlNode *n, const char *name, const char *value)
{
	char *text = xml_attr(n, name);
	bool is = text && !strcmp(text, value);

	free(text);
	return is;
}

uint64_t xml_number(struct xml_in *in, xmlNode *n, const char *text,
		    uint64_t least, uint64_t most)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (!*text || strspn(text, "0123456789") != strlen(text) || *end) {
		xml_wrong(in, n, "%.40s: not a number", text);
		return least;
	}
	if (errno || value < least || value > most) {
		xml_wrong(in, n, "%.40s: must be from %llu to %llu", text,
			  (unsigned long long)least, (unsigned long long)most);
		return least;
	}
	return value;
}

uint64_t xml_text_number(struct xml_in *in, xmlNode *n, uint64_t least,
			 uint64_t most)
{
	char *text = xml_text(in, n);
	uint64_t value = text ? xml_number(in, n, text, least, most) : least;

	free(text);
	return value;
}

uint64_t xml_attr_number(struct xml_in *in, xmlNode *n, const char *name,
			 uint64_t fallback, uint64_t least, uint64_t most)
{
	char *text = xml_attr(n, name);
	uint64_t value = text ? xml_number(in, n, text, least, most) : fallback;

	free(text);
	return value;
}

/* Bytes in a unit as libvirt spells it; 0: not one. */
static uint64_t unit_bytes(const char *unit)
{
	static const char letters[] = "KMGT";
	const char *at;
	uint64_t bytes = 1, step;

	if (!strcasecmp(unit, "b") || !strcasecmp(unit, "bytes"))
		return 1;
	at = *unit ? strchr(letters, *unit == 'k' ? 'K' : *unit) : NULL;
	if (!at)
		return 0;
	if (!unit[1] || !strcasecmp(unit + 1, "iB"))
		step = 1024;
	else if (!strcasecmp(unit + 1, "B"))
		step = 1000;
	else
		return 0;
	for (long i = at - letters; i >= 0; i--)
		bytes *= step;
	return bytes;
}

uint64_t xml_kib(struct xml_in *in, xmlNode *n)
{
	uint64_t value = xml_text_number(in, n, 0, UINT64_MAX >> 1), kib;
	char *unit = xml_attr(n, "unit");
	uint64_t bytes = unit ? unit_bytes(unit) : 1024;

	if (!bytes)
		xml_wrong(in, n, "unit %.20s: not a unit of memory", unit);
	free(unit);
	if (!bytes)
		return 0;
	if (value > (UINT64_MAX - 1023) / bytes) {
		xml_wrong(in, n, "too large");
		return 0;
	}
	kib = (value * bytes + 1023) / 1024;
	return kib;
}

int xml_choice(const char *text, const char *const *names, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		if (!strcmp(text, names[i]))
			return (int)i;
	return -1;
}
