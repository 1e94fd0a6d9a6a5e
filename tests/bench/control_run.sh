# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# What the benchmark does in a control domain, or on the bare machine: sourced
# by its init.  The kernel's command line says what (bench_work), which comes
# as environment.
#
#   disk    the disk, as this kernel has it, and work that needs no guest
#   micro   pvbench as the first program of a guest
#   guest   a guest's life, its devices, and the same work in it
#
# How guests are made here is in /guest/peer.sh, one of peers/: it sets log,
# create_words, destroy_words and list_words, where %s is the guest's name, and
# has toolstack and complaints.
#
# While a guest measures nothing runs here but what serves it: the end is waited
# for in one program that sleeps until the log of the guest's console grows.
#
# From the kernel's command line, and from peer.sh:
# shellcheck disable=SC2154

until_true() { # COMMAND...; at most 10 s
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || return 1
		usleep 100000
	done
}

named() { # WORDS NAME
	# shellcheck disable=SC2059 # that is what it is for
	printf "$1" "$2"
}

create() { # NAME LAST-WORDS
	at=$(named "$log" "$1")
	words=$(named "$create_words" "$1")
	: >"$at"
	if $words; then
		pvio wait "$at" "$2"
	else
		complaints
	fi
	tr -d '\r' <"$at"
}

life() { # NAME
	pvio_create=$(named "$create_words" "$1") \
		pvio_destroy=$(named "$destroy_words" "$1") \
		pvio_list=$list_words pvio life "$(named "$log" "$1")"
}

network() {
	# The kernel asks for a driver of checksums on the way.
	echo /bin/modprobe >/proc/sys/kernel/modprobe
	modprobe -a tun bridge
	ip link add br0 type bridge
	ip addr add 10.9.0.1/24 dev br0
	ip link set br0 up
	pvio serve 7000 &
}

# shellcheck source=tests/bench/peers/parapet.sh
[ ! -e /guest/peer.sh ] || . /guest/peer.sh

case $bench_work in
disk)
	pvio block /dev/vda
	# shellcheck source=tests/bench/work.sh
	. /etc/work.sh
	work /dev/vda
	echo "bench: done"
	;;
micro)
	toolstack
	create micro "pvbench done"
	;;
guest)
	modprobe ext4
	mount -t ext4 /dev/vda /mnt || echo "pvio failed: no file system"
	network
	toolstack
	# Where all is emulated a life takes minutes, and says nothing new.
	[ "$bench_accel" = tcg ] || life life
	create io "guest: done"
	echo "bench: done"
	;;
esac
