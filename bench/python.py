#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""python.py FOLDER : what a problem in Python costs beside the same problem in C++.

FOLDER holds the built package. The logistic problem on a9a (without it, on rows of its size that are drawn), with 20
clients, runs once as the program has it, and once as a problem in Python that calls the same C++ gradient. Both must
give the same bits. Each pair of runs is timed one after the other; the median of the ratios counts.

Exit code 1 if the bits differ, 77 if the package cannot be imported.
"""
import statistics
import sys
import warnings

import figures

sys.path.insert(0, sys.argv[1] if len(sys.argv) > 1 else "build/python")
try:
    import laconic as lc
except ImportError as error:
    print(f"python: skipped: {error}")
    sys.exit(77)

ROUNDS = 300
PAIRS = 21


class Around(lc.Problem):
    """The problem of the engine, with a method in Python for each call."""

    parallel = True

    def __init__(self, problem):
        self.inner = problem
        self.dim = problem.dim
        self.shards = problem.shards

    def rows(self, shard):
        return self.inner.rows(shard)

    def value_gradient(self, shard, rows, x):
        return self.inner.value_gradient(shard, rows, x)


def described():
    """The problem on a9a, or on generated rows."""
    for data in ("a9a", "generated(rows=1628, d=123, nnz=14)"):
        problem = f"logistic({data}, lambda=0.1)"
        try:
            return problem, lc.open_problem(problem, clients=20)
        except lc.InputError:
            pass
    sys.exit("python: no problem could be opened")


def main():
    warnings.simplefilter("ignore")
    problem, opened = described()
    print(f"{problem}, 20 clients, {ROUNDS} rounds, {PAIRS} pairs of runs; us a gradient")
    for threads in (1, 2):
        for method in ("gd", "marina(rand-k(10))"):
            keys = {"method": method, "step": 0.1, "clients": 20, "rounds": ROUNDS, "eval_every": 0, "threads": threads}
            ratios = []
            times = {"C++": [], "Python": []}
            for _ in range(PAIRS):
                runs = {"C++": lc.run(problem=problem, **keys), "Python": lc.run(problem=Around(opened), **keys)}
                if runs["C++"].x.tobytes() != runs["Python"].x.tobytes():
                    sys.exit(f"python: {method}: the bits differ")
                for name, run in runs.items():
                    times[name].append(run.summary["seconds"])
                ratios.append(times["Python"][-1] / times["C++"][-1])
            figures.give(f"python/{method}/threads:{threads} ratio_to_cpp", statistics.median(ratios))
            shown = ", ".join(f"{name} {1e6 * min(each) / ROUNDS / 20:.2f}" for name, each in times.items())
            print(f"{method:20} threads={threads}  {shown}  ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
