#!/usr/bin/env python3
"""Disks, a network and consoles of stock guests, in a real control domain.

One boot: the toolstack creates a guest with two disks and an interface
(guest_io_run.sh), which uses them (guest_io_init.sh) while backends are killed.
What both say becomes TAP.

usage: guest_io.py [--build DIR] [--smp N] [--log FILE]
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
from stock_guests import main      # noqa: E402

MODULES = ("xen-blkfront", "xen-netfront", "ext4", "af_packet")

if __name__ == "__main__":
    sys.exit(main(__doc__, HERE, "guest_io", checks=44, seconds=900,
                  control_mem=1024, has_disk=True, guest_modules=MODULES,
                  files=("guest/disks.xml=../lib/disks.xml",)))
