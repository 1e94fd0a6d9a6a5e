# SPDX-License-Identifier: MIT
"""What the benchmark's machines boot from: initramfs images, guests, a disk."""

import glob
import os
import re
import shutil
import subprocess
import tempfile

from toolstacks import Guest

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGE = os.path.join(HERE, "..", "..", "tools", "image")
PEERS = os.path.join(HERE, "peers")
PARAPET = ("parapet", "parapetd", "parapet-stored", "parapet-store",
           "parapet-consoled", "parapet-blkback", "parapet-netback")
XEN_PACKAGES = (
    "xen-utils-4.17", "libxenmisc4.17", "libxencall1", "libxendevicemodel1",
    "libxenevtchn1", "libxenforeignmemory1", "libxengnttab1", "libxenhypfs1",
    "libxenstore4", "libxentoolcore1", "libxentoollog1", "libyajl2",
    "xenstore-utils", "xen-utils-common", "libgcc-s1")
XEN_PROGRAMS = (*(f"usr/lib/xen-4.17/bin/{name}" for name in (
    "xl", "xenstored", "xenconsoled", "xen-init-dom0")),
    *(f"usr/bin/xenstore-{name}" for name in ("exists", "read", "write")))
# What the C library opens by itself when a thread is cancelled.
XEN_FILES = ("lib/x86_64-linux-gnu/libgcc_s.so.1", "etc/xen/xl.conf")
# Some builds of QEMU have a few of them in themselves.
QEMU_FILES = ("/usr/lib/x86_64-linux-gnu/qemu/accel-tcg-x86_64.so",
              "/usr/share/seabios/bios-256k.bin",
              "/usr/share/qemu/linuxboot_dma.bin",
              "/usr/share/qemu/pvh.bin",
              "/usr/share/qemu/kvmvapic.bin")
# What pvwork builds: the sources of a program.
BUILT = os.path.join(HERE, "..", "..", "tools", "cli")
TCC = "usr/lib/x86_64-linux-gnu/tcc"
# Of the machine that makes guests, besides those that make run has.
HOST_MODULES = {"": "", "parapet": "",
                "xen": "xen-blkback\nxen-netback\n",
                "qemu": "kvm-amd\nkvm-intel\nvhost_net\n"}
# Of guests with devices.
GUEST_MODULES = ("xen-blkfront\nxen-netfront\nvirtio_pci\nvirtio_blk\n"
                 "virtio_net\next4\ncrc32c_generic\naf_packet\n")
DISK_MIB, GUEST_DISK_MIB, FILLING_MIB = 416, 256, 192


class ImageError(Exception):
    """An image that could not be made; the text is one line."""


def output_of(*words, **more):
    run = subprocess.run(words, stdout=subprocess.PIPE, text=True,
                         check=False, **more)
    if run.returncode:
        raise ImageError(f"{os.path.basename(words[0])} failed")
    return run.stdout.strip()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def fill(path, mib):
    with open(path, "wb") as file:
        for _ in range(mib):
            file.write(os.urandom(1 << 20))


def file_system(path, mib, tree):
    if os.path.exists(path):
        os.unlink(path)
    output_of("/sbin/mke2fs", "-q", "-t", "ext4", "-d", tree, path, f"{mib}M")


def file_words(files):
    """Options of initramfs.py for {path in it: source}."""
    return [word for dest, source in files.items()
            for word in ("--file", f"{dest.lstrip('/')}={source}")]


def unpacked(tree, programs):
    """Programs of packages that were only unpacked, and their libraries.

    A library of theirs goes where the loader looks for it, as if the package
    had been installed.
    """
    folders = sorted({folder for folder, _, files in os.walk(tree)
                      if any(".so." in name for name in files)})
    env = dict(os.environ, LD_LIBRARY_PATH=":".join(folders))
    files = {}
    for name in programs:
        program = os.path.join(tree, name)
        files["usr/bin/" + os.path.basename(name)] = program
        text = output_of("ldd", program, env=env)
        if "not found" in text:
            raise ImageError(f"{name}: a shared library is missing")
        for library in re.findall(r"(/\S+) \(0x", text):
            own = os.path.relpath(library, tree)
            files[library if own.startswith("..") else own] = library
    return files


class Images:
    """Each made when it is first asked for, in the benchmark's folder."""

    def __init__(self, build, folder, flavour):
        self.build = build
        self.folder = folder
        self.kernel = os.path.join(build, "image", flavour, "kernel")
        self.made = {}

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _program(self, name):
        return os.path.join(self.build, "bin", name)

    def _once(self, name, make):
        if name not in self.made:
            self.made[name] = make(self._path(name))
        return self.made[name]

    def _initramfs(self, out, *words):
        output_of(os.path.join(IMAGE, "initramfs.py"), "--out", out, *words)
        return out

    def xen(self):
        """Xen itself.  QEMU takes a link without the commas and pluses that
        versions have."""
        return self._once("xen", self._link_xen)

    @staticmethod
    def _link_xen(out):
        tree = output_of(os.path.join(IMAGE, "fetch.sh"), "xen")
        if os.path.lexists(out):
            os.unlink(out)
        os.symlink(os.path.join(tree, "xen"), out)
        return out

    def bare(self):
        """pvbench as the first program, and nothing besides device nodes."""
        return self._once("initrd.img", lambda out: self._initramfs(
            out, "--bare", "--init", self._program("pvbench"),
            "--file", "child=" + self._program("pvbench-child")))

    def disk(self):
        """A raw disk with a file system; in that a guest's, which is such a
        disk too.  What fills it is not zeros."""
        return self._once("disk.img", self._make_disk)

    def _make_disk(self, out):
        with tempfile.TemporaryDirectory(dir=self.folder) as tree:
            fill(os.path.join(tree, "filling"), FILLING_MIB)
            inner = self._path("guest.img")
            file_system(inner, GUEST_DISK_MIB, tree)
        with tempfile.TemporaryDirectory(dir=self.folder) as tree:
            os.rename(inner, os.path.join(tree, "guest.img"))
            file_system(out, DISK_MIB, tree)
        return out

    def host(self):
        """A control domain, or the bare machine, that measures itself."""
        return self._once("host.img", lambda out: self._host(out, "", {}))

    def _host(self, out, peer, files):
        modules = write(out + ".list",
                        read(os.path.join(IMAGE, "modules.list")) +
                        HOST_MODULES[peer])
        words = ["--init", os.path.join(IMAGE, "init.sh"),
                 "--kernel", self.kernel, "--modules", modules]
        for program in [self._program("pvio"), self._program("pvwork"),
                        *self._peer_programs(peer)]:
            words += ["--program", program]
        files = {"etc/parapet-run": os.path.join(HERE, "control_run.sh"),
                 **self._peer_files(peer), **self._work_files(), **files}
        return self._initramfs(out, *words, *file_words(files))

    def _work_files(self):
        """What work.sh needs besides pvwork: a compiler, and sources."""
        return self._once("work", self._make_work)

    def _make_work(self, folder):
        tree = output_of(os.path.join(IMAGE, "fetch.sh"), "tree", "tcc")
        files = {"etc/work.sh": os.path.join(HERE, "work.sh"),
                 "sources/build.sh": os.path.join(HERE, "build.sh"),
                 "sources/out/.keep": os.devnull,
                 **unpacked(tree, ["usr/bin/tcc"])}
        os.makedirs(folder, exist_ok=True)
        for name in sorted(os.listdir(BUILT)):
            if name.endswith(".c"):
                out = os.path.join(folder, name[:-2] + ".i")
                output_of(os.path.join(tree, "usr/bin/tcc"),
                          "-B" + os.path.join(tree, TCC), "-D_GNU_SOURCE",
                          "-I" + os.path.join(HERE, "..", ".."), "-E",
                          os.path.join(BUILT, name), "-o", out)
                files["sources/src/" + os.path.basename(out)] = out
        return files

    def _peer_programs(self, peer):
        if peer == "parapet":
            return [self._program(name) for name in PARAPET]
        if peer == "qemu":
            return [shutil.which("qemu-system-x86_64")]
        return []

    @staticmethod
    def _peer_files(peer):
        files = {}
        if peer:
            files["guest/peer.sh"] = os.path.join(PEERS, peer + ".sh")
        if peer == "xen":
            tree = output_of(os.path.join(IMAGE, "fetch.sh"), "tree",
                             *XEN_PACKAGES)
            files.update(unpacked(tree, XEN_PROGRAMS))
            files.update({name: os.path.join(tree, name)
                          for name in XEN_FILES})
            for name in ("block", "vif-bridge"):
                files["etc/xen/scripts/" + name] = os.path.join(
                    PEERS, "xen_hotplug.sh")
        if peer == "qemu":
            files.update({path: path for path in QEMU_FILES
                          if os.path.exists(path)})
            files["guest/ifup"] = os.path.join(PEERS, "tap_up.sh")
            for name in ("create", "destroy"):
                files[f"usr/bin/vm-{name}"] = os.path.join(
                    PEERS, f"vm_{name}.sh")
        return files

    def _guests(self, label, system, guests):
        """Files that describe guests to the system's toolstack."""
        files = {}
        for guest in guests:
            name, text = guest.described_for(system.peer,
                                              system.accel)
            files["guest/" + name] = write(self._path(f"{label}-{name}"), text)
        return files

    def _kernel_for(self, system, stock):
        """The guest's; where all is emulated it cannot unpack itself as well,
        which would take minutes."""
        if system.accel == "tcg":
            return self._once(
                os.path.basename(stock) + ".elf",
                lambda out: self._extracted(os.path.join(stock, "vmlinuz"),
                                            out))
        if not system.kernel:
            return os.path.join(stock, "vmlinuz")
        path = os.path.join(self.build, system.kernel)
        if not os.path.exists(path):
            raise ImageError(f"{path} is missing: run make guest-kernel")
        return path

    def _extracted(self, kernel, out):
        output_of(self._program("parapet-extract"), kernel, out)
        return out

    def micro(self, system, kind, words):
        """A machine with a guest that runs pvbench: the same kernel, the same
        bytes as on the other systems."""
        def make(out):
            files = self._guests(f"{system.name}-{kind}", system,
                                 [Guest("micro", 512, words)])
            files["guest/vmlinuz"] = self._kernel_for(
                system, os.path.realpath(self.kernel))
            files["guest/initrd"] = self.bare()
            return self._host(out, system.peer, files)
        return self._once(f"{system.name}-{kind}.img", make)

    def guest(self, system, words):
        """A machine with a guest of the cloud kernel, disk and net."""
        def make(out):
            guests = [Guest(name, 256, f"quiet panic=1 guest_work={work} "
                            + words, has_devices=True)
                      for name, work in (("life", "wait"), ("io", "io"))]
            files = self._guests(system.name, system, guests)
            cloud = self._cloud()
            files["guest/vmlinuz"] = self._kernel_for(system, cloud)
            files["guest/initrd"] = self._guest_initrd(cloud, system)
            return self._host(out, system.peer, files)
        return self._once(f"{system.name}-io.img", make)

    def _cloud(self):
        return self._once("cloud", lambda _: output_of(
            os.path.join(IMAGE, "fetch.sh"), "kernel", "cloud-amd64"))

    def _guest_initrd(self, cloud, system):
        own = self._own_modules(system)
        name = f"{system.name}-guest.img" if own else "guest-initrd.img"
        return self._once(name, lambda out: self._initramfs(
            out, "--kernel", cloud,
            "--modules", write(self._path("guest.list"), GUEST_MODULES),
            "--program", self._program("pvio"),
            "--program", self._program("pvwork"),
            "--init", os.path.join(HERE, "guest_init.sh"),
            *file_words({**self._work_files(), **own})))

    def _own_modules(self, system):
        """Modules that are not the kernel's."""
        if not system.modules:
            return {}
        found = glob.glob(os.path.join(self.build, system.modules, "*.ko"))
        if not found:
            raise ImageError(f"{self.build}/{system.modules} has no modules: "
                             "run make modules")
        return {"modules/" + os.path.basename(path): path for path in found}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()
