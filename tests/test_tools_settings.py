"""None of the user's own settings reaches what the targets run, and what must stay does."""

import os
import subprocess
import sys

import pytest

from tools import settings

# One of each kind that was seen to break a run, or to change what is installed or drawn.
LEAKS = {
    "PYTHONPATH": "elsewhere",
    "PYTHONHOME": "elsewhere",
    "PYTHONSTARTUP": "elsewhere.py",
    "PYTHONSAFEPATH": "1",
    "PYTHONOPTIMIZE": "2",
    "PYTHONWARNINGS": "error",
    "PYTHONIOENCODING": "ascii",
    "PIP_TARGET": "elsewhere",
    "PIP_REQUIRE_HASHES": "1",
    "UV_SYSTEM_PYTHON": "1",
    "PYTEST_ADDOPTS": "--maxfail=1",
    "MPLBACKEND": "TkAgg",
    "MAKEFLAGS": "n -- ARGS=elsewhere",
}
OF_NOTEBOOKS = {
    "MATPLOTLIBRC": "elsewhere",
    "MPLCONFIGDIR": "elsewhere",
    "IPYTHONDIR": "elsewhere",
    "JUPYTER_PATH": "elsewhere",
    "JUPYTER_CONFIG_DIR": "elsewhere",
    "JUPYTERLAB_SETTINGS_DIR": "elsewhere",
}
STAY = {
    "PATH": "programs",
    "PIP_INDEX_URL": "somewhere",
    "UV_CACHE_DIR": "somewhere",
    "HTTPS_PROXY": "somewhere",
    "PYTHONDONTWRITEBYTECODE": "1",
    "NPY_DISABLE_CPU_FEATURES": "AVX2",
    "OMP_NUM_THREADS": "1",
}


@pytest.mark.parametrize("name", LEAKS)
def test_no_target_sees_it(name):
    assert name not in settings.for_every_target(LEAKS)


@pytest.mark.parametrize("name", [*LEAKS, *OF_NOTEBOOKS])
def test_no_test_and_no_kernel_sees_it(name):
    assert settings.of_its_own({**LEAKS, **OF_NOTEBOOKS}).get(name, "") in ("", *own().values())


def own():
    return settings.folders(settings.OWN)


@pytest.mark.parametrize("name", STAY)
def test_what_says_where_to_find_packages_or_how_to_compute_stays(name):
    assert settings.of_its_own(STAY)[name] == STAY[name]


def test_students_own_settings_of_jupyter_stay_in_force():
    assert OF_NOTEBOOKS.items() <= settings.for_every_target(OF_NOTEBOOKS).items()


def test_tests_run_with_settings_of_their_own():
    assert own().items() <= dict(os.environ).items()
    assert LEAKS.keys().isdisjoint(os.environ)


def test_interpreter_under_a_foreign_path_finds_this_package(tmp_path):
    for name in ("bnlib", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not the one')\n")
    program = "import bnlib, sys; print(sys.flags.utf8_mode)"
    command = [sys.executable, "-P", "-c", program]
    leaking = dict(os.environ, PYTHONPATH=str(tmp_path))
    assert subprocess.run(command, env=leaking, stderr=subprocess.DEVNULL).returncode
    clean = settings.for_every_target(leaking)
    done = subprocess.run(command, env=clean, capture_output=True, text=True)
    assert done.stdout.strip() == "1", done.stderr
