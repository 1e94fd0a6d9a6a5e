#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many lives of guests, and the toolstack killed under one: one boot.

500 guests come and go, and leave the machine as it was; then each daemon is
killed while a stock guest works with its disk and its network
(guest_cycles_run.sh).  What it says becomes TAP.

usage: guest_cycles.py [--build DIR] [--smp N] [--log FILE]
"""

import sys

from stock_guests import main

MODULES = ("xen-blkfront", "xen-netfront", "af_packet")

if __name__ == "__main__":
    sys.exit(main(__doc__, "guest_cycles", least=25, seconds=900,
                  modules=MODULES, files=("guest/null=tests/daemon-null",)))
