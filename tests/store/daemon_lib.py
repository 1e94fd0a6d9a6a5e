# SPDX-License-Identifier: MIT
"""A daemon, its clients on sockets, and domains behind ring pages."""

import mmap
import os
import select
import socket
import struct
import subprocess
import tempfile
import time

BUILD = os.environ.get("BUILD", "build")
PROGRAM = os.path.abspath(os.path.join(BUILD, "bin", "parapet-stored"))
DIRECTORY, READ, GET_PERMS, WATCH = 1, 2, 3, 4
TX_START, TX_END, INTRODUCE, RELEASE = 6, 7, 8, 9
WRITE, MKDIR, RM, SET_PERMS, EVENT, ERROR, CONTROL = 11, 12, 13, 14, 15, 16, 0
PATIENCE = 60  # seconds that a condition may take


def until(condition, what):
    """Wait for a condition; the time is only a limit for the worst case."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("never happened: " + what)
        time.sleep(0.005)


running = []  # daemons that a test has started and not stopped


def kill_all():
    """What a failed test left behind."""
    while running:
        running[-1].kill()


def ended(pid):
    """Is the process gone, or waiting to be reaped?"""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


class Daemon:
    """A daemon with a directory of its own."""

    def __init__(self, *options):
        self.tmp = tempfile.TemporaryDirectory()
        self.dir = self.tmp.name
        self.path = os.path.join(self.dir, "socket")
        self.log = os.path.join(self.dir, "log")
        self.options = options
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.proc = subprocess.Popen(
                [PROGRAM, "-f", "-s", self.path, "-d",
                 os.path.join(self.dir, "state"), *self.options],
                stderr=log)
        running.append(self)
        until(self.answers, "the daemon answers")

    def answers(self):
        if self.proc.poll() is not None:
            raise AssertionError("daemon ended: " + self.read_log())
        try:
            Client(self).close()
            return True
        except OSError:
            return False

    def read_log(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def kill(self):
        self.gone()
        self.proc.kill()
        self.proc.wait()

    def gone(self):
        if self in running:
            running.remove(self)

    def stop(self):
        self.gone()
        self.proc.terminate()
        status = self.proc.wait(PATIENCE)
        assert status == 0, f"daemon ended with {status}: {self.read_log()}"
        self.tmp.cleanup()


class Client:
    """One connection."""

    def __init__(self, daemon):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(daemon.path)  # waits while many others do
        self.sock.settimeout(PATIENCE)
        self.events = []
        self.req = 0
        self.data = b""

    def close(self):
        self.sock.close()

    def send(self, kind, payload, tx=0):
        self.req += 1
        self.sock.sendall(struct.pack("<IIII", kind, self.req, tx,
                                      len(payload)) + payload)

    def message(self):
        while True:
            if len(self.data) >= 16:
                kind, req, tx, size = struct.unpack("<IIII", self.data[:16])
                assert size <= 4096
                if len(self.data) >= 16 + size:
                    body = self.data[16:16 + size]
                    self.data = self.data[16 + size:]
                    return kind, req, tx, body
            chunk = self.sock.recv(65536)
            if not chunk:
                raise EOFError
            self.data += chunk

    def answer(self):
        while True:
            kind, req, tx, body = self.message()
            if kind != EVENT:
                return kind, req, tx, body
            self.events.append(tuple(body[:-1].split(b"\0")))

    def call(self, kind, payload, tx=0):
        self.send(kind, payload, tx)
        got, req, got_tx, body = self.answer()
        assert req == self.req and got_tx == tx
        if got == ERROR:
            raise OSError(body.rstrip(b"\0").decode())
        assert got == kind
        return body

    def event(self):
        while not self.events:
            kind, _, _, body = self.message()
            assert kind == EVENT
            self.events.append(tuple(body[:-1].split(b"\0")))
        return self.events.pop(0)

    def write(self, path, value, tx=0):
        self.call(WRITE, path.encode() + b"\0" + value.encode(), tx)

    def read(self, path, tx=0):
        return self.call(READ, path.encode() + b"\0", tx).decode()

    def closed(self):
        """Does the daemon close this connection (without more answers)?"""
        try:
            self.message()
        except (EOFError, ConnectionError):
            return True
        return False


class Guest:
    """A domain behind a ring page of the "files" transport."""

    def __init__(self, daemon, domid):
        self.daemon, self.domid = daemon, domid
        base = os.path.join(daemon.dir, "rings")
        os.makedirs(base, exist_ok=True)
        name = os.path.join(base, str(domid))
        with open(name + ".page", "wb") as page:
            page.write(bytes(4096))
        for end in ("up", "down"):
            os.mkfifo(f"{name}.{end}")
        self.up = os.open(name + ".up", os.O_RDWR | os.O_NONBLOCK)
        self.down = os.open(name + ".down", os.O_RDWR | os.O_NONBLOCK)
        fd = os.open(name + ".page", os.O_RDWR)
        self.page = mmap.mmap(fd, 4096)
        os.close(fd)
        self.req = 0
        self.data = b""
        self.events = []

    def index(self, at, value=None):
        if value is not None:
            struct.pack_into("<I", self.page, at, value & 0xffffffff)
        return struct.unpack_from("<I", self.page, at)[0]

    def wait(self):
        select.select([self.down], [], [], 0.05)
        try:
            os.read(self.down, 4096)
        except BlockingIOError:
            pass

    def put(self, data):
        deadline = time.monotonic() + PATIENCE
        while data:
            assert time.monotonic() < deadline, "no room in the ring"
            prod = self.index(2052)
            room = 1024 - ((prod - self.index(2048)) & 0xffffffff)
            for byte in data[:room]:
                self.page[prod % 1024] = byte
                prod += 1
            data = data[room:]
            self.index(2052, prod)
            os.write(self.up, b"x")
            if data:
                self.wait()

    def get(self, size):
        deadline = time.monotonic() + PATIENCE
        while len(self.data) < size:
            assert time.monotonic() < deadline, "no answer in the ring"
            cons, prod = self.index(2056), self.index(2060)
            if cons == prod:
                self.wait()
                continue
            while cons != prod:
                at = 1024 + cons % 1024
                self.data += self.page[at:at + 1]
                cons = (cons + 1) & 0xffffffff
            self.index(2056, cons)
            os.write(self.up, b"x")
        got, self.data = self.data[:size], self.data[size:]
        return got

    def send(self, kind, payload, tx=0):
        self.req += 1
        self.put(struct.pack("<IIII", kind, self.req, tx, len(payload)) +
                 payload)

    def answer(self):
        while True:
            kind, req, _, size = struct.unpack("<IIII", self.get(16))
            body = self.get(size)
            if kind != EVENT:
                assert req == self.req
                return kind, body
            self.events.append(tuple(body[:-1].split(b"\0")))

    def call(self, kind, payload, tx=0):
        self.send(kind, payload, tx)
        got, body = self.answer()
        if got == ERROR:
            raise OSError(body.rstrip(b"\0").decode())
        return body

    def event(self):
        while not self.events:
            kind, _, _, size = struct.unpack("<IIII", self.get(16))
            body = self.get(size)
            assert kind == EVENT
            self.events.append(tuple(body[:-1].split(b"\0")))
        return self.events.pop(0)


def fails(error, function, *args):
    try:
        function(*args)
    except OSError as err:
        return str(err) == error
    return False


def rings():
    d = Daemon.__new__(Daemon)
    d.tmp = tempfile.TemporaryDirectory()
    d.dir = d.tmp.name
    d.path = os.path.join(d.dir, "socket")
    d.log = os.path.join(d.dir, "log")
    d.options = ("--rings", "files:" + os.path.join(d.dir, "rings"))
    d.start()
    return d


def introduce(c, domid):
    c.call(INTRODUCE, b"%d\0%d\0%d\0" % (domid, 1000 + domid, 7))
    c.call(MKDIR, b"/local/domain/%d\0" % domid)
    c.call(SET_PERMS, b"/local/domain/%d\0n%d\0" % (domid, domid))
