/* SPDX-License-Identifier: MIT */
#include "tests/unit_mm/ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ops_run(data, size);
	return 0;
}
