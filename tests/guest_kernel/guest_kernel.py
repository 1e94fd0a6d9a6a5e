#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The patched guest kernel boots everywhere, and keeps what it owes programs.

As a guest of Parapet, from XML, with disk, network and console (the example
"patched"); and with memory.c as the first program on the bare machine, as a
control domain of Parapet and of Xen 4.17, with one CPU and with two.  And the
series is one that `git am` takes.

usage: guest_kernel.py [--build DIR]
"""

import argparse
import glob
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
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

# pylint: disable=wrong-import-position
from machine import Boot, Machine                    # noqa: E402
from stock_guests import Checks                      # noqa: E402

PATCHES = sorted(os.path.abspath(p) for p in glob.glob(
    os.path.join(TOP, "guest-patches", "linux-6.1", "*.patch")))
SECONDS = 300           # for one boot; usually 10
CHECKS = 11             # of memory.c
LINE = re.compile(r"\b(PASS|FAIL) ([\w-]+): (.*)")
CONSOLE = {"native": "ttyS0", "parapet": "hvc0", "xen": "hvc0"}
HV_ARGS = {"native": "", "parapet": "", "xen": "console=com1 com1=115200"}


def output_of(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def touched():
    """The files that the series changes."""
    found = set()
    for patch in PATCHES:
        with open(patch, encoding="utf-8") as file:
            found |= set(re.findall(r"^--- a/(\S+)$", file.read(), re.M))
    return sorted(found)


def series(checks, folder):
    """It applies by `git am` to the source, without an offset."""
    source = output_of(os.path.join(IMAGE, "fetch.sh"), "source")
    archive = glob.glob(os.path.join(source, "*.tar.xz"))[0]
    prefix = os.path.basename(archive)[:-len(".tar.xz")]
    output_of("tar", "-C", folder, "-xf", archive,
              *(f"{prefix}/{name}" for name in touched()))
    git = ["git", "-C", os.path.join(folder, prefix), "-c", "user.name=x",
           "-c", "user.email=x", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "source"]):
        output_of(*git, *words)
    done = subprocess.run(git + ["am", "-q"] + PATCHES, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    checks.check(not done.returncode,
                 f"git am takes the {len(PATCHES)} patches")
    if done.returncode:
        print("\n".join("# " + line for line in done.stdout.splitlines()))


def hypervisor_of(system, build):
    if system == "xen":
        return os.path.join(output_of(os.path.join(IMAGE, "fetch.sh"), "xen"),
                            "xen")
    return os.path.join(build, "parapet") if system == "parapet" else ""


def boot(checks, build, initrd, system, smp):
    """memory.c on one system."""
    kernel = "vmlinux" if system == "parapet" else "bzImage"
    outcome = Boot(Machine(
        system=system, hypervisor=hypervisor_of(system, build),
        kernel=os.path.join(build, "guest-kernel", kernel), initrd=initrd,
        kernel_args=f"console={CONSOLE[system]} quiet panic=1",
        hv_args=HV_ARGS[system], cpu="max,-smap", smp=smp, mem=512,
        nic="none"), SECONDS).run()
    where = f"{system}, {smp} cpus"
    found = [m for m in map(LINE.search, outcome.lines) if m]
    for line in found:
        checks.check(line.group(1) == "PASS",
                     f"{where}: {line.group(2)}: {line.group(3)}")
    good = len(found) == CHECKS and outcome.ended == "off"
    checks.check(good, f"{where}: {len(found)} checks, then the machine is "
                 f"{outcome.ended}, {outcome.seconds:.0f} s")
    if not good:
        for line in outcome.lines[-60:] + outcome.where:
            print("# " + line)


def example(checks, build):
    """`make run GUEST=patched`."""
    done = subprocess.run(
        [os.path.join(IMAGE, "run.py"), "--build", build, "--mode", "check",
         "--guest", "patched"], stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
        check=False)
    lines = done.stdout.splitlines()
    for line in filter(None, map(LINE.search, lines)):
        checks.check(line.group(1) == "PASS",
                     f"guest: {line.group(2)}: {line.group(3)}")
    checks.check(done.returncode == 0, (lines or ["nothing"])[-1])
    if done.returncode:
        print("\n".join("# " + line for line in lines[-100:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.environ.get("BUILD", "build"))
    build = parser.parse_args().build
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="parapet-kernel-") as folder:
        series(checks, folder)
        initrd = os.path.join(folder, "initrd")
        output_of(os.path.join(IMAGE, "initramfs.py"), "--out", initrd,
                  "--bare", "--init",
                  os.path.join(build, "tests", "guest_kernel-memory"))
        for system in ("native", "parapet", "xen"):
            for smp in (1, 2):
                boot(checks, build, initrd, system, smp)
    example(checks, build)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
