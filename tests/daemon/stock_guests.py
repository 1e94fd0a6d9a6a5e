# SPDX-License-Identifier: MIT
"""Stock guests under the toolstack, in one boot: what guest_*.py share.

PREFIX_run.sh is what the control domain does, PREFIX_init.sh the first program
of its guests (/guest/vmlinuz with /guest/initrd).  A line of either's,
"PASS name: detail" or "FAIL name: detail", becomes a line of TAP.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGE = os.path.join(HERE, "..", "..", "tools", "image")
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


def make_images(build, folder, prefix, modules=(), files=()):
    """The guest's initramfs, and the control domain's with all in it.

    modules are the guest's; files are more of the control domain's, PATH=FILE.
    """
    tool = os.path.join(IMAGE, "initramfs.py")
    guest = os.path.join(folder, "guest.img")
    control = os.path.join(folder, "control.img")
    kernel = run(os.path.join(IMAGE, "fetch.sh"), "kernel", "cloud-amd64")
    words = [tool, "--out", guest,
             "--init", os.path.join(HERE, prefix + "_init.sh")]
    if modules:
        names = os.path.join(folder, "modules.list")
        with open(names, "w", encoding="utf-8") as file:
            file.write("".join(name + "\n" for name in modules))
        words += ["--kernel", kernel, "--modules", names]
    run(*words)
    words = [tool, "--out", control,
             "--init", os.path.join(IMAGE, "init.sh"),
             "--kernel", os.path.join(build, "image", "amd64", "kernel"),
             "--modules", os.path.join(IMAGE, "modules.list")]
    files = [*files, "guest/initrd=" + guest,
             "guest/vmlinuz=" + os.path.join(kernel, "vmlinuz"),
             "etc/parapet-run=" + os.path.join(HERE, prefix + "_run.sh"),
             "etc/parapet-lib=" + os.path.join(HERE, "guest_lib.sh")]
    for name in ("passwd", "group"):
        files.append(f"etc/{name}=" + os.path.join(
            HERE, "..", "..", "tools", "examples", "control", name))
    for file in files:
        words += ["--file", file]
    for name in PROGRAMS:
        words += ["--program", os.path.join(build, "bin", name)]
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
    check(count >= least, f"at least {least} checks were made")
    check(any(END.search(line) for line in outcome.lines),
          "the control domain is there to the end")
    check(outcome.ended == "off",
          f"the machine powers off ({outcome.ended}, "
          f"{outcome.seconds:.0f} s)")
    print(f"1..{count}")
    for line in outcome.lines:
        if "measured: " in line:
            print("# " + line)
    if failed:
        for line in outcome.lines[-200:] + outcome.where:
            print("# " + line)
    return 1 if failed else 0


def main(text, prefix, least, seconds, modules=(), files=()):
    """The program: text is its documentation, seconds the limit; files as
    make_images() has them, below the build's folder."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("--build", default=os.environ.get("BUILD", "build"))
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--log", help="what the machine prints, to a file")
    args = parser.parse_args()
    files = [file.replace("=", "=" + args.build + "/", 1) for file in files]
    with tempfile.TemporaryDirectory(prefix="parapet-guests-") as folder:
        try:
            machine = Machine(
                hypervisor=os.path.join(args.build, "parapet"),
                kernel=os.path.join(args.build, "image", "amd64", "vmlinux"),
                initrd=make_images(args.build, folder, prefix, modules, files),
                kernel_args="console=hvc0 panic=1 parapet_mode=run quiet",
                hv_args="control_mem=768M", smp=args.smp, mem=2048,
                nic="none")
            outcome = Boot(machine, seconds, QUIET_SECONDS).run()
        except (MachineError, subprocess.CalledProcessError) as err:
            print(f"not ok 1 - {err}\n1..1")
            return 1
    if args.log:
        with open(args.log, "w", encoding="utf-8") as file:
            file.write("\n".join(outcome.lines) + "\n")
    return judge(outcome, least)
