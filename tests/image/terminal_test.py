#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make run` on a terminal: a guest runs, and commands work.

The program gets a terminal of its own, and is driven as a user would: what is
typed follows what is on the screen.
"""

import errno
import os
import pty
import selectors
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
RUN = os.path.join(HERE, "..", "..", "tools", "image", "run.py")
SECONDS = 420           # usually 40
PROMPT = "parapet:"

# What is typed; then what is to be on the screen.
DIALOGUE = (
    ("", "Things to try"),
    ("", PROMPT),
    ("parapet list\n", r"web1"),
    ("", "running"),
    ("", PROMPT),
    ("parapet info nothing || echo status-$((3 + 0))\n", "status-3"),
    ("", PROMPT),
    ("parapet console web1\n", "Ctrl"),
    ("\n", "web1:/#"),
    ("echo guest-$(hostname)\n", "guest-web1"),
    ("\x1d", PROMPT),
    ("wget -qO- http://10.77.0.2/\n", "a guest of Parapet"),
    ("", PROMPT),
    ("parapet shutdown --timeout=100 web1 && echo ended-$((4 + 4))\n",
     "ended-8"),
    ("", PROMPT),
    ("poweroff\n", "machine: power off"),
)


class Screen:
    """A program on a terminal."""

    def __init__(self, words):
        self.seen = ""          # all of it
        self.at = 0             # what was looked at
        self.until = time.monotonic() + SECONDS
        self.pid, self.terminal = pty.fork()
        if not self.pid:
            try:
                os.execv(words[0], words)
            finally:
                os._exit(127)

    def wait(self, text):
        """Until the text comes; False if the program or the time ends."""
        with selectors.DefaultSelector() as sel:
            sel.register(self.terminal, selectors.EVENT_READ)
            while True:
                found = self.seen.find(text, self.at)
                if found >= 0:
                    self.at = found + len(text)
                    return True
                left = self.until - time.monotonic()
                if left <= 0 or not self._read(sel, left):
                    return False

    def _read(self, sel, seconds):
        if not sel.select(seconds):
            return False
        try:
            chunk = os.read(self.terminal, 65536)
        except OSError as err:
            if err.errno != errno.EIO:  # the other end was closed
                raise
            return False
        self.seen += chunk.decode(errors="replace")
        return bool(chunk)

    def type(self, text):
        os.write(self.terminal, text.encode())

    def end(self):
        """The status; the program is killed if its time is over."""
        while self.until > time.monotonic():
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.1)
        os.kill(self.pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def main():
    build = os.environ.get("BUILD", "build")
    screen = Screen([RUN, "--build", build, "--guest", "web1"])
    failed = 0
    print(f"1..{len(DIALOGUE) + 1}", flush=True)
    for number, (typed, wanted) in enumerate(DIALOGUE, 1):
        if not failed and typed:
            screen.type(typed)
        good = not failed and screen.wait(wanted)
        failed += not good
        what = typed.strip() or "then"
        print(f"{'ok' if good else 'not ok'} {number} - {what!r}: the screen "
              f"shows {wanted!r}", flush=True)
    if failed:
        screen.until = 0
    status = screen.end()
    good = status == 0
    print(f"{'ok' if good else 'not ok'} {len(DIALOGUE) + 1} - it ends with "
          f"status 0 ({status})")
    if failed or not good:
        for line in screen.seen.splitlines()[-60:]:
            print("# " + line)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
