#!/usr/bin/env python3
"""Guests in a real control domain: two boots, many guests.

Boots the hypervisor with a stock control domain that builds and runs stock
guests by hand (guest_run.sh), and turns what it says into TAP lines.  The first
boot has two CPUs, the second, only for a look at each kernel, one.

usage: guest_boot.py [--build DIR] [--log FILE] [PART]...
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

SECONDS = 600           # a boot; usually 60
QUIET_SECONDS = 240
LINE = re.compile(r"\b(PASS|FAIL) ([\w-]+): (.*)")
END = re.compile(r"parapet-init: run ended")
# What guest_run.sh does, with how many CPUs, at least how many checks.
PARTS = {"all": (2, 43), "kernels": (1, 13)}
# Other kernels than the first, by the name that guest_run.sh knows.
KERNELS = {"amd64": "amd64", "cloud-6.12": "6.12-cloud-amd64"}


def run(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def make_images(build, folder):
    """The guest's initramfs, and the control domain's with all in it."""
    tool = os.path.join(IMAGE, "initramfs.py")
    program = os.path.join(build, "bin", "parapet-")
    guest = os.path.join(folder, "guest.img")
    control = os.path.join(folder, "control.img")
    kernel = run(os.path.join(IMAGE, "fetch.sh"), "kernel", "cloud-amd64")
    run(tool, "--out", guest, "--init", os.path.join(HERE, "guest_init.sh"),
        "--program", program + "store")
    others = []
    for name, flavour in KERNELS.items():
        image = run(os.path.join(IMAGE, "fetch.sh"), "kernel", flavour)
        others += ["--file", f"guest/{name}=" + os.path.join(image, "vmlinuz")]
    run(tool, *others, "--out", control, "--init", os.path.join(IMAGE, "init.sh"),
        "--kernel", os.path.join(build, "image", "amd64", "kernel"),
        "--modules", os.path.join(IMAGE, "modules.list"),
        "--program", program + "build", "--program", program + "stored",
        "--program", program + "store",
        "--file", "etc/parapet-run=" + os.path.join(HERE, "guest_run.sh"),
        "--file", "guest/vmlinuz=" + os.path.join(kernel, "vmlinuz"),
        "--file", "guest/initrd=" + guest)
    return control


class Checks:
    """TAP lines for what boots printed."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, good, text):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {text}",
              flush=True)

    def judge(self, outcome, least):
        count, failed = self.count, self.failed
        for line in outcome.lines:
            found = LINE.search(line)
            if found:
                self.check(found.group(1) == "PASS",
                           f"{found.group(2)}: {found.group(3)}")
        self.check(self.count >= count + least,
                   f"at least {least} checks were made")
        self.check(any(END.search(line) for line in outcome.lines),
                   "the control domain is there to the end")
        self.check(outcome.ended == "off",
                   f"the machine powers off ({outcome.ended}, "
                   f"{outcome.seconds:.0f} s)")
        if self.failed > failed:
            for line in outcome.lines[-120:] + outcome.where:
                print("# " + line)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.environ.get("BUILD", "build"))
    parser.add_argument("--log", help="what the machines print, to a file")
    parser.add_argument("part", nargs="*", help=" ".join(PARTS))
    args = parser.parse_args()
    checks, lines = Checks(), []
    with tempfile.TemporaryDirectory(prefix="parapet-guests-") as folder:
        try:
            initrd = make_images(args.build, folder)
            for part in args.part or PARTS:
                smp, least = PARTS[part]
                machine = Machine(
                    hypervisor=os.path.join(args.build, "parapet"),
                    kernel=os.path.join(args.build, "image", "amd64",
                                        "vmlinux"),
                    initrd=initrd,
                    kernel_args="console=hvc0 panic=1 parapet_mode=run quiet "
                                "parapet_part=" + part,
                    hv_args="control_mem=768M", smp=smp, mem=2048, nic="none")
                outcome = Boot(machine, SECONDS, QUIET_SECONDS).run()
                lines += outcome.lines
                checks.judge(outcome, least)
        except (MachineError, subprocess.CalledProcessError) as err:
            checks.check(False, str(err))
    print(f"1..{checks.count}")
    if args.log:
        with open(args.log, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
