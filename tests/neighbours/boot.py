# SPDX-License-Identifier: MIT
"""One boot with many guests: what many_*.py and hostile.py share.

NAME_run.sh is what the control domain does, NAME_init.sh the first program of
its stock guests.  A line of either's, "PASS name: detail" or "FAIL ...", becomes
a line of TAP; lines with "measured: " are shown.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
IMAGE = os.path.join(TOP, "tools", "image")
sys.dont_write_bytecode = True
sys.path.insert(0, IMAGE)

# pylint: disable=wrong-import-position
from machine import Boot, Machine, MachineError      # noqa: E402

QUIET_SECONDS = 240
LINE = re.compile(r"\b(PASS|FAIL) ([\w-]+): (.*)")
END = re.compile(r"parapet-init: run ended")
PROGRAMS = ("parapet", "parapetd", "parapet-stored", "parapet-store",
            "parapet-consoled", "parapet-blkback", "parapet-netback")


def run(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def make_images(build, folder, name, modules, programs):
    """The guests' initramfs with these, and the control domain's with all."""
    tool = os.path.join(IMAGE, "initramfs.py")
    guest = os.path.join(folder, "guest.img")
    control = os.path.join(folder, "control.img")
    kernel = run(os.path.join(IMAGE, "fetch.sh"), "kernel", "cloud-amd64")
    words = [tool, "--out", guest]
    init = os.path.join(HERE, name + "_init.sh")
    if os.path.exists(init):
        words += ["--init", init]
    if modules:
        names = os.path.join(folder, "modules.list")
        with open(names, "w", encoding="utf-8") as file:
            file.write("".join(module + "\n" for module in modules))
        words += ["--kernel", kernel, "--modules", names]
    for program in programs:
        words += ["--program", os.path.join(build, "bin", program)]
    run(*words)
    words = [tool, "--out", control,
             "--init", os.path.join(IMAGE, "init.sh"),
             "--kernel", os.path.join(build, "image", "amd64", "kernel"),
             "--modules", os.path.join(IMAGE, "modules.list")]
    files = ["guest/initrd=" + guest,
             "guest/vmlinuz=" + os.path.join(kernel, "vmlinuz"),
             "guest/small=" + os.path.join(build, "tests", "neighbours-small"),
             "etc/parapet-run=" + os.path.join(HERE, name + "_run.sh"),
             "etc/parapet-lib=" + os.path.join(HERE, "lib.sh")]
    for file in ("passwd", "group"):
        files.append(f"etc/{file}=" + os.path.join(
            TOP, "tools", "examples", "control", file))
    for file in files:
        words += ["--file", file]
    for program in PROGRAMS:
        words += ["--program", os.path.join(build, "bin", program)]
    run(*words)
    return control


def judge(outcome, least):
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
        elif "measured: " in line:
            print("# " + line)
    check(count >= least, f"at least {least} checks were made")
    check(any(END.search(line) for line in outcome.lines),
          "the control domain is there to the end")
    check(outcome.ended == "off",
          f"the machine powers off ({outcome.ended}, "
          f"{outcome.seconds:.0f} s)")
    print(f"1..{count}")
    if failed:
        for line in outcome.lines[-200:] + outcome.where:
            print("# " + line)
    return 1 if failed else 0


def logger(args):
    """What takes the machine's output while it comes, if anything does."""
    if not args.log:
        return None
    # pylint: disable=consider-using-with
    file = open(args.log, "wb", buffering=0)
    return file.write


def main(text, name, least, seconds, mem, control_mem,
         modules=(), programs=()):
    """The program: text is its documentation, seconds the limit."""
    # pylint: disable=too-many-arguments, too-many-positional-arguments
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("--build", default=os.environ.get("BUILD", "build"))
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--log", help="what the machine prints, to a file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parapet-guests-") as folder:
        try:
            machine = Machine(
                hypervisor=os.path.join(args.build, "parapet"),
                kernel=os.path.join(args.build, "image", "amd64", "vmlinux"),
                initrd=make_images(args.build, folder, name, modules, programs),
                kernel_args="console=hvc0 panic=1 parapet_mode=run quiet",
                hv_args=f"control_mem={control_mem}M", smp=args.smp, mem=mem,
                nic="none")
            outcome = Boot(machine, seconds, QUIET_SECONDS, logger(args)).run()
        except (MachineError, subprocess.CalledProcessError) as err:
            print(f"not ok 1 - {err}\n1..1")
            return 1
    return judge(outcome, least)
