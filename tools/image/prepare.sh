#!/usr/bin/env bash
# Put together what a control domain boots from.
#
#   prepare.sh BUILD FLAVOUR [OPTION FOR initramfs.py]...
#   prepare.sh --kernel-only BUILD FLAVOUR
#
# Makes BUILD/image/FLAVOUR/
#   kernel      link to the unpacked Debian package: vmlinuz, modules/
#   vmlinux     the ELF kernel out of vmlinuz
#   initrd.img  the initramfs
set -euo pipefail

here=$(dirname "$0")
examples=$here/../examples
kernel_only=
if [ "$1" = --kernel-only ]; then
	kernel_only=yes
	shift
fi
build=$1 flavour=$2
shift 2
out=$build/image/$flavour

kernel=$("$here/fetch.sh" kernel "$flavour")
mkdir -p "$out"
if [ ! -e "$out/vmlinux" ] || [ "$(readlink "$out/kernel")" != "$kernel" ]; then
	rm -f "$out/vmlinux"
	ln -sfn "$kernel" "$out/kernel"
	"$build/bin/parapet-extract" "$kernel/vmlinuz" "$out/vmlinux"
fi
[ -z "$kernel_only" ] || exit 0
"$here/initramfs.py" --out "$out/initrd.img" --kernel "$kernel" \
	--modules "$here/modules.list" --init "$here/init.sh" \
	--file "etc/udhcpc.sh=$here/udhcpc.sh" \
	--file "etc/profile=$here/profile.sh" \
	--file "etc/passwd=$examples/control/passwd" \
	--file "etc/group=$examples/control/group" \
	--file "etc/parapet/start.sh=$examples/control/start.sh" \
	--file "etc/parapet/check.sh=$examples/control/check.sh" "$@"
