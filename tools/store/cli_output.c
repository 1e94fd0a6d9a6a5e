/* SPDX-License-Identifier: MIT */
/* Output of parapet-store: values and permissions, as text and as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/store/cli.h"

void print_value(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)s[i];

		if (ch == '\\' || ch == '"')
			printf("\\%c", ch);
		else if (ch == '\n')
			fputs("\\n", stdout);
		else if (ch < 32 || ch > 126)
			printf("\\x%02x", ch);
		else
			putchar(ch);
	}
}

/* Bytes above 126 become the code points of the same number. */
void json_string(const char *s, size_t len)
{
	size_t i;

	putchar('"');
	for (i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)s[i];

		if (ch == '"' || ch == '\\')
			printf("\\%c", ch);
		else if (ch < 32 || ch > 126)
			printf("\\u%04x", ch);
		else
			putchar(ch);
	}
	putchar('"');
}

void print_perms(const struct xs_permissions *p, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		printf("%s%c%u", i ? "," : "", "nrwb"[p[i].perms & 3], p[i].id);
}

void json_perms(const struct xs_permissions *p, unsigned n)
{
	unsigned i;

	putchar('[');
	for (i = 0; i < n; i++)
		printf("%s\"%c%u\"", i ? "," : "", "nrwb"[p[i].perms & 3],
		       p[i].id);
	putchar(']');
}

bool parse_perm(const char *s, struct xs_permissions *p)
{
	static const char letters[] = "nrwb";
	const char *found = *s ? strchr(letters, *s) : NULL;
	char *end;

	if (!found || !s[1])
		return false;
	p->perms = (unsigned)(found - letters);
	p->id = (unsigned)strtoul(s + 1, &end, 10);
	return !*end && p->id <= 0xffff;
}
