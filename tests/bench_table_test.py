# SPDX-License-Identifier: Apache-2.0
"""Tests bench/table.py with a program that gives the ratios of a file, and with scripts of a few lines."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent / "bench"
sys.path.insert(0, str(BENCH))
sys.dont_write_bytecode = True
import blas  # noqa: E402
import figures  # noqa: E402
import table  # noqa: E402

# Stands for laconic_bench. "calls" has, for each call that measures, the answers by name: ratios, or an error.
PROGRAM = """#!{python}
import json, pathlib, re, sys
here = pathlib.Path(__file__).parent
calls = json.loads((here / "calls").read_text())
words = dict(word[2:].split("=") for word in sys.argv[1:] if "=" in word)
if "--benchmark_list_tests" in sys.argv:
    print("".join(name + "/iterations:15/manual_time\\n" for name in calls[0]), end="")
    sys.exit()
answers = calls[0]
(here / "calls").write_text(json.dumps(calls[1:] or calls))
runs = []
for name, answer in answers.items():
    name += "/iterations:15/manual_time"
    if not re.search(words["benchmark_filter"], name):
        continue
    common = {{"run_name": name, "run_type": "iteration"}}
    if isinstance(answer, str):
        runs.append(common | {{"error_occurred": True, "error_message": answer}})
    else:
        runs += [common | {{"ratio": ratio, "widening_ratio": 9, "GB/s": 1}} for ratio in answer]
        runs.append({{"run_name": name, "run_type": "aggregate", "ratio": 9}})
pathlib.Path(words["benchmark_out"]).write_text(json.dumps({{"benchmarks": runs}}))
sys.exit({code})
"""


class Table(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.baseline = self.folder / "baseline.json"
        (self.folder / "bench").mkdir()

    def run_table(self, *calls, words=(), code=0):
        """Returns exit code, output and errors where the program answers with `calls`, one after the other."""
        program = self.folder / "bench" / "laconic_bench"
        program.write_text(PROGRAM.format(python=sys.executable, code=code))
        program.chmod(0o755)
        (program.parent / "calls").write_text(json.dumps(calls))
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            try:
                code = table.main([str(self.folder), "--only", "^(top_k|count_signs)", "--baseline", str(self.baseline),
                                   *words])
            except SystemExit as ended:
                code = ended.code
        return code, out.getvalue(), errors.getvalue()

    def record(self, ratio, name="count_signs ratio"):
        self.baseline.write_text(json.dumps({name: {"ratio": ratio, "cpu": "a CPU"}}))

    def row(self, output, name):
        return next(line for line in output.splitlines() if line.startswith(name)).split()

    def test_the_median_counts_and_is_compared_with_its_goal(self):
        code, out, _ = self.run_table({"top_k/normal": [2.6, 1, 2.4], "count_signs": [3, 1, 2]})
        self.assertEqual(code, 0, out)
        self.assertEqual(self.row(out, "top_k/normal ratio"),
                         "top_k/normal ratio 2.4 (1 to 2.6) lower 2.5 met".split())
        self.assertEqual(self.row(out, "count_signs ratio"), "count_signs ratio 2 (1 to 3) lower 1.7 not met".split())
        self.assertIn("2 ratios; 1 of 2 goals met; 0 benchmarks skipped, 0 failed", out)

    def test_a_ratio_that_is_worse_than_recorded_is_named(self):
        self.record(2)
        code, out, _ = self.run_table({"count_signs": [2.5]})
        self.assertEqual(code, 1, out)
        self.assertEqual(self.row(out, "count_signs ratio")[-2:], ["2", "WORSE"])
        self.assertEqual(out.splitlines()[-1], "20 % worse than recorded: count_signs ratio: 2.5, recorded 2")
        self.assertIn("those of another CPU: a CPU", out)

    def test_a_little_worse_is_not_worse(self):
        self.record(2)
        self.assertEqual(self.run_table({"count_signs": [2.39]})[0], 0)

    def test_the_better_of_two_measurements_counts(self):
        self.record(2)
        code, out, _ = self.run_table({"count_signs": [5], "top_k/normal": [3]},
                                      {"count_signs": [2.1], "top_k/normal": [9]})
        self.assertEqual(code, 0, out)
        self.assertIn("Again, because a ratio was 20 % worse than recorded: count_signs\n", out)
        self.assertEqual(self.row(out, "count_signs ratio")[2], "2.1")
        self.assertEqual(self.row(out, "top_k/normal ratio")[2], "3")
        code, out, _ = self.run_table({"count_signs": [5]}, {"count_signs": [6]})
        self.assertEqual((code, self.row(out, "count_signs ratio")[2]), (1, "5"))

    def test_without_data_a_benchmark_is_skipped(self):
        self.record(2)
        code, out, _ = self.run_table({"count_signs": "a9a is not in the folders of LACONIC_DATA"})
        self.assertEqual(code, 0, out)
        self.assertIn("count_signs  skipped: a9a is not in the folders", out)

    def test_a_wrong_answer_fails(self):
        code, out, _ = self.run_table({"count_signs": "wrong answer"})
        self.assertEqual(code, 1)
        self.assertIn("count_signs  failed: wrong answer", out)

    def test_a_program_that_fails_fails(self):
        code, out, _ = self.run_table({"count_signs": [1]}, code=1)
        self.assertEqual(code, 1)
        self.assertIn("laconic_bench  failed: exit code 1", out)

    def test_what_is_recorded_is_read_again(self):
        self.record(7, "other ratio")
        self.assertEqual(self.run_table({"count_signs": [2.12345]}, words=["--record"])[0], 0)
        recorded = json.loads(self.baseline.read_text())
        self.assertEqual(recorded, {"count_signs ratio": {"ratio": 2.123, "cpu": table.cpu_name()},
                                    "other ratio": {"ratio": 7, "cpu": "a CPU"}})
        self.assertEqual(self.run_table({"count_signs": [2.2]})[0], 0)
        self.assertEqual(self.run_table({"count_signs": [2.8]})[0], 1)
        self.assertEqual(self.run_table({"count_signs": [2.8]}, words=["--record"])[0], 0)
        self.assertEqual(self.run_table({"count_signs": [2.8]})[0], 0)

    def test_noise_is_not_recorded(self):
        self.record(7)
        code, out, _ = self.run_table({"count_signs": [2, 2, 2.5], "top_k/normal": [2, 2, 2.3]}, words=["--record"])
        self.assertEqual(code, 0)
        self.assertIn("not recorded, because its runs differ by more than 20 %: count_signs ratio", out)
        recorded = {name: entry["ratio"] for name, entry in json.loads(self.baseline.read_text()).items()}
        self.assertEqual(recorded, {"count_signs ratio": 7, "top_k/normal ratio": 2})

    def test_a_malformed_baseline_is_one_line(self):
        for text in ("{", "[]", "[1]", '{"a": 1}', '{"a": {"ratio": 1}}', '{"a": {"ratio": 0, "cpu": "b"}}',
                     '{"a": {"ratio": "1", "cpu": "b"}}', "\xff"):
            self.baseline.write_bytes(text.encode("latin1"))
            code, out, errors = self.run_table({"count_signs": [1]})
            self.assertEqual((code, out, len(errors.splitlines())), (2, "", 1), text)
            self.assertIn(f"table.py: {self.baseline} is no baseline", errors)

    def script(self, *lines):
        path = self.folder / "some.py"
        path.write_text("\n".join([f"import sys; sys.path.insert(0, {str(BENCH)!r}); import figures", *lines]) + "\n")
        with contextlib.redirect_stdout(io.StringIO()):
            return table.Script(path, "argument").measure(["some"])

    def test_a_script_gives_ratios(self):
        measured = self.script("figures.give('some/a', 2, better='higher')", "figures.give('some/b', 3)")
        self.assertEqual(measured.figures, {"some/a": table.Figure("some", [2], "higher"),
                                            "some/b": table.Figure("some", [3], "lower")})
        self.assertEqual((measured.skipped, measured.failed), ({}, {}))

    def test_a_script_is_skipped_or_fails(self):
        self.assertEqual(self.script("print('some.py: skipped, why'); sys.exit(77)").skipped, {"some": "why"})
        measured = self.script("figures.give('some/a', 2); print('wrong'); sys.exit(1)")
        self.assertEqual(measured.failed, {"some": "exit code 1: wrong"})
        self.assertEqual(list(measured.figures), ["some/a"])

    def test_higher_may_be_better(self):
        higher = table.Figure("some", [2], "higher")
        self.assertEqual((higher.over(3), higher.over(1)), (1.5, 0.5))
        self.assertEqual([figures.met(2, goal, "higher") for goal in (1, 2, 3)], ["met", "met", "not met"])
        self.assertEqual([figures.met(2, goal) for goal in (1, 2, 3)], ["not met", "met", "met"])

    def test_goals_name_benchmarks(self):
        programs = "".join(path.read_text() for path in BENCH.glob("*_bench.cc"))
        for figure in figures.GOALS:
            name = figure.split("/")[0].split(" ")[0]
            self.assertTrue(f"void {name}(" in programs or (BENCH / f"{name}.py").exists(), figure)

    def test_the_reference_blas_is_known(self):
        reference = "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0"
        fast = ["/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3",
                "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblasp-r0.3.21.so"]
        self.assertEqual(blas.reference_among([*fast, reference]), reference)
        self.assertIsNone(blas.reference_among(fast))
        self.assertIsNone(blas.reference_among([]))


if __name__ == "__main__":
    unittest.main()
