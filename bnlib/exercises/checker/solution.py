"""The source of an answer, together with what it needs, as a text that runs as it is."""

import ast
import inspect
import sys
import textwrap

IMPORTS = (ast.Import, ast.ImportFrom)


def self_contained(function):
    """Return a function's source without its decorator, and what it needs of its module."""
    module = ast.parse(inspect.getsource(sys.modules[function.__module__])).body
    definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    definition.decorator_list = []
    needed = _needed(definition, module)
    imports = [ast.unparse(node) + "\n" for node in needed if isinstance(node, IMPORTS)]
    others = [ast.unparse(node) for node in needed if not isinstance(node, IMPORTS)]
    blocks = ["".join(imports)] if imports else []
    return "\n\n".join([*blocks, *others, ast.unparse(definition)]) + "\n"


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


def under_its_module(function):
    """Return a function of bnlib under the name of its module, without its type hints."""
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    definition = ast.parse("\n".join(lines)).body[0]
    body = lines[definition.body[0].lineno - 1 :]
    definition.returns, definition.body = None, [ast.Pass()]
    for argument in ast.walk(definition.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    head = ast.unparse(definition).removesuffix("    pass")
    return "\n".join(
        [f"# The mathematics, in {function.__module__}:", head + body[0], *body[1:], "", "", ""]
    )
