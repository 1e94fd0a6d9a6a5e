# SPDX-License-Identifier: MIT
"""What programs on a machine say of their checks, read from its console.

A check is a line "PASS name: detail" or "FAIL name: detail".  But others print
there, too, and what they say may go into such a line and spoil it, or its end
may not have come when the machine goes off.  So each program says how many
checks it made, "program: N passed, N failed".  Lines tell what was checked; the
sums, how many checks passed and how many failed.
"""

import re

LINE = re.compile(r"\b(PASS|FAIL) ([\w-]+): (.*)")
SUM = re.compile(r"\b([\w-]+): (\d+) passed, (\d+) failed\b")


class Results:
    """The checks of a boot, made by these programs."""

    def __init__(self, programs, lines=()):
        self.programs = programs
        self.checks = []        # (did it pass, what it is)
        self.sums = {}          # of each program: {(passed, failed)}
        for line in lines:
            self.take(line)

    def take(self, line):
        """One line; the check that it tells of, or None."""
        found = SUM.search(line)
        if found and found[1] in self.programs:
            self.sums.setdefault(found[1], set()).add(
                (int(found[2]), int(found[3])))
        found = LINE.search(line)
        if not found:
            return None
        self.checks.append((found[1] == "PASS", f"{found[2]}: {found[3]}"))
        return self.checks[-1]

    def count(self):
        """How many checks the sums tell of."""
        return sum(sum(max(said)) for said in self.sums.values())

    def rest(self):
        """The checks that only the sums tell of."""
        missing = []
        for program, said in self.sums.items():
            if len(said) > 1:
                missing.append((False, f"{program}: one of {sorted(said)}"))
        for good, index in ((True, 0), (False, 1)):
            counted = sum(max(said)[index] for said in self.sums.values())
            lines = sum(check[0] == good for check in self.checks)
            missing += [(good, "a check whose line is not whole"
                         )] * (counted - lines)
        return missing
