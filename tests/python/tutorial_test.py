# SPDX-License-Identifier: Apache-2.0
"""The tutorial runs as it is, and its claims hold."""
import csv
import os
import pathlib
import subprocess
import sys

import laconic as lc
from support import PATIENCE, ROOT


def test_the_tutorial(tmp_path):
    package = str(pathlib.Path(lc.__file__).resolve().parents[1])
    done = subprocess.run([sys.executable, ROOT / "docs" / "tutorial.py"], cwd=tmp_path,
                          text=True, capture_output=True, timeout=PATIENCE,
                          env={**os.environ, "PYTHONPATH": package, "MPLBACKEND": "Agg"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "compare.pdf").stat().st_size > 1000
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 10 and float(rows[-1]["grad_norm_sq"]) < float(rows[0]["grad_norm_sq"])
    bits = {best["method"]: best["score"] for best in lc.load(tmp_path / "runs" / "compare").best}
    assert all(bits.values()), f"a method does not reach the target: {bits}"
    assert bits["ef21(top-k(5))"] < bits["diana(rand-k(5))"] < bits["gd"]
    assert bits["ef21(half)"] < bits["gd"]
