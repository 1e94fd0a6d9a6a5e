/* SPDX-License-Identifier: MIT */
/* The console of a domain on this terminal. */
#ifndef TOOLS_CLI_CONSOLE_H
#define TOOLS_CLI_CONSOLE_H

#include "tools/cli/cli.h"

/* Until Ctrl-], end of input, or the domain's end. */
int console_attach(struct cli *c, const char *domain, bool read_only);
/* {"xml": ..., "file": ...}; NULL: it was said why. */
struct json_object *params_xml(const char *path);

#endif
