#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The extractor's fuzzer for a moment.
set -u
# shellcheck source=tests/lib/fuzz.sh
. "$(dirname "$0")/../lib/fuzz.sh"

fuzz extract 300000 8192 "mutated kernel files leave the extractor unharmed" \
	extract-seeds
fuzz_end
