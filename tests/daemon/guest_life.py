#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lives of real guests under the toolstack: one boot.

Boots the hypervisor with a stock control domain, in which the toolstack daemon
creates stock guests from XML (guest_life_run.sh).  What it says becomes TAP.

usage: guest_life.py [--build DIR] [--smp N] [--log FILE]
"""

import sys

from stock_guests import main

if __name__ == "__main__":
    sys.exit(main(__doc__, "guest_life", least=30, seconds=360))
