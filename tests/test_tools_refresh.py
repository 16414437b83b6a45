"""Outputs are stored in one canonical form, and only after every cell has run."""

import errno
import os

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbval.plugin import get_sanitize_patterns

from tests.notebook_samples import complete_notebook, printed
from tools import nbfiles, refresh
from tools.nbfiles import ROOT

HOME = "/" + "tmp/ipykernel_" + "12/34.py"


def write(path, *cells):
    cells = [cell if isinstance(cell, dict) else new_code_cell(cell) for cell in cells]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def outputs_of(*outputs, count=1):
    return refresh.canonical_outputs(list(outputs), count)


def test_refresh_stores_outputs_and_changes_nothing_the_second_time(tmp_path):
    tagged = new_code_cell("print(2)", metadata={"tags": ["x"], "trusted": True})
    path = write(tmp_path / "a.ipynb", "a = 1", "", tagged, "a + 1", "1 / 2")
    assert refresh.refresh(path)
    stored = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in stored.cells] == [1, None, 3, 4, 5]
    assert stored.cells[2].metadata == {"tags": ["x"]}
    assert stored.cells[2].outputs == [printed("2\n")]
    assert stored.cells[3].outputs[0].data == {"text/plain": "2"}
    assert [cell.id for cell in stored.cells] == [f"cell-{k}" for k in range(5)]
    assert stored.metadata == refresh.METADATA
    assert not refresh.refresh(path)


def test_failing_cell_is_named_and_the_file_stays(tmp_path, monkeypatch, capsys):
    path = write(tmp_path / "a.ipynb", "print(1)", "def divide(n):\n    return n / 0", "divide(1)")
    before = path.read_bytes()
    monkeypatch.setattr(refresh, "find", lambda name, folder: [path])
    assert refresh.main([]) == 1
    message = capsys.readouterr().err
    assert "a.ipynb, cell 2, failed" in message
    assert "ZeroDivisionError: division by zero" in message
    assert "\x1b" not in message
    assert path.read_bytes() == before


@pytest.mark.parametrize("step", ["open", "execute"])
def test_full_disk_is_a_sentence_and_the_file_stays(step, tmp_path, monkeypatch, capsys):
    def fail(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = write(tmp_path / "a.ipynb", "print(1)")
    before = path.read_bytes()
    monkeypatch.setattr(refresh, "find", lambda name, folder: [path])
    monkeypatch.setattr(refresh, "execute", lambda *arguments: None)
    where = (refresh, "execute") if step == "execute" else (nbfiles.tempfile, "mkstemp")
    monkeypatch.setattr(*where, fail)
    assert refresh.main([]) == 1
    message = capsys.readouterr().err
    assert message.startswith("No space left on device")
    assert message.endswith(". a.ipynb is left as it was.\n")
    assert path.read_bytes() == before


def test_file_is_canonical_when_written_and_stays_so():
    text = refresh.canonical_text(complete_notebook())
    again = nbformat.reads(text, as_version=4)
    assert refresh.canonical_text(again) == text
    assert text.endswith("}\n")
    assert not text.endswith("\n\n")


def test_canonical_form_leaves_its_input_alone():
    notebook = complete_notebook()
    notebook.cells[2].outputs = [printed("a"), printed("b")]
    before = nbformat.writes(notebook)
    refresh.canonical(notebook)
    assert nbformat.writes(notebook) == before


def test_pieces_of_a_stream_are_joined_where_nothing_stands_between():
    figure = new_output("display_data", {"text/plain": "Figure"})
    error = new_output("stream", name="stderr", text="c")
    found = outputs_of(printed("a"), printed("b"), error, printed("d"), figure, printed("e"))
    assert [output.get("text") for output in found] == ["ab", "c", "d", None, "e"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{HOME}:1: UserWarning", "<cell>:1: UserWarning"),
        ("<object object at 0x7fee01>", "<object object at 0x0>"),
        (" 10%\r 50%\r100%\n", "100%\n"),
        ("plain\r\n", "plain\r\n"),
    ],
)
def test_what_differs_between_runs_is_not_stored(text, expected):
    assert outputs_of(printed(text))[0]["text"] == expected


def test_widget_is_stored_as_its_text():
    data = {refresh.WIDGET: {"model_id": "1"}, "text/plain": "IntSlider(value=0)"}
    (output,) = outputs_of(new_output("display_data", data))
    assert output["data"] == {"text/plain": "IntSlider(value=0)"}


def test_tests_compare_what_is_stored():
    lines = (ROOT / "tests" / "nbval_sanitize.cfg").read_text(encoding="utf-8")
    patterns = get_sanitize_patterns(lines)
    assert patterns[1:] == [(pattern.pattern, new) for pattern, new in refresh.VOLATILE]
