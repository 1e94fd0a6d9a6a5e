# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# What guest_io.py lets the control domain do: sourced by its init.
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
wait_for() { # COMMAND...; at most 120 s
	tries=0
	until "$@" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] || return 1
		usleep 100000
	done
}
back() { echo "/local/domain/0/backend/$1/$domid"; }
worker() { cat "/run/parapet/backend/$1.pid"; }
other_than() { # DEVICE PID
	new=$(worker "$1") && [ "$new" != "$2" ]
}
empty() { [ -z "$(ls "$1")" ]; }
gone() { # no lock, journal or socket of a device is left
	for file in /run/parapet/backend/*[0-9]*; do
		[ ! -e "$file" ] || return 1
	done
}

modprobe -a tun bridge
mkdir -p /run/xenstored /run/parapet /var/lib/parapet
truncate -s 8M /run/file.img
ip link add br0 type bridge
ip addr add 10.9.0.1/24 dev br0
ip link set br0 up
head -c 3000000 /dev/urandom >/run/down
# nc stops sending when its input ends, and ends when the other side stops.
mkfifo /run/never
exec 9<>/run/never
nc -l -p 7001 <&9 >/run/up &
up=$!
nc -l -p 7002 </run/down &

export XENSTORED_PATH=/run/xenstored/socket
parapetd 2>/run/parapetd.err
check toolstack "runs" wait_for parapet list
check create "a guest with two disks and an interface" \
	parapet -q create /guest/io.xml
if ! parapet info io >/dev/null; then
	cat /run/parapet/services/*.log /run/parapetd.err
	exit 1
fi
tail -n +1 -f $log | grep -v "^[0-9]" &
domid=$(parapet --json info io | sed -n 's/.*"domid": *\([0-9]*\).*/\1/p')
check disk "is served by a process of its own" \
	wait_for test -s "/run/parapet/backend/vbd-$domid-51712.pid"
check disk "that process has no rights" \
	[ "$(sed -n 's/^Uid:\t\([0-9]*\)\t.*/\1/p' \
	"/proc/$(worker "vbd-$domid-51712")/status")" != 0 ]
check console "has the guest's first words" wait_for said "first program runs"

wait_for said "load begins"
for n in 1 2 3 4 5; do
	for what in "vbd-$domid-51712" "vif-$domid-0" "console-$domid-0"; do
		old=$(worker "$what")
		kill -9 "$old"
		check kill "$what is served again ($n)" \
			wait_for other_than "$what" "$old"
	done
	usleep 300000
done
kill -9 "$(pidof parapet-blkback | tr ' ' '\n' | sort -n | head -n 1)"
wait_for said "received"
wait $up
check load "what the guest sent is right" \
	said "sent $(md5sum </run/up | cut -d ' ' -f 1)"
check load "what the guest received is right" \
	said "received $(md5sum </run/down | cut -d ' ' -f 1)"

wait_for said "a disk whose backend"
echo "hello from outside" >"$(parapet-store read \
	"/local/domain/$domid/console/tty")"
wait_for said "flood ends"
check console "a flood is in the log, whole" [ "$(tr -d '\r' <$log |
	sed -n '/flood begins/,/flood ends/p' | sed '1d;$d' | md5sum)" = \
	"$(seq 1 20000 | md5sum)" ]

wait_for said "waits for a larger"
truncate -s 16M /run/file.img
parapet-store write "$(back vbd)/51728/resize" 1
wait_for said "all done"
check resize "the guest sees it" said "sizes 32768"

check end "nothing is left of the devices" wait_for gone
check end "no bridge port is left" \
	wait_for empty /sys/class/net/br0/brif
if ! said "all done"; then
	cat /run/parapet/services/*.log
	cat /run/parapetd.err
fi
