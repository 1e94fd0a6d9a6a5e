#!/usr/bin/env python3
"""The control domain's console works in both directions.

What a user of `make run` does on a terminal: type a command, interrupt
another one, power off.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "image"))

# pylint: disable=wrong-import-position
from machine import Boot, Machine                       # noqa: E402

SECONDS = 240
# Once this is on the screen, that is typed.  What is waited for is worked out
# by the shell, so that no echo can look like it.  The program to interrupt
# says itself when it is ready and that it was: a shell that is about to start
# one may swallow ^C, and the kernel may lose its echo, on any machine.
DIALOGUE = (
    ("a shell in the control domain", "echo sum-$((20 + 22))\n"),
    ("sum-42", "sh -c 'trap \"echo caught-$((50 + 1)); exit\" INT; "
     "echo ready-$((60 + 2)); while :; do sleep 1; done'\n"),
    ("ready-62", "\x03"),
    ("caught-51", "echo sum-$((30 + 33)); echo " + "0123456789" * 40 + "\n"),
    ("sum-63", ""),
    ("0123456789" * 6, "poweroff\n"),
)


def main():
    build = os.environ.get("BUILD", "build")
    system = sys.argv[1] if len(sys.argv) > 1 else "parapet"
    image = os.path.join(build, "image", "amd64")
    native = system == "native"
    machine = Machine(
        system=system, hypervisor=os.path.join(build, "parapet"),
        kernel=os.path.join(image, "kernel/vmlinuz" if native else "vmlinux"),
        initrd=os.path.join(image, "initrd.img"), nic="none", smp=1,
        mem=1024, kernel_args="panic=1 console="
        + ("ttyS0" if native else "hvc0"))
    boot = Boot(machine, SECONDS, quiet_seconds=120, interactive=True)
    left = list(DIALOGUE)

    def on_line(line):
        # The shell echoes what is typed: only what it printed counts.
        if left and left[0][0] in line and "echo" not in line:
            boot.send(left.pop(0)[1])

    outcome = boot.run(on_line)
    print(f"1..{len(DIALOGUE) + 1}")
    for number, (wanted, _) in enumerate(DIALOGUE, 1):
        good = number <= len(DIALOGUE) - len(left)
        print(f"{'ok' if good else 'not ok'} {number} - the console shows "
              f"{wanted[:40]!r}")
    good = outcome.ended == "off"
    print(f"{'ok' if good else 'not ok'} {len(DIALOGUE) + 1} - typed "
          "poweroff ends the machine")
    if left or not good:
        print("\n".join("# " + l for l in outcome.lines[-20:]))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
