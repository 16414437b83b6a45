"""Which of the user's own settings reach what the targets run.

Every target runs without what points Python, pip or uv elsewhere. Tests and notebooks that are
checked or stored have settings of their own besides, in build/settings, so that their results do
not depend on who runs them. What says where packages come from, or how the network is reached,
stays.

Standard library only, and no syntax newer than Python 3.6: tools/setup_venv.py imports it.
"""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OWN = os.path.join(ROOT, "build", "settings")

# Of Python's variables these change no result; the others can, as PYTHONOPTIMIZE drops asserts.
HARMLESS = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONUNBUFFERED")
INSTALLS_ELSEWHERE = (
    *("PIP_DRY_RUN", "PIP_NO_DEPS", "PIP_PREFIX", "PIP_PYTHON", "PIP_REQUIRE_HASHES"),
    *("PIP_ROOT", "PIP_TARGET", "PIP_USER", "UV_NO_EDITABLE", "UV_PRERELEASE", "UV_PROJECT"),
    *("UV_PYTHON", "UV_REQUIRE_HASHES", "UV_RESOLUTION", "UV_SYSTEM_PYTHON", "UV_WORKING_DIR"),
)
TESTS_DIFFERENTLY = ("PYTEST_ADDOPTS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_PLUGINS")
DRAWS_ELSEWHERE = ("MPLBACKEND",)
OF_MAKE = (
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
)  # else a make that a test calls takes them for its own
DROPPED = (*INSTALLS_ELSEWHERE, *TESTS_DIFFERENTLY, *DRAWS_ELSEWHERE, *OF_MAKE)
OF_NOTEBOOKS = ("IPYTHON", "JUPYTER", "MATPLOTLIB", "MPL")


def for_every_target(environment):
    """Return the variables without those that would run or install something else."""
    kept = {
        name: value
        for name, value in environment.items()
        if name not in DROPPED and (name in HARMLESS or not name.startswith("PYTHON"))
    }
    # A user-wide `pip config set install.user true` would keep pip from filling an environment.
    return dict(kept, PIP_USER="0", PYTHONNOUSERSITE="1", PYTHONUTF8="1")


def folders(settings):
    """Map the variables that say where Jupyter, IPython and matplotlib keep things to folders."""
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    names += ("IPYTHONDIR", "MPLCONFIGDIR")
    return {name: os.path.join(settings, name.lower()) for name in names}


def of_its_own(environment, settings=OWN):
    """Return the variables for tests and kernels, with nothing of the user's Jupyter or matplotlib.

    JUPYTER_PREFER_ENV_PATH puts this environment's kernel before one of the same name elsewhere.
    """
    kept = {
        name: value
        for name, value in for_every_target(environment).items()
        if not name.startswith(OF_NOTEBOOKS)
    }
    return dict(kept, JUPYTER_PREFER_ENV_PATH="1", **folders(settings))


def use_own():
    """Give this process, and all that it starts, settings of its own."""
    own = of_its_own(os.environ)
    for name in set(os.environ).difference(own):
        del os.environ[name]
    os.environ.update(own)
