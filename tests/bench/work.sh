# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# Work as people have it; sourced where it is measured.

work() { # DISK: with a file system
	pvwork compress
	mount -t tmpfs tmpfs /sources/out
	pvwork build /sources
	if mount -t ext4 "$1" /mnt; then
		pvwork database /mnt
		umount /mnt
	else
		echo "pvwork failed: no file system"
	fi
}
