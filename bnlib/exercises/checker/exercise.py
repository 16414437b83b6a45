"""An exercise that asks for a function: it checks an answer on many batches.

An exercise is made from its right answer, a function that calls bnlib's own code:

    @exercise(notebook="02", domain=IMAGES, returns="y", hints=(...))
    def spatial_forward(x, gamma, beta, eps):
        '''Return y: ...'''
        return layers.spatial_batchnorm_forward(x, gamma, beta, eps=eps)[0]

Now ``spatial_forward`` is an `Exercise`. Its docstring is the task, its arguments are taken by
name from each batch of the domain, and an answer is compared with it on every batch.
"""

import inspect
from functools import lru_cache
from time import process_time

from bnlib.exercises.checker import (
    code_slips,
    constants,
    exceptions,
    outcomes,
    reshaping,
    slips,
    source_slips,
    value_slips,
)
from bnlib.exercises.checker.domain import shrunk
from bnlib.exercises.checker.handed import handed_over
from bnlib.exercises.checker.question import Question, Result, Text
from bnlib.exercises.checker.sandbox import quiet
from bnlib.exercises.checker.shown import beside
from bnlib.exercises.checker.trial import Trial

STUCK = ("does not end", "memory")  # says more than a wrong number in an earlier case
SHRINKING = 0.1  # seconds


class Exercise(Question):
    """A function to write. `check`, `hint`, `case` and `solution` are all a student needs.

    Parameters
    ----------
    domain : Domain
        What its arguments may be.
    returns : str
        The names of its results.
    exact : bool
        Whether an answer moves values only, and must change neither them nor their type.
    updates : tuple of str
        Arguments that an answer may change in place.
    witness : callable, optional
        The right answer written another way, where the rounding of two ways differs most.
    demand : callable, optional
        What else is asked of a right answer: takes it, and says what is wrong, or returns None.
    """

    def __init__(
        self,
        answer,
        domain,
        returns,
        exact=False,
        updates=(),
        witness=None,
        demand=None,
        **question,
    ):
        super().__init__(answer, **question)
        self.witness, self.demand = witness, demand
        self.domain, self.exact, self.updates = domain, exact, updates
        self.parts = tuple(returns.split())
        self.arguments = tuple(inspect.signature(answer).parameters)
        self.named = (
            *self.mistakes,
            *slips.exchanged(witness or answer, self.arguments),
            *(() if exact else reshaping.reshaped(witness or answer)),
        )
        self.trial = lru_cache(maxsize=2)(self._trial)
        self._failing = None

    def _trial(self, seed):
        cases = self.domain.cases(seed)
        return Trial(self.answer, self.arguments, self.parts, cases, self.exact, self.witness)

    def __repr__(self):
        return f"{self.name}({', '.join(self.arguments)}): {self.question}"

    def _empty(self):
        return (
            f"def {self.name}({', '.join(self.arguments)}):\n    return ...  # your code here\n\n\n"
        )

    def case(self):
        """Return the arguments of the batch on which the last check failed, and what is right.

        ``arguments, expected = exercises.NAME.case()``, then ``answer(*arguments)``.
        """
        if self._failing is None:
            return Text(f"No batch has failed: {self._call('check')}({self.name}) looks for one.")
        return handed_over(*self._failing, self.arguments)

    def check(self, answer, seed=0):
        """Compare an answer with the right one on every batch, and say what is wrong.

        seed draws other batches.
        """
        return self._noted(self._compared(answer, seed))

    def _compared(self, answer, seed):
        if outcomes.is_nothing(answer):
            return self._not_written(": the function returns nothing")
        if not callable(answer):
            said = f"check takes the function itself: {self._call('check')}({self.name})"
            return Result(False, f"Not right yet. {said}.", "not a function")
        trial = self.trial(seed)
        found = outcomes.run(answer, trial.cases, self.arguments, self.parts)
        if all(outcome.blank for outcome in found):
            return self._blank(answer)
        with quiet():
            return self._judge(answer, found, trial)

    def _judge(self, answer, found, trial):
        stuck = [k for k, outcome in enumerate(found) if outcome.kind in STUCK]
        first = next(iter(stuck or trial.wrong(found)), None)
        if first is not None:
            return self._wrong(answer, found, first, trial)
        changed = {name: None for outcome in found for name in outcome.changed}
        forbidden = [name for name in changed if name not in self.updates]
        if forbidden:
            return self._changed(f"changes its argument {forbidden[0]}", forbidden[0])
        restored = outcomes.written_to(
            answer, trial.cases[0], self.arguments, self.parts, self.updates
        )
        if restored:
            return self._changed(f"changes its argument {restored} and changes it back", restored)
        missing = self.demand and self.demand(answer)
        if missing:
            more = f"For a hint, run {self._call('hint(1)')}."
            return Result(False, f"Not right yet. {missing}\n{more}", "demand")
        said = f"Correct, in all {len(found)} cases."
        if changed:
            name = next(iter(changed))
            said += (
                f" {name} is changed in place, which is allowed here; with a new array, whoever "
                "holds the old one is safe."
            )
        return self._correct(said)

    def _changed(self, does, name):
        return Result(
            False,
            f"Not right yet. The results are right, but the function {does}.\n"
            f"The caller still needs it: {name} = {name} - ... makes a new array; "
            f"{name} -= ... and {name}[...] = ... change the old one.",
            "argument changed in place",
        )

    def _wrong(self, answer, found, first, trial):
        """Say what is wrong, and with the smallest batch that was found to show it."""
        slip = self._slip(answer, found, first, trial)
        case, outcome, right = self._smallest(answer, found, first, trial)
        self._failing = case, right
        told = self._told(slip.sentence if slip else "")
        said = f" {slip.sentence if slip.whole else told}" if slip else ""
        changed = [n for one in found for n in one.changed if n not in self.updates]
        if changed:
            said += f" It also changes its argument {changed[0]} in place."
        kind = slip.name if slip else outcome.kind
        shown = f"Case {case.label}: {value_slips.complaint(trial, outcome, right)}"
        more = f"{self._call('case()')} gives this case, {self._call('hint(1)')} a hint."
        sentence = slip.sentence if slip else ""
        message = f"Not right yet.{said}\n{shown}\n{more}"
        return Result(False, message, kind, sentence, drawing=_drawn(trial, outcome, right))

    def _slip(self, answer, found, first, trial):
        """Return the slip that explains a wrong answer best, or None.

        Where an exception stopped it, an argument unused is not what is wrong with it.
        """
        if found[first].kind in STUCK:
            return None
        stopped = any(outcome.problem for outcome in found)
        return (
            source_slips.return_in_loop(answer, trial)
            or code_slips.outside(answer, found, trial)
            or slips.catalogued(found, trial, self.named)
            or constants.written_in(found, trial)
            or code_slips.remembers(answer, found, first, trial)
            or (None if stopped else code_slips.unused(answer, trial))
            or exceptions.of_exception(found[first], trial.cases[first])
            or value_slips.slip_of(found, trial)
        )

    def _smallest(self, answer, found, first, trial):
        """Return a small case in which an answer fails as it does in the first, and its outcome."""
        best = trial.cases[first], found[first], trial.rights[first]
        started, cause = process_time(), _cause(*best[1::-1])

        def fails(case):
            nonlocal best
            if process_time() - started > SHRINKING:
                return False
            (outcome,) = outcomes.run(answer, [case], self.arguments, self.parts)
            right = trial.small(case)
            alike = outcome.kind == best[1].kind and _cause(outcome, case) == cause
            failed = alike and (outcome.problem or trial.complaint(outcome, right))
            best = (case, outcome, right) if failed else best
            return failed

        if best[0].parameters is not None and best[1].kind not in STUCK:
            shrunk(self.domain, best[0].parameters, fails)
        return best


def _cause(outcome, case):
    """Return the name of what lies behind an exception, or None."""
    slip = exceptions.of_exception(outcome, case)
    return slip and slip.name


def _drawn(trial, outcome, right):
    """Draw a wrong result beside the right one, where a picture says more than its worst number."""
    wrong = None if outcome.problem else trial.complaint(outcome, right)
    return "" if wrong is None else beside(*wrong)


def exercise(**options):
    """Make an `Exercise` of the right answer below."""
    return lambda answer: Exercise(answer, **options)
