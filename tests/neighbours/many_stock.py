#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""24 stock guests of 96 MiB on one machine of 4 GiB, all at the same time: one boot.

usage: many_stock.py [--build DIR] [--smp N] [--log FILE]
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "lib"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from many_shells import main      # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__doc__, "stock", 24, 96))
