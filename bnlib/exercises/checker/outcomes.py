"""What a function did on a case: its results as arrays, or what went wrong, said in a sentence."""

import inspect
import linecache
import textwrap
import traceback
from numbers import Number
from typing import NamedTuple

import numpy as np

from bnlib.exercises.checker.elsewhere import Elsewhere
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
    outcomes, call = [], _caller(function, names)
    try:
        with limits():
            outcomes.extend(
                attempt(function, case.arguments(names), names, parts, call) for case in cases
            )
    except TookTooLong as error:
        problem = (
            "It was stopped because it did not come to an end. Is there a loop that never does?"
        )
        problem += where_raised(error, function) or ""
        outcomes.append(Outcome(problem=problem, kind="does not end"))
    return outcomes


def attempt(function, values, names, parts, call=None):
    """Return the outcome of one call, by call where that is given; function is what was written."""
    before = [v.copy() if isinstance(v, np.ndarray) else v for v in values]
    try:
        value = (call or function)(*values)
    except MemoryError as error:
        problem = "It was stopped because it asked for too much memory."
        problem += where_raised(error, function) or ""
        return Outcome(problem=problem, kind="memory")
    except (KeyboardInterrupt, TookTooLong):
        raise
    except BaseException as error:  # SystemExit, and what a student may derive
        return _raised(error, function, names)
    changed = tuple(
        name for name, was, now in zip(names, before, values, strict=True) if differs(was, now)
    )
    return read(value, parts)._replace(changed=changed)


def written_to(function, case, names, parts, updates=()):
    """Return the first argument that a function writes to, even if it changes it back; or None.

    Arguments that it may update are left out.
    """
    kept = [name for name in names if name not in updates]
    for locked in (kept, *([name] for name in kept)):
        try:
            with limits():
                values, call = case.arguments(names, locked), _caller(function, names)
                outcome = attempt(function, values, names, parts, call)
        except TookTooLong:
            return None
        if "read-only" not in (outcome.problem or ""):
            if locked is kept:
                return None
        elif locked is not kept:
            return locked[0]
    return None


def _raised(error, function, names):
    where = where_raised(error, function) or ""
    if isinstance(error, NotImplementedError) or "raise NotImplemented" in where:
        return Outcome(problem="it raised NotImplemented.", kind="unfinished", blank=True)
    return Outcome(problem=_describe(error, function, names), kind=type(error).__name__)


def _caller(function, names):
    """Return a way to call a function that takes some of these arguments by keyword only."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some functions of compiled code have no signature
        parameters = ()
    keywords = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name in names]
    if not keywords:
        return function

    def call(*values):
        given = dict(zip(names, values, strict=True))
        by_keyword = {name: given.pop(name) for name in keywords}
        return function(*given.values(), **by_keyword)

    return call


def read(value, parts):
    """Return the outcome that this value means, where so many results are expected."""
    if is_nothing(value):
        return Outcome(problem="it returned nothing.", kind="unfinished", blank=True)
    items = tuple(value) if isinstance(value, (tuple, list)) else None
    if len(parts) == 1:
        if isinstance(value, tuple) and items and is_nothing(items[0]):  # return out, cache
            return Outcome(problem=f"{parts[0]} is still None.", kind="unfinished", blank=True)
        items = (value,)
    elif items is None or len(items) != len(parts):
        problem = f"It must return {', '.join(parts)}, in this order; it returned {kind_of(value)}."
        return Outcome(problem=problem, kind="wrong results")
    results = []
    for part, item in zip(parts, items, strict=True):
        array, problem = _part(part, item)
        if problem:
            return Outcome(
                problem=problem, kind="unfinished" if is_nothing(item) else "wrong results"
            )
        results.append(array)
    return Outcome(tuple(results))


def _part(part, item):
    """Return one result as a plain array of numbers, or what is wrong with it."""
    if is_nothing(item):
        return None, f"{part} is still {'...' if item is Ellipsis else item}."
    array = real_array(item)
    if array is None and isinstance(item, tuple):
        return None, f"It must return {part} alone; it returned {kind_of(item)}."
    if isinstance(item, (complex, np.ndarray)) and np.iscomplexobj(item):
        return None, f"{part} is complex; it must be real."
    if array is None:
        return None, f"{part} must be an array of real numbers; it is {kind_of(item)}."
    return array, None


def is_nothing(value):
    """Return whether a value is None or Ellipsis, or a tuple of nothing else."""
    if isinstance(value, (tuple, list)):
        return len(value) > 0 and all(map(is_nothing, value))
    return any(value is nothing for nothing in NOTHING)


def real_array(item):
    """Return an item as a plain array of real numbers, a copy, or None if it is not one.

    Of a subclass of np.ndarray the numbers count, not what it makes of ==; of a masked array
    those under the mask, too.
    """
    try:
        array = np.array(item, subok=False)
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


def differs(was, now):
    """Return whether an array is no longer what it was."""
    return isinstance(was, np.ndarray) and (
        was.shape != now.shape or was.tobytes() != now.tobytes()
    )


def _describe(error, function, names):
    """Say type, message and the student's own line; the library's lines are left out."""
    try:
        said = textwrap.shorten(str(error)[: 9 * LONGEST], LONGEST, placeholder=" ...")
    except Exception:  # whatever a class of the student's own may raise
        said = ""
    said = f"{type(error).__name__}: {said}" if said else type(error).__name__
    where = where_raised(error, function)
    if where is None:
        return f"Calling it with ({', '.join(names)}) raised {said}."
    return f"It raised {said}{where}"


def where_raised(error, function):
    """Return the student's line where an exception arose, as a line of text; None if outside."""
    if isinstance(function, Elsewhere):
        return function.where(error)
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
