"""The source of an answer as a text that runs as it is, and where bnlib does the same."""

import ast
import inspect
import re
import sys
import textwrap

IMPORTS = (ast.Import, ast.ImportFrom)


def self_contained(function):
    """Return a function's source without its decorator, and what it needs of its module."""
    module = ast.parse(inspect.getsource(sys.modules[function.__module__])).body
    source = textwrap.dedent(inspect.getsource(function))
    definition = ast.parse(source).body[0]
    definition.decorator_list = []
    needed = _needed(definition, module)
    imports = [ast.unparse(node) + "\n" for node in needed if isinstance(node, IMPORTS)]
    others = [ast.unparse(node) for node in needed if not isinstance(node, IMPORTS)]
    blocks = ["".join(imports)] if imports else []
    return "\n\n".join([*blocks, *others, _without_decorator(source, definition)])


def _without_decorator(source, definition):
    return "".join(source.splitlines(keepends=True)[definition.lineno - 1 :])


def _needed(definition, module):
    """Return the module's imports, constants and helpers that a definition uses, in order."""
    used = {node.id for node in ast.walk(definition) if isinstance(node, ast.Name)}
    found = []
    for node in reversed(module):
        if isinstance(node, IMPORTS):
            names = [name for name in node.names if (name.asname or name.name) in used]
            if names:
                part = {"names": names}
                if isinstance(node, ast.ImportFrom):
                    part |= {"module": node.module, "level": 0}
                found.append(type(node)(**part))
        elif _defined(node) & used - {definition.name}:
            used |= {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
            found.append(node)
    return found[::-1]


def _defined(node):
    """Return the names that a definition or an assignment of a module defines."""
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def assignment(function):
    """Return a function that takes nothing as an assignment to its name; a comment says why."""
    definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    value = ast.unparse(definition.body[-1].value)
    return f"{function.__name__} = {value}  # {ast.get_docstring(definition)}\n"


def places(function):
    """Return the functions and classes of bnlib, outside the exercises, that a function names."""
    source = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0].body
    nodes = [node for line in source for node in ast.walk(line)]
    named = [_named(node, function.__globals__) for node in nodes]
    of_bnlib = re.compile(r"bnlib\.(?!exercises)")
    return [one for one in named if of_bnlib.match(getattr(one, "__module__", ""))]


def _named(node, scope):
    """Return the function or class that a name, or a name after a module's, stands for; or None."""
    one = scope.get(node.id) if isinstance(node, ast.Name) else None
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        module = scope.get(node.value.id)
        one = getattr(module, node.attr, None) if inspect.ismodule(module) else None
    return one if inspect.isfunction(one) or inspect.isclass(one) else None
