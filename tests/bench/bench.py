#!/usr/bin/env python3
"""Measure one kernel on the bare machine, on Parapet, on Xen and on KVM.

All run in one go on the same QEMU with the same kernel binary, one vcpu,
pinned; a round boots each system once, so that what else the host does falls
on all alike.  Then each is booted once more with -icount, which counts
instructions exactly, and once to count TLB flushes, where an emulated machine
spends most of what instructions do not explain.  Disks, networks and the life
of guests (pvio), and work (pvwork), have boots of their own, on a machine with
a disk.  Writes results.json; parapet-bench makes the table and the reports of
it.  README.md has each row's meaning.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGE = os.path.join(HERE, "..", "..", "tools", "image")
sys.path.insert(0, IMAGE)

# pylint: disable=wrong-import-position
from images import ImageError, Images, output_of        # noqa: E402
from machine import (Boot, Machine, MachineError,       # noqa: E402
                     host_available_mib)
from systems import CONSOLE, SYSTEMS, USUAL              # noqa: E402
from results import IO_UNITS, Results                   # noqa: E402

# Without addresses or seeds that change from boot to boot.
# The same clock: a guest's kernel of that age would take another by itself.
KERNEL_ARGS = "quiet nokaslr norandmaps panic=1 clocksource=tsc"
ICOUNT = ("-icount", "shift=0,sleep=off", "-seed", "42",
          "-rtc", "base=2026-01-01T00:00:00,clock=vm")
SUFFIX = {"time": "", "insns": "_insns", "flushes": "_flushes", "io": ""}
QUIET_SECONDS = 240     # a guest in a guest is long in its boot
SPARE_MIB = 512         # left to the host, if a machine's memory is made ready
LINE = re.compile(r"pvbench ([a-z]\w*) ([0-9][0-9.]*)(?:\s|$)")


class BenchError(Exception):
    """A boot that gave no numbers; the text is one line."""


def say(text):
    print("bench: " + text, flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--build", default=os.environ.get("BUILD", "build"))
    add("--systems", default="", help="all but the patched guest's")
    add("--rounds", type=int, default=3)
    add("--rows", default="", help="only these (commas or blanks between)")
    add("--quick", action="store_true", help="one round, short batches")
    add("--no-time", action="store_true", help="no times")
    add("--no-insns", action="store_true", help="no instruction counts")
    add("--no-flushes", action="store_true", help="no counts of TLB flushes")
    add("--no-io", action="store_true", help="no disks, networks, guests' lives")
    add("--io-rounds", type=int, default=2, help="of these; at most rounds")
    add("--io-smp", type=int, default=1, help="CPUs of the machines for these")
    add("--flavour", default="amd64")
    add("--cpu", default="max,-smap", help="Xen 4.17 needs -smap in QEMU 7.2")
    add("--machine", default="q35")
    add("--mem", type=int, default=2048)
    add("--pin", help="CPU for QEMU (the last one allowed)")
    add("--hv-args", default="", help="more words for Parapet")
    add("--kernel-args", default="", help="more words for the kernel")
    add("--seconds", type=int, default=600, help="for one boot")
    args = parser.parse_args()
    args.systems = re.findall(r"[^\s,]+", args.systems) or list(USUAL)
    args.rows = ",".join(re.findall(r"[^\s,]+", args.rows))
    unknown = [s for s in args.systems if s not in SYSTEMS]
    if unknown:
        parser.error("no such system: " + ", ".join(unknown)
                     + " (" + ", ".join(SYSTEMS) + ")")
    if args.quick:
        args.rounds = 1
    choose_kinds(args)
    if args.pin is None:
        args.pin = str(max(os.sched_getaffinity(0)))
    free = host_available_mib()
    args.prealloc = free >= args.mem + SPARE_MIB
    if not args.prealloc:
        say(f"the machine's memory is not made ready: the host has {free} MiB")
    return args


def bench_words(args, kind):
    """What pvbench is told, on the kernel's command line."""
    words = [KERNEL_ARGS, args.kernel_args]
    if args.rows:
        words.append("bench_metrics=" + args.rows)
    if kind == "insns":
        words.append("bench_ticks=insns bench_batches=3 bench_batch_us=3000")
    elif kind == "flushes":
        words.append("bench_steps=200")
    elif args.quick:
        words.append("bench_batches=5 bench_batch_us=8000")
    return " ".join(w for w in words if w)


def io_words(args, system):
    """What pvio and pvwork are told."""
    words = [args.kernel_args]
    if args.rows:
        words.append("pvio_metrics=" + args.rows)
    if system.is_slow:
        words.append("pvio_batches=1 pvio_batch_ms=200")
    elif args.quick:
        words.append("pvio_batches=3 pvio_batch_ms=200")
    else:
        words.append("pvio_batches=5 pvio_batch_ms=300")
    return " ".join(w for w in words if w)


def boots_from(args, system, images, kind):
    """The initramfs, and what the kernel is told."""
    run = "quiet nokaslr panic=1 parapet_mode=run bench_work="
    if kind == "io" and system.peer:
        told = io_words(args, system)
        return (images.guest(system, told),
                f"{run}guest bench_accel={system.accel} {told}")
    if kind == "io":
        return images.host(), f"{run}disk {io_words(args, system)}"
    if system.peer:
        return (images.micro(system, kind, bench_words(args, kind)),
                f"{run}micro bench_accel={system.accel}")
    return images.bare(), bench_words(args, kind)


def own_memory(args):
    """Memory that the host has found before the machine starts: a page that
    the host has to find first costs ten times what it does on a real one."""
    if not args.prealloc:
        return ()
    return ("-object", f"memory-backend-ram,id=ram0,size={args.mem}M,prealloc=on",
            "-machine", "memory-backend=ram0")


def machine_of(args, system, images, kind):
    image = os.path.join(args.build, "image", args.flavour)
    hypervisor = ""
    if system.base == "parapet":
        hypervisor = os.path.join(args.build, "parapet")
    elif system.base == "xen":
        hypervisor = images.xen()
    initrd, words = boots_from(args, system, images, kind)
    return Machine(
        system=system.base, hypervisor=hypervisor,
        kernel=os.path.join(image, "vmlinux" if system.base == "parapet"
                            else "kernel/vmlinuz"),
        initrd=initrd, kernel_args=f"{CONSOLE[system.base]} {words}",
        hv_args=system.hv_args(args.hv_args),
        machine=args.machine, cpu=args.cpu, mem=args.mem,
        smp=args.io_smp if kind == "io" else 1,
        disk=images.disk() if kind == "io" else "",
        nic="none", pin="" if kind == "io" and args.io_smp > 1 else args.pin,
        extra=own_memory(args) + (ICOUNT if kind == "insns" else ()))


def measure(machine, seconds, log):
    """Boot once; metric -> value.  Raises BenchError with the reason."""
    found, done = {}, []

    def on_line(line):
        if "pvbench done" in line or "bench: done" in line:
            done.append(True)
        for name, value in LINE.findall(line):
            found[name] = float(value)

    outcome = Boot(machine, seconds, QUIET_SECONDS, urgent=True).run(on_line)
    write_log(log, outcome)
    if not done:
        raise BenchError(f"no results ({outcome.ended}), log {log}: "
                         + outcome.last_words())
    return found, outcome.seconds


def count_flushes(machine, seconds, log):
    """TLB flushes of an operation, as QEMU counts them, for each metric.

    The program stops before and after, so that the count is its own.
    """
    found, before = {}, [0]
    boot = Boot(machine, seconds, quiet_seconds=40, urgent=True,
                interactive=True)

    def flushes():
        return sum(int(n) for n in re.findall(
            r"TLB (?:full|partial) flushes\s+(\d+)", boot.ask("info jit")))

    def on_line(line):
        if "pvbench ready" in line:
            before[0] = flushes()
            boot.send("\n")
        ran = re.search(r"pvbench ran (\w+) (\d+)", line)
        if ran:
            found[ran.group(1)] = ((flushes() - before[0])
                                   / int(ran.group(2)))
            boot.send("\n")

    outcome = boot.run(on_line)
    write_log(log, outcome)
    if "pvbench done" not in outcome.text():
        raise BenchError(f"no flushes ({outcome.ended}), log {log}: "
                         + outcome.last_words())
    return found, outcome.seconds


def write_log(path, outcome):
    with open(path, "w", encoding="utf-8") as file:
        file.write(outcome.text() + "\n" + "\n".join(outcome.where) + "\n")


def choose_kinds(args):
    """No boot for metrics that nobody asked for."""
    names = set(args.rows.split(",")) if args.rows else None
    if names and not names & set(IO_UNITS):
        args.no_io = True
    if names and names <= set(IO_UNITS):
        args.no_time = args.no_insns = args.no_flushes = True


def plan_of(args):
    """(label, system, kind) in the order of the boots."""
    micro = [name for name in args.systems if SYSTEMS[name].has_micro]
    plan = []
    if not args.no_time:
        plan += rounds_of("round", micro, "time", args.rounds)
    if not args.no_insns:
        plan += [("instructions", name, "insns") for name in micro
                 if not SYSTEMS[name].is_slow]
    if not args.no_flushes:
        plan += [("flushes", name, "flushes") for name in micro
                 if not SYSTEMS[name].peer]     # nobody could stop it in time
    if not args.no_io:
        plan += rounds_of("devices", args.systems, "io",
                          min(args.rounds, args.io_rounds))
    return plan


def rounds_of(label, systems, kind, rounds):
    plan = []
    for number in range(rounds):
        first = number % max(len(systems), 1)   # nobody is always first
        plan += [(f"{label} {number + 1}", name, kind)
                 for name in systems[first:] + systems[:first]
                 if number < SYSTEMS[name].rounds]
    return plan


def run_plan(args, folder, results):
    """All boots; the number of those that failed.  Who interrupts it keeps
    what was measured until then."""
    images = Images(args.build, folder, args.flavour)
    plan, failed = plan_of(args), 0
    for number, (label, name, kind) in enumerate(plan, 1):
        how = count_flushes if kind == "flushes" else measure
        log = os.path.join(folder, f"{label.replace(' ', '-')}-{name}.log")
        head = f"[{number}/{len(plan)}] {label}, {name}: "
        try:
            machine = machine_of(args, SYSTEMS[name], images, kind)
            found, seconds = how(machine, args.seconds, log)
        except (BenchError, ImageError, MachineError) as err:
            say(head + str(err))
            failed += 1
            continue
        except KeyboardInterrupt:
            say(head + "interrupted")
            return failed + 1
        say(head + f"{seconds:.1f} s")
        results.add(name, found, SUFFIX[kind])
    return failed


def setup_of(args):
    """Words that a reader of the report wants to know."""
    version = output_of("qemu-system-x86_64", "--version").split()
    kernel = os.path.realpath(os.path.join(args.build, "image", args.flavour,
                                           "kernel"))
    return {"emulator": "QEMU " + version[3], "machine": args.machine,
            "cpu": args.cpu, "memory": f"{args.mem} MiB"
            + (", ready" if args.prealloc else ""),
            "kernel": os.path.basename(kernel),
            "date": time.strftime("%Y-%m-%d"), "rounds": args.rounds,
            "batches": "short" if args.quick else "long",
            "CPUs": f"1, devices {args.io_smp}"}


def main():
    args = arguments()
    folder = os.path.join(args.build, "bench")
    os.makedirs(folder, exist_ok=True)
    results = Results()
    # Whoever ends us ends the machine, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    failed = run_plan(args, folder, results)
    if not results.values:
        return 1
    path = os.path.join(folder, "results.json")
    results.write_json(path, setup_of(args))
    say(f"wrote {path}")
    if subprocess.run([os.path.join(args.build, "bin", "parapet-bench"),
                       "report", path], check=False).returncode:
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
