#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian's C xenstored, the benchmark's peer: unpacked, never installed.
# Prints the directory of its tree.  What was unpacked once serves again.
set -euo pipefail

packages="xen-utils-4.17 libxenmisc4.17 libxencall1 libxenevtchn1
	libxengnttab1 libxentoollog1 libxenforeignmemory1 libxendevicemodel1
	libxentoolcore1"
out=${PARAPET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/parapet}/xenstored

if [ ! -d "$out" ]; then
	mkdir -p "${out%/*}"
	work=$(mktemp -d "${out%/*}/peer.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	options=()
	[ "$(id -u)" != 0 ] || options=(-o APT::Sandbox::User=root)
	# shellcheck disable=SC2086 # several words
	(cd "$work" && apt-get "${options[@]}" -qq download $packages) >&2
	for package in "$work"/*.deb; do
		dpkg-deb -x "$package" "$work/tree"
	done
	mv "$work/tree" "$out"
fi
echo "$out"
