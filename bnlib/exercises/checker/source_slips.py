"""What a function's text shows: a return that is missing, or that ends a loop too early."""

import ast
import inspect
import textwrap

from bnlib.exercises.checker import outcomes
from bnlib.exercises.checker.elsewhere import Elsewhere
from bnlib.exercises.checker.slips import Slip

LOOPS = (ast.For, ast.While)
NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def lacks_return(answer):
    """Return whether a function computes something and has no return for it."""
    tree = _tree(answer)
    if tree is None or any(isinstance(node, ast.Return) and node.value for node in _own(tree)):
        return False
    return any(map(_computes, tree.body))


def return_in_loop(answer, trial):
    """Return the slip of a return inside a loop, where moving it behind the loop mends all."""
    mended = _mended(answer)
    if mended is None:
        return None
    found = outcomes.run(mended, trial.cases, trial.names, trial.parts)
    if trial.wrong(found) or len(found) < len(trial.cases):
        return None
    said = "return stands inside the loop, so the loop ends in its first round."
    return Slip("return inside a loop", said)


def source_of(answer):
    """Return the text of an answer's definition; an OSError or TypeError says there is none."""
    if isinstance(answer, Elsewhere):
        return answer.source()
    return inspect.getsource(inspect.unwrap(getattr(answer, "py_func", answer)))


def redefined(answer, source):
    """Return the function that this text defines where an answer was defined.

    Raises
    ------
    SyntaxError
        If the text does not compile.
    """
    if isinstance(answer, Elsewhere):
        return answer.redefined(source)
    function = inspect.unwrap(getattr(answer, "py_func", answer))
    scope = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    exec(compile(source, "<mended>", "exec"), scope)
    return scope[ast.parse(source).body[0].name]


def _tree(answer):
    """Return the syntax tree of an answer's definition, or None where there is no text."""
    try:
        tree = ast.parse(textwrap.dedent(source_of(answer))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None
    return tree if isinstance(tree, ast.FunctionDef) else None


def _own(node):
    """Yield the nodes of a function's body, without those of functions inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, NESTED):
            yield child
            yield from _own(child)


def _computes(statement):
    """Return whether a statement does more than a stub's: a docstring, pass, x = None."""
    if isinstance(statement, (ast.Pass, ast.Return, ast.Raise, *NESTED)):
        return False
    if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Expr)):
        values = ast.walk(statement.value) if statement.value else ()
        return any(isinstance(node, (ast.BinOp, ast.Call, ast.Compare)) for node in values)
    return True


def _mended(answer):
    """Return the function with each return behind the loop that it ends, or None."""
    tree = _tree(answer)
    if tree is None or not any(_inside(loop) for loop in _own(tree) if isinstance(loop, LOOPS)):
        return None
    tree.decorator_list = []
    tree.body = _moved(tree.body)
    try:
        return redefined(answer, ast.unparse(ast.fix_missing_locations(tree)))
    except SyntaxError:
        return None


def _inside(loop):
    return [node for node in _own(loop) if isinstance(node, ast.Return)]


def _moved(body):
    """Return statements in which a loop's own last return stands behind the loop."""
    statements = []
    for statement in body:
        statements.append(statement)
        if isinstance(statement, LOOPS):
            statement.body = _moved(statement.body)
            returns = [one for one in statement.body if isinstance(one, ast.Return)]
            kept = [one for one in statement.body if not isinstance(one, ast.Return)]
            statement.body = kept or [ast.Pass()]
            statements.extend(returns[:1])
    return statements
