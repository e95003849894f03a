#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rooms of laconic include each other in one direction only: ARCHITECTURE.md shows the order.

A file may include files of its own room and of lower rooms. A file that is in no known room fails the test. The header
laconic/laconic.h may include all rooms of the kernel, and files of the kernel may not include it.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# The lowest first.
ROOMS = ["core", "message", "compress", "data", "topology", "participation", "problem", "torch", "mechanism", "local",
         "transport", "rounds", "cost", "served", "report", "solve", "methods", "laconic.h",
         "experiment", "sweep", "plot", "catalogue", "advise", "page", "sites", "cli"]
HEIGHT = {room: height for height, room in enumerate(ROOMS)}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]((?:laconic|cli)/[^">]+)[">]', re.MULTILINE)


def room_of(path):
    """The room of a path such as laconic/core/rng.h, or None where the path is in no known room."""
    parts = pathlib.PurePosixPath(path).parts
    if parts[0] == "cli":
        room = "cli"
    elif len(parts) == 2:
        room = {"solve.h": "solve", "solve.cc": "solve", "laconic.h": "laconic.h"}.get(parts[1])
    else:
        room = parts[1] if parts[1] != "cli" else None
    return room if room in HEIGHT else None


def failures_of(path, text):
    """What is wrong with the includes of one file, a line each."""
    room = room_of(path)
    if room is None:
        return [f"{path}: is in no known room"]
    failures = []
    for included in INCLUDE.findall(text):
        higher = room_of(included)
        if higher is None:
            failures.append(f"{path}: includes {included} of no known room")
        elif HEIGHT[higher] > HEIGHT[room]:
            failures.append(f"{path}: includes {included} of the higher room {higher}")
    return failures


def check_the_test_itself():
    """The rules above find what they are to find."""
    wrong = '#include <vector>\n#include "laconic/core/vec.h"\n  # include "laconic/rounds/star.h"\n'
    expected = ["laconic/message/sum.h: includes laconic/rounds/star.h of the higher room rounds"]
    assert failures_of("laconic/message/sum.h", wrong) == expected
    assert failures_of("laconic/rounds/star.cc", wrong) == []
    assert failures_of("laconic/solve.cc", wrong) == []
    assert failures_of("laconic/attic/a.h", "") == ["laconic/attic/a.h: is in no known room"]
    assert failures_of("laconic/other.h", "") == ["laconic/other.h: is in no known room"]


def main():
    check_the_test_itself()
    files = sorted(path for folder in ("laconic", "cli") for path in (ROOT / folder).rglob("*")
                   if path.suffix in (".h", ".cc"))
    failures = []
    for path in files:
        failures += failures_of(path.relative_to(ROOT).as_posix(), path.read_text())
    for failure in failures:
        print(failure)
    print(f"{len(files)} files, {len(failures)} failures")
    return 1 if failures or not files else 0


if __name__ == "__main__":
    sys.exit(main())
