"""Read what mutmut found, and tell explained survivors from those that need a test.

A survivor is known by the function, the line and what became of the line, not by mutmut's
number, which changes with every edit of the function.
"""

import re
import tomllib
from collections import Counter
from typing import NamedTuple

from tools.nbfiles import ROOT

SURVIVORS = ROOT / "tools" / "mutation_survivors.toml"
REQUIRED = 95  # percent of the changes that could be noticed
KINDS = ("equivalent", "accepted")
NOTICED = ("killed", "timeout")


class Change(NamedTuple):
    """What a survivor does: in this function, these lines become those."""

    function: str  # "statistics.Moments.of"
    was: str
    becomes: str


class Explanation(NamedTuple):
    """Why changes survive: in these functions, a piece of a line becomes one of these."""

    kind: str  # "equivalent": no test could notice; "accepted": one could, and need not
    functions: tuple[str, ...]
    was: str
    becomes: tuple[str, ...]
    reason: str

    def explains(self, change):
        """Say whether the change is one of these."""
        pieces = change.was.split(self.was)
        splits = [
            (self.was.join(pieces[:k]), self.was.join(pieces[k:])) for k in range(1, len(pieces))
        ]
        return change.function in self.functions and any(
            change.becomes == before + other + after
            for before, after in splits
            for other in self.becomes
        )


def explanations(text=None):
    """Return the explanations in tools/mutation_survivors.toml, or in this text."""
    tables = tomllib.loads(SURVIVORS.read_text(encoding="utf-8") if text is None else text)
    return [
        Explanation(kind, *(freeze(table[field]) for field in Explanation._fields[1:]))
        for kind in KINDS
        for table in tables.get(kind, ())
    ]


def freeze(value):
    """Return a list as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def function_of(name):
    """Return "statistics.Moments.of" for mutmut's bnlib.statistics.xǁMomentsǁof__mutmut_4."""
    module, mangled = name.removeprefix("bnlib.").rsplit(".", 1)
    mangled = re.sub(r"__mutmut_\d+$", "", mangled).removeprefix("x")
    inner = mangled.strip("ǁ").replace("ǁ", ".") if "ǁ" in mangled else mangled.removeprefix("_")
    return f"{module}.{inner}"


def read_fates(listed):
    """Return name -> fate from what ``mutmut results`` prints."""
    pairs = [line.rsplit(":", 1) for line in listed.splitlines() if ":" in line]
    return {name.strip(): fate.strip() for name, fate in pairs}


def survivors(fates):
    """List the names of the changes that no test noticed."""
    return [name for name, fate in fates.items() if fate not in NOTICED]


def read_change(name, shown):
    """Return the change from the diff that ``mutmut show`` prints."""
    body = shown.partition("\n@@")[2].splitlines()[1:]
    old, new = ([line[1:].strip() for line in body if line[:1] == sign] for sign in "-+")
    return Change(function_of(name), "\n".join(old), "\n".join(new))


def report(fates, changes, explained):
    """Return the report as text, and whether the tests are as good as they must be."""
    if not fates:
        return "mutmut made no changes: nothing was tested", False
    found = [next((e for e in explained if e.explains(c)), None) for c in changes]
    kinds = Counter(e.kind for e in found if e)
    unexplained = [change for change, e in zip(changes, found, strict=True) if e is None]
    killed, possible = len(fates) - len(changes), len(fates) - kinds["equivalent"]
    enough = 100 * killed >= REQUIRED * possible
    lines = [*by_module(fates), f"killed {ratio(killed, len(fates))}"]
    if "timeout" in fates.values():
        lines.append(f"  {list(fates.values()).count('timeout')} of them by running too long")
    lines += [
        f"survivors explained: {kinds['equivalent']} change nothing, {kinds['accepted']} accepted",
        f"killed of those that change something: {ratio(killed, possible)}; needed {REQUIRED} %",
        f"survivors unexplained: {len(unexplained)}",
    ]
    for change in unexplained:
        old, new = (text.replace("\n", "\n    ") for text in change[1:])
        lines += [f"  {change.function}", f"  - {old}", f"  + {new}"]
    return "\n".join(lines), enough and not unexplained


def by_module(fates):
    """Return a line for each module, or file of a package: how many of its changes were killed."""
    total = Counter(name.rpartition(".")[0] for name in fates)
    alive = Counter(name.rpartition(".")[0] for name in survivors(fates))
    return [f"{module}: killed {ratio(n - alive[module], n)}" for module, n in total.items()]


def ratio(part, whole):
    """Write a share as "352 of 389 (90.5 %)"."""
    return f"{part} of {whole} ({100 * part / whole:.1f} %)"
