"""A whole checkout on machines as users have them: moved, interrupted, oddly named, with settings.

Each test works on a copy of the project with an environment of its own, as a user's is: minutes in
all, so these run with make test-all.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.clean import AT_ROOT
from tools.nbfiles import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("make") is None, reason="make is not on PATH"),
]
NOTEBOOK = "02_forward_pass"
LEFT_BEHIND = shutil.ignore_patterns(*AT_ROOT, ".git", "work", "__pycache__")
# Lists what should be there and is not, of all that is installed.
MISSING = """
from importlib.metadata import distributions
for file in (file for found in distributions() for file in found.files or ()):
    if not file.locate().exists():
        print(file)
"""
WHERE = "import bnlib, os; print(os.path.dirname(bnlib.__path__[0]))"
KERNEL = f"""
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel()
client.execute_interactive({WHERE!r})
manager.shutdown_kernel()
"""


def copy_project(folder):
    """Copy what is committed, and no environment; return the folder."""
    return Path(shutil.copytree(ROOT, folder, ignore=LEFT_BEHIND))


def make(folder, *arguments, **variables):
    """Call make as a user does, with these variables set; return what it says."""
    command = ["make", *arguments, f"PYTHON={sys.executable}"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def python(folder, code, **variables):
    """Run code in the copy's environment, from another folder; return the lines that it prints."""
    programs = "Scripts" if os.name == "nt" else "bin"
    command = [folder / ".venv" / programs / "python", "-c", code]
    done = subprocess.run(
        command,
        cwd=folder.parent,
        env={**os.environ, **variables},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Give a copy of the project, set up in a folder that ASCII cannot write, under LC_ALL=C."""
    folder = copy_project(tmp_path_factory.mktemp("machines") / "Bücher & Übung")
    make(folder, "setup", LC_ALL="C")
    return folder


def latin_1(folder):
    """Return variables for a locale whose encoding is not UTF-8, as on Windows, or skip."""
    command = ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", folder / "de_DE.ISO-8859-1"]
    if shutil.which("localedef") is None or subprocess.run(command).returncode:
        pytest.skip("no locale can be made here")
    return {"LC_ALL": "de_DE.ISO-8859-1", "LOCPATH": str(folder), "PYTHONUTF8": "0"}


@pytest.mark.parametrize("locale", ["C", "POSIX", "C without UTF-8", "ISO-8859-1"])
def test_folder_with_an_umlaut_works_in_any_locale(locale, checkout, tmp_path):
    if locale == "ISO-8859-1":
        variables = latin_1(tmp_path)
    else:
        variables = {"LC_ALL": locale.split()[0]}
        if "without" in locale:
            variables |= {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert python(checkout, "import bnlib", **variables) == []
    assert "passed" in make(checkout, "test", f"ARGS=notebooks/{NOTEBOOK}.ipynb", **variables)


def test_kernel_in_a_folder_with_an_umlaut_finds_its_bnlib(checkout):
    assert python(checkout, KERNEL, LC_ALL="C.UTF-8") == [str(checkout)]


@pytest.fixture
def leaks(tmp_path):
    """Give variables, and files below a home folder, each of which broke something."""
    for name in ("bnlib", "numpy", "argparse", "tools"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('of the user')\n")
    home = tmp_path / "home"
    rc, kernel = (
        ".config/matplotlib/matplotlibrc",
        ".local/share/jupyter/kernels/python3/kernel.json",
    )
    profile = ".ipython/profile_default"
    files = {
        rc: "axes.grid: True\nlines.linewidth: 7\nfont.size: 30\n",
        kernel: '{"argv": ["false"], "language": "python"}',
        f"{profile}/ipython_config.py": "c.InteractiveShellApp.exec_lines = ['1/0']\n",
        f"{profile}/startup/00.py": "print('of the user')\n",
        ".jupyter/jupyter_config.py": "raise SystemExit\n",
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    shutil.copy(home / rc, tmp_path / "matplotlibrc")
    return {
        "HOME": str(home),
        "PYTHONPATH": str(tmp_path),
        "PYTHONSTARTUP": str(tmp_path / "numpy.py"),
        "PYTHONHOME": str(tmp_path),
        "PYTHONSAFEPATH": "1",
        "PYTHONOPTIMIZE": "2",
        "PYTEST_ADDOPTS": "--no-such-option",
        "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"),
        "MPLBACKEND": "no_such_backend",
        "PIP_TARGET": str(tmp_path / "target"),
        "PIP_REQUIRE_HASHES": "1",
        "XDG_CONFIG_HOME": str(home / ".config"),
        **dict.fromkeys(("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"), ""),
        **{"MPLCONFIGDIR": "", "JUPYTER_RUNTIME_DIR": ""},
    }


def test_users_own_settings_change_nothing(checkout, leaks):
    with open(checkout / "requirements.txt", "a", encoding="utf-8") as lock:
        lock.write("# changed\n")  # so that it is set up again
    said = make(checkout, "test", f"ARGS=notebooks/{NOTEBOOK}.ipynb --figures=compare", **leaks)
    assert "Setting up" in said
    assert f"{NOTEBOOK}.ipynb: unchanged" in make(
        checkout, "refresh", f"NOTEBOOK={NOTEBOOK}", **leaks
    )


def test_copied_and_moved_checkout_runs_its_own_code(checkout):
    moved = checkout.rename(checkout.with_name("moved"))
    copy_project(checkout)  # as if moved were a copy of it: the path in its stamp exists
    (checkout / "bnlib" / "__init__.py").write_text("raise ImportError('of the other one')\n")
    assert python(moved, WHERE) == [str(moved)]
    assert "made anew: it was made in another folder" in make(moved, "setup")
    programs = [path for path in (moved / ".venv" / "bin").glob("*") if not path.is_symlink()]
    assert [path for path in programs if os.fsencode(checkout.name) in path.read_bytes()] == []
    assert "passed" in make(moved, "test", f"ARGS=notebooks/{NOTEBOOK}.ipynb")
    assert python(moved, MISSING) == []
    loss = f"import numpy, os; os.remove(numpy.__file__){MISSING}"
    assert python(moved, loss) == ["numpy/__init__.py"]  # so a loss would be seen


def start(folder, log=None):
    """Start a set-up in a process group of its own."""
    command = [sys.executable, "-m", "tools.setup_venv"]
    return subprocess.Popen(command, cwd=folder, stdout=log, start_new_session=True)


def wait_for(packages, process, folder):
    """Wait until a set-up has that many packages in place, in part or as a whole."""
    while len(list(folder.glob(".venv/lib/python*/site-packages/*.dist-info"))) < packages:
        assert process.poll() is None
        time.sleep(0.01)


posix = pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX")


@posix
def test_set_up_is_whole_after_interruptions_at_any_point(tmp_path):
    folder = copy_project(tmp_path / "project")
    with open(tmp_path / "log", "w+", encoding="utf-8") as log:
        for how, packages in (signal.SIGKILL, 1), (signal.SIGINT, 12), (signal.SIGKILL, 60):
            with start(folder, log) as process:
                # What an interrupted one left is gone once a package is the first again.
                while (folder / ".venv" / "rubbish").exists():
                    time.sleep(0.01)
                wait_for(packages, process, folder)
                os.killpg(process.pid, how)
            (folder / ".venv" / "rubbish").touch()
        log.seek(0)
        assert log.read().count("made anew: its set-up was interrupted") == 2
    assert "made anew: its set-up was interrupted" in make(folder, "setup")
    assert not (folder / ".venv" / "rubbish").exists()
    assert python(folder, MISSING) == []


@posix
def test_two_set_ups_at_once_leave_a_whole_environment(tmp_path):
    folder = copy_project(tmp_path / "project")
    with start(folder) as first:
        wait_for(1, first, folder)
        first.kill()  # alone: what it started goes on
        first.wait()
        said = make(folder, "setup")
    assert "Another set-up is at work" in said
    assert python(folder, MISSING) == []
