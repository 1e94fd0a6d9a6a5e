#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The interface of a stock guest, in a real control domain: one boot.

The toolstack creates a guest (guest_net_run.sh), whose stock frontend sends and
receives (guest_net_init.sh) while the backend is killed.  What both say becomes
TAP; figures are comments.

usage: guest_net.py [--build DIR] [--smp N] [--log FILE]
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
from stock_guests import main      # noqa: E402

MODULES = ("xen-netfront", "af_packet", "ipv6")

if __name__ == "__main__":
    sys.exit(main(__doc__, HERE, "guest_net", checks=23, seconds=900,
                  control_mem=1024, programs=("net-traffic",),
                  guest_programs=("net-traffic",), guest_modules=MODULES,
                  files=("guest/net.xml=guest_net.xml",)))
