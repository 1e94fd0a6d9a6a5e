/* SPDX-License-Identifier: MIT */
/*
 * Write the seeds for extract_fuzz.c into a folder: a small kernel, plain and
 * in each packing, behind the byte that picks the way in.
 */
#include "tests/image/fixture.h"

#include <stdio.h>
#include <stdlib.h>

static int write_seed(const char *folder, const char *name, char way,
		      const struct image *image)
{
	char path[512];
	FILE *file;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "wbe");
	if (!file) {
		perror(path);
		return 1;
	}
	rc = fputc(way, file) == EOF ||
	     fwrite(image->data, 1, image->len, file) != image->len;
	return fclose(file) || rc;
}

int main(int argc, char **argv)
{
	struct image elf = make_elf(ELF_PV, 300);
	int rc;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	rc = write_seed(argv[1], "elf", 1, &elf);
	for (int packing = PACKING_NONE; packing <= PACKING_ZSTD; packing++) {
		struct image bz = make_bzimage(&elf, (enum packing)packing);

		rc |= write_seed(argv[1], packing_name((enum packing)packing),
				 0, &bz);
		free(bz.data);
	}
	free(elf.data);
	return rc;
}
