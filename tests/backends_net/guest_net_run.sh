# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What guest_net.py lets the control domain do: sourced by its init.
# Each line "PASS name: detail" or "FAIL name: detail" is a check.

# shellcheck source=tests/lib/control.sh
. /etc/control.sh

ipv6_at_once
bridge
ip -6 addr add fd09::1/64 dev br0
net-traffic serve 7000 &
net-traffic send 127.0.0.1 7000 64 | sed 's/^/measured: /'
net-traffic trip 127.0.0.1 7000 1000 | sed 's/^/measured: /'

toolstack
create_or_end net "a guest with an interface" /guest/net.xml
vif=vif-$domid-0
check rights "the interface's process has none" without_rights "$vif"
wait_for said "load begins"
for n in 1 2 3 4 5 6; do
	kill_worker "$vif" "it is served again ($n)"
	usleep 200000
done
type_in net ""
wait_for said "all done"
check end "no port of the bridge is left" wait_for no_ports
tr -d '\r' <$log | grep '^PASS\|^FAIL\|^measured: \|^guest:'
if ! said "all done"; then
	console_log
fi
daemon_logs
