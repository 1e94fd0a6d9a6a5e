# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# The beginning of a guest's first program (NAME_init.sh): file systems, its
# console, and what checks are made with.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /run
mount -t tmpfs tmpfs /run
exec </dev/hvc0 >/dev/hvc0 2>&1
stty -echo
echo 1 >/proc/sys/kernel/printk # nothing goes into lines that are waited for

# shellcheck source=tests/lib/checks.sh
. /etc/checks.sh
end() { # of one that makes checks
	sums guest
	echo "guest: all done"
	poweroff -f
}

# ---- network

load_network() { # both ways, until a line is typed
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
	check load "all bytes come whatever happens to backends" \
		[ ! -e /tmp/failed ]
	echo "guest: $(grep -c MiB /tmp/send.log) and" \
		"$(grep -c MiB /tmp/receive.log) transfers meanwhile"
}

# ---- disks: what is written is read

forget() { echo 3 >/proc/sys/vm/drop_caches; }
is_at() { # FILE DISK MIB...: at all of these places
	file=$1 where=/dev/$2 bytes=$(wc -c <"$1")
	shift 2
	sync
	forget
	for at; do
		[ "$(dd if="$where" bs=1M skip="$at" 2>/dev/null |
			head -c "$bytes" | sum)" = "$(sum <"$file")" ] ||
			return 1
	done
}
put() { # FILE DISK MIB: past the page cache; of full blocks
	dd if="$1" of="/dev/$2" bs=16k seek=$(($3 * 64)) oflag=direct \
		2>/dev/null
}
keeps() { # FILE DISK BLOCK FROM TO COUNT: past the page cache
	dd if="$1" of="/dev/$2" bs="$3" skip="$4" seek="$5" count="$6" \
		oflag=direct 2>/dev/null || return 1
	[ "$(dd if="/dev/$2" bs="$3" skip="$5" count="$6" iflag=direct \
		2>/dev/null | sum)" = \
	"$(dd if="$1" bs="$3" skip="$4" count="$6" 2>/dev/null | sum)" ]
}
check_disk() { # FILE DISK: of 800 KiB at least, and of 5 MiB
	dd if="$1" of="/dev/$2" bs=64k conv=fsync 2>/dev/null
	check disk "$2 gives back what was written" is_at "$1" "$2" 0
	check disk "$2 works without the page cache" \
		keeps "$1" "$2" 4k 0 1000 200
	check disk "$2 takes single sectors" keeps "$1" "$2" 512 0 7 99
}
