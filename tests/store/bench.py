#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The store's benchmark: a table, JSON and a plot.

usage: bench.py [--quick] [--out DIR]

Two daemons run side by side, both with their journal on: one whose store is
empty but for 1,000 keys, and one that also holds 1,000 domains of 1,000 nodes
and 20 watches each.  Every measurement is made on both in turn, several rounds.
Targets are held against the medians of the rounds; the best of them stand beside
them, because another program on the machine can only make a round slower.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("BUILD", "build")
STORED = os.path.join(BUILD, "bin", "parapet-stored")
BENCH = os.path.join(BUILD, "tests", "store-bench")

# name, target (None: only shown), True if more is better
MEASURES = [
    ("read-pipelined", 200000, True),
    ("write-pipelined", 150000, True),
    ("read-sync-median", 25, False),
    ("read-sync-p99", 100, False),
    ("write-sync-median", 25, False),
    ("write-sync-p99", 100, False),
    ("watch-delivery-median", 50, False),
    ("watch-delivery-p99", None, False),
    ("transactions", 30000, True),
    ("transactions-sync", None, True),
    ("directory-10000", None, False),
    ("clients-100", None, True),
    ("clients-1000", None, True),
]
WORDS = ["read-pipelined", "write-pipelined", "read-sync", "write-sync",
         "watch-delivery", "transactions", "transactions-sync"]
ONCE = ["directory-10000", "clients-100", "clients-1000"]
RATIO_LIMIT = 1.5
NODE_OVERHEAD_LIMIT = 200


class Store:
    """A daemon with its journal in memory-backed storage if there is any."""

    def __init__(self, base):
        self.dir = tempfile.mkdtemp(dir=base)
        self.socket = os.path.join(self.dir, "socket")
        self.proc = subprocess.Popen(
            [STORED, "-f", "-s", self.socket, "-d",
             os.path.join(self.dir, "state")], stderr=subprocess.DEVNULL)
        while not os.path.exists(self.socket):
            if self.proc.poll() is not None:
                sys.exit("bench: the daemon does not start")
            time.sleep(0.01)

    def run(self, *words):
        """Results of these measurements, by name."""
        out = subprocess.run([BENCH, self.socket, *map(str, words)],
                             stdout=subprocess.PIPE, check=True, text=True)
        found = [json.loads(line) for line in out.stdout.splitlines()]
        return {r["name"]: (r["value"], r["unit"]) for r in found}

    def cpu(self):
        """Seconds that the daemon has run, precisely."""
        with open(f"/proc/{self.proc.pid}/schedstat") as f:
            return int(f.read().split()[0]) / 1e9

    def memory(self):
        with open(f"/proc/{self.proc.pid}/status") as f:
            for line in f:
                if line.startswith("VmRSS"):
                    return int(line.split()[1]) * 1024
        return 0

    def stop(self):
        self.proc.terminate()
        self.proc.wait()
        shutil.rmtree(self.dir)


def better(values, more):
    return max(values) if more else min(values)


def measure(store, prefix, words, results, spread=0):
    for word in words:
        before = store.cpu()
        for name, (value, unit) in store.run("domains", spread, word).items():
            results.setdefault(prefix + name, ([], unit))[0].append(value)
        if word in ("read-pipelined", "write-pipelined"):
            results.setdefault(f"{prefix}{word}-cpu", ([], "us"))[0].append(
                (store.cpu() - before) / 500000 * 1e6)


def scaling(base, counts, rounds):
    """Throughput and latency against the number of domains."""
    store, points, have = Store(base), [], 0
    store.run("keys")
    for count in counts:
        if count > have:
            store.run("fill", count)
            have = count
        best = {}
        for _ in range(rounds):
            for name, (value, _) in store.run(
                    "domains", count, "read-pipelined", 200000,
                    "write-pipelined", 200000, "read-sync", 5000).items():
                best.setdefault(name, []).append(value)
        points.append({"domains": count,
                       "reads": max(best["read-pipelined"]),
                       "writes": max(best["write-pipelined"]),
                       "sync_us": min(best["read-sync-median"])})
    store.stop()
    return points


def key_bytes(domains):
    """Bytes of paths and values that "fill" writes, and its nodes."""
    size = nodes = 0
    for d in range(1, domains + 1):
        home = len(f"/local/domain/{d}")
        size += home + home + len("/device")
        nodes += 2
        for i in range(40):
            size += home + len(f"/device/d{i}")
            nodes += 1
        for i in range(1000):
            size += home + len(f"/device/d{i // 25}/k{i % 25}") + 1
            nodes += 1
    return size, nodes


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def row(name, results, target, more):
    if name not in results:
        return None
    values, unit = results[name]
    median, best = statistics.median(values), better(values, more)
    line = {"name": name, "unit": unit, "median": median, "best": best,
            "target": target}
    full = results.get("full " + name)
    if full:
        fm, fb = statistics.median(full[0]), better(full[0], more)
        line.update(full_median=fm, full_best=fb,
                    ratio=median / fm if more else fm / median)
    spread = results.get("spread " + name)
    if spread:
        line["spread_median"] = statistics.median(spread[0])
    if target is not None:
        worst = min if more else max
        value = worst(median, line.get("full_median", median))
        line["met"] = value >= target if more else value <= target
    return line


def table(report):
    print(f"{'':24} {'unit':>5} {'median':>11} {'best':>11} "
          f"{'1M nodes':>11} {'ratio':>6} {'target':>9}")
    for r in report["rows"]:
        print(f"{r['name']:24} {r['unit']:>5} {number(r['median']):>11} "
              f"{number(r['best']):>11} "
              f"{number(r['full_median']) if 'full_median' in r else '':>11} "
              f"{format(r['ratio'], '.2f') if 'ratio' in r else '':>6} "
              f"{number(r['target']) if r['target'] else '':>9} "
              f"{'' if r['target'] is None else 'met' if r['met'] else 'NOT MET'}")
    print(f"\nnodes {report['nodes']:,}: {report['node_bytes']:.0f} bytes "
          f"each beyond path and value (target {NODE_OVERHEAD_LIMIT})")
    print(f"worst ratio, store of 1M nodes to empty one: "
          f"{report['worst_ratio']:.2f} (target {RATIO_LIMIT})")
    print("keys spread over all the nodes: " + ", ".join(
        f"{r['name']} {number(r['spread_median'])} {r['unit']}"
        for r in report["rows"] if "spread_median" in r))
    print(f"load average {report['load'][0]:.1f} before, "
          f"{report['load'][1]:.1f} after")


def svg(points, path):
    """Requests per second against domains, on logarithmic axes."""
    import math
    width, height, left, base = 640, 360, 70, 310
    span_x, span_y = 480, 260
    top = max(max(p["reads"], p["writes"]) for p in points)
    decades = range(4, math.ceil(math.log10(top)) + 1)
    low, high = decades[0], decades[-1]
    most = math.log10(max(p["domains"] for p in points))

    def at(domains, value):
        x = left + span_x * (math.log10(domains) / most if most else 0)
        y = base - span_y * (math.log10(value) - low) / (high - low)
        return f"{x:.1f},{y:.1f}"

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
           f'height="{height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="white"/>',
           f'<text x="{width / 2}" y="20" text-anchor="middle" '
           'font-size="14">Store: requests per second against domains '
           'of 1,000 nodes</text>']
    for d in decades:
        y = base - span_y * (d - low) / (high - low)
        out.append(f'<line x1="{left}" y1="{y}" x2="{left + span_x}" '
                   f'y2="{y}" stroke="#ddd"/><text x="{left - 8}" '
                   f'y="{y + 4}" text-anchor="end">{10 ** d:,}</text>')
    for p in points:
        x = at(p["domains"], 10 ** low).split(",")[0]
        out.append(f'<text x="{x}" y="{base + 18}" text-anchor="middle">'
                   f'{p["domains"]}</text>')
    for series, colour in (("reads", "#1f77b4"), ("writes", "#d62728")):
        line = " ".join(at(p["domains"], p[series]) for p in points)
        out.append(f'<polyline points="{line}" fill="none" '
                   f'stroke="{colour}" stroke-width="2"/>')
        x, y = at(points[-1]["domains"], points[-1][series]).split(",")
        out.append(f'<text x="{float(x) + 6}" y="{float(y) + 4}" '
                   f'fill="{colour}">{series}</text>')
    out.append(f'<text x="{left + span_x / 2}" y="{base + 38}" '
               'text-anchor="middle">domains</text></svg>')
    with open(path, "w") as f:
        f.write("\n".join(out) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", default=os.path.join(BUILD, "bench-store"))
    args = parser.parse_args()
    rounds, domains = (2, 100) if args.quick else (7, 1000)
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    os.makedirs(args.out, exist_ok=True)
    results, load = {}, [os.getloadavg()[0]]

    empty, full = Store(base), Store(base)
    empty.run("keys")
    before = full.memory()
    full.run("fill", domains)
    size, nodes = key_bytes(domains)
    node_bytes = (full.memory() - before - size) / nodes
    full.run("keys")
    holder = subprocess.Popen([BENCH, full.socket, "hold", str(domains)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdout.readline()
    for _ in range(rounds):
        for word in WORDS:
            measure(empty, "", [word], results)
            measure(full, "full ", [word], results)
    for _ in range(rounds):
        measure(full, "spread ", ["read-pipelined", "write-pipelined",
                                  "transactions"], results, domains)
        measure(empty, "", ONCE, results)
    holder.stdin.close()
    holder.wait()
    empty.stop()
    full.stop()
    points = scaling(base, [n for n in (1, 10, 100, 1000) if n <= domains],
                     rounds)
    load.append(os.getloadavg()[0])

    rows = [row(*m[:1], results, *m[1:]) for m in MEASURES]
    rows += [row(name, results, None, False)
             for name in ("read-pipelined-cpu", "write-pipelined-cpu")]
    rows = [r for r in rows if r]
    report = {"rows": rows, "nodes": nodes, "node_bytes": node_bytes,
              "worst_ratio": max(r["ratio"] for r in rows if "ratio" in r and
                                 r["target"]),
              "scaling": points, "load": load}
    with open(os.path.join(args.out, "store.json"), "w") as f:
        json.dump(report, f, indent=1)
    svg(points, os.path.join(args.out, "store.svg"))
    table(report)
    print(f"\n{args.out}/store.json, {args.out}/store.svg")
    missed = [r["name"] for r in rows if r.get("met") is False]
    if report["worst_ratio"] > RATIO_LIMIT:
        missed.append("ratio")
    if node_bytes > NODE_OVERHEAD_LIMIT:
        missed.append("node_bytes")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
