"""The built package says what it is, under which licences, and refers to nothing it lacks."""

import re
import subprocess
import sys
import zipfile
from email import message_from_string

import pytest

from tools.nbfiles import ROOT

BUILD = "import sys; from flit_core.buildapi import build_wheel; print(build_wheel(sys.argv[1]))"
RELATIVE_LINK = re.compile(r"\]\((?!https?://|#)[^)]*\)")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the package as pip does, and open it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-c", BUILD, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(folder / done.stdout.split()[-1]) as opened:
        yield opened


@pytest.fixture(scope="module")
def metadata(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return message_from_string(wheel.read(name).decode())


def test_licences_of_code_and_digits_are_both_named(metadata):
    assert metadata["License-Expression"] == "MIT AND CC-BY-4.0"


def test_licence_files_are_in_the_package(wheel, metadata):
    texts = {
        name: wheel.read(path).decode()
        for name in metadata.get_all("License-File")
        for path in wheel.namelist()
        if path.endswith(f".dist-info/licenses/{name}")
    }
    assert len(texts) == len(metadata.get_all("License-File")) == 2
    assert "MIT License" in texts["LICENSE"]
    (digits,) = (text for name, text in texts.items() if name != "LICENSE")
    assert "digits.npz" in digits
    assert "https://creativecommons.org/licenses/by/4.0/" in digits


def test_description_has_no_link_that_leads_nowhere(metadata):
    assert "# bnlib" in metadata.get_payload()
    assert RELATIVE_LINK.findall(metadata.get_payload()) == []


def test_link_that_leads_nowhere_would_be_seen():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert RELATIVE_LINK.findall(readme)
