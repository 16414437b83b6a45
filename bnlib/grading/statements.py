"""Which statements of a notebook an answer needs: its definition, and what that reads.

Nothing else of the notebook is run. Found from the text alone: a statement is run if it binds a
name that the answer, or a statement that is run, reads. A bare call binds nothing and is left out.
"""

import ast
import re
import symtable
from typing import NamedTuple

LINE_OF_IPYTHON = re.compile(r"^(\s*)(?:[\w, ]+=\s*)?[%!?].*$|^(\s*)[\w.]+\?{1,2}\s*$")
CELLS_OF_PYTHON = ("%%time", "%%timeit", "%%capture", "%%prun")
CHECK = re.compile(r"\bexercises\s*\.\s*(\w+)\s*\.\s*check\b")


class Statement(NamedTuple):
    """A statement at the top of a cell, and what it has to do with which names."""

    cell: int
    node: ast.stmt
    binds: frozenset  # all names that it may bind or change
    whole: frozenset  # those that are new afterwards, whatever they were
    now: frozenset  # read when it runs
    later: frozenset  # read when what it defines is called


class Notebook(NamedTuple):
    """A notebook's statements in order; cells that do not parse, and why; whose checks it calls."""

    statements: list
    broken: dict
    checked: frozenset
    sources: list


def read(sources):
    """Return the `Notebook` of these cells."""
    statements, broken, checked, plain = [], {}, set(), []
    for k, source in enumerate(sources):
        checked.update(CHECK.findall(source))
        try:
            source = without_ipython(source)
            statements += [statement(k, node) for node in ast.parse(source).body]
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            broken[k] = f"{type(error).__name__}: {error}"
        plain.append(source)
    return Notebook(statements, broken, frozenset(checked), plain)


def without_ipython(source):
    """Return a cell as plain Python: a magic or a shell command becomes ``pass``."""
    if source.startswith("%%"):
        first, _, rest = source.partition("\n")
        return "\n" + rest if first.split()[0] in CELLS_OF_PYTHON else ""
    try:
        ast.parse(source)
        return source
    except SyntaxError:
        return "\n".join(LINE_OF_IPYTHON.sub(r"\1\2pass", line) for line in source.split("\n"))


def statement(cell, node):
    """Return what a statement binds and reads."""
    table = symtable.symtable(ast.unparse(node), "cell", "exec")
    bound = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    changed = set(map(_root, ast.walk(node))) - {None}
    now = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    later = {name for child in table.get_children() for name in _globals(child)}
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        bound = {"*"}
    plain = isinstance(node, (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom))
    defines = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    whole = bound - now if plain or defines else set()
    return Statement(cell, node, *map(frozenset, (bound | changed, whole, now | later, later)))


def _root(node):
    """Return x for a place such as x[0] or x.y that is written to, or None."""
    if not isinstance(node, (ast.Subscript, ast.Attribute)) or isinstance(node.ctx, ast.Load):
        return None
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _globals(table):
    """Yield the names that a function, a class or a comprehension reads from outside."""
    yield from (s.get_name() for s in table.get_symbols() if s.is_global())
    for child in table.get_children():
        yield from _globals(child)


def counted(notebook, name, stub):
    """Return the place of the definition of a name that counts: the last that is not the stub.

    None where nothing but the stub is there.
    """
    blank = [ast.dump(node) for node in ast.parse(stub).body]
    places = (
        k
        for k, one in enumerate(notebook.statements)
        if name in one.binds and ast.dump(one.node) not in blank
    )
    return max(places, default=None)


def why_broken(notebook, name):
    """Return why the last cell that would define a name does not parse, or None."""
    written = re.compile(rf"^\s*def\s+{name}\b|^{name}\s*=[^=]", re.MULTILINE)
    whys = [why for k, why in notebook.broken.items() if written.search(notebook.sources[k])]
    return whys[-1] if whys else None


def needed(notebook, place):
    """Return the statements that the one at this place needs, and itself, in their order."""
    statements = notebook.statements
    end = sum(one.cell <= statements[place].cell for one in statements)
    taken, seen = {place}, set()
    open_ends = [(n, place) for n in statements[place].now] + [
        (n, end) for n in statements[place].later
    ]
    open_ends += [("*", end)]
    while open_ends:
        name, before = open_ends.pop()
        if (name, before) in seen:
            continue
        seen.add((name, before))
        for k in _binding(statements, name, before):
            if k not in taken:
                taken.add(k)
                open_ends += [(n, k) for n in statements[k].now]
                open_ends += [(n, end) for n in statements[k].later]
    return [statements[k] for k in sorted(taken)]


def _binding(statements, name, before):
    """Yield the statements that give a name its value before a place, the last one first."""
    found = False
    for k in range(before - 1, -1, -1):
        if name in statements[k].binds:
            found = True
            yield k
            if name in statements[k].whole:
                return
    if not found:  # defined further down, and run before in the student's kernel
        later = (k for k in range(before, len(statements)) if name in statements[k].whole)
        yield from list(later)[:1]
