"""Who may import whom, and how little `import bnlib` loads."""

import importlib
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from importlinter.cli import lint_imports

import bnlib
from tools.nbfiles import ROOT

HEAVY = ("matplotlib", "IPython", "ipywidgets", "numba", "scipy", "autograd", "dask", "mpi4py")


def loaded_by(statement):
    """Return the heavy packages that a fresh interpreter has loaded after the statement."""
    code = f"{statement}\nimport sys\nprint(*(set({HEAVY}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_of_bnlib_loads_nothing_heavier_than_numpy():
    assert loaded_by("import bnlib") == set()


def test_heavy_import_would_be_seen():
    assert loaded_by("import matplotlib") == {"matplotlib"}


def test_modules_import_only_what_the_contracts_allow(capsys):
    config = str(ROOT / "pyproject.toml")
    assert lint_imports(config, no_cache=True, no_logo=True) == 0, capsys.readouterr().out


def linted(folder):
    """Lint a copy of bnlib by the project's contracts, in a process that has not imported it."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import importlinter.cli as c; c.lint_imports_command()",
            "--no-cache",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path):
    """Return a folder with a copy of bnlib's sources and of pyproject.toml."""
    shutil.copytree(
        ROOT / "bnlib", tmp_path / "bnlib", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("judges/reference.py", "from bnlib import layers", "imports only from below"),
        ("judges/gradcheck/differences.py", "from bnlib.layout import count", "from below"),
        ("judges/gradcheck/differences.py", "from bnlib.judges import reference", "stands alone"),
        ("exercises/checker/cases.py", "from bnlib.judges import faults", "knows nothing"),
        ("layers.py", "import matplotlib", "NumPy is enough"),
        ("newcomer.py", "from bnlib import layers", "newcomer"),
    ],
)
def test_planted_import_is_found(copy, file, line, broken):
    with open(copy / "bnlib" / file, "a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    code, said = linted(copy)
    assert code == 1
    assert broken in said


def test_the_copy_is_clean_before_anything_is_planted(copy):
    assert linted(copy)[0] == 0


def contracts():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return config["tool"]["importlinter"]["contracts"]


def test_architecture_page_has_the_rows_of_the_contract():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d \| (.+) \|$", page, flags=re.MULTILINE)
    assert [row.split(", ") for row in rows] == [
        row.split(" | ") for row in contracts()[0]["layers"]
    ]


def top_level():
    """List the modules and rooms of bnlib's folder."""
    return {found.name for found in pkgutil.iter_modules(bnlib.__path__)}


def test_every_module_stands_in_the_first_contract():
    named = {name for row in contracts()[0]["layers"] for name in row.split(" | ")}
    assert named == top_level()
    assert contracts()[0]["exhaustive"]


def test_every_module_is_an_attribute_of_bnlib_and_listed():
    assert top_level() <= set(dir(bnlib))
    for name in dir(bnlib):
        assert getattr(bnlib, name) is not None or name.startswith("__")
    assert {name for name in dir(bnlib) if name in bnlib.SHORT} == set(bnlib.SHORT)


def test_short_names_are_the_rooms_own_modules():
    for name, path in bnlib.SHORT.items():
        assert getattr(bnlib, name) is importlib.import_module(f"bnlib.{path}")


def test_unknown_attribute_is_named():
    with pytest.raises(AttributeError, match="module 'bnlib' has no attribute 'batchnrom'"):
        bnlib.batchnrom  # noqa: B018


NUMPY_ALONE = """
import importlib.abc, sys
MISSING = "matplotlib IPython ipywidgets numba tqdm PIL dask mpi4py"
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MISSING.split():
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
"""


def alone(code):
    """Run code where nothing but NumPy can be imported; return what it printed."""
    command = [sys.executable, "-c", NUMPY_ALONE + code]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_numpy_alone_is_enough_for_the_star_import_and_for_help():
    assert alone("from bnlib import *\nprint(batchnorm_forward.__name__, gradcheck)").startswith(
        "batchnorm_forward <module"
    )
    assert "Batch normalization by hand" in alone("import bnlib; help(bnlib)")


@pytest.mark.parametrize(
    ("room", "missing", "extra"),
    [
        ("kernels", "Numba", "speed"),
        ("plotting", "IPython", "notebooks"),
        ("widgets", "IPython", "notebooks"),
        ("sharded.cluster", "Dask", "cluster"),
        ("sharded.npy", "Dask", "cluster"),
    ],
)
def test_room_that_lacks_a_package_says_how_to_get_it(room, missing, extra):
    place, _, name = f"bnlib.{room}".rpartition(".")
    assert alone(f"import {place}; print(hasattr({place}, {name!r}))") == "False\n"
    for statement in (f"from {place} import {name}", f"import {place}.{name}"):
        said = alone(statement).splitlines()[-1]
        assert said.startswith("ImportError: ")
        assert missing in said
        assert f'pip install "bnlib[{extra}]"' in said
    assert "pip install" in alone(f"import {place}; {place}.{name}").splitlines()[-1]


def test_ranks_need_mpi4py_only_where_no_communicator_is_given():
    said = alone(
        "from bnlib.sharded import mpi\nmpi.batchnorm_forward([[1.0], [2.0]], [1.0], [0.0])"
    )
    assert said.splitlines()[-1].startswith("ImportError: ")
    assert 'pip install "bnlib[mpi]"' in said
