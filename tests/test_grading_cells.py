"""Code cells are read from every notebook that holds some; any other file gets a reason."""

import json

import pytest

from bnlib.grading.cells import UnreadableError, of_bytes


def notebook(*cells):
    return json.dumps({"cells": list(cells)}).encode()


def code(source):
    return {"cell_type": "code", "source": source, "outputs": [{"text": "Correct."}]}


def test_sources_come_in_order_as_text_or_as_lines():
    text = {"cell_type": "markdown", "source": "# no"}
    cells = notebook(code("a = 1"), text, code(["b = 2\n", "c = 3"]))
    assert of_bytes(cells) == ["a = 1", "b = 2\nc = 3"]


def test_byte_order_mark_and_format_3_are_read():
    assert of_bytes(b"\xef\xbb\xbf" + notebook(code("a"))) == ["a"]
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": ["a\n", "b"]}]}]}
    assert of_bytes(json.dumps(old).encode()) == ["a\nb"]


def test_cells_of_other_kinds_are_passed_over():
    assert of_bytes(notebook(None, 3, {"cell_type": "code", "source": None}, code("a"))) == [
        "",
        "a",
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b" \n", "empty file"),
        (b"{", "damaged: not JSON"),
        (b"[" * 10**5, "damaged: not JSON"),
        (b"\xff\xfe{}", "damaged: not UTF-8"),
        (b"[]", "damaged: no notebook"),
        (b'"cells"', "damaged: no notebook"),
        (b'{"cells": {}}', "damaged: no notebook"),
        (b'{"nbformat": 4}', "damaged: no notebook"),
        (notebook(), "no code cells"),
        (notebook(code("x" * 3 * 10**6)), "too much code"),
    ],
)
def test_file_without_readable_cells_gets_a_reason(data, reason):
    with pytest.raises(UnreadableError) as error:
        of_bytes(data)
    assert str(error.value) == reason
