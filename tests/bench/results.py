"""What the benchmark measured: collected, compared, written."""

import json
import os
import statistics

# Ratios to the bare machine: what Xen's control domain was measured at, and
# what Parapet's may be at most.  *_insns are instruction counts.
TARGETS = {
    "getpid": (31.4, 2.0),
    "read_zero": (21.3, 1.7),
    "fork_wait": (2.78, 1.9),
    "fork_exec_wait": (2.58, 1.8),
    "page_fault": (4.5, 2.2),
    "pipe_round_trip": (2.72, 1.6),
    "mmap64": (2.11, 1.9),
    "mprotect64": (6.08, 3.0),
    "signal": (1.84, 1.25),
    "clock_gettime": (1.0, 1.03),
    "memcpy": (1.0, 1.03),
    "int_loop": (1.0, 1.03),
    "boot_to_init": (2.3, 1.7),
    "getpid_insns": (2.91, 1.3),
    "fork_exec_wait_insns": (2.79, 1.7),
}
BASE = "native"
UNITS = {"_insns": "instructions", "_flushes": "flushes"}
# Rows of disks, networks and lives: their units, for which no ratio to the
# bare machine is shown.
IO_UNITS = {
    "block_seq_read": "MiB/s", "block_rand_qd1": "IOPS",
    "block_rand_qd32": "IOPS", "net_to_control": "MiB/s",
    "net_to_guest": "MiB/s", "net_rtt": "us", "create_to_init": "ms",
    "create_to_init_first": "ms", "create_toolstack": "ms", "destroy": "ms",
    "list": "ms", "build": "ms", "compress": "MiB/s", "db_insert": "1/s",
    "db_select": "1/s",
}
# (metric, system, compared with or None, "most" or "least", limit)
IO_TARGETS = (
    ("create_to_init", "parapet-guest", None, "most", 3000),
    ("create_toolstack", "parapet-guest", None, "most", 80),
    ("destroy", "parapet-guest", None, "most", 60),
    ("list", "parapet-guest", None, "most", 15),
    ("block_seq_read", "parapet-guest", "parapet-control", "least", 0.80),
    ("block_rand_qd32", "parapet-guest", "parapet-control", "least", 0.75),
    ("block_rand_qd1", "parapet-guest", "parapet-control", "least", 0.45),
    ("block_rand_qd32", "parapet-control", "native", "least", 0.70),
    ("block_rand_qd1", "parapet-control", "native", "least", 0.70),
    ("net_to_control", "parapet-guest", None, "least", 117),
    ("net_to_guest", "parapet-guest", None, "least", 155),
    ("net_rtt", "parapet-guest", None, "most", 390),
)
GUEST_MOST = 1.05       # a guest's microbenchmarks against the control domain's


class Results:
    """values[metric][system] is what each round gave, in order."""

    def __init__(self):
        self.values = {}

    def add(self, system, found, suffix=""):
        for metric, value in found.items():
            self.values.setdefault(metric + suffix, {}).setdefault(
                system, []).append(value)

    def ratio(self, metric, system):
        """Median over the rounds of system / base, or None."""
        rows = self.values.get(metric, {})
        pairs = zip(rows.get(system, []), rows.get(BASE, []))
        if metric.endswith("_flushes"):
            return None         # most are next to none: no ratio makes sense
        if metric in IO_UNITS:
            return None
        ratios = [ours / base for ours, base in pairs if base]
        return statistics.median(ratios) if ratios else None

    def systems(self):
        seen = {s for rows in self.values.values() for s in rows}
        return sorted(seen, key=lambda s: (s != BASE, s != "parapet-control",
                                           s))

    def write_json(self, path, setup):
        metrics = {}
        for metric, rows in self.values.items():
            unit = next((u for suffix, u in UNITS.items()
                         if metric.endswith(suffix)),
                        IO_UNITS.get(metric, "ns"))
            metrics[metric] = {"unit": unit, "systems": {
                system: {"median": statistics.median(values),
                         "min": min(values), "max": max(values)}
                for system, values in rows.items()}}
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            json.dump({"setup": setup, "metrics": metrics}, file, indent=1)
            file.write("\n")
        os.replace(path + ".tmp", path)

    def table(self):
        """Lines to print."""
        others = [s for s in self.systems() if s != BASE]
        head = f"{'metric':24}{BASE:>12}"
        for system in others:
            head += f"{system:>18}{'ratio':>8}"
        lines = [head + f"{'at most':>9}  spread", "-" * (len(head) + 17)]
        for metric, rows in self.values.items():
            lines.append(self._row(metric, rows, others))
        return lines

    def _row(self, metric, rows, others):
        line = f"{metric:24}{short(rows.get(BASE)):>12}"
        for system in others:
            ratio = self.ratio(metric, system)
            text = f"{ratio:.2f}" if ratio else "-"
            line += f"{short(rows.get(system)):>18}{text:>8}"
        most = TARGETS.get(metric, (None, None))[1]
        ours = self.ratio(metric, "parapet-control")
        verdict = ""
        if most and ours:
            verdict = "" if ours <= most else "  MISSED"
        line += f"{most if most else '-':>9}  {spread(rows)}{verdict}"
        return line


def verdict_of(results, metric, system, base, kind, limit):
    """A line, or None if it was not measured."""
    rows = results.values.get(metric, {})
    if system not in rows or (base and base not in rows):
        return None
    value = statistics.median(rows[system])
    text = f"{metric}: {system} {short(rows[system])}"
    text += " " + IO_UNITS.get(metric, "ns")
    if base:
        value /= statistics.median(rows[base]) or 1
        text += f", {value:.2f} of {base}"
    good = value <= limit if kind == "most" else value >= limit
    return f"{text}, at {kind} {limit}{'' if good else '  MISSED'}"


def verdicts(results):
    """Lines: the guest against the control domain, and what is no ratio."""
    wanted = [(metric, "parapet-guest", "parapet-control", "most", GUEST_MOST)
              for metric in results.values
              if metric not in IO_UNITS and metric != "boot_to_init"
              and not metric.endswith("_flushes")]
    lines = [verdict_of(results, *want) for want in wanted + list(IO_TARGETS)]
    return [""] + [line for line in lines if line]


def short(values):
    """A median with three or four digits and a unit prefix."""
    if not values:
        return "-"
    value = statistics.median(values)
    if value < 10:
        return f"{value:.2f}"
    for limit, divisor, prefix in ((1e4, 1, ""), (1e7, 1e3, "k"),
                                   (1e10, 1e6, "M")):
        if value < limit:
            digits = 1 if value / divisor < 1000 else 0
            return f"{value / divisor:.{digits}f}{prefix}"
    return f"{value / 1e9:.1f}G"


def spread(rows):
    """The widest (max - min) / median of the systems, in percent."""
    widest = max((max(v) - min(v)) / (statistics.median(v) or 1)
                 for v in rows.values())
    return f"{100 * widest:.1f}%"
