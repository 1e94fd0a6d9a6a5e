#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""200 small kernels of 4 MiB on one machine of 4 GiB, all at the same time: one boot.

How much longer the last ones take to create than the first is measured, and
not a condition (many_small_run.sh).

usage: many_small.py [--build DIR] [--smp N] [--log FILE]
"""

import sys

from boot import main

if __name__ == "__main__":
    sys.exit(main(__doc__, "many_small", least=8, seconds=660, mem=4096,
                  control_mem=768))
