#!/bin/sh
# SPDX-License-Identifier: MIT
# First program of the guest that guest_io_run.sh starts.  A line "PASS name:
# detail" or "FAIL ..." is a check; the control domain reads them in the log of
# the console, and waits for some of the others.

# shellcheck source=tests/lib/guest.sh
. /etc/guest.sh

echo "guest: first program runs"
modprobe -a xen-blkfront xen-netfront

# ---- disks
head -c 3997696 /dev/urandom >/run/data
for disk in xvda xvdb; do
	check disk "$disk appears" wait_for [ -b /dev/$disk ]
	check_disk /run/data $disk
done
echo "guest: sectors=$(cat /sys/block/xvdb/size)" \
	"discard=$(cat /sys/block/xvdb/queue/discard_granularity)"

# ---- network
check net "eth0 appears" wait_for [ -e /sys/class/net/eth0 ]
ip addr add 10.9.0.2/24 dev eth0
ip link set eth0 up
check net "answers come to pings" ping -c 3 -W 20 10.9.0.1

# ---- all of it, while backends are killed
mkfifo /run/never # an input that does not end
exec 9<>/run/never
echo "guest: load begins"
(
	for at in 0 4 8 12 16 20 24 28; do
		put /run/data xvda $at || fail load "write at $at MiB"
	done
	check load "a disk whose backend is killed is right" \
		is_at /run/data xvda 0 4 8 12 16 20 24 28
) &
nc -w 60 10.9.0.1 7001 </run/data
check load "TCP sends while the backend is killed" [ $? = 0 ]
echo "guest: sent $(sum </run/data)"
nc -w 60 10.9.0.1 7002 <&9 >/run/got
echo "guest: received $(sum </run/got)"
wait

# ---- console
read -r line
check console "takes what is typed" [ "$line" = "hello from outside" ]
flood

# ---- resize, hot-plug, removal
echo "guest: waits for a larger disk"
grown() { [ "$(cat /sys/block/xvdb/size)" != 16384 ]; }
check resize "xvdb grows" wait_for grown
echo "guest: sizes $(cat /sys/block/xvdb/size)"
end
