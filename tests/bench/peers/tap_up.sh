#!/bin/sh
# SPDX-License-Identifier: MIT
# What QEMU runs when a guest's interface comes.

ip link set "$1" master br0
ip link set "$1" up
