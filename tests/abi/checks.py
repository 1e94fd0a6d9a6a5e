"""What must hold between the headers and ABI.md.

A check is a function of (Headers, Document, Compilers); it yields lines of
complaint.  CHECKS has them with the sentence that a test prints.
"""

import os
import re
import subprocess
import tempfile

WARN = ["-Wall", "-Wextra", "-Werror", "-Wundef", "-Wshadow",
        "-pedantic-errors"]
# Padding that no field names would be copied to guests uninitialised.
DIALECTS = {
    "C11": ["-x", "c", "-std=c11", "-Wpadded"],
    "C++11": ["-x", "c++", "-std=c++11"],
    "C11, freestanding": ["-x", "c", "-std=c11", "-ffreestanding"],
}


class Compilers:
    """gcc and clang, C and C++, on the headers below root."""

    def __init__(self, root):
        self.include = "-I" + os.path.join(root, "include")

    def complaints(self, compiler, options, source):
        """Lines that compiler prints about source, if it refuses it."""
        done = subprocess.run(
            [compiler, self.include, *WARN, *options, "-fsyntax-only", "-"],
            input=source, text=True, check=False, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, errors="replace",
            env=dict(os.environ, LC_ALL="C"))
        if done.returncode:
            said = done.stdout.splitlines()
            yield from [line for line in said if " error: " in line] or said


def headers_stand_alone(headers, _, compilers):
    """Each header by itself, in each dialect, twice (its guard works)."""
    for dialect, options in DIALECTS.items():
        for compiler in ("gcc", "clang"):
            for name in headers.files:
                source = f"#include <{name}>\n" * 2 + "extern int unused;\n"
                for line in compilers.complaints(compiler, options, source):
                    yield f"{compiler}, {dialect}, {name}: {line}"
                    break


def headers_serve_assembly(headers, _, compilers):
    """Each header in a .S file: it shows the assembler nothing but macros
    and symbol assignments."""
    with tempfile.TemporaryDirectory() as folder:
        for compiler in ("gcc", "clang"):
            for name in headers.files:
                source = os.path.join(folder, "a.S")
                with open(source, "w", encoding="utf-8") as f:
                    f.write(f"#include <{name}>\n")
                done = subprocess.run(
                    [compiler, compilers.include, "-c", "-o", os.devnull,
                     source], check=False, text=True, errors="replace",
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                if done.returncode:
                    said = (done.stdout.splitlines() or ["failed"])[0]
                    yield f"{compiler}, {name}: {said}"


def headers_agree_with_the_c_library(headers, _, compilers):
    """All headers in one file, beside the C library's, in both orders."""
    ours = "".join(f"#include <{name}>\n" for name in headers.files)
    libc = "#include <errno.h>\n#include <stdint.h>\n#include <stddef.h>\n"
    for compiler in ("gcc", "clang"):
        for source in (ours + libc, libc + ours):
            yield from compilers.complaints(compiler, DIALECTS["C11"], source)


def rows_are_complete(_, document, __):
    for row in document.of_kind("bad"):
        yield f"{row}: not as many cells as the table's head"
    for row in document.rows:
        if not row.cells[0] or not row.cells[1]:
            yield f"{row}: an empty cell"


def assertions(headers, document):
    """A source file in which each row is a _Static_assert at its line."""
    yield "".join(f"#include <{name}>" "\n" for name in headers.files)
    for row in document.rows:
        first, second = row.cells[:2]
        test = {
            "constant": f"({second}) == ({first})",
            "size": f"sizeof({second}) == ({first})",
            "field": f"offsetof({row.of}, {second}) == ({first})",
            "call": f"HC_{second} == ({first})",
            "refused": f"HC_{second} == ({first})",
        }.get(row.kind)
        if test:
            yield f'#line {row.line} "ABI.md"'
            yield f'_Static_assert({test}, "{row.kind} of this row");'


def rows_hold(headers, document, compilers):
    """Every number of ABI.md is the headers'."""
    source = "\n".join(assertions(headers, document)) + "\n"
    for compiler in ("gcc", "clang"):
        for line in compilers.complaints(compiler, ["-x", "c", "-std=c11"],
                                         source):
            yield f"{compiler}: {line}"


def not_documented(what, declared, documented):
    for name in declared:
        if name not in documented:
            yield f"{declared[name]}: no row for {what} {name}"


def constants_have_rows(headers, document, _):
    documented = {row.cells[1] for row in document.of_kind("constant")}
    yield from not_documented("constant", headers.constants, documented)


def types_have_rows(headers, document, _):
    documented = {row.cells[1] for row in document.of_kind("size")}
    yield from not_documented("type", headers.types, documented)


def calls_have_rows(headers, document, _):
    """Calls: number, arguments and callers; a heading that names them."""
    rows = {row.cells[1]: row for row in document.of_kind("call")}
    sections = [m.group(1) for m in (
        re.match(r"#{2,4} ([\d.]+) ", line) for line in document.text) if m]
    heads = dict(m.groups() for m in (
        re.match(r"#{3,4} (?:[\d.]+ )?`(\w+)\((.*)\)`$", line)
        for line in document.text) if m)
    for name, (number, arguments) in headers.calls.items():
        row = rows.pop(name, None)
        if not row:
            yield f"hypercall {name} ({number}) has no row"
            continue
        if row.cells[2] != str(arguments):
            yield f"{row}: {name} takes {arguments} arguments"
        if row.cells[3] not in ("any", "control", "self"):
            yield f"{row}: who may call is any, control or self"
        if row.cells[4] not in sections:
            yield f"{row}: no section {row.cells[4]}"
        if name not in heads:
            yield f"hypercall {name} has no heading `{name}(...)`"
        elif len([a for a in heads[name].split(",") if a.strip()]) != arguments:
            yield f"heading `{name}({heads[name]})`: {arguments} arguments"
    for name, row in rows.items():
        yield f"{row}: {name} is not a served hypercall"


def refusals_have_rows(headers, document, _):
    rows = {row.cells[1]: row for row in document.of_kind("refused")}
    for name in headers.refused:
        if not rows.pop(name, None):
            yield f"refused hypercall {name} has no row"
    for name, row in rows.items():
        yield f"{row}: {name} is not a refused hypercall"


def no_row_is_twice(_, document, __):
    seen = {}
    for row in document.rows:
        key = (row.kind, row.of, row.cells[1])
        if key in seen and row.kind != "bad":
            yield f"{row}: {row.cells[1]} again, after {seen[key]}"
        seen.setdefault(key, row)


def names_in_the_text_exist(headers, document, _):
    """Types, error numbers and links of the prose."""
    anchors = set()
    for line in document.text:
        head = re.match(r"#+ (.*)", line)
        if head:
            slug = re.sub(r"[^\w\- ]", "", head.group(1).lower())
            anchors.add("#" + slug.replace(" ", "-"))
    for n, line in enumerate(document.text, 1):
        where = f"ABI.md:{n}"
        for name in re.findall(r"(?:struct|union) pv_\w+", line):
            if name not in headers.types:
                yield f"{where}: no {name}"
        for name in re.findall(r"`-(E[A-Z0-9]+)`", line):
            if name not in headers.constants:
                yield f"{where}: no error number {name}"
        for name in re.findall(r"\]\((#[^)]+)\)", line):
            if name not in anchors:
                yield f"{where}: no heading for {name}"


DOCUMENT_CHECKS = {
    "every row of ABI.md has all its cells": rows_are_complete,
    "every number in ABI.md is the one in the headers": rows_hold,
    "every constant has a row in ABI.md": constants_have_rows,
    "every type has a row in ABI.md": types_have_rows,
    "every served hypercall is described in ABI.md": calls_have_rows,
    "every refused hypercall is named in ABI.md": refusals_have_rows,
    "no row of ABI.md is there twice": no_row_is_twice,
    "types, errors and links in the text of ABI.md exist":
        names_in_the_text_exist,
}
HEADER_CHECKS = {
    "every header stands alone in C11 and C++11": headers_stand_alone,
    "every header may be included from assembly": headers_serve_assembly,
    "the headers agree with the C library": headers_agree_with_the_c_library,
}
CHECKS = {**HEADER_CHECKS, **DOCUMENT_CHECKS}
