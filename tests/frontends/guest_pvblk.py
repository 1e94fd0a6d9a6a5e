#!/usr/bin/env python3
"""Our block frontend in a stock guest, in a real control domain.

One boot: the toolstack creates a guest with two disks (guest_pvblk_run.sh),
which uses them through parapet-blkfront (guest_pvblk_init.sh) while backends
are killed and start over.  What both say becomes TAP.  The guest also compares
how fast the stock frontend and ours are on the same backend: the figures are
printed, and judge nothing.  With --measure it does only that, and for longer.

usage: guest_pvblk.py [--build DIR] [--smp N] [--log FILE] [--measure]
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
from stock_guests import Plan, arguments, boot_all      # noqa: E402

LEAST = 33              # checks that both scripts make
RATE = re.compile(r"guest: rate (\S+) (\S+) (\d+)")
MODULE = "lib/parapet-blkfront.ko=build/modules/parapet-blkfront.ko"
MEASURE = "etc/measure=" + os.devnull


def show_rates(outcome):
    rates = {}
    for line in outcome.lines:
        found = RATE.search(line)
        if found:
            what, front, rate = found.groups()
            rates.setdefault(what, {})[front] = int(rate)
    for what, of in rates.items():
        if len(of) < 2:
            continue        # the machine was off before it was shown
        stock, own = of["stock"], of["own"]
        print(f"# {what:14} stock {stock / 10:7.1f}  own {own / 10:7.1f} MiB/s"
              f"  ratio {own / max(stock, 1):.2f}")


def main():
    parser = arguments(__doc__)
    parser.add_argument("--measure", action="store_true")
    args = parser.parse_args()
    more = (MEASURE,) if args.measure else ()
    plan = Plan(HERE, "guest_pvblk", 5 if args.measure else LEAST, seconds=600,
                control_mem=1024, has_disk=True,
                guest_modules=("xen-blkfront", "ext4"),
                guest_files=(MODULE, *more),
                files=("guest/own.xml=guest_pvblk.xml", *more))
    return boot_all(args, [(plan, args.smp)], look=show_rates)


if __name__ == "__main__":
    sys.exit(main())
