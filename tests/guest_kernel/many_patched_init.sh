#!/bin/sh
# SPDX-License-Identifier: MIT
# First program of the guests of many_patched.py: a shell.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t devtmpfs dev /dev 2>/dev/null
mount -t proc proc /proc
exec </dev/hvc0 >/dev/hvc0 2>&1
stty -echo
echo "guest: a shell, $(grep MemFree /proc/meminfo)"
while :; do
	sh
done
