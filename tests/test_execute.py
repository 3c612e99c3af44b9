"""tools/execute.py: what it keeps, what it drops, what it refuses."""

import execute
import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

SOURCES = {
    "loop": "for i in range(3):\n    print(i, flush=True)",
    "value": "import os\n{'seed': os.environ['PYTHONHASHSEED'], 'zone': os.environ['TZ']}",
    "picture": "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()",
    "slider": "import ipywidgets\nipywidgets.IntSlider(3)",
}


def write(path, **sources):
    cells = [new_markdown_cell("# Title", id="title"), *(new_code_cell(s, id=i) for i, s in sources.items())]
    nbformat.write(new_notebook(cells=cells, metadata={"authors": ["someone"]}), path)
    return path


@pytest.mark.alone
def test_running_twice_changes_nothing(tmp_path):
    path = write(tmp_path / "sample.ipynb", **SOURCES)
    execute.execute(path, progress=False)
    first = path.read_text(encoding="utf8")
    execute.execute(path, progress=False)
    assert path.read_text(encoding="utf8") == first
    notebook = nbformat.read(path, as_version=4)
    assert [cell.id for cell in notebook.cells] == ["title", *SOURCES]
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2, 3, 4]
    assert notebook.cells[1].outputs[0].text == "0\n1\n2\n"
    assert notebook.cells[2].outputs[0].data["text/plain"] == "{'seed': '0', 'zone': 'UTC'}"
    assert "image/png" in notebook.cells[3].outputs[0].data
    assert set(notebook.cells[4].outputs[0].data) == {"text/plain"}
    assert notebook.metadata == nbformat.from_dict({"authors": ["someone"], **execute.METADATA})


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("object()", "cell bad: shows the memory address 0x"),
        ("print(object())", "cell bad: shows the memory address 0x"),
        ("import sys; print('oh', file=sys.stderr)", "cell bad: writes to stderr: 'oh"),
        ("import warnings; warnings.warn('old')", "cell bad: writes to stderr: "),
    ],
)
def test_what_cannot_reproduce_is_refused(tmp_path, source, complaint):
    path = write(tmp_path / "sample.ipynb", bad=source)
    before = path.read_text(encoding="utf8")
    with pytest.raises(ValueError, match="would not reproduce") as error:
        execute.execute(path, progress=False)
    assert complaint in str(error.value)
    assert path.read_text(encoding="utf8") == before


def test_a_failing_cell_leaves_the_file_alone(tmp_path):
    path = write(tmp_path / "sample.ipynb", bad="1 / 0")
    before = path.read_text(encoding="utf8")
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        execute.execute(path, progress=False)
    assert path.read_text(encoding="utf8") == before


def test_the_command_counts_failures_and_names_them(tmp_path, capsys):
    good, bad = write(tmp_path / "good.ipynb", fine="1 + 1"), write(tmp_path / "bad.ipynb", wrong="1 / 0")
    assert execute.main([str(bad), str(good)]) == 1
    assert "bad.ipynb" in capsys.readouterr().err
    assert nbformat.read(good, as_version=4).cells[1].outputs[0].data["text/plain"] == "2"
