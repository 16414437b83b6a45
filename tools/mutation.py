"""Test the tests: change bnlib's mathematics in small ways, and see that a test fails each time.

    python -m tools.mutation                     all modules below, up to an hour
    python -m tools.mutation layout normalize    these only; layout takes about two minutes

mutmut does the work, in a copy of the project under build/mutation and in an environment of its
own, .venv-mutation, which sees the packages of .venv. A survivor is a change that no test
noticed. Where that is right, tools/mutation_survivors.toml says why; tools/mutation_report.py
prints the others. Needs a POSIX system.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools import mutation_report
from tools.nbfiles import ROOT

MUTMUT = "mutmut==3.8.1"
MODULES = ("layout", "statistics", "normalize", "layers", "folding", "graph")
JUDGES = ("contract", "numerics", "reference", "evidence", "cs231n")
PYTEST = ("-q", "-x", "-o", "addopts=", "-p", "no:nbval")
PYTEST += ("-W", "ignore:unclosed file:ResourceWarning")  # mutmut's own must not fail a test
PYTEST += ("-k", "not kernels")  # they have code of their own, and compile for seconds each time
COPIED = ("bnlib", "tests", "tools", "docs", "notebooks", "conftest.py", "pyproject.toml")
COPIED += ("requirements.txt", "environment.yml", "README.md", "Makefile")
ENVIRONMENT = ROOT / ".venv-mutation"
COPY = ROOT / "build" / "mutation"

EXAMPLES = 20  # of hypothesis: fewer than in a test may miss a change, but cannot make one up

# For the copy's conftest.py. One failure is enough: no need to look for the smallest example.
BRISK = f"""
hypothesis.settings.register_profile(
    "mutation",
    hypothesis.settings.get_profile("bnlib"),
    database=None,
    max_examples={EXAMPLES},
    phases=[phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.shrink],
)
hypothesis.settings.load_profile("mutation")
"""


def python_with_mutmut():
    """Return the interpreter of an environment with mutmut on top of this one's packages."""
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / "bin" / "mutmut").exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        (packages,) = ENVIRONMENT.glob("lib/python*/site-packages")
        (below,) = Path(sys.prefix).glob("lib/python*/site-packages")
        # Relative, since Python reads the path in the locale's encoding.
        relative = os.path.relpath(below, packages)
        (packages / "below.pth").write_text(f"{relative}\n", encoding="ascii")
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", MUTMUT]
        subprocess.run([python, *install], check=True)
    return python


def files_of(modules):
    """List the source files of these modules; a package counts with all of its files."""
    found = []
    for name in modules:
        path = ROOT / "bnlib" / name
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        missing = [file for file in files if not file.exists()]
        if missing or not files:
            sys.exit(f"there is no bnlib/{name}.py; known: {' '.join(MODULES)}")
        found += [file.relative_to(ROOT).as_posix() for file in files]
    return found


def tests_of(modules):
    """List the test files that judge the mathematics; those of the notebooks are too slow."""
    found = [file for name in (*modules, *JUDGES) for file in ROOT.glob(f"tests/test_{name}*.py")]
    return sorted({file.relative_to(ROOT).as_posix() for file in found})


def configuration(modules):
    """Return the section for pyproject.toml: JSON's strings and lists are TOML's, too."""
    options = {
        "source_paths": ["bnlib"],
        "only_mutate": files_of(modules),
        "also_copy": list(COPIED),
        "pytest_add_cli_args": list(PYTEST),
        "pytest_add_cli_args_test_selection": tests_of(modules),
        "timeout_constant": 5.0,
        "timeout_multiplier": 5.0,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in options.items()]
    return "\n".join(["", "[tool.mutmut]", *lines, ""])


def copy_project(modules):
    """Make the copy anew, with the settings of mutmut and hypothesis in it."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, COPY / name, ignore=ignored)
        elif source.exists():
            shutil.copy(source, COPY / name)
    added = {"pyproject.toml": configuration(modules), "conftest.py": BRISK}
    for name, text in added.items():
        with open(COPY / name, "a", encoding="utf-8") as file:
            file.write(text)
    for file in (COPY / "tests").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        fewer = re.sub(r"(max_examples=|@examples\()\d+", rf"\g<1>{EXAMPLES}", text)
        file.write_text(fewer, encoding="utf-8")


def main(modules):
    """Run mutmut in the copy, one change at a time, and report; exit with 1 if tests are amiss."""
    mutmut = [python_with_mutmut(), "-m", "mutmut"]
    copy_project(modules)
    subprocess.run(["nice", *mutmut, "run", "--max-children", "1"], cwd=COPY, check=True)

    def ask(*question):
        run = [*mutmut, *question]
        return subprocess.run(run, cwd=COPY, check=True, capture_output=True, text=True).stdout

    fates = mutation_report.read_fates(ask("results", "--all", "true"))
    changes = [
        mutation_report.read_change(name, ask("show", name))
        for name in mutation_report.survivors(fates)
    ]
    text, good = mutation_report.report(fates, changes, mutation_report.explanations())
    print(text)
    sys.exit(not good)


if __name__ == "__main__":
    main(sys.argv[1:] or MODULES)
