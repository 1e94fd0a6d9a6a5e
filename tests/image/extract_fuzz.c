/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing the extractor: any bytes as a kernel file.
 *
 * A libFuzzer target.  The first byte of the input picks the way in: the ELF
 * checks alone, or the whole way through the bzImage.  Kernels that claim to
 * be larger than a megabyte are left, as their size alone would fill the time.
 *
 * The seeds are the fixtures; extract_seeds.c writes them.
 */
#include "tests/lib/fuzz.h"
#include "tools/image/bzimage.h"
#include "tools/image/pvelf.h"

#include <stdlib.h>
#include <string.h>

#define MOST_BYTES (1u << 20)

static void whole_way(const uint8_t *data, size_t size)
{
	struct payload p;
	struct pvelf info;
	uint8_t *out;

	if (bzimage_find(data, size, &p) || p.unpacked > MOST_BYTES)
		return;
	out = malloc(p.unpacked);
	if (out && !payload_unpack(&p, out))
		pvelf_check(out, p.unpacked, &info);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pvelf info;

	if (size == 0)
		return 0;
	if (data[0] & 1)
		pvelf_check(data + 1, size - 1, &info);
	else
		whole_way(data + 1, size - 1);
	return 0;
}
