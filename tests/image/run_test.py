#!/usr/bin/env python3
"""What run.py, bench.py and the tools around them say when things go wrong.

QEMU is a stub here: a script, first in PATH, that prints what a machine might
print, and ends, hangs or panics.  So this takes seconds and shows that each
way to fail gives one clear line and the right exit status.
"""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
RUN = os.path.join(TOP, "tools", "image", "run.py")
BENCH = os.path.join(TOP, "tests", "bench", "bench.py")
INITRAMFS = os.path.join(TOP, "tools", "image", "initramfs.py")
EXTRACT = os.path.join(os.environ.get("BUILD", "build"), "bin",
                       "parapet-extract")
TAP = {"count": 0, "failed": 0}

BOOTED = """echo "parapet: hello"
echo "PASS disk: fine"
"""
CHECKED = BOOTED + 'echo "parapet-init: self-check ended, status=0"\n'
STUBS = {
    "passes-with-guest": CHECKED
        + 'echo "parapet-init: guest-check ended, status=0"\n',
    "fails-with-guest": CHECKED
        + 'echo "parapet-init: guest-check ended, status=1"\n',
    "passes": BOOTED + 'echo "parapet-init: self-check ended, status=0"\n',
    "fails": BOOTED + 'echo "parapet-init: self-check ended, status=1"\n',
    "dies": BOOTED,
    "hangs": BOOTED + "exec sleep 60\n",
    "panics": BOOTED + 'echo "PANIC: mm: frame 1 has two owners"\n'
              'echo "    0x10 page_put+0x7"\nexec sleep 60\n',
    "says-nothing": "exec sleep 60\n",
    "chatters": "while :; do echo tick; sleep 0.1; done\n",
}


def check(good, text, detail=""):
    TAP["count"] += 1
    TAP["failed"] += not good
    print(f"{'ok' if good else 'not ok'} {TAP['count']} - {text}", flush=True)
    if not good:
        for line in detail.splitlines():
            print("# " + line)


def write_stub(folder, body):
    path = os.path.join(folder, "bin", "qemu-system-x86_64")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\n" + body)
    os.chmod(path, 0o755)


def make_build(folder):
    """Empty files where a build's images would be."""
    image = os.path.join(folder, "build", "image", "amd64")
    os.makedirs(os.path.join(image, "kernel"))
    os.makedirs(os.path.join(folder, "build", "bin"))
    for name in ("vmlinux", "initrd.img", "kernel/vmlinuz", "../../parapet",
                 "../../bin/pvbench", "../../bin/pvbench-child",
                 "../../bin/pvio"):
        with open(os.path.join(image, name), "w", encoding="ascii"):
            pass
    # Of the real build: what makes the benchmark's report.
    os.symlink(os.path.abspath(os.path.join(os.path.dirname(EXTRACT),
                                            "parapet-bench")),
               os.path.join(folder, "build", "bin", "parapet-bench"))


def run(folder, program, *words):
    env = dict(os.environ, BUILD=os.path.join(folder, "build"),
               PATH=os.path.join(folder, "bin") + ":" + os.environ["PATH"])
    done = subprocess.run([program, *words], env=env, text=True, timeout=100,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout


def ends_with(folder, name, status, words, *arguments):
    """run.py with a stub ends with a status and words in its last line."""
    write_stub(folder, STUBS[name])
    code, text = run(folder, RUN, *arguments)
    last = (text.strip().splitlines() or [""])[-1]
    check(code == status and last.startswith("run: ")
          and all(word in last for word in words),
          f"a machine that {name}: one clear line", f"status {code}\n{text}")


def test_endings(folder):
    quick = ("--quiet-seconds", "3")
    ends_with(folder, "passes", 0, ["passed"])
    ends_with(folder, "fails", 1, ["FAILED", "status 1"])
    ends_with(folder, "dies", 1, ["FAILED", "went off before"])
    ends_with(folder, "hangs", 1, ["FAILED", "hangs", "PASS disk"], *quick)
    ends_with(folder, "says-nothing", 1, ["FAILED", "hangs", "nothing"], *quick)
    ends_with(folder, "panics", 1, ["FAILED", "panic", "two owners"])
    ends_with(folder, "chatters", 1, ["FAILED", "out of time"],
              "--seconds", "1")


def test_guests(folder):
    """The check of the guests counts like the machine's own."""
    guest = ("--guest", "web1")
    ends_with(folder, "passes-with-guest", 0, ["passed"], *guest)
    ends_with(folder, "fails-with-guest", 1,
              ["FAILED", "the guest-check ended with status 1"], *guest)
    ends_with(folder, "passes", 1,
              ["FAILED", "went off before the guest-check ended"], *guest)
    one_line(folder, "a guest that is none", ["GUEST=odd", "web1"],
             RUN, "--guest", "odd")
    one_line(folder, "no memory for a guest", ["512 MiB", "GUEST=none"],
             RUN, "--guest", "web1", "--mem", "512")


def one_line(folder, what, words, program, *arguments):
    """The program fails with exactly one line that names the thing."""
    code, text = run(folder, program, *arguments)
    lines = [l for l in text.strip().splitlines()
             if not l.startswith("run: parapet on")]
    check(code != 0 and len(lines) == 1 and all(w in text for w in words),
          f"{what}: one clear line", f"status {code}\n{text}")


def test_refusals(folder):
    write_stub(folder, STUBS["passes"])
    one_line(folder, "a missing hypervisor", ["parapet", "no such file"],
             RUN, "--build", os.path.join(folder, "nothing"))
    one_line(folder, "a missing initramfs", ["gone.img", "no such file"],
             RUN, "--initrd", os.path.join(folder, "gone.img"))
    one_line(folder, "too little memory", ["too little memory", "64 MiB"],
             RUN, "--mem", "64")
    one_line(folder, "more memory than the host has", ["too little memory"],
             RUN, "--mem", str(1 << 30))
    one_line(folder, "a missing image", ["gone.iso", "no such file"],
             RUN, "--iso", os.path.join(folder, "gone.iso"))
    one_line(folder, "a missing kernel file", ["No such file"],
             EXTRACT, os.path.join(folder, "gone"))
    one_line(folder, "a kernel file that is none", ["neither a bzImage"],
             EXTRACT, RUN)
    one_line(folder, "an unknown flavour", ["no such kernel flavour: odd"],
             os.path.join(TOP, "tools", "image", "fetch.sh"), "kernel", "odd")


def test_bench(folder):
    """Numbers on the serial line end up in results.json."""
    write_stub(folder, 'case "$*" in *icount*) n=100;; *) n=50;; esac\n'
               'echo "pvbench boot_to_init 1000000"\n'
               'echo "[    1.0] pvbench getpid $n.5 1 2 3"\n'
               'echo "pvbench done"\n')
    code, text = run(folder, BENCH, "--systems", "native,parapet-control",
                     "--rounds", "2", "--no-flushes", "--no-io")
    path = os.path.join(folder, "build", "bench", "results.json")
    found = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            found = json.load(file)["metrics"]
    want = {"unit": "ns", "systems": {
        system: {"median": 50.5, "min": 50.5, "max": 50.5}
        for system in ("native", "parapet-control")}}
    check(code == 0 and found.get("getpid") == want
          and found["getpid_insns"]["unit"] == "instructions"
          and found["getpid_insns"]["systems"]["native"]["median"] == 100.5
          and found["boot_to_init"]["systems"]["native"]["median"] == 1e6,
          "the benchmark writes results.json", text)
    check(os.path.exists(os.path.join(folder, "build", "bench",
                                      "ratios.svg")),
          "the benchmark writes a plot")
    write_stub(folder, 'echo "pvbench failed: fork: no"\n')
    code, text = run(folder, BENCH, "--systems", "native", "--rounds", "1",
                     "--no-flushes", "--no-io")
    check(code == 1 and "pvbench failed: fork: no" in text,
          "a benchmark that fails says why", text)


def test_initramfs(folder):
    """Twice the same input gives the same bytes."""
    images = []
    for name in ("one", "two"):
        path = os.path.join(folder, name + ".img")
        code, text = run(folder, INITRAMFS, "--out", path,
                         "--file", "etc/run.py=" + RUN,
                         "--program", "/bin/busybox")
        check(code == 0, f"initramfs {name} is built", text)
        with open(path, "rb") as file:
            images.append(file.read())
    check(images[0] == images[1], "an initramfs is repeatable")
    listing = subprocess.run(["busybox", "cpio", "-t"], input=images[0],
                             capture_output=True, check=False)
    names = listing.stdout.decode().split()
    check(listing.returncode == 0 and "etc/run.py" in names
          and "bin/sh" in names and "dev/console" in names,
          "busybox reads it", listing.stderr.decode())


def main():
    with tempfile.TemporaryDirectory(prefix="parapet-test-") as folder:
        make_build(folder)
        test_endings(folder)
        test_guests(folder)
        test_refusals(folder)
        test_bench(folder)
        test_initramfs(folder)
    print(f"1..{TAP['count']}")
    return 1 if TAP["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
