#!/bin/sh
# SPDX-License-Identifier: MIT
# The build that the benchmark measures: every source of a program, preprocessed
# (src/), then all in one object.

set -e
for source in src/*.i; do
	object=${source##*/}
	tcc -x c -c "$source" -o "out/${object%.i}.o"
done
tcc -nostdlib -r -o out/all out/*.o
rm out/*
