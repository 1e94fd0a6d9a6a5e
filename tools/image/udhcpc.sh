#!/bin/sh
# What udhcpc asks for: set the address, the route and the name server.
# shellcheck disable=SC2154 # udhcpc sets the variables
case $1 in
deconfig)
	ip addr flush dev "$interface"
	;;
bound | renew)
	ip addr add "$ip/${mask:-24}" dev "$interface"
	for gateway in $router; do
		ip route add default via "$gateway"
	done
	for server in $dns; do
		echo "nameserver $server"
	done >/etc/resolv.conf
	;;
esac
