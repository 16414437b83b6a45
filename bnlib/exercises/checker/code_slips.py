"""What running a function again betrays: arguments unused, globals in their place, memory.

Nothing is read from its bytecode, which differs between Pythons. Whether an argument matters is
found by changing it, whether a global does by changing that in a copy of the function.
"""

import inspect
from types import FunctionType

import numpy as np

from bnlib.exercises.checker import outcomes
from bnlib.exercises.checker.elsewhere import Elsewhere
from bnlib.exercises.checker.slips import Slip

TRIED = 6  # batches in which an argument or a global is changed


def unused(answer, trial):
    """Return the slip of an argument that changes the right results, and not the answer's."""
    names = _unused(answer, trial)
    if not names:
        return None
    said = f"argument{'s' * (len(names) > 1)} {' and '.join(names)}"
    return Slip("unused argument", f"It never uses its {said}, or to no effect.")


def outside(answer, found, trial):
    """Return the slip of reading a global where an argument is meant, or an array of before."""
    data = _globals_that_matter(answer, found, trial)
    unused_names = _unused(answer, trial) if data else []
    arrays = [name for name, value in data.items() if np.ndim(value)]
    first = sorted(data, key=lambda name: (name not in trial.names, name not in arrays))[:1]
    if not first or not (unused_names or first[0] in trial.names or arrays):
        return None
    without = f"never uses its argument {unused_names[0]}, and " if unused_names else ""
    sentence = f"It {without}reads {first[0]} from outside; it has to use its arguments."
    return Slip("a global in place of an argument", sentence)


def remembers(answer, found, first, trial):
    """Return the slip of an answer that depends on the calls before."""
    wrong = trial.wrong(found)
    if all(_was_right_before(k, found, wrong) for k in wrong):
        said = "It returns the result of an earlier call, with other arguments."
        return Slip("remembers", said)
    ours, again = found[first].results, _outcomes(answer, trial, [first, first])
    if ours and any(not _same(ours, one.results) for one in again):
        return Slip("changes from call to call", "Called again with the same, it returns another.")
    return None


def _was_right_before(k, found, wrong):
    earlier = (found[j].results for j in range(k) if j not in wrong)
    return bool(found[k].results) and any(_same(found[k].results, one) for one in earlier)


def _unused(answer, trial):
    return [name for name in trial.names if _makes_no_difference(answer, name, trial)]


def _makes_no_difference(answer, name, trial):
    """Return whether changing an argument never changes what it should change."""
    seen = False
    for case in trial.cases[:TRIED]:
        changed = case._replace(values={**case.values, name: _other(case.values[name])})
        if not _differ(trial.answer, case, changed, trial):
            continue
        if _differ(answer, case, changed, trial) is not False:
            return False
        seen = True
    return seen


def _differ(function, case, changed, trial):
    """Return whether a function gives different results in two cases; None where it fails."""
    both = [_call(function, one, trial) for one in (case, changed)]
    if any(one.problem for one in both):
        return None
    return not _same(both[0].results, both[1].results)


def _other(value):
    """Return another value of an argument's kind, still positive and below 1 if this one is."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return 0.75 * value if value else 0.3
    if isinstance(value, np.ndarray):
        return (0.75 * value + np.linspace(0.05, 0.1, value.size).reshape(value.shape)).astype(
            value.dtype
        )
    return value


def _globals_that_matter(answer, found, trial):
    """Return the numbers outside that a function reads, and whose change changes its results."""
    return {
        name: value
        for name, value in numbers_read(answer).items()
        if any(
            not _same(found[k].results, one.results) or found[k].kind != one.kind
            for k, one in enumerate(
                _outcomes(with_globals(answer, {name: _other(value)}), trial, range(2))
            )
        )
    }


def numbers_read(answer):
    """Return the numbers outside that a function reads, by name."""
    if isinstance(answer, Elsewhere):
        return answer.numbers_read()
    function = _python_function(answer)
    if function is None:
        return {}
    read = inspect.getclosurevars(function).globals  # attributes of these names, too
    return {name: value for name, value in read.items() if _is_data(value)}


def with_globals(answer, changed):
    """Return a copy of a function that reads these globals in place of its own."""
    if isinstance(answer, Elsewhere):
        return answer.with_globals(changed)
    function = _python_function(answer)
    scope = {**function.__globals__, **changed}
    copy = FunctionType(
        function.__code__, scope, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _python_function(answer):
    """Return the Python function behind an answer, without its decorators; or None."""
    function = inspect.unwrap(getattr(answer, "py_func", answer))
    return function if isinstance(function, FunctionType) else None


def _is_data(value):
    return isinstance(value, (int, float, np.ndarray, np.generic)) and not isinstance(value, bool)


def _outcomes(function, trial, indices):
    return [_call(function, trial.cases[k], trial) for k in indices]


def _call(function, case, trial):
    return outcomes.run(function, [case], trial.names, trial.parts)[0]


def _same(a, b):
    return len(a) == len(b) and all(
        one.shape == other.shape and np.array_equal(one, other, equal_nan=True)
        for one, other in zip(a, b, strict=True)
    )
