#!/bin/sh
# SPDX-License-Identifier: MIT
# First program of the stock guests of hostile.py.  "work": it computes, reads
# its disk and asks the store, and says how often when it is asked to.  "bomb":
# it makes processes without end.

# shellcheck source=tests/lib/guest.sh
. /etc/guest.sh

# shellcheck disable=SC2264 # that is what it is for
bomb() {
	bomb | bomb &
	bomb
}
if grep -q bomb /proc/cmdline; then
	echo "guest: bomb"
	bomb 2>/dev/null &
	while :; do sleep 1000; done
fi

modprobe xen-blkfront
wait_for [ -b /dev/xvda ]
head -c 65536 /dev/urandom >/run/data

again() { # NAME COMMAND...; for ever, counting
	name=$1 count=0
	shift
	while "$@"; do
		count=$((count + 1))
		echo $count >"/run/$name"
	done
	echo "FAIL work: $name failed after $count"
}
compute() { md5sum /run/data >/dev/null; }
read_disk() {
	dd if=/dev/xvda of=/dev/null bs=4k count=8 iflag=direct 2>/dev/null
}
ask_store() { parapet-store read domid >/dev/null; }
again cpu compute &
again disk read_disk &
again store ask_store &
echo "guest: works"
count_of() { # NAME; the file may just be being written
	until count=$(cat "/run/$1") && [ -n "$count" ]; do :; done
	echo "$count"
}
while read -r line; do
	read -r up _ </proc/uptime
	echo "count <$line> $up $(count_of cpu) $(count_of disk)" \
		"$(count_of store) ."
done
while :; do sleep 1000; done
