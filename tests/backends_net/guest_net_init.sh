#!/bin/sh
# SPDX-License-Identifier: MIT
# First program of the guest that guest_net_run.sh starts.  A line "PASS name:
# detail" or "FAIL ..." is a check, one that begins with "measured: " a figure;
# the control domain waits for some of the others.

# shellcheck source=tests/lib/guest.sh
. /etc/guest.sh

measure() { # like check, but shows the figures that the command says
	check "$@"
	sed -n '/us$\|MiB\/s$/s/^/measured: /p' /tmp/out
}
ip link set lo up
modprobe xen-netfront
count() { echo $#; }
ipv6_at_once
check link "eth0 appears" wait_for [ -e /sys/class/net/eth0 ]
ip addr add 10.9.0.2/24 dev eth0
ip -6 addr add fd09::2/64 dev eth0
ip link set eth0 up
check link "answers come to pings" ping -c 2 -W 20 10.9.0.1
echo "guest: queues=$(count /sys/class/net/eth0/queues/tx-*)"
check udp "datagrams of all sizes" net-traffic ask 10.9.0.1 7000 120
measure trip "one byte" net-traffic trip 10.9.0.1 7000 1000
measure send "to the control domain" net-traffic send 10.9.0.1 7000 64
measure receive "from the control domain" net-traffic receive 10.9.0.1 7000 64
measure send "again" net-traffic send 10.9.0.1 7000 64
measure receive "again" net-traffic receive 10.9.0.1 7000 64
measure ipv6 "sends" net-traffic send fd09::1 7000 16
measure ipv6 "receives" net-traffic receive fd09::1 7000 16
check idle "nothing is wrong with what came" [ \
	"$(cat /sys/class/net/eth0/statistics/rx_errors)" = 0 ]
echo "guest: load begins"
load_network
check load "its interface is the same" \
	[ "$(count /sys/class/net/*)" = 2 ]
echo "guest: errors=$(cat /sys/class/net/eth0/statistics/rx_errors)"
end
