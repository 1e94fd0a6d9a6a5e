# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Bounded runs of libFuzzer, the same on every machine; a long one by hand is
# "make fuzz-NAME".

fuzz_build=${BUILD:-build}
fuzz_folder=$(mktemp -d) || exit 1
trap 'rm -rf "$fuzz_folder"' EXIT
fuzz_count=0

fuzz() { # NAME RUNS BYTES TEXT [PROGRAM: that writes good inputs to a folder]
	local found=$fuzz_folder/$1 log=$fuzz_folder/$1.log file
	local verdict="$((++fuzz_count)) - $1: $2 $4"

	mkdir "$found" "$found.seeds"
	: >"$log"
	if { [ $# -lt 5 ] || "$fuzz_build/tests/$5" "$found.seeds"; } &&
		"$fuzz_build/fuzz/$1" -runs="$2" -seed=1 -max_len="$3" \
			-len_control=0 -timeout=20 -artifact_prefix="$found." \
			"$found" "$found.seeds" >"$log" 2>&1; then
		echo "ok $verdict"
	else
		echo "not ok $verdict"
		tail -n 40 "$log" | sed 's/^/# /'
		for file in "$found".{crash,timeout,leak}-*; do
			[ ! -e "$file" ] || base64 "$file" | sed 's/^/# /'
		done
	fi
	grep -o '#[0-9]*.*cov: [0-9]*' "$log" | tail -n 1 | sed 's/^/# /'
}
fuzz_end() { # the plan
	echo "1..$fuzz_count"
}
