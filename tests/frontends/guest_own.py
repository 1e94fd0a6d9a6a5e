#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Our frontends in a stock guest, in a real control domain.

One boot: the toolstack creates a guest with two disks, an interface and a
console (guest_own_run.sh), which uses them through our modules
(guest_own_init.sh) while backends are killed and start over.  What both say becomes TAP.  With --measure
the guest only compares how fast the stock frontends and ours are on the same
backends; the figures are printed, and judge nothing.

usage: guest_own.py [--build DIR] [--smp N] [--log FILE] [--measure]
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
from stock_guests import Plan, arguments, boot_all      # noqa: E402

CHECKS = 90             # of both scripts
CHECKS_MEASURED = 35
RATE = re.compile(r"guest: rate (\S+) (\S+) ([\d.]+) (\S+)")
MODULES = tuple(f"lib/{name}.ko=build/modules/{name}.ko"
                for name in ("parapet-blkfront", "parapet-netfront",
                             "parapet-confront"))
MEASURE = "etc/measure=" + os.devnull


def show_rates(outcome):
    rates = {}
    for line in outcome.lines:
        found = RATE.search(line)
        if found:
            what, front, rate, unit = found.groups()
            rates.setdefault((what, unit), {}).setdefault(front, []).append(
                float(rate))
    for (what, unit), of in rates.items():
        if len(of) < 2:
            continue        # only ours does it
        best = min if unit == "us" else max
        stock, own = (best(of[front]) for front in ("stock", "own"))
        print(f"# {what:12} stock {stock:7.1f}  own {own:7.1f} {unit:6}"
              f"  ratio {own / max(stock, 0.1):.2f}")


def main():
    parser = arguments(__doc__)
    parser.add_argument("--measure", action="store_true")
    args = parser.parse_args()
    more = (MEASURE,) if args.measure else ()
    plan = Plan(HERE, "guest_own", CHECKS_MEASURED if args.measure else CHECKS,
                seconds=900, control_mem=1024, has_disk=True,
                programs=("net-traffic",), guest_programs=("net-traffic",),
                guest_modules=("xen-blkfront", "ext4", "xen-netfront",
                               "af_packet", "ipv6"),
                guest_files=(*MODULES, *more),
                files=("guest/disks.xml=../lib/disks.xml", *more))
    return boot_all(args, [(plan, args.smp)], look=show_rates)


if __name__ == "__main__":
    sys.exit(main())
