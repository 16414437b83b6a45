"""What make offers, and when it sets up."""

import ast
import re
import shutil
import sys

import pytest

from tools import clean, make_help, setup_venv
from tools.nbfiles import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
INSTALLS = ["--requirement requirements.txt", "--editable ."]


def recipes():
    """Map each target to the lines of its recipe."""
    found = re.findall(r"^([\w-]+):(?!=).*\n((?:\t.*\n?)*)", MAKEFILE, flags=re.MULTILINE)
    return {name: body.strip().split("\n\t") for name, body in found}


def test_help_lists_every_target(capsys):
    make_help.main()
    listed = re.findall(r"^make (\S+) +\S", capsys.readouterr().out, flags=re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, flags=re.MULTILINE)[1].split()
    assert listed == phony == list(recipes())


def test_recipes_only_call_python():
    lines = [line for body in recipes().values() for line in body]
    assert [line for line in lines if not re.match(r"@\$\((PYTHON|RUN)\) [^|&;><`]+$", line)] == []


def test_every_target_that_needs_the_environment_sets_it_up():
    sets_up = re.compile(r"\$\(RUN\)|tools/setup_venv\.py")
    without = {name for name, body in recipes().items() if not sets_up.search(body[0])}
    assert without == {"help", "lock", "clean"}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Give the folder of a project whose interpreters are fake, and run where they exist."""
    (tmp_path / "requirements.txt").write_text("numpy==2.4.6\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(setup_venv, "ROOT", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(setup_venv, "runs", lambda python, code: python_is_there(python))
    return tmp_path


def python_is_there(python):
    return python == sys.executable or setup_venv.os.path.exists(python)


@pytest.fixture
def commands(root, monkeypatch):
    """List the commands that a set-up runs; the one that makes an environment is carried out."""
    seen = []

    def run(command):
        seen.append(" ".join(command))
        if "venv" in command:
            python = setup_venv.venv_python(command[-1])
            setup_venv.os.makedirs(setup_venv.os.path.dirname(python))
            open(python, "w").close()

    monkeypatch.setattr(setup_venv, "run", run)
    return seen


def set_up(root, **options):
    return setup_venv.set_up(str(root / ".venv"), **options)


def test_first_call_sets_up_and_second_does_nothing(root, commands, capsys):
    assert set_up(root)
    assert [want in seen for want, seen in zip(INSTALLS, commands[1:], strict=True)] == [True, True]
    commands.clear()
    capsys.readouterr()
    assert not set_up(root)
    assert (commands, capsys.readouterr().out) == ([], "")


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_changed_file_is_installed_and_keeps_what_the_user_added(name, root, commands):
    set_up(root)
    (root / ".venv" / "added").touch()
    (root / name).write_text("changed")
    commands.clear()
    assert set_up(root)
    assert len(commands) == len(INSTALLS)
    assert (root / ".venv" / "added").exists()


def test_browser_is_added_once_and_again_after_a_change(root, commands):
    (root / "requirements-browser.txt").write_text("playwright==1.65.2\n")
    set_up(root)
    commands.clear()
    venv = str(root / ".venv")
    assert setup_venv.add_browser(venv)
    assert "--requirement requirements-browser.txt" in commands[0]
    assert not setup_venv.add_browser(venv)
    (root / "requirements-browser.txt").write_text("changed")
    assert setup_venv.add_browser(venv)
    assert len(commands) == 2


def test_broken_environment_is_made_anew(root, commands):
    set_up(root)
    setup_venv.os.remove(setup_venv.venv_python(str(root / ".venv")))
    (root / ".venv" / "rubbish").touch()
    assert set_up(root)
    assert not (root / ".venv" / "rubbish").exists()


def test_interrupted_set_up_is_redone(root, commands, monkeypatch):
    set_up(root)
    (root / "requirements.txt").write_text("changed")
    working = setup_venv.run
    monkeypatch.setattr(setup_venv, "run", lambda command: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        set_up(root)
    monkeypatch.setattr(setup_venv, "run", working)
    assert set_up(root)


def test_other_python_and_other_numpy_are_another_environment(root):
    prints = {
        setup_venv.fingerprint(str(root), version, numpy)
        for version in [(3, 11), (3, 12)]
        for numpy in [None, "1.26.4"]
    }
    assert len(prints) == 4


def test_failed_command_says_what_to_try():
    with pytest.raises(setup_venv.SetupError, match=r"exited with 3.*Check the network"):
        setup_venv.run([sys.executable, "-c", "raise SystemExit(3)"])


def test_missing_venv_module_is_named(root, monkeypatch):
    monkeypatch.setattr(setup_venv, "runs", lambda python, code: False)
    with pytest.raises(setup_venv.SetupError, match="python3-venv"):
        set_up(root)


def test_old_python_is_told_so(monkeypatch):
    monkeypatch.setattr(setup_venv.sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer; .* is 3\.9\. Name a newer"):
        setup_venv.main([])


def test_old_python_can_read_the_script():
    source = (ROOT / "tools" / "setup_venv.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))


@pytest.mark.parametrize("numpy", ["", "old", "1"])
def test_numpy_must_be_a_version(numpy, capsys):
    with pytest.raises(SystemExit):
        setup_venv.main(["--numpy", numpy])
    assert "NUMPY=newest" in capsys.readouterr().err


def test_arguments_go_to_the_environments_python(monkeypatch):
    handed = []
    monkeypatch.setattr(setup_venv, "set_up", lambda venv, numpy: handed.append(numpy))
    monkeypatch.setattr(setup_venv, "hand_over", handed.extend)
    setup_venv.main(["--numpy", "1.26.4", "--", "-m", "pytest", "--", "x"])
    assert handed[0] == "1.26.4"
    assert ".venv-numpy-1.26.4" in handed[1]
    assert handed[2:] == ["-m", "pytest", "--", "x"]


def test_clean_removes_what_was_made_and_never_work(tmp_path):
    made = [".venv", ".venv-numpy-2.0.0", "bnlib/__pycache__", "notebooks/.ipynb_checkpoints"]
    kept = ["work/__pycache__", "work/.ipynb_checkpoints", "bnlib/training/datasets", "notebooks"]
    for name in made + kept:
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    assert clean.leftovers(tmp_path) == sorted(tmp_path / name for name in made)
