/* SPDX-License-Identifier: MIT */
/*
 * A guest's initramfs ("newc" cpio): pvbench as the first program, the program
 * that it executes, and device nodes; nothing else.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/bench/bench.h"

static const char zeros[4];

static void pad(FILE *f, size_t bytes)
{
	fwrite(zeros, 1, -bytes & 3, f);
}

static void add(FILE *f, const char *name, unsigned int mode, const char *data,
		size_t len, unsigned int minor)
{
	static unsigned int inode;
	size_t name_len = strlen(name) + 1;

	fprintf(f,
		"070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X",
		++inode, mode, 0, 0, 1, 0, len, 0, 0, minor == 1 ? 5 : 1, minor,
		name_len, 0);
	fwrite(name, 1, name_len, f);
	pad(f, 110 + name_len);
	fwrite(data, 1, len, f);
	pad(f, len);
}

/* A program, from a file. */
static bool add_file(FILE *f, const char *name, const char *path)
{
	FILE *in = fopen(path, "re");
	char *data = NULL;
	struct stat st;
	bool good;

	if (!in)
		return false;
	good = !fstat(fileno(in), &st) && st.st_size > 0 &&
	       (data = malloc((size_t)st.st_size)) &&
	       fread(data, 1, (size_t)st.st_size, in) == (size_t)st.st_size;
	if (good)
		add(f, name, S_IFREG | 0755, data, (size_t)st.st_size, 0);
	free(data);
	fclose(in);
	return good;
}

bool initrd_write(const char *path, const char *init, const char *child)
{
	FILE *f = fopen(path, "we");
	bool good;

	if (!f)
		return false;
	add(f, "dev", S_IFDIR | 0755, "", 0, 0);
	add(f, "dev/console", S_IFCHR | 0600, "", 0, 1);
	add(f, "dev/null", S_IFCHR | 0600, "", 0, 3);
	add(f, "dev/zero", S_IFCHR | 0600, "", 0, 5);
	add(f, "proc", S_IFDIR | 0755, "", 0, 0);
	add(f, "sys", S_IFDIR | 0755, "", 0, 0);
	good = add_file(f, "init", init) && add_file(f, "child", child);
	add(f, "TRAILER!!!", 0, "", 0, 0);
	if (fclose(f))
		good = false;
	return good;
}
