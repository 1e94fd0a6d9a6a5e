#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""100 guests of 24 MiB with the patched kernel on one machine of 4 GiB: one boot.

usage: many_patched.py [--build DIR] [--smp N] [--log FILE]
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "lib"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from many_shells import main      # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__doc__, "patched", 100, 24, "guest-kernel/bzImage"))
