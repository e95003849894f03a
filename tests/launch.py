# SPDX-License-Identifier: Apache-2.0
"""What the tests share that start the program as its users do: an environment, a small data set, a folder."""
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

SECONDS = 120  # a run that takes longer hangs

# Nothing of a launcher that this test may itself run under; Open MPI in a container, on one machine, on loopback.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not re.match("OMPI_|PMIX?_|SLURM_", k)} | {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_btl_tcp_if_include": "lo",
    "OMPI_MCA_oob_tcp_if_include": "lo",
    "OMPI_MCA_orte_execute_quiet": "1",
    # Leaks found in the sanitizer's build are those of Open MPI itself.
    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0",
}

def two_classes():
    """Rows of a small data set, in LIBSVM's format."""
    state = 7
    lines = []
    for i in range(47):
        entries = []
        for j in range(1, 13):
            state = (state * 1103515245 + 12345) % 2**31
            if state % 5 < 3:
                entries.append(f"{j}:{state % 997 / 997 - 0.4 + (0.3 if i % 2 else 0):.4g}")
        lines.append(" ".join(["+1" if i % 2 else "-1", *entries]))
    return "\n".join(lines) + "\n"


def said_by(command, environment=None):
    done = subprocess.run(command, env=ENVIRONMENT | (environment or {}), stdin=subprocess.DEVNULL, timeout=SECONDS,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.data = self.folder / "classes"
        self.data.write_text(two_classes())

    def assert_one_message(self, command, code, message):
        got, text = said_by(command)
        self.assertEqual(got, code, text)
        ours = [line for line in text.splitlines() if line.startswith("laconic: ")]
        self.assertEqual(len(ours), 1, text)
        self.assertIn(message, ours[0])
