#!/usr/bin/env python3
"""Guests in a real control domain: two boots, many guests.

Boots the hypervisor with a stock control domain that builds and runs stock
guests by hand (guest_run.sh), and turns what it says into TAP lines.  The first
boot has two CPUs, the second, only for a look at each kernel, one.

usage: guest_boot.py [--build DIR] [--log FILE] [PART]...
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
from stock_guests import Plan, arguments, boot_all      # noqa: E402

# What guest_run.sh does, with how many CPUs, how many checks.
PARTS = {"all": (2, 43), "kernels": (1, 14)}
# Other kernels than the first, by the name that guest_run.sh knows.
KERNELS = {"amd64": "amd64", "cloud-6.12": "6.12-cloud-amd64"}
PROGRAMS = ("parapet-build", "parapet-stored", "parapet-store")


def plan_of(part):
    smp, checks = PARTS[part]
    return Plan(HERE, "guest", checks, seconds=600, toolstack=PROGRAMS,
                guest_programs=("parapet-store",), flavours=KERNELS,
                cmdline="parapet_part=" + part), smp


def main():
    parser = arguments(__doc__)
    parser.add_argument("part", nargs="*", help=" ".join(PARTS))
    args = parser.parse_args()
    return boot_all(args, [plan_of(part) for part in args.part or PARTS])


if __name__ == "__main__":
    sys.exit(main())
