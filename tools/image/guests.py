"""What the guests of `make run` need: a data disk and more for the initramfs.

A guest is an example's name (tools/examples).  The data disk has what its XML
names: kernels and initramfs (guest/), disks (images/), the XML (examples/).
Programs that only some examples need are appended to the control domain's
initramfs: Linux takes several archives one after the other.
"""

import dataclasses
import hashlib
import os
import shutil
import subprocess
import tempfile

from machine import MachineError

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, "..", "examples")
LABEL = "parapet-data"
SLACK = 192 << 20       # room for unpacked kernels and what guests write
MIB = 1 << 20


@dataclasses.dataclass
class Example:
    """One example: its domains' XML, what makes its disks, programs."""
    xml: tuple
    small: bool = True          # boots the small guest's kernel and initramfs
    disks: tuple = ()           # names of functions below
    programs: tuple = ()
    files: tuple = ()           # copied to the same place
    kernel: str = ""            # below the build's folder; goes to guest/vmlinuz-NAME
    how: str = ""               # the make target that leaves the kernel there


def web1_disk(images):
    """An empty file system."""
    make_file_system(os.path.join(images, "web1.img"), 64 * MIB)


def patched_disk(images):
    """An empty file system."""
    make_file_system(os.path.join(images, "patched.img"), 64 * MIB)


def overlay_disk(images):
    """A base with a file in it, and an overlay that names it."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "base"), "w", encoding="ascii") as file:
            file.write("a file of the base\n")
        base = os.path.join(images, "base.img")
        make_file_system(base, 64 * MIB, folder)
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw",
         "-b", "base.img", os.path.join(images, "overlay.qcow2")], "qemu-img")


def keep(made, cache):
    """Move a folder into the cache, where another may have been quicker."""
    try:
        os.rename(made, cache)
    except OSError:
        if not os.path.isdir(cache):
            raise


def debian_disk(images):
    """Debian; kept in the cache, as installing it takes a minute."""
    script = os.path.join(EXAMPLES, "debian", "make-image.sh")
    words = ["--address", "10.77.0.3/24", "--gateway", "10.77.0.1"]
    with open(script, "rb") as file:
        key = hashlib.sha256(file.read() + " ".join(words).encode())
    cache = os.path.join(os.environ.get("PARAPET_CACHE")
                         or os.path.expanduser("~/.cache/parapet"),
                         "debian-" + key.hexdigest()[:16])
    if not os.path.isdir(cache):
        os.makedirs(os.path.dirname(cache), exist_ok=True)
        with tempfile.TemporaryDirectory(
                dir=os.path.dirname(cache)) as folder:
            print("run: installing Debian in an image; this takes a minute, "
                  "once", flush=True)
            made = os.path.join(folder, "made")
            os.mkdir(made)
            run([script] + words + [os.path.join(made, "debian.img")],
                "make-image.sh")
            keep(made, cache)
    for name in os.listdir(cache):
        run(["cp", "--sparse=always", os.path.join(cache, name), images],
            "cp")


GRUB = "/usr/lib/grub-xen/grub-x86_64-xen.bin"
BY_NAME = {
    "web1": Example(xml=("web1",), disks=(web1_disk,)),
    "busybox": Example(xml=("busybox",)),
    "two": Example(xml=("two-a", "two-b")),
    "overlay": Example(xml=("overlay",), disks=(overlay_disk,),
                       programs=("qemu-nbd", "parapet-blkback-nbd")),
    "debian": Example(xml=("debian",), small=False, disks=(debian_disk,)),
    "grub": Example(xml=("grub",), small=False, disks=(debian_disk,),
                    files=(GRUB,)),
    "patched": Example(xml=("patched",), disks=(patched_disk,),
                       kernel="guest-kernel/bzImage", how="guest-kernel"),
}


def run(words, what):
    """Run a program; MachineError with its last line if it fails."""
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        said = done.stdout.strip().splitlines() or ["no reason given"]
        raise MachineError(f"{what}: {said[-1]}")


def make_file_system(path, size, folder=None, label=None):
    """A sparse file with an ext4 file system, perhaps with files in it."""
    with open(path, "wb") as file:
        file.truncate(size)
    words = ["/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-m", "0",
             "-E", "lazy_itable_init=1,nodiscard,root_owner=0:0"]
    words += ["-L", label] if label else []
    words += ["-d", folder] if folder else []
    run(words + [path], "mke2fs " + path)


def examples_of(names):
    unknown = [n for n in names if n not in BY_NAME]
    if unknown:
        raise MachineError(f"GUEST={unknown[0]}: no such guest; there are: "
                           "none " + " ".join(BY_NAME))
    return [BY_NAME[n] for n in names]


def copy_kernel(build, example, folder):
    """The kernel of an example that has its own."""
    path = os.path.join(build, example.kernel)
    if not os.path.exists(path):
        raise MachineError(f"{path}: no such file: run make {example.how}")
    shutil.copy(path, os.path.join(folder, f"vmlinuz-{example.xml[0]}"))


def allocated(folder):
    """Bytes that a tree of sparse files will take."""
    return sum(os.stat(os.path.join(where, name)).st_blocks * 512
               for where, _, names in os.walk(folder) for name in names)


def data_disk(build, where, names, say):
    """Path of a data disk for these examples, made in the folder where."""
    folder = os.path.join(where, "data")
    for name in ("guest", "images", "examples"):
        os.makedirs(os.path.join(folder, name))
    examples = examples_of(names)
    if any(e.small for e in examples):
        run([os.path.join(EXAMPLES, "guest", "make.sh"),
             os.path.join(folder, "guest")], "the guest's kernel")
    for example in (e for e in examples if e.kernel):
        copy_kernel(build, example, os.path.join(folder, "guest"))
    for make in dict.fromkeys(d for e in examples for d in e.disks):
        make(os.path.join(folder, "images"))
    for name in (n for e in examples for n in e.xml):
        shutil.copy(os.path.join(EXAMPLES, name + ".xml"),
                    os.path.join(folder, "examples"))
    path = folder + ".img"
    say(f"data disk for {' '.join(names)}: "
        f"{allocated(folder) // MIB} MiB of kernels and images")
    make_file_system(path, allocated(folder) * 9 // 8 + SLACK, folder, LABEL)
    shutil.rmtree(folder)
    return path


def initrd_with(initrd, build, where, names):
    """The control domain's initramfs, with what these examples need there.

    It is made in the folder where if they need anything.
    """
    examples = examples_of(names)
    programs = dict.fromkeys(p for e in examples for p in e.programs)
    files = dict.fromkeys(f for e in examples for f in e.files)
    if not programs and not files:
        return initrd
    more = os.path.join(where, "more.img")
    words = [os.path.join(HERE, "initramfs.py"), "--out", more, "--bare"]
    for program in programs:
        path = os.path.join(build, "bin", program)
        if not os.path.exists(path):
            path = shutil.which(program)
        if not path:
            raise MachineError(f"{program} is missing: run make deps")
        words += ["--program", path]
    for file in files:
        words += ["--file", f"{file.lstrip('/')}={file}"]
    run(words, "the initramfs of the guests")
    both = os.path.join(where, "initrd-guests.img")
    with open(both, "wb") as out:
        for part in (initrd, more):
            with open(part, "rb") as file:
                shutil.copyfileobj(file, out)
    return both
