# SPDX-License-Identifier: MIT
"""Stock guests in a real control domain, in one boot: what such tests share.

NAME_run.sh is what the control domain does, NAME_init.sh the first program of
its guests (/guest/vmlinuz with /guest/initrd); beside this file is what they
share, as /etc/control.sh, /etc/guest.sh and /etc/checks.sh.  The checks of both
become TAP (results.py); a line with "measured: " is shown as a comment.
"""

import argparse
import dataclasses
import os
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
IMAGE = os.path.join(TOP, "tools", "image")
sys.dont_write_bytecode = True
sys.path.insert(0, IMAGE)
sys.path.insert(0, HERE)

# pylint: disable=wrong-import-position
from machine import Boot, Machine, MachineError      # noqa: E402
from results import Results                          # noqa: E402

QUIET_SECONDS = 240
DISK_BYTES = 128 << 20
TOOLSTACK = ("parapet", "parapetd", "parapet-stored", "parapet-store",
             "parapet-consoled", "parapet-blkback", "parapet-netback")


@dataclasses.dataclass
class Plan:
    """One such test.  Files are PATH=FILE; build/FILE is below the build's
    folder, any other relative to the test's.  guest_* are the guest's, the
    other files and programs more of the control domain's."""

    # pylint: disable=too-many-instance-attributes
    here: str               # the test's folder
    name: str
    checks: int             # that the scripts make
    seconds: int            # limit of the boot
    lib: str = ""           # a file that NAME_run.sh sources
    mem: int = 2048         # MiB of the machine, of the control domain
    control_mem: int = 768
    has_disk: bool = False  # a disk in the machine
    programs: tuple = ()
    files: tuple = ()
    guest_modules: tuple = ()
    guest_programs: tuple = ()
    guest_files: tuple = ()
    guest_kernel: str = ""  # below the build's folder; or the stock one
    toolstack: tuple = TOOLSTACK
    cmdline: str = ""       # more of the control domain's
    # Its clock counts instructions, each 2^icount ns: what is measured does
    # not depend on what the host does besides.  Only with one CPU.
    icount: int = -1
    flavours: dict = dataclasses.field(default_factory=dict)  # other kernels


def run(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def kernel_of(flavour):
    return run(os.path.join(IMAGE, "fetch.sh"), "kernel", flavour)


def shared(*names):
    """Options of initramfs.py for the scripts of this folder."""
    return [f"--file=etc/{name}=" + os.path.join(HERE, name)
            for name in names]


def contents(plan, build, files, programs):
    """Options of initramfs.py."""
    words = []
    for file in files:
        path, source = file.split("=", 1)
        source = (os.path.join(build, source.removeprefix("build/"))
                  if source.startswith("build/")
                  else os.path.join(plan.here, source))
        words += ["--file", path + "=" + source]
    for program in programs:
        where = "bin" if program.startswith("parapet") else "tests"
        words += ["--program", os.path.join(build, where, program)]
    return words


def make_guest(plan, build, folder, kernel):
    out = os.path.join(folder, "guest.img")
    words = [os.path.join(IMAGE, "initramfs.py"), "--out", out,
             *shared("checks.sh", "guest.sh")]
    init = os.path.join(plan.here, plan.name + "_init.sh")
    if os.path.exists(init):
        words += ["--init", init]
    if plan.guest_modules:
        names = os.path.join(folder, "modules.list")
        with open(names, "w", encoding="utf-8") as file:
            file.write("".join(name + "\n" for name in plan.guest_modules))
        words += ["--kernel", kernel, "--modules", names]
    run(*words, *contents(plan, build, plan.guest_files, plan.guest_programs))
    return out


def make_control(plan, build, folder):
    """The control domain's initramfs, with the guest's and all else in it."""
    out = os.path.join(folder, "control.img")
    kernel = kernel_of("cloud-amd64")
    control = os.path.join(TOP, "tools", "examples", "control")
    files = [*plan.files, "etc/passwd=" + os.path.join(control, "passwd"),
             "etc/group=" + os.path.join(control, "group"),
             f"etc/parapet-run={plan.name}_run.sh",
             "guest/vmlinuz=" + ("build/" + plan.guest_kernel
                                 if plan.guest_kernel else
                                 os.path.join(kernel, "vmlinuz")),
             "guest/initrd=" + make_guest(plan, build, folder, kernel)]
    if plan.lib:
        files.append("etc/parapet-lib=" + plan.lib)
    for name, flavour in plan.flavours.items():
        files.append(f"guest/{name}=" +
                     os.path.join(kernel_of(flavour), "vmlinuz"))
    run(os.path.join(IMAGE, "initramfs.py"), "--out", out,
        "--init", os.path.join(IMAGE, "init.sh"),
        "--kernel", os.path.join(build, "image", "amd64", "kernel"),
        "--modules", os.path.join(IMAGE, "modules.list"),
        *shared("checks.sh", "control.sh"),
        *contents(plan, build, files, (*plan.toolstack, *plan.programs)))
    return out


def make_disk(folder):
    path = os.path.join(folder, "disk.img")
    with open(path, "wb") as file:
        file.truncate(DISK_BYTES)
    return path


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

    def judge(self, outcome, checks):
        """What a boot of scripts with so many checks printed."""
        failed, results = self.failed, Results(("control", "guest"))
        for line in outcome.lines:
            result = results.take(line)
            if result:
                self.check(*result)
            elif "measured: " in line:
                print("# " + line)
        for result in results.rest():
            self.check(*result)
        self.check(results.count() == checks,
                   f"{results.count()} checks were made of {checks}")
        self.check("control" in results.sums,
                   "the control domain is there to the end")
        self.check(outcome.ended == "off",
                   f"the machine powers off ({outcome.ended}, "
                   f"{outcome.seconds:.0f} s)")
        if self.failed > failed:
            for line in outcome.lines[-200:] + outcome.where:
                print("# " + line)

    def end(self):
        """The plan; the exit status."""
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def logger(path):
    """What takes the machine's output while it comes, if anything does."""
    if not path:
        return None
    # pylint: disable=consider-using-with
    return open(path, "ab", buffering=0).write


def boot(plan, args, folder, smp):
    """What one boot of the plan printed."""
    machine = Machine(
        hypervisor=os.path.join(args.build, "parapet"),
        kernel=os.path.join(args.build, "image", "amd64", "vmlinux"),
        initrd=make_control(plan, args.build, folder),
        kernel_args="console=hvc0 panic=1 parapet_mode=run quiet " +
                    plan.cmdline,
        hv_args=f"control_mem={plan.control_mem}M", smp=smp, mem=plan.mem,
        disk=make_disk(folder) if plan.has_disk else None, nic="none",
        extra=() if plan.icount < 0 else
        ("-icount", f"shift={plan.icount},sleep=off"))
    return Boot(machine, plan.seconds, QUIET_SECONDS, logger(args.log)).run()


def arguments(text):
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("--build", default=os.environ.get("BUILD", "build"))
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--log", help="what the machine prints, to a file")
    return parser


def boot_all(args, plans, look=None):
    """The program: (plan, CPUs) after one another; look sees each outcome."""
    # Ended by a signal it takes its machine along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    checks = Checks()
    for plan, smp in plans:
        with tempfile.TemporaryDirectory(prefix="parapet-guests-") as folder:
            try:
                outcome = boot(plan, args, folder, smp)
            except (MachineError, subprocess.CalledProcessError) as err:
                checks.check(False, str(err))
                break
        if look:
            look(outcome)
        checks.judge(outcome, plan.checks)
    return checks.end()


def main(text, *words, **more):
    """One boot, as the words of Plan say; text is the program's own."""
    args = arguments(text).parse_args()
    plan = Plan(*words, **more)
    return boot_all(args, [(plan, args.smp if plan.icount < 0 else 1)])
