# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What guest_net.py lets the control domain do: sourced by its init.
# Each line "PASS name: detail" or "FAIL name: detail" is a check.

check() { # NAME DETAIL COMMAND...
	name=$1 detail=$2
	shift 2
	if "$@" >/tmp/out 2>&1; then
		echo "PASS $name: $detail"
	else
		echo "FAIL $name: $detail"
		tail -n 5 /tmp/out
	fi
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
worker() { cat "/run/parapet/backend/$1.pid"; }
another() { [ "$(worker "$1")" != "$2" ]; }
no_ports() { [ -z "$(ls /sys/class/net/br0/brif)" ]; }

modprobe -a tun bridge
modprobe ipv6 2>/dev/null
mkdir -p /run/xenstored /run/parapet /var/lib/parapet
ip link add br0 type bridge
ip addr add 10.9.0.1/24 dev br0
ip -6 addr add fd09::1/64 dev br0 nodad 2>/dev/null
ip link set br0 up
net-traffic serve 7000 &
net-traffic send 127.0.0.1 7000 64 | sed 's/^/measured: /'
net-traffic trip 127.0.0.1 7000 1000 | sed 's/^/measured: /'

parapetd 2>/run/parapetd.err
check toolstack "runs" wait_for parapet list
check create "a guest with an interface" parapet -q create /guest/net.xml
if ! parapet list | grep -q net; then
	cat /run/parapetd.err /run/parapet/services/*.log
	exit 1
fi
domid=$(parapet --json info net | sed -n 's/.*"domid": *\([0-9]*\).*/\1/p')
vif=vif-$domid-0
check rights "the interface's process has none" [ "$(sed -n \
	's/^Uid:\t\([0-9]*\)\t.*/\1/p' "/proc/$(worker "$vif")/status")" != 0 ]
wait_for said "load begins"
for n in 1 2 3 4 5 6; do
	old=$(worker "$vif")
	kill -9 "$old"
	check kill "it is served again ($n)" wait_for another "$vif" "$old"
	usleep 200000
done
wait_for said "all done"
check end "no port of the bridge is left" wait_for no_ports
tr -d '\r' <$log | grep '^PASS\|^FAIL\|^measured: \|^guest:'
if ! said "all done"; then
	tail -n 40 $log
	cat /run/parapetd.err
fi
cat /run/parapet/services/*.log
