# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What guest_own.py lets the control domain do: sourced by its init.
# Each line "PASS name: detail" or "FAIL name: detail" is a check.

# shellcheck source=tests/lib/control.sh
. /etc/control.sh

patience=300
backend=/parapet/backend
is_connected() { [ "$(parapet-store read "$backend/$1/state")" = 4 ]; }

use_disks() {
	wait_for said "killed begins"
	for n in 1 2 3 4; do
		kill_worker "vbd-$domid-51712" "xvda is served again ($n)"
		usleep 300000
	done
	type_in disks ""
	wait_for said "again begins"
	for n in 1 2; do
		parapet-store write "$backend/vbd/$domid/51712/state" 1
		check again "xvda connects again ($n)" \
			wait_for is_connected "vbd/$domid/51712"
		usleep 500000
	done
	type_in disks ""

	wait_for said "waits for a larger"
	truncate -s 96M /run/file.img
	parapet-store write "$backend/vbd/$domid/51728/resize" 1
	wait_for said "sizes"
	check resize "the guest sees it" said "sizes 131072 196608"
	check plug "a disk is removed" parapet -q detach-disk disks xvdb
	wait_for said "xvdb is gone"
	check plug "a disk is added" parapet -q attach-disk disks /run/more.img xvdc
}

use_network() {
	wait_for said "load begins"
	for n in 1 2 3 4; do
		usleep 300000
		kill_worker "vif-$domid-0" "eth0 is served again ($n)"
	done
	for n in 1 2; do
		usleep 300000
		parapet-store write "$backend/vif/$domid/0/state" 1
		check again "eth0 connects again ($n)" \
			wait_for is_connected "vif/$domid/0"
	done
	usleep 300000
	type_in disks ""

	wait_for said "waits for another"
	check plug "an interface is added" parapet -q attach-interface \
		--mac=00:16:3e:01:02:04 disks bridge br0
	wait_for said "has eth1"
	check plug "it is removed" \
		parapet -q detach-interface disks 00:16:3e:01:02:04
}

tty() { parapet-store read "/local/domain/$domid/console/tty"; }
text() { cat $log.1 $log 2>/dev/null | tr -d '\r' | grep '^T '; }
all_lines() { # COUNT: each once and in order
	text | awk -v count="$1" '
		$0 != sprintf("T %07d %053d", n, n * 7919) {
			if (!bad++)
				print "line " n ": " $0
		}
		{ n++ }
		END {
			print n " lines"
			exit bad || n != count
		}'
}
use_console() {
	wait_for said "hello from xvc0"
	check xvc0 "what a program writes is shown" said "hello from xvc0"
	stty -F "$(tty)" rows 41 cols 137
	type_in disks "to xvc0"
	wait_for said "waits for a long paste"
	head -c 300000 /dev/urandom >/run/pasted
	cat /run/pasted >"$(tty)"
	wait_for said "was pasted"
	check xvc0 "a long paste comes as it went" \
		said "was pasted $(sum </run/pasted)"
	# More than is read at once, so the guest waits when they are killed.
	for line in 17 34; do
		wait_for said "^T 00${line}000"
		kill_worker "console-$domid-0" "xvc0 is served again ($line)"
	done
	wait_for said "text ends"
	check xvc0 "2.5 MiB come while backends are killed" all_lines 40000
	type_in disks ""
	wait_for said "xvc0 is closed"
	type_in disks "to hvc0"
	wait_for said "xvc0 is read again"
	parapet-store write "$backend/console/$domid/0/own/state" 5
	wait_for said "hello again"
	check again "xvc0 is used again" said "hello again"
}

truncate -s 64M /run/file.img
truncate -s 16M /run/more.img
ipv6_at_once
bridge
ip addr add 10.9.1.1/24 dev br0
ip -6 addr add fd09::1/64 dev br0
net-traffic serve 7000 &
toolstack
create_or_end disks "a guest with two disks and an interface" \
	/guest/disks.xml
show_log

if [ ! -e /etc/measure ]; then
	use_disks
	use_network
	use_console
fi
wait_for said "our modules are gone"
check stock "a disk that ours closed is removed" \
	parapet -q detach-disk disks xvda
[ ! -e /etc/measure ] || parapet -q detach-disk disks xvdb
check stock "and added" parapet -q attach-disk disks /dev/vda xvde
check stock "the other one, too" \
	parapet -q attach-disk disks /run/file.img xvdf
wait_for is_shown
check end "no port of the bridge is left" wait_for no_ports
grep -ih "consoled.*own\|blkback\|netback.*\(connected\|ring\|pipe\)" \
	/run/parapet/services/*.log | tail -n 40
