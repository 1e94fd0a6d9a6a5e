#!/usr/bin/env bash
# Build Parapet's guest kernel: Debian's source, our patches, a small config.
#
#   build.sh BUILD [SERIES]     SERIES: linux-6.1
#
# Leaves BUILD/guest-kernel/
#   vmlinux   the ELF kernel, stripped
#   bzImage   the same, as a boot loader wants it
#   build     link to the objects: modules are built with "make -C" of it
#
# The source is fetched, not installed.  Tree and objects stay under
# PARAPET_CACHE, one pair for each source version, whatever BUILD is.  A changed
# patch is taken out and put in again, so that kbuild compiles what it touches;
# if nothing changed nothing is compiled.  So it is with the sources of our own
# frontends, which are copied to the place that the series has for them.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
build=$1 series=$here/${2:-linux-6.1}
cache=${PARAPET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/parapet}/guest-kernel
need_mib=2000 # for the tree and its objects
files=1650

say() { echo "guest-kernel: $*"; }
die() { say "$*" >&2; exit 1; }

# Not with what our own make was told.
kernel_make() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u ARCH -u CROSS_COMPILE \
		make -C "$tree" O="$objects" "$@"
}

sum_of() { # FILE...
	cat "$@" | sha256sum | cut -c 1-16
}

# What a PV guest never compiles stays packed.
unpack() {
	local work free
	free=$(df -Pm "$cache" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$need_mib" ] ||
		die "$cache: $free MiB are free, it takes $need_mib"
	work=$(mktemp -d "$cache/unpack.XXXXXX")
	# shellcheck disable=SC2064 # the value as it is now
	trap "rm -rf '$work'" EXIT
	say "unpacking ${source##*/}"
	LC_ALL=C tar -C "$work" --strip-components=1 --exclude='*/arch/[a-wyz]*/*.[chS]' \
		--exclude='*/arch/[a-wyz]*/*.dts*' \
		--exclude='*/drivers/gpu/drm/*/*.[ch]' \
		--exclude='*/Documentation/*/*.rst' \
		--exclude='*/tools/testing/*' -xf "$source"/*.tar.xz ||
		die "${source##*/} could not be unpacked"
	mkdir "$work/.applied"
	rm -rf "$tree" "$objects"
	mv "$work" "$tree"
}

patch_tree() { # OPTION... <PATCH
	patch -d "$tree" -p1 -s --no-backup-if-mismatch -F 0 "$@"
}

# The patches that are in the tree, the last one first.
applied() {
	find "$tree/.applied" -name '*.patch' | sort -r
}

# Take out what is not in the series any more, and all that came after it.
unapply() {
	local patch first=
	for patch in "$series"/*.patch; do
		cmp -s "$patch" "$tree/.applied/${patch##*/}" && continue
		first=${patch##*/}
		break
	done
	for patch in $(applied); do
		if [ -z "$first" ] || [[ ${patch##*/} < $first ]]; then
			[ -e "$series/${patch##*/}" ] && continue
		fi
		say "taking out ${patch##*/}"
		patch_tree -R <"$patch" || return 1
		rm "$patch"
	done
}

apply() {
	local patch name
	for patch in "$series"/*.patch; do
		name=${patch##*/}
		[ ! -e "$tree/.applied/$name" ] || continue
		say "applying $name"
		patch_tree <"$patch" || { rm -rf "$tree"; die "$name does not apply"; }
		cp "$patch" "$tree/.applied/$name"
	done
}

# kbuild compiles what lies in one folder; the rest keeps its place, and so its
# name in #include.
copy_frontends() {
	local file to=$tree/drivers/xen/parapet as
	for file in "${frontends[@]}"; do
		as=$to/${file#"$top/"}
		[[ $file != *.c ]] || as=$to/${file##*/}
		cmp -s "$file" "$as" || install -Dm 644 "$file" "$as"
	done
}

configure() {
	local line
	mkdir -p "$objects"
	rm -f "$objects/wanted"
	kernel_make -s KCONFIG_ALLCONFIG="$series/config" allnoconfig \
		>"$objects/errors" 2>&1 ||
		{ tail "$objects/errors" >&2; die "it cannot be configured"; }
	# What kconfig dropped is a mistake in our list.
	grep '^CONFIG_.*=' "$series/config" | grep -v '=n$' |
		while read -r line; do
			grep -qx "$line" "$objects/.config" ||
				die "config: $line has no effect"
		done
	cp "$series/config" "$objects/wanted"
}

compile() {
	local what n=0
	say "compiling (from nothing it takes about ten minutes)"
	kernel_make -j "$(nproc)" bzImage modules 2>"$objects/errors" |
		while read -r what _; do
			[[ $what == @(CC|AS|LD|AR|HOSTCC) ]] || continue
			n=$((n + 1))
			[ $((n % 100)) != 0 ] || say "$n files of about $files"
		done || {
		tail -n 30 "$objects/errors" >&2
		die "it does not build"
	}
}

leave() {
	local out=$build/guest-kernel
	mkdir -p "$out"
	strip -o "$out/vmlinux" "$objects/vmlinux"
	cp "$objects/arch/x86/boot/bzImage" "$out/bzImage"
	ln -sfn "$objects" "$out/build"
	echo "$sum" >"$out/sum"
	say "$out/vmlinux, $(stat -c %s "$out/bzImage") bytes as bzImage"
}

[ -d "$series" ] || die "${series##*/}: no such series"
"$top/tools/image/deps.sh" "$here/packages.txt"
source=$("$top/tools/image/fetch.sh" source "${series##*/linux-}")
tree=$cache/${source##*/} objects=$cache/${source##*/}.o
mapfile -t frontends < <(find "$top"/{pv-frontends/{core,linux},hypercall/include} \
	-name '*.[ch]' -o -name '*.def' -o -name Kbuild | LC_ALL=C sort)
sum=${source##*/}-$(sum_of "$0" "$series"/* "${frontends[@]}")
[ "$(cat "$build/guest-kernel/sum" 2>/dev/null)" != "$sum" ] || exit 0
mkdir -p "$cache"
exec 8>"$cache/lock"
flock 8
if [ "$(cat "$objects/sum" 2>/dev/null)" != "$sum" ]; then
	rm -f "$objects/sum"
	[ -d "$tree/.applied" ] || unpack
	unapply || unpack
	apply
	copy_frontends
	cmp -s "$series/config" "$objects/wanted" || configure
	compile
	echo "$sum" >"$objects/sum"
fi
leave
