#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mpi_test.py PROGRAM MPIRUN TESTS RANKS...: every method has the same bits in one process and under mpirun on
these numbers of ranks (TESTS is laconic_mpi_tests). The program then writes the same files, also with more
ranks than clients. An error on any rank ends all of them with one message and the right exit code."""
import json
import sys
import unittest

from launch import InFolder, said_by, two_classes

PROGRAM, MPIRUN, TESTS = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
RANKS_OF_METHODS = [int(word) for word in sys.argv[1:] if word.isdigit()]
sys.argv[1:] = [word for word in sys.argv[1:] if not word.isdigit()]
RANKS = (1, 2, 3, 5)
CLIENTS = 4  # fewer than the largest number of ranks

# One for each driver, and for each other kind of state that a rank keeps; laconic_mpi_tests runs every
# method.
METHODS = [
    ["method=3pc-v2(rand-k(3), top-k(3))"],
    ["method=vr-marina-online(rand-k(3), batch=4, large-batch=8)"],
    ["method=pp-marina(rand-k(3), sample=2)"],
    ["method=k-gt(steps=3, init=avg)", "topology=one-peer", "step=0.05"],
    ["method=k-gt(steps=2, compressor=top-k(3), gamma=0.3)", "topology=ring", "step=0.05"],
    ["method=savic(oasis, steps=2, scaling=local)", "step=0.05"],
    ["method=gc-1bit(redundancy=2)", "stragglers=shifted-exp(1ms, 1000, 2000, deadline=4ms, first=2)", "step=0.05"],
]


def mpirun(ranks, *words):
    return [MPIRUN, "--oversubscribe", "-n", str(ranks), PROGRAM, *words]


class Mpi(InFolder):
    def setUp(self):
        super().setUp()
        self.problems = ["quadratic(d=20, s=0.8)", f'logistic("{self.data}", lambda=0.1, reg=nonconvex)']

    def run_to(self, out, ranks, *words):
        words = ["run", *words, f"out={self.folder / out}"]
        code, text = said_by([PROGRAM, *words] if ranks == 0 else mpirun(ranks, *words))
        self.assertEqual(code, 0, text)
        # One rank speaks: the last words, and where rows are left out, one line about them.
        said = text.splitlines()
        self.assertEqual(len([line for line in said if "rows are left out by" not in line]), 1, text)
        self.assertLessEqual(len(said), 2, text)
        return self.folder / out

    def test_every_method_has_the_bits_of_one_process(self):
        for ranks in RANKS_OF_METHODS:
            with self.subTest(ranks=ranks):
                code, text = said_by([MPIRUN, "--oversubscribe", "-n", str(ranks), TESTS, "--gtest_brief=1", "--gtest_color=no"])
                self.assertEqual(code, 0, text)
                self.assertRegex(text, r"\[  PASSED  \] \d{2,} tests")

    def test_same_files_as_in_one_process(self):
        for p, problem in enumerate(self.problems):
            for m, method in enumerate(METHODS):
                words = [f"problem={problem}", *method, "network=lan, link(1mbit, 5ms)", f"clients={CLIENTS}",
                         "rounds=15", *([] if "stragglers=" in " ".join(method) else ["compute=1us,2us"])]
                alone = self.run_to(f"alone-{p}-{m}", 0, *words)
                for ranks in RANKS:
                    with self.subTest(problem=problem, method=method, ranks=ranks):
                        out = self.run_to(f"mpi-{p}-{m}-{ranks}", ranks, *words, f"threads={1 + ranks % 2}")
                        for file in ["trace.csv", "x.npy"] + ["clients.csv"] * problem.startswith("logistic"):
                            self.assertEqual((out / file).read_bytes(), (alone / file).read_bytes(), file)
                        # The launcher of another MPI would have started this number of processes with one
                        # rank each.
                        self.assertEqual(json.loads((out / "summary.json").read_text())["host"]["ranks"], ranks)
                        sent = int((out / "timing.csv").read_text().splitlines()[-1].split(",")[2])
                        self.assertEqual(sent > 0, ranks > 1)

    def test_ranks_share_rows(self):
        words = [f'problem=autoencoder("{self.data}", 3)', "split=overlap(0.5)", "clients=4", "rounds=15",
                 "method=3pc-v2(rand-k(3), top-k(3))", "step=0.02"]
        alone = self.run_to("alone", 0, *words)
        for ranks in RANKS:
            with self.subTest(ranks=ranks):
                out = self.run_to(f"shared-{ranks}", ranks, *words)
                for file in ("trace.csv", "x.npy"):
                    self.assertEqual((out / file).read_bytes(), (alone / file).read_bytes(), file)

    def test_ranks_draw_the_rows_of_their_own_clients(self):
        words = ["problem=logistic(generated(rows=3, d=40, nnz=5), lambda=0.1)", "clients=300", "rounds=30",
                 "method=pp-marina(rand-k(10%), sample=20, p=0.1)"]
        alone = self.run_to("alone", 0, *words)
        for ranks in RANKS:
            with self.subTest(ranks=ranks):
                out = self.run_to(f"generated-{ranks}", ranks, *words)
                for file in ("trace.csv", "x.npy"):
                    self.assertEqual((out / file).read_bytes(), (alone / file).read_bytes(), file)

    def test_wrong_input_is_one_message_and_code_two(self):
        good = ["run", "problem=quadratic(d=10)", "method=gd"]
        used = self.run_to("used", 0, *good[1:])
        for words, message in [
            (["run", "problem=quadratic(d=10)", "method=marinna(rand-k(2))"], "laconic: method: column 1: unknown method"),
            (["run", "problem=quadratic(d=10)"], "no method is given"),
            ([*good, "step=-1"], "need step > 0"),
            (["run", "problem=logistic(nowhere)", "method=gd"], "nowhere"),
            ([*good, f"out={used}"], "already holds a run"),
            ([*good, "out=/proc/laconic/run"], "cannot make the folder"),
        ]:
            with self.subTest(words=words):
                self.assert_one_message(mpirun(3, *words), 2, message)
        code, text = said_by(mpirun(2, "walk"))
        self.assertEqual(code, 2, text)
        self.assertEqual(text.count("unknown verb"), 1, text)

    def test_an_error_on_one_rank_is_everyones(self):
        data = self.data
        run = [PROGRAM, "run", "problem=logistic(classes)", "method=gd", "rounds=3"]
        here, nowhere = f"LACONIC_DATA={data.parent}", f"LACONIC_DATA={data.parent / 'nowhere'}"
        for first, second, rank in [(here, nowhere, 2), (nowhere, here, 0)]:
            self.assert_one_message([MPIRUN, "--oversubscribe", "-n", "2", "env", first, *run,
                                     ":", "-n", "1", "env", second, *run], 2, f'laconic: rank {rank}: no data set "classes"')
        self.assert_one_message([MPIRUN, "--oversubscribe", "-n", "1", "env", here, *run,
                                 ":", "-n", "2", "env", here, *run[:-1], "rounds=4"], 2,
                                "rank 1 has rounds = 4, rank 0 has rounds = 3")
        other = self.folder / "other"
        other.mkdir()
        (other / "classes").write_text(two_classes().replace("0.1", "0.2"))
        self.assert_one_message([MPIRUN, "--oversubscribe", "-n", "1", "env", here, *run,
                                 ":", "-n", "1", "env", f"LACONIC_DATA={other}", *run], 2, "the ranks are not of one run")

    def test_a_failed_run_is_one_message_and_code_one(self):
        diverging = ["run", "problem=quadratic(d=10)", "method=gd", "step=1e9", "rounds=100000"]
        self.assert_one_message(mpirun(3, *diverging), 1, "diverged")
        # Only rank 0 writes files, and it loses one during the run.
        out = self.folder / "full"
        limited = f'ulimit -f 8; trap "" XFSZ; exec "{PROGRAM}" run "problem=quadratic(d=10)" method=gd rounds=20000'
        self.assert_one_message([MPIRUN, "--oversubscribe", "-n", "3", "bash", "-c", f'{limited} "out={out}"'], 1,
                                f"laconic: rank 0: {out}/trace.csv: cannot write")
        self.assertGreater(len((out / "trace.csv").read_text().splitlines()), 10)

    def test_other_verbs_speak_once(self):
        code, text = said_by(mpirun(3, "theory", "problem=quadratic(d=10)", "method=gd"))
        self.assertEqual(code, 0, text)
        self.assertEqual(text.count("L_minus "), said_by(
            [PROGRAM, "theory", "problem=quadratic(d=10)", "method=gd"])[1].count("L_minus "))
        self.assert_one_message(mpirun(2, "theory", "problem=quadratic(d=0)", "method=gd"), 2, "d = 0")
        self.assertEqual(len(said_by(mpirun(3, "--version"))[1].splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
