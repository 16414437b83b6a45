"""The package's reference: a page for each module and room of bnlib, from its docstrings."""

import inspect
import pkgutil
from importlib import import_module

import bnlib

DIRECTIVE = """# {name}

```{{eval-rst}}
.. automodule:: {name}
{options}
```
"""
INDEX = """# Reference of bnlib

What each module and room of the package offers, from the docstrings in its code.

| module | what is there |
| --- | --- |
{rows}

```{{toctree}}
:hidden:

{names}
```
"""


def modules(package=bnlib):
    """List the modules and rooms at the top of the package."""
    names = sorted(m.name for m in pkgutil.iter_modules(package.__path__, f"{package.__name__}."))
    return [import_module(name) for name in names]


def sources():
    """Yield the name and the text of each page."""
    found = modules()
    rows = "\n".join(f"| [{m.__name__}]({m.__name__}.md) | {first_line(m)} |" for m in found)
    names = "\n".join(module.__name__ for module in found)
    yield "index.md", INDEX.format(rows=rows, names=names)
    for module in found:
        yield (
            f"{module.__name__}.md",
            DIRECTIVE.format(name=module.__name__, options=options(module)),
        )


def first_line(module):
    """Return the first line of a module's docstring."""
    return inspect.getdoc(module).split("\n")[0].replace("|", "\\|")


def options(module):
    """Return what to list: of a room, all that is defined in it; of nothing, what is imported."""
    if not hasattr(module, "__path__"):
        return "   :members:"
    strangers = [
        name
        for name, thing in vars(module).items()
        if not (getattr(thing, "__module__", None) or "").startswith(module.__name__)
    ]
    excluded = ", ".join(strangers)
    return f"   :members:\n   :imported-members:\n   :exclude-members: {excluded}"
