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

plugged() { # connected to the guest
	[ "$(parapet-store read "$(back vbd)/51744/state")" = 4 ]
}
plug_state() { parapet domblklist disks | grep -q " xvdc .* $1 "; }
held() { # it takes too long
	parapet detach-disk disks xvdc
	[ $? = 7 ] && plug_state closing
}
unplugged() { # here, in the store and in the backend
	! plug_state && ! parapet-store read "$(back vbd)/51744/online" &&
		[ ! -e "/run/parapet/backend/vbd-$domid-51744.pid" ]
}

mkdir -p /etc/parapet
echo "detach-timeout = 1" >/etc/parapet/parapetd.conf
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
truncate -s 4M /run/plug.img
check plug "a disk comes" parapet attach-disk disks /run/plug.img xvdc
check plug "the guest takes it" wait_for plugged
parapet -q pause disks
check plug "a guest that stands still does not let go of it" held
parapet -q resume disks
check plug "it goes when the guest lets go" wait_for unplugged
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
