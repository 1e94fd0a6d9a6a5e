#!/bin/sh
# SPDX-License-Identifier: MIT
# First program of the guest whose devices the benchmark measures.  Its kernel's
# command line says what to do (guest_work), which comes as environment.

echo "guest: first program runs"
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
exec </dev/console >/dev/console 2>&1
stty -echo

first_of() { # PATH...: the first one that is there; at most 60 s
	tries=0
	while [ $tries -lt 600 ]; do
		for path in "$@"; do
			[ ! -e "$path" ] || break 2
		done
		tries=$((tries + 1))
		usleep 100000
	done
	echo "$path"
}

# Our frontends take what the stock ones would.
for module in /modules/*.ko; do
	[ ! -e "$module" ] || insmod "$module"
done
# Only one sort of devices is there.
modprobe -qa xen-blkfront xen-netfront virtio_pci virtio_blk virtio_net \
	2>/dev/null
disk=$(first_of /dev/xvda /dev/vda)
first_of /sys/class/net/eth0 >/dev/null
ip link set lo up
ip addr add 10.9.0.2/24 dev eth0
ip link set eth0 up
echo "guest: ready"

# shellcheck disable=SC2154 # from the kernel's command line
if [ "$guest_work" = io ]; then
	modprobe -qa ext4
	pvio block "$disk"
	# shellcheck source=tests/bench/work.sh
	. /etc/work.sh
	work "$disk"
	ping -c 2 -W 20 10.9.0.1 >/dev/null
	pvio net 10.9.0.1 7000
	echo "guest: done"
fi
exec sleep 1000000
