/* SPDX-License-Identifier: MIT */
/* Domain XML from a file, as the daemon would write it, for schema_test.sh. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/daemon/xml/xml.h"

int main(int argc, char **argv)
{
	static char text[XML_BYTES_MAX];
	struct xml_report report = {0};
	FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;
	struct dom_config *c;
	struct fail why;
	size_t n;
	char *xml;

	if (!f) {
		fputs("usage: xml_dump FILE\n", stderr);
		return 2;
	}
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	c = xml_parse_domain(text, n, argv[1], 0, &report, &why);
	if (!c) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	xml = xml_format_domain(c, 3);
	fputs(xml, stdout);
	free(xml);
	config_put(c);
	return 0;
}
