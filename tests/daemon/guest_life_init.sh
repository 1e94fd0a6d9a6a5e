#!/bin/sh
# SPDX-License-Identifier: MIT
# First program of the guests of guest_life.py: it says that it runs, and obeys
# requests, as a real one's init does.

# shellcheck source=tests/lib/guest.sh
. /etc/guest.sh

# The kernel runs these when the toolstack asks for it.
mkdir -p /sbin
for what in poweroff reboot; do
	rm -f /sbin/$what
	printf '#!/bin/sh\necho "guest: %s"\nexec /bin/busybox %s -f\n' \
		$what $what >/sbin/$what
	chmod +x /sbin/$what
done

read -r up _ </proc/uptime
echo "guest: first program runs, uptime=$up" \
	"vcpus=$(grep -c ^processor /proc/cpuinfo)" \
	"uuid=$(cat /sys/hypervisor/uuid)"

while read -r line; do
	case $line in
	crash) echo c >/proc/sysrq-trigger ;;
	cpus)
		# What a rule of udev does where there is one.
		for cpu in /sys/devices/system/cpu/cpu*/online; do
			[ "$(cat "$cpu")" = 1 ] || echo 1 >"$cpu"
		done
		echo "guest: cpus=$(grep -c ^processor /proc/cpuinfo)"
		;;
	memory) echo "guest: kib=$(awk '/^MemTotal/ { print $2 }' \
		/proc/meminfo)" ;;
	*) echo "guest: heard <$line>" ;;
	esac
done
while :; do sleep 1000; done
