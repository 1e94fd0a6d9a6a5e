# SPDX-License-Identifier: MIT
"""What the benchmark measured: collected, held against limits, written."""

import json
import os
import statistics

BASE = "native"
UNITS = {"_insns": "instructions", "_flushes": "flushes"}
# Rows that are not nanoseconds.
IO_UNITS = {
    "block_seq_read": "MiB/s", "block_rand_qd1": "IOPS",
    "block_rand_qd32": "IOPS", "net_to_control": "MiB/s",
    "net_to_guest": "MiB/s", "net_rtt": "us", "create_to_init": "ms",
    "create_to_init_first": "ms", "create_to_init_busy": "ms",
    "create_toolstack": "ms", "create_toolstack_busy": "ms", "destroy": "ms",
    "destroy_busy": "ms",
    "list": "ms", "build": "ms", "compress": "MiB/s", "db_insert": "1/s",
    "db_select": "1/s",
}
RATES = ("MiB/s", "IOPS", "1/s")        # more is better

# What a control domain's time may be against the bare machine's.
CONTROL_MOST = {
    "getpid": 2.0, "read_zero": 1.7, "fork_wait": 1.9, "fork_exec_wait": 1.8,
    "page_fault": 2.2, "pipe_round_trip": 1.6, "mmap64": 1.9,
    "mprotect64": 3.0, "signal": 1.25, "clock_gettime": 1.03, "memcpy": 1.03,
    "int_loop": 1.03, "boot_to_init": 1.7, "getpid_insns": 1.3,
    "fork_exec_wait_insns": 1.7,
}
# The same of a guest with our patches.
PATCHED_MOST = {
    "getpid": 1.8, "fork_exec_wait": 1.6, "page_fault": 2.0,
    "pipe_round_trip": 1.5, "mprotect64": 2.0, "int_loop": 1.02,
    "memcpy": 1.02,
}
GUEST_MOST = 1.05       # a guest's against the control domain's
# (metric, system, compared with or None, "most" or "least", limit)
LIMITS = (
    *((metric, "parapet-control", BASE, "most", limit)
      for metric, limit in CONTROL_MOST.items()),
    *((metric, "parapet-guest-patched", BASE, "most", limit)
      for metric, limit in PATCHED_MOST.items()),
    ("create_to_init", "parapet-guest", None, "most", 3000),
    ("create_toolstack", "parapet-guest", None, "most", 80),
    ("destroy", "parapet-guest", None, "most", 60),
    ("list", "parapet-guest", None, "most", 15),
    ("block_seq_read", "parapet-guest", "parapet-control", "least", 0.80),
    ("block_rand_qd32", "parapet-guest", "parapet-control", "least", 0.75),
    ("block_rand_qd1", "parapet-guest", "parapet-control", "least", 0.45),
    ("block_rand_qd32", "parapet-control", BASE, "least", 0.70),
    ("block_rand_qd1", "parapet-control", BASE, "least", 0.70),
    *((metric, ours, other, "least", limit)
      for ours in ("parapet-guest-patched", "parapet-guest-frontends")
      for metric in ("block_seq_read", "block_rand_qd1", "block_rand_qd32")
      for other, limit in (("parapet-control", 0.95), ("parapet-guest", 1.5))),
    *((metric, ours, "parapet-guest", "least", 1.5)
      for ours in ("parapet-guest-patched", "parapet-guest-frontends")
      for metric in ("net_to_control", "net_to_guest")),
    ("net_to_control", "parapet-guest", None, "least", 117),
    ("net_to_guest", "parapet-guest", None, "least", 155),
    ("net_rtt", "parapet-guest", None, "most", 390),
)
# Whoever of ours is measured, and whom it has to be ahead of on every row.
AHEAD = (("parapet-control", "xen-control"), ("parapet-guest", "xen-guest"),
         ("parapet-guest-patched", "xen-guest"))
NO_DIFFERENCE = 1.03    # ahead, or as good as that


def unit_of(metric):
    for suffix, unit in UNITS.items():
        if metric.endswith(suffix):
            return unit
    return IO_UNITS.get(metric, "ns")


class Results:
    """values[metric][system] is what each round gave, in order."""

    def __init__(self):
        self.values = {}

    def add(self, system, found, suffix=""):
        for metric, value in found.items():
            self.values.setdefault(metric + suffix, {}).setdefault(
                system, []).append(value)

    def has(self, metric, *systems):
        return all(system in self.values.get(metric, {})
                   for system in systems)

    def median(self, metric, system):
        return statistics.median(self.values[metric][system])

    def ratio(self, metric, system, base):
        """Median over the rounds of system / base."""
        ours, others = (self.values[metric][name] for name in (system, base))
        ratios = [a / b for a, b in zip(ours, others) if b]
        return statistics.median(ratios) if ratios else 0.0

    def check(self, metric, system, base, kind, limit):
        """{"text", "good"}, or None if it was not measured."""
        if not self.has(metric, system, *([base] if base else [])):
            return None
        value = (self.ratio(metric, system, base) if base
                 else self.median(metric, system))
        good = value <= limit if kind == "most" else value >= limit
        text = (f"{value:.2f} of {base}" if base
                else f"{value:.0f} {unit_of(metric)}")
        return {"text": f"{metric}: {system} {text}, at {kind} {limit}",
                "good": good}

    def ahead(self, ours, theirs):
        """One check for all rows that both have."""
        rows = [metric for metric in self.values
                if not metric.endswith("_flushes")
                and self.has(metric, ours, theirs)]
        behind = []
        for metric in rows:
            ratio = self.ratio(metric, ours, theirs)
            if unit_of(metric) in RATES:
                ratio = 1 / ratio if ratio else 0.0
            if ratio > NO_DIFFERENCE:
                behind.append(f"{metric} {ratio:.2f}")
        if not rows:
            return None
        text = f"{ours} is ahead of {theirs} on {len(rows)} rows"
        if behind:
            text += ", not on " + ", ".join(behind)
        return {"text": text, "good": not behind}

    def checks(self):
        guests = [(metric, "parapet-guest", control, "most", GUEST_MOST)
                  for control in ("parapet-control", "parapet-control-apart")
                  for metric in self.values
                  if metric not in IO_UNITS and not metric.startswith("boot_to_init")
                  and not metric.endswith("_flushes")]
        found = [self.check(*limit) for limit in (*LIMITS, *guests)]
        found += [self.ahead(*pair) for pair in AHEAD]
        return [check for check in found if check]

    def as_json(self, setup):
        metrics = {}
        for metric, rows in self.values.items():
            metrics[metric] = {"unit": unit_of(metric), "systems": {
                system: {"median": statistics.median(values),
                         "min": min(values), "max": max(values)}
                for system, values in rows.items()}}
        return {"setup": setup, "metrics": metrics, "checks": self.checks()}

    def write_json(self, path, setup):
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            json.dump(self.as_json(setup), file, indent=1)
            file.write("\n")
        os.replace(path + ".tmp", path)
