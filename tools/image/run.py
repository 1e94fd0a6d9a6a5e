#!/usr/bin/env python3
"""Boot a control domain in QEMU, which creates guests and checks them.

On a terminal it is left there, with a shell and the guests running.  Without
one there is a self-check before, and the machine is powered off after; the
status is 0 only if both passed.  Images come from prepare.sh (make images).
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile

import guests
from machine import (Boot, EchoService, Machine, MachineError, make_disk)

HERE = os.path.dirname(os.path.abspath(__file__))
CONSOLE = {"parapet": "console=hvc0 earlyprintk=xen",
           "xen": "console=hvc0 earlyprintk=xen",
           "native": "console=ttyS0 earlyprintk=ttyS0,115200"}
HV_ARGS = {"parapet": "", "native": "",
           "xen": "console=com1 com1=115200 dom0_mem=1024M"}
SECONDS = 900           # for a whole boot and its checks; usually 25
MIN_MIB_GUESTS = 1024


def say(text):
    print("run: " + text, flush=True)


def arguments():
    env = os.environ.get
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--build", default=env("BUILD", "build"))
    add("--system", choices=sorted(CONSOLE), default="parapet")
    add("--flavour", default="amd64", help="amd64 or cloud-amd64")
    add("--machine", default="q35", help="q35 or pc")
    add("--cpu", help="QEMU's CPU model (max; max,-smap for Xen)")
    add("--smp", type=int, default=2)
    add("--mem", type=int, default=2048, help="MiB")
    add("--accel", default="tcg")
    add("--disk-bus", choices=("virtio", "ahci"), default="virtio")
    add("--nic", choices=("virtio", "e1000", "none"), default="virtio")
    add("--iso", default="", help="boot this image instead")
    add("--firmware", choices=("bios", "uefi"), default="bios")
    add("--guest", default="none", help="examples, or none: a,b")
    add("--hv-args", default="", help="more words for the hypervisor")
    add("--kernel-args", default="", help="more words for the kernel")
    add("--initrd", help="another initramfs")
    add("--mode", choices=("auto", "shell", "check", "run"), default="auto")
    add("--seconds", type=int, default=SECONDS, help="give up after that")
    add("--quiet-seconds", type=int, default=240,
        help="without output this long it is stuck")
    add("--show", action="store_true", help="print QEMU's command line")
    add("qemu", nargs="*", help="more words for QEMU (after --)")
    return parser.parse_args()


def xen_image():
    run = subprocess.run([os.path.join(HERE, "fetch.sh"), "xen"], text=True,
                         stdout=subprocess.PIPE, check=False)
    if run.returncode:
        raise MachineError("Xen could not be fetched")
    return os.path.join(run.stdout.strip(), "xen")


def guests_of(args):
    """Names of the examples to run."""
    names = [n for n in re.split("[ ,]+", args.guest) if n and n != "none"]
    if args.system != "parapet" or args.iso:
        return []
    if names and args.mem < MIN_MIB_GUESTS:
        raise MachineError(f"too little memory: {args.mem} MiB; with a guest "
                           f"it takes {MIN_MIB_GUESTS} MiB (or GUEST=none)")
    return names


def hypervisor_words(args, names):
    """Its command line; guests need memory that the control domain leaves."""
    words = [HV_ARGS[args.system], args.hv_args]
    if names and "control_mem=" not in args.hv_args:
        words.append(f"control_mem={args.mem // 2}M")
    return " ".join(filter(None, words))


def machine_of(args, mode, echo, folder):
    """The machine; its disks, made anew, are in folder."""
    names = guests_of(args)
    image = os.path.join(args.build, "image", args.flavour)
    elf = args.system == "parapet"
    words = [CONSOLE[args.system], f"parapet_mode={mode}",
             f"parapet_expect={args.system}", f"parapet_cpus={args.smp}"]
    if mode != "shell":
        words.append("panic=1")
    if names:
        words.append("parapet_guest=" + ",".join(names))
    if args.nic != "none":
        words.append(f"parapet_echo=10.0.2.2:{echo.port}")
    disk = os.path.join(folder, "disk.img")
    make_disk(disk)
    hypervisor = ""
    if args.system != "native":
        hypervisor = (os.path.join(args.build, "parapet") if elf
                      else xen_image())
    initrd, data = args.initrd or os.path.join(image, "initrd.img"), ""
    if names:
        data = guests.data_disk(args.build, folder, names, say)
        initrd = guests.initrd_with(initrd, args.build, folder, names)
    return Machine(
        system=args.system, hypervisor=hypervisor,
        kernel=os.path.join(image, "vmlinux" if elf else "kernel/vmlinuz"),
        initrd=initrd, data=data,
        kernel_args=" ".join(words + args.kernel_args.split()),
        hv_args=hypervisor_words(args, names),
        iso=args.iso, firmware=args.firmware, machine=args.machine,
        cpu=args.cpu or ("max,-smap" if args.system == "xen" else "max"),
        smp=args.smp, mem=args.mem, accel=args.accel, disk=disk,
        disk_bus=args.disk_bus, nic=args.nic, extra=tuple(args.qemu))


def shell(machine):
    """QEMU with this terminal as its serial line."""
    machine.check()
    say("leave with `poweroff` in the shell, or at any time with Ctrl-A X")
    return subprocess.run(machine.command(None, "mon:stdio"),
                          check=False).returncode


def show(chunk):
    sys.stdout.buffer.write(chunk)
    sys.stdout.flush()


def report(outcome, wanted, status, guest):
    """Say in one line how it went; the exit status.

    status has what each check ended with, by name; wanted are their names;
    guest says which guests ran.
    """
    missing = [name for name in wanted if name not in status]
    failed = [name for name in wanted if status.get(name)]
    if not missing and not failed and outcome.ended in ("off", "stopped"):
        guest = f"guest: {guest}, " if guest else ""
        say(f"passed, {guest}{outcome.seconds:.1f} s")
        return 0
    reason = {
        "panic": "panic",
        "stuck": "no output any more: it hangs",
        "late": "out of time",
        "off": f"the machine went off before the {' '.join(missing[:1])} "
               "ended",
        "stopped": "the machine did not power off",
    }[outcome.ended]
    if failed and outcome.ended in ("off", "stopped"):
        reason = f"the {failed[0]} ended with status {status[failed[0]]}"
    for line in outcome.where:
        say("  " + line)
    say(f"FAILED after {outcome.seconds:.1f} s: {reason}: "
        f"{outcome.last_words()}")
    return 1


def check(machine, args):
    """Boot, read how the checks ended, wait for the machine to go off."""
    status = {}
    wanted = ["self-check"]
    found = re.search(r"parapet_guest=(\S+)", machine.kernel_args)
    if found:
        wanted.append("guest-check")
    if args.mode == "run":
        wanted = ["run"]

    def on_line(line):
        found = re.search(r"parapet-init: (\S+) ended, status=(\d+)", line)
        if found:
            status[found.group(1)] = int(found.group(2))

    boot = Boot(machine, args.seconds, args.quiet_seconds, show)
    outcome = boot.run(on_line)
    print(flush=True)
    return report(outcome, wanted, status,
                  found.group(1).replace(",", " ") if found else "")


def boot(args, echo, folder):
    """One machine's life; the exit status."""
    mode = args.mode
    if mode == "auto":
        mode = ("shell" if sys.stdin.isatty() and sys.stdout.isatty()
                else "check")
    machine = machine_of(args, mode, echo, folder)
    say(f"{args.system} on {machine.machine}, cpu {machine.cpu}, "
        f"{machine.smp} cpus, {machine.mem} MiB, {mode}")
    if args.show:
        say(" ".join(machine.command(None)))
    return shell(machine) if mode == "shell" else check(machine, args)


def main():
    args = arguments()
    # Ended by a signal it takes its machine along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    echo = EchoService()
    image = os.path.join(args.build, "image")
    try:
        os.makedirs(image, exist_ok=True)
        # A folder of its own: two machines may run from one build.
        with tempfile.TemporaryDirectory(prefix="run-", dir=image) as folder:
            return boot(args, echo, folder)
    except MachineError as err:
        say(str(err))
        return 1
    except OSError as err:
        say(f"{err.filename}: {err.strerror}")
        return 1
    finally:
        echo.close()


if __name__ == "__main__":
    sys.exit(main())
