"""The process of a submission, and how it is held apart from everything else."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import bnlib
from bnlib.grading.channel import BrokenError, Channel, LateError

START_SECONDS = 60  # until the process has read the notebook, on a busy machine
ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH")
CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_DAC_READ_SEARCH", "CAP_KILL")
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class NoProcessError(Exception):
    """The process of a submission does not start, or does not read the notebook."""


class Process:
    """The process of one submission, its folder for files, and the channel to it."""

    def __init__(self, cells, bubblewrap):
        self.alive, self.folder = True, tempfile.mkdtemp(prefix="bnlib-grading-")
        ours, theirs = socket.socketpair()
        self.channel = Channel(ours)
        with theirs:
            self.process = _started(self.folder, theirs.fileno(), bubblewrap)
        try:
            self.channel.send(cells=cells)
            self.found = self.channel.receive(START_SECONDS)
        except (BrokenError, LateError) as error:
            self.end()
            raise NoProcessError("the notebook could not be read in its process") from error

    def end(self):
        """End it, and whatever it left."""
        self.alive = False
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.channel.socket.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _started(folder, number, bubblewrap):
    """Start the process in a session of its own, behind bubblewrap where that is wanted."""
    command = [sys.executable, "-P", "-s", "-m", "bnlib.grading.child", str(number)]
    if bubblewrap:
        command = [*_bubblewrap(folder), *command]
    nothing = subprocess.DEVNULL
    return subprocess.Popen(
        command,
        pass_fds=[number],
        cwd=folder,
        env=_environment(folder),
        start_new_session=True,
        **{"stdin": nothing, "stdout": nothing, "stderr": nothing},
    )


def _bubblewrap(folder):
    """Return how bubblewrap runs a command: no network, a read-only disk, no sight of others."""
    apart = ["--unshare-all"]
    if os.geteuid() == 0:  # each answer becomes another user, see limits
        apart = [f"--unshare-{space}" for space in ("ipc", "pid", "net", "uts", "cgroup-try")]
        apart += [
            "--cap-drop",
            "ALL",
            *(word for cap in CAPABILITIES for word in ("--cap-add", cap)),
        ]
    return [
        *("bwrap", *apart, "--die-with-parent", "--ro-bind", "/", "/"),
        *("--dev", "/dev", "--proc", "/proc", "--tmpfs", folder, "--chdir", folder),
    ]


def _environment(folder):
    kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    own = dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR", "IPYTHONDIR"), folder)
    package = str(Path(bnlib.__file__).parent.parent)
    fixed = {"PYTHONPATH": package, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
    return kept | own | fixed | dict.fromkeys(ONE_THREAD, "1") | {"MPLBACKEND": "agg"}


def has_bubblewrap():
    """Return whether bubblewrap is installed and works here; some systems forbid what it needs."""
    if sys.platform != "linux" or shutil.which("bwrap") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([*_bubblewrap(folder), "true"], capture_output=True)
    return done.returncode == 0
