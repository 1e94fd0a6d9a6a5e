#!/usr/bin/env bash
# Install the Debian packages that the project needs (packages.txt, or the list
# that is named).
#
# Says what it installs; does nothing, without a network, when all are there.
# Needs root, or sudo.
set -euo pipefail

list=${1:-$(dirname "$0")/packages.txt}

command -v apt-get >/dev/null || {
	echo "deps: apt-get is missing: this needs Debian 12 or newer" >&2
	exit 1
}

mapfile -t wanted < <(sed 's/#.*//' "$list" | tr -s ' \t' '\n' | grep .)
mapfile -t present < <(
	dpkg-query -W -f '${Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
		sed -n 's/^install ok installed //p'
)
mapfile -t missing < <(
	printf '%s\n' "${wanted[@]}" | sort -u |
		comm -23 - <(printf '%s\n' "${present[@]}" | sort -u)
)
[ "${#missing[@]}" -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "deps: run as root, or install: ${missing[*]}" >&2
		exit 1
	}
	as_root=(sudo)
fi

install() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq -y --no-install-recommends "${missing[@]}"
}

echo "deps: installing ${missing[*]}"
# The lists may be missing or older than the mirror: then update and try again.
if ! install >/dev/null 2>&1; then
	echo "deps: updating the package lists"
	"${as_root[@]}" apt-get -qq update ||
		{ echo "deps: apt-get update failed" >&2; exit 1; }
	install >/dev/null || { echo "deps: apt-get install failed" >&2; exit 1; }
fi
echo "deps: done"
