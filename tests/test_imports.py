"""Who may import whom, and how little `import bnlib` loads."""

import subprocess
import sys

from importlinter.cli import lint_imports

from tools.nbfiles import ROOT

HEAVY = ("matplotlib", "IPython", "ipywidgets", "numba", "scipy", "autograd")


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


CONTRACT = """
[tool.importlinter]
root_package = "judged"
[[tool.importlinter.contracts]]
name = "order"
type = "layers"
containers = ["judged"]
layers = ["layers", "(widgets)", "reference"]
"""


def test_judge_that_imports_what_it_judges_is_found(tmp_path, monkeypatch):
    package = tmp_path / "judged"
    package.mkdir()
    for name in ("__init__", "layers", "reference"):
        (package / f"{name}.py").write_text("")
    (package / "reference.py").write_text("from judged import helper\n")
    (package / "helper.py").write_text("from judged import layers\n")
    (tmp_path / "contracts.toml").write_text(CONTRACT)
    monkeypatch.syspath_prepend(tmp_path)
    assert lint_imports(str(tmp_path / "contracts.toml"), no_cache=True) == 1
    (package / "helper.py").write_text("")
    assert lint_imports(str(tmp_path / "contracts.toml"), no_cache=True) == 0
