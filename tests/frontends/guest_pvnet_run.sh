# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What guest_pvnet.py lets the control domain do: sourced by its init.
# Each line "PASS name: detail" or "FAIL name: detail" is a check.

# shellcheck source=tests/lib/control.sh
. /etc/control.sh

patience=300
back() { echo "/local/domain/0/backend/vif/$domid/$1"; }
connected() { [ "$(parapet-store read "$(back 0)/state")" = 4 ]; }
no_ports() { [ -z "$(ls /sys/class/net/br0/brif)" ]; }

ipv6_at_once
bridge
ip addr add 10.9.1.1/24 dev br0
ip -6 addr add fd09::1/64 dev br0
net-traffic serve 7000 &
toolstack
check create "a guest with an interface" parapet -q create /guest/own.xml
if ! parapet info own >/dev/null; then
	daemon_logs
	exit 1
fi
domid=$(field own domid)
while sleep 30; do
	echo "guest: has said $(wc -l <$log) lines"
done &

exercise() {
	wait_for said "load begins"
	for n in 1 2 3 4; do
		usleep 300000
		kill_worker "vif-$domid-0" "it is served again ($n)"
	done
	for n in 1 2; do
		usleep 300000
		parapet-store write "$(back 0)/state" 1
		check again "it connects again ($n)" wait_for connected
	done
	usleep 300000
	type_in own ""

	wait_for said "waits for another"
	check plug "an interface is added" parapet -q attach-interface \
		--mac=00:16:3e:01:02:04 own bridge br0
	wait_for said "has eth1"
	check plug "it is removed" \
		parapet -q detach-interface own 00:16:3e:01:02:04
}
[ -e /etc/measure ] || exercise
wait_for said "all done"
check end "no port of the bridge is left" wait_for no_ports
tr -d '\r' <$log | grep '^PASS\|^FAIL\|^guest:'
said "all done" || console_log
grep -h "netback.*\(connected\|ring\|pipe\)" /run/parapet/services/*.log |
	tail -n 20
