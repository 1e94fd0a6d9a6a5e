#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Manual pages have no errors, and name what their programs take.

Each program is asked for its help; options and commands there have to be in its
page.  What pages say besides is for people to check.
"""

import os
import re
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PAGES = {
    "tools/cli/parapet.1": ("parapet",),
    "tools/bench/parapet-bench.1": ("parapet-bench",),
    "tools/daemon/parapetd.8": ("parapetd",),
    "tools/build/parapet-build.8": ("parapet-build",),
    "tools/store/parapet-store.1": ("parapet-store",),
    "tools/store/parapet-stored.8": ("parapet-stored",),
    "pv-backends/parapet-blkback.8": ("parapet-blkback", "parapet-netback",
                                      "parapet-consoled"),
}
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
COMMAND = re.compile(r"^  ([a-z][a-z-]*)  ")


def page(path):
    """(what a reader sees, what the formatter complains about)"""
    done = subprocess.run(
        ["man", "--warnings", "-E", "ascii", "-l", "-Tascii", "-P", "cat",
         os.path.join(ROOT, path)], capture_output=True, text=True,
        check=False, env=dict(os.environ, MANWIDTH="200", MAN_KEEP_FORMATTING=""))
    text = re.sub(r".\x08", "", done.stdout)
    return re.sub(r"\x1b\[[0-9;]*m", "", text), done.stderr


def taken(program):
    """Options and commands in its help."""
    build = os.environ.get("BUILD", "build")
    word = "help" if program == "parapet" else "--help"
    done = subprocess.run([os.path.join(build, "bin", program), word],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    words = set(OPTION.findall(done.stdout))
    for line in done.stdout.splitlines():
        words |= set(COMMAND.findall(line))
    return words


def main():
    failed = count = 0

    def check(good, text, detail):
        nonlocal failed, count
        count += 1
        failed += not good
        print(f"{'ok' if good else 'not ok'} {count} - {text}")
        if not good:
            print("# " + detail)

    for path, programs in PAGES.items():
        text, complaints = page(path)
        check(len(text) > 1000 and not complaints, f"{path} is a page",
              complaints or text)
        for program in programs:
            words = taken(program)
            missing = sorted(w for w in words
                             if not re.search(rf"(?<![\w-]){w}(?![\w-])", text))
            check(len(words) > 3 and not missing,
                  f"{path} has all that {program} takes",
                  "missing: " + " ".join(missing))
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
