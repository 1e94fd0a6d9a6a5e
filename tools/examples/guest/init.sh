#!/bin/sh
# SPDX-License-Identifier: MIT
# First program of the small guest: drivers, disk, network, a shell on the
# console.
#
# Words of the kernel's command line come here as variables:
#
#   parapet_ip=ADDRESS/BITS   the address of eth0; without it DHCP is tried
#
# A disk with a file system is mounted on /mnt.  What is in /www is served by
# HTTP.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM="${TERM:-linux}"

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /run
exec </dev/hvc0 >/dev/hvc0 2>&1

# The kernel runs these when the toolstack asks it to (parapet shutdown, reboot).
request() { # NAME
	rm -f "/sbin/$1"
	printf '#!/bin/sh\nsync\nexec /bin/busybox %s -f\n' "$1" >"/sbin/$1"
	chmod +x "/sbin/$1"
}

has_device() { # TYPE: the toolstack gave us one
	ls -d "/sys/bus/xen/devices/$1"-* >/dev/null 2>&1
}

wait_for() { # COMMAND...: at most 30 s
	tries=0
	until "$@" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || return 1
		usleep 50000
	done
}

drivers() { # MODULE...: a kernel that has them built in brings none
	[ ! -d "/lib/modules/$(uname -r)" ] || modprobe -a "$@"
}

disk() {
	drivers xen-blkfront ext4
	wait_for test -b /dev/xvda || return
	mkdir -p /mnt
	mount -t ext4 /dev/xvda /mnt 2>/dev/null ||
		echo "guest: /dev/xvda has no file system"
}

network() {
	drivers xen-netfront af_packet
	wait_for test -e /sys/class/net/eth0 || return
	ip link set eth0 up
	if [ -n "${parapet_ip:-}" ]; then
		ip addr add "$parapet_ip" dev eth0
	else
		udhcpc -i eth0 -q -n -t 3 -T 2 -s /etc/udhcpc.sh >/dev/null
	fi
	mkdir -p /www
	echo "<h1>$(hostname), a guest of Parapet</h1>" >/www/index.html
	head -c 4194304 /dev/urandom >/www/data
	(cd /www && md5sum data >data.md5)
	httpd -h /www
}

request poweroff
request reboot
hostname "${parapet_name:-guest}"
ip link set lo up
! has_device vbd || disk
! has_device vif || network
echo 1 >/proc/sys/kernel/printk

read -r up _ </proc/uptime
echo "guest: ready, uptime=$up kernel=$(uname -r)" \
	"cpus=$(grep -c ^processor /proc/cpuinfo)" \
	"disk=$(awk '$2 == "/mnt" { print $1 }' /proc/mounts)" \
	"eth0=$(ip -4 -o addr show eth0 2>/dev/null | awk '{ print $4 }')"
while :; do
	setsid cttyhack sh -l
done
