"""Execute notebooks in place, so that what is committed depends on the source and on nothing else.

    python tools/execute.py                      # every chapter in book/
    python tools/execute.py book/03_rnn.ipynb    # some of them

Each notebook runs in a fresh kernel, in its own folder, in a fixed environment. Kept are the cells, their ids and
tags, and their outputs, with pictures made small. Left out is what differs from run to run: times, widget state, the
machine's Python version. An output on stderr or one that shows a memory address is an error, because a reader could not
reproduce it.
"""

import argparse
import base64
import os
import platform
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from pictures import few_colours, small_svg
from tqdm.auto import tqdm

BOOK = Path(__file__).resolve().parent.parent / "book"
# The committed outputs are the same, to the letter, with each of these: the packages are pinned, and of the manual that
# Python carries chapters read only what all of them have. pyproject.toml says the same (requires-python).
PYTHONS = ("3.11", "3.12", "3.13")
# What a run could otherwise pick up from the person who starts it; the tests run the chapters with the same. Everything
# else is handed on, so OPENBLAS_CORETYPE and NPY_DISABLE_CPU_FEATURES try another processor's arithmetic.
# One thread: chapters run beside other tests, and two threads that wait for one another on a busy machine take many
# times as long (chapter 4 at a load of 7: 15 s with one, more than 70 s with two).
ENVIRONMENT = {
    "KERAS_BACKEND": "torch",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONWARNINGS": "default",
    "TZ": "UTC",
}
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    },
}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
MEMORY_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}", re.IGNORECASE)


def joined(text: str | list[str]) -> str:
    """A notebook's text, which may be stored as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def problems(notebook: nbformat.NotebookNode) -> list[str]:
    """What in the outputs a second run could not reproduce, one line for each, by cell id."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            texts = [output.get("text", ""), *(v for k, v in output.get("data", {}).items() if k.startswith("text/"))]
            if output.get("name") == "stderr":
                found.append(f"cell {cell.id}: writes to stderr: {joined(output.text)[:200]!r}")
            elif address := next((m for t in texts if (m := MEMORY_ADDRESS.search(joined(t)))), None):
                found.append(f"cell {cell.id}: shows the memory address {address[0]}; print what it means instead")
    return found


def merged_streams(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Join neighbouring pieces of one stream: where they were cut depends on timing."""
    result: list[nbformat.NotebookNode] = []
    for output in outputs:
        previous = result[-1] if result else None
        if previous and output.output_type == "stream" == previous.output_type and output.name == previous.name:
            previous.text = joined(previous.text) + joined(output.text)
        else:
            result.append(output)
    return result


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Drop, in place, everything that differs from run to run, and make pictures small."""
    kept = {key: value for key, value in notebook.metadata.items() if key not in ("widgets", *METADATA)}
    notebook.metadata = nbformat.from_dict({**kept, **METADATA})
    for cell in notebook.cells:
        for key in ("execution", "collapsed", "scrolled", "trusted"):
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            cell.outputs = merged_streams(cell.outputs)
            for output in cell.outputs:
                data = output.get("data", {})
                data.pop(WIDGET_VIEW, None)  # its model lives in a kernel that is gone
                if "image/svg+xml" in data:
                    data["image/svg+xml"] = small_svg(joined(data["image/svg+xml"]))
                if "image/png" in data:
                    png = base64.b64decode(joined(data["image/png"]))
                    data["image/png"] = base64.b64encode(few_colours(png)).decode()


def execute(path: Path, *, progress: bool = True) -> None:
    """Run the notebook at `path` and write it back; on an error nothing is written.

    Raises
    ------
    CellExecutionError
        If a cell raises.
    ValueError
        If the outputs hold something that a second run could not reproduce.
    """
    notebook = nbformat.read(path, as_version=4)
    total = sum(cell.cell_type == "code" for cell in notebook.cells)
    with tqdm(total=total, desc=path.name, unit="cell", disable=not progress) as bar:
        client = NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
            record_timing=False,
            store_widget_state=False,
            extra_arguments=["--log-level=ERROR"],  # the kernel's own remarks would break the progress bar
            on_cell_executed=lambda **_: bar.update(),
        )
        client.execute(env={**os.environ, **ENVIRONMENT})
    tidy(notebook)
    if found := problems(notebook):
        raise ValueError(f"{path.name} would not reproduce:\n  " + "\n  ".join(found))
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def main(arguments: list[str] | None = None) -> int:
    """Execute the notebooks that are named, or all chapters; the number of those that failed."""
    parser = argparse.ArgumentParser(description="Execute notebooks in place, reproducibly.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every chapter in book/")
    if platform.python_version().rpartition(".")[0] not in PYTHONS:
        print(
            f"The committed outputs are those of Python {', '.join(PYTHONS)}; this is {platform.python_version()}.",
            file=sys.stderr,
        )
    failed = 0
    for path in parser.parse_args(arguments).notebooks or sorted(BOOK.glob("*.ipynb")):
        try:
            execute(path)
        except (CellExecutionError, ValueError) as error:
            failed += 1
            print(f"{path}: {error}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
