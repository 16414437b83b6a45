"""A student's answers as the checks call them: from here, while they run in their own process."""

import contextlib
import inspect
import re
import signal
import time

import numpy as np

from bnlib.exercises.checker.elsewhere import Elsewhere
from bnlib.exercises.checker.sandbox import TookTooLong, quiet
from bnlib.grading.channel import BrokenError, LateError
from bnlib.grading.limits import ALL_SECONDS
from bnlib.judges.sweeps import CountingArray

WALL_SECONDS = 10  # asleep or waiting, in one call
LONGEST_SECONDS = 90  # for all calls of one exercise
ENDED, STUCK = "ended by itself", "does not end"
LEAVES = ("SystemExit", "KeyboardInterrupt", "GeneratorExit")
KEPT = (NotImplementedError, MemoryError)  # exceptions that a check knows by their class


class BlankError(Exception):
    """There is no answer; the text says why, if a cell does not parse."""


class FailedError(Exception):
    """The answer could not be defined; the text says what was raised."""


class Session:
    """What is said to a submission's process about one exercise.

    stopped says how its process ended, if it did; raised holds the names of exceptions, failures
    what else the answer needs and could not be had.
    """

    def __init__(self, process, exercise):
        self.process, self.channel, self.exercise = process, process.channel, exercise
        self.running, self.stopped, self.detail = False, None, ""
        self.raised, self.failures = set(), []
        self.deadline = time.monotonic() + LONGEST_SECONDS

    def answer(self):
        """Return the function or the value that the student wrote.

        Raises
        ------
        BlankError, FailedError
            If there is none.
        TookTooLong
            If what it needs does not end.
        """
        said = self.ask(open=self.exercise.name, stub=self.exercise.stub())
        if "blank" in said:
            raise BlankError(said["broken"] or "")
        if "failed" in said:
            self._listened([])  # that the process has ended
            self.failures = list(map(str, said["failed"]))
            raise FailedError(self.failures.pop())
        self.running = True
        with self.sense():
            self.failures = list(map(str, said["failures"]))
            if "value" in said:
                return said["value"]
            return Answer(self, said["text"], list(map(str, said["keywords"])))

    def ask(self, **request):
        """Send a request and return what comes back; a stop is told at once, and ever after.

        Raises
        ------
        TookTooLong
            If the process was stopped, or has ended.
        """
        if self.stopped and "close" not in request:
            raise TookTooLong
        try:
            said = self._listened(self.channel.send(**request))
        except LateError:
            self._stop(STUCK, "asleep or waiting")
        except BrokenError as error:
            self._stop(ENDED, str(error))
        if "ended" in said:
            self._stop(*_how_it_ended(said["ended"], said["seconds"]), alive=True)
        return said

    def _listened(self, functions):
        """Return the answer to a request; until it comes, call the functions it was given."""
        while True:
            left = self.deadline - time.monotonic()
            said = self.channel.receive(min(WALL_SECONDS, max(left, 0.01)))
            if "callback" not in said:
                return said
            self.channel.send(**_called_back(functions, said))

    @contextlib.contextmanager
    def sense(self):
        """Stop where what came back makes no sense: an answer has reached into its process."""
        try:
            yield
        except (LookupError, TypeError, AttributeError, ValueError):
            self._stop(ENDED, "and said what makes no sense")

    def _stop(self, kind, detail, alive=False):
        self.running, self.stopped, self.detail = False, kind, detail
        if not alive:
            self.process.end()
        raise TookTooLong

    def close(self):
        """Let the process be ready for the next exercise."""
        if self.running:
            with contextlib.suppress(TookTooLong):
                self.ask(close=True)
                self.process.end()  # it said something else than that it has ended


def _called_back(functions, said):
    """Call a function that an answer was given, as it asks for; say what that gives."""
    try:
        with quiet():
            function = functions[said["callback"]]
            return {"value": function(*said["values"], **said["by_keyword"])}
    except Exception as error:
        return {"raised": type(error).__name__, "said": str(error)}


def _how_it_ended(code, seconds):
    """Return what a process's exit code means, and in words."""
    if code == -signal.SIGXCPU or (code == -signal.SIGKILL and seconds >= ALL_SECONDS - 1):
        return STUCK, "it computed and computed"
    if code < 0:
        return ENDED, f"by the signal {signal.Signals(-code).name}"
    return ENDED, f"with the exit code {code}"


class Answer(Elsewhere):
    """A function of the student's, or a variant of it; every call goes to its process."""

    def __init__(self, session, text, keywords, variant=0):
        self.session, self.text, self.keywords, self.variant = session, text, keywords, variant
        parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in keywords]
        self.__signature__ = inspect.Signature(parameters)

    def __call__(self, *values, **by_keyword):
        """Call the function in its process; arrays that it changes there change here, too."""
        given = (*values, *by_keyword.values())
        counting = next((v for v in given if isinstance(v, CountingArray)), None)
        said = self.session.ask(
            call=self.variant,
            values=values,
            by_keyword=by_keyword,
            full=None if counting is None else counting.full,
        )
        if "raised" in said:
            raise self._exception(said)
        with self.session.sense():
            for k, now in said["changed"]:
                _change(given[k], now)
            if counting is not None:
                counting.log.extend((int(reads), int(writes)) for reads, writes in said["log"])
            return said["value"]

    def source(self):
        """Return the text of its definition."""
        if self.text is None:
            raise OSError("no text")
        return self.text

    def redefined(self, source):
        """Return what this text defines in the function's place."""
        said = self.session.ask(source=source)
        if "raised" in said:
            raise SyntaxError(said["raised"])
        with self.session.sense():
            return Answer(self.session, source, self.keywords, said["variant"])

    def numbers_read(self):
        """Return the numbers outside that it reads, by name."""
        with self.session.sense():
            return dict(self.session.ask(read=True)["numbers"])

    def with_globals(self, changed):
        """Return the function with these values for globals."""
        with self.session.sense():
            variant = self.session.ask(globals=changed)["variant"]
            return Answer(self.session, self.text, self.keywords, variant)

    def where(self, error):
        """Return the student's line on which it raised an exception, or None."""
        return getattr(error, "where", None)

    def _exception(self, said):
        """Return an exception like the one that was raised there."""
        name = re.sub(r"\W", "", str(said["raised"]))[:80]
        if name in LEAVES:
            self.session.stopped, self.session.detail = ENDED, f"by {name}"
            return TookTooLong()
        self.session.raised.add(name)
        base = next((one for one in KEPT if one.__name__ == name), Exception)
        words, where = str(said.get("said", "")), said.get("where")
        error = type(name, (base,), {"__str__": lambda self: words})()
        error.where = where if isinstance(where, str) else None
        return error


def _change(array, now):
    """Write into an array what an answer wrote into its copy."""
    if array.shape != now.shape:
        array.shape = now.shape
    array[...] = now if not np.array_equal(array, now, equal_nan=True) else np.nan
