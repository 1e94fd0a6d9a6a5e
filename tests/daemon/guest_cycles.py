#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many lives of guests, and the toolstack killed under one: one boot.

500 guests come and go, and leave the machine as it was; then each daemon is
killed while a stock guest works with its disk and its network
(guest_cycles_run.sh).  What it says becomes TAP.

usage: guest_cycles.py [--build DIR] [--smp N] [--log FILE]
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
from stock_guests import main      # noqa: E402

MODULES = ("xen-blkfront", "xen-netfront", "af_packet")

if __name__ == "__main__":
    sys.exit(main(__doc__, HERE, "guest_cycles", checks=40, seconds=900,
                  guest_modules=MODULES,
                  files=("guest/null=build/tests/daemon-null",)))
