# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What guest_pvblk.py lets the control domain do: sourced by its init.
# Each line "PASS name: detail" or "FAIL name: detail" is a check.

# shellcheck source=tests/lib/control.sh
. /etc/control.sh

patience=240
back() { echo "/local/domain/0/backend/vbd/$domid/$1"; }
is_state() { [ "$(parapet-store read "$(back "$1")/state")" = "$2" ]; }

truncate -s 64M /run/file.img
truncate -s 16M /run/more.img

toolstack
check create "a guest with two disks" parapet -q create /guest/own.xml
if ! parapet info own >/dev/null; then
	daemon_logs
	exit 1
fi
tail -n +1 -f $log &
domid=$(field own domid)

exercise() {
	wait_for said "killed begins"
	for n in 1 2 3 4; do
		kill_worker "vbd-$domid-51712" "xvda is served again ($n)"
		usleep 300000
	done
	type_in own ""
	wait_for said "again begins"
	for n in 1 2; do
		parapet-store write "$(back 51712)/state" 1
		check again "xvda connects again ($n)" wait_for is_state 51712 4
		usleep 500000
	done
	type_in own ""

	wait_for said "waits for a larger"
	truncate -s 96M /run/file.img
	parapet-store write "$(back 51728)/resize" 1
	wait_for said "sizes"
	check resize "the guest sees it" said "sizes 131072 196608"
	check plug "a disk is removed" parapet -q detach-disk own xvdb
	wait_for said "xvdb is gone"
	check plug "a disk is added" parapet -q attach-disk own /run/more.img xvdc
}
[ -e /etc/measure ] || exercise
wait_for said "our module is gone"
check stock "a disk that ours closed is removed" \
	parapet -q detach-disk own xvda
[ ! -e /etc/measure ] || parapet -q detach-disk own xvdb
check stock "and added" parapet -q attach-disk own /dev/vda xvde
check stock "the other one, too" \
	parapet -q attach-disk own /run/file.img xvdf
wait_for said "all done"
cat /run/parapet/services/*.log | grep -i "blkback" | tail -n 30
