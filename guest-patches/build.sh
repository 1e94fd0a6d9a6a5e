#!/usr/bin/env bash
# Build Parapet's guest kernel: Debian's source, our patches, a small config.
#
#   build.sh BUILD [SERIES]     SERIES: linux-6.1
#
# Leaves BUILD/guest-kernel/vmlinux and bzImage.  The source is fetched, not
# installed; tree and objects stay under PARAPET_CACHE, one folder for each
# source version and set of patches, so only what is new is built.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$1 series=${2:-linux-6.1}
cache=${PARAPET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/parapet}

say() { echo "guest-kernel: $*"; }
die() { say "$*" >&2; exit 1; }

[ -d "$here/$series" ] || die "$series: no such series"
"$here/../tools/image/deps.sh" "$here/packages.txt"
source=$("$here/../tools/image/fetch.sh" source "${series#linux-}")
sum=$(cat "$here/$series"/*.patch | sha256sum | cut -c 1-12)
tree=$cache/guest-kernel/$(basename "$source")-$sum
objects=$tree.o

unpack() {
	local work
	work=$(mktemp -d "$cache/guest-kernel/unpack.XXXXXX")
	# shellcheck disable=SC2064 # the value as it is now
	trap "rm -rf '$work'" EXIT
	say "unpacking $(basename "$source")"
	tar -C "$work" --strip-components=1 -xf "$source"/*.tar.xz
	for patch in "$here/$series"/*.patch; do
		say "applying $(basename "$patch")"
		patch -d "$work" -p1 -s --no-backup-if-mismatch -F 0 <"$patch" ||
			die "$(basename "$patch") does not apply"
	done
	mv "$work" "$tree"
}

configure() {
	mkdir -p "$objects"
	cmp -s "$here/$series/config" "$objects/wanted" && return
	make -s -C "$tree" O="$objects" \
		KCONFIG_ALLCONFIG="$here/$series/config" allnoconfig >/dev/null
	# What kconfig dropped is a mistake in our list.
	grep '=y$' "$here/$series/config" | while read -r line; do
		grep -qx "$line" "$objects/.config" ||
			die "$series/config: $line has no effect"
	done
	cp "$here/$series/config" "$objects/wanted"
}

compile() {
	say "compiling (the first time takes about ten minutes)"
	make -C "$tree" O="$objects" -j "$(nproc)" bzImage 2>"$objects/errors" |
		awk '/^  (CC|AS|LD|AR) / { n++ }
		     n && n % 100 == 0 && n != said { said = n
			printf "guest-kernel: %d files\n", n; fflush() }' ||
		{ tail -n 30 "$objects/errors" >&2; die "it does not build"; }
}

mkdir -p "$cache/guest-kernel"
[ -d "$tree" ] || unpack
configure
compile
mkdir -p "$build/guest-kernel"
strip -o "$build/guest-kernel/vmlinux" "$objects/vmlinux"
cp "$objects/arch/x86/boot/bzImage" "$build/guest-kernel/bzImage"
say "$build/guest-kernel/vmlinux, $(stat -c %s "$build/guest-kernel/bzImage") bytes as bzImage"
