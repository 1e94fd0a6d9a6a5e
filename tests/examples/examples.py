#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every example of tools/examples runs: one boot.

`make run` without a terminal, with all examples, one after the other; what it
prints becomes TAP.  The Debian image is kept in the cache.

usage: examples.py [--build DIR] [NAME]...
"""

import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(HERE, "..", "..", "tools")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOOLS, "image"))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
import guests                                           # noqa: E402
from results import Results                             # noqa: E402

OWN_SUM = re.compile(r"\| guest-check: ")


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


def every_xml_is_run(tap):
    """No XML file is there that no example runs."""
    run = {name + ".xml" for e in guests.BY_NAME.values() for name in e.xml}
    here = {name for name in os.listdir(os.path.join(TOOLS, "examples"))
            if name.endswith(".xml")}
    tap.check(run == here, "each XML file is run "
              f"({' '.join(sorted(run ^ here)) or 'all'})")


def run(tap, words):
    """Run it, with TAP lines as they come: (lines, checks of guests that
    passed, status).  Its last sum has those that the guests made themselves.
    """
    lines, results = [], Results(("self-check", "guest-check"))
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, errors="replace",
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            lines.append(line.rstrip())
            result = results.take("" if OWN_SUM.search(line) else line)
            if result:
                tap.check(result[0], line.strip())
    for result in results.rest():
        tap.check(*result)
    passed, _ = max(results.sums.get("guest-check", [(0, 0)]))
    return lines, passed, process.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.environ.get("BUILD", "build"))
    parser.add_argument("name", nargs="*")
    args = parser.parse_args()
    # Those with kernels of their own take long to build: if asked for.
    names = args.name or [n for n, e in guests.BY_NAME.items()
                          if not e.kernel]
    tap = Tap()
    every_xml_is_run(tap)
    lines, total, status = run(tap, [
        os.path.join(TOOLS, "image", "run.py"), "--build", args.build,
        "--mode", "check", "--guest", ",".join(names)])
    tap.check(total >= 2 * len(names), f"checks of guests passed: {total}")
    tap.check(status == 0, (lines or ["nothing"])[-1])
    if tap.failed:
        for line in lines[-200:]:
            print("# " + line)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
