"""tools/execute.py: what it keeps, what it drops, what it refuses."""

import base64
import io
import tomllib
from pathlib import Path

import execute
import nbformat
import numpy as np
import pytest
import yaml
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from rnnlib import plots

SOURCES = {
    "loop": "for i in range(3):\n    print(i, flush=True)",
    "value": "import os\n{'seed': os.environ['PYTHONHASHSEED'], 'zone': os.environ['TZ']}",
    "image": "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()",
    "drawing": "from rnnlib import plots\nplots.loss_curves({'training': [3, 2]})\nplt.show()",
    "slider": "import ipywidgets\nipywidgets.IntSlider(3)",
}


def write(path, **sources):
    cells = [new_markdown_cell("# Title", id="title"), *(new_code_cell(s, id=i) for i, s in sources.items())]
    nbformat.write(new_notebook(cells=cells, metadata={"authors": ["someone"]}), path)
    return path


def test_running_twice_changes_nothing(tmp_path):
    path = write(tmp_path / "sample.ipynb", **SOURCES)
    execute.execute(path, progress=False)
    first = path.read_text(encoding="utf8")
    execute.execute(path, progress=False)
    assert path.read_text(encoding="utf8") == first
    notebook = nbformat.read(path, as_version=4)
    assert [cell.id for cell in notebook.cells] == ["title", *SOURCES]
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2, 3, 4, 5]
    assert notebook.cells[1].outputs[0].text == "0\n1\n2\n"
    assert notebook.cells[2].outputs[0].data["text/plain"] == "{'seed': '0', 'zone': 'UTC'}"
    assert set(notebook.cells[3].outputs[0].data) == {"image/png", "text/plain"}
    (drawing,) = notebook.cells[4].outputs
    assert set(drawing.data) == {"image/svg+xml", "text/plain"}
    assert ">training</text>" in drawing.data["image/svg+xml"] and len(drawing.data["image/svg+xml"]) < 8000
    assert set(notebook.cells[5].outputs[0].data) == {"text/plain"}
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


def test_tidying_makes_pictures_small_and_a_second_time_changes_nothing():
    rng, file, drawing = np.random.default_rng(0), io.BytesIO(), io.StringIO()
    Image.fromarray(rng.integers(0, 256, (90, 90, 3), np.uint8)).save(file, "PNG")
    plots.loss_curves({"training": rng.normal(size=500)}).figure.savefig(drawing, format="svg")
    png = base64.b64encode(file.getvalue()).decode()
    data = {"image/svg+xml": drawing.getvalue().splitlines(keepends=True), "image/png": png, "text/plain": "picture"}
    notebook = new_notebook(cells=[new_code_cell("draw()", outputs=[new_output("display_data", data=data)])])
    execute.tidy(notebook)
    small = dict(notebook.cells[0].outputs[0].data)
    assert len(small["image/svg+xml"]) < 0.5 * len(drawing.getvalue()) and len(small["image/png"]) < 0.5 * len(png)
    assert small["text/plain"] == "picture"
    execute.tidy(notebook)
    assert notebook.cells[0].outputs[0].data == small


@pytest.mark.parametrize(("python", "warned"), [("3.11.7", False), ("3.13.1", False), ("3.14.0", True)])
def test_the_command_says_whose_outputs_the_committed_ones_are(monkeypatch, tmp_path, capsys, python, warned):
    monkeypatch.setattr(execute.platform, "python_version", lambda: python)
    monkeypatch.setattr(execute, "execute", lambda path: None)
    assert execute.main([str(tmp_path / "any.ipynb")]) == 0
    assert (python in capsys.readouterr().err) == warned


def test_all_files_name_the_same_releases_of_python():
    root = Path(execute.__file__).parent.parent
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf8"))
    first, last = execute.PYTHONS[0], execute.PYTHONS[-1]
    after = f"3.{int(last.partition('.')[2]) + 1}"
    assert settings["project"]["requires-python"] == f">={first},<{after}"
    assert settings["tool"]["ruff"]["target-version"] == f"py{first.replace('.', '')}"
    workflow = yaml.safe_load((root / ".github/workflows/ci.yml").read_text(encoding="utf8"))
    tried = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert [".".join(version.split(".")[:2]) for version in tried] == list(execute.PYTHONS)


def test_the_command_counts_failures_and_names_them(tmp_path, capsys):
    good, bad = write(tmp_path / "good.ipynb", fine="1 + 1"), write(tmp_path / "bad.ipynb", wrong="1 / 0")
    assert execute.main([str(bad), str(good)]) == 1
    assert "bad.ipynb" in capsys.readouterr().err
    assert nbformat.read(good, as_version=4).cells[1].outputs[0].data["text/plain"] == "2"
