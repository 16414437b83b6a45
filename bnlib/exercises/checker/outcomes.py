"""What a function did on a case: its results as arrays, or what went wrong, said in a sentence."""

import inspect
import linecache
import textwrap
import traceback
from numbers import Number
from typing import NamedTuple

import numpy as np

from bnlib.exercises.checker.sandbox import TookTooLong, limits

NOTHING = (None, Ellipsis, NotImplemented)
LONGEST = 120  # characters of an exception's own words


class Outcome(NamedTuple):
    """Results, one array each; or a problem and its kind; and which arguments were changed."""

    results: tuple = ()
    problem: str | None = None
    kind: str | None = None
    changed: tuple[str, ...] = ()
    blank: bool = False  # nothing was written yet


def run(function, cases, names, parts):
    """Return an outcome for each case; fewer where the time is over.

    names are the arguments to pass from each case; parts are the names of the results.
    """
    outcomes = []
    try:
        with limits():
            for case in cases:
                outcomes.append(_run(function, case, names, parts))
    except TookTooLong as error:
        problem = (
            "It was stopped because it did not come to an end. Is there a loop that never does?"
        )
        problem += _where(error, function) or ""
        outcomes.append(Outcome(problem=problem, kind="does not end"))
    return outcomes


def run_all(function, cases, names, parts):
    """Return the outcomes of a function that is known to be harmless."""
    return [_run(function, case, names, parts) for case in cases]


def _run(function, case, names, parts):
    arguments, before = case.arguments(names), case.arguments(names)
    try:
        value = _call(function, dict(zip(names, arguments, strict=True)))
    except NotImplementedError:
        return Outcome(problem="it raised NotImplementedError.", kind="unfinished", blank=True)
    except MemoryError as error:
        problem = "It was stopped because it asked for too much memory."
        problem += _where(error, function) or ""
        return Outcome(problem=problem, kind="memory")
    except (KeyboardInterrupt, TookTooLong):
        raise
    except BaseException as error:  # SystemExit, and what a student may derive
        return Outcome(problem=_describe(error, function, names), kind=type(error).__name__)
    changed = tuple(
        name for name, was, now in zip(names, before, arguments, strict=True) if _differs(was, now)
    )
    return read(value, parts)._replace(changed=changed)


def _call(function, given):
    """Call a function with these values by name; what it takes by keyword only is given so."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some functions of compiled code have no signature
        parameters = ()
    keywords = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name in given]
    by_keyword = {name: given.pop(name) for name in keywords}
    return function(*given.values(), **by_keyword)


def read(value, parts):
    """Return the outcome that this value means, where so many results are expected."""
    if is_nothing(value):
        return Outcome(problem="it returned nothing.", kind="unfinished", blank=True)
    if len(parts) == 1:
        value = (value,)
    elif not isinstance(value, (tuple, list)) or len(value) != len(parts):
        problem = f"It must return {', '.join(parts)}, in this order; it returned {kind_of(value)}."
        return Outcome(problem=problem, kind="wrong results")
    results = []
    for part, item in zip(parts, value, strict=True):
        if is_nothing(item):
            said = "..." if item is Ellipsis else item
            return Outcome(problem=f"{part} is still {said}.", kind="unfinished")
        array = real_array(item)
        if array is None and isinstance(item, tuple):
            problem = f"It must return {part} alone; it returned {kind_of(item)}."
            return Outcome(problem=problem, kind="wrong results")
        if isinstance(item, (complex, np.ndarray)) and np.iscomplexobj(item):
            return Outcome(problem=f"{part} is complex; it must be real.", kind="wrong results")
        if array is None:
            problem = f"{part} must be an array of real numbers; it is {kind_of(item)}."
            return Outcome(problem=problem, kind="wrong results")
        results.append(array)
    return Outcome(tuple(results))


def is_nothing(value):
    """Return whether a value is None or Ellipsis, or a tuple of nothing else."""
    if isinstance(value, (tuple, list)):
        return len(value) > 0 and all(map(is_nothing, value))
    return any(value is nothing for nothing in NOTHING)


def real_array(item):
    """Return an item as an array of real numbers, or None if it is not one."""
    try:
        array = np.array(item)
        if array.dtype == object and all(isinstance(entry, Number) for entry in array.flat):
            array = array.astype(float)  # fractions, decimals
    except Exception:  # whatever an object of the student's own may raise
        return None
    return array if array.dtype.kind in "biuf" else None


def kind_of(value):
    """Say in a few words what a value is."""
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}, shape {value.shape}"
    return f"a value of type {type(value).__name__}"


def _differs(was, now):
    return isinstance(was, np.ndarray) and not (
        was.shape == now.shape and np.array_equal(was, now, equal_nan=True)
    )


def _describe(error, function, names):
    """Say type, message and the student's own line; the library's lines are left out."""
    try:
        said = textwrap.shorten(str(error), LONGEST, placeholder=" ...")
    except Exception:  # whatever a class of the student's own may raise
        said = ""
    said = f"{type(error).__name__}: {said}" if said else type(error).__name__
    where = _where(error, function)
    if where is None:
        return f"Calling it with ({', '.join(names)}) raised {said}."
    return f"It raised {said}{where}"


def _where(error, function):
    """Return the student's line where an exception arose, as a line of text; None if outside."""
    code, frames = code_of(function), traceback.walk_tb(error.__traceback__)
    file = code and code.co_filename
    own = [(frame.f_code, line) for frame, line in frames if frame.f_code.co_filename == file]
    if not own:
        return None
    inner, line = own[-1]
    helper = inner is not code and not inner.co_name.startswith("<")  # not a <listcomp>
    number = line - (inner if helper else code).co_firstlineno + 1
    text = linecache.getline(file, line).strip()
    return f"\n    line {number}{helper * f' of {inner.co_name}'}: {text}" if text else ""


def code_of(function):
    """Return the code object behind a function, a method, a partial or an object; or None.

    Of a decorated function it is what was decorated.
    """
    function = inspect.unwrap(getattr(function, "func", function))
    function = getattr(function, "__func__", function)
    if not hasattr(function, "__code__"):
        function = vars(type(function)).get("__call__")
    return getattr(function, "__code__", None)
