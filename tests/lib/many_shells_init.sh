#!/bin/sh
# SPDX-License-Identifier: MIT
# First program of the guests of many_shells.py: a shell.

# shellcheck source=tests/lib/guest.sh
. /etc/guest.sh
echo "guest: a shell, $(grep MemFree /proc/meminfo)"
while :; do
	sh
done
