#!/usr/bin/env bash
# Fetch what is not ours, unpacked but never installed.
#
#   fetch.sh kernel [FLAVOUR]   Debian's stock kernel; amd64, cloud-amd64 or
#                               6.12-cloud-amd64
#   fetch.sh headers [FLAVOUR]  what modules for that kernel are built with
#   fetch.sh source [VERSION]   Debian's source of the kernel; 6.1
#   fetch.sh xen                Debian's Xen hypervisor, the benchmark's peer
#   fetch.sh tree PACKAGE...    these packages, unpacked into one tree
#
# Prints the directory that holds it:
#   kernel   vmlinuz  config  version  modules/ (what /lib/modules/VERSION has)
#   headers  a tree that is kbuild's "make -C"
#   source   linux-source-VERSION.tar.xz
#   xen      xen  version
#   tree     what the packages have, from the root
#
# The package is resolved through apt each time, as old versions vanish from
# mirrors; what is already unpacked under PARAPET_CACHE is not fetched again.
# Without a network the newest cached one serves.
set -euo pipefail

cache=${PARAPET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/parapet}

say() { echo "fetch: $*" >&2; }
die() { say "$*"; exit 1; }

root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

update_lists() {
	say "updating the package lists"
	root apt-get -qq update >&2 ||
		die "apt-get update failed: no network, and nothing cached"
}

# The package that a meta package stands for now; nothing if it is unknown.
resolve() {
	{ apt-cache --no-all-versions show "$1" 2>/dev/null || true; } |
		sed -n 's/^Depends:.*\(linux-image-[0-9][^ ,]*\).*/\1/p'
}

candidate() {
	{ apt-cache policy "$1" 2>/dev/null || true; } |
		awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'
}

# download PACKAGE VERSION DIR: the .deb into DIR; its name on stdout
download() {
	local options=()
	[ "$(id -u)" != 0 ] || options=(-o APT::Sandbox::User=root)
	(cd "$3" && apt-get "${options[@]}" -qq download "$1=$2" >&2) || return 1
	find "$3" -maxdepth 1 -name '*.deb' -print -quit
}

unpack_kernel() { # TREE OUT
	local image version
	image=$(find "$1/boot" -name 'vmlinuz-*' -print -quit)
	[ -n "$image" ] || die "the package has no kernel in it"
	version=${image##*/vmlinuz-}
	mv "$image" "$2/vmlinuz"
	mv "$1/boot/config-$version" "$2/config"
	for dir in "$1/usr/lib/modules/$version" "$1/lib/modules/$version"; do
		[ ! -d "$dir" ] || mv "$dir" "$2/modules"
	done
	[ -d "$2/modules" ] || die "the package has no modules in it"
	echo "$version" >"$2/version"
}

unpack_source() { # TREE OUT
	local tar
	tar=$(find "$1/usr/src" -name 'linux-source-*.tar.xz' -print -quit)
	[ -n "$tar" ] || die "the package has no source in it"
	mv "$tar" "$2/"
}

unpack_xen() { # TREE OUT
	local image
	image=$(find "$1/boot" -name 'xen-*-amd64.gz' -print -quit)
	[ -n "$image" ] || die "the package has no hypervisor in it"
	gunzip -c "$image" >"$2/xen" # QEMU loads no packed multiboot image
	image=${image##*/}
	echo "${image%.gz}" >"$2/version"
}

# store KIND PACKAGE VERSION: unpacked into the cache; its directory on stdout
store() {
	local kind=$1 package=$2 version=$3 out work deb
	out=$cache/$kind/${package}_$version
	if [ ! -d "$out" ]; then
		work=$(mktemp -d "$cache/fetch.XXXXXX")
		# shellcheck disable=SC2064 # the value as it is now
		trap "rm -rf '$work'" EXIT
		say "downloading $package $version"
		deb=$(download "$package" "$version" "$work") || return 1
		mkdir -p "$work/tree" "$work/out" "$cache/$kind"
		dpkg-deb -x "$deb" "$work/tree" || die "$package: bad archive"
		"unpack_$kind" "$work/tree" "$work/out"
		mv "$work/out" "$out"
		rm -rf "$work"
	fi
	echo "$out"
}

# The headers of a kernel that was fetched: three packages, which are one tree.
fetch_headers() { # KERNEL: its directory
	local version package release out work name deb
	version=$(cat "$1/version")
	package=linux-headers-$version
	release=${1##*_}
	out=$cache/headers/${package}_$release
	if [ ! -d "$out" ]; then
		work=$(mktemp -d "$cache/fetch.XXXXXX")
		# shellcheck disable=SC2064 # the value as it is now
		trap "rm -rf '$work'" EXIT
		mkdir -p "$work/tree" "$cache/headers"
		for name in "$package" "linux-kbuild-${version%.*}" \
			"linux-headers-${version%%-[a-z]*}-common"; do
			say "downloading $name $release"
			deb=$(download "$name" "$release" "$work") ||
				die "$name: could not be downloaded"
			dpkg-deb -x "$deb" "$work/tree"
			rm -f "$deb"
		done
		# They expect to be installed.
		# shellcheck disable=SC2016 # for make
		sed -i 's|/usr/src/|$(dir $(lastword $(MAKEFILE_LIST)))../|' \
			"$work/tree/usr/src/$package/Makefile"
		mv "$work/tree" "$out"
		rm -rf "$work"
	fi
	echo "$out/usr/src/$package"
}

# Several packages in one tree, which is named for the first and all the names.
fetch_tree() { # PACKAGE...
	local version sum out work name deb
	sum=$(echo "$*" | sha256sum | cut -c 1-12)
	version=$(candidate "$1")
	out=$cache/tree/$1_$version-$sum
	if [ -n "$version" ] && [ -d "$out" ]; then
		echo "$out"
		return
	fi
	[ -n "$version" ] || return 1
	work=$(mktemp -d "$cache/fetch.XXXXXX")
	# shellcheck disable=SC2064 # the value as it is now
	trap "rm -rf '$work'" EXIT
	mkdir -p "$work/tree" "$cache/tree"
	for name in "$@"; do
		version=$(candidate "$name")
		say "downloading $name $version"
		deb=$(download "$name" "$version" "$work") || return 1
		dpkg-deb -x "$deb" "$work/tree" || die "$name: bad archive"
		rm -f "$deb"
	done
	mv "$work/tree" "$out"
	rm -rf "$work"
	echo "$out"
}

# The newest cached directory whose package name matches a shell pattern.
cached() { # KIND PATTERN
	[ -d "$cache/$1" ] || return 0
	find "$cache/$1" -mindepth 1 -maxdepth 1 -name "$2" \
		-printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-
}

fetch() { # KIND META PATTERN
	local kind=$1 meta=$2 package version out
	for try in 1 2; do
		if [ "$kind" = kernel ]; then
			package=$(resolve "$meta")
		else
			package=$meta
		fi
		version=
		[ -z "$package" ] || version=$(candidate "$package")
		if [ -n "$version" ] && out=$(store "$kind" "$package" "$version")
		then
			echo "$out"
			return
		fi
		out=$(cached "$kind" "$3")
		if [ -n "$out" ]; then
			say "using the cached ${out##*/}"
			echo "$out"
			return
		fi
		[ "$try" = 2 ] || update_lists
	done
	die "$meta: no such package, or it could not be downloaded"
}

for tool in apt-get apt-cache dpkg-deb flock; do
	command -v "$tool" >/dev/null || die "$tool is missing: this needs Debian"
done
mkdir -p "$cache" || die "cannot make the cache directory $cache"
exec 9>"$cache/lock"
flock 9

case ${1:-} in
kernel | headers)
	flavour=${2:-amd64}
	case $flavour in
	amd64 | cloud-amd64) pattern="[0-9]*.0-*[0-9]-$flavour" ;;
	6.12-cloud-amd64) pattern="6.12*-cloud-amd64" ;;
	*) die "no such kernel flavour: $flavour" ;;
	esac
	tree=$(fetch kernel "linux-image-$flavour" "linux-image-${pattern}_*")
	[ "$1" = kernel ] || tree=$(fetch_headers "$tree")
	echo "$tree"
	;;
source)
	fetch source "linux-source-${2:-6.1}" "linux-source-${2:-6.1}_*"
	;;
tree)
	[ $# -gt 1 ] || die "tree: which packages?"
	shift
	if ! fetch_tree "$@"; then
		out=$(cached tree "$1_*-$(echo "$*" | sha256sum | cut -c 1-12)")
		if [ -z "$out" ]; then
			update_lists
			out=$(fetch_tree "$@") ||
				die "$1: could not be downloaded"
		fi
		echo "$out"
	fi
	;;
xen)
	fetch xen xen-hypervisor-4.17-amd64 'xen-hypervisor-*'
	;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
