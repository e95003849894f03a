# SPDX-License-Identifier: Apache-2.0
"""docs/python_api.md is what its tool writes, and has every public name."""
import importlib.util
import re

import pytest

import laconic as lc
from support import ROOT


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location("python_api", ROOT / "tools" / "python_api.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_fresh(tool):
    text = tool.PAGE.read_text()
    assert text == tool.page(), "docs/python_api.md is stale; renew it: tools/python_api.py"
    headings = re.findall(r"^### (?:class )?laconic\.([\w.]+)", text, re.MULTILINE)
    torch = [f"torch.{name}" for name in ("DiLoCo", "HookState", "LocalSGD", "hook", "problem")]
    federation = [f"federation.{name}" for name in lc.federation.__all__]
    names = [name for name in lc.__all__ if name not in ("federation", "torch")]
    assert sorted(headings) == sorted([*names, *federation, *torch])


def test_a_name_needs_a_place_and_a_docstring(tool, monkeypatch):
    monkeypatch.setattr(lc.list_keys, "__doc__", None)
    with pytest.raises(SystemExit, match="laconic.list_keys has no docstring"):
        tool.page()
    monkeypatch.undo()
    monkeypatch.setattr(lc.Run.to_pandas, "__doc__", None)
    with pytest.raises(SystemExit, match="laconic.Run.to_pandas has no docstring"):
        tool.page()
    monkeypatch.undo()
    monkeypatch.setattr(lc, "__all__", [*lc.__all__, "new_name"])
    with pytest.raises(SystemExit, match="new_name"):
        tool.page()


def test_docstrings_as_markdown(tool):
    docstring = "A b*\nc.\n\n    x = 1\n\na, b : int < 3\n    One.\nf(x) -> y\n    Three `p*`."
    assert tool.markdown(docstring) == [
        r"A b\* c.", "", "```python", "x = 1", "```", "", "- `a`, `b` (int < 3): One.",
        "- `f(x) -> y`: Three `p*`."]
    assert tool.item("f(x)", "One.\n\n    Two.") == ["- `f(x)`: One.", "", "  Two."]
    line = tool.wrapped("x" * 119 + " - <b> y")
    assert line == ["x" * 119, r"\- \<b> y"]
    with pytest.raises(SystemExit, match="without a blank line"):
        tool.markdown("A paragraph.\na : int\n    One.")
