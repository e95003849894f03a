#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scipy_rounds.py PROGRAM : rounds of EF21 by laconic and by SciPy, in one thread.

EF21 with Top-12 (Richtarik, Sokolov, Fatkhullin 2021, arXiv 2106.05203, Algorithm 2) on logistic(a9a, lambda=0.1,
reg=nonconvex) with 20 clients. SciPy computes the margins of all clients in one sparse product, and their gradients in
another, by a matrix with a block for each client; the rest is NumPy on matrices with a row for each client. laconic
encodes and decodes messages besides.

Both begin at 0, and before the timed runs 1,000 rounds must lead both to the same point: on the way they differ where
entries tie. The time of a round is the CPU time of a long run less that of a short one, by the difference in rounds.
Exit code 77 without SciPy or a9a.
"""
import gzip
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import figures

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported
import numpy  # noqa: E402

CLIENTS, KEPT, LAMBDA, STEP = 20, 12, 0.1, 0.5
CHECKED, SHORT, LONG, REPEATS = 1000, 200, 4200, 5
FIGURE = "scipy_rounds/ef21_a9a ratio_to_scipy"


def skip(reason):
    print(f"scipy_rounds: skipped: {reason}")
    sys.exit(77)


def read_a9a(sparse):
    """Rows as a sparse matrix, and labels of -1 and 1."""
    for folder in os.environ.get("LACONIC_DATA", "").split(":"):
        for path, opened in ((Path(folder) / "a9a", open), (Path(folder) / "a9a.gz", gzip.open)):
            if path.exists():
                with opened(path, "rt") as file:
                    lines = [line.split() for line in file]
                labels = numpy.array([float(line[0]) for line in lines])
                entries = [entry.split(":") for line in lines for entry in line[1:]]
                begin = numpy.cumsum([0] + [len(line) - 1 for line in lines])
                columns = numpy.array([int(column) - 1 for column, _ in entries])
                values = numpy.array([float(value) for _, value in entries])
                return sparse.csr_matrix((values, columns, begin), shape=(len(lines), 123)), labels
    skip("a9a is not in the folders of LACONIC_DATA")


class SciPy:
    def __init__(self, sparse):
        rows, labels = read_a9a(sparse)
        self.each = rows.shape[0] // CLIENTS
        self.rows = rows[:self.each * CLIENTS]
        self.labels = labels[:self.each * CLIENTS]
        self.dim = rows.shape[1]
        blocks = [self.rows[i * self.each:(i + 1) * self.each].T for i in range(CLIENTS)]
        self.transposed = sparse.block_diag(blocks, format="csr")

    def gradients(self, x):
        """A row for each client."""
        margins = self.labels * (self.rows @ x)
        slopes = -self.labels / (1 + numpy.exp(margins)) / self.each
        regulariser = 2 * LAMBDA * x / (1 + x * x) ** 2
        return (self.transposed @ slopes).reshape(CLIENTS, self.dim) + regulariser

    def run(self, rounds):
        """The point after so many rounds."""
        x = numpy.zeros(self.dim)
        memories = self.gradients(x)
        direction = memories.mean(axis=0)
        clients = numpy.arange(CLIENTS)[:, None]
        for _ in range(rounds):
            x -= STEP * direction
            differences = self.gradients(x) - memories
            kept = numpy.argpartition(numpy.abs(differences), self.dim - KEPT, axis=1)[:, -KEPT:]
            messages = numpy.zeros_like(differences)
            messages[clients, kept] = differences[clients, kept]
            memories += messages
            direction += messages.mean(axis=0)
        return x

    def seconds(self, rounds):
        begin = time.process_time()
        self.run(rounds)
        return time.process_time() - begin


class Laconic:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def seconds(self, rounds):
        """CPU seconds of a run, whose point becomes self.x."""
        words = [f"problem=logistic(a9a, lambda={LAMBDA}, reg=nonconvex)", f"clients={CLIENTS}",
                 f"method=ef21(top-k({KEPT}))", f"step={STEP}", f"rounds={rounds}", "eval-every=0", "wire=f64",
                 "threads=1", f"out={self.folder}"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([self.program, "run", *words, "--force"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.x = numpy.load(self.folder / "x.npy")
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def seconds_a_round(side):
    short = side.seconds(SHORT)
    return (side.seconds(LONG) - short) / (LONG - SHORT)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        from scipy import sparse, version
    except ImportError as error:
        skip(str(error))
    scipy = SciPy(sparse)
    with tempfile.TemporaryDirectory() as folder:
        laconic = Laconic(str(Path(sys.argv[1]).resolve()), Path(folder) / "run")
        laconic.seconds(CHECKED)
        x = scipy.run(CHECKED)
        distance = numpy.linalg.norm(laconic.x - x) / numpy.linalg.norm(x)
        if not distance < 1e-9:
            sys.exit(f"after {CHECKED} rounds the points differ by {distance:.2g} of their length")
        pairs = [(seconds_a_round(laconic), seconds_a_round(scipy)) for _ in range(REPEATS)]
    ours, theirs = (statistics.median(times) for times in zip(*pairs))
    ratios = sorted(b / a for a, b in pairs)
    figures.give(FIGURE, theirs / ours, better="higher")
    print(f"a round of EF21 on a9a with {CLIENTS} clients, one thread: laconic {1e6 * ours:.0f} us, SciPy "
          f"{version.version} {1e6 * theirs:.0f} us; ratio {theirs / ours:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}), "
          f"goal {figures.GOALS[FIGURE]}")


if __name__ == "__main__":
    main()
