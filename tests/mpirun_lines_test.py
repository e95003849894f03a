#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mpirun_lines_test.py PROGRAM MPIRUN: the shell commands with mpirun in README.md and docs/ work for the
present user and on the available cores. Only the numbers of rounds and clients are smaller, and the data
sets."""
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from launch import SECONDS, two_classes

PROGRAM, MPIRUN = (Path(path).resolve() for path in (sys.argv.pop(1), sys.argv.pop(1)))
TOP = Path(__file__).resolve().parent.parent
TEXTS = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)

# The environment of a user: these commands must work without launch.ENVIRONMENT.
ENVIRONMENT = {key: value for key, value in os.environ.items() if not re.match("OMPI_|PMIX?_|SLURM_", key)}


def shorter(block):
    """The block with five rounds and at most 1000 clients."""
    block = re.sub(r"\brounds=\d+", "rounds=5", block)
    if "rounds=" not in block:
        block = re.sub(r"\bproblem=", "rounds=5 problem=", block)
    return re.sub(r"\bclients=\d{4,}", "clients=1000", block)


class MpirunLines(unittest.TestCase):
    def test_they_work_as_they_stand(self):
        blocks = [(text.name, block) for text in TEXTS for block in BLOCK.findall(text.read_text()) if "mpirun " in block]
        self.assertGreaterEqual(len(blocks), 5)
        for name, block in blocks:
            with self.subTest(text=name, block=block), tempfile.TemporaryDirectory() as folder:
                here = Path(folder)
                (here / "build").symlink_to(PROGRAM.parent)
                (here / "bin").mkdir()
                (here / "bin" / "mpirun").symlink_to(MPIRUN)
                (here / "data").mkdir()
                (here / "data" / "w8a").write_text(two_classes())
                environment = ENVIRONMENT | {"PATH": f"{here / 'bin'}:{os.environ['PATH']}", "LACONIC_DATA": "data"}
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", shorter(block)], cwd=here, env=environment,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      timeout=SECONDS, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout)
                # Under --enable-recovery the exit code of mpirun has no meaning.
                errors = [line for line in done.stdout.splitlines()
                          if line.startswith("laconic: ") and "rows are left out by" not in line]
                self.assertEqual(errors, [])
                for out in re.findall(r"\bout=(\S+)", block):
                    self.assertTrue((here / out / "summary.json").exists(), done.stdout)


if __name__ == "__main__":
    unittest.main()
