#!/usr/bin/env python3
"""Our block frontend in a stock guest, in a real control domain.

One boot: the toolstack creates a guest with two disks (guest_pvblk_run.sh),
which uses them through parapet-blkfront (guest_pvblk_init.sh) while backends
are killed and start over.  What both say becomes TAP.  The guest also compares
how fast the stock frontend and ours are on the same backend: the figures are
printed, and judge nothing.  With --measure it does only that, and for longer.

usage: guest_pvblk.py [--build DIR] [--smp N] [--log FILE] [--measure]
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BACKENDS = os.path.join(HERE, "..", "backends")
IMAGE = os.path.join(HERE, "..", "..", "tools", "image")
sys.path[:0] = [IMAGE, BACKENDS]

# pylint: disable=wrong-import-position
import guest_io                                      # noqa: E402
from machine import Boot, Machine, MachineError      # noqa: E402

SECONDS = 600           # usually 120
QUIET_SECONDS = 120
LEAST = 33              # checks that both scripts make
PROGRAMS = ("stored", "store", "blkback", "consoled")
GUEST_MODULES = "xen-blkfront\next4\n"
RATE = re.compile(r"guest: rate (\S+) (\S+) (\d+)")


def make_guest(build, folder, kernel, measure):
    tool = os.path.join(IMAGE, "initramfs.py")
    out = os.path.join(folder, "guest.img")
    modules = os.path.join(folder, "modules.list")
    init = os.path.join(folder, "init")
    with open(modules, "w", encoding="utf-8") as file:
        file.write(GUEST_MODULES)
    with open(os.path.join(HERE, "guest_pvblk_init.sh"),
              encoding="utf-8") as file:
        text = file.read()
    with open(init, "w", encoding="utf-8") as file:
        file.write(text.replace("\nexport PATH", "\nMEASURE=%s\nexport PATH" %
                                ("1" if measure else ""), 1))
    guest_io.run(
        tool, "--out", out, "--kernel", kernel, "--modules", modules,
        "--init", init, "--file", "lib/parapet-blkfront.ko=" +
        os.path.join(build, "modules", "parapet-blkfront.ko"))
    return out


def make_control(build, folder, measure):
    kernel = guest_io.run(os.path.join(IMAGE, "fetch.sh"), "kernel",
                          "cloud-amd64")
    guest = make_guest(build, folder, kernel, measure)
    control = os.path.join(folder, "control.img")
    words = [os.path.join(IMAGE, "initramfs.py"), "--out", control,
             "--init", os.path.join(IMAGE, "init.sh"),
             "--kernel", os.path.join(build, "image", "amd64", "kernel"),
             "--modules", os.path.join(IMAGE, "modules.list"),
             "--program", os.path.join(build, "bin", "parapet"),
             "--program", os.path.join(build, "bin", "parapetd"),
             "--file", "etc/parapet-run=" +
             os.path.join(HERE, "guest_pvblk_run.sh"),
             "--file", "guest/own.xml=" +
             os.path.join(HERE, "guest_pvblk.xml"),
             "--file", "guest/vmlinuz=" + os.path.join(kernel, "vmlinuz"),
             "--file", "guest/initrd=" + guest]
    if measure:
        words += ["--file", "etc/measure=" + os.devnull]
    for name in PROGRAMS:
        words += ["--program", os.path.join(build, "bin", "parapet-" + name)]
    guest_io.run(*words)
    return control


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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.environ.get("BUILD", "build"))
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--log", help="what the machine prints, to a file")
    parser.add_argument("--measure", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parapet-pvblk-") as folder:
        try:
            machine = Machine(
                hypervisor=os.path.join(args.build, "parapet"),
                kernel=os.path.join(args.build, "image", "amd64", "vmlinux"),
                initrd=make_control(args.build, folder, args.measure),
                kernel_args="console=hvc0 panic=1 parapet_mode=run quiet",
                hv_args="control_mem=1024M", smp=args.smp, mem=2048,
                disk=guest_io.make_disk(folder), nic="none")
            outcome = Boot(machine, SECONDS, QUIET_SECONDS).run()
        except (MachineError, subprocess.CalledProcessError) as err:
            print(f"not ok 1 - {err}\n1..1")
            return 1
    if args.log:
        with open(args.log, "w", encoding="utf-8") as file:
            file.write("\n".join(outcome.lines) + "\n")
    show_rates(outcome)
    return guest_io.judge(outcome, 5 if args.measure else LEAST)


if __name__ == "__main__":
    sys.exit(main())
