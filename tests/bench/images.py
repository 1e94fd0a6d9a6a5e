# SPDX-License-Identifier: MIT
"""What the benchmark's machines boot from: initramfs images, guests, a disk."""

import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGE = os.path.join(HERE, "..", "..", "tools", "image")
PROGRAMS = ("parapet", "parapetd", "parapet-stored", "parapet-store",
            "parapet-consoled", "parapet-blkback", "parapet-netback")
GUEST_MODULES = "xen-blkfront\nxen-netfront\naf_packet\n"
DISK_MIB = 256
XML = """<domain type='xen'>
  <name>{name}</name>
  <memory unit='MiB'>{mem}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='xenpv'>linux</type>
    <kernel>{kernel}</kernel>
    <initrd>{initrd}</initrd>
    <cmdline>console=hvc0 {words}</cmdline>
  </os>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>{devices}
    <console type='pty'>
      <log file='/run/console.log' append='off'/>
    </console>
  </devices>
</domain>
"""
DEVICES = """
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/mnt/guest.img'/>
      <target dev='xvda' bus='xen'/>
    </disk>
    <interface type='bridge'>
      <mac address='00:16:3e:01:02:03'/>
      <source bridge='br0'/>
    </interface>"""


class ImageError(Exception):
    """An image that could not be made; the text is one line."""


def output_of(*words):
    run = subprocess.run(words, stdout=subprocess.PIPE, text=True,
                         check=False)
    if run.returncode:
        raise ImageError(f"{os.path.basename(words[0])} failed")
    return run.stdout.strip()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


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

    def bare(self):
        """pvbench as the first program, and nothing besides device nodes."""
        return self._once("initrd.img", lambda out: self._initramfs(
            out, "--bare", "--init", self._program("pvbench"),
            "--file", "child=" + self._program("pvbench-child")))

    def disk(self):
        """A raw disk; on its file system a raw disk of a guest."""
        return self._once("disk.img", self._make_disk)

    def _make_disk(self, out):
        tree = self._path("disk")
        os.makedirs(tree, exist_ok=True)
        inner = os.path.join(tree, "guest.img")
        with open(inner, "wb") as file:
            for _ in range(DISK_MIB):
                file.write(os.urandom(1 << 20))
        if os.path.exists(out):
            os.unlink(out)
        output_of("/sbin/mke2fs", "-q", "-t", "ext4", "-d", tree, out,
                  f"{DISK_MIB + 64}M")
        os.unlink(inner)
        return out

    def host(self):
        """A control domain, or the bare machine, that measures its disk."""
        return self._once("host.img", lambda out: self._initramfs(
            out, *self._host_words()))

    def _host_words(self):
        return ["--init", os.path.join(IMAGE, "init.sh"),
                "--kernel", self.kernel,
                "--modules", os.path.join(IMAGE, "modules.list"),
                "--program", self._program("pvio"),
                "--file", "etc/parapet-run="
                + os.path.join(HERE, "control_run.sh")]

    def _control(self, out, files):
        words = self._host_words()
        for name in PROGRAMS:
            words += ["--program", self._program(name)]
        for dest, source in files.items():
            words += ["--file", f"guest/{dest}={source}"]
        return self._initramfs(out, *words)

    def micro(self, kind, words):
        """A control domain with a guest that runs pvbench: the same kernel,
        the same bytes as on the other systems."""
        xml = XML.format(name="micro", mem=512, kernel="/guest/vmlinuz",
                         initrd="/guest/initrd", words=words, devices="")
        return self._once(f"micro-{kind}.img", lambda out: self._control(
            out, {"micro.xml": write(self._path(f"micro-{kind}.xml"), xml),
                  "vmlinuz": os.path.join(self.kernel, "vmlinuz"),
                  "initrd": self.bare()}))

    def guest(self, words):
        """A control domain with a guest of the cloud kernel, disk and net."""
        return self._once("guest.img", lambda out: self._make_guest(
            out, words))

    def _make_guest(self, out, words):
        cloud = output_of(os.path.join(IMAGE, "fetch.sh"), "kernel",
                          "cloud-amd64")
        initrd = self._initramfs(
            self._path("guest-initrd.img"), "--kernel", cloud,
            "--modules", write(self._path("guest.list"), GUEST_MODULES),
            "--program", self._program("pvio"),
            "--init", os.path.join(HERE, "guest_init.sh"))
        files = {"vmlinuz": os.path.join(cloud, "vmlinuz"), "initrd": initrd}
        for name, work in (("life", "wait"), ("io", "io")):
            files[name + ".xml"] = write(
                self._path(f"guest-{name}.xml"),
                XML.format(name=name, mem=256, kernel="/guest/vmlinuz",
                           initrd="/guest/initrd", devices=DEVICES,
                           words=f"quiet panic=1 guest_work={work} {words}"))
        return self._control(out, files)
