#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""terminal_test.py PROGRAM MPIRUN: output for the user may be lost, results may not. Uses real descriptors:
full, closed, pipes without a reader, a terminal that goes away."""
import os
import pty
import signal
import subprocess
import sys
import time
import unittest

from launch import ENVIRONMENT, InFolder, SECONDS

PROGRAM, MPIRUN = sys.argv.pop(1), sys.argv.pop(1)
SHORT = ["problem=quadratic(d=20, s=0.8)", "clients=3", "method=gd", "rounds=5", "threads=1"]
# Verbs with a result on standard output.
PRINTED = [["--help"], ["--version"], ["run", "--help"], ["list"], ["theory", *SHORT], ["run", *SHORT],
           ["sweep", *SHORT[:2], "method={gd, dcgd(rand-k(2))}", "rounds=5"],
           ["advise", *SHORT[:2], "network=wan", "method={gd, dcgd(rand-k(2))}", "target=10", "seconds=1"]]


def redirected(redirection, *words, launcher=()):
    """The exit code and both output streams, except what the shell's redirection removes."""
    done = subprocess.run([*launcher, "bash", "-c", f'exec "$@" {redirection}', "-", PROGRAM, *words], env=ENVIRONMENT,
                          stdin=subprocess.DEVNULL, timeout=SECONDS, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    return done.returncode, done.stdout, done.stderr


class Terminal(InFolder):
    def files(self, name, redirection, *words, code=0):
        """The files that a run with that redirection leaves, without those that contain times."""
        out = self.folder / name
        got, _, said = redirected(redirection, *words, f"out={out}")
        self.assertEqual(got, code, said)
        return {file.name: file.read_bytes() for file in out.iterdir() if file.name in ("trace.csv", "x.npy", "sweep.csv")}

    def test_a_full_or_closed_stderr_changes_no_exit_code(self):
        for redirection in ("2>/dev/full", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
            with self.subTest(redirection):
                self.assertEqual(redirected(redirection, "run", "problem=nothing", "method=gd"), (2, "", ""))
        launcher = [MPIRUN, "--oversubscribe", "-n", "2"]
        self.assertEqual(redirected("2>/dev/full", "run", "problem=nothing", "method=gd", launcher=launcher)[0], 2)

    def test_no_message_gets_into_a_file(self):
        diverges = ["run", *SHORT[:3], "rounds=5000", "step=100"]
        expected = self.files("expected", "", *diverges, code=1)
        self.assertIn("trace.csv", expected)
        for k, redirection in enumerate(("2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full")):
            with self.subTest(redirection):
                self.assertEqual(self.files(f"out-{k}", redirection, *diverges, code=1), expected)

    def test_a_result_that_cannot_be_printed_is_a_failure(self):
        for words in PRINTED:
            for redirection, why in ((">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")):
                with self.subTest(words=words, redirection=redirection):
                    code, _, said = redirected(redirection, *words)
                    self.assertEqual((code, said), (1, f"laconic: standard output: cannot write: {why}\n"))

    def test_a_result_in_files_needs_no_terminal(self):
        for verb, words in (("run", SHORT), ("sweep", [*SHORT[:2], "method={gd, dcgd(rand-k(2))}", "rounds=5"])):
            expected = self.files(f"{verb}-expected", "", verb, *words)
            for k, redirection in enumerate((">/dev/full", ">&-", ">/dev/full 2>/dev/full", "<&- >&- 2>&-")):
                with self.subTest(verb=verb, redirection=redirection):
                    self.assertEqual(self.files(f"{verb}-{k}", redirection, verb, *words), expected)

    def test_a_reader_that_leaves_is_no_error(self):
        def unread(*words):
            reader, writer = os.pipe()
            os.close(reader)
            done = subprocess.run([PROGRAM, *words], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=writer,
                                  stderr=subprocess.PIPE, timeout=SECONDS, check=False)
            os.close(writer)
            return done.returncode, done.stderr

        for words in PRINTED:
            with self.subTest(words=words):
                self.assertEqual(unread(*words), (128 + signal.SIGPIPE, b""))
        self.assertEqual(unread("run", *SHORT, f"out={self.folder}/out"), (0, b""))
        self.assertTrue((self.folder / "out" / "summary.json").exists())

    def test_a_run_outlives_its_terminal(self):
        words = ["run", *SHORT[:2], "method=diana(rand-k(2))", "rounds=1000000", "eval-every=1000", "threads=1"]
        expected = self.files("expected", "", *words)
        out = self.folder / "out"
        pid, terminal = pty.fork()
        if pid == 0:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            os.execve(PROGRAM, [PROGRAM, *words, f"out={out}"], ENVIRONMENT)
        os.read(terminal, 1)  # it has begun to draw
        os.close(terminal)
        self.assertFalse((out / "summary.json").exists(), "the run ended before its terminal")
        deadline = time.monotonic() + SECONDS
        while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertEqual({file: (out / file).read_bytes() for file in expected}, expected)


if __name__ == "__main__":
    unittest.main()
