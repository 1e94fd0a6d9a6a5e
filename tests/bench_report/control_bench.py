#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`parapet bench` in a control domain: a stock kernel as its guest, and
what it leaves."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
import stock_guests                                     # noqa: E402

PROGRAMS = tuple(f"usr/bin/{name}=build/bin/{name}"
                 for name in ("parapet-bench", "pvbench", "pvbench-child"))

if __name__ == "__main__":
    sys.exit(stock_guests.main(__doc__, HERE, "control_bench", 8, 240,
                               files=PROGRAMS))
