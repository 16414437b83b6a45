"""When an environment is made, mended or left alone, and with what it is handed over."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import environments, setup_venv
from tools.nbfiles import ROOT

INSTALLS = ["--requirement requirements.txt", "--editable ."]
PACKAGES = Path("lib", "python3.11", "site-packages")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Give the folder of a project whose interpreters are fake, and run where they exist."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "requirements.txt").write_text("numpy==2.4.6\n")
    (root / "pyproject.toml").write_text("[project]\n")
    settle(root, monkeypatch)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(environments, "runs", lambda python, *code: python_is_there(python))
    return root


def settle(root, monkeypatch):
    """Let the tools take this folder for the project's."""
    for module in (environments, setup_venv):
        monkeypatch.setattr(module, "ROOT", str(root))


def python_is_there(python):
    return python == sys.executable or os.path.exists(python)


@pytest.fixture
def commands(root, monkeypatch):
    """List the commands that a set-up runs; what they leave behind is put there."""
    seen = []

    def run(command):
        seen.append(" ".join(command))
        if "venv" in command:
            python = environments.venv_python(command[-1])
            os.makedirs(os.path.dirname(python))
            open(python, "w").close()
            os.makedirs(command[-1] / PACKAGES)
        if "--editable" in command:
            python = next(word for word in command if ".venv" in word)
            link = Path(python).parents[1] / PACKAGES / "bnlib.pth"
            link.write_text("an absolute path\n")

    monkeypatch.setattr(environments, "run", run)
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


def test_users_own_environment_is_filled_and_keeps_what_is_in_it(root, commands):
    environments.create(str(root / ".venv"), uv=None)
    (root / ".venv" / "added").touch()
    assert set_up(root)
    assert (root / ".venv" / "added").exists()


def test_browser_is_added_once_and_again_after_a_change(root, commands):
    (root / "requirements-browser.txt").write_text("playwright==1.65.2\n")
    set_up(root)
    commands.clear()
    venv = str(root / ".venv")
    assert setup_venv.add(venv, "browser")
    assert "--requirement requirements-browser.txt" in commands[0]
    assert not setup_venv.add(venv, "browser")
    (root / "requirements-browser.txt").write_text("changed")
    assert setup_venv.add(venv, "browser")
    assert len(commands) == 2


def test_broken_environment_is_made_anew(root, commands, capsys):
    set_up(root)
    os.remove(environments.venv_python(str(root / ".venv")))
    (root / ".venv" / "rubbish").touch()
    assert set_up(root)
    assert not (root / ".venv" / "rubbish").exists()
    assert "made anew: it is broken" in capsys.readouterr().out


@pytest.mark.parametrize("there", ["file", "link that leads nowhere"])
def test_what_is_no_environment_is_replaced(there, root, commands):
    if there == "file":
        (root / ".venv").touch()
    else:
        (root / ".venv").symlink_to(root / "nowhere")
    assert set_up(root)
    assert (root / ".venv").is_dir()


# Interrupted


def interrupt(root, monkeypatch, at):
    """Set up, but stop at the given command, as Ctrl-C and a kill do."""
    working, count = environments.run, []

    def run(command):
        count.append(command)
        if len(count) > at:
            raise KeyboardInterrupt
        working(command)

    monkeypatch.setattr(environments, "run", run)
    with pytest.raises(KeyboardInterrupt):
        set_up(root)
    monkeypatch.setattr(environments, "run", working)


@pytest.mark.parametrize("at", range(3))
def test_interrupted_first_set_up_is_made_anew(at, root, commands, monkeypatch, capsys):
    interrupt(root, monkeypatch, at)
    (root / ".venv" / "half a package").touch()
    assert set_up(root)
    assert not (root / ".venv" / "half a package").exists()
    assert "made anew: its set-up was interrupted" in capsys.readouterr().out
    assert not set_up(root)


@pytest.mark.parametrize("at", range(2))
def test_interrupted_upgrade_is_made_anew(at, root, commands, monkeypatch):
    set_up(root)
    before = (root / "requirements.txt").read_text()
    (root / "requirements.txt").write_text("changed")
    interrupt(root, monkeypatch, at)
    (root / "requirements.txt").write_text(before)  # back to what the old stamp was for
    (root / ".venv" / "half a package").touch()
    assert set_up(root)
    assert not (root / ".venv" / "half a package").exists()


def test_what_changes_jupyterlab_gets_an_environment_of_its_own(root, commands, monkeypatch):
    (root / "requirements-nbgrader.txt").write_text("nbgrader==0.9.6\n")
    for addition, folder in (("nbgrader", ".venv-nbgrader"), ("browser", ".venv")):
        (root / f"requirements-{addition}.txt").touch()
        setup_venv.main(["--add", addition])
        assert (root / folder / environments.stamp_of(addition)).exists()
    assert not (root / ".venv" / environments.stamp_of("nbgrader")).exists()


def test_interrupted_browser_makes_the_environment_anew(root, commands, monkeypatch):
    (root / "requirements-browser.txt").write_text("playwright==1.65.2\n")
    set_up(root)
    venv = str(root / ".venv")
    with monkeypatch.context() as patch:
        patch.setattr(environments, "run", lambda command: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            setup_venv.add(venv, "browser")
    assert set_up(root)
    assert setup_venv.add(venv, "browser")
    assert not set_up(root)


def test_interrupted_removal_leaves_no_half_of_an_environment(root, commands, monkeypatch):
    set_up(root)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda folder: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            environments.discard(str(root / ".venv"))
    assert not (root / ".venv").exists()
    assert set_up(root)
    environments.discard(str(root / ".venv"))
    assert list(root.glob(".venv*")) == []


# Moved


def test_moved_checkout_is_made_anew(root, commands, monkeypatch, capsys):
    set_up(root)
    moved = root.rename(root.with_name("moved"))
    settle(moved, monkeypatch)
    commands.clear()
    assert set_up(moved)
    assert len(commands) == 3
    assert f"it was made in another folder, {root}" in capsys.readouterr().out
    assert not set_up(moved)


def test_copied_checkout_is_made_anew_and_the_original_stays(root, commands, monkeypatch):
    set_up(root)
    copy = shutil.copytree(root, root.with_name("copy"))
    settle(copy, monkeypatch)
    assert set_up(copy)
    settle(root, monkeypatch)
    assert not set_up(root)


def test_same_folder_by_another_name_is_not_moved(root, commands, monkeypatch):
    set_up(root)
    link = root.with_name("link")
    try:
        link.symlink_to(root)
    except OSError:
        pytest.skip("no links here")
    settle(link, monkeypatch)
    assert not set_up(link)


def test_bnlib_is_found_by_a_relative_path_in_plain_letters(root, commands, monkeypatch):
    strange = root.rename(root.with_name("Bücher [1] и 数"))
    settle(strange, monkeypatch)
    set_up(strange)
    folder = strange / ".venv" / PACKAGES
    link = (folder / "bnlib.pth").read_text(encoding="ascii").strip()
    assert (folder / link).resolve() == strange.resolve()


# Failures


def test_packages_that_went_elsewhere_are_missed(root, commands, monkeypatch):
    monkeypatch.setattr(
        environments, "runs", lambda python, code, *rest: code != environments.WORKS
    )
    with pytest.raises(environments.SetupError, match="target, prefix or root"):
        set_up(root)


@pytest.mark.parametrize("folder", [ROOT, ROOT / "tests"])
def test_this_environment_works_and_finds_bnlib_only_where_it_is(folder):
    assert environments.runs(sys.executable, environments.WORKS, str(folder)) == (folder == ROOT)


def test_other_python_and_other_numpy_are_another_environment(root):
    prints = {
        environments.fingerprint(str(root), version, numpy)
        for version in [(3, 11), (3, 12)]
        for numpy in [None, "1.26.4"]
    }
    assert len(prints) == 4


def test_failed_command_says_what_to_try():
    with pytest.raises(environments.SetupError, match=r"exited with 3.*Check the network"):
        environments.run([sys.executable, "-c", "raise SystemExit(3)"])


def test_missing_venv_module_is_named(root, monkeypatch):
    monkeypatch.setattr(environments, "runs", lambda python, *code: False)
    with pytest.raises(environments.SetupError, match="python3-venv"):
        set_up(root)


def test_full_disk_is_a_sentence(monkeypatch):
    def set_up(venv, numpy):
        raise OSError(28, "No space left on device", venv)

    monkeypatch.setattr(setup_venv, "set_up", set_up)
    with pytest.raises(SystemExit, match=r"Set-up failed: .*No space left.*the same target again"):
        setup_venv.main([])


def test_old_python_is_told_so(monkeypatch):
    monkeypatch.setattr(setup_venv.sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer; .* is 3\.9\. Name a newer"):
        setup_venv.main([])


SETS_UP = ("__init__", "environments", "locking", "settings", "setup_venv")


def imported(tree):
    """Set the modules that a program imports, by the first part of their names."""
    nodes = list(ast.walk(tree))
    whole = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return {
        name.split(".")[0]
        for name in whole + [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    }


@pytest.mark.parametrize("name", SETS_UP)
def test_old_python_can_read_what_sets_up_and_needs_nothing_else(name):
    source = (ROOT / "tools" / f"{name}.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 6))
    assert imported(tree) <= {"tools", *sys.stdlib_module_names}


def test_what_sets_up_imports_no_other_tool():
    code = "import sys, tools.setup_venv; print(*(m for m in sys.modules if m[:6] == 'tools.'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split()
    assert set(done.stdout.split()) <= {f"tools.{name}" for name in SETS_UP}


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
