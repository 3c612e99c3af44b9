"""What the README shows, runs."""

import re
from pathlib import Path

import numpy as np

README = Path(__file__).resolve().parent.parent / "README.md"


def test_the_examples_run_one_after_the_other(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf8"), re.DOTALL)
    assert len(blocks) == 2
    names: dict = {}
    for block in blocks:
        shorter = block.replace("max_steps=1000", "max_steps=150")
        assert "max_steps" not in block or shorter != block
        exec(compile(shorter, str(README), "exec"), names)
    bits, text = capsys.readouterr().out.split("\n", 1)
    assert 2 < float(bits) < 4.5 and text.startswith("The ") and len(text) > 200
    assert np.isfinite(names["trace"].h).all()
