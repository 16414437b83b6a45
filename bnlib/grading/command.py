"""Grade the notebooks of a class: which exercises are right, and which mistakes are made.

SUBMISSIONS is a folder of notebooks or a zip file, as a learning platform exports it. DIR gets
grades.csv, report.html for the teacher, and a page for each student in feedback/.

A run that was interrupted goes on where it stopped: give the same command again.
"""

import argparse
import os
import sys
from itertools import groupby
from pathlib import Path

from bnlib.grading import pages, run, tables
from bnlib.grading.judge import CORRECT, grade
from bnlib.grading.process import has_bubblewrap
from bnlib.grading.submissions import find

HOW_TO_INSTALL = 'The progress bar needs tqdm: pip install "bnlib[grading]", or pip install tqdm.'
NO_FORK = (
    "Grading runs each answer in a process that the system limits, which Windows cannot do. "
    "Use WSL, or the container: docs/teaching.md says how."
)
FIRST = "def channel_mean(x):\n    return x.mean(axis=(0, 2, 3))\n"


def parse(arguments):
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python -m bnlib.grading", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("submissions", nargs="?", metavar="SUBMISSIONS", help="a folder or a zip")
    parser.add_argument("--output", metavar="DIR", help="where the results go")
    parser.add_argument("--shard", type=_shard, metavar="K/N", help="only the K-th of N parts")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="submissions at a time")
    parser.add_argument("--seed", type=int, action="append", help="choose the batches; repeatable")
    parser.add_argument(
        "--student", metavar="REGEX", help="finds the name in a path: group (?P<student>...)"
    )
    parser.add_argument("--excel", action="store_true", help="mark grades.csv as UTF-8 for Excel")
    parser.add_argument("--export", nargs=2, metavar=("nbgrader", "DIR"), help="write for nbgrader")
    parser.add_argument("--notebooks", default="notebooks", help="what --export takes: %(default)s")
    options = parser.parse_args(arguments)
    if options.export and options.export[0] != "nbgrader":
        parser.error(f"--export knows nbgrader; got {options.export[0]}")
    if not options.export and not options.submissions:
        parser.error("name the folder of the submissions, or a zip file")
    if options.submissions and not options.output:
        parser.error("say where the results go: --output DIR")
    if min(options.seed or [0]) < 0:
        parser.error(f"--seed is a whole number, 0 or more; got {min(options.seed)}")
    if options.jobs < 1:
        parser.error(f"--jobs is a number of processes, from 1 up; got {options.jobs}")
    return options


def _shard(said):
    try:
        k, n = map(int, said.split("/"))
    except ValueError:
        k, n = 0, 0
    if not 1 <= k <= n:
        raise argparse.ArgumentTypeError(f"a part and a number of parts, such as 3/10; got {said}")
    return k, n


def main(arguments=None):
    """Grade, or export; return the exit code."""
    options = parse(arguments)
    if options.submissions and not hasattr(os, "fork"):
        sys.exit(NO_FORK)
    try:
        if options.submissions:
            graded(options)
        if options.export:
            exported(options)
    except (OSError, ValueError, RuntimeError) as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. The same command goes on from here.")
    return 0


def graded(options):
    """Grade what is not graded yet, and write the tables unless this is one shard of several."""
    submissions = find(options.submissions, options.student)
    if not submissions:
        raise ValueError(f"{options.submissions} holds no notebook: no file ends in .ipynb")
    output = Path(options.output)
    progress = _progress()
    output.mkdir(parents=True, exist_ok=True)
    bubblewrap = has_bubblewrap()
    print(_apart(bubblewrap))
    try_one(bubblewrap)
    seeds = run.seeds_of(output, options.seed)
    settings = run.Settings(options.submissions, options.output, seeds, bubblewrap)
    mine = [one for one in submissions if not options.shard or run.in_shard(one, options.shard)]
    with progress(total=len(mine), unit="notebook") as bar:
        run.run(settings, mine, options.jobs, lambda done: bar.update())
    if options.shard:
        print("This part is graded. When all are: the same command without --shard.")
    else:
        write(output, [run.kept(settings.file(one)) for one in submissions], options.excel)


def _progress():
    """Return tqdm, or say how to install it."""
    try:
        from tqdm import tqdm
    except ImportError as error:
        raise ValueError(HOW_TO_INSTALL) from error
    return tqdm


def _apart(bubblewrap):
    if bubblewrap:
        return "Answers run behind bubblewrap: without a network, and nothing on disk is written."
    return (
        "Answers run in processes with limits. They could read and write what you can, and reach "
        "the network; docs/teaching.md says how to prevent that."
    )


def try_one(bubblewrap):
    """Grade an answer that is right, so that nothing is blamed on students.

    Raises
    ------
    RuntimeError
        If it is not found right.
    """
    rows = grade([FIRST, "exercises.channel_mean.check(channel_mean)"], "", (1,), bubblewrap)
    found = next((row for row in rows if row.exercise in ("channel_mean", "")), None)
    if found is None or found.verdict != CORRECT:
        said = found.said if found else "the exercise is missing"
        raise RuntimeError(f"A right answer was not found right, so nothing is graded: {said}")


def write(output, found, excel=False):
    """Write grades.csv, report.html and the feedback pages."""
    class_rows = tables.merged(found)
    encoding = "utf-8-sig" if excel else "utf-8"
    run.write_atomically(output / "grades.csv", tables.grades(class_rows), encoding)
    run.write_atomically(output / "report.html", pages.report(class_rows))
    (output / "feedback").mkdir(exist_ok=True)
    for student, rows in groupby(class_rows, key=lambda one: one.student):
        file = output / "feedback" / pages.file_of(student)
        run.write_atomically(file, pages.feedback(student, list(rows)))
    print(f"{len(class_rows)} rows: {output / 'grades.csv'}, and report.html beside it.")


def exported(options):
    """Write the notebooks for nbgrader, and the gradebook where something was graded."""
    from bnlib.grading import nbgrader

    folder = Path(options.export[1])
    names = nbgrader.write_course(Path(options.notebooks), folder)
    print(f"{len(names)} assignments: {folder / 'source'}")
    if options.submissions:
        settings = run.Settings(options.submissions, options.output, (), False)
        found = [run.kept(settings.file(one)) for one in find(options.submissions, options.student)]
        gradebook = nbgrader.gradebook(tables.merged(found), names)
        run.write_atomically(folder / "grades.csv", gradebook)
