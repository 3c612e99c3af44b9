"""A class of broken and hostile submissions, graded in one run: each gets its verdict, and nothing else is harmed."""

import json
import re
import secrets
import socket
from pathlib import Path

import psutil
import pytest
from submissions import attacks, demo
from submissions.corpus import CORPUS, World

from rnnlib.grading import sandbox
from rnnlib.grading.cli import main
from rnnlib.grading.reading import show

LEVEL = sandbox.probe()
assert attacks.CALL  # they are in the corpus now
ENTRIES = {name: entry for name, entry in CORPUS.items() if entry.harmless or LEVEL.isolated}
LIMITS = [f"--{name.replace('_', '-')}={value}" for name, value in demo.LIMITS.to_json().items()]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """What is outside: a folder that must stay as it is, a port on which nothing may arrive, a word to look for."""
    canary = tmp_path_factory.mktemp("canary")
    (canary / "canary.txt").write_text("alive")
    token = f"token{secrets.token_hex(8)}"
    with socket.socket() as stream, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        stream.bind(("127.0.0.1", 0))
        stream.listen()
        datagrams.bind(stream.getsockname())
        for sock in (stream, datagrams):
            sock.setblocking(False)
        yield World(canary, stream.getsockname()[1], token), stream, datagrams


@pytest.fixture(scope="module")
def places(world, tmp_path_factory):
    """Where each entry's submission lies: folder, and entry to path relative to it."""
    folder = tmp_path_factory.mktemp("class")
    found: dict[str, str] = {}
    for name, entry in ENTRIES.items():
        entry.write(folder, world[0])
        [new] = {path.relative_to(folder) for path in folder.rglob("*.ipynb")} - {Path(path) for path in found.values()}
        found[name] = str(new)
    return folder, {name: show(path) for name, path in found.items()}


@pytest.fixture(scope="module")
def results(places, tmp_path_factory):
    """One run over the whole corpus."""
    folder, found = places
    solutions = tmp_path_factory.mktemp("solutions")
    path = demo.write(solutions / f"{demo.NAME}.ipynb", demo.solution())
    assert main(["release", str(path), "--out", str(tmp_path_factory.mktemp("exercises"))]) == 0
    out = tmp_path_factory.mktemp("results")
    command = ["grade", str(folder), "--out", str(out), "--solutions", str(solutions), "--jobs=2", *LIMITS]
    status = main([*command, *([] if LEVEL.isolated else ["--trust-submissions"])])
    scores = {item["submission"]: item for item in json.loads((out / "scores.json").read_text())}
    assert set(scores) == set(found.values())
    return status, {name: scores[path] for name, path in found.items()}


def test_the_corpus_is_large_enough():
    assert len(CORPUS) >= 35
    if not LEVEL.isolated:
        pytest.skip(f"{len(CORPUS) - len(ENTRIES)} hostile submissions are left out: {LEVEL.reason}")


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_each_submission_gets_its_verdict(results, name):
    entry, result = ENTRIES[name], results[1][name]
    assert result["status"] == entry.status, result
    if entry.verdicts is None:
        assert result["tasks"] == {}
        assert entry.says in result["reason"]
        return
    assert tuple(outcome["verdict"] for outcome in result["tasks"].values()) == entry.verdicts, result
    assert entry.says in result["tasks"]["demo.2"]["message"]
    worth = [2, 3, 1]
    assert result["points"] == sum(
        points for points, verdict in zip(worth, entry.verdicts, strict=True) if verdict == "passed"
    )


def test_inputs_of_hidden_cases_never_reach_the_feedback(results):
    """The submissions of this kind try to put the numbers that they were given into whatever is quoted."""
    tried = [name for name in ENTRIES if name.startswith("inputs in")]
    assert len(tried) >= 6
    for name in tried:
        assert not re.search(r"\d\.\d\d", results[1][name]["tasks"]["demo.2"]["message"]), name


def test_no_submission_is_the_graders_fault(results):
    status, scores = results
    assert status == 0
    assert {item["sandbox"] for item in scores.values()} == {LEVEL.name}


def test_nothing_outside_was_touched(results, world):
    canary = world[0].canary
    assert [path.name for path in canary.iterdir()] == ["canary.txt"]
    assert (canary / "canary.txt").read_text() == "alive"


def test_nothing_arrived_on_the_network(results, world):
    _, stream, datagrams = world
    with pytest.raises(BlockingIOError):
        stream.accept()
    with pytest.raises(BlockingIOError):
        datagrams.recv(100)


def test_no_process_is_left(results, world):
    left = []
    for process in psutil.process_iter(["cmdline"]):
        left += (
            [process.info["cmdline"]] if any(world[0].token in part for part in process.info["cmdline"] or []) else []
        )
    assert left == []
