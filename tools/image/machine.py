"""Emulated machines: the QEMU command line, and watching what it prints.

Used by run.py, by the boot tests and by the benchmark, so that all of them
boot the same machine.  Nothing here decides what a good result is.
"""

import dataclasses
import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

LABEL = b"parapet-scratch-disk\n"       # selfcheck/disk.c looks for it
DISK_BYTES = 64 << 20
MIN_MIB = 192                           # below, a stock kernel does not come up

# What a hypervisor or a kernel prints when it gives up.
PANIC = re.compile(r"Kernel panic - not syncing|Panic on CPU|\bpanic: |"
                   r"\bPANIC\b|BUG at hv/")
FIRMWARE = {"uefi": ("/usr/share/OVMF/OVMF_CODE_4M.fd",
                     "/usr/share/OVMF/OVMF_VARS_4M.fd")}


class MachineError(Exception):
    """Something that the machine needs is not there; the text is one line."""


@dataclasses.dataclass
class Machine:
    """What to boot on what.  system is parapet, xen or native."""
    # pylint: disable=too-many-instance-attributes
    system: str = "parapet"
    hypervisor: str = ""        # multiboot image, unless native
    kernel: str = ""            # ELF for parapet, bzImage for the others
    initrd: str = ""
    kernel_args: str = ""
    hv_args: str = ""
    iso: str = ""               # boots from this instead; firmware says how
    firmware: str = "bios"
    machine: str = "q35"
    cpu: str = "max"
    smp: int = 2
    mem: int = 2048             # MiB
    accel: str = "tcg"
    disk: str = ""              # raw image
    disk_bus: str = "virtio"    # or ahci
    data: str = ""              # another raw image, on virtio; not kept
    nic: str = "virtio"         # or e1000, none
    pin: str = ""               # CPU list for taskset
    extra: tuple = ()           # more words for QEMU

    def command(self, monitor, serial="stdio"):
        """The words of the command line; monitor is a socket's path."""
        words = ["taskset", "-c", self.pin] if self.pin else []
        words += ["qemu-system-x86_64", "-nodefaults", "-display", "none",
                  "-no-reboot", "-machine", self.machine,
                  "-accel", self.accel, "-cpu", self.cpu,
                  "-smp", str(self.smp), "-m", str(self.mem),
                  "-serial", serial]
        if monitor:
            words += ["-monitor", f"unix:{monitor},server=on,wait=off"]
        return (words + self._boot() + self._disk() + self._net()
                + self._data() + list(self.extra))

    def _boot(self):
        if self.iso:
            words = ["-cdrom", self.iso, "-boot", "d"]
            if self.firmware == "uefi":
                words += ["-drive", "if=pflash,format=raw,readonly=on,file="
                          + FIRMWARE["uefi"][0]]
            return words
        if self.system == "native":
            return ["-kernel", self.kernel, "-initrd", self.initrd,
                    "-append", self.kernel_args]
        # QEMU takes a doubled comma for a comma inside one module.
        modules = [f"{self.kernel} {self.kernel_args}", self.initrd]
        return ["-kernel", self.hypervisor, "-append", self.hv_args,
                "-initrd", ",".join(m.replace(",", ",,") for m in modules)]

    def _disk(self):
        if not self.disk:
            return []
        drive = f"file={self.disk},format=raw,cache=unsafe,id=d0,if=none"
        if self.disk_bus == "virtio":
            device = ["-device", "virtio-blk-pci,drive=d0"]
        elif self.machine.startswith("q35"):    # it has an AHCI controller
            device = ["-device", "ide-hd,drive=d0,bus=ide.0"]
        else:
            device = ["-device", "ahci,id=ahci0",
                      "-device", "ide-hd,drive=d0,bus=ahci0.0"]
        return ["-drive", drive] + device

    def _data(self):
        if not self.data:
            return []
        return ["-drive", f"file={self.data},format=raw,cache=unsafe,id=d1,"
                "if=none", "-device", "virtio-blk-pci,drive=d1"]

    def _net(self):
        models = {"virtio": "virtio-net-pci", "e1000": "e1000"}
        if self.nic == "none":
            return ["-nic", "none"]
        return ["-netdev", "user,id=n0",
                "-device", models[self.nic] + ",netdev=n0"]

    def check(self):
        """Raise MachineError with one line for what is missing."""
        for tool in ["qemu-system-x86_64"] + (["taskset"] if self.pin else []):
            if not shutil.which(tool):
                raise MachineError(f"{tool} is missing: run make deps")
        files = [self.iso] if self.iso else [self.kernel, self.initrd]
        if not self.iso and self.system != "native":
            files.append(self.hypervisor)
        if self.iso and self.firmware == "uefi":
            files += [FIRMWARE["uefi"][0]]
        for file in files:
            if not os.path.exists(file):
                raise MachineError(f"{file}: no such file")
        if self.mem < MIN_MIB:
            raise MachineError(f"too little memory: {self.mem} MiB; the "
                               f"control domain needs at least {MIN_MIB} MiB")
        free = host_available_mib()
        if self.mem // 4 > free:
            raise MachineError(f"too little memory: the machine has "
                               f"{self.mem} MiB, the host only {free} MiB "
                               "to give")
        if self.accel == "kvm" and not os.access("/dev/kvm", os.W_OK):
            raise MachineError("ACCEL=kvm: /dev/kvm cannot be opened")


def host_available_mib():
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) // 1024
    return 0


def put_first(pid):
    """Let a process go ahead of what else the host does, if we may.

    Linux groups what it schedules by session, where it is so configured;
    then a nice value counts only inside the group, and the group has one too.
    """
    try:
        os.setpriority(os.PRIO_PROCESS, pid, -20)
        with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as file:
            file.write("-20")
    except OSError:
        pass            # not root, or no such groups


def make_disk(path):
    """A sparse raw disk that the self-check may write to."""
    with open(path, "wb") as file:
        file.write(LABEL)
        file.truncate(DISK_BYTES)


class EchoService:
    """Sends back what it gets, on a loopback port; guests see 10.0.2.2."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(peer,),
                             daemon=True).start()

    @staticmethod
    def _echo(peer):
        with peer:
            try:
                while data := peer.recv(65536):
                    peer.sendall(data)
            except OSError:
                pass

    def close(self):
        self.listener.close()


@dataclasses.dataclass
class Outcome:
    """How a boot ended.

    ended is "off" (QEMU ended by itself), "panic", "stuck" (no output for too
    long), "late" (out of time) or "stopped" (the caller had seen enough).
    """
    ended: str
    status: int
    seconds: float
    lines: list
    where: list         # where each CPU was, if it was stuck or in a panic

    def text(self):
        return "\n".join(self.lines)

    def last_words(self):
        """The line of the panic, or the last one."""
        said = [line.strip() for line in self.lines if line.strip()]
        panics = [line for line in said if PANIC.search(line)]
        return (panics[:1] or said[-1:] or ["nothing"])[0]


class Boot:
    """One boot, its serial line read line by line."""

    def __init__(self, machine, seconds, quiet_seconds=120, echo=None,
                 urgent=False, interactive=False):
        self.machine = machine
        self.interactive = interactive
        self.urgent = urgent
        self.seconds = seconds
        self.quiet_seconds = quiet_seconds
        self.echo = echo                # called with each raw chunk
        self.lines = []
        self.folder = tempfile.mkdtemp(prefix="parapet-")
        self.monitor = os.path.join(self.folder, "monitor")
        self.process = None

    def run(self, on_line=None):
        """Boot and watch.  on_line(line) may return True to stop."""
        self.machine.check()
        began = time.monotonic()
        self.process = subprocess.Popen(
            self.machine.command(self.monitor),
            stdin=(subprocess.PIPE if self.interactive
                   else subprocess.DEVNULL),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True)
        where = []
        try:
            if self.urgent:
                put_first(self.process.pid)
            ended = self._watch(began, on_line)
            if ended in ("panic", "stuck", "late"):
                where = self._where()
        finally:
            status = self._stop()
            shutil.rmtree(self.folder, ignore_errors=True)
        return Outcome(ended, status, time.monotonic() - began, self.lines,
                       where)

    def _watch(self, began, on_line):
        deadline = began + self.seconds
        heard = began
        pending = b""
        panic_at = None
        with selectors.DefaultSelector() as sel:
            sel.register(self.process.stdout, selectors.EVENT_READ)
            while True:
                clock = time.monotonic()
                if panic_at and clock - panic_at > 3:
                    return "panic"      # it had time to print the rest
                if clock > deadline:
                    return "panic" if panic_at else "late"
                if clock - heard > self.quiet_seconds:
                    return "panic" if panic_at else "stuck"
                if not sel.select(1):
                    continue
                chunk = os.read(self.process.stdout.fileno(), 65536)
                if not chunk:
                    return "panic" if panic_at else "off"
                heard = time.monotonic()
                if self.echo:
                    self.echo(chunk)
                *whole, pending = (pending + chunk).split(b"\n")
                for raw in whole:
                    line = raw.decode(errors="replace").strip("\r")
                    self.lines.append(line)
                    if PANIC.search(line):
                        panic_at = panic_at or heard
                    if on_line and on_line(line):
                        return "stopped"

    def ask(self, question):
        """What QEMU's monitor answers; empty if it does not."""
        text = b""
        try:
            with socket.socket(socket.AF_UNIX) as monitor:
                monitor.settimeout(5)
                monitor.connect(self.monitor)
                monitor.sendall(question.encode() + b"\n")
                while text.count(b"(qemu)") < 2:
                    chunk = monitor.recv(65536)
                    if not chunk:
                        break
                    text += chunk
        except OSError:
            pass
        return text.decode(errors="replace")

    def send(self, text):
        """Type on the machine's serial line (of an interactive boot)."""
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def _where(self):
        """Where each CPU is."""
        return [line.strip()
                for line in self.ask("info registers -a").splitlines()
                if re.match(r"CPU#|RIP=|R..=.*RSP|CS =|CR2|CR0", line)]

    def _stop(self):
        """End QEMU if it still runs; its status."""
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.stdout.close()
        if self.process.stdin:
            self.process.stdin.close()
        return self.process.wait()
