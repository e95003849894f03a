#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""python_stubs.py: writes the keys of the program into python/laconic/__init__.pyi, as keywords of run(), sweep() ...

Reads them from the package in build/python. All else in the file is written by hand. In a list of parameters

    # <keys of run>
    # </keys>

stand around the lines that this script writes. tests/python/stubs_test.py fails when they are stale.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STUB = ROOT / "python" / "laconic" / "__init__.pyi"
MARKED = re.compile(r"(    # <keys of (\w+)>\n).*?(    # </keys>\n)", re.DOTALL)


def keys_of(function):
    """The names of the keys that a function takes, in the order of the program's tables."""
    from laconic import _core

    run_keys, sweep_keys = _core.keys()
    if function == "plot":
        [rows] = [rows for name, _, rows in _core.tables() if name == "plot-keys"]
    else:
        rows = run_keys + sweep_keys if function == "sweep" else run_keys
    return [row[0] for row in rows]


def type_of(function, key):
    """The type of a key's value. Lists are the axes of a sweep, and what advise() compares."""
    one = "_Problem" if key == "problem" else "_Value"
    takes_lists = function == "sweep" or (function == "advise" and key in ("method", "step"))
    return f"{one} | _List" if takes_lists else one


def with_keys(text):
    """The text of the stub with the present keys."""

    def written(marked):
        begin, function, end = marked.groups()
        lines = [f"    {key.replace('-', '_')}: {type_of(function, key)} = None,\n" for key in keys_of(function)]
        return "".join([begin, *lines, end])

    return MARKED.sub(written, text)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "build" / "python"))
    STUB.write_text(with_keys(STUB.read_text()))
