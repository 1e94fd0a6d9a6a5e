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
head -c 4000000 /dev/urandom >/run/data
for disk in xvda xvdb; do
	check disk "$disk appears" wait_for [ -b /dev/$disk ]
	dd if=/run/data of=/dev/$disk bs=64k conv=fsync 2>/dev/null
	forget
	check disk "$disk gives back what was written" \
		[ "$(head -c 4000000 /dev/$disk | sum)" = "$(sum </run/data)" ]
	dd if=/run/data of=/dev/$disk bs=4k count=200 seek=1000 oflag=direct \
		2>/dev/null
	check disk "$disk works without the page cache" \
		[ "$(dd if=/dev/$disk bs=4k count=200 skip=1000 iflag=direct \
			2>/dev/null | sum)" = \
		"$(head -c 819200 /run/data | sum)" ]
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
	i=0
	while [ $i -lt 8 ]; do
		dd if=/run/data of=/dev/xvda bs=32k seek=$((i * 128)) \
			oflag=direct 2>/dev/null || echo "FAIL load: write $i"
		i=$((i + 1))
	done
	sync
	forget
	bad=0 i=0
	while [ $i -lt 8 ]; do
		[ "$(dd if=/dev/xvda bs=32k skip=$((i * 128)) count=122 \
			2>/dev/null | head -c 3900000 | sum)" = \
		"$(head -c 3900000 /run/data | sum)" ] || bad=$((bad + 1))
		i=$((i + 1))
	done
	check load "a disk whose backend is killed is right" [ $bad = 0 ]
) &
head -c 4000000 /run/data | nc -w 60 10.9.0.1 7001
check load "TCP sends while the backend is killed" [ $? = 0 ]
echo "guest: sent $(sum </run/data)"
nc -w 60 10.9.0.1 7002 <&9 >/run/got
echo "guest: received $(sum </run/got)"
wait

# ---- console
read -r line
check console "takes what is typed" [ "$line" = "hello from outside" ]
echo "guest: flood begins"
seq 1 20000
echo "guest: flood ends"

# ---- resize, hot-plug, removal
echo "guest: waits for a larger disk"
grown() { [ "$(cat /sys/block/xvdb/size)" != 16384 ]; }
check resize "xvdb grows" wait_for grown
echo "guest: sizes $(cat /sys/block/xvdb/size)"
echo "guest: all done"
poweroff -f
