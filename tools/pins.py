"""Write requirements.txt: the newest packages that pyproject.toml allows, in a fresh environment, all of them pinned.

    python tools/pins.py                     # everything as new as the bounds allow
    python tools/pins.py torch==2.13.0       # the same, with one package held where it is

The file says which packages the project asks for, and why, and which ones only come along with those.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADINGS = {
    "dependencies": "the library",
    "course": "the chapters",
    "book": "the pages",
    "test": "the tests",
}
INTRO = """\
# One tested set of packages, every one pinned: what `make book` and `make test` install.
# Written by tools/pins.py from the loose bounds in pyproject.toml; resolved with Python 3.11 on Linux,
# tried with 3.11, 3.12 and 3.13.
"""


def canonical(name: str) -> str:
    """A package's name as the index compares it: `Vega_Datasets` is `vega-datasets`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def direct(pyproject: str) -> dict[str, dict[str, str]]:
    """Group -> {package as written, with its extras: the reason that stands beside it}."""
    groups: dict[str, dict[str, str]] = {}
    for group in HEADINGS:
        body = re.search(rf"^{group} = \[\n(.*?)^\]", pyproject, re.M | re.S)
        if body is None:
            raise ValueError(f"pyproject.toml: expected a list named {group!r}")
        entries = re.findall(r'^\s*"([\w.-]+(?:\[[\w,]+\])?)[^"]*",\s*# (.*)$', body[1], re.M)
        groups[group] = {name: reason.strip() for name, reason in entries}
    return groups


def resolve(constraints: list[str]) -> dict[str, str]:
    """Install the project with all its groups into a fresh environment; canonical name -> pin."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", f"{folder}/env"], check=True)
        python = next(p for p in (Path(folder, "env/bin/python"), Path(folder, "env/Scripts/python.exe")) if p.exists())
        pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
        wanted = [f"{ROOT}[{','.join(list(HEADINGS)[1:])}]", *constraints]
        subprocess.run([*pip, "install", *wanted], check=True)
        subprocess.run([*pip, "check"], check=True)
        frozen = subprocess.run([*pip, "freeze", "--all"], check=True, capture_output=True, text=True).stdout
    pairs = (line.split("==") for line in frozen.splitlines() if "==" in line)
    versions = {canonical(name): f"{name}=={version.partition('+')[0]}" for name, version in pairs}
    return {key: pin for key, pin in versions.items() if key not in ("pip", "rnnlib")}


def render(groups: dict[str, dict[str, str]], pins: dict[str, str]) -> str:
    """The text of requirements.txt."""
    lines, rest = [INTRO], dict(pins)
    for group, entries in groups.items():
        lines.append(f"# {HEADINGS[group]}")
        for name, reason in entries.items():
            version = rest.pop(canonical(name.partition("[")[0])).partition("==")[2]
            lines.append(f"{name + '==' + version:<40} # {reason}")
        lines.append("")
    lines.append("# what those bring with them")
    lines += [rest[key] for key in sorted(rest)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Resolve, then replace requirements.txt."""
    groups = direct((ROOT / "pyproject.toml").read_text(encoding="utf8"))
    (ROOT / "requirements.txt").write_text(render(groups, resolve(sys.argv[1:])), encoding="utf8")


if __name__ == "__main__":
    main()
