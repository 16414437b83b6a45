"""Test the tests: change bnlib's mathematics in small ways, and see that a test fails each time.

    python -m tools.mutation                     all modules below, some hours
    python -m tools.mutation layout normalize    these only; layout takes about a minute

mutmut does the work, in a copy of the project under build/mutation and in an environment of its
own, .venv-mutation, which sees the packages of .venv. A survivor is a change that no test
noticed; `mutmut show NAME` in build/mutation prints it. Needs a POSIX system.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tools.nbfiles import ROOT

MUTMUT = "mutmut==3.8.1"
MODULES = ("layout", "statistics", "normalize", "layers", "relatives", "folding", "graph")
COPIED = ("bnlib", "tests", "tools", "docs", "notebooks", "conftest.py", "pyproject.toml")
COPIED += ("requirements.txt", "environment.yml", "README.md", "Makefile")
ENVIRONMENT = ROOT / ".venv-mutation"
COPY = ROOT / "build" / "mutation"


def python_with_mutmut():
    """Return the interpreter of an environment with mutmut on top of this one's packages."""
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / "bin" / "mutmut").exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        (packages,) = ENVIRONMENT.glob("lib/python*/site-packages")
        (below,) = Path(sys.prefix).glob("lib/python*/site-packages")
        (packages / "below.pth").write_text(f"{below}\n", encoding="utf-8")
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", MUTMUT]
        subprocess.run([python, *install], check=True)
    return python


def files_of(modules):
    """List the source files of these modules; a package counts with all its files."""
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
    names = [*modules, "contract", "reference", "planted_faults", "evidence", "cs231n"]
    found = [file for name in names for file in (ROOT / "tests").glob(f"test_{name}*.py")]
    return sorted({file.relative_to(ROOT).as_posix() for file in found})


def configuration(modules):
    """Return the section for pyproject.toml: JSON's strings and lists are TOML's, too."""
    options = {
        "source_paths": ["bnlib"],
        "only_mutate": files_of(modules),
        "also_copy": list(COPIED),
        "pytest_add_cli_args": ["-q", "-x", "-o", "addopts=", "-p", "no:nbval"],
        "pytest_add_cli_args_test_selection": tests_of(modules),
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in options.items()]
    return "\n".join(["", "[tool.mutmut]", *lines, ""])


def copy_project(modules):
    """Make the copy anew, with mutmut's configuration in it."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, COPY / name, ignore=ignored)
        elif source.exists():
            shutil.copy(source, COPY / name)
    with open(COPY / "pyproject.toml", "a", encoding="utf-8") as file:
        file.write(configuration(modules))


def main(modules):
    """Run mutmut, list the survivors, and say what share of the changes was noticed."""
    python = python_with_mutmut()
    copy_project(modules)
    subprocess.run([python, "-m", "mutmut", "run"], cwd=COPY, check=True)
    listed = subprocess.run(
        [python, "-m", "mutmut", "results", "--all", "true"],
        cwd=COPY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    fates = [line.rsplit(":", 1) for line in listed.splitlines() if ":" in line]
    survivors = [name.strip() for name, fate in fates if fate.strip() not in ("killed", "timeout")]
    print("\n".join(f"survived: {name}" for name in survivors))
    print(f"{len(fates) - len(survivors)} of {len(fates)} changes were noticed by a test")


if __name__ == "__main__":
    main(sys.argv[1:] or MODULES)
