#!/usr/bin/env bash
# A bounded run of the builder's fuzzer, the same on every machine.
# A long one by hand:  BUILD/tests/build-fuzz -max_total_time=3600 FOLDER
set -u
build=${BUILD:-build}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/seeds" "$folder/found"
runs=100000

echo 1..1
"$build/tests/build-seeds" "$folder/seeds" || exit 1
if "$build/tests/build-fuzz" -runs=$runs -seed=1 -max_len=20000 -timeout=20 \
	-artifact_prefix="$folder/" "$folder/found" "$folder/seeds" \
	>"$folder/log" 2>&1
then
	echo "ok 1 - $runs mutated kernels leave the builder unharmed"
else
	echo "not ok 1 - $runs mutated kernels leave the builder unharmed"
	tail -n 40 "$folder/log" | sed 's/^/# /'
	for file in "$folder"/crash-* "$folder"/timeout-*; do
		[ ! -e "$file" ] || { echo "# $file:"; base64 "$file" | sed 's/^/# /'; }
	done
fi
