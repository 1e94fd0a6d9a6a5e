# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# What the benchmark does in a control domain, or on the bare machine: sourced
# by its init.  The kernel's command line says what (bench_work), which comes
# as environment.
#
#   disk    the disk, as this kernel has it
#   micro   pvbench as the first program of a guest
#   guest   a guest's life, and its devices
#
# While a guest measures nothing runs here but what serves it: the end is waited
# for in one program that sleeps until the log of the guest's console grows.

log=/run/console.log

toolstack() {
	mkdir -p /run/xenstored /run/parapet /var/lib/parapet
	parapetd 2>/run/parapetd.err
	tries=0
	until parapet -q list >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || break
		usleep 100000
	done
}

create() { # XML LAST-WORDS
	: >$log
	if parapet -q create "$1"; then
		pvio wait $log "$2"
	else
		cat /run/parapetd.err /run/parapet/services/*.log
	fi
	tr -d '\r' <$log
}

# shellcheck disable=SC2154 # from the kernel's command line
case $bench_work in
disk)
	pvio block /dev/vda
	echo "bench: done"
	;;
micro)
	toolstack
	create /guest/micro.xml "pvbench done"
	;;
guest)
	# The kernel asks for a driver of checksums on the way.
	echo /bin/modprobe >/proc/sys/kernel/modprobe
	modprobe -a tun bridge ext4
	mount -t ext4 /dev/vda /mnt || echo "pvio failed: no file system"
	ip link add br0 type bridge
	ip addr add 10.9.0.1/24 dev br0
	ip link set br0 up
	pvio serve 7000 &
	toolstack
	pvio life /guest/life.xml life $log
	create /guest/io.xml "guest: done"
	echo "bench: done"
	;;
esac
