#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""24 stock guests of 96 MiB on one machine of 4 GiB, all at the same time: one boot.

How much longer the last ones take to create than the first is measured, and
not a condition (many_stock_run.sh).

usage: many_stock.py [--build DIR] [--smp N] [--log FILE]
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
from stock_guests import main      # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__doc__, HERE, "many_stock", least=9, seconds=660,
                  lib="lib.sh", mem=4096,
                  files=("guest/small=build/tests/neighbours-small",)))
