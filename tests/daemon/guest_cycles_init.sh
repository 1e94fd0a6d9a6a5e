#!/bin/sh
# SPDX-License-Identifier: MIT
# First program of the stock guests of guest_cycles.py.  One whose command line
# has "work" uses its disk and its network until it is told to stop, and says
# after each round what it found.

# shellcheck source=tests/lib/guest.sh
. /etc/guest.sh
echo "guest: first program runs"
grep -q work /proc/cmdline || exec sleep 100000

modprobe -a xen-blkfront xen-netfront
wait_for [ -b /dev/xvda ]
wait_for [ -e /sys/class/net/eth0 ]
ip addr add 10.9.0.2/24 dev eth0
ip link set eth0 up
wait_for ping -c 1 -W 2 10.9.0.1
head -c 1000000 /dev/urandom >/run/data
want=$(sum </run/data)

# Other data at another place in each round, past the page cache.
disk() {
	round=0 bad=0
	while [ ! -e /run/stop ]; do
		keeps /run/data xvda 16k $((round % 5)) $((round % 7 * 16)) 32 ||
			bad=$((bad + 1))
		round=$((round + 1))
		echo "disk: round=$round bad=$bad"
	done
	echo "disk: ended rounds=$round bad=$bad"
}

# There and back again: the other side sends what it got.
net() {
	round=0 bad=0
	while [ ! -e /run/stop ]; do
		[ "$(nc -w 60 10.9.0.1 7001 </run/data | sum)" = "$want" ] ||
			bad=$((bad + 1))
		round=$((round + 1))
		echo "net: round=$round bad=$bad"
	done
	echo "net: ended rounds=$round bad=$bad"
}

echo "guest: works"
disk &
net &
while read -r line; do
	[ "$line" != stop ] || break
	echo "guest: heard <$line>"
done
: >/run/stop
wait
echo "guest: all done"
sleep 1
poweroff -f
