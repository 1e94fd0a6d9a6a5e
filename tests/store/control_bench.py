#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The store inside an emulated control domain, beside C xenstored under Xen.

One synchronous client, one CPU, QEMU TCG: Debian's stock kernel as control
domain of Parapet with parapet-stored, and as Xen's with Debian's C xenstored.
The same program measures both, in turn; medians of the rounds, and the ratio
of this run.  The targets are three times what C xenstored once was measured at.

usage: control_bench.py [--build DIR] [--boots N] [--systems LIST] [--pin CPU]

LIST has words of parapet, xen, and native: the kernel on the bare machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGE = os.path.join(HERE, "..", "..", "tools", "image")
sys.path.insert(0, IMAGE)

# pylint: disable=wrong-import-position
from machine import Boot, Machine, MachineError      # noqa: E402

SECONDS, QUIET_SECONDS = 300, 120
TARGETS = {"read-sync-rate": 4500, "write-sync-rate": 4350,
           "transactions-sync": 1095}
SHOWN = tuple(TARGETS) + ("read-sync-median", "write-sync-median",
                 "watch-delivery-median")


def output_of(*words, **more):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE,
                          text=True, **more).stdout.strip()


def make_initrd(args, folder, system):
    out = os.path.join(folder, system + ".img")
    words = [os.path.join(IMAGE, "initramfs.py"), "--out", out,
             "--init", os.path.join(IMAGE, "init.sh"),
             "--kernel", os.path.join(args.build, "image", "amd64", "kernel"),
             "--modules", os.path.join(IMAGE, "modules.list"),
             "--file", "etc/parapet-run="
             + os.path.join(HERE, "control_bench_run.sh"),
             "--program", os.path.join(args.build, "tests", "store-bench"),
             "--program"]
    if system != "xen":
        output_of(*words, os.path.join(args.build, "bin", "parapet-stored"))
        return out
    peer = output_of(os.path.join(HERE, "peer.sh"))
    library = os.path.join(peer, "usr", "lib")
    output_of(*words, os.path.join(library, "xen-4.17", "bin", "xenstored"),
              env=dict(os.environ, LD_LIBRARY_PATH=os.path.join(
                  library, "x86_64-linux-gnu")))
    return out


def machine_of(args, system, initrd):
    image = os.path.join(args.build, "image", "amd64")
    parapet = system == "parapet"
    hypervisor = os.path.join(args.build, "parapet")
    if system == "xen":
        hypervisor = os.path.join(
            output_of(os.path.join(IMAGE, "fetch.sh"), "xen"), "xen")
    return Machine(
        system=system, hypervisor=hypervisor,
        kernel=os.path.join(image, "vmlinux" if parapet else
                            "kernel/vmlinuz"),
        initrd=initrd,
        kernel_args=("console=ttyS0" if system == "native" else "console=hvc0")
        + " panic=1 parapet_mode=run quiet",
        hv_args="" if parapet else "console=com1 com1=115200",
        cpu="max,-smap",        # Xen 4.17 needs that in QEMU 7.2
        smp=1, mem=2048, nic="none", pin=args.pin)


def measure(machine, results):
    """Boot once; add what it says to the lists of results."""
    outcome = Boot(machine, SECONDS, QUIET_SECONDS).run()
    found = [line[line.index('{"name"'):] for line in outcome.lines
             if '{"name"' in line]
    if outcome.ended != "off" or not found:
        raise MachineError(f"{machine.system}: {outcome.ended}: "
                           + outcome.last_words())
    for line in found:
        try:
            result = json.loads(line)
        except ValueError:
            continue            # a kernel message went into it
        results.setdefault(result["name"], []).append(result["value"])


def report(results):
    """A row for each measurement; the table on the terminal."""
    rows = []
    print(f"{'in the control domain':24} {'parapet':>10} {'C, Xen':>10} "
          f"{'times':>6} {'native':>10} {'target':>8}")
    for name in SHOWN:
        row = {"name": name}
        for system, values in results.items():
            if name in values:
                row[system] = statistics.median(values[name])
        if "xen" in row and "parapet" in row:
            times = row["parapet"] / row["xen"]
            row["times"] = times if name in TARGETS else 1 / times
        if name in TARGETS and "parapet" in row:
            row["target"] = TARGETS[name]
            row["met"] = row["parapet"] >= TARGETS[name]
        rows.append(row)
        print(f"{name:24} {row.get('parapet', 0):10,.0f} "
              f"{row.get('xen', 0):10,.0f} {row.get('times', 0):6.1f} "
              f"{row.get('native', 0):10,.0f} {row.get('target', ''):>8}"
              f"{'' if row.get('met', True) else ' NOT MET'}")
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.environ.get("BUILD", "build"))
    parser.add_argument("--boots", type=int, default=2)
    parser.add_argument("--systems", default="parapet,xen")
    parser.add_argument("--pin", default=str(max(os.sched_getaffinity(0))))
    args = parser.parse_args()
    systems = args.systems.split(",")
    results = {system: {} for system in systems}
    out = os.path.join(args.build, "bench-store")
    os.makedirs(out, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="parapet-store-") as folder:
        try:
            machines = [machine_of(args, s, make_initrd(args, folder, s))
                        for s in systems]
            for _ in range(args.boots):
                for machine in machines:
                    measure(machine, results[machine.system])
        except (MachineError, subprocess.CalledProcessError) as err:
            print(f"bench: {err}", file=sys.stderr)
            return 1
    rows = report(results)
    path = os.path.join(out, "control.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"rows": rows, "boots": args.boots}, file, indent=1)
    print(path)
    return 1 if any(row.get("met") is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
