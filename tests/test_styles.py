"""The pages' style sheet is joined from all sheets of book/_styles."""

import sys
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import frame  # noqa: E402


def test_every_sheet_is_in_the_one_that_pages_load_in_order_after_the_palette(tmp_path):
    frame.write_styles(SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path))
    sheet = (tmp_path / "_static" / "book.css").read_text(encoding="utf8")
    sources = {path.stem: path.read_text(encoding="utf8") for path in (ROOT / "book" / "_styles").glob("*.css")}
    places = [sheet.index(sources[name]) for name in frame.STYLES]
    assert sorted(frame.STYLES) == sorted(sources) and places == sorted(places)
    palette = (ROOT / "rnnlib" / "figures" / "palette.css").read_text(encoding="utf8")
    assert sheet.startswith(palette) and len(sheet) < len(palette) + sum(map(len, sources.values())) + 50
