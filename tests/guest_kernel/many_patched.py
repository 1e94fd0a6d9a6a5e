#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""100 guests of 24 MiB with the patched kernel on one machine of 4 GiB: one boot.

Each boots to a shell, which answers to what is typed.

usage: many_patched.py [--build DIR] [--smp N] [--log FILE]
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
from stock_guests import main      # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__doc__, HERE, "many_patched", least=8, seconds=660,
                  lib="../neighbours/lib.sh", mem=4096,
                  files=("guest/patched=build/guest-kernel/bzImage",)))
