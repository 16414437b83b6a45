"""Run the notebooks from top to bottom and store their outputs, in one canonical form.

A notebook is written only if all of its cells ran. Cells, their ids and tags stay as they are.
"""

import argparse
import re
import sys

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from tqdm import tqdm

from tools import settings
from tools.nbfiles import NOTEBOOKS, explain, find, write_atomically

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = ("jupyter", "tags")
WIDGET = "application/vnd.jupyter.widget-view+json"  # its model is gone when the kernel is
# What a run leaves in texts and depends on the machine, and what is stored instead. The tests'
# sanitiser (tests/nbval_sanitize.cfg) makes the same replacements before it compares.
VOLATILE = (
    (re.compile(r"""(?<![^\s"'(])[^\s"'(]*ipykernel_\d+[/\\]\d+\.py"""), "<cell>"),
    (re.compile(r"\bat 0x[0-9a-fA-F]+"), "at 0x0"),
)


def steady(text):
    """Return the text without what differs from run to run or machine to machine."""
    for pattern, replacement in VOLATILE:
        text = pattern.sub(replacement, text)
    return re.sub(r"^.*\r(?=[^\n])", "", text, flags=re.MULTILINE)  # as a terminal shows it


def joined_streams(outputs):
    """Join neighbouring pieces of one stream: where they were cut depends on timing."""
    joined = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output["output_type"] == "stream" and output["name"] == last.get("name"):
            last["text"] += output["text"]
        else:
            joined.append(nbformat.from_dict(output))
    return joined


def canonical_outputs(outputs, count):
    """Return a cell's outputs in canonical form."""
    outputs = joined_streams(outputs)
    for output in outputs:
        if "execution_count" in output:
            output["execution_count"] = count
        if output["output_type"] == "stream":
            output["text"] = steady(output["text"])
        for kind in ("text/plain", "text/html"):
            if kind in output.get("data", {}):
                output["data"][kind] = steady(output["data"][kind])
        output.get("data", {}).pop(WIDGET, None)
    return outputs


def canonical(notebook):
    """Return the notebook in canonical form; cells that were not run keep no number."""
    made = nbformat.from_dict(notebook)
    made["metadata"] = nbformat.from_dict(METADATA)
    number = 0
    for cell in made["cells"]:
        kept = {key: cell["metadata"][key] for key in CELL_METADATA if cell["metadata"].get(key)}
        cell["metadata"] = nbformat.from_dict(kept)
        if cell["cell_type"] == "code":
            number += 1
            cell["execution_count"] = None if cell["execution_count"] is None else number
            cell["outputs"] = canonical_outputs(cell["outputs"], cell["execution_count"])
    return made


def canonical_text(notebook):
    """Return the text of the notebook's file in canonical form."""
    return nbformat.writes(canonical(notebook), version=4) + "\n"


class CellError(Exception):
    """A cell that failed: which one, and the end of its traceback."""


def client(notebook, folder):
    """Return an executor that runs cells in this environment's Python, inside a folder."""
    settings.use_own()
    return NotebookClient(
        notebook,
        timeout=60,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=ERROR"],  # or the kernel warns about its local TCP port
    )


def execute(notebook, folder, name="notebook"):
    """Run all cells in a fresh kernel, storing outputs in the notebook.

    Raises
    ------
    CellError
        If a cell raises, takes over 60 seconds or loses the kernel.
    """
    executor = client(notebook, folder)
    with executor.setup_kernel():
        for index, cell in enumerate(tqdm(notebook.cells, desc=name, unit="cell", leave=False)):
            if cell.cell_type == "code":
                try:
                    executor.execute_cell(cell, index)
                except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
                    last = "\n".join(plain.splitlines()[-8:])
                    raise CellError(f"{name}, cell {index}, failed:\n{last}") from error


def refresh(path):
    """Run one notebook and store its outputs; return whether the file changed."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    execute(notebook, path.parent, path.name)
    text = canonical_text(notebook)
    changed = text != path.read_text(encoding="utf-8")
    if changed:
        write_atomically(path, text)
    return changed


def main(arguments=None):
    """Refresh the notebooks named, or all; exit with 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebook", nargs="?", default="", help="its name, or how it starts")
    options = parser.parse_args(arguments)
    try:
        paths = find(options.notebook, NOTEBOOKS)
    except LookupError as error:
        parser.error(str(error))
    failed = False
    for path in paths:
        try:
            print(f"{path.name}: {'changed' if refresh(path) else 'unchanged'}", flush=True)
        except CellError as error:
            failed = True
            print(f"{error}\n{path.name} is left as it was.", file=sys.stderr, flush=True)
        except OSError as error:  # a full disk, a folder that cannot be written
            failed = True
            print(f"{explain(error)}. {path.name} is left as it was.", file=sys.stderr, flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
