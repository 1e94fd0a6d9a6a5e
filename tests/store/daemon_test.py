#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The daemon as a process: hostile clients, many clients, kills, handovers.

Prints TAP.  Speaks the wire protocol by itself, also the wrong way.
"""

import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
from daemon_lib import (  # noqa: E402
    CONTROL, DIRECTORY, ERROR, INTRODUCE, PATIENCE, PROGRAM, READ,
    RELEASE, TX_END, TX_START, WATCH, WRITE, Client, Daemon, Guest,
    ended, fails, introduce, kill_all, rings, until)


def bad_lengths_close_only_their_connection():
    d = Daemon()
    good = Client(d)
    for size in (4097, 65536, 0x7fffffff, 0xffffffff):
        bad = Client(d)
        bad.sock.sendall(struct.pack("<IIII", READ, 1, 0, size) + b"x" * 100)
        assert bad.closed()
    good.write("/a", "1")
    d.stop()


def garbage_is_answered_or_dropped():
    d = Daemon()
    good = Client(d)
    seed = 12345
    for _ in range(200):
        bad = Client(d)
        noise = bytearray()
        for _ in range(300):
            seed = (seed * 1103515245 + 12345) & 0x7fffffff
            noise.append(seed >> 16 & 0xff)
        try:
            bad.sock.sendall(bytes(noise))
        except OSError:
            pass
        bad.close()
    assert good.call(CONTROL, b"check\0").startswith(b"OK")
    d.stop()


def half_a_request_waits_and_harms_nobody():
    d = Daemon()
    slow, good = Client(d), Client(d)
    whole = struct.pack("<IIII", WRITE, 9, 0, 6) + b"/s\0abc"
    for byte in whole[:-1]:
        slow.sock.sendall(bytes([byte]))
        good.write("/g", "1")
    slow.sock.sendall(whole[-1:])
    assert slow.answer()[0] == WRITE
    assert good.read("/s") == "abc"
    cut = Client(d)
    cut.sock.sendall(whole[:10])
    cut.close()
    good.write("/g", "2")
    d.stop()


def a_client_that_never_reads_slows_down_nobody():
    d = Daemon()
    deaf, good = Client(d), Client(d)
    good.write("/big", "x" * 4000)
    good.call(WATCH, b"/other\0t\0")
    deaf.call(WATCH, b"/\0deaf\0")
    request = struct.pack("<IIII", READ, 1, 0, 5) + b"/big\0"
    deaf.sock.setblocking(False)
    sent = 0
    until_blocked = 0
    while until_blocked < 3:
        try:
            sent += deaf.sock.send(request * 500)
            until_blocked = 0
        except BlockingIOError:
            until_blocked += 1
            good.write("/other", "1")
    for i in range(3000):
        good.write(f"/n{i % 50}", str(i))
    with open(f"/proc/{d.proc.pid}/status") as status:
        rss = [int(line.split()[1]) for line in status
               if line.startswith("VmRSS")][0]
    assert rss < 40000, f"{rss} KiB"
    assert sent > 0
    d.stop()


def a_flood_does_not_starve_others():
    d = Daemon()
    flood, good = Client(d), Client(d)
    request = struct.pack("<IIII", WRITE, 1, 0, 6) + b"/f\0abc"
    flood.sock.setblocking(False)
    behind = 0
    for _ in range(300):
        try:
            behind += flood.sock.send(request * 1000)
        except BlockingIOError:
            pass
        try:
            flood.sock.recv(1 << 20)
        except BlockingIOError:
            pass
        before = time.monotonic()
        good.write("/g", "1")
        assert time.monotonic() - before < 5
    d.stop()


def two_thousand_clients_are_served():
    d = Daemon()
    clients = [Client(d) for _ in range(2000)]
    for i, c in enumerate(clients):
        c.send(WRITE, f"/many/{i % 100}\0{i}".encode())
    for c in clients:
        assert c.answer()[0] == WRITE
    assert len(clients[0].call(DIRECTORY, b"/many\0").split(b"\0")) == 101
    for c in clients:
        c.close()
    good = Client(d)
    until(lambda: b"connections        1\n" in good.call(CONTROL, b"stats\0"),
          "the connections are gone")
    d.stop()


def clients_above_the_limit_wait():
    d = Daemon("--set", "max-clients=5")
    clients = [Client(d) for _ in range(5)]
    for c in clients:
        c.write("/a", "1")
    late = Client(d)
    late.send(WRITE, b"/late\0" + b"1")
    clients[0].write("/a", "2")
    assert not select.select([late.sock], [], [], 0)[0]
    clients[1].close()
    assert late.answer()[0] == WRITE
    d.stop()


def socket_mode_is_as_set():
    d = Daemon("--set", "socket-mode=0640")
    assert os.stat(d.path).st_mode & 0o777 == 0o640
    assert os.stat(os.path.join(d.dir, "state")).st_mode & 0o777 == 0o700
    d.stop()
    d = Daemon()
    assert os.stat(d.path).st_mode & 0o777 == 0o600
    d.stop()


def rights_are_given_up():
    options = ["--user", "nobody"] if os.geteuid() == 0 else []
    d = Daemon(*options)
    until = time.monotonic() + PATIENCE
    while True:     # it answers a moment before
        with open(f"/proc/{d.proc.pid}/status") as f:
            status = dict(line.split(":", 1) for line in f if ":" in line)
        if status["Seccomp"].strip() == "2":
            break
        assert time.monotonic() < until
    assert status["NoNewPrivs"].strip() == "1"
    if options:
        assert status["Uid"].split()[0] != "0"
        assert int(status["CapEff"], 16) == 0
    Client(d).write("/a", "1")
    d.gone()
    d.proc.terminate()
    d.proc.wait(PATIENCE)
    d.tmp.cleanup()


def only_one_daemon_has_a_socket_or_state():
    d = Daemon()
    other = subprocess.run([PROGRAM, "-f", "-s", d.path, "--no-state"],
                           stderr=subprocess.PIPE, check=False)
    assert other.returncode == 1 and b"in use" in other.stderr
    other = subprocess.run([PROGRAM, "-f", "-s", d.path + "2", "-d",
                            os.path.join(d.dir, "state")],
                           stderr=subprocess.PIPE, check=False)
    assert other.returncode == 1 and b"in use" in other.stderr
    Client(d).write("/a", "1")
    d.stop()


def wrong_settings_are_refused_by_name():
    for option, word in (("quota.nodes=x", b"quota.nodes"),
                         ("nonsense=1", b"nonsense"), ("novalue", b"KEY")):
        run = subprocess.run([PROGRAM, "-f", "--set", option],
                             stderr=subprocess.PIPE, check=False)
        assert run.returncode == 1 and word in run.stderr
    with tempfile.NamedTemporaryFile("w") as conf:
        conf.write("# fine\nquota.nodes = 7\n\nbroken line\n")
        conf.flush()
        run = subprocess.run([PROGRAM, "-f", "-c", conf.name],
                             stderr=subprocess.PIPE, check=False)
        assert f"{conf.name}:4".encode() in run.stderr


def the_background_start_returns_when_it_answers():
    with tempfile.TemporaryDirectory() as tmp:
        path, pid = os.path.join(tmp, "s"), os.path.join(tmp, "pid")
        run = subprocess.run([PROGRAM, "-s", path, "--no-state", "--set",
                              "pid-file=" + pid, "--set",
                              "log=" + os.path.join(tmp, "log")],
                             check=False, timeout=PATIENCE)
        assert run.returncode == 0
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        with open(pid) as f:
            number = int(f.read())
        os.kill(number, signal.SIGTERM)
        assert sock.recv(1) == b""
        until(lambda: ended(number), "it ends")


def answers_survive_a_kill():
    """Every write that was answered is there after SIGKILL, at any moment."""
    d = Daemon()
    acknowledged = {}
    for turn in range(8):
        c = Client(d)
        try:
            for i in range(100000):
                if i == 40 * (turn + 1):
                    d.proc.kill()
                path = f"/k/{i % 37}"
                c.write(path, f"{turn}-{i}")
                acknowledged[path] = f"{turn}-{i}"
        except (EOFError, ConnectionError):
            in_flight = (path, f"{turn}-{i}")
        d.kill()
        d.start()
        c = Client(d)
        for path, value in acknowledged.items():
            got = c.read(path)
            assert got == value or (path, got) == in_flight, \
                f"{path}: {got}, not {value}"
            acknowledged[path] = got
    d.stop()


def a_handover_keeps_every_connection():
    d = Daemon()
    c, w, half, idle = (Client(d) for _ in range(4))
    c.write("/a", "1")
    w.call(WATCH, b"/a\0tok\0")
    assert w.event() == (b"/a", b"tok")
    whole = struct.pack("<IIII", WRITE, 9, 0, 6) + b"/h\0abc"
    half.sock.sendall(whole[:20])
    tx = int(c.call(TX_START, b"\0").rstrip(b"\0"))
    c.write("/in-tx", "1", tx)
    for turn in range(3):
        assert idle.call(CONTROL, b"live-update\0-s\0") == b"OK\0"
        until(lambda: d.read_log().count("took over") == turn + 1,
              "the new program runs")
        assert c.read("/a") == str(turn + 1)
        c.write("/a", str(turn + 2))
        assert w.event() == (b"/a", b"tok")
    half.sock.sendall(whole[20:])
    assert half.answer()[0] == WRITE
    assert fails("EAGAIN", c.call, TX_END, b"T\0", tx)
    assert fails("ENOENT", c.read, "/in-tx")
    d.kill()
    d.start()
    assert Client(d).read("/a") == "4"
    d.stop()


def a_handover_under_load_loses_no_answer():
    d = Daemon()
    busy, c = Client(d), Client(d)
    sent = 0
    request = struct.pack("<IIII", WRITE, 7, 0, 6) + b"/l\0abc"
    answered = 0
    for turn in range(5):
        for _ in range(400):
            busy.sock.sendall(request)
            sent += 1
        c.send(CONTROL, b"live-update\0-s\0")
        for _ in range(400):
            busy.sock.sendall(request)
            sent += 1
        while answered < sent:
            assert busy.answer()[0] == WRITE
            answered += 1
        assert c.answer()[3] == b"OK\0"
        until(lambda: d.read_log().count("took over") == turn + 1,
              "the new program runs")
    d.stop()


def a_failed_handover_changes_nothing():
    d = Daemon()
    c = Client(d)
    c.write("/a", "1")
    assert fails("ENOENT", c.call, CONTROL,
                 b"live-update\0-s\0-f\0/nowhere/at/all\0")
    bad = os.path.join(d.dir, "not-a-program")
    with open(bad, "w") as f:
        f.write("nonsense")
    os.chmod(bad, 0o755)
    c.call(CONTROL, b"live-update\0-s\0-f\0" + bad.encode() + b"\0")
    until(lambda: "going on" in d.read_log(), "it goes on")
    assert c.read("/a") == "1"
    d.stop()


def a_domain_is_served_over_its_ring():
    d = rings()
    c = Client(d)
    assert fails("ENOENT", c.call, INTRODUCE, b"3\0" b"1\0" b"7\0")
    g = Guest(d, 3)
    g.send(READ, b"early\0")  # before it is introduced
    introduce(c, 3)
    assert g.answer()[0] == ERROR
    g.call(WRITE, b"data/x\0hello")
    assert c.read("/local/domain/3/data/x") == "hello"
    assert fails("EACCES", g.call, WRITE, b"/elsewhere\0x")
    g.call(WRITE, b"long\0" + b"z" * 2000)
    assert g.call(READ, b"long\0") == b"z" * 2000
    g.call(WATCH, b"data\0tok\0")
    assert g.event() == (b"data", b"tok")
    c.write("/local/domain/3/data/y", "1")
    assert g.event() == (b"data/y", b"tok")
    c.call(WATCH, b"@releaseDomain\0r\0")
    assert c.event() == (b"@releaseDomain", b"r")
    c.call(CONTROL, b"domain-shutdown\0" b"3\0")
    assert c.event() == (b"@releaseDomain", b"r")
    c.call(RELEASE, b"3\0")
    assert c.event() == (b"@releaseDomain", b"r")
    assert fails("ENOENT", c.read, "/local/domain/3/data/x")
    d.stop()


def a_domain_that_floods_is_slowed_down():
    """It has 1,000 tokens in advance, and 1,000 in each second."""
    d = rings()
    c = Client(d)
    g = Guest(d, 3)
    began = time.monotonic()    # no turn of the daemon's begins before
    introduce(c, 3)
    for i in range(1400):
        g.call(WRITE, b"data/x\0%d" % i)
        if i > 1000 and i % 50 == 0:  # nobody else is
            assert c.read("/local/domain/3/data/x") == str(i)
    assert time.monotonic() - began > 0.35
    d.stop()


def a_domain_does_not_notice_a_kill_or_a_handover():
    d = rings()
    c = Client(d)
    g = Guest(d, 3)
    introduce(c, 3)
    g.call(WATCH, b"w\0tok\0")
    assert g.event() == (b"w", b"tok")
    for turn in range(6):
        tx = int(g.call(TX_START, b"\0").rstrip(b"\0"))
        g.call(WRITE, b"tx\0lost", tx)
        if turn % 2:
            Client(d).call(CONTROL, b"live-update\0-s\0")
            g.send(WRITE, b"v\0%d" % turn)
        else:
            g.send(WRITE, b"v\0%d" % turn)
            d.kill()
            d.start()
        assert g.answer()[0] == WRITE
        assert g.call(READ, b"v\0") == b"%d" % turn
        assert fails("EAGAIN", g.call, TX_END, b"T\0", tx)
        Client(d).write("/local/domain/3/w", str(turn))
        assert g.event() == (b"w", b"tok")
    d.stop()


def a_domain_that_breaks_its_ring_hurts_only_itself():
    d = rings()
    c = Client(d)
    bad, good = Guest(d, 3), Guest(d, 4)
    introduce(c, 3)
    introduce(c, 4)
    bad.index(2052, 5000)
    os.write(bad.up, b"x")
    until(lambda: bad.index(2072) == 2, "the error field is set")
    good.call(WRITE, b"x\0" b"1")
    bad.index(2068, 1)  # reconnect
    os.write(bad.up, b"x")
    until(lambda: bad.index(2068) == 0, "the ring is connected")
    bad.index(2052, bad.index(2048))
    bad.call(WRITE, b"x\0" b"1")
    d.stop()


def run_time(daemon):
    """What the daemon has used of CPUs, ns, and how often it was woken up."""
    with open(f"/proc/{daemon.proc.pid}/schedstat") as stat:
        return tuple(int(word) for word in stat.read().split()[::2])


def idleness_costs_no_cpu():
    """Looking again before sleeping ends soon after the last request."""
    d = Daemon()
    c = Client(d)
    for i in range(2000):
        c.write("/busy", str(i))

    def stopped():
        before = run_time(d)
        for _ in range(20):
            time.sleep(0.005)
            if run_time(d) != before:
                return False
        return True

    until(stopped, "the daemon sleeps")
    assert c.read("/busy") == "1999"
    d.stop()


TESTS = [
    bad_lengths_close_only_their_connection,
    garbage_is_answered_or_dropped,
    half_a_request_waits_and_harms_nobody,
    a_client_that_never_reads_slows_down_nobody,
    a_flood_does_not_starve_others,
    two_thousand_clients_are_served,
    clients_above_the_limit_wait,
    socket_mode_is_as_set,
    rights_are_given_up,
    only_one_daemon_has_a_socket_or_state,
    wrong_settings_are_refused_by_name,
    idleness_costs_no_cpu,
    the_background_start_returns_when_it_answers,
    answers_survive_a_kill,
    a_handover_keeps_every_connection,
    a_handover_under_load_loses_no_answer,
    a_failed_handover_changes_nothing,
    a_domain_is_served_over_its_ring,
    a_domain_that_floods_is_slowed_down,
    a_domain_does_not_notice_a_kill_or_a_handover,
    a_domain_that_breaks_its_ring_hurts_only_itself,
]


def main():
    chosen = [t for t in TESTS if not sys.argv[1:] or t.__name__ in sys.argv]
    print(f"1..{len(chosen)}", flush=True)
    for i, test in enumerate(chosen, 1):
        began = time.monotonic()
        try:
            test()
            verdict = "ok"
        except Exception as err:  # any failure is a failed test
            verdict = "not ok"
            print(f"# {type(err).__name__}: {err}")
            print("".join("# " + line for line in
                          traceback.format_exc().splitlines(True)))
        kill_all()
        took = time.monotonic() - began
        print(f"{verdict} {i} - {test.__name__.replace('_', ' ')}"
              f" # {took:.2f} s", flush=True)


main()
