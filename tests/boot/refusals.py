#!/usr/bin/env python3
"""What the hypervisor will not boot, it refuses with one clear line.

Each case is a machine, a module or an option that will not do; a boot is over
as soon as the line is there, so a case takes about a second.
"""

import dataclasses
import os
import re
import struct
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "image"))

# pylint: disable=wrong-import-position
from machine import Boot, Machine, MachineError         # noqa: E402

SECONDS = 60

# what is wrong: (the line, module instead of the kernel, Machine's changes)
CASES = {
    "a CPU without NX": ("has no NX", "", {"cpu": "qemu64,-nx"}),
    "a CPU without long mode": ("has no long mode", "", {"cpu": "qemu32"}),
    "no kernel": ("no kernel: the first module", None, {}),
    "a module that is no kernel": ("not an ELF file", "text", {}),
    "a packed kernel": ("not an ELF file", "bzimage", {}),
    "a kernel that is cut short": ("end after the file", "short", {}),
    "a kernel without PV support": ("not PV|without PV", "nopv", {}),
    "a machine with too little memory": ("PANIC: .*(memory|room)", "",
                                         {"mem": 96}),
    "a control domain with too little memory": (
        "too little memory", "", {"hv_args": "control_mem=16M"}),
    "an option that is none": ("option not understood: nonsense=1", "",
                               {"hv_args": "nonsense=1"}),
}


@dataclasses.dataclass
class SmallMachine(Machine):
    """One that may lack what a control domain needs."""

    def check(self):
        if not os.path.exists(self.hypervisor):
            raise MachineError(f"{self.hypervisor}: no such file")

    def _boot(self):
        words = super()._boot()
        return words[:-2] if not self.kernel else words


def modules(image, folder):
    """Kernels that will not do, by name."""
    with open(os.path.join(image, "vmlinux"), "rb") as file:
        kernel = file.read()
    entry_note = struct.pack("<III", 4, 8, 1) + b"Xen\0"
    spoilt = kernel.replace(entry_note, entry_note[:-4] + b"Not\0")
    files = {"text": b"not a kernel\n", "short": kernel[:1 << 20],
             "nopv": spoilt}
    paths = {"": os.path.join(image, "vmlinux"), None: "",
             "bzimage": os.path.join(image, "kernel", "vmlinuz")}
    for name, data in files.items():
        paths[name] = os.path.join(folder, name)
        with open(paths[name], "wb") as file:
            file.write(data)
    return paths


def refused(build, image, kernel, line, changes):
    """(was the line there, the outcome)"""
    machine = SmallMachine(
        hypervisor=os.path.join(build, "parapet"), kernel=kernel,
        initrd=os.path.join(image, "initrd.img"), nic="none",
        **{"smp": 1, "mem": 1024, **changes})
    seen = []

    def on_line(text):
        if re.search(line, text):
            seen.append(text)
        return bool(seen)

    outcome = Boot(machine, SECONDS).run(on_line)
    return bool(seen), outcome


def main():
    build = os.environ.get("BUILD", "build")
    image = os.path.join(build, "image", "amd64")
    failed = 0
    print(f"1..{len(CASES) + 1}")
    with tempfile.TemporaryDirectory(prefix="parapet-boot-") as folder:
        paths = modules(image, folder)
        for number, (what, case) in enumerate(CASES.items(), 1):
            line, module, changes = case
            good, outcome = refused(build, image, paths[module], line,
                                    changes)
            failed += not good
            print(f"{'ok' if good else 'not ok'} {number} - {what}: one "
                  "clear line", flush=True)
            if not good:
                print("\n".join("# " + l for l in outcome.lines[-20:]))
        # Seen to its end: the panic itself must not go wrong.
        _, outcome = refused(build, image, paths["text"], "^nothing$", {})
        good = outcome.ended == "panic" and "exception" not in outcome.text()
        failed += not good
        print(f"{'ok' if good else 'not ok'} {len(CASES) + 1} - a panic at "
              "boot is one panic")
        if not good:
            print("\n".join("# " + l for l in outcome.lines[:40]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
