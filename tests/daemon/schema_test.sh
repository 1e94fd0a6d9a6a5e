#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The examples, and what the daemon itself writes, are libvirt's XML: each is
# valid by the schema that Debian's libvirt0 brings along.
set -u

schema=/usr/share/libvirt/schemas/domain.rng
root=$(dirname "$0")/../..
build=${BUILD:-build}
files=("$root"/tools/examples/*.xml)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
echo "1..$((2 * ${#files[@]}))"
count=0

result() # STATUS NAME
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		sed 's/^/# /' "$dir/out"
		echo "not ok $count - $2"
	fi
}

for file in "${files[@]}"; do
	name=$(basename "$file")
	xmllint --noout --relaxng "$schema" "$file" >"$dir/out" 2>&1
	result $? "$name is valid"
	"$build/tests/daemon-xml_dump" "$file" >"$dir/dump.xml" 2>"$dir/out" &&
		xmllint --noout --relaxng "$schema" "$dir/dump.xml" \
			>"$dir/out" 2>&1
	result $? "$name is understood, and valid as we write it"
done
