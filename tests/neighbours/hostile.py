#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Guests that do what harms most, and a neighbour that wants to work: one boot.

A stock guest computes, reads its disk and asks the store.  Beside it run, one
after another, an honest guest that only computes, and guests that flood their
console, the store or their event channels, that write nonsense into their
rings, or make processes without end (hostile_run.sh).  What the neighbour gets
done beside each is held against what it gets beside the honest one.

usage: hostile.py [--build DIR] [--smp N] [--log FILE]
"""

import sys

from boot import main

if __name__ == "__main__":
    sys.exit(main(__doc__, "hostile", least=30, seconds=660, mem=2048,
                  control_mem=768, modules=("xen-blkfront",),
                  programs=("parapet-store",)))
