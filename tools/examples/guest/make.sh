#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Make what the small guests boot from.
#
#   make.sh DIR      DIR/vmlinuz: Debian's stock kernel for clouds
#                    DIR/initrd.img: busybox, drivers, init.sh, guest-check
set -euo pipefail

[ $# = 1 ] || { echo "usage: make.sh DIR" >&2; exit 2; }
here=$(dirname "$0")
image=$here/../../image
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf '%s\n' xen-blkfront xen-netfront ext4 af_packet >"$work/modules"
cp "$here/check.sh" "$work/guest-check"
chmod 755 "$work/guest-check"
cat >"$work/profile" <<'END'
alias poweroff='poweroff -f' reboot='reboot -f' halt='halt -f'
PS1='\h:\w# '
END
kernel=$("$image/fetch.sh" kernel cloud-amd64)
mkdir -p "$1"
cp "$kernel/vmlinuz" "$1/vmlinuz"
"$image/initramfs.py" --out "$1/initrd.img" --kernel "$kernel" \
	--modules "$work/modules" --init "$here/init.sh" \
	--file "etc/udhcpc.sh=$image/udhcpc.sh" \
	--file "etc/profile=$work/profile" \
	--file "usr/bin/guest-check=$work/guest-check"
