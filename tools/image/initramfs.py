#!/usr/bin/env python3
"""Build the control domain's initramfs: a deterministic, uncompressed cpio.

usage: initramfs.py --out FILE [--init FILE] [--kernel DIR] [--modules FILE]
                    [--program FILE]... [--file DEST=SRC]... [--bare]

  --kernel DIR     what fetch.sh printed; its modules are taken from there
  --modules FILE   names of the modules to take, with what they depend on
  --program FILE   goes to /usr/bin, stripped, with the shared libraries it
                   needs
  --file DEST=SRC  any other file, its mode kept
  --bare           nothing but device nodes and what is named (no busybox)

Uncompressed, because unpacking is slower than loading on an emulated machine.
The same inputs give the same bytes: entries are sorted, times are zero.
"""

import argparse
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

DIRECTORIES = ("bin dev etc lib lib64 mnt proc root run sbin sys tmp usr "
               "usr/bin usr/lib usr/sbin usr/share var var/log").split()
NODES = {"dev/console": (5, 1), "dev/null": (1, 3), "dev/zero": (1, 5),
         "dev/kmsg": (1, 11)}


class Archive:
    """Files by their path; written as a "newc" cpio."""

    def __init__(self):
        self.entries = {}

    def add(self, path, mode, data=b"", rdev=(0, 0)):
        path = path.strip("/")
        parent = os.path.dirname(path)
        if parent and parent not in self.entries:
            self.add(parent, stat.S_IFDIR | 0o755)
        self.entries[path] = (mode, data, rdev)

    def add_file(self, path, source, mode=None):
        with open(source, "rb") as file:
            data = file.read()
            if mode is None:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        self.add(path, stat.S_IFREG | mode, data)

    def add_link(self, path, target):
        self.add(path, stat.S_IFLNK | 0o777, target.encode())

    def write(self, out):
        for number, path in enumerate(sorted(self.entries), 1):
            mode, data, rdev = self.entries[path]
            self._record(out, number, path, mode, data, rdev)
        self._record(out, 0, "TRAILER!!!", 0, b"", (0, 0))

    @staticmethod
    def _record(out, number, path, mode, data, rdev):
        name = path.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        fields = (number, mode, 0, 0, links, 0, len(data), 0, 0,
                  rdev[0], rdev[1], len(name), 0)
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + name
        out.write(head + b"\0" * (-len(head) % 4))
        out.write(data + b"\0" * (-len(data) % 4))


def fail(why):
    sys.exit(f"initramfs: {why}")


def add_busybox(archive):
    busybox = shutil.which("busybox", path="/bin:/usr/bin")
    if not busybox:
        fail("busybox is missing: run make deps")
    archive.add_file("bin/busybox", busybox, 0o755)
    names = subprocess.run([busybox, "--list"], check=True,
                           capture_output=True, text=True).stdout.split()
    for name in names:
        if name != "busybox":
            archive.add_link("bin/" + name, "busybox")
    # Where the kernel looks for it.
    archive.add_link("sbin/modprobe", "../bin/busybox")


def libraries_of(program):
    """Paths of the shared libraries and the loader; none for a static one."""
    run = subprocess.run(["ldd", program], capture_output=True, text=True,
                         check=False)
    if "not found" in run.stdout:
        fail(f"{program}: a shared library is missing")
    return re.findall(r"(/\S+) \(0x", run.stdout)


def add_library(archive, library):
    """A shared library, at its place."""
    if os.path.basename(library).startswith("libicudata.so."):
        add_empty_icu(archive, library)
    else:
        archive.add_file(library, library, 0o755)


def add_empty_icu(archive, library):
    """Instead of ICU's 30 MB of tables: a library of that name without any.

    libxml2 asks ICU about encodings that it does not know itself, and finds
    that they are not supported; those of domain XML are built into it.
    """
    name = os.path.basename(library)
    symbol = f"icudt{name.rsplit('.', 1)[1]}_dat"
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(
            [os.environ.get("CC", "cc"), "-shared", "-nostdlib", "-s", "-fPIC",
             "-Wl,--build-id=none,-soname," + name, "-x", "c", "-", "-o",
             out.name], input=f"const long long {symbol}[2];\n", text=True,
            check=True)
        archive.add_file(library, out.name, 0o755)


def add_stripped(archive, path, program):
    """A program without its symbols; a script as it is."""
    with open(program, "rb") as file:
        elf = file.read(4) == b"\x7fELF"
    if not elf:
        archive.add_file(path, program, 0o755)
        return
    with tempfile.NamedTemporaryFile() as copy:
        done = subprocess.run(["strip", "-o", copy.name, program], text=True,
                              stderr=subprocess.PIPE, check=False)
        if done.returncode:
            fail(f"{program}: {done.stderr.strip()}")
        archive.add_file(path, copy.name, 0o755)


def add_program(archive, program):
    """A program and the shared libraries that it needs."""
    add_stripped(archive, "usr/bin/" + os.path.basename(program), program)
    for library in libraries_of(program):
        if library.lstrip("/") not in archive.entries:
            add_library(archive, library)


def module_paths(tree):
    """Module name (with _ for -) to its path below the tree."""
    paths = {}
    for folder, _, files in os.walk(tree):
        for file in files:
            name = re.sub(r"\.ko(\.xz|\.gz|\.zst)?$", "", file)
            if name != file:
                paths[name.replace("-", "_")] = os.path.relpath(
                    os.path.join(folder, file), tree)
    return paths


def depends_of(path):
    """Names of the modules that this one needs, soft ones included."""
    def field(name):
        return subprocess.run(["/sbin/modinfo", "-F", name, path], check=True,
                              capture_output=True, text=True).stdout
    hard = field("depends").replace(",", " ").split()
    soft = [w for w in field("softdep").split() if not w.endswith(":")]
    return [w.replace("-", "_") for w in hard + soft]


def wanted_modules(kernel, listing):
    """Paths of the listed modules and all they need, or fail."""
    tree = os.path.join(kernel, "modules")
    paths = module_paths(tree)
    with open(listing, encoding="utf-8") as file:
        words = [line.split("#")[0].strip() for line in file]
    todo = [w.replace("-", "_") for w in words if w]
    taken = set()
    while todo:
        name = todo.pop()
        if name in taken or name not in paths:
            continue            # built in, or not in this flavour
        taken.add(name)
        todo += depends_of(os.path.join(tree, paths[name]))
    return [paths[name] for name in sorted(taken)]


def add_modules(archive, kernel, listing):
    with open(os.path.join(kernel, "version"), encoding="utf-8") as file:
        version = file.read().strip()
    with tempfile.TemporaryDirectory() as work:
        base = os.path.join(work, "lib/modules", version)
        for path in wanted_modules(kernel, listing):
            os.makedirs(os.path.join(base, os.path.dirname(path)),
                        exist_ok=True)
            shutil.copy(os.path.join(kernel, "modules", path),
                        os.path.join(base, path))
        for name in ("modules.builtin", "modules.builtin.modinfo",
                     "modules.order"):
            source = os.path.join(kernel, "modules", name)
            if os.path.exists(source):
                shutil.copy(source, base)
        subprocess.run(["/sbin/depmod", "-b", work, version], check=True)
        for folder, _, files in os.walk(base):
            for file in files:
                if file.endswith(".bin") or file == "modules.order":
                    continue    # busybox reads the text files
                path = os.path.join(folder, file)
                archive.add_file(os.path.relpath(path, work), path, 0o644)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("--init")
    parser.add_argument("--kernel")
    parser.add_argument("--modules")
    parser.add_argument("--program", action="append", default=[])
    parser.add_argument("--file", action="append", default=[])
    parser.add_argument("--bare", action="store_true")
    args = parser.parse_args()

    archive = Archive()
    for name in DIRECTORIES if not args.bare else ("dev", "proc", "sys"):
        archive.add(name, stat.S_IFDIR | 0o755)
    for name, rdev in NODES.items():
        archive.add(name, stat.S_IFCHR | 0o600, rdev=rdev)
    if not args.bare:
        add_busybox(archive)
    try:
        for program in args.program:
            add_program(archive, program)
        for word in args.file:
            dest, _, source = word.partition("=")
            archive.add_file(dest, source)
        if args.init:
            archive.add_file("init", args.init, 0o755)
        if args.kernel and args.modules:
            add_modules(archive, args.kernel, args.modules)
        with open(args.out + ".tmp", "wb") as out:
            archive.write(out)
    except OSError as err:
        fail(f"{err.filename}: {err.strerror}")
    os.replace(args.out + ".tmp", args.out)


if __name__ == "__main__":
    main()
