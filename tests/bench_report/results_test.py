#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What tests/bench makes of what boots printed, without a boot."""

import io
import json
import os
import sys
import tempfile
import types
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "bench"))

# pylint: disable=wrong-import-position
import bench                                    # noqa: E402
from results import Results                     # noqa: E402
from systems import SYSTEMS, USUAL              # noqa: E402
from toolstacks import Guest                    # noqa: E402


def canned():
    results = Results()
    for native, control, guest, xen in ((100, 180, 185, 3000),
                                        (110, 220, 225, 3300),
                                        (90, 162, 160, 2900)):
        for system, value in (("native", native), ("parapet-control", control),
                              ("parapet-guest", guest), ("xen-guest", xen)):
            results.add(system, {"getpid": value})
    results.add("parapet-guest", {"net_to_guest": 100.0, "list": 6.0})
    results.add("xen-guest", {"net_to_guest": 200.0, "list": 85.0})
    results.add("native", {"getpid": 346}, "_insns")
    return results


class ResultsTest(unittest.TestCase):
    """Medians, limits, JSON."""

    def test_json_has_each_round_in_median_and_ends(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "results.json")
            canned().write_json(path, {"rounds": 3})
            with open(path, encoding="utf-8") as file:
                found = json.load(file)
        getpid = found["metrics"]["getpid"]
        self.assertEqual(getpid["unit"], "ns")
        self.assertEqual(getpid["systems"]["native"],
                         {"median": 100, "min": 90, "max": 110})
        self.assertEqual(found["metrics"]["getpid_insns"]["unit"],
                         "instructions")
        self.assertEqual(found["metrics"]["net_to_guest"]["unit"], "MiB/s")
        self.assertEqual(found["setup"], {"rounds": 3})

    def test_ratio_is_of_what_was_measured_in_one_round(self):
        self.assertEqual(canned().ratio("getpid", "parapet-control", "native"),
                         1.8)

    def test_limits_are_kept_or_missed(self):
        checks = {check["text"]: check["good"] for check in canned().checks()}
        self.assertTrue(checks["getpid: parapet-control 1.80 of native, "
                               "at most 2.0"])
        self.assertTrue(checks["list: parapet-guest 6 ms, at most 15"])
        self.assertFalse(checks["net_to_guest: parapet-guest 100 MiB/s, "
                                "at least 155"])

    def test_ahead_means_on_every_row(self):
        found = canned().ahead("parapet-guest", "xen-guest")
        self.assertFalse(found["good"])
        self.assertIn("3 rows, not on net_to_guest 2.00", found["text"])
        self.assertIsNone(canned().ahead("parapet-guest", "kvm-guest"))

    def test_nothing_is_said_of_what_was_not_measured(self):
        self.assertEqual(Results().checks(), [])


class PlanTest(unittest.TestCase):
    """Which boots there are."""

    @staticmethod
    def args(**more):
        args = types.SimpleNamespace(
            systems=list(USUAL), rounds=3, io_rounds=2, rows="", no_time=False,
            no_insns=False, no_flushes=False, no_io=False)
        vars(args).update(more)
        return args

    def test_nobody_is_always_first(self):
        plan = bench.plan_of(self.args(systems=["native", "xen-guest"]))
        self.assertEqual([name for label, name, kind in plan
                          if kind == "time"],
                         ["native", "xen-guest", "xen-guest", "native",
                          "native", "xen-guest"])

    def test_what_takes_long_is_done_once(self):
        plan = bench.plan_of(self.args())
        kinds = [kind for _, name, kind in plan if name == "tcg-guest"]
        self.assertEqual(kinds, ["time", "io"])

    def test_devices_alone(self):
        plan = bench.plan_of(self.args(systems=["parapet-guest-frontends"]))
        self.assertEqual([kind for _, _, kind in plan], ["io", "io"])

    def test_rows_say_which_boots_are_needed(self):
        for rows, kinds in (("net_rtt", {"io"}),
                            ("build,db_insert", {"io"}),
                            ("getpid", {"time", "insns", "flushes"})):
            args = self.args(rows=rows)
            bench.choose_kinds(args)
            self.assertEqual({kind for _, _, kind in bench.plan_of(args)},
                             kinds, rows)

    def test_every_system_can_be_booted(self):
        for system in SYSTEMS.values():
            self.assertIn(system.base, ("native", "parapet", "xen"))
            if system.peer:
                name, text = Guest("g", 64, "some words", True).described_for(
                    system.peer, system.accel)
                self.assertTrue(name.startswith("g."))
                self.assertIn("some words", text)
                self.assertNotIn("{", text.replace("{}", ""))


class Tap(unittest.TextTestResult):
    """Prints TAP."""

    def line(self, test, good):
        print(f"{'ok' if good else 'not ok'} {self.testsRun} - {test}",
              flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line(test, True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line(test, False)

    def addError(self, test, err):
        super().addError(test, err)
        self.line(test, False)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(
        sys.modules[__name__])
    print(f"1..{suite.countTestCases()}")
    why = io.StringIO()
    done = unittest.TextTestRunner(resultclass=Tap, stream=why).run(suite)
    if not done.wasSuccessful():
        print("# " + why.getvalue().replace("\n", "\n# "))
    return 0 if done.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
