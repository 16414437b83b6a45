"""Let one process at a time do something, on POSIX systems and on Windows.

Standard library only, and no syntax newer than Python 3.6: tools/setup_venv.py imports it.
"""

import contextlib
import os
import time

if os.name == "nt":
    import msvcrt

    BEYOND = 1 << 30  # a byte that no one reads: on Windows, a locked one cannot be read

    def try_lock(file):
        """Lock an open file, or raise OSError at once."""
        file.seek(BEYOND)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def try_lock(file):
        """Lock an open file, or raise OSError at once."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def alone(path, message):
    """Lock a file that exists; while another process has it, say so once and wait.

    The system gives a lock back when its process ends, however it ends. Programs that the process
    starts inherit it on POSIX systems, so it holds until the last of them has ended. On a file
    system without locks, nothing is locked.
    """
    with open(path, "rb") as file:
        os.set_inheritable(file.fileno(), True)
        said = False
        while True:
            try:
                try_lock(file)
            except (BlockingIOError, PermissionError):
                if not said:
                    print(message, flush=True)
                said = True
                time.sleep(0.2)
            except OSError:
                break
            else:
                break
        yield
