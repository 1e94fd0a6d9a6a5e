#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The builder's fuzzer for a moment.
set -u
# shellcheck source=tests/lib/fuzz.sh
. "$(dirname "$0")/../lib/fuzz.sh"

fuzz build 100000 20000 "mutated kernels leave the builder unharmed" \
	build-seeds
fuzz_end
