#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""parapet-bench as a program: its arguments, and the files that it leaves.

Measured is with a pvbench that is a script.  Guests need a control domain: the
program says so here, and tests/bench/guest_bench.py has one.
"""

import html.parser
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("BUILD", "build")
PROGRAM = os.path.join(BUILD, "san", "bin", "parapet-bench")
PARAPET = os.path.join(BUILD, "san", "bin", "parapet")
COMPLETION = os.path.join(HERE, "..", "..", "tools", "cli", "parapet.bash")
CANNED = os.path.join(HERE, "results.json")
FAKE = """#!/bin/sh
echo "pvbench getpid ${fake_ns:-100} 90 110 5"
[ -z "$bench_metrics" ] || echo "pvbench $bench_metrics 7 7 7 7"
echo "${fake_end:-pvbench done}"
"""
VOID = {"meta", "link", "br", "img", "hr"}


class Page(html.parser.HTMLParser):
    """Whether elements are closed in their order, and what is in them."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.seen, self.text = [], [], {}, ""
        self.links = []

    def handle_starttag(self, tag, attrs):
        self.seen[tag] = self.seen.get(tag, 0) + 1
        self.links += [v for k, v in attrs if k in ("href", "src")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen[tag] = self.seen.get(tag, 0) + 1

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.text += data


class Checks:
    """Lines of TAP."""

    def __init__(self):
        self.count = self.failed = 0

    def check(self, good, text, detail=""):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {text}")
        if not good:
            print("# " + str(detail).replace("\n", "\n# "))


def run(*words, **env):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True,
                          check=False, env={**os.environ, **env})


def read(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as file:
        return file.read()


def check_reports(checks, folder):
    """The files that "report" makes."""
    done = run("report", CANNED, "--output", folder)
    checks.check(done.returncode == 0, "a report is made of results",
                 done.stderr)
    text = done.stdout
    checks.check(re.search(r"^  getpid +342 ns .* 2\.00x", text, re.M),
                 "the table has figures and what they cost", text)
    checks.check("page_fault: parapet-control" in text and
                 "1 of 2 limits kept" in text,
                 "the table ends with the limits that are missed", text)
    checks.check(json.loads(read(folder, "results.json")) ==
                 json.loads(read(CANNED)), "results.json is as it was")
    plot = xml.etree.ElementTree.fromstring(read(folder, "ratios.svg"))
    names = [element.tag.rpartition("}")[2] for element in plot.iter()]
    checks.check(names.count("circle") > 20 and "style" in names,
                 "the plot is XML, with a point for each system and row",
                 names)
    check_page(checks, read(folder, "report.html"))


def check_page(checks, text):
    page = Page()
    page.feed(text)
    checks.check(not page.open and not page.wrong,
                 "the page's elements are closed", (page.open, page.wrong))
    checks.check(not page.links and "url(" not in text and
                 "@import" not in text and "script" not in page.seen,
                 "the page needs nothing from anywhere", page.links)
    checks.check('6.1 <stock> & "quoted"' in page.text,
                 "words from results are text in the page")
    checks.check(page.seen.get("svg") == 1 and page.seen.get("table") == 1 and
                 "prefers-color-scheme:dark" in text,
                 "the page has the plot, a table, two sets of colours",
                 page.seen)
    checks.check("missed" in text and "Database transactions".lower()
                 in page.text, "the page has the limits, and rows by title")


def check_arguments(checks, folder):
    """What is wrong is said in one line; the status tells its kind."""
    broken = os.path.join(folder, "broken.json")
    with open(broken, "w", encoding="utf-8") as file:
        file.write('{"metrics": ')
    fake = ("--programs", folder)
    for words, status, said in (
            (("report",), 2, "usage:"),
            (("report", CANNED, "more"), 2, "usage:"),
            (("repotr", CANNED), 2, "usage:"),
            (("--nothing",), 2, "nothing"),
            (("--kernel",), 2, "kernel"),
            (("--rounds", "0"), 2, "--rounds 0: not a number from 1"),
            (("--rounds", "3x"), 2, "--rounds 3x"),
            (("--memory", "12"), 2, "--memory 12"),
            (("--rows", "a b"), 2, "--rows a b"),
            (("report", "nowhere.json"), 1, "nowhere.json"),
            (("report", broken), 1, "broken.json"),
            (("report", CANNED, "--output", "/proc/none"), 1, "/proc/none"),
            (("--programs", "/nowhere"), 1, "/nowhere/pvbench"),
            ((*fake, "--kernel", "/nowhere"), 1, "kernel /nowhere"),
            ((*fake, "--kernel", CANNED, "--initrd", "/none"), 1,
             "initrd /none"),
            ((*fake, "--no-guest", "--with", "/none"), 1, "/none"),
            ((*fake, "--no-guest", "--rounds", "1", "--with", broken,
              "--output", folder), 1, "broken.json: no results")):
        done = run(*words)
        lines = done.stderr.splitlines()
        good = done.returncode == status and said in done.stderr
        if status == 1:
            good &= lines[-1].startswith("parapet-bench: ")
        checks.check(good, "refused: " + " ".join(words),
                     (done.returncode, done.stderr))
    done = run("--help")
    checks.check(done.returncode == 0 and "--kernel FILE" in done.stdout,
                 "--help is no error", done.stderr)


def check_command(checks, folder):
    """parapet bench is this program."""
    done = subprocess.run([PARAPET, "bench", "report", CANNED, "--output",
                           os.path.join(folder, "other")], text=True,
                          capture_output=True, check=False)
    checks.check(done.returncode == 0 and "limits kept" in done.stdout,
                 "parapet bench runs it, with its arguments", done.stderr)
    done = subprocess.run([PARAPET, "bench", "--help"], text=True,
                          capture_output=True, check=False)
    options = set(re.findall(r"--[a-z-]+", done.stdout))
    known = read(COMPLETION)
    checks.check(len(options) > 9 and all(o in known for o in options),
                 "its options are completed", options)


def check_measuring(checks, folder):
    out = os.path.join(folder, "out")
    words = ("--programs", folder, "--no-guest", "--output", out)
    done = run(*words, "--rounds", "2", "--rows", "memcpy", fake_ns="120")
    checks.check(done.returncode == 0, "this system is measured", done.stderr)
    metrics = json.loads(read(out, "results.json"))["metrics"]
    system, = metrics["getpid"]["systems"]
    checks.check(metrics["getpid"]["systems"][system]["median"] == 120 and
                 metrics["getpid"]["unit"] == "ns" and "memcpy" in metrics,
                 "its figures are in results.json, with the rows wanted",
                 metrics)
    checks.check(done.stderr.count("round ") == 2, "progress is told",
                 done.stderr)
    done = run(*words, "--quick", "--quiet", "--with", CANNED)
    merged = json.loads(read(out, "results.json"))["metrics"]
    checks.check(done.returncode == 0 and done.stderr == "" and
                 "xen-guest" in merged["getpid"]["systems"] and
                 merged["getpid"]["systems"][system]["median"] == 100 and
                 "destroy" in merged,
                 "other systems come from other results", done.stderr)
    done = run(*words, fake_end="pvbench failed: fork: Out of pids")
    checks.check(done.returncode == 1 and "Out of pids" in done.stderr,
                 "a failure is passed on", done.stderr)
    done = run(*words, fake_end="what?")
    checks.check(done.returncode == 1 and "not come to its end" in done.stderr,
                 "an end that does not come is one", done.stderr)
    if not os.path.exists("/sys/hypervisor/type"):
        done = run("--programs", folder, "--kernel", CANNED)
        checks.check(done.returncode == 1 and "control domain" in done.stderr,
                     "there is no guest where no guest can be", done.stderr)


def main():
    checks = Checks()
    folder = tempfile.mkdtemp(prefix="parapet-bench-")
    try:
        for name in ("pvbench", "pvbench-child"):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(FAKE)
            os.chmod(path, stat.S_IRWXU)
        check_reports(checks, os.path.join(folder, "reports"))
        check_arguments(checks, folder)
        check_measuring(checks, folder)
        check_command(checks, folder)
    finally:
        shutil.rmtree(folder)
    print(f"1..{checks.count}")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
