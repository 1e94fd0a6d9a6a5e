"""Read the contract: what hypercall/include/pv declares, what ABI.md says.

Both readers keep the line on which a thing was found, so that complaints can
name it.
"""

import os
import re

INCLUDE = "include"
DOCUMENT = "ABI.md"
CALL_LIST = "include/pv/hypercalls.def"

# Object-like macros that are no constants of the interface.
NOT_CONSTANTS = {"PV_EMULATE_PREFIX"}

DEFINE = re.compile(r"^#define\s+(\w+)(\(?)\s*(.*)$")
TYPE = re.compile(r"^((?:struct|union) pv_\w+) \{$")
CALL = re.compile(r"^PV_HYPERCALL\((\d+), (\w+), (\d+)\)$")
REFUSED = re.compile(r"^PV_HYPERCALL_REFUSED\((\d+), (\w+)\)$")


class Headers:
    """constants, types: name -> "path:line"; calls, refused: see below."""

    def __init__(self, root):
        self.root = root
        self.files = sorted(self._find())
        self.constants, self.types = {}, {}
        self.calls = {}    # name -> (number, arguments)
        self.refused = {}  # name -> number
        for name in self.files:
            self._read(name)
        self._read_calls()

    def _find(self):
        top = os.path.join(self.root, INCLUDE)
        for folder, _, names in os.walk(top):
            for name in names:
                if name.endswith(".h"):
                    yield os.path.relpath(os.path.join(folder, name), top)

    def _read(self, name):
        guard = re.sub(r"\W", "_", name).upper()
        path = os.path.join(INCLUDE, name)
        with open(os.path.join(self.root, path), encoding="utf-8") as f:
            for n, line in enumerate(f, 1):
                where = f"{path}:{n}"
                macro = DEFINE.match(line)
                found = TYPE.match(line)
                if found:
                    self.types[found.group(1)] = where
                elif (macro and not macro.group(2) and macro.group(3)
                      and macro.group(1) not in NOT_CONSTANTS | {guard}):
                    self.constants[macro.group(1)] = where

    def _read_calls(self):
        path = os.path.join(self.root, CALL_LIST)
        with open(path, encoding="utf-8") as f:
            for line in map(str.strip, f):
                call, refused = CALL.match(line), REFUSED.match(line)
                if call:
                    self.calls[call.group(2)] = (int(call.group(1)),
                                                 int(call.group(3)))
                elif refused:
                    self.refused[refused.group(2)] = int(refused.group(1))
                elif line.startswith("PV_HYPERCALL"):
                    raise ValueError(f"{CALL_LIST}: cannot read: {line}")


class Row:
    """One row of one table: its cells without back quotes, and its line."""

    def __init__(self, line, kind, of, cells):
        self.line, self.kind, self.of, self.cells = line, kind, of, cells

    def __str__(self):
        return f"{DOCUMENT}:{self.line}"


# The first two column heads tell what a table holds.
KINDS = {
    ("Value", "Name"): "constant",
    ("Size", "Type"): "size",
    ("Number", "Hypercall"): "call",
    ("Number", "Refused"): "refused",
}
FIELD_HEAD = re.compile(r"^Field of `((?:struct|union) pv_\w+)`$")


def split_row(line):
    """The cells of a table's line; a bar within one is written \\|."""
    inner = line.strip().strip("|")
    return [c.strip() for c in re.split(r"(?<!\\)\|", inner)]


def plain(cell):
    found = re.fullmatch(r"`([^`]*)`", cell)
    return found.group(1) if found else cell


class Document:
    """rows: the tables that are checked; text: every line."""

    def __init__(self, root):
        with open(os.path.join(root, DOCUMENT), encoding="utf-8") as f:
            self.text = f.read().splitlines()
        self.rows = list(self._tables())

    def _tables(self):
        kind = of = width = None
        previous = ""
        for n, line in enumerate(self.text, 1):
            if not line.startswith("|"):
                kind = width = None
            elif re.fullmatch(r"\|(-+\|)+", line):
                head = split_row(previous)
                kind, of, width = self._kind(head)
            elif width:
                cells = split_row(line)
                if len(cells) != width:
                    kind_here = "bad"
                else:
                    kind_here = kind
                if kind_here:
                    yield Row(n, kind_here, of, [plain(c) for c in cells])
            previous = line

    @staticmethod
    def _kind(head):
        field = FIELD_HEAD.match(head[1]) if len(head) > 1 else None
        if head[0] == "Offset" and field:
            return "field", field.group(1), len(head)
        return KINDS.get(tuple(head[:2])), None, len(head)

    def of_kind(self, kind):
        return [row for row in self.rows if row.kind == kind]
