"""The package as others install it: a wheel is built, put into a folder of its own, and used from there."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import rnnlib

ROOT = Path(__file__).resolve().parent.parent
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


def run(*command: str | Path, **more) -> str:
    done = subprocess.run(command, capture_output=True, text=True, **more)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def files() -> set[str]:
    """The files of the package that git has or would take."""
    listed = run("git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "rnnlib")
    return {name for name in listed.split("\0") if name and (ROOT / name).exists()}


@pytest.fixture(scope="module")
def wheel(files, tmp_path_factory) -> Path:
    """The wheel, built from a copy, so that no build folder is left behind."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in [*files, "pyproject.toml", "README.md", "LICENSE"]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    run(*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source)
    (built,) = folder.glob("rnnlib-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """The folder that the wheel is installed into, and the environment of a Python that finds it there first."""
    folder = tmp_path_factory.mktemp("installed")
    run(*PIP, "install", "--no-deps", "--no-index", "--target", folder, wheel)
    return folder, os.environ | {"PYTHONPATH": str(folder)}


def test_the_wheel_has_every_file_of_the_package_and_nothing_else(wheel, files):
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == files
    assert any(name.endswith(".npz") for name in packed) and any(name.endswith(".js") for name in packed)


USE = """
import rnnlib
print(rnnlib.__file__)
from rnnlib.corpora import python_docs
from rnnlib.figures import GateMicroscope, TypeAhead
for figure in (TypeAhead(), GateMicroscope()):
    assert "export default" in figure._esm and len(str(figure.get_state())) > 10_000
assert len(python_docs()) > 100_000
"""


def test_another_project_imports_it_shows_figures_and_reads_its_data(installed, tmp_path):
    folder, environment = installed
    where = run(sys.executable, "-c", USE, cwd=tmp_path, env=environment)
    assert Path(where.strip()).is_relative_to(folder)


def test_its_command_explains_itself(installed, tmp_path):
    folder, environment = installed
    said = run(sys.executable, folder / "bin" / "rnnlib", "--help", cwd=tmp_path, env=environment)
    assert all(name in said for name in ("release", "check", "grade"))


def test_changelog_citation_module_and_package_name_the_same_version(wheel):
    version = wheel.name.split("-")[1]
    assert rnnlib.__version__ == version
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf8")
    assert changes.split("\n## ")[1].startswith(f"{version} (")
