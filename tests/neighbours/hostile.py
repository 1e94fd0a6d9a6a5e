#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Guests that do what harms most, and a neighbour that wants to work: one boot.

A stock guest computes, reads its disk and asks the store.  Beside it run, one
after another, an honest guest that only computes, and guests that flood their
console, the store or their event channels, that write nonsense into their
rings, or make processes without end (hostile_run.sh).  What the neighbour gets
done beside each is held against what it gets beside the honest one.  The clock
counts instructions, so what the host does besides does not matter.

usage: hostile.py [--build DIR] [--log FILE]
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
from stock_guests import main      # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__doc__, HERE, "hostile", checks=30, seconds=900, icount=3,
                  guest_modules=("xen-blkfront",),
                  guest_programs=("parapet-store",),
                  files=("guest/small=build/tests/neighbours-small",)))
