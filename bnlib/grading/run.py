"""Grade a class: a pool of processes, and a file for each submission, so that a run can go on.

A submission's rows are written at once, when all of them are there. So a run that was interrupted
goes on where it stopped, and several machines may share the work: each grades its shard, and the
run without a shard finds all files there and writes the tables.
"""

import contextlib
import hashlib
import json
import multiprocessing
import os
import secrets
import signal
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from itertools import count
from pathlib import Path
from typing import NamedTuple

from bnlib import __version__, exercises
from bnlib.exercises import Exercise
from bnlib.grading.cells import UnreadableError, of_bytes
from bnlib.grading.judge import STOPPED, Row, grade, unjudged
from bnlib.grading.limits import end_with_parent
from bnlib.grading.submissions import read

SEEDS = 2  # batches are drawn anew for a class, and the same for all of it
FRESH_AFTER = 100  # submissions; then a worker lets go of what it has computed
TRIES = 3  # after so many runs that ended in the middle of a submission, it is left out


class Settings(NamedTuple):
    """What a run is: where submissions and results lie, the seeds, and what holds answers apart."""

    root: str
    output: str
    seeds: tuple[int, ...]
    bubblewrap: bool

    def file(self, submission, ending="json"):
        """Return the path of what is kept of a submission."""
        name = hashlib.sha256("\0".join(submission.path).encode("utf-8", "surrogateescape"))
        return Path(self.output, "rows", f"{name.hexdigest()[:24]}.{ending}")


def seeds_of(output, wanted=None):
    """Return the seeds of the runs into this folder: those chosen first, for all shards the same.

    Raises
    ------
    ValueError
        If others are wanted now.
    """
    file = Path(output, "seeds.json")
    seeds = wanted or [1 + secrets.randbelow(10**6) for _ in range(SEEDS)]
    with tempfile.TemporaryDirectory(dir=output) as folder:
        mine = Path(folder, file.name)
        mine.write_text(json.dumps(seeds), encoding="ascii")
        with contextlib.suppress(FileExistsError):  # of two runs at once, one comes first
            os.link(mine, file)
    chosen = json.loads(file.read_text(encoding="ascii"))
    if wanted and wanted != chosen:
        raise ValueError(f"{output} was graded with the seeds {chosen}, not {wanted}")
    return tuple(chosen)


def in_shard(submission, shard):
    """Return whether a submission belongs to shard k of n: known from its path alone."""
    k, n = shard
    path = "\0".join(submission.path).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.sha256(path).digest()[:8], "big") % n == k - 1


def run(settings, submissions, jobs, progress):
    """Grade the submissions; progress is called with each that is done.

    Those in which an earlier run ended are graded one by one, since one of them may be the reason.
    """
    Path(settings.output, "rows").mkdir(parents=True, exist_ok=True)
    left, in_vain = dict.fromkeys(submissions), 0
    while left:
        suspects = [one for one in left if settings.file(one, "begun").exists()]
        batch, workers = (suspects[:1], 1) if suspects else (list(left), jobs)
        in_vain += 1
        for done in _graded(settings, batch, workers):
            del left[done]
            progress(done)
            in_vain = 0
        if in_vain > 2 * TRIES:
            raise RuntimeError("the processes that grade are ended again and again")


def _graded(settings, submissions, workers):
    """Yield the submissions as they are done, until all are or a worker is killed."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, begin_work)
    try:
        futures = {pool.submit(grade_one, settings, one): one for one in submissions}
        for future in as_completed(futures):
            future.result()
            yield futures.pop(future)
    except BrokenProcessPool:
        pass
    finally:
        pool.shutdown(cancel_futures=True)


def begin_work():
    """Let a worker end with its parent, and leave Ctrl-C to that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def forget_trials():
    """Let go of what the checks have computed, which grows with every other mistake."""
    for exercise in exercises.ALL.values():
        if isinstance(exercise, Exercise):
            exercise.trial.cache_clear()


def grade_one(settings, submission, graded=count(1)):  # noqa: B008 (one count for each worker)
    """Grade a submission and write its rows, if that was not done before."""
    if next(graded) % FRESH_AFTER == 0:
        forget_trials()
    file, begun = settings.file(submission), settings.file(submission, "begun")
    try:
        data, reason = read(settings.root, submission), ""
    except UnreadableError as error:
        data, reason = b"", str(error)
    key = _key(settings, data, reason)
    if kept(file).get("key") == key:
        return
    tries = len(begun.read_bytes()) if begun.exists() else 0
    if tries >= TRIES:
        said = "the grading itself ended each time that this was graded"
        rows = [Row(submission.file, "", STOPPED, said, said=said)]
    else:
        begun.write_bytes(b"." * (tries + 1))
        rows = _rows(settings, submission, data, reason)
    found = {"key": key, "student": submission.student, "file": submission.file, "rows": rows}
    write_atomically(file, json.dumps(found))
    begun.unlink(missing_ok=True)


def _rows(settings, submission, data, reason):
    try:
        cells = of_bytes(data) if not reason else ()
    except UnreadableError as error:
        reason = str(error)
    if reason:
        return unjudged(submission.file, reason)
    return grade(cells, submission.file, settings.seeds, settings.bubblewrap)


def _key(settings, data, reason):
    """Return what decides the rows: the notebook, the seeds, and this version."""
    text = json.dumps([settings.seeds, reason, __version__]).encode()
    return hashlib.sha256(text + data).hexdigest()


def kept(file):
    """Return what was kept of a submission, or nothing where that is missing or damaged."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def write_atomically(file, text, encoding="utf-8"):
    """Write a file so that it is there as a whole or not at all; what is no letter becomes ?."""
    handle, temporary = tempfile.mkstemp(dir=file.parent, suffix=".tmp")
    with open(handle, "w", encoding=encoding, errors="replace", newline="") as opened:
        opened.write(text)
    os.chmod(temporary, 0o644)
    os.replace(temporary, file)
