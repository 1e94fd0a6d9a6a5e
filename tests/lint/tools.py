"""The rules that other programs check: formatters and static analysers.

A rule is a function of a Tree (rules.py); it yields lines of complaint.
"""

import os
import re
import subprocess

# cppcheck: what it is wrong about, here or in general.
CPPCHECK = [
    "--quiet", "--error-exitcode=1", "--inline-suppr", "--std=c11",
    "--enable=warning,portability", "--platform=unix64",
    "--suppress=missingInclude", "--suppress=missingIncludeSystem",
    # Freestanding code makes pointers of numbers and of linker symbols.
    "--suppress=nullPointerArithmetic", "--suppress=comparePointers",
    "--suppress=subtractPointers", "--suppress=nullPointerRedundantCheck",
    # NULL ends argument lists; a callback's context may be on the stack.
    "--suppress=varFuncNullUB", "--suppress=returnDanglingLifetime",
    # <sys/queue.h>, in the shape that it can read.
    "-DTAILQ_HEAD(name,type)=struct name",
    "-DTAILQ_ENTRY(type)=struct type##_entry",
    "-DTAILQ_FOREACH(var,head,field)=while (var)",
    "-DTAILQ_HEAD_INITIALIZER(head)={0}",
    # It loses track of memcpy and of addresses in tables.
    "--suppress=uninitvar", "--suppress=legacyUninitvar",
    "--suppress=uninitStructMember",
    # One configuration: the compilers see the others.
    "-D__x86_64__", "-D__GNUC__=12", "-D__BYTE_ORDER__=1234",
    "-D__ORDER_LITTLE_ENDIAN__=1234", "-U__ASSEMBLER__", "-U__cplusplus",
    "-U__KERNEL__", "-U__clang__",
]


def complaints(tree, command, paths):
    """Lines that command prints about paths, if it does not accept them."""
    if not paths:
        return
    try:
        done = subprocess.run(command + paths, cwd=tree.root, text=True,
                              stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.STDOUT, errors="replace")
    except OSError as err:
        yield f"{command[0]}: {err.strerror}"
        return
    if done.returncode:
        said = [line for line in done.stdout.splitlines() if line.strip()]
        yield from said or [f"{command[0]}: status {done.returncode}"]


def format_rule(tree):
    """C is laid out by .clang-format: one complaint a file."""
    seen = set()
    for line in complaints(tree, ["clang-format", "--dry-run", "-Werror"],
                           tree.select(".c", ".h")):
        found = re.match(r"(\S+?:\d+):\d+: error: (?:code should)", line)
        path = found and found.group(1).split(":")[0]
        if found and path not in seen:
            seen.add(path)
            yield f"{found.group(1)}: not as clang-format -i leaves it"
        elif line.startswith("clang-format:"):
            yield line


def shellcheck_rule(tree):
    """Shell scripts mean what they say."""
    return complaints(tree, ["shellcheck", "--format=gcc"],
                      sorted(set(tree.scripts("bash", "sh"))))


def cppcheck_rule(tree):
    """cppcheck finds no error in C sources."""
    jobs = "-j%d" % (os.cpu_count() or 1)
    return complaints(tree, ["cppcheck", jobs, *CPPCHECK, "-I.",
                             "-Ihypercall/include"], tree.select(".c"))


def python_rule(tree):
    """Python scripts compile, and pyflakes has nothing to say."""
    scripts = sorted(set(tree.scripts("python3")))
    for path in scripts:
        try:
            compile("\n".join(tree.lines(path)) + "\n", path, "exec")
        except SyntaxError as err:
            yield f"{path}:{err.lineno}: {err.msg}"
            return
    for line in complaints(tree, ["pyflakes3"], scripts):
        yield re.sub(r"^\./", "", line)
