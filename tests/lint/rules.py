"""The rules of the house that plain text can show.

A rule is a function of a Tree; it yields "path:line: what is wrong".
"""

import os
import re

C_FAMILY = (".c", ".h", ".S", ".def", ".lds")
C_SOURCE = (".c", ".h", ".S")
COMPILER_HEADERS = {"<%s.h>" % name for name in (
    "float", "iso646", "limits", "stdalign", "stdarg", "stdatomic", "stdbool",
    "stddef", "stdint", "stdnoreturn")}
# What <pv/abi.h> takes instead of them inside a Linux kernel.
KERNEL_HEADERS = {"<linux/stddef.h>", "<linux/types.h>"}

HV_MAX_LINES = {"C": 15000, "assembly": 900}
FILE_MAX_LINES = 650

INCLUDE = re.compile(r'^\s*#\s*include\s+(<[^>]+>|"[^"]+")')
LICENCE = re.compile(r"^(?:/\*|//|#) SPDX-License-Identifier: (.+?)(?: \*/)?$")
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX)\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}*])/(?:home|root|Users)/\w")


class Tree:
    """The files that the project tracks, by path relative to its root."""

    def __init__(self, root, paths):
        self.root = root
        self.paths = [p for p in paths if os.path.isfile(self.full(p))]
        self._lines = {}

    def full(self, path):
        return os.path.join(self.root, path)

    def lines(self, path):
        if path not in self._lines:
            with open(self.full(path), "rb") as f:
                text = f.read().decode(errors="replace")
            self._lines[path] = text.splitlines()
        return self._lines[path]

    def select(self, *endings):
        """Paths of our own sources (patches to others are not)."""
        return [p for p in self.paths if p.endswith(endings)
                and not p.startswith("guest-patches/")]

    def scripts(self, *interpreters):
        """Paths of scripts, by ending or by first line."""
        endings = {"python3": ".py", "bash": ".sh", "sh": ".sh"}
        for path in self.select(""):
            first = (self.lines(path) or [""])[0]
            for name in interpreters:
                shebang = re.fullmatch(r"#!(/usr)?/bin/(env )?%s( .*)?" % name,
                                       first)
                if shebang or path.endswith(endings[name]):
                    yield path
                    break

    def includes(self, path):
        """(line number, "name" or <name>); what HV_HOST guards is left out."""
        depth, hosted = 0, []
        for n, line in enumerate(self.lines(path), 1):
            if re.match(r"\s*#\s*if", line):
                depth += 1
                if re.match(r"\s*#\s*ifdef HV_HOST\b", line):
                    hosted.append(depth)
            elif re.match(r"\s*#\s*(else|elif)\b", line):
                hosted = [h for h in hosted if h != depth]
            elif re.match(r"\s*#\s*endif\b", line):
                hosted = [h for h in hosted if h != depth]
                depth -= 1
            found = INCLUDE.match(line)
            if found and not hosted:
                yield n, found.group(1)

    def head_comment(self, path):
        """The comments before the first line of code."""
        head, inside = [], False
        for line in self.lines(path):
            text = line.strip()
            if not inside and text and not text.startswith("/*"):
                break
            inside = (inside or "/*" in text) and "*/" not in text
            head.append(text)
        return head


def pure(tree, path):
    return any(re.match(r"(/\*|\*)\s+PURE\b", line)
               for line in tree.head_comment(path))


# ---- the include rule


def read_rooms(path):
    """[(room, its doors)], low to high."""
    rooms = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            words = line.split("#")[0].split()
            if words:
                rooms.append((words[0], set(words[1:]) | {words[0] + ".h"}))
    return rooms


ROOMS = read_rooms(os.path.join(os.path.dirname(__file__), "rooms"))
FLOOR = {room: n for n, (room, _) in enumerate(ROOMS)}
DOORS = dict(ROOMS)


def refuse_in_contract(name):
    """Why a file of hypercall/ may not include name; None if it may."""
    if name.startswith("<pv/") or name in COMPILER_HEADERS | KERNEL_HEADERS:
        return None
    return "the contract includes the compiler's headers and <pv/...> only"


def refuse_in_hv(own, name, is_pure):
    """The same for a file of hv/own/."""
    if name.startswith("<pv/") or name in COMPILER_HEADERS:
        return None
    parts = name.strip('"<>').split("/")
    if name[0] == "<" or len(parts) not in (1, 3):
        return 'include "hv/room/file.h", <pv/...>, or the compiler\'s headers'
    if len(parts) == 1:
        # Made by the build, beside no source: offsets for assembly.
        return None if parts[0] == "asm-offsets.h" else "name it by its room"
    if parts[0] != "hv" or parts[1] not in FLOOR:
        return "no such room"
    room, header = parts[1:]
    if room == own:
        return None
    if is_pure and room != "lib":
        return "a PURE file includes hv/lib, its own room and <pv/...> only"
    if FLOOR[room] > FLOOR[own]:
        return f"{room} is above {own}"
    if "*" not in DOORS[room] and header not in DOORS[room]:
        return f"private to {room}"
    return None


def refuse_in_userspace(name):
    """The same for pv-backends/, pv-frontends/ and tools/."""
    if re.search(r'(^["<]|/)hv/', name):
        return "only hv/ includes hv/"
    return None


def include_rule(tree):
    """Who may include what: hypercall/ < everything; rooms point down."""
    for path in tree.select(*C_FAMILY):
        top = path.split("/")
        if top[0] == "hv" and len(top) == 3 and top[1] not in FLOOR:
            yield f"{path}: tests/lint/rooms does not know {top[1]}"
        for n, name in tree.includes(path):
            why = None
            if path.startswith("hypercall/include/"):
                why = refuse_in_contract(name)
            elif top[0] == "hv" and len(top) == 3 and top[1] in FLOOR:
                is_pure = top[1] == "emul" or pure(tree, path)
                why = refuse_in_hv(top[1], name, is_pure)
            elif top[0] in ("pv-backends", "pv-frontends", "tools"):
                why = refuse_in_userspace(name)
            if why:
                yield f"{path}:{n}: #include {name}: {why}"


# ---- sizes, marks, licences, paths


def code_lines(lines):
    """How many hold code: neither blank nor nothing but comment."""
    text = re.sub(r"/\*.*?\*/", "", "\n".join(lines), flags=re.DOTALL)
    return sum(1 for line in text.split("\n") if line.strip())


def size_rule(tree):
    """The hypervisor is thin (code in .c and .S files) and no file is long."""
    total = dict.fromkeys(HV_MAX_LINES, 0)
    for path in tree.select(*C_SOURCE):
        if path.startswith("hv/") and not path.endswith(".h"):
            kind = "assembly" if path.endswith(".S") else "C"
            total[kind] += code_lines(tree.lines(path))
    for kind, most in HV_MAX_LINES.items():
        if total[kind] > most:
            yield f"hv: {total[kind]} lines of {kind}, at most {most}"
    scripts = tree.scripts("python3", "bash", "sh")
    for path in sorted(set(tree.select(*C_SOURCE)) | set(scripts)):
        lines = len(tree.lines(path))
        if lines > FILE_MAX_LINES:
            yield f"{path}:1: {lines} lines, at most {FILE_MAX_LINES}"


def leftover_rule(tree):
    """Nothing is left for later in C sources."""
    for path in tree.select(*C_FAMILY):
        for n, line in enumerate(tree.lines(path), 1):
            if LEFTOVER.search(line):
                yield f"{path}:{n}: {line.strip()}"


def licence_rule(tree):
    """Line one names the licence: MIT, and GPL-2.0 where Linux is linked."""
    for path in tree.select(*C_FAMILY):
        first = (tree.lines(path) or [""])[0]
        found = LICENCE.match(first)
        allowed = {"MIT"}
        if path.startswith("pv-frontends/linux/"):
            allowed = {"GPL-2.0", "GPL-2.0-only", "GPL-2.0-or-later",
                       "GPL-2.0 OR MIT", "MIT"}
        if not found:
            yield f"{path}:1: no SPDX-License-Identifier on the first line"
        elif found.group(1) not in allowed:
            yield f"{path}:1: licence {found.group(1)}"


def path_rule(tree):
    """No tracked file names a place on somebody's machine."""
    for path in tree.select(""):
        for n, line in enumerate(tree.lines(path), 1):
            if MACHINE_PATH.search(line):
                yield f"{path}:{n}: {line.strip()[:60]}"
