#!/bin/sh
# SPDX-License-Identifier: MIT
# guest-check [ADDRESS]: does this guest have a working disk, and network to
# ADDRESS?  There an HTTP server has /data and its MD5 sum, /data.md5.
#
# A line for each check, then "guest-check: N passed, N failed".

passed=0 failed=0
good() {
	echo "PASS $*"
	passed=$((passed + 1))
}
bad() {
	echo "FAIL $*"
	failed=$((failed + 1))
}
sum() { md5sum | cut -d ' ' -f 1; }

check_disk() {
	if ! head -c 8388608 /dev/urandom >/tmp/data ||
		! dd if=/tmp/data of=/mnt/data bs=1M conv=fsync 2>/tmp/out; then
		bad "guest-disk: $(tail -n 1 /tmp/out)"
		return
	fi
	# What is read back shall come from the disk.
	echo 3 >/proc/sys/vm/drop_caches
	if [ "$(sum </mnt/data)" = "$(sum </tmp/data)" ]; then
		good "guest-disk: /dev/xvda: a file of 8 MiB written and read back"
	else
		bad "guest-disk: /dev/xvda: another file than was written"
	fi
	rm -f /tmp/data /mnt/data
}

check_network() { # ADDRESS
	if ping -c 3 -W 10 "$1" >/tmp/out; then
		good "guest-ping: $1: $(tail -n 1 /tmp/out)"
	else
		bad "guest-ping: $1: $(grep loss /tmp/out)"
	fi
	want=$(timeout 60 wget -q -O - "http://$1/data.md5" | cut -d ' ' -f 1)
	timeout 60 wget -q -O /tmp/data "http://$1/data" && got=$(sum </tmp/data)
	if [ -n "$want" ] && [ "$want" = "$got" ]; then
		good "guest-tcp: $(stat -c %s /tmp/data) bytes from $1, all right"
	else
		bad "guest-tcp: $1: sum ${got:-none}, not ${want:-none}"
	fi
	rm -f /tmp/data
}

check_hypervisor() {
	type=$(cat /sys/hypervisor/type 2>/dev/null)
	version=$(cat /sys/hypervisor/version/major).$(cat \
		/sys/hypervisor/version/minor)$(cat \
		/sys/hypervisor/version/extra)
	line="type=$type version=$version uuid=$(cat /sys/hypervisor/uuid)"
	if [ "$type" = xen ]; then
		good "guest-hypervisor: $line"
	else
		bad "guest-hypervisor: $line"
	fi
}

mkdir -p /tmp
check_hypervisor
if grep -q " /mnt " /proc/mounts; then
	check_disk
fi
[ $# = 0 ] || check_network "$1"
echo "guest-check: $passed passed, $failed failed"
[ $failed = 0 ]
