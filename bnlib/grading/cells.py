"""The code cells of a notebook file, or why it has none that can be read."""

import json

LARGEST = 20 * 2**20  # bytes; a notebook of the series with its figures has less than 2 MB
MOST_CODE = 2 * 10**6  # characters in all cells; a notebook of the series has less than 50,000


class UnreadableError(Exception):
    """The file holds no notebook that can be graded; the text says why."""


def of_bytes(data):
    """Return the sources of the code cells, in order.

    Raises
    ------
    UnreadableError
        If there are none.
    """
    if not data.strip():
        raise UnreadableError("empty file")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UnreadableError("damaged: not UTF-8") from None
    except (ValueError, RecursionError):
        raise UnreadableError("damaged: not JSON") from None
    sources = list(_sources(notebook))
    if not sources:
        raise UnreadableError("no code cells")
    if sum(map(len, sources)) > MOST_CODE:
        raise UnreadableError("too much code")
    return sources


def _sources(notebook):
    """Yield the sources of code cells; of notebook format 3, too, which had worksheets."""
    if not isinstance(notebook, dict):
        raise UnreadableError("damaged: no notebook")
    cells = notebook.get("cells")
    if cells is None and isinstance(notebook.get("worksheets"), list):
        sheets = [sheet for sheet in notebook["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets for cell in sheet.get("cells") or []]
    if not isinstance(cells, list):
        raise UnreadableError("damaged: no notebook")
    for cell in cells:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            lines = source if isinstance(source, list) else [source]
            yield "".join(line for line in lines if isinstance(line, str))
