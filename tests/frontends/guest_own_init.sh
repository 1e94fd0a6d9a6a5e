#!/bin/sh
# SPDX-License-Identifier: MIT
# First program of the guest that guest_own_run.sh starts: a stock kernel with
# our modules.  A line "PASS name: detail" or "FAIL ..." is a check; the control
# domain waits for some of the others.

# shellcheck source=tests/lib/guest.sh
. /etc/guest.sh

driver() { basename "$(readlink "/sys/class/$1/device/driver")"; }
disks_by() { # DRIVER DISK...
	want=$1
	shift
	for disk; do
		[ "$(driver "block/$disk")" = "$want" ] || return 1
	done
}
eth0_by() { [ "$(driver net/eth0)" = "$1" ]; } # DRIVER
count() { echo $#; }
set_up() { # check it: again and again
	ip addr add 10.9.0.2/24 dev eth0
	ip -6 addr add fd09::2/64 dev eth0
	ip link set eth0 up
	check "$1" "answers come to pings" ping -c 2 -W 20 10.9.0.1
}
statistic() { cat "/sys/class/net/eth0/statistics/$1"; }
large() { # rx or tx: packets are larger than a network's
	mean=$(($(statistic "$1_bytes") / $(statistic "$1_packets")))
	echo "measured: packets $1 bytes=$mean" >&4
	[ $mean -gt 3000 ]
}
bad_sums() { # by the kernel, over all protocols
	awk '/^(Tcp|Udp):/ {
		for (i = 1; i <= NF; i++) {
			if ($i == "InCsumErrors") at[$1] = i
			else if (i == at[$1]) sum += $i
		}
	} END { print sum + 0 }' /proc/net/snmp
}

# ---- how fast they are

hundredths() { # of a second
	read -r up _ </proc/uptime
	echo "${up%.*}${up#*.}"
}

disk_rate() { # FRONTEND WORKLOAD MIB COMMAND...: the best of some, in MiB/s
	front=$1 what=$2 mib=$3 best=1000000
	shift 3
	for _ in 1 2 3; do
		forget
		from=$(hundredths)
		"$@" 2>/dev/null
		took=$(($(hundredths) - from))
		[ $took -ge $best ] || best=$took
	done
	tenths=$((mib * 1000 / (best + 1)))
	echo "guest: rate $what $front $((tenths / 10)).$((tenths % 10)) MiB/s"
}
four_at_once() { # DISK OF_OR_IF COUNT
	for i in 0 1 2 3; do
		case $2 in
		of) dd if=/dev/zero of="/dev/$1" bs=4k count="$3" \
			seek=$((i * $3)) oflag=direct & ;;
		*) dd if="/dev/$1" of=/dev/null bs=4k count="$3" \
			skip=$((i * $3)) iflag=direct & ;;
		esac
	done
	wait
}
disk_rates() { # FRONTEND FILE DISK: one in memory, one of the machine
	large=48 small=8
	n=$((large * 16))
	disk_rate "$1" read-64k $large dd if="/dev/$2" of=/dev/null bs=64k \
		count=$n iflag=direct
	disk_rate "$1" write-64k $large dd if=/dev/zero of="/dev/$2" bs=64k \
		count=$n oflag=direct
	disk_rate "$1" read-4k $small dd if="/dev/$2" of=/dev/null bs=4k \
		count=$((small * 256)) iflag=direct
	disk_rate "$1" write-4k $small dd if=/dev/zero of="/dev/$2" bs=4k \
		count=$((small * 256)) oflag=direct
	disk_rate "$1" read-4k-x4 $small four_at_once "$2" if $((small * 64))
	disk_rate "$1" write-4k-x4 $small four_at_once "$2" of $((small * 64))
	disk_rate "$1" read-cached $large dd if="/dev/$2" of=/dev/null bs=64k \
		count=$n
	disk_rate "$1" write-cached $large dd if=/dev/zero of="/dev/$2" bs=64k \
		count=$n conv=fsync
	disk_rate "$1" disk-read $large dd if="/dev/$3" of=/dev/null bs=64k \
		count=$n iflag=direct
	disk_rate "$1" disk-write $large dd if=/dev/zero of="/dev/$3" bs=64k \
		count=$n seek=256 oflag=direct
}

net_rate() { # FRONTEND WHAT COUNT [HOST]
	check "$1" "$2" net-traffic "${2%-*}" "${4:-10.9.0.1}" 7000 "$3"
	sed -n "s/.*: \([0-9.]*\) \([a-zA-Z/]*\)$/guest: rate $2 $1 \1 \2/p" \
		/tmp/out
}
net_rates() { # FRONTEND: several times, for the first warms up
	times="1 2" mib=8 trips=200
	[ ! -e /etc/measure ] || times="1 2 3" mib=96 trips=3000
	for _ in $times; do
		net_rate "$1" trip $trips
		net_rate "$1" send $mib
		net_rate "$1" receive $mib
	done
}

console_rate() { # FRONTEND TTY
	usleep 5000000 # then as much as this is read at once
	stty raw -echo <"$2"
	from=$(hundredths)
	cat /run/lines >"$2"
	took=$(($(hundredths) - from))
	tenths=$((768 * 1000 / 1024 / (took + 1)))
	echo "guest: rate console $1 $((tenths / 10)).$((tenths % 10)) MiB/s"
}
console_rates() {
	lines 12288 >/run/lines
	for _ in 1 2 3; do
		console_rate own /dev/xvc0
		console_rate stock /dev/hvc0
	done
}

# ---- disks

use_disks() {
	for disk in xvda xvdb; do
		check_disk /run/data $disk
	done
	zeros() { # OFFSET BYTES
		[ "$(tail -c +$(($1 + 1)) /dev/xvdb | head -c "$2" | sum)" = \
			"$(head -c "$2" /dev/zero | sum)" ]
	}
	blkdiscard -o 1048576 -l 1048576 /dev/xvdb
	forget
	check disk "a part that is discarded is empty" zeros 1048576 1048576

	# ---- a file system
	modprobe ext4
	mke2fs /dev/xvda >/dev/null 2>&1
	mkdir -p /mnt
	check ext "a file system is made and mounted" mount /dev/xvda /mnt
	i=0
	while [ $i -lt 12 ]; do
		head -c $((i * 9000 + 1)) /run/data >/mnt/$i
		i=$((i + 1))
	done
	umount /mnt
	forget
	mount /dev/xvda /mnt
	i=0 bad=0
	while [ $i -lt 12 ]; do
		[ "$(sum </mnt/$i)" = "$(head -c $((i * 9000 + 1)) /run/data | sum)" ] ||
			bad=$((bad + 1))
		i=$((i + 1))
	done
	check ext "its files are right" [ $bad = 0 ]
	umount /mnt

	# ---- the backend is killed, then starts over
	load() { # four copies, two at once; then compare
		for i in 0 2; do
			for at in $i $((i + 1)); do
				put /run/part xvda "$at" ||
					echo "write at $at MiB" >>/run/wrong &
			done
			wait
		done
		is_at /run/part xvda 0 1 2 3 || echo "read" >>/run/wrong
	}
	all_is_right() {
		cat /run/wrong
		[ ! -s /run/wrong ]
	}
	for name in killed again; do
		echo "guest: $name begins"
		rm -f /run/stop
		: >/run/wrong
		(
			read -r _
			: >/run/stop
		) </dev/hvc0 &
		until [ -e /run/stop ]; do
			load
		done
		check "$name" "what was written meanwhile is right" all_is_right
		echo "guest: $name ends"
		wait
	done

	# ---- resize, hot-plug, removal
	echo "guest: waits for a larger disk"
	before=$(cat /sys/block/xvdb/size)
	grown() { [ "$(cat /sys/block/xvdb/size)" != "$before" ]; }
	check resize "xvdb grows" wait_for grown
	echo "guest: sizes $before $(cat /sys/block/xvdb/size)"
	check plug "xvdb goes" wait_for [ ! -e /sys/block/xvdb ]
	echo "guest: xvdb is gone"
	check plug "xvdc comes" wait_for [ -b /dev/xvdc ]
	check plug "ours serves it" [ "$(driver block/xvdc)" = parapet-blkfront ]
	check plug "it can be read" eval 'head -c 1000000 /dev/xvdc >/run/hot'
}

# ---- the network

use_network() {
	exec 4>&1
	check offload "large packets are sent" large tx
	check offload "large packets are received" large rx
	exec 4>&-
	check udp "datagrams of all sizes" net-traffic ask 10.9.0.1 7000 60
	net_rate own send-v6 4 fd09::1
	net_rate own receive-v6 4 fd09::1
	ip link set eth0 down
	ip link set eth0 up
	check down "goes down and up" ping -c 1 -W 20 10.9.0.1

	# ---- the backend is killed, then starts over
	echo "guest: load begins"
	load_network
	check load "nothing is wrong with what came" \
		[ "$(statistic rx_errors) $(bad_sums)" = "0 0" ]

	# ---- another one comes and goes
	echo "guest: waits for another interface"
	check plug "eth1 comes" wait_for [ -e /sys/class/net/eth1 ]
	check plug "ours serves it" [ "$(driver net/eth1)" = parapet-netfront ]
	ip addr add 10.9.1.2/24 dev eth1
	ip link set eth1 up
	check plug "answers come to pings on it" ping -c 1 -W 20 10.9.1.1
	echo "guest: has eth1"
	check plug "eth1 goes" wait_for [ ! -e /sys/class/net/eth1 ]

	# ---- the device is let go of, and taken again
	echo vif-0 >/sys/bus/xen/drivers/parapet-netfront/unbind
	check again "eth0 goes" [ ! -e /sys/class/net/eth0 ]
	echo vif-0 >/sys/bus/xen/drivers/parapet-netfront/bind
	check again "ours takes it again" wait_for eth0_by parapet-netfront
	set_up again
}

# ---- the console

xvc0_is_there() { [ -c /dev/xvc0 ]; }
read_xvc0() { # until it is hung up
	rm -f /run/hung_up
	exec 3</dev/xvc0
	(
		cat <&3
		: >/run/hung_up
	) &
	exec 3<&-
}
lines() { # COUNT: of 64 bytes, with numbers
	awk -v count="$1" 'BEGIN {
		for (i = 0; i < count; i++)
			printf "T %07d %053d\n", i, i * 7919
	}'
}
use_console() {
	exec 3<>/dev/xvc0
	stty raw -echo <&3
	echo "guest: hello from xvc0" >&3
	read -r line <&3
	check xvc0 "what is typed goes to who reads" [ "$line" = "to xvc0" ]
	is_wide() { [ "$(stty size <&3)" = "41 137" ]; }
	check xvc0 "the window has the size of the host's" wait_for is_wide
	echo "guest: waits for a long paste" >&3
	pasted=$(head -c 300000 <&3 | sum)
	echo "guest: was pasted $pasted"
	lines 40000 >/run/lines
	cat /run/lines >&3
	echo "guest: text ends" >&3
	read -r _ <&3
	exec 3<&-
	echo "guest: xvc0 is closed"
	read -r line
	check xvc0 "what is typed goes to hvc0 when it is closed" \
		[ "$line" = "to hvc0" ]

	# ---- it is closed by the other end, let go of, and taken again
	read_xvc0
	echo "guest: xvc0 is read again"
	check again "who reads is hung up when xvc0 is closed" \
		wait_for [ -e /run/hung_up ]
	echo pvconsole-0 >/sys/bus/xen/drivers/parapet-confront/unbind
	check again "xvc0 goes" [ ! -e /dev/xvc0 ]
	echo pvconsole-0 >/sys/bus/xen/drivers/parapet-confront/bind
	check again "xvc0 comes again" wait_for xvc0_is_there
	read_xvc0
	echo "guest: hello again" >/dev/xvc0
	echo pvconsole-0 >/sys/bus/xen/drivers/parapet-confront/unbind
	check again "who reads is hung up when xvc0 goes" \
		wait_for [ -e /run/hung_up ]
}

# ---- all of it

echo "guest: first program runs"
head -c 1000000 /dev/urandom >/run/data
head -c 507904 /run/data >/run/part
ip link set lo up
ipv6_at_once
insmod /lib/parapet-blkfront.ko
insmod /lib/parapet-netfront.ko
insmod /lib/parapet-confront.ko
modprobe -a xen-blkfront xen-netfront
check own "ours takes both disks when it is loaded first" \
	wait_for disks_by parapet-blkfront xvda xvdb
check own "ours takes the interface when it is loaded first" \
	wait_for eth0_by parapet-netfront
check own "there is a second console" wait_for xvc0_is_there
set_up own
echo "guest: queues=$(count /sys/block/xvda/mq/*)," \
	"$(count /sys/class/net/eth0/queues/tx-*)"
if [ -e /etc/measure ]; then
	disk_rates own xvdb xvda
	net_rates own
	console_rates
	dd if=/run/part of=/dev/xvda bs=1M conv=fsync 2>/dev/null
else
	use_disks
	net_rates own
	use_network
	use_console
fi

# A driver is in use as long as it has a device.
for device in /sys/bus/xen/drivers/parapet-blkfront/vbd-*; do
	basename "$device" >/sys/bus/xen/drivers/parapet-blkfront/unbind
done
check unload "the disks' module can go" wait_for rmmod parapet_blkfront
echo vif-0 >/sys/bus/xen/drivers/parapet-netfront/unbind
check unload "the network's module can go" wait_for rmmod parapet_netfront
[ ! -e /etc/measure ] ||
	echo pvconsole-0 >/sys/bus/xen/drivers/parapet-confront/unbind
check unload "the console's module can go" wait_for rmmod parapet_confront
echo vif-0 >/sys/bus/xen/drivers/vif/bind
echo "guest: our modules are gone"
check stock "the stock frontend takes the interface" wait_for eth0_by vif
set_up stock
check stock "the stock frontend takes the disks" wait_for disks_by vbd xvde xvdf
check stock "and reads what ours wrote" \
	[ "$(head -c 507904 /dev/xvde | sum)" = "$(sum </run/part)" ]
[ ! -e /etc/measure ] || disk_rates stock xvdf xvde
net_rates stock
end
