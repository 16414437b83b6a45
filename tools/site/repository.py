"""Where the project is public: said by the workflow or by git, or not known yet."""

import os
import re
import subprocess

from tools.nbfiles import ROOT

UNKNOWN = "OWNER/REPO"  # as the README has it
PAGES = "https://{}.github.io/{}/"
GITHUB = re.compile(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$")


def name(environment=os.environ, remote=None):
    """Return OWNER/REPO: what GITHUB_REPOSITORY says, or git's remote on GitHub, or the unknown."""
    if stated := environment.get("GITHUB_REPOSITORY"):
        return stated
    found = GITHUB.search(_remote() if remote is None else remote)
    return found[1] if found else UNKNOWN


def _remote():
    command = ["git", "remote", "get-url", "origin"]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        return ""


def address():
    """Return the address of the repository."""
    return f"https://github.com/{name()}"


def pages_address():
    """Return the address that GitHub Pages gives to the site, with / at its end."""
    return PAGES.format(*name().split("/"))


def known(text):
    """Return a text with the repository's name and the site's address for OWNER and REPO."""
    return text.replace(PAGES.format(*UNKNOWN.split("/")), pages_address()).replace(UNKNOWN, name())


def file_address(path):
    """Return the address of a file of the repository, by its path from the project's folder."""
    return f"{address()}/blob/HEAD/{path}"


def launch_addresses(path):
    """Map Binder and Colab to where each opens a notebook, by its path."""
    return {
        "Binder": f"https://mybinder.org/v2/gh/{name()}/HEAD?urlpath=lab/tree/{path}",
        "Colab": f"https://colab.research.google.com/github/{name()}/blob/HEAD/{path}",
    }
