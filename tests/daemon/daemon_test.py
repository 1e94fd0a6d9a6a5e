#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The daemon: lives of domains, its own restart, the protocol."""

import json
import os
import sys

sys.dont_write_bytecode = True
from toolstack import CRASH, Lines, POWEROFF, REBOOT, run_tests, until  # noqa


def life(t):
    """a domain is created, found in the store, destroyed; nothing is left"""
    xml = t.xml(devices=t.disk() + t.nic())
    t.ok("create", xml)
    read = t.read
    assert t.state("web1") == "running"
    assert read("/local/domain/1/name") == "web1"
    assert read("/local/domain/1/memory/target") == "65536"
    assert read("/local/domain/1/cpu/1/availability") == "online"
    vbd = "/parapet/backend/vbd/1/51712"
    assert read(vbd + "/params") == t.path("disk.img")
    assert read(vbd + "/mode") == "w"
    assert read("/local/domain/1/device/vbd/51712/backend") == vbd
    assert read("/parapet/backend/vif/1/0/bridge") == "br0"
    assert read("/parapet/backend/vif/1/0/vifname") == "vif1.0"
    assert read("/local/domain/1/console/port") == "2"
    assert read("/local/domain/1/vm").startswith("/vm/")
    t.ok("destroy", "web1")
    # The guest says nothing any more: its devices are closed for it.
    assert t.guests.fronts == {"vbd": "6", "vif": "6", "console": None}
    assert t.domains() == {}
    assert t.nodes() == [], t.nodes()
    assert os.listdir(t.path("run", "domains")) == []


def refusals(t):
    """what is wrong is said with stage and object, and nothing is left"""
    for xml, words, status in (
            (t.xml("a", devices=t.nic("br7")),
             "create a: interface 0: bridge br7: no such bridge", 3),
            (t.xml("b", devices=t.nic("eth0")), "not a bridge", 6),
            (t.xml("c", devices=t.disk("none.img")),
             "create c: disk xvda: " + t.path("none.img") + ": No such", 3),
            (t.xml("d", memory=4096), "create d: memory: 4096 MiB wanted at "
             "most, the machine has 1024 MiB", 5),
            (t.xml("e", devices=t.disk("broken.img")),
             "create e: disk xvda: it is broken", 1)):
        got, _, err = t.run("create", xml)
        assert words in err and got == status, (got, err)
        assert t.domains() == {} and t.nodes() == [], t.nodes()
    assert os.listdir(t.path("run", "domains")) == []


def sharing(t):
    """a disk is not given to two who write"""
    t.ok("create", t.xml("a", devices=t.disk()))
    status, _, err = t.run("create", t.xml("b", devices=t.disk()))
    assert status == 4 and "in use by a (xvda)" in err, err
    share = "<shareable/>"
    t.ok("destroy", "a")
    t.ok("create", t.xml("a", devices=t.disk(more=share)))
    t.ok("create", t.xml("b", devices=t.disk(more=share)))


def claims(t):
    """two creates at once cannot get the same memory"""
    first, second = Lines(t), Lines(t)
    for number, line in enumerate((first, second)):
        with open(t.xml(f"d{number}", memory=600)) as xml:
            line.send(json.dumps({"id": 1, "method": "create",
                                  "params": {"xml": xml.read()}}))
    answers = []
    for line in (first, second):
        answer = line.get()
        while "progress" in answer:
            answer = line.get()
        answers.append("error" in answer and answer["error"]["code"])
    assert sorted(map(str, answers)) == ["False", "limit"], answers


def endings(t):
    """shutdown destroys, reboot restarts, a crash is kept if so wished"""
    events = Lines(t)
    events.call("subscribe")
    t.ok("create", t.xml("web1", "<on_crash>preserve</on_crash>"))
    until(lambda: t.read("/local/domain/1/control/feature-reboot"),
          "the guest listens")
    t.ok("reboot", "web1")
    assert events.event("rebooting")["domid"] == 1
    assert events.event("destroyed")["domid"] == 1
    domid = events.event("started")["domid"]
    t.end(domid, CRASH)
    assert events.event("crashed")["reason"] == "crash"
    assert t.state("web1") == "crashed"
    assert t.run("resume", "web1")[0] == 4
    t.ok("destroy", "web1")
    t.ok("create", t.xml("web1"))
    domid = t.domains()["web1"]["domid"]
    until(lambda: t.read(
        f"/local/domain/{domid}/control/feature-poweroff"), "it listens")
    t.ok("shutdown", "--timeout=50", "web1")
    until(lambda: t.domains() == {}, "it is gone")
    assert t.nodes() == []


def quick_ends(t):
    """a guest that reboots at once, for ever, is given up"""
    events = Lines(t)
    events.call("subscribe")
    t.ok("create", t.xml("web1"))
    for _ in range(6):
        t.end(events.event("started")["domid"], REBOOT)
    assert events.event("failed")["reason"] == "it ends too quickly"
    until(lambda: t.domains() == {}, "it is gone")


def restart(t):
    """a killed daemon finds its domains, ends what ended meanwhile"""
    t.ok("define", t.xml("defined"))
    t.ok("create", t.xml("one", devices=t.disk() + t.nic()))
    t.ok("create", t.xml("two"))
    before = t.domains()
    t.kill()
    t.end(before["two"]["domid"], POWEROFF)
    t.start()
    until(lambda: "two" not in t.domains(), "the end is noticed")
    after = t.domains()
    assert after["one"]["domid"] == before["one"]["domid"]
    assert after["one"]["uuid"] == before["one"]["uuid"]
    assert after["defined"]["state"] == "shut off"
    assert t.json("domblklist", "one")[0]["state"] == "ready"
    t.ok("detach-disk", "one", "xvda")
    t.ok("destroy", "one")
    assert t.nodes() == [], t.nodes()


def half_built(t):
    """killed in the middle of a create, it cleans up"""
    t.guests.deaf.add("vbd")
    line = Lines(t)
    with open(t.xml("web1", devices=t.disk())) as xml:
        line.send(json.dumps({"id": 1, "method": "create",
                              "params": {"xml": xml.read()}}))
    while line.get()["progress"]["stage"] != "devices":
        pass
    t.kill()
    assert os.listdir(t.path("hv")) == ["1"]
    t.start()
    until(lambda: t.domains() == {} and t.nodes() == [], "all is gone")
    until(lambda: os.listdir(t.path("hv")) == [], "the domain too")


def cancel(t):
    """destroying a domain that is being created cancels that"""
    t.guests.deaf.add("vbd")
    line = Lines(t)
    with open(t.xml("web1", devices=t.disk())) as xml:
        line.send(json.dumps({"id": 1, "method": "create",
                              "params": {"xml": xml.read()}}))
    while line.get()["progress"]["stage"] != "devices":
        pass
    t.ok("destroy", "web1")
    answer = line.get()
    assert answer["error"]["message"] == "create web1: cancelled", answer
    assert t.domains() == {} and t.nodes() == [], t.nodes()


def hotplug(t):
    """disks and interfaces come and go; the definition as well if asked"""
    t.ok("define", t.xml("web1"))
    t.ok("start", "web1")
    t.ok("attach-disk", "--readonly", "--persistent", "web1",
         t.path("disk.img"), "xvdb")
    mode = "/parapet/backend/vbd/1/51728/mode"
    assert t.read(mode) == "r"
    t.ok("attach-interface", "--mac=00:16:3e:00:00:09", "web1", "network",
         "lan")
    assert t.read("/parapet/backend/vif/1/0/bridge") == "br0"
    assert "xvdb" in t.ok("dumpxml", "--inactive", "web1")
    assert "3e:00:00:09" not in t.ok("dumpxml", "--inactive", "web1")
    status, _, err = t.run("attach-disk", "web1", t.path("broken.img"),
                           "xvdc")
    assert status == 1 and "attach web1: disk xvdc: it is broken" in err, err
    assert [d["target"] for d in t.json("domblklist", "web1")] == ["xvdb"]
    t.ok("detach-disk", "--persistent", "web1", "xvdb")
    t.ok("detach-interface", "web1", "00:16:3e:00:00:09")
    # A guest that lives closes its end itself.
    assert t.guests.fronts == {"vbd": "1", "vif": "1"}
    assert t.read(mode) is None
    assert "xvdb" not in t.ok("dumpxml", "--inactive", "web1")
    assert t.json("domiflist", "web1") == []


def stubborn(t):
    """a device that the guest holds goes when it lets go, or by force"""
    t.kill()
    t.options = ("-o", "detach-timeout=1")
    t.start()
    t.ok("create", t.xml(devices=t.disk() + t.disk("disk2.img", "xvdb")))
    t.guests.stubborn = True
    line = Lines(t)
    line.send('{"id":1,"method":"detach","params":'
              '{"domain":"web1","target":"xvda"}}')
    t.ok("list")  # nobody else waits
    answer = line.get()
    while "progress" in answer:
        answer = line.get()
    assert answer["error"]["code"] == "timeout", answer
    status, _, err = t.run("detach-disk", "web1", "xvdb")
    assert status == 7 and "disk xvdb: the guest has not let go" in err, err
    t.kill()
    t.start()
    disks = t.json("domblklist", "web1")
    assert [d["state"] for d in disks] == ["closing"] * 2, disks
    line = Lines(t)
    line.call("subscribe")
    t.write("/parapet/backend/vbd/1/51712/state", "6")
    assert line.event("device-detached")["device"] == "disk xvda"
    t.ok("detach-disk", "--force", "web1", "xvdb")
    assert t.json("domblklist", "web1") == []
    assert t.read("/parapet/backend/vbd/1/51712/online") is None
    assert t.read("/local/domain/1/device/vbd/51728/state") is None


def limits(t):
    """memory, CPUs and shares follow, within their limits"""
    share = t.xml("big", memory=1000)
    t.ok("create", share)
    status, _, err = t.run("create", t.xml("small"))
    assert status == 5 and "64 MiB wanted, 24 MiB are free" in err, err
    t.ok("destroy", "big")
    body = ("<currentMemory unit='MiB'>32</currentMemory>"
            "<memtune><min_guarantee unit='MiB'>16</min_guarantee></memtune>")
    t.ok("create", t.xml("web1", body))
    t.ok("setmem", "web1", "48M")
    base = f"/local/domain/{t.domains()['web1']['domid']}"
    assert t.read(base + "/memory/target") == "49152"
    assert t.run("setmem", "web1", "128M")[0] == 5
    assert "min_guarantee" in t.run("setmem", "web1", "8M")[2]
    t.ok("setvcpus", "web1", "1")
    assert t.read(base + "/cpu/1/availability") == "offline"
    assert t.run("setvcpus", "web1", "3")[0] == 5
    t.ok("schedinfo", "--weight=512", "--cap=50", "web1")
    got = t.json("schedinfo", "web1")
    assert got == {"weight": 512, "cap": 50}, got
    line = Lines(t)
    for params in ({"weight": "7"}, {"cap": 1.5}, {"weight": [1]}):
        answer = line.call("schedinfo", domain="web1", **params)
        assert answer["error"]["code"] == "invalid", answer
    for method in ("setmem", "setvcpus"):
        assert "error" in line.call(method, domain="web1", kib="9", count={})
    line.close()
    t.ok("pause", "web1")
    assert t.state("web1") == "paused"
    assert t.run("pause", "web1")[0] == 4
    t.ok("resume", "web1")


def protocol(t):
    """lines that are no requests are refused, and nothing breaks"""
    line = Lines(t)
    for text in ("x", "[]", "{}", '{"method":7}', "null", '"a"',
                 '{"id":1,"method":"none"}', '{"id":1,"method":"info"}',
                 '{"id":1,"method":"info","params":[]}',
                 '{"id":1,"method":"create","params":{"xml":7}}',
                 "[" * 1000, '{"id":1,"method":"define","params":'
                 '{"xml":"<domain/>"}}', '{"id":{},"method":"info"}'):
        line.send(text)
        assert "error" in line.get(), text
    line.sock.sendall(b'{"id":9,"met')
    line.send('hod":"version"}')
    assert line.get()["result"]["protocol"] == 1
    line.send('{"id":1,"method":"version"}\n{"id":2,"method":"version"}')
    assert [line.get()["id"], line.get()["id"]] == [1, 2]
    line.close()
    late = Lines(t)  # one that does not wait for its answer
    with open(t.xml()) as xml:
        late.send(json.dumps({"id": 1, "method": "create",
                              "params": {"xml": xml.read()}}))
    late.close()
    until(lambda: t.state("web1") == "running", "it runs all the same")
    long = Lines(t)
    try:
        for _ in range(80):
            long.sock.sendall(b"x" * 65536)
        assert "error" in long.get()
    except (BrokenPipeError, ConnectionResetError):
        pass
    t.ok("version")


def store_restart(t):
    """the store daemon may be killed and started again"""
    t.ok("create", t.xml("one"))
    t.procs["stored"].kill()
    t.procs["stored"].wait()
    t.start_store()
    t.guests = type(t.guests)(t)
    t.guests.start()
    t.ok("create", t.xml("two", devices=t.disk()))
    t.ok("destroy", "one")
    t.ok("destroy", "two")
    assert t.nodes() == [], t.nodes()


def many(t):
    """fifty lives leave descriptors, nodes and files as they were"""
    xml = t.xml(devices=t.disk() + t.nic())
    fds = f"/proc/{t.procs['parapetd'].pid}/fd"
    t.ok("create", xml)
    t.ok("destroy", "web1")
    before = len(os.listdir(fds))
    line = Lines(t)
    with open(xml) as file:
        text = file.read()
    for _ in range(50):
        assert "result" in line.call("create", xml=text)
        assert "result" in line.call("destroy", domain="web1")
    line.close()
    until(lambda: len(os.listdir(fds)) == before, "descriptors as before")
    assert t.nodes() == [] and os.listdir(t.path("hv")) == []


if __name__ == "__main__":
    sys.exit(run_tests([life, refusals, sharing, claims, endings, quick_ends,
                        restart, half_built, cancel, hotplug, stubborn,
                        limits, protocol, store_restart, many]))
