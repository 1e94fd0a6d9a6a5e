#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lives of real guests under the toolstack: one boot.

Boots the hypervisor with a stock control domain, in which the toolstack daemon
creates stock guests from XML (guest_life_run.sh).  What it says becomes TAP.

usage: guest_life.py [--build DIR] [--smp N] [--log FILE]
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
from stock_guests import main      # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__doc__, HERE, "guest_life", checks=39, seconds=600))
