#!/bin/sh
# SPDX-License-Identifier: MIT
# First program of the guests that guest_boot.py starts.  What they do is in
# the word parapet_do of the kernel's command line.

# shellcheck source=tests/lib/guest.sh
. /etc/guest.sh

read -r up _ </proc/uptime
cpus=$(grep -c ^processor /proc/cpuinfo)
memory=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
echo "guest: first program runs, uptime=$up vcpus=$cpus mib=$memory" \
	"type=$(cat /sys/hypervisor/type)"

# shellcheck disable=SC2154
case $parapet_do in
typed)
	stty raw -echo
	read -r line
	echo "guest: typed <$line>"
	;;
flood)
	stty -opost
	flood
	;;
store)
	echo "guest: name=$(parapet-store read name)" \
		"domid=$(parapet-store read domid)"
	errors=0 i=0
	while [ $i -lt 60 ]; do
		i=$((i + 1))
		parapet-store write data/count $i &&
			[ "$(parapet-store read data/count)" = $i ] ||
			errors=$((errors + 1))
	done
	echo "guest: store calls end, errors=$errors"
	parapet-store write data/done "$errors"
	;;
wait)
	while :; do sleep 1; done
	;;
reboot)
	reboot -f
	;;
crash)
	echo c >/proc/sysrq-trigger
	;;
esac
poweroff -f
