"""Judge one notebook: a verdict for each exercise in it, by the exercise's own check."""

import time
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

from bnlib import exercises
from bnlib.exercises import Prediction
from bnlib.exercises.checker.sandbox import TookTooLong, wider
from bnlib.grading.answers import ENDED, LONGEST_SECONDS, STUCK, BlankError, FailedError, Session
from bnlib.grading.process import NoProcessError, Process

CORRECT, WRONG, NOT_WRITTEN, STOPPED, ERROR = VERDICTS = (
    *("correct", "wrong", "not written", "stopped", "error"),
)
MEMORY = "memory"
WORDS = {
    STUCK: "It was stopped because it did not come to an end. Is there a loop that never does?",
    ENDED: "The process that ran it ended by itself, {}.",
}
NO_EXERCISE = "no exercise of the series is in it"
OF_CHECK = {True: CORRECT, False: WRONG, None: NOT_WRITTEN}


class Row(NamedTuple):
    """The verdict on an exercise; said is the check's message, sentence what the catalogue says."""

    notebook: str
    exercise: str
    verdict: str
    mistake: str = ""
    seconds: float = 0.0
    said: str = ""
    sentence: str = ""


def unjudged(file, reason):
    """Return the row of a file in which nothing can be judged."""
    return [Row(file, "", ERROR, reason, said=reason)]


def grade(cells, file, seeds, bubblewrap=False):
    """Return a row for each exercise of the notebooks that these cells belong to."""
    try:
        with Submission(cells, bubblewrap) as submission:
            names = expected(submission.found["checked"], submission.found["defined"])
            rows = [submission.judged(exercises.ALL[name], seeds) for name in names]
    except NoProcessError as error:
        return unjudged(file, str(error))
    return rows or unjudged(file, NO_EXERCISE)


def expected(checked, defined):
    """Return the exercises of a notebook's own number, from what it checks, or else defines.

    It may be several notebooks in one file: each of which half the exercises are there counts.
    """
    for names in (checked, defined):
        found = Counter(exercises.ALL[name].notebook for name in names if name in exercises.ALL)
        if found:
            whole = Counter(one.notebook for one in exercises.ALL.values())
            half = {number for number, count in found.items() if 2 * count >= whole[number]}
            chosen = half or {found.most_common(1)[0][0]}
            return [name for name, one in exercises.ALL.items() if one.notebook in chosen]
    return []


class Submission:
    """A student's notebook in its process, which is started anew when an answer has ended it."""

    def __init__(self, cells, bubblewrap):
        self.start = lambda: Process(cells, bubblewrap)
        self.process = self.start()
        self.found = self.process.found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.end()

    def judged(self, exercise, seeds):
        """Return the row of one exercise.

        What ended is judged once more: a process of another's may have ended it.
        """
        started = time.perf_counter()
        row, again = self._row(exercise, seeds)
        if again:
            row, _ = self._row(exercise, seeds)
        return row._replace(seconds=round(time.perf_counter() - started, 2))

    def _row(self, exercise, seeds):
        """Return a row, and whether the process has ended."""
        if not self.process.alive:
            self.process = self.start()
        session = Session(self.process, exercise)
        verdict = verdict_of(session, exercise, seeds)
        session.close()
        row = Row(exercise.notebook, exercise.name, *verdict[:2], 0.0, *verdict[2:])
        return row, session.stopped == ENDED


def verdict_of(session, exercise, seeds):
    """Return verdict, mistake, message and the catalogue's sentence."""
    try:
        with wider(LONGEST_SECONDS):
            result = checked(exercise, session.answer(), seeds)
    except BlankError as error:
        why = str(error)  # why its cell does not parse, if it does not
        return (ERROR, why.partition(":")[0], why, "") if why else (NOT_WRITTEN, "", "", "")
    except FailedError as error:
        raised = str(error).split(": ", 1)[-1]
        said = [f"It could not be defined. {error}", *_notes(session)]
        return ERROR, raised.partition(":")[0], "\n".join(said), ""
    except TookTooLong:
        result = None
    except Exception as error:  # what nobody thought of
        return ERROR, type(error).__name__, f"The check failed: {error}", ""
    if session.stopped:
        return STOPPED, session.stopped, WORDS[session.stopped].format(session.detail), ""
    return (*_told(result, session), result.sentence)


def checked(exercise, answer, seeds):
    """Return the result of the first check that an answer does not pass, or else of the last."""
    exercise.tell_all()
    if isinstance(exercise, Prediction):
        return exercise.check(answer)
    for seed in seeds:
        result = exercise.check(answer, seed=seed)
        if result.correct is not True:
            break
        exercise.tell_all()
    if "\n" not in result.message:
        return result
    call = f"exercises.{exercise.name}.check({exercise.name}, seed={seed})"
    shown = (
        result.message.rpartition("\n")[0] + f"\n{call} shows it, and case() then gives the case."
    )
    return replace(result, message=shown) if "\n" in result.message else result


def _told(result, session):
    """Return verdict, mistake and message of a check's result."""
    if result.fault == MEMORY:
        return STOPPED, MEMORY, result.message
    verdict = OF_CHECK[result.correct]
    if result.fault in session.raised:
        verdict = ERROR
    notes = _notes(session) if verdict != CORRECT else ()
    return verdict, result.fault or "", "\n".join([result.message, *notes])


def _notes(session):
    """Say what failed of the statements that an answer needs."""
    return [f"Before it, {failure}" for failure in session.failures]
