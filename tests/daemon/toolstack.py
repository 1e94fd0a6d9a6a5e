# SPDX-License-Identifier: MIT
"""A toolstack without a hypervisor: store, backends, guests, daemon, command.

The daemon has its hypervisor in memory (--fake).  Backends and guests are one
thread here that answers as real ones do.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "store"))
from daemon_lib import Client, TX_END, TX_START, WATCH  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
STORED = os.path.abspath(os.path.join(BUILD, "bin", "parapet-stored"))
DAEMON = os.path.abspath(os.environ.get("PARAPETD", os.path.join(BUILD, "san", "bin", "parapetd")))
COMMAND = os.path.abspath(os.path.join(BUILD, "san", "bin", "parapet"))
PATIENCE = 60  # seconds that a condition may take
POWEROFF, REBOOT, CRASH = 0, 1, 3


def until(condition, what):
    """Wait for a condition; the time is only a limit for the worst case."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError("never happened: " + what)
        time.sleep(0.005)


def read(client, path):
    try:
        return client.read(path)
    except OSError:
        return None


class Guests(threading.Thread):
    """Backends that open what they are given, guests that obey."""

    def __init__(self, stack):
        super().__init__(daemon=True)
        self.stack = stack
        self.client = Client(stack.store)
        self.deaf = set()       # types of devices that do not answer
        self.stubborn = False   # devices that do not close
        self.obeys = True       # requests to power off or reboot
        self.fronts = {}        # by type: the frontend's state when last
                                # a device was asked to close
        for path in (b"/parapet/backend", b"/local/domain"):
            self.client.call(WATCH, path + b"\0x\0")

    def read(self, path):
        return read(self.client, path)

    def run(self):
        try:
            while True:
                path = self.client.event()[0].decode()
                words = path.split("/")
                if path.startswith("/parapet/backend/"):
                    self.backend(path, words)
                elif path.endswith("/control/shutdown"):
                    self.shutdown(words[3], self.read(path))
                elif path.endswith("/store/port"):
                    self.boot(words[3])
        except (EOFError, OSError):
            pass

    def backend(self, path, words):
        if len(words) != 7 or words[6] != "state" or words[3] in self.deaf:
            return
        base, state = path[:-len("/state")], self.read(path)
        if state == "1" and "broken" in (self.read(base + "/params") or ""):
            self.write(base, {"hotplug-error": "it is broken",
                              "hotplug-status": "error"})
        elif state == "1":
            if words[3] == "console":
                self.write(f"/local/domain/{words[4]}/console",
                           {"tty": "/dev/pts/99"})
            self.write(base, {"hotplug-status": "connected", "state": "2"})
        elif state == "5":
            front = self.read(base + "/frontend")
            self.fronts[words[3]] = self.read(f"{front}/state")
            if not self.stubborn:
                self.write(base, {"state": "6"})

    def write(self, base, values):
        """Write below a node that is there: what was removed stays so."""
        tx = int(self.client.call(TX_START, b"\0")[:-1])
        commit = b"T\0"
        try:
            self.client.read(base, tx)
            for name, value in values.items():
                self.client.write(f"{base}/{name}", value, tx)
        except OSError:
            commit = b"F\0"
        try:
            self.client.call(TX_END, commit, tx)
        except OSError as err:
            if str(err) == "EAGAIN":
                self.write(base, values)

    def boot(self, domid):
        self.write(f"/local/domain/{domid}", {
            "control/feature-poweroff": "1", "control/feature-reboot": "1"})

    def shutdown(self, domid, how):
        if how in ("poweroff", "reboot") and self.obeys:
            self.stack.end(domid, POWEROFF if how == "poweroff" else REBOOT)


class Store:
    """What Client wants."""

    def __init__(self, path):
        self.path = path


class Toolstack:
    """Everything, in a directory of its own."""

    def __init__(self, *options):
        self.tmp = tempfile.TemporaryDirectory()
        self.dir = self.tmp.name
        self.store = Store(self.path("store"))
        self.options = options
        self.procs = {}
        for name in ("br0/bridge", "eth0"):
            os.makedirs(self.path("net", name))
        for name in ("kernel", "initrd", "disk.img", "disk2.img",
                     "broken.img"):
            with open(self.path(name), "wb") as file:
                file.write(b"x" * 4096)
        self.start_store()
        self.guests = Guests(self)
        self.guests.start()
        self.start()

    def path(self, *words):
        return os.path.join(self.dir, *words)

    def launch(self, name, argv):
        with open(self.path(name + ".log"), "ab") as log:
            self.procs[name] = subprocess.Popen(
                argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def log(self, name="parapetd"):
        with open(self.path(name + ".log"), errors="replace") as log:
            return log.read()

    def alive(self, name):
        if self.procs[name].poll() is not None:
            raise AssertionError(f"{name} ended:\n{self.log(name)}")
        return True

    def start_store(self):
        self.launch("stored", [STORED, "-f", "-s", self.store.path, "-d",
                               self.path("store-state")])
        until(lambda: self.alive("stored") and self.answers(self.store.path),
              "the store answers")

    @staticmethod
    def answers(path):
        with socket.socket(socket.AF_UNIX) as sock:
            try:
                sock.connect(path)
                return True
            except OSError:
                return False

    def start(self):
        self.launch("parapetd", [
            DAEMON, "-f", "-c", "/dev/null", "--fake", self.path("hv"),
            "--socket", self.path("sock"), "--state", self.path("state"),
            "--run", self.path("run"), "--store", self.store.path,
            "-o", "cache=" + self.path("cache"),
            "-o", "net=" + self.path("net"), "-o", "device-timeout=20",
            "-o", "network=lan br0", *self.options])
        until(lambda: self.alive("parapetd") and
              self.answers(self.path("sock")), "the daemon answers")

    def kill(self):
        self.procs["parapetd"].kill()
        self.procs["parapetd"].wait()

    def stop(self):
        """The daemon must end well: the sanitizers look for leaks then."""
        for name in ("parapetd", "stored"):
            self.procs[name].terminate()
            status = self.procs[name].wait(PATIENCE)
            assert status == 0, f"{name}: {status}\n{self.log(name)}"
        self.tmp.cleanup()

    def end(self, domid, reason):
        """The domain ends by itself."""
        part = self.path("hv", f"{domid}.part")
        with open(part, "w") as file:
            file.write(str(reason))
        os.rename(part, self.path("hv", f"{domid}.end"))

    def xml(self, name="web1", body="", memory=64, devices=""):
        path = self.path(name + ".xml")
        with open(path, "w") as file:
            file.write(f"""<domain type='xen'>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>2</vcpu>
  <os>
    <type>linux</type>
    <kernel>{self.path('kernel')}</kernel>
    <cmdline>console=hvc0</cmdline>
  </os>
  {body}
  <devices>{devices}</devices>
</domain>
""")
        return path

    def disk(self, name="disk.img", target="xvda", more=""):
        return (f"<disk type='file'><source file='{self.path(name)}'/>"
                f"<target dev='{target}'/>{more}</disk>")

    @staticmethod
    def nic(bridge="br0", mac="00:16:3e:00:00:01"):
        return (f"<interface type='bridge'><mac address='{mac}'/>"
                f"<source bridge='{bridge}'/></interface>")

    def run(self, *words, stdin=None, env=None):
        """The command; its status, output and errors."""
        done = subprocess.run(
            [COMMAND, "-s", self.path("sock"), *words], text=True,
            input=stdin, capture_output=True, timeout=PATIENCE, check=False,
            env=dict(os.environ, XENSTORED_PATH=self.store.path,
                     PATH=os.path.abspath(os.path.join(BUILD, "bin")) + ":" +
                     os.environ["PATH"], **(env or {})))
        return done.returncode, done.stdout, done.stderr

    def ok(self, *words, **more):
        status, out, err = self.run(*words, **more)
        assert status == 0, f"{words}: {status}: {err}"
        return out

    def json(self, *words):
        return json.loads(self.ok("--json", *words))

    def domains(self):
        return {d["name"]: d for d in self.json("list", "--all")
                if d["name"] != "Domain-0"}

    def state(self, name):
        return self.domains().get(name, {}).get("state")

    def read(self, path):
        """A node of the store, or None."""
        client = Client(self.store)
        value = read(client, path)
        client.close()
        return value

    def write(self, path, value):
        client = Client(self.store)
        client.write(path, value)
        client.close()

    def nodes(self):
        """What is left of guests in the store."""
        client = Client(self.store)
        found = []

        def walk(path):
            try:
                names = client.call(1, path.encode() + b"\0")
            except OSError:
                return
            for name in filter(None, names.decode().split("\0")):
                found.append(path.rstrip("/") + "/" + name)
                walk(path.rstrip("/") + "/" + name)

        for root in ("/local/domain", "/vm", "/parapet"):
            walk(root)
        client.close()
        # Folders of all domains stay: backend/TYPE, error/backend/TYPE.
        return sorted(n for n in found
                      if n.replace("/error/", "/").count("/") > 5 or
                      n.startswith("/parapet/backend/") and
                      n.count("/") > 3 or
                      n.startswith("/vm/") or
                      (n.startswith("/local/domain/") and
                       not n.startswith("/local/domain/0")))


class Lines:
    """A connection that speaks the protocol itself."""

    def __init__(self, stack):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(stack.path("sock"))
        self.file = self.sock.makefile("rb")

    def send(self, text):
        self.sock.sendall(text.encode() + b"\n")

    def get(self):
        line = self.file.readline()
        if not line:
            raise EOFError
        return json.loads(line)

    def call(self, method, **params):
        self.send(json.dumps({"id": 7, "method": method, "params": params}))
        while True:
            answer = self.get()
            if "progress" not in answer and "event" not in answer:
                return answer

    def event(self, name):
        while True:
            got = self.get()
            if got.get("event") == name:
                return got

    def close(self):
        self.file.close()
        self.sock.close()


def run_tests(tests, *options):
    """Each function is a test, named by its docstring; TAP."""
    failed = 0
    print(f"1..{len(tests)}", flush=True)
    for number, test in enumerate(tests, 1):
        stack = None
        try:
            stack = Toolstack(*options)
            test(stack)
            stack.stop()
            print(f"ok {number} - {test.__doc__}", flush=True)
        except Exception:  # noqa: BLE001  any failure is the test's
            failed += 1
            print(f"not ok {number} - {test.__doc__}")
            print("\n".join("# " + line for line in
                            traceback.format_exc().splitlines()[-12:]))
            if stack:
                print("\n".join("# " + line for line in
                                stack.log().splitlines()[-40:]), flush=True)
                for proc in stack.procs.values():
                    proc.kill()
                    proc.wait()
    return 1 if failed else 0
