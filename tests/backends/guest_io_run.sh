# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What guest_io.py lets the control domain do: sourced by its init.
# Each line "PASS name: detail" or "FAIL name: detail" is a check.

# shellcheck source=tests/lib/control.sh
. /etc/control.sh

back() { echo "/parapet/backend/$1/$domid"; }
gone() { # no lock, journal or socket of a device is left
	for file in /run/parapet/backend/*[0-9]*; do
		[ ! -e "$file" ] || return 1
	done
}

truncate -s 8M /run/file.img
bridge
head -c 3000000 /dev/urandom >/run/down
# nc stops sending when its input ends, and ends when the other side stops.
mkfifo /run/never
exec 9<>/run/never
nc -l -p 7001 <&9 >/run/up &
up=$!
nc -l -p 7002 </run/down &

toolstack
create_or_end disks "a guest with two disks and an interface" \
	/guest/disks.xml
show_log
check disk "is served by a process of its own" \
	wait_for test -s "/run/parapet/backend/vbd-$domid-51712.pid"
check disk "that process has no rights" without_rights "vbd-$domid-51712"
check console "has the guest's first words" wait_for said "first program runs"

wait_for said "load begins"
for n in 1 2 3 4 5; do
	for what in "vbd-$domid-51712" "vif-$domid-0" "console-$domid-0"; do
		kill_worker "$what" "$what is served again ($n)"
	done
	usleep 300000
done
kill -9 "$(first_of parapet-blkback)"
wait_for said "received"
wait $up
check load "what the guest sent is right" \
	said "sent $(sum </run/up)"
check load "what the guest received is right" \
	said "received $(sum </run/down)"

wait_for said "a disk whose backend"
type_in disks "hello from outside"
wait_for said "flood ends"
check console "a flood is in the log, whole" has_flood $log

wait_for said "waits for a larger"
truncate -s 16M /run/file.img
parapet-store write "$(back vbd)/51728/resize" 1
wait_for said "all done"
check resize "the guest sees it" said "sizes 32768"

check end "nothing is left of the devices" wait_for gone
check end "no port of the bridge is left" wait_for no_ports
wait_for is_shown
if ! said "all done"; then
	daemon_logs
fi
