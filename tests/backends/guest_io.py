#!/usr/bin/env python3
"""Disks, a network and consoles of stock guests, in a real control domain.

One boot: the toolstack creates a guest with two disks and an interface
(guest_io_run.sh), which uses them (guest_io_init.sh) while backends are killed.
What both say becomes TAP.

usage: guest_io.py [--build DIR] [--smp N] [--log FILE]
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGE = os.path.join(HERE, "..", "..", "tools", "image")
sys.path.insert(0, IMAGE)

# pylint: disable=wrong-import-position
from machine import Boot, Machine, MachineError      # noqa: E402

SECONDS = 900           # usually 60
QUIET_SECONDS = 240
LINE = re.compile(r"\b(PASS|FAIL) ([\w-]+): (.*)")
END = re.compile(r"parapet-init: run ended")
LEAST = 20              # checks that guest_io_run.sh makes
DISK_BYTES = 128 << 20
PROGRAMS = ("stored", "store", "blkback", "consoled", "netback")
GUEST_MODULES = "xen-blkfront\nxen-netfront\next4\naf_packet\n"


def run(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def make_images(build, folder):
    """The guest's initramfs, and the control domain's with all in it."""
    tool = os.path.join(IMAGE, "initramfs.py")
    guest = os.path.join(folder, "guest.img")
    control = os.path.join(folder, "control.img")
    modules = os.path.join(folder, "modules.list")
    with open(modules, "w", encoding="utf-8") as file:
        file.write(GUEST_MODULES)
    kernel = run(os.path.join(IMAGE, "fetch.sh"), "kernel", "cloud-amd64")
    run(tool, "--out", guest, "--kernel", kernel, "--modules", modules,
        "--init", os.path.join(HERE, "guest_io_init.sh"))
    words = [tool, "--out", control,
             "--init", os.path.join(IMAGE, "init.sh"),
             "--kernel", os.path.join(build, "image", "amd64", "kernel"),
             "--modules", os.path.join(IMAGE, "modules.list"),
             "--program", os.path.join(build, "bin", "parapet"),
             "--program", os.path.join(build, "bin", "parapetd"),
             "--file",
             "etc/parapet-run=" + os.path.join(HERE, "guest_io_run.sh"),
             "--file", "guest/io.xml=" + os.path.join(HERE, "guest_io.xml"),
             "--file", "guest/vmlinuz=" + os.path.join(kernel, "vmlinuz"),
             "--file", "guest/initrd=" + guest]
    for name in PROGRAMS:
        words += ["--program", os.path.join(build, "bin", "parapet-" + name)]
    run(*words)
    return control


def make_disk(folder):
    path = os.path.join(folder, "disk.img")
    with open(path, "wb") as file:
        file.truncate(DISK_BYTES)
    return path


def judge(outcome, least=LEAST):
    """TAP lines for what the boot printed; the exit status."""
    count, failed = 0, 0

    def check(good, text):
        nonlocal count, failed
        count += 1
        failed += not good
        print(f"{'ok' if good else 'not ok'} {count} - {text}", flush=True)

    for line in outcome.lines:
        found = LINE.search(line)
        if found:
            check(found.group(1) == "PASS",
                  f"{found.group(2)}: {found.group(3)}")
    check(count >= least, f"at least {least} checks were made")
    check(any(END.search(line) for line in outcome.lines),
          "the control domain is there to the end")
    check(outcome.ended == "off",
          f"the machine powers off ({outcome.ended}, "
          f"{outcome.seconds:.0f} s)")
    print(f"1..{count}")
    if failed:
        for line in outcome.lines[-160:] + outcome.where:
            print("# " + line)
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.environ.get("BUILD", "build"))
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--log", help="what the machine prints, to a file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parapet-io-") as folder:
        try:
            machine = Machine(
                hypervisor=os.path.join(args.build, "parapet"),
                kernel=os.path.join(args.build, "image", "amd64", "vmlinux"),
                initrd=make_images(args.build, folder),
                kernel_args="console=hvc0 panic=1 parapet_mode=run quiet",
                hv_args="control_mem=1024M", smp=args.smp, mem=2048,
                disk=make_disk(folder), nic="none")
            outcome = Boot(machine, SECONDS, QUIET_SECONDS).run()
        except (MachineError, subprocess.CalledProcessError) as err:
            print(f"not ok 1 - {err}\n1..1")
            return 1
    if args.log:
        with open(args.log, "w", encoding="utf-8") as file:
            file.write("\n".join(outcome.lines) + "\n")
    return judge(outcome)


if __name__ == "__main__":
    sys.exit(main())
