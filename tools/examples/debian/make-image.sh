#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Make the disk image of a Debian guest, by one command.
#
#   make-image.sh [OPTION]... IMAGE       for example debian.img
#
#   --address ADDRESS/BITS   of its interface, besides what DHCP gives
#   --gateway ADDRESS
#   --hostname NAME          (debian)
#   --include PACKAGES       more packages, separated by commas
#   --size SIZE              of the disk (1G; the image is sparse)
#   --suite SUITE            (this machine's)
#
# Makes IMAGE, a file system with a kernel and GRUB's menu in it, and beside it
# what boots it without GRUB: IMAGE.vmlinuz and IMAGE.initrd (IMAGE's name
# without ".img").  root has no password, and may log in on the console only.
#
# Packages come from where this machine's apt gets them.  It runs as root, or as
# anyone who may have user namespaces (package uidmap).
set -euo pipefail

address='' gateway='' hostname=debian include='' size=1G suite=''
packages=systemd-sysv,udev,dbus,iproute2,iputils-ping
packages=$packages,linux-image-amd64,virt-what,procps,vim-tiny

die() { echo "make-image: $*" >&2; exit 1; }
usage() { sed -n '/^#   make/,/^$/s/^#   //p' "$0" >&2; exit 2; }

while [ $# -gt 1 ]; do
	case $1 in
	--address) address=$2 ;;
	--gateway) gateway=$2 ;;
	--hostname) hostname=$2 ;;
	--include) include=$2 ;;
	--size) size=$2 ;;
	--suite) suite=$2 ;;
	*) usage ;;
	esac
	shift 2
done
case ${1:--} in -*) usage ;; esac
image=$1 base=${1%.img}
for tool in mmdebstrap /sbin/mke2fs apt-config; do
	command -v "$tool" >/dev/null || die "$tool is missing: run make deps"
done
# shellcheck source=/dev/null
[ -n "$suite" ] || suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ---- what the guest is configured with

mkdir -p "$work/files/etc/systemd/network" "$work/files/boot/grub" \
	"$work/files/etc/initramfs-tools/conf.d" \
	"$work/files/usr/share/initramfs-tools/modules.d"
echo "$hostname" >"$work/files/etc/hostname"
echo "/dev/xvda / ext4 errors=remount-ro,discard 0 1" >"$work/files/etc/fstab"
cat >"$work/files/etc/systemd/network/wired.network" <<END
[Match]
Driver=vif

[Network]
DHCP=ipv4
${address:+Address=$address}
${gateway:+Gateway=$gateway}
END
# The initramfs needs nothing but the disk.
echo MODULES=list >"$work/files/etc/initramfs-tools/conf.d/xen"
printf 'xen-blkfront\next4\n' \
	>"$work/files/usr/share/initramfs-tools/modules.d/xen"
# GRUB's PV image reads this from the disk; the links follow the newest kernel.
cat >"$work/files/boot/grub/grub.cfg" <<'END'
set timeout=1
menuentry "Debian" {
	linux /vmlinuz root=/dev/xvda ro console=hvc0 quiet
	initrd /initrd.img
}
END
tar -C "$work/files" -cf "$work/files.tar" --owner=0 --group=0 .

# No drivers but those that a guest has devices for; no manuals.  dpkg keeps to
# this when it upgrades the kernel, too.
modules='/lib/modules/*/kernel'
paths=(--dpkgopt="path-exclude=$modules/drivers/*"
	--dpkgopt="path-exclude=$modules/sound/*")
for driver in xen block/xen-blkfront net/xen-netfront net/tun net/veth \
	md char/hw_random block/loop block/nbd; do
	paths+=(--dpkgopt="path-include=$modules/drivers/$driver*")
done
for folder in man doc locale info; do
	paths+=(--dpkgopt="path-exclude=/usr/share/$folder/*")
done
paths+=(--dpkgopt='path-include=/usr/share/doc/*/copyright'
	--dpkgopt='path-include=/usr/share/locale/locale.alias')

# ---- the packages

apt-config dump | grep -E '^Acquire::(http|https|ftp)::' >"$work/apt.conf" ||
	true
mapfile -t sources < <(find /etc/apt/sources.list /etc/apt/sources.list.d \
	-name '*.list' -size +0 -o -name '*.sources' 2>/dev/null)
[ ${#sources[@]} -gt 0 ] || die "this machine's apt has no sources"
echo "make-image: $image: installing Debian $suite (about a minute)"
# Hooks run in order: files that packages look at come before the packages.
# shellcheck disable=SC2016 # $1 is the hook's own
mmdebstrap --quiet --variant=minbase --include="$packages${include:+,$include}" \
	--aptopt="$work/apt.conf" "${paths[@]}" \
	--essential-hook="tar-in $work/files.tar /" \
	--customize-hook='chroot "$1" passwd --delete root' \
	--customize-hook='systemctl --root="$1" enable systemd-networkd' \
	--customize-hook='systemctl --root="$1" disable \
		systemd-networkd-wait-online apt-daily.timer \
		apt-daily-upgrade.timer' \
	--customize-hook='rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap' \
	"$suite" "$work/root.tar" "${sources[@]}" >"$work/log" 2>&1 || {
	tail -n 5 "$work/log" >&2
	die "mmdebstrap failed"
}

# ---- the file system, made by a root whose powers may end at this directory

as_root=()
[ "$(id -u)" = 0 ] ||
	as_root=(unshare --map-root-user --map-auto)
mkdir "$work/tree"
truncate -s "$size" "$work/image"
# shellcheck disable=SC2016 # $1 is the program's own
"${as_root[@]}" bash -euo pipefail -c '
	tar -C "$1/tree" -xf "$1/root.tar" --exclude="./dev/*"
	cp -L "$1/tree/vmlinuz" "$1/vmlinuz"
	cp -L "$1/tree/initrd.img" "$1/initrd"
	chmod 644 "$1/vmlinuz" "$1/initrd"
	/sbin/mke2fs -q -F -t ext4 -L "$2" -E lazy_itable_init=1 \
		-d "$1/tree" "$1/image"
	rm -rf "$1/tree"
' make-image "$work" "$hostname"
cp --sparse=always "$work/image" "$image"
cp "$work/vmlinuz" "$base.vmlinuz"
cp "$work/initrd" "$base.initrd"
echo "make-image: $image: $(du -m "$image" | cut -f 1) MiB," \
	"kernel $base.vmlinuz, initramfs $base.initrd"
