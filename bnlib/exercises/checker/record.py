"""What became of each exercise: solved, tried or open; kept in a file where there is one.

The rule: a check is written down in the file ``progress.txt`` of the folder in which its kernel
runs, and only if that file is there already. ``make lab`` puts it into ``work/``. Elsewhere, in the
notebooks' own folder, in a test, in another project, nothing is written, and a kernel remembers
what it has seen until it ends.

A line of the file is a state and a name, such as ``solved channel_mean``. Lines are only added,
each in one write, so that several kernels lose nothing; a line that says something else is passed
over. So no file, damaged or locked, can break a check.
"""

import os
from contextlib import suppress

FILE = "progress.txt"
STATES = ("open", "tried", "solved")  # what is solved stays solved

_seen: dict[str, str] = {}


def forget():
    """Forget what this kernel has seen; the file stays."""
    _seen.clear()


def note(name, correct):
    """Note a check of an exercise: correct True, False, or None for not written yet."""
    state = {True: "solved", False: "tried"}.get(correct)
    if state and _later(state, known().get(name)):
        _seen[name] = state
        with suppress(OSError):  # a disk that is full, a file that cannot be written
            _append(f"{state} {name}\n")


def known():
    """Map each exercise that was tried to its state, by the file and by this kernel."""
    states = dict(_seen)
    for state, name in _lines():
        if _later(state, states.get(name)):
            states[name] = state
    return states


def _later(state, than):
    return STATES.index(state) > STATES.index(than or "open")


def _lines():
    """Return the pairs (state, name) that the file holds."""
    try:
        with open(FILE, encoding="utf-8", errors="replace") as file:
            pairs = [line.split() for line in file]
    except OSError:
        return []
    return [pair for pair in pairs if len(pair) == 2 and pair[0] in STATES]


def _append(line):
    """Add a line in one write, below one that was cut off, if the file is there."""
    file = os.open(FILE, os.O_RDWR | os.O_APPEND)  # without O_CREAT: it makes no file
    try:
        size = os.lseek(file, 0, os.SEEK_END)
        os.lseek(file, max(0, size - 1), os.SEEK_SET)
        whole = size == 0 or os.read(file, 1) == b"\n"
        os.write(file, ("" if whole else "\n").encode() + line.encode())
    finally:
        os.close(file)
