#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docker_test.py : the Dockerfile makes an image. Its program runs without a network and not as root. Skipped
where there is no Docker."""
import subprocess
import sys
import unittest
from pathlib import Path

SKIPPED = 77
TOP = Path(__file__).resolve().parent.parent
IMAGE = "laconic-test"


def docker(*words):
    """The exit code and the output of a docker command."""
    done = subprocess.run(["docker", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def has_docker():
    try:
        return docker("info")[0] == 0
    except FileNotFoundError:
        return False


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        code, output = docker("build", "--tag", IMAGE, str(TOP))
        if code != 0:
            raise AssertionError(output)

    @classmethod
    def tearDownClass(cls):
        docker("image", "rm", IMAGE)

    def output_of(self, *words, options=()):
        code, output = docker("run", "--rm", "--network", "none", *options, IMAGE, *words)
        self.assertEqual(code, 0, output)
        return output

    def test_the_program_is_the_entry_point(self):
        self.assertIn("marina(", self.output_of("list"))

    def test_it_does_not_run_as_root(self):
        self.assertNotEqual(self.output_of("-u", options=("--entrypoint", "id")).strip(), "0")

    def test_it_trains_and_draws(self):
        run = "laconic run problem='quadratic(d=20)' clients=4 method=gd rounds=5 out=runs/gd"
        drawn = self.output_of("-ec", f"{run}; laconic plot runs/gd out=bits.svg; head -c 5 bits.svg",
                               options=("--entrypoint", "sh"))
        self.assertTrue(drawn.endswith("<?xml"), drawn)

    def test_it_runs_on_several_processes(self):
        ranks = self.output_of("--oversubscribe", "-n", "2", "laconic", "run", "problem=quadratic(d=20)", "clients=4",
                               "method=gd", "rounds=5", options=("--entrypoint", "mpirun"))
        self.assertIn("5 rounds done", ranks)


if __name__ == "__main__":
    if not has_docker():
        print("there is no Docker here")
        sys.exit(SKIPPED)
    unittest.main()
