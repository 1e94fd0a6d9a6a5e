/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's command line: words "name" or "name=value".
 *
 *   console=com1|com2|debug|none   where log lines go             (com1)
 *   loglevel=err|warn|info|debug   what is logged                 (info)
 *   control_mem=N[K|M|G]           memory of the control domain   (all but
 *                                  1/16, at most 128 MiB)
 *   control_vcpus=N                its virtual CPUs               (all CPUs)
 *   control_root=shared|apart      is the hypervisor in its page  (shared under
 *                                  tables?                        an emulator)
 *   cpus=N                         processors to use              (all)
 *   noreboot                       stop when the control domain crashes
 */
#include "hv/boot/boot.h"
#include "hv/console/console.h"
#include "hv/lib/string.h"

#define WORD_MAX 64

struct boot_options options;

static bool parse_number(const char *s, uint64_t *v)
{
	*v = 0;
	if (!*s)
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		*v = *v * 10 + (*s - '0');
	switch (*s) {
	case 'G':
	case 'g':
		*v <<= 10;
		/* fall through */
	case 'M':
	case 'm':
		*v <<= 10;
		/* fall through */
	case 'K':
	case 'k':
		*v <<= 10;
		s++;
	}
	return !*s;
}

static bool set_number(unsigned int *to, const char *value)
{
	uint64_t v;

	if (!parse_number(value, &v) || !v || v > UINT32_MAX)
		return false;
	*to = (unsigned int)v;
	return true;
}

static bool set_control_root(const char *value)
{
	options.control_root =
		!strcmp(value, "shared") ? ROOT_SHARED : ROOT_APART;
	return options.control_root == ROOT_SHARED || !strcmp(value, "apart");
}

static bool set(const char *name, const char *value)
{
	if (!strcmp(name, "console"))
		return !console_set_device(value);
	if (!strcmp(name, "loglevel"))
		return !log_set_level(value);
	if (!strcmp(name, "control_mem"))
		return parse_number(value, &options.control_mem);
	if (!strcmp(name, "control_vcpus"))
		return set_number(&options.control_vcpus, value);
	if (!strcmp(name, "control_root"))
		return set_control_root(value);
	if (!strcmp(name, "cpus"))
		return set_number(&options.cpus, value);
	if (!strcmp(name, "noreboot") && !*value)
		return options.noreboot = true;
	return false;
}

static void take_word(char *word)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	if (!set(word, value ? value : ""))
		log_warn("boot: option not understood: %s%s%s", word,
			 value ? "=" : "", value ? value : "");
}

void options_parse(const char *line)
{
	char word[WORD_MAX];
	size_t n;

	for (;;) {
		while (*line == ' ' || *line == '\t')
			line++;
		if (!*line)
			return;
		for (n = 0; line[n] && line[n] != ' ' && line[n] != '\t';)
			n++;
		snprintf(word, min(n + 1, sizeof(word)), "%s", line);
		if (!strchr(word, '/')) /* a loader's name of the image */
			take_word(word);
		line += n;
	}
}
