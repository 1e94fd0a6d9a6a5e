# SPDX-License-Identifier: MIT
"""Many guests on one machine of 4 GiB, all at the same time: one boot.

Each boots to a shell, which answers to what is typed (many_shells_run.sh).  How
much longer the last ones take to create than the first is measured, and not a
condition.
"""

import os

import stock_guests

HERE = os.path.dirname(os.path.abspath(__file__))


def main(text, kind, count, mib, kernel=""):
    """The program; kernel is below the build's folder, or the stock one."""
    words = f"many_kind={kind} many_count={count} many_mib={mib}"
    return stock_guests.main(text, HERE, "many_shells", checks=8, seconds=660,
                             lib="many.sh", mem=4096, cmdline=words,
                             guest_kernel=kernel)
