#!/bin/sh
# SPDX-License-Identifier: MIT
# First program of the stock guests of many_stock.py: it answers to what is typed.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t devtmpfs dev /dev 2>/dev/null
exec </dev/hvc0 >/dev/hvc0 2>&1
stty -echo
echo "guest: first program runs"
while read -r line; do
	echo "guest: heard <$line>"
done
while :; do sleep 1000; done
