"""Check the notebooks' style: each rule takes a notebook and yields complaints.

``make lint`` prints them, and the tests hold that there are none.
"""

import ast
import re
import sys
from itertools import pairwise

import nbformat

from tools.figures import bitmaps, figure_in, label_of
from tools.nbfiles import find
from tools.refresh import canonical_text

OPENINGS = ("You will do.", "You will learn.", "You need.", "Time.")
CLOSINGS = ["Summary", "Fine print", "References", "Next"]
CODE_LINES = 15
CODE_CELLS_IN_A_ROW = 3
WORDS_PER_CODE_CELL = 40
ALT_LENGTH = 40
WORDS_BESIDE_FORMULA = 6

EMBEDDED = re.compile(r"data:image/[a-z]+;base64,(?:[A-Za-z0-9+/=\s]|%0A)+")
ADDRESS = "data:image/svg+xml"
MACHINE_PATH = re.compile(
    r"(?<![\w.:~/-])/(?:home|Users|root|tmp|opt|work|private)/\w[\w./-]*"
    r"|\b[A-Za-z]:\\+Users\b[^\s\"']*|ipykernel_\d+"
)
DELIMITER = r"\|(?:[ ]*:?-+:?[ ]*\|)+"
TABLE = re.compile(rf"^\|.*\|\n{DELIMITER}$", re.MULTILINE)
TABLE_LINES = re.compile(r"(?:^\|.*\n?)+", re.MULTILINE)
IMAGE = re.compile(r"!\[([^\]]*)\]\(|<img\b([^>]*)>")
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(|<a\b[^>]*>(.*?)</a>")
VAGUE = {"", "click here", "here", "link", "more", "read more", "this", "this link", "this page"}
FORMULA = re.compile(r"\$\$.*?\$\$", re.DOTALL)
FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.MULTILINE | re.DOTALL)
PREDICT = re.compile(r"^\*\*Predict\b[^*]*\*\*", re.MULTILINE)
ANSWER = "<details><summary>Answer</summary>"
QUESTION_LISTS = re.compile(r"^(?:\d+\.|[-|]|<details>)")
HEADING = re.compile(r"^(#{1,6}) +(.+?) *$", re.MULTILINE)


def code_cells(notebook):
    """List (index, cell) of the code cells."""
    return [(k, cell) for k, cell in enumerate(notebook.cells) if cell.cell_type == "code"]


def prose(cell):
    """Return a markdown cell's text without its code blocks; nothing for a code cell."""
    return FENCE.sub("", cell.source) if cell.cell_type == "markdown" else ""


def headings(notebook):
    """List (index of the cell, level, text) of all headings."""
    return [
        (k, len(marks), text)
        for k, cell in enumerate(notebook.cells)
        for marks, text in HEADING.findall(prose(cell))
    ]


def output_data(notebook):
    """Yield (index of the cell, data by MIME type) for every output that has some."""
    for k, cell in code_cells(notebook):
        for output in cell.outputs:
            if "data" in output:
                yield k, output.data


def every_cell_was_run_in_order(notebook):
    """Execution counts are 1 to n, and no output is an error."""
    cells = code_cells(notebook)
    counts = [cell.execution_count for _, cell in cells]
    if counts != list(range(1, len(cells) + 1)):
        yield f"execution counts are {counts}, not 1 to {len(cells)}: make refresh"
    for k, cell in cells:
        if any(output.output_type == "error" for output in cell.outputs):
            yield f"cell {k} stores an error"


def no_cell_escapes_the_check(notebook):
    """Every cell is run, and one whose output is not compared is followed by one that is."""
    cells = code_cells(notebook)
    ignored = ["nbval-ignore-output" in cell.metadata.get("tags", []) for _, cell in cells]
    for position, (k, cell) in enumerate(cells):
        tags = cell.metadata.get("tags", [])
        special = [tag for tag in tags if re.match(r"nbval-|pytest-|raises-exception", tag)]
        comment = re.search(r"#\s*(NBVAL|PYTEST)_", cell.source)
        if comment or set(special) - {"nbval-ignore-output"}:
            yield f"cell {k}: only the tag nbval-ignore-output is in use here"
        if ignored[position] and all(ignored[position:]):
            yield f"cell {k}: its output is ignored, and no later cell asserts its claim"


def no_machine_path(notebook):
    """No path of the author's machine, in sources or outputs."""
    for k, cell in enumerate(notebook.cells):
        texts = [cell.source]
        for output in cell.get("outputs", []):
            texts += [output.get("text", ""), *map(str, output.get("data", {}).values())]
            texts += figure_in(output.get("data", {})) or ()
        for path in MACHINE_PATH.findall(EMBEDDED.sub("", "\n".join(texts))):
            yield f"cell {k} holds a machine's path: {path}"


def one_title_in_the_first_cell(notebook):
    """One heading of level 1, which opens the notebook, and no level skipped below it."""
    found = headings(notebook)
    if [k for k, level, _ in found if level == 1] != [0]:
        yield "there must be one heading of level 1, in the first cell"
    for (_, above, _), (k, level, text) in pairwise(found):
        if level > above + 1:
            yield f"cell {k}: the heading {text!r} skips a level"


def opening_says_what_to_expect(notebook):
    """The first cell says what the reader does, learns, needs; then comes the notation."""
    first = prose(notebook.cells[0]) if notebook.cells else ""
    for opening in OPENINGS:
        if f"**{opening}**" not in first:
            yield f"the first cell lacks **{opening}**"
    if not any(TABLE.search(prose(cell)) for cell in notebook.cells[:3]):
        yield "the opening cells have no notation table"


def closing_is_complete(notebook):
    """The last headings are the summary, the fine print, the references, the next notebook."""
    last = [text for _, level, text in headings(notebook) if level == 2][-len(CLOSINGS) :]
    if last != CLOSINGS:
        yield f"the last headings are {last}, not {CLOSINGS}"
    if notebook.cells and notebook.cells[-1].cell_type != "markdown":
        yield "the last cell is code"


def pace_is_readable(notebook):
    """Short cells, never many in a row, and enough prose between them."""
    cells = code_cells(notebook)
    for k, cell in cells:
        lines = len([line for line in cell.source.splitlines() if line.strip()])
        if lines > CODE_LINES:
            yield f"cell {k} has {lines} lines of code, over {CODE_LINES}"
    kinds = "".join(cell.cell_type[0] for cell in notebook.cells)
    for match in re.finditer("c" * CODE_CELLS_IN_A_ROW + "c+", kinds):
        yield f"cell {match.start()} begins {len(match[0])} code cells in a row"
    text = re.sub(r"^\|.*$", "", "\n".join(map(prose, notebook.cells)), flags=re.MULTILINE)
    words = len(re.findall(r"[^\W\d_]{2,}|\b[aAI]\b", text))
    if words < WORDS_PER_CODE_CELL * len(cells):
        yield f"{words} words for {len(cells)} code cells, under {WORDS_PER_CODE_CELL} each"


def no_star_import(notebook):
    """Every name in a cell says where it comes from."""
    for k, cell in code_cells(notebook):
        source = re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.MULTILINE)
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                yield f"cell {k}: from {node.module} import *"


def figures_have_alt_text(notebook):
    """Every figure is SVG, and says in words what it shows, as bnlib.plotting.show does."""
    for k, data in output_data(notebook):
        for _ in bitmaps(data):
            yield f"cell {k} stores a bitmap, which is not compared: use bnlib.plotting.show"
        figure = figure_in(data)
        if not figure and ADDRESS in data.get("text/html", ""):
            yield f"cell {k}: a figure in another form than that of bnlib.plotting.show"
        if figure:
            said = data.get("text/plain", "")
            alt = said.removeprefix("Figure: ")
            if alt == said or len(alt) < ALT_LENGTH:
                yield f"cell {k}: a figure needs 'Figure: ' and {ALT_LENGTH} characters of alt text"
            elif figure.alt != alt:
                yield f"cell {k}: the picture's alt text is not that of the plain text"
            elif label_of(figure.svg) != alt or 'role="img"' not in figure.svg:
                yield f"cell {k}: the SVG's root must carry role=img and the alt text as aria-label"


def alt_text_stands_in_the_cell(notebook):
    """A viewer may drop a figure's alt text: it is written out in the code, where it is read."""
    for k, data in output_data(notebook):
        source = notebook.cells[k].source
        if figure_in(data) and "plotting.show(" in source:
            strings = [n.value for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant)]
            if data.get("text/plain", "").removeprefix("Figure: ") not in strings:
                yield f"cell {k}: the alt text is not written out in the cell"


def tables_have_headers(notebook):
    """A table names each of its columns: a screen reader says the name with every cell."""
    for k, cell in enumerate(notebook.cells):
        for table in TABLE_LINES.findall(prose(cell)):
            header, *below = table.splitlines()
            if not below or not re.fullmatch(DELIMITER, below[0].strip()):
                yield f"cell {k}: a table without a header row: {header}"
            elif any(not name.strip() for name in header.strip().strip("|").split("|")):
                yield f"cell {k}: a column without a name: {header}"


def images_and_links_say_what_they_are(notebook):
    """Each image has alt text, and a link's text alone says where it leads."""
    for k, cell in enumerate(notebook.cells):
        for alt, attributes in IMAGE.findall(prose(cell)):
            if not (alt.strip() or re.search(r"alt=[\"'][^\"']", attributes)):
                yield f"cell {k}: an image without alt text"
        for text in map("".join, LINK.findall(prose(cell))):
            if text.strip(" .").lower() in VAGUE:
                yield f"cell {k}: a link called {text!r} does not say where it leads"


def formulas_stand_beside_words(notebook):
    """A cell with a display formula says in a sentence what the formula says."""
    for k, cell in enumerate(notebook.cells):
        text, formulas = FORMULA.subn(" ", prose(cell))
        words = re.findall(
            r"[^\W\d_]{2,}", re.sub(r"^[#|].*$|\$.*?\$", "", text, flags=re.MULTILINE)
        )
        if formulas and len(words) < WORDS_BESIDE_FORMULA:
            yield f"cell {k}: a formula stands without words"


def predictions_stay_open(notebook):
    """A prediction ends its cell; code without a figure follows, then the answer, folded."""
    cells = notebook.cells
    for k, cell in enumerate(cells):
        asked = list(PREDICT.finditer(prose(cell)))
        if not asked:
            continue
        if len(asked) > 1:
            yield f"cell {k}: two predictions in one cell, and one answer"
        _, *below = prose(cell)[asked[-1].start() :].strip().split("\n\n")
        if not all(QUESTION_LISTS.match(paragraph) for paragraph in below):
            yield f"cell {k}: text follows the prediction, before anything has run"
        end = next((j for j in range(k + 1, len(cells)) if prose(cells[j])), len(cells))
        if end == k + 1:
            yield f"cell {k}: no code follows the prediction"
        if any("plotting.show(" in code.source for code in cells[k + 1 : end]):
            yield f"cell {k}: a figure stands before the answer, and its title or alt text says it"
        if end == len(cells) or not cells[end].source.startswith(ANSWER):
            yield f"cell {k}: what follows the prediction's code is not a folded answer: {ANSWER}"


def a_function_has_a_name_of_its_own(notebook):
    """No cell defines a function again, or one that is imported: earlier cells would break."""
    seen = {}
    for k, cell in code_cells(notebook):
        source = re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.MULTILINE)
        for node in ast.parse(source).body:
            imported = node.names if isinstance(node, ast.Import | ast.ImportFrom) else ()
            names = [alias.asname or alias.name for alias in imported]
            if isinstance(node, ast.FunctionDef):
                names = [node.name]
                if node.name in seen:
                    yield f"cell {k} defines {node.name}, which cell {seen[node.name]} has"
            seen |= dict.fromkeys(names, k)


RULES = (
    every_cell_was_run_in_order,
    no_cell_escapes_the_check,
    no_machine_path,
    one_title_in_the_first_cell,
    opening_says_what_to_expect,
    closing_is_complete,
    pace_is_readable,
    no_star_import,
    figures_have_alt_text,
    alt_text_stands_in_the_cell,
    tables_have_headers,
    images_and_links_say_what_they_are,
    formulas_stand_beside_words,
    predictions_stay_open,
    a_function_has_a_name_of_its_own,
)


def complaints(path):
    """List all that is wrong with a notebook file; an empty list is what we want."""
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    found = [line for rule in RULES for line in rule(notebook)]
    if text != canonical_text(notebook):
        found.append("the file is not in the form that make refresh writes")
    return found


def report(complaints):
    """Print what is wrong with each notebook; return 1 where anything is, as an exit code."""
    lines = [f"{path.name}: {line}" for path in find("") for line in complaints(path)]
    print("\n".join(lines))
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(report(complaints))
