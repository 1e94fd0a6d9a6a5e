#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command: output, JSON, exit statuses, completion, manual pages."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests", "daemon"))
from toolstack import BUILD, COMMAND, DAEMON, run_tests, until  # noqa: E402


def definitions(t):
    """define, list, start, dumpxml, edit, autostart, undefine"""
    xml = t.xml()
    assert "Domain web1 defined" in t.ok("define", xml)
    assert "web1" not in t.ok("list")
    row = next(line for line in t.ok("list", "--all").splitlines()
               if "web1" in line)
    assert re.search(r"-\s+web1\s+shut off\s+64\s+2\s", row), row
    assert t.ok("list", "--all", "--name") == "Domain-0\nweb1\n"
    t.ok("autostart", "web1")
    assert t.json("info", "web1")["autostart"] is True
    assert "Domain web1 started, number 1" in t.ok("start", "web1")
    assert "<domain type='xen' id='1'>" in t.ok("dumpxml", "web1")
    assert "<domain type='xen'>" in t.ok("dumpxml", "--inactive", "web1")
    assert "defined" in t.ok("edit", "web1", env={
        "VISUAL": "sed -i 's/console=hvc0/quiet/'"})
    assert "quiet" in t.ok("dumpxml", "--inactive", "web1")
    assert "console=hvc0" in t.ok("dumpxml", "web1")
    assert "Nothing was changed" in t.ok("edit", "web1",
                                         env={"VISUAL": "true"})
    status, _, err = t.run("edit", "web1",
                           env={"VISUAL": "sed -i 's/vcpu/vcpx/g'"})
    assert status == 6 and "<vcpx>" in err and "is in" in err, err
    os.unlink(re.search(r"is in (\S+)", err).group(1))
    t.ok("undefine", "web1")
    assert t.state("web1") == "running"
    t.ok("destroy", "web1")
    assert t.run("info", "web1")[0] == 3


def autostart(t):
    """domains start with the machine, once"""
    t.ok("define", t.xml())
    t.ok("autostart", "web1")
    t.kill()
    t.start()
    assert t.state("web1") == "shut off"  # the daemon restarted, no more
    t.kill()
    os.unlink(t.path("run", "autostarted"))
    t.start()
    until(lambda: t.state("web1") == "running", "it is started")
    t.ok("destroy", "web1")


def shapes(t):
    """tables, info and JSON say the same"""
    t.ok("create", "--paused", t.xml(devices=t.disk() + t.nic()))
    info = t.ok("info", "web1")
    for words in ("Id:             1", "State:          paused",
                  "Max memory:     65536 KiB", "CPU(s):         1 of 2",
                  "weight 256, cap 0", "Persistent:     no"):
        assert words in info, info
    got = t.json("info", "web1")
    assert got["state"] == "paused" and got["domid"] == 1
    assert t.json("info", got["uuid"])["name"] == "web1"
    assert t.json("info", "1")["name"] == "web1"
    disks = t.ok("domblklist", "web1")
    assert re.search(r"xvda\s+file\s+raw\s+rw\s+ready\s+/", disks), disks
    nics = t.ok("domiflist", "web1")
    assert re.search(r"vif1.0\s+bridge\s+br0\s+netfront\s+00:16", nics), nics
    assert t.json("console", "web1")["tty"] == "/dev/pts/99"
    assert "hypervisor fake" in t.ok("version")
    assert t.json("version")["protocol"] == 1
    assert "qcow2" in t.ok("capabilities")
    assert t.json("capabilities")["machine"]["cpus"] == 2
    assert "in memory" in t.ok("dmesg")
    top = t.ok("top")
    assert "web1" in top and "Domain-0" in top and "CPU%" in top
    assert len(t.json("top", "--count=1")["domains"]) == 2
    assert t.json("services") == []


def consoles(t):
    """a console is this terminal, and of its size"""
    t.ok("create", "--paused", t.xml())
    guest, tty = pty.openpty()
    t.write("/local/domain/1/console/tty", os.ttyname(tty))
    until(lambda: t.json("console", "web1")["tty"] == os.ttyname(tty),
          "the console has a tty")
    mine, end = pty.openpty()
    termios.tcsetwinsize(end, (33, 99))
    with subprocess.Popen([COMMAND, "-q", "-s", t.path("sock"), "console",
                           "web1"], stdin=end, stdout=end) as console:
        until(lambda: termios.tcgetwinsize(guest) == (33, 99), "it has a size")
        termios.tcsetwinsize(end, (40, 120))
        console.send_signal(signal.SIGWINCH)
        until(lambda: termios.tcgetwinsize(guest) == (40, 120), "it grows")
        os.write(guest, b"hello\n")
        seen = b""
        while b"hello" not in seen:
            seen += os.read(mine, 100)
        os.write(mine, b"\x1d")
        assert console.wait() == 0
    for fd in guest, tty, mine, end:
        os.close(fd)


def refusals(t):
    """failures are one line, and the exit status says what kind"""
    empty = t.path("empty")
    bad = t.path("bad.xml")
    with open(bad, "w") as file:
        file.write("<domain type='xen'>\n  <tpm/><nvram/></domain>")
    for words, status, text in (
            ((), 2, "usage: parapet"),
            (("nonsense",), 2, "nonsense: no such command"),
            (("create",), 2, "usage: parapet create"),
            (("create", "--nonsense", bad), 2, "no such option"),
            (("create", empty), 3, "No such file"),
            (("create", bad), 6, bad + ":2:3: <tpm>: not supported"),
            (("start", "none"), 3, "start none: no such domain"),
            (("setmem", "none", "x"), 2, "x: a size is"),
            (("setmem", "none", "1G"), 3, "no such domain"),
            (("setvcpus", "none", "x"), 2, "usage"),
            (("attach-interface", "none", "x", "y"), 2, "usage"),
            (("-s", "/nonexistent", "list"), 8, "does parapetd run?")):
        got, _, err = t.run(*words)
        assert got == status and text in err, (words, got, err)
    err = t.run("create", bad)[2]
    assert "<nvram>" in err and "--ignore-unsupported" in err, err
    assert json.loads(t.run("--json", "start", "none")[1])["code"] == \
        "not-found"
    status, _, err = t.run("create", "--ignore-unsupported", t.xml(
        "web1", "<genid/>"))
    assert status == 0 and "warning: " in err and "<genid>" in err, err
    status, _, err = t.run("shutdown", "--timeout=0.2", "web1")
    assert status in (0, 4, 7), err


def waiting(t):
    """shutdown and reboot wait for what the domain becomes, not only its end"""
    def create(body="", devices=t.disk()):
        t.ok("create", t.xml(body=body, devices=devices))
        until(lambda: t.read(f"/local/domain/{t.domains()['web1']['domid']}"
                             "/control/feature-reboot"), "the guest is up")

    t.guests.stubborn = True    # the end takes a while
    create()
    t.ok("shutdown", "--wait", "web1")
    assert t.state("web1") is None
    t.guests.stubborn = False
    create()    # its disk is free
    before = t.domains()["web1"]["domid"]
    t.ok("reboot", "--wait", "web1")
    assert t.domains()["web1"]["domid"] != before
    assert t.state("web1") == "running"
    t.ok("destroy", "web1")
    assert t.state("web1") is None
    create("<on_reboot>destroy</on_reboot>")
    t.ok("reboot", "--timeout=30", "web1")
    assert t.state("web1") is None
    create("<on_poweroff>preserve</on_poweroff>")
    t.ok("shutdown", "--wait", "web1")
    assert t.state("web1") == "ended"
    t.ok("destroy", "web1")
    create("<on_poweroff>restart</on_poweroff>")
    before = t.domains()["web1"]["domid"]
    t.ok("shutdown", "--wait", "web1")
    until(lambda: t.state("web1") == "running", "it starts again")
    assert t.domains()["web1"]["domid"] != before
    t.ok("destroy", "web1")
    create()
    os.unlink(t.path("kernel"))
    status, _, err = t.run("reboot", "--wait", "web1")
    assert status == 1 and "did not start again" in err, (status, err)


def standard_input(t):
    """XML may come from standard input"""
    with open(t.xml()) as xml:
        t.ok("create", "-", stdin=xml.read())
    status, _, err = t.run("create", "-", stdin="<domain")
    assert status == 6 and "standard input:1:" in err, err


def events(t):
    """events are printed as they happen"""
    with subprocess.Popen(
            [COMMAND, "-s", t.path("sock"), "--json", "events", "--count=2"],
            stdout=subprocess.PIPE, text=True) as proc:
        def told():
            t.run("define", t.xml("probe"))
            t.run("undefine", "probe")
            return proc.poll() is not None
        until(told, "two events")
        got = [json.loads(line)["event"] for line in proc.stdout]
    assert set(got) <= {"defined", "undefined"} and len(got) == 2, got


def store(t):
    """the store's command is one of ours"""
    t.ok("store", "write", "/tmp/x", "y")
    assert t.ok("store", "read", "/tmp/x") == "y\n"
    assert "x" in t.ok("store", "ls", "/tmp")
    t.ok("store", "rm", "/tmp/x")
    assert t.run("store", "read", "/tmp/x")[0] != 0


def commands(_):
    """every command, every option: in help, completion and manual"""
    script = os.path.join(ROOT, "tools", "cli", "parapet.bash")
    names = subprocess.run([COMMAND, "--list-commands"], text=True,
                           capture_output=True, check=True).stdout.split()
    text = subprocess.run([COMMAND, "--help"], text=True,
                          capture_output=True, check=True).stdout
    with open(os.path.join(ROOT, "tools", "cli", "parapet.1")) as file:
        manual = file.read().replace("\\-", "-")
    assert len(names) > 30
    # In the manual a command's options are in the line of its name.
    lines = dict(re.findall(r"^\.B[IR]* \"?([a-z-]+)(.*)$", manual, re.M))
    for name in names:
        assert re.search(rf"^  {name} ", text, re.M), name
        assert name in lines, name
        if name in ("store", "bench"):
            continue  # programs with manuals of their own
        usage = subprocess.run([COMMAND, name, "--help"], text=True,
                               capture_output=True, check=True).stdout
        options = set(re.findall(r"\[(--[a-z-]+=?)", usage))
        found = set(re.findall(r"--[a-z-]+=?", lines[name]))
        assert found == options, f"{name}: manual {found}, help {options}"
        found = set(subprocess.run(
            ["bash", "-c", f"source {script}; _parapet_options {name}"],
            text=True, capture_output=True, check=True).stdout.split())
        options |= {"--json", "--help"}
        assert found == options, f"{name}: completes {found}, not {options}"


def completion(t):
    """completion knows commands, domains, options"""
    t.ok("define", t.xml("web1"))
    script = os.path.join(ROOT, "tools", "cli", "parapet.bash")

    def complete(*words):
        code = (f"source {script}; COMP_WORDS=({' '.join(words)} ''); "
                f"COMP_CWORD={len(words)}; _parapet; "
                'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(
            ["bash", "-c", code], text=True, capture_output=True, check=True,
            env=dict(os.environ, PARAPET_SOCKET=t.path("sock"),
                     PATH=os.path.abspath(os.path.join(BUILD, "bin")) + ":" +
                     os.environ["PATH"]))
        assert not done.stderr, done.stderr
        return done.stdout.split()

    assert "domblklist" in complete("parapet")
    assert complete("parapet", "start") == ["web1"]


def patience(t):
    """who waits for an end is told at once that the daemon has gone"""
    t.ok("create", "--paused", t.xml())
    for words in (("shutdown", "--timeout=soon", "web1"), ("top",
                  "--delay=nan"), ("events", "--count=x")):
        assert t.run(*words)[0] == 2, words
    t.ok("resume", "web1")
    until(lambda: t.read("/local/domain/1/control/feature-reboot"), "it boots")
    t.guests.obeys = False
    with subprocess.Popen(
            [COMMAND, "-s", t.path("sock"), "shutdown", "--timeout=3000",
             "web1"], stderr=subprocess.PIPE) as command:
        until(lambda: t.read("/local/domain/1/control/shutdown"), "it is asked")
        t.kill()
        assert command.wait(60) == 8, command.stderr.read()
    t.start()


def interrupted(t):
    """a terminal where top was interrupted is as it was"""
    mine, end = pty.openpty()
    before = termios.tcgetattr(end)
    with subprocess.Popen([COMMAND, "-s", t.path("sock"), "top"], stdin=end,
                          stdout=end) as top:
        until(lambda: termios.tcgetattr(end) != before, "it takes keys")
        top.send_signal(signal.SIGINT)
        assert top.wait() == -signal.SIGINT
    assert termios.tcgetattr(end) == before
    os.close(mine)
    os.close(end)


def source(*words):
    with open(os.path.join(ROOT, *words)) as file:
        return file.read()


def daemon_words(_):
    """the daemon's options, settings, methods: in the code and the texts"""
    manual = source("tools", "daemon", "parapetd.8").replace("\\-", "-")
    usage = subprocess.run([DAEMON, "--help"], text=True,
                           capture_output=True, check=True).stdout
    options = set(re.findall(r"--[a-z-]+", usage))
    found = set(re.findall(r"--[a-z-]+", manual.split(".SH SETTINGS")[0]))
    assert found == options and len(options) > 8, found ^ options
    code = source("tools", "daemon", "settings.c")
    settings = set(re.findall(r'{"([a-z-]+)", offsetof|strcmp\(key, "([a-z-]+)',
                              code))
    for name in {a or b for a, b in settings} - {"fake"}:
        assert re.search(rf"^\.B[IR]? .*\b{name}\b", manual, re.M), name
    code = source("tools", "daemon", "methods.c")
    methods = set(re.findall(r'{"([a-z]+)", method_', code))
    text = source("tools", "daemon", "README.md")
    table = text.split("| method |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (`.*?) \|", table, re.M)
    assert {m.strip("` ") for r in rows for m in r.split(",")} == methods


def manuals(_):
    """the manual pages have no errors"""
    for page in ("tools/cli/parapet.1", "tools/daemon/parapetd.8"):
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l",
                               "-Tutf8", os.path.join(ROOT, page)],
                              text=True, capture_output=True, check=True,
                              env=dict(os.environ, MANWIDTH="80",
                                       MANPAGER="cat", PAGER="cat"))
        assert not done.stderr and len(done.stdout) > 2000, done.stderr


if __name__ == "__main__":
    sys.exit(run_tests([definitions, autostart, shapes, consoles, refusals,
                        waiting, standard_input, events, store, commands,
                        completion, patience, interrupted, daemon_words,
                        manuals]))
