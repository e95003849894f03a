#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""slurm_test.py PROGRAM: examples/slurm.sh under a real Slurm. Two tasks write the bytes of one process. A
job that scancel ends leaves a checkpoint, and the run resumed from it ends with the bytes of the
uninterrupted one. Exit code 77: Slurm cannot be started here."""
import json
import sys
import tempfile
import time
import unittest
from pathlib import Path

from launch import SECONDS, said_by, two_classes
from slurm_cluster import Cluster, Unavailable

PROGRAM = Path(sys.argv.pop(1)).resolve()
SCRIPT = Path(__file__).resolve().parent.parent / "examples" / "slurm.sh"
ON_ONE_MACHINE = ["--nodes=1", "--ntasks-per-node=2", "--cpus-per-task=1"]  # override the script's own lines
LONG = ["problem=quadratic(d=200000, s=0.8)", "clients=8", "method=diana(rand-k(1%))", "rounds=1000", "eval-every=10"]


class Slurm(unittest.TestCase):
    def setUp(self):
        """Creates the folder of a user, visible to the machine that submits jobs and to the one that runs
        them."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "build").symlink_to(PROGRAM.parent)
        (self.folder / "data").mkdir()
        (self.folder / "data" / "w8a").write_text(two_classes(rows=640, columns=100))  # not the real data set
        self.environment = {"LACONIC_DATA": str(self.folder / "data")}

    def submit(self, *words):
        """Submits the script; returns the id of the job and the folder of its run."""
        job = CLUSTER.submit(*ON_ONE_MACHINE, SCRIPT, *words, folder=self.folder, environment=self.environment)
        self.addCleanup(CLUSTER.said, "scancel", job)
        return job, self.folder / "runs" / f"slurm-{job}"

    def text(self, job):
        path = self.folder / f"slurm-{job}.out"
        return path.read_text() if path.exists() else ""

    def assert_done(self, job):
        self.assertEqual(CLUSTER.until_over(job), ("COMPLETED", "0:0"), self.text(job))
        self.assertIn(" rounds done", self.text(job))  # srun exits with 0 even if it cannot start a task

    def assert_same_result(self, out, expected):
        for file in ("trace.csv", "x.npy"):
            self.assertEqual((out / file).read_bytes(), (expected / file).read_bytes(), file)

    def alone(self, *words):
        """The folder of the same run in one process."""
        out = self.folder / "alone"
        code, text = said_by([str(PROGRAM), "run", *map(str, words), f"out={out}"], self.environment)
        self.assertEqual(code, 0, text)
        return out

    def test_two_tasks_write_the_bytes_of_one_process(self):
        job, out = self.submit()
        self.assert_done(job)
        host = json.loads((out / "summary.json").read_text())["host"]
        self.assertEqual((host["ranks"], host["threads"]), (2, 1))
        self.assert_same_result(out, self.alone(out / "run.toml"))

    def test_scancel_leaves_a_checkpoint_from_which_the_run_goes_on(self):
        expected = self.alone(*LONG)
        job, out = self.submit(*LONG)
        begin = time.monotonic()
        while not (out / "trace.csv").exists() or (out / "trace.csv").read_text().count("\n") < 3:
            self.assertLess(time.monotonic() - begin, SECONDS, self.text(job))
            time.sleep(0.01)
        CLUSTER.said("scancel", job)
        state, _ = CLUSTER.until_over(job)
        self.assertEqual(state, "CANCELLED", self.text(job))
        # The script requests one checkpoint a minute; this one comes from the signal.
        checkpoint = json.loads((out / "checkpoint" / "manifest.json").read_text())
        self.assertIn(checkpoint["round"], range(1, 1000))
        job, _ = self.submit("resume", f"runs/slurm-{job}")
        self.assert_done(job)
        self.assert_same_result(out, expected)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as own:
        try:
            with Cluster(Path(own)) as CLUSTER:
                unittest.main()
        except Unavailable as reason:
            print(f"skipped: no Slurm here: {reason}")
            sys.exit(77)
