#!/usr/bin/env python3
"""Boot the stock kernel on several emulated machines and check it there.

Every boot runs the self-check and the load programs in the control domain;
their lines become TAP lines.  Few boots, each of another machine, CPU, memory
size and number of vcpus, so that together they cover the matrix.

usage: boots.py [--system native|xen|parapet] [--list] [NAME]...
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
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
from machine import (Boot, EchoService, Machine, MachineError,  # noqa: E402
                     make_disk)
from results import Results                             # noqa: E402

SECONDS = 420           # for one boot; usually 20
ALL = "selfcheck load load32"

# name: (programs to run, what Machine needs; words for Parapet)
BOOTS = {
    "q35-max-2cpu-2g": (ALL, {"smp": 2, "mem": 2048}),
    "pc-qemu64-1cpu-256m-ahci-e1000": (ALL, {
        "machine": "pc", "cpu": "qemu64", "smp": 1, "mem": 256,
        "disk_bus": "ahci", "nic": "e1000"}),
    "q35-intel-2cpu-1g-ahci": (ALL, {
        "cpu": "Nehalem", "smp": 2, "mem": 1024, "disk_bus": "ahci",
        "words": "control_root=apart"}),
    "pc-amd-2cpu-8g": (ALL, {
        "machine": "pc", "cpu": "EPYC", "smp": 2, "mem": 8192}),
    "iso-bios": ("selfcheck", {"firmware": "bios", "smp": 1, "mem": 1024}),
    "iso-uefi": ("selfcheck", {"firmware": "uefi", "smp": 2, "mem": 1024}),
}
REBOOTS = ("pc-qemu64-1cpu-256m-ahci-e1000",)   # QEMU ends at a reset, too
CONSOLE = {"parapet": "console=hvc0 earlyprintk=xen",
           "xen": "console=hvc0", "native": "console=ttyS0"}
HV_ARGS = {"native": "", "xen": "console=com1 com1=115200"}
SUMS = {"selfcheck": "self-check", "load": "load", "load32": "load32"}
END = re.compile(r"parapet-init: run ended, status=0\b")


class Tap:
    """Numbered result lines, and the plan at the end."""

    def __init__(self):
        self.count, self.failed = 0, 0

    def check(self, good, text):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {text}",
              flush=True)

    def end(self):
        print(f"1..{self.count}")
        return 1 if self.failed or not self.count else 0


def make_initrd(build, flavour, path, programs):
    """The control domain's initramfs with the load programs in it."""
    folder = os.path.dirname(path)
    script = os.path.join(folder, "parapet-run")
    with open(script, "w", encoding="ascii") as file:
        file.write("failed=0\n")
        for program in programs:
            file.write(f"parapet-{program} || failed=1\n")
        file.write("exit $failed\n")
    words = [os.path.join(IMAGE, "initramfs.py"), "--out", path,
             "--init", os.path.join(IMAGE, "init.sh"),
             "--kernel", os.path.join(build, "image", flavour, "kernel"),
             "--modules", os.path.join(IMAGE, "modules.list"),
             "--file", "etc/udhcpc.sh=" + os.path.join(IMAGE, "udhcpc.sh"),
             "--file", "etc/parapet-run=" + script]
    for program in programs:
        words += ["--program", os.path.join(build, "bin",
                                            "parapet-" + program)]
    subprocess.run(words, check=True)


def hypervisor_of(system, build):
    if system == "xen":
        run = subprocess.run([os.path.join(IMAGE, "fetch.sh"), "xen"],
                             stdout=subprocess.PIPE, text=True, check=True)
        return os.path.join(run.stdout.strip(), "xen")
    return os.path.join(build, "parapet") if system == "parapet" else ""


def machine_of(name, args, folder, echo):
    """The machine of one boot, its files in folder."""
    programs, need = BOOTS[name][0], dict(BOOTS[name][1])
    words = need.pop("words", "")
    image = os.path.join(args.build, "image", args.flavour)
    elf = args.system == "parapet" or "firmware" in need
    machine = Machine(
        system=args.system,
        hypervisor=hypervisor_of(args.system, args.build),
        kernel=os.path.join(image, "vmlinux" if elf else "kernel/vmlinuz"),
        initrd=os.path.join(folder, "initrd.img"),
        hv_args=words if args.system == "parapet" else HV_ARGS[args.system],
        disk=os.path.join(folder, "disk.img"), **need)
    if args.system == "xen" and not machine.cpu.startswith("qemu64"):
        machine.cpu += ",-smap"
    machine.kernel_args = " ".join((
        CONSOLE[args.system], "panic=1", "parapet_mode=run",
        f"parapet_expect={args.system}", f"parapet_cpus={machine.smp}",
        f"parapet_echo=10.0.2.2:{echo.port}",
        "parapet_end=" + ("reboot" if name in REBOOTS else "poweroff")))
    make_initrd(args.build, args.flavour, machine.initrd, programs.split())
    make_disk(machine.disk)
    if "firmware" in need:
        machine.iso = os.path.join(folder, "parapet.iso")
        subprocess.run([os.path.join(IMAGE, "mkiso.sh"), machine.iso,
                        machine.hypervisor, machine.kernel, machine.initrd,
                        machine.hv_args, machine.kernel_args],
                       stdout=subprocess.DEVNULL, check=True)
    return machine


def judge(tap, name, programs, outcome):
    """TAP lines for what a boot printed."""
    results = Results(SUMS.values(), outcome.lines)
    for good, text in results.checks + results.rest():
        tap.check(good, f"{name}: {text}")
    # All did if the script that runs them says so.
    ended = END.search(outcome.text())
    for program in programs.split():
        tap.check(ended or SUMS[program] in results.sums,
                  f"{name}: {program} runs to its end")
    end = "reboots" if name in REBOOTS else "powers off"
    tap.check(outcome.ended == "off", f"{name}: {end} by itself "
              f"({outcome.seconds:.1f} s, {outcome.ended})")


def run_boot(tap, name, args):
    with tempfile.TemporaryDirectory(prefix="parapet-boot-") as folder:
        echo = EchoService()
        try:
            machine = machine_of(name, args, folder, echo)
            outcome = Boot(machine, SECONDS).run()
        except (MachineError, subprocess.CalledProcessError) as err:
            tap.check(False, f"{name}: {err}")
            return
        finally:
            echo.close()
    failed = tap.failed
    judge(tap, name, BOOTS[name][0], outcome)
    if tap.failed > failed:
        for line in outcome.lines[-40:] + outcome.where:
            print("# " + line)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.environ.get("BUILD", "build"))
    parser.add_argument("--system", choices=sorted(CONSOLE),
                        default="parapet")
    parser.add_argument("--flavour", default="amd64")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("name", nargs="*")
    args = parser.parse_args()
    if args.list:
        print("\n".join(BOOTS))
        return 0
    for name in args.name:
        if name not in BOOTS:
            parser.error(f"no such boot: {name} (see --list)")
    tap = Tap()
    for name in args.name or BOOTS:
        run_boot(tap, name, args)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
