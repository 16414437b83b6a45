"""The process of one submission: it reads the notebook, and runs answers in forks of itself.

    python -m bnlib.grading.child SOCKET

The process itself runs nothing of the student's. For each exercise it forks: the fork takes limits,
runs the statements that the answer needs, and calls it as it is told. Calls follow each other in
one process, as in a notebook, so that an answer that remembers is caught. When a fork ends, by
itself or by a limit, the process says so, and the next exercise starts from a clean state.
"""

import ast
import inspect
import linecache
import os
import socket
import sys
from types import ModuleType

import numpy as np

import bnlib
from bnlib.exercises.checker import code_slips, outcomes, source_slips
from bnlib.exercises.checker.sandbox import quiet
from bnlib.grading import statements
from bnlib.grading.channel import MOST, BrokenError, Channel
from bnlib.grading.limits import allow_a_call, end_with_parent, take_limits
from bnlib.judges.sweeps import CountingArray

SAID = 1000  # characters of an exception's own words
FEW = 24  # items of a tuple or a list that may be something else than numbers


def main(number):
    """Serve the process at the other end of this socket until it hangs up."""
    end_with_parent()
    os.chmod(".", 0o777)  # as root, an answer becomes another user
    channel = Channel(socket.socket(fileno=number))
    notebook = statements.read(channel.receive()["cells"])
    bound = {name for one in notebook.statements for name in one.whole}
    channel.send(checked=sorted(notebook.checked), defined=sorted(bound))
    while True:
        request = channel.receive()
        name, stub = request["open"], request["stub"]
        place = statements.counted(notebook, name, stub)
        if place is None:
            channel.send(blank=True, broken=statements.why_broken(notebook, name))
        else:
            _fork(channel, notebook, place, name)


def _fork(channel, notebook, place, name):
    """Run an answer in a process of its own, and say how that ended."""
    child = os.fork()
    if child == 0:
        try:
            take_limits()
            Session(channel, notebook, place, name).serve()
        finally:
            os._exit(0)
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    channel.send(ended=code, seconds=used.ru_utime + used.ru_stime)


class Session:
    """An answer and its variants, called by the other side."""

    def __init__(self, channel, notebook, place, name):
        self.channel, self.notebook = channel, notebook
        self.place, self.name = place, name
        self.variants, module = [], ModuleType("__main__")
        self.scope, sys.modules["__main__"] = vars(module), module

    def serve(self):
        """Define the answer, then do what is asked for until the other side closes."""
        _hide_exercises()
        allow_a_call()
        failures = self._define()
        if self.name not in self.scope:
            self.channel.send(failed=failures or ["NameError: it is not defined"])
            return
        answer = self.scope[self.name]
        self.variants.append(answer)
        self.channel.send(failures=failures, **_described(answer))
        while (request := self.channel.receive()).get("close") is None:
            allow_a_call()
            self.channel.send(**self._done(request))

    def _define(self):
        """Run what the answer needs; return what failed, a line of text for each."""
        for k, source in enumerate(self.notebook.sources):
            lines = source.splitlines(keepends=True)
            linecache.cache[_file(k)] = (len(source), None, lines, _file(k))
        found = (_run(one, self.scope) for one in statements.needed(self.notebook, self.place))
        return [failure for failure in found if failure]

    def _done(self, request):
        with quiet():
            if "call" in request:
                return _called(self.variants[request["call"]], request)
            function = self.variants[0]
            if "globals" in request:
                return self._variant(code_slips.with_globals(function, request["globals"]))
            if "source" in request:
                try:
                    return self._variant(source_slips.redefined(function, request["source"]))
                except Exception as error:
                    return {"raised": type(error).__name__}
            return {"numbers": code_slips.numbers_read(function)}

    def _variant(self, function):
        self.variants.append(function)
        return {"variant": len(self.variants) - 1}


def _hide_exercises():
    """Put a stub in the place of bnlib's exercises: an answer has no business with its check."""
    for name in [name for name in sys.modules if name.startswith("bnlib.exercises")]:
        del sys.modules[name]
    for name in ("exercises", "exercises.predict"):
        left_out = ModuleType(f"bnlib.{name}", "Left out while an answer is judged.")
        sys.modules[f"bnlib.{name}"] = left_out
    vars(bnlib).pop("exercises", None)


def _file(cell):
    return f"cell-{cell + 1}"


def _run(one, scope):
    """Run a statement; return what it raised, as a line of text, or None."""
    try:
        exec(compile(ast.Module([one.node], []), _file(one.cell), "exec"), scope)
    except BaseException as error:
        return f"cell {one.cell + 1}: {type(error).__name__}: {_said(error)}"


def _described(answer):
    """Return a value, or what a check asks of a function besides its results."""
    if not callable(answer):
        return {"value": _plain(answer)}
    return {"keywords": _keywords(answer), "text": _text(answer)}


def _text(answer):
    try:
        return source_slips.source_of(answer)
    except Exception:
        return None


def _keywords(answer):
    """Return the names that a function takes by keyword only."""
    try:
        parameters = inspect.signature(answer).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]


def _called(function, request):
    """Call a function; return its value and the arguments that it changed, or what it raised."""
    values, by_keyword, log = request["values"], request["by_keyword"], []
    before = [v.copy() if isinstance(v, np.ndarray) else v for v in (*values, *by_keyword.values())]
    if request["full"] is not None:  # sweeps are counted where they are taken
        values = [_counting(value, log, request["full"]) for value in values]
    try:
        value = function(*values, **by_keyword)
    except BaseException as error:
        return _raised(error, function)
    pairs = zip(before, (*values, *by_keyword.values()), strict=True)
    changed = [[k, now] for k, (was, now) in enumerate(pairs) if outcomes.differs(was, now)]
    return {"value": _plain(value), "changed": changed, "log": list(log)}


def _counting(value, log, full):
    return CountingArray(value, log, full) if isinstance(value, np.ndarray) else value


def _raised(error, function):
    """Return an exception's name, what it says, and the student's line where it arose."""
    where = outcomes.where_raised(error, function)
    return {"raised": type(error).__name__, "said": _said(error), "where": where}


def _said(error):
    try:
        return str(error)[:SAID]
    except Exception:  # whatever a class of the student's own may raise
        return ""


def _plain(value, depth=3):
    """Return a value as numbers, arrays, and short tuples and lists of them, where it is that."""
    if _is_known(value):
        return value
    if not isinstance(value, (tuple, list)):
        array = outcomes.real_array(value)
        return value if array is None else array
    kind = tuple if isinstance(value, tuple) else list
    if len(value) <= FEW and depth:
        return kind(_plain(item, depth - 1) for item in value)
    array = outcomes.real_array(value)
    many = min(len(value), MOST)  # a check says the length of what holds no numbers
    return kind([object()] * many) if array is None else array


def _is_known(value):
    """Return whether a value passes to the other side as it is."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind != "O"
    return value is None or value is ... or type(value) in (bool, int, float, complex, str)


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except BrokenError:  # the other side has hung up
        sys.exit()
