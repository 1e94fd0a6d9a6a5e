#!/bin/sh
# SPDX-License-Identifier: MIT
# First program of the guest that guest_net_run.sh starts.  A line "PASS name:
# detail" or "FAIL ..." is a check, one that begins with "measured: " a figure;
# the control domain waits for some of the others.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
exec </dev/hvc0 >/dev/hvc0 2>&1
stty -echo

check() { # NAME DETAIL COMMAND...
	name=$1 detail=$2
	shift 2
	if "$@" >/tmp/out 2>&1; then
		echo "PASS $name: $detail"
		sed 's/^/measured: /' /tmp/out | grep "us$\|MiB/s$"
	else
		echo "FAIL $name: $detail"
		tail -n 5 /tmp/out
	fi
}
wait_for() { # COMMAND...; at most 60 s
	tries=0
	until "$@" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] || return 1
		usleep 50000
	done
}
mkdir -p /tmp
ip link set lo up
modprobe xen-netfront
count() { echo $#; }
modprobe ipv6 2>/dev/null
check link "eth0 appears" wait_for [ -e /sys/class/net/eth0 ]
ip addr add 10.9.0.2/24 dev eth0
ip -6 addr add fd09::2/64 dev eth0 nodad 2>/dev/null
ip link set eth0 up
check link "answers come to pings" ping -c 2 -W 20 10.9.0.1
echo "guest: queues=$(count /sys/class/net/eth0/queues/tx-*)"
check udp "datagrams of all sizes" net-traffic ask 10.9.0.1 7000 120
check trip "one byte" net-traffic trip 10.9.0.1 7000 1000
check send "to the control domain" net-traffic send 10.9.0.1 7000 64
check receive "from the control domain" net-traffic receive 10.9.0.1 7000 64
check send "again" net-traffic send 10.9.0.1 7000 64
check receive "again" net-traffic receive 10.9.0.1 7000 64
if ip -6 addr show dev eth0 | grep -q fd09; then
	check ipv6 "sends" net-traffic send fd09::1 7000 16
	check ipv6 "receives" net-traffic receive fd09::1 7000 16
fi
check idle "nothing is wrong with what came" [ \
	"$(cat /sys/class/net/eth0/statistics/rx_errors)" = 0 ]
echo "guest: load begins"
net-traffic send 10.9.0.1 7000 96 >/tmp/sent 2>&1 &
sent=$!
check load "receives while its backend is killed" \
	net-traffic receive 10.9.0.1 7000 96
wait $sent
check load "sends while its backend is killed" [ $? = 0 ]
check load "its interface is the same" \
	[ "$(count /sys/class/net/*)" = 2 ]
echo "guest: errors=$(cat /sys/class/net/eth0/statistics/rx_errors)"
echo "guest: all done"
poweroff -f
