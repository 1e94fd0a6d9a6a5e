#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""200 small kernels of 4 MiB on one machine of 4 GiB, all at the same time: one boot.

How much longer the last ones take to create than the first is measured, and
not a condition (many_small_run.sh).

usage: many_small.py [--build DIR] [--smp N] [--log FILE]
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
from stock_guests import main      # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__doc__, HERE, "many_small", least=8, seconds=660,
                  lib="lib.sh", mem=4096,
                  files=("guest/small=build/tests/neighbours-small",)))
