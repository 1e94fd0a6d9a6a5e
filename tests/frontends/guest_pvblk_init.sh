#!/bin/sh
# SPDX-License-Identifier: MIT
# First program of the guest that guest_pvblk_run.sh starts: a stock kernel with
# our module.  A line "PASS name: detail" or "FAIL ..." is a check; the control
# domain reads them in the log of the console, and waits for some of the others.

# shellcheck source=tests/lib/guest.sh
. /etc/guest.sh

driver() { basename "$(readlink "/sys/block/$1/device/driver")"; }
served_by() { # DRIVER DISK...
	want=$1
	shift
	for disk; do
		[ "$(driver "$disk")" = "$want" ] || return 1
	done
}
hundredths() { # of a second
	read -r up _ </proc/uptime
	echo "${up%.*}${up#*.}"
}

# ---- how fast it is
rate() { # FRONTEND WORKLOAD MIB COMMAND...: the best of some, in MiB/s
	front=$1 what=$2 mib=$3 best=1000000
	shift 3
	for _ in $tries; do
		forget
		from=$(hundredths)
		"$@" 2>/dev/null
		took=$(($(hundredths) - from))
		[ $took -ge $best ] || best=$took
	done
	echo "guest: rate $what $front $((mib * 1000 / (best + 1)))"
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
rates() { # FRONTEND FILE DISK: one in memory, one of the machine
	tries=1 large=8 small=1
	[ ! -e /etc/measure ] || tries="1 2 3" large=48 small=8
	n=$((large * 16))
	rate "$1" read-64k $large dd if="/dev/$2" of=/dev/null bs=64k \
		count=$n iflag=direct
	rate "$1" write-64k $large dd if=/dev/zero of="/dev/$2" bs=64k \
		count=$n oflag=direct
	rate "$1" read-4k $small dd if="/dev/$2" of=/dev/null bs=4k \
		count=$((small * 256)) iflag=direct
	rate "$1" write-4k $small dd if=/dev/zero of="/dev/$2" bs=4k \
		count=$((small * 256)) oflag=direct
	rate "$1" read-4k-x4 $small four_at_once "$2" if $((small * 64))
	rate "$1" write-4k-x4 $small four_at_once "$2" of $((small * 64))
	rate "$1" read-cached $large dd if="/dev/$2" of=/dev/null bs=64k \
		count=$n
	rate "$1" write-cached $large dd if=/dev/zero of="/dev/$2" bs=64k \
		count=$n conv=fsync
	rate "$1" disk-read $large dd if="/dev/$3" of=/dev/null bs=64k \
		count=$n iflag=direct
	rate "$1" disk-write $large dd if=/dev/zero of="/dev/$3" bs=64k \
		count=$n seek=256 oflag=direct
}

echo "guest: first program runs"
insmod /lib/parapet-blkfront.ko
modprobe xen-blkfront
check own "ours takes both disks when it is loaded first" \
	wait_for served_by parapet-blkfront xvda xvdb
echo "guest: queues=$(find /sys/block/xvda/mq -maxdepth 1 -name '[0-9]*' |
	wc -l)"
rates own xvdb xvda

exercise() {
	# ---- what was written is read
	for disk in xvda xvdb; do
		dd if=/run/data of=/dev/$disk bs=64k conv=fsync 2>/dev/null
		forget
		check disk "$disk gives back what was written" \
			[ "$(head -c 1000000 /dev/$disk | sum)" = "$(sum </run/data)" ]
		dd if=/run/data of=/dev/$disk bs=4k count=100 seek=1000 oflag=direct \
			2>/dev/null
		check disk "$disk works without the page cache" \
			[ "$(dd if=/dev/$disk bs=4k count=100 skip=1000 iflag=direct \
				2>/dev/null | sum)" = \
			"$(head -c 409600 /run/data | sum)" ]
		dd if=/run/data of=/dev/$disk bs=512 count=99 seek=7 oflag=direct \
			2>/dev/null
		check disk "$disk takes single sectors" \
			[ "$(dd if=/dev/$disk bs=512 count=99 skip=7 iflag=direct \
				2>/dev/null | sum)" = \
			"$(head -c 50688 /run/data | sum)" ]
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
	load() { # NAME: four copies, direct, two at once; then compare
		for i in 0 2; do
			for j in $i $((i + 1)); do
				dd if=/run/part of=/dev/xvda bs=16k seek=$((j * 64)) \
					oflag=direct 2>/dev/null ||
					echo "FAIL $1: write $j" &
			done
			wait
		done
		sync
		forget
		bad=0
		for i in 0 1 2 3; do
			[ "$(dd if=/dev/xvda bs=16k skip=$((i * 64)) count=31 \
				2>/dev/null | sum)" = "$(sum </run/part)" ] ||
				bad=$((bad + 1))
		done
		check "$1" "what was written meanwhile is right" [ $bad = 0 ]
	}
	for name in killed again; do
		echo "guest: $name begins"
		rm -f /run/stop
		(
			read -r _
			: >/run/stop
		) </dev/hvc0 &
		until [ -e /run/stop ]; do
			load "$name"
		done
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
	check plug "ours serves it" [ "$(driver xvdc)" = parapet-blkfront ]
	check plug "it can be read" eval 'head -c 1000000 /dev/xvdc >/run/hot'
}
head -c 1000000 /dev/urandom >/run/data
head -c 507904 /run/data >/run/part
if [ -e /etc/measure ]; then
	dd if=/run/part of=/dev/xvda bs=1M conv=fsync 2>/dev/null
else
	exercise
fi
# A driver is in use as long as it has a device.
for device in /sys/bus/xen/drivers/parapet-blkfront/vbd-*; do
	basename "$device" >/sys/bus/xen/drivers/parapet-blkfront/unbind
done
check unload "the module can go" wait_for rmmod parapet_blkfront
echo "guest: our module is gone"
check stock "the stock frontend takes the disks" wait_for served_by vbd xvde xvdf
check stock "and reads what ours wrote" \
	[ "$(head -c 507904 /dev/xvde | sum)" = "$(sum </run/part)" ]
rates stock xvdf xvde
echo "guest: all done"
poweroff -f
