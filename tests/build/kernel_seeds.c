/* SPDX-License-Identifier: MIT */
/* The fuzzer's seeds: kernel_seeds FOLDER writes the fixtures there. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/build/fixture.h"

static int write_seed(const char *folder, const char *name,
		      const struct recipe *r)
{
	static const uint16_t sizes[2] = {9000, 5000}; /* frames, initrd */
	struct image image = make_image(r);
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "wb");
	if (!f || fwrite(sizes, sizeof(sizes), 1, f) != 1 ||
	    fwrite(image.data, image.bytes, 1, f) != 1 || fclose(f)) {
		perror(path);
		return 1;
	}
	free(image.data);
	return 0;
}

int main(int argc, char **argv)
{
	struct recipe r;
	int rc;

	if (argc != 2)
		return 2;
	recipe_linux(&r);
	rc = write_seed(argv[1], "linux", &r);
	recipe_classic(&r);
	rc |= write_seed(argv[1], "classic", &r);
	r.notes_in_section = 1;
	return rc | write_seed(argv[1], "section", &r);
}
