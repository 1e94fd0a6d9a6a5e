#!/bin/sh
# SPDX-License-Identifier: MIT
# What xl runs when a guest's disk or interface comes or goes: the least that
# Xen's own scripts do, for a disk that is a file and a bridge named br0.

exec 2>>/var/log/xen/hotplug
connected() { xenstore-write "$XENBUS_PATH/hotplug-status" connected; }

# shellcheck disable=SC2154 # vif comes from xl
case "${0##*/} $1" in
"block add")
	disk=$(losetup -f)
	losetup "$disk" "$(xenstore-read "$XENBUS_PATH/params")"
	xenstore-write "$XENBUS_PATH/node" "$disk" \
		"$XENBUS_PATH/physical-device" "$(stat -c %t:%T "$disk")"
	connected
	;;
"block remove") losetup -d "$(xenstore-read "$XENBUS_PATH/node")" ;;
"vif-bridge online")
	ip link set "$vif" master br0
	ip link set "$vif" up
	connected
	;;
esac
