# SPDX-License-Identifier: Apache-2.0
"""The blocks of docs/python.md and of docs/training.md run as they are, one after the other."""
import importlib.util
import re
import warnings

import pytest

import laconic as lc
from support import ROOT, torchrun

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_blocks_of_the_guide(capsys):
    path = ROOT / "docs" / "python.md"
    text = path.read_text()
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) > 10
    has_torch = importlib.util.find_spec("torch") is not None
    names = {"__name__": "guide"}
    with warnings.catch_warnings():
        warnings.simplefilter("error", lc.DivergedWarning)
        for block in blocks:
            if "import torch" in block[1] and not has_torch:
                continue
            line = text.count("\n", 0, block.start(1))
            # The lines of the page, so that a traceback names the right one.
            exec(compile("\n" * line + block[1], str(path), "exec"), names)


def test_the_blocks_of_the_page_about_training(tmp_path):
    pytest.importorskip("torch")
    blocks = BLOCK.findall((ROOT / "docs" / "training.md").read_text())
    script = tmp_path / "script.py"
    script.write_text("\n".join(blocks))
    losses = [float(line.split()[0]) for line in torchrun(2, script).splitlines()]
    assert len(losses) == 3 and max(losses) < 0.3  # 0.7 at the start
