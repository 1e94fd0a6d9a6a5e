# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# What guest_pvblk.py lets the control domain do: sourced by its init.
# Each line "PASS name: detail" or "FAIL name: detail" is a check.

pass() { echo "PASS $1: $2"; }
fail() { echo "FAIL $1: $2"; }
check() { # NAME DETAIL COMMAND...
	name=$1 detail=$2
	shift 2
	if "$@"; then pass "$name" "$detail"; else fail "$name" "$detail"; fi
}
log=/run/console.log
said() { grep -q "$1" $log; }
wait_for() { # COMMAND...; at most 240 s
	tries=0
	until "$@" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 2400 ] || return 1
		usleep 100000
	done
}
back() { echo "/local/domain/0/backend/vbd/$domid/$1"; }
worker() { cat "/run/parapet/backend/vbd-$domid-$1.pid"; }
other_than() { # DEVICE PID
	new=$(worker "$1") && [ "$new" != "$2" ]
}
is_state() { [ "$(parapet-store read "$(back "$1")/state")" = "$2" ]; }
type_return() { echo >"$tty"; }

mkdir -p /run/xenstored /run/parapet /var/lib/parapet
truncate -s 64M /run/file.img
truncate -s 16M /run/more.img

export XENSTORED_PATH=/run/xenstored/socket
parapetd 2>/run/parapetd.err
check toolstack "runs" wait_for parapet list
check create "a guest with two disks" parapet -q create /guest/own.xml
if ! parapet info own >/dev/null; then
	cat /run/parapet/services/*.log /run/parapetd.err
	exit 1
fi
tail -n +1 -f $log &
domid=$(parapet --json info own | sed -n 's/.*"domid": *\([0-9]*\).*/\1/p')
tty=$(parapet-store read "/local/domain/$domid/console/tty")

exercise() {
	wait_for said "killed begins"
	for n in 1 2 3 4; do
		old=$(worker 51712)
		kill -9 "$old"
		check killed "xvda is served again ($n)" wait_for other_than 51712 "$old"
		usleep 300000
	done
	type_return
	wait_for said "again begins"
	for n in 1 2; do
		parapet-store write "$(back 51712)/state" 1
		check again "xvda connects again ($n)" wait_for is_state 51712 4
		usleep 500000
	done
	type_return

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
