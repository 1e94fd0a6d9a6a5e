#!/bin/sh
# SPDX-License-Identifier: MIT
# First program of the guest that guest_pvnet_run.sh starts: a stock kernel with
# our module.  A line "PASS name: detail" or "FAIL ..." is a check; the control
# domain waits for some of the others.

# shellcheck source=tests/lib/guest.sh
. /etc/guest.sh

driver() { basename "$(readlink "/sys/class/net/$1/device/driver")"; }
served_by() { [ "$(driver eth0)" = "$1" ]; } # DRIVER
count() { echo $#; }
set_up() { # check it: again and again
	ip addr add 10.9.0.2/24 dev eth0
	ip -6 addr add fd09::2/64 dev eth0
	ip link set eth0 up
	check "$1" "answers come to pings" ping -c 2 -W 20 10.9.0.1
}
statistic() { cat "/sys/class/net/eth0/statistics/$1"; }
large() { # rx or tx: packets are larger than a network's
	[ $(($(statistic "$1_bytes") / $(statistic "$1_packets"))) -gt 3000 ]
}
bad_sums() { # by the kernel, over all protocols
	awk '/^(Tcp|Udp):/ {
		for (i = 1; i <= NF; i++) {
			if ($i == "InCsumErrors") at[$1] = i
			else if (i == at[$1]) sum += $i
		}
	} END { print sum + 0 }' /proc/net/snmp
}

# ---- how fast it is
rate() { # FRONTEND WHAT COUNT [HOST]
	check "$1" "$2" net-traffic "${2%-*}" "${4:-10.9.0.1}" 7000 "$3"
	sed -n "s/.*: \([0-9.]*\) \([a-zA-Z/]*\)$/guest: rate $2 $1 \1 \2/p" \
		/tmp/out
}
rates() { # FRONTEND: several times, for the first warms up
	times="1 2" mib=8 trips=200
	[ ! -e /etc/measure ] || times="1 2 3" mib=96 trips=3000
	for _ in $times; do
		rate "$1" trip $trips
		rate "$1" send $mib
		rate "$1" receive $mib
	done
}

echo "guest: first program runs"
ip link set lo up
ipv6_at_once
insmod /lib/parapet-netfront.ko
modprobe xen-netfront
check own "ours takes the interface when it is loaded first" \
	wait_for served_by parapet-netfront
set_up own
echo "guest: queues=$(count /sys/class/net/eth0/queues/tx-*)"
rates own

exercise() {
	check offload "large packets are sent" large tx
	check offload "large packets are received" large rx
	check udp "datagrams of all sizes" net-traffic ask 10.9.0.1 7000 60
	rate own send-v6 4 fd09::1
	rate own receive-v6 4 fd09::1
	ip link set eth0 down
	ip link set eth0 up
	check down "goes down and up" ping -c 1 -W 20 10.9.0.1

	# ---- the backend is killed, then starts over
	echo "guest: load begins"
	for way in send receive; do
		: >/tmp/go.$way
		while [ -e /tmp/go.$way ]; do
			net-traffic $way 10.9.0.1 7000 4 2>&1 ||
				echo "FAIL load: $way" >>/tmp/failed
		done >/tmp/$way.log &
	done
	read -r _
	rm -f /tmp/go.*
	wait
	cat /tmp/failed 2>/dev/null
	check load "all bytes come while backends are killed and start over" \
		[ ! -e /tmp/failed ]
	echo "guest: $(grep -c MiB /tmp/send.log) and" \
		"$(grep -c MiB /tmp/receive.log) transfers meanwhile"
	check load "nothing is wrong with what came" \
		[ "$(statistic rx_errors) $(bad_sums)" = "0 0" ]

	# ---- another one comes and goes
	echo "guest: waits for another interface"
	check plug "eth1 comes" wait_for [ -e /sys/class/net/eth1 ]
	check plug "ours serves it" [ "$(driver eth1)" = parapet-netfront ]
	ip addr add 10.9.1.2/24 dev eth1
	ip link set eth1 up
	check plug "answers come to pings on it" ping -c 1 -W 20 10.9.1.1
	echo "guest: has eth1"
	check plug "eth1 goes" wait_for [ ! -e /sys/class/net/eth1 ]

	# ---- the device is let go of, and taken again
	echo vif-0 >/sys/bus/xen/drivers/parapet-netfront/unbind
	check again "eth0 goes" [ ! -e /sys/class/net/eth0 ]
	echo vif-0 >/sys/bus/xen/drivers/parapet-netfront/bind
	check again "ours takes it again" wait_for served_by parapet-netfront
	set_up again
}
[ -e /etc/measure ] || exercise
# A driver is in use as long as it has a device.
echo vif-0 >/sys/bus/xen/drivers/parapet-netfront/unbind
check unload "the module can go" wait_for rmmod parapet_netfront
echo vif-0 >/sys/bus/xen/drivers/vif/bind
check stock "the stock frontend takes the interface" wait_for served_by vif
set_up stock
rates stock
echo "guest: all done"
poweroff -f
