"""Count the lines of code of modules or folders, without docstrings, comments and blank lines.

    python -m tools.code_lines bnlib/layers.py bnlib/graph

Without arguments it counts the mathematics, which has to stay small.
"""

import ast
import io
import sys
import tokenize
from pathlib import Path

from tools.nbfiles import ROOT

MATHEMATICS = ("layout", "statistics", "normalize", "layers", "running", "conventions", "folding")
MATHEMATICS += ("contract",)
LIMIT = 700
SILENT = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE),
    *(tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
}


def lines_of(node):
    """Return the numbers of the lines that a node of the syntax tree covers."""
    return range(node.lineno, node.end_lineno + 1)


def code_lines(source):
    r"""Count the lines of a source that hold code.

    >>> code_lines('def f():\n    "Say why."\n\n    return 1  # one\n')
    2
    """
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, documented)]
    described = [node.body[0] for node in nodes if ast.get_docstring(node) is not None]
    docstrings = {line for node in described for line in lines_of(node)}
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    spoken = [token for token in tokens if token.type not in SILENT]
    code = {line for t in spoken for line in range(t.start[0], t.end[0] + 1)}
    return len(code - docstrings)


def count(path):
    """Count the lines of code of a file, or of all Python files below a folder."""
    files = path.rglob("*.py") if path.is_dir() else [path]
    return sum(code_lines(file.read_text(encoding="utf-8")) for file in files)


def main(names):
    """Print a line for each name, and the sum."""
    paths = [Path(name) for name in names] or [ROOT / "bnlib" / f"{m}.py" for m in MATHEMATICS]
    counts = {path.stem: count(path) for path in paths}
    for name, number in counts.items():
        print(f"{number:6,d}  {name}")
    print(f"{sum(counts.values()):6,d}  lines of code" + ("" if names else f", of {LIMIT} at most"))


if __name__ == "__main__":
    main(sys.argv[1:])
