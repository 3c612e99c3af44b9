"""Any file may be handed in: what can be read is read, what cannot is told why, nothing else happens."""

import json
import os

import pytest
from submissions import demo

from rnnlib.grading.reading import (
    LARGE,
    Found,
    Refused,
    Unreadable,
    discover,
    examine,
    parse,
    read,
)
from rnnlib.grading.taking import match, take_answers


def as_bytes(notebook) -> bytes:
    return json.dumps(notebook).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "not JSON (line 1"),
        (b"[]", "nbformat is missing"),
        (b'"text"', "nbformat is missing"),
        (b'{"nbformat": "4"}', "nbformat is missing"),
        (b'{"nbformat": 99, "cells": []}', "nbformat 99; expected 4"),
        (b'{"nbformat": 3, "worksheets": []}', "nbformat 3; expected 4"),
        (b'{"nbformat": 4}', "no list of cells"),
        (b'{"nbformat": 4, "cells": {}}', "no list of cells"),
        (b"[" * 100_000, "cannot be read"),
        (b'{"nbformat": ' + b"9" * 10_000 + b"}", "cannot be read"),
        ('{"name": "José"}'.encode("latin-1"), "not UTF-8 text (byte 13)"),
        (json.dumps({"nbformat": 4}).encode("utf-16"), "not UTF-8"),
        (b"PK\x03\x04\xff\xfe", "not UTF-8"),
    ],
)
def test_what_is_no_notebook_is_told_why(content, said):
    with pytest.raises(Unreadable) as caught:
        parse(content)
    assert said in str(caught.value)


def test_odd_cells_are_passed_over():
    cells = [None, 3, {}, {"cell_type": "code"}, {"cell_type": "code", "source": [1]}, {"cell_type": "markdown"}]
    cells += [{"cell_type": "code", "id": 3, "source": "x", "metadata": {"rnnlib": ["answer"]}}]
    assert [cell.source for cell in parse(as_bytes({"nbformat": 4, "cells": cells})).cells] == ["x"]


def test_a_byte_order_mark_is_no_obstacle():
    assert parse(b"\xef\xbb\xbf" + as_bytes(demo.student())).exercise == demo.NAME


def test_an_endless_answer_is_not_taken():
    with pytest.raises(Unreadable, match="characters"):
        parse(as_bytes(demo.filled(demo.student(), {"step": "#" * 300_000})))


def test_a_large_file_is_read_elsewhere_and_gives_the_same(tmp_path):
    notebook = demo.filled(demo.student(), {"step": "step = 1"})
    small = demo.write(tmp_path / "small.ipynb", notebook)
    notebook["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * (LARGE + 1)}]
    large = demo.write(tmp_path / "large.ipynb", notebook)
    assert read(large) == read(small)
    large.write_bytes(b"[" * (LARGE + 1))
    with pytest.raises(Unreadable, match="cannot be read"):
        read(large)


def exercises():
    return {demo.NAME: demo.exercise()}


def test_the_exercise_is_the_named_one_or_the_one_with_these_cells():
    notebook = demo.student()
    assert match(parse(as_bytes(notebook)), exercises()).name == demo.NAME
    del notebook["metadata"]["rnnlib"]
    assert match(parse(as_bytes(notebook)), exercises()).name == demo.NAME
    twins = {**exercises(), "twin": demo.exercise()}
    with pytest.raises(Unreadable, match="more than one exercise: 00_demo, twin"):
        match(parse(as_bytes(notebook)), twins)
    with pytest.raises(Unreadable, match="names no exercise"):
        match(parse(as_bytes({"nbformat": 4, "cells": []})), exercises())
    with pytest.raises(Unreadable, match="'99_other', which is none of 00_demo"):
        match(
            parse(as_bytes({"nbformat": 4, "cells": [], "metadata": {"rnnlib": {"exercise": "99_other"}}})), exercises()
        )


def taken(notebook):
    return take_answers(parse(as_bytes(notebook)), demo.exercise())


def test_only_answers_are_taken_and_the_rest_is_remarked():
    notebook = demo.filled(demo.student(), {"step": "step = 1", "total-check": "answer('demo.3', 1)"})
    notebook["cells"].append({"cell_type": "code", "id": "mine", "metadata": {}, "source": "x = 1", "outputs": []})
    notebook["cells"] = [item for item in notebook["cells"] if item["id"] != "gradient-check"]
    answers, remarks = taken(notebook)
    assert answers["step"] == "step = 1"
    assert set(answers) == {"step", "gradient", "total"}
    assert sorted(remark.split(";")[0] for remark in remarks) == [
        "1 cell of your own was not needed for an answer, and not run.",
        "The check cell of demo.2 is missing",
        "The check cell of demo.3 was changed",
    ]
    assert taken(demo.student())[1] == []


def test_of_doubled_answers_the_last_that_is_no_stub_counts():
    notebook = demo.filled(demo.student(), {"step": "first"})
    again = demo.filled(demo.student(), {"step": "second"})
    notebook["cells"] += again["cells"] + demo.student()["cells"]
    answers, remarks = taken(notebook)
    assert answers["step"] == ["first", "second"]  # run from top to bottom, as in the notebook
    assert any("The answer cell of demo.1 is there in 2 parts or copies" in remark for remark in remarks)


def test_cells_that_lost_their_ids_are_known_by_their_metadata():
    notebook = demo.filled(demo.student(), {"step": "step = 1"})
    notebook["nbformat_minor"] = 4
    for index, item in enumerate(notebook["cells"]):
        item["id"] = f"new{index}"
        if index % 2:
            del item["id"]
    assert taken(notebook) == ({**taken(demo.student())[0], "step": "step = 1"}, [])


def test_a_copy_below_the_check_cell_is_not_the_answer():
    notebook = demo.filled(demo.student(), {"step": "step = 1"})
    copy = next(dict(item) for item in notebook["cells"] if item["id"] == "step")
    notebook["cells"].append({**copy, "id": "other", "source": "step = 2"})
    answers, remarks = taken(notebook)
    assert answers["step"] == "step = 1"
    assert "A copy of the answer to demo.1 below its check cell was not taken" in remarks[0]


def test_what_systems_leave_beside_files_is_not_handed_in(tmp_path):
    for path in ("__MACOSX/._04.ipynb", "__MACOSX/04.ipynb", "ann/._04.ipynb", "ann/~$04.ipynb", "ann/04.ipynb"):
        demo.write(tmp_path / path, {})
    assert [item.name for item in discover([tmp_path])] == ["ann/04.ipynb"]


def test_no_two_names_are_shown_alike(tmp_path):
    names = [b"caf\xe9.ipynb", rb"caf\xe9.ipynb", "café.ipynb".encode(), "\u202e.ipynb".encode(), b"\xff.ipynb"]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(b"{}")
    assert len({item.name for item in discover([tmp_path])}) == len(names)


def test_an_exercise_that_is_named_must_be_there():
    notebook = demo.student()
    notebook["cells"] = [item for item in notebook["cells"] if item["cell_type"] == "markdown"]
    with pytest.raises(Unreadable, match="It names the exercise '00_demo', but none of its answer cells is there"):
        match(parse(as_bytes(notebook)), exercises())


def test_a_number_of_the_format_may_be_written_as_javascript_does():
    assert parse(as_bytes({**demo.student(), "nbformat": 4.0})).exercise == demo.NAME
    with pytest.raises(Unreadable, match="nbformat is missing"):
        parse(as_bytes({**demo.student(), "nbformat": True}))


def test_folders_are_searched_at_any_depth_and_links_are_not_followed(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for path in ("b/deep/x.ipynb", "a.ipynb", "[weird] ..\n name.IPYNB", "b/.ipynb_checkpoints/x.ipynb", "b/notes.txt"):
        demo.write(inside / path, {})
    demo.write(outside / "solution.ipynb", {})
    (inside / "link").symlink_to(outside)
    (inside / "file.ipynb").symlink_to(outside / "solution.ipynb")
    (inside / "own.ipynb").symlink_to(inside / "a.ipynb")
    (inside / "broken.ipynb").symlink_to(inside / "nowhere")
    (inside / "loop.ipynb").symlink_to(inside / "loop.ipynb")
    os.mkfifo(inside / "pipe.ipynb")
    found = {item.name: item for item in discover([inside])}
    names = [
        "[weird] ..\n name.IPYNB",
        "a.ipynb",
        "b/deep/x.ipynb",
        "broken.ipynb",
        "file.ipynb",
        "loop.ipynb",
        "own.ipynb",
    ]
    assert sorted(found) == [*names, "pipe.ipynb"]
    assert examine(found["a.ipynb"]) == examine(found["b/deep/x.ipynb"])
    for name, said in (dict.fromkeys(("own", "file", "broken", "loop"), "is a link") | {"pipe": "regular"}).items():
        with pytest.raises(Refused, match=said):
            examine(found[f"{name}.ipynb"])


def test_a_name_that_is_not_utf8_can_be_shown(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.ipynb")
    path.write_bytes(b"{}")
    [item] = discover([tmp_path])
    assert item.name == "caf\\xe9.ipynb"
    assert examine(item)


def test_single_files_and_several_folders_keep_their_names_apart(tmp_path):
    one = demo.write(tmp_path / "one" / "x.ipynb", {})
    two = demo.write(tmp_path / "two" / "x.ipynb", {})
    assert [item.name for item in discover([one])] == ["x.ipynb"]
    assert len({item.name for item in discover([one.parent, two.parent])}) == 2
    assert Found(one, "x.ipynb") in list(discover([one]))
