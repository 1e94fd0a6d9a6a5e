#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""200 small kernels of 4 MiB on one machine of 4 GiB, all at the same time: one boot.

The last ones take at most half as long again to create as the first
(many_small_run.sh), counted in instructions.

usage: many_small.py [--build DIR] [--log FILE]
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
from stock_guests import main      # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__doc__, HERE, "many_small", checks=8, seconds=400,
                  lib="../lib/many.sh", mem=4096, icount=0,
                  files=("guest/small=build/tests/neighbours-small",)))
