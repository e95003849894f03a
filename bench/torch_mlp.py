#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""torch_mlp.py PROGRAM : minibatch SGD steps a second of laconic and of PyTorch on a CPU, with one thread
each.

Both train the network 784-64-10 on MNIST and on Fashion-MNIST, 32 and 512 rows a step, in floats. PyTorch
runs the usual loop, over a tensor with all rows as floats. laconic runs one client with `laconic run
method=local-sgd`: it draws its rows, which are stored as bytes, keeps x in doubles, and sends x every 500
steps, or every 50. Before the timing, PyTorch must compute the loss that laconic reports at a point, and from
there reach about the same loss as laconic after as many steps.

Times are CPU times, which exclude other programs on the machine. laconic's time is the difference between a
long and a short run, which excludes reading the data and evaluations. The two are timed alternately, and the
medians are compared.

Exit code 77 if PyTorch or all data is missing, or PyTorch computes by the reference BLAS (bench/blas.py).
`make bench` does not install PyTorch (Debian's python3-torch, 637 MB with its dependencies).
"""
import csv
import gzip
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import blas
import figures


def skip(reason):
    print(f"torch_mlp.py: skipped, {reason}")
    sys.exit(77)


try:
    import numpy
    import torch
except ImportError as error:
    skip(error)

STEP = 0.05
# Data, rows of a step, steps of a round of laconic, timed steps of PyTorch.
CASES = [("mnist", 32, 500, 2000), ("fashion-mnist", 32, 500, 2000), ("mnist", 512, 50, 200),
         ("fashion-mnist", 512, 50, 200)]
SHORT, MIDDLE, LONG = 1, 7, 25  # rounds: start of PyTorch; comparison of losses; end of timing
REPEATS = 7


def data_folder(program, data):
    """The folder in which laconic finds the data, or None."""
    listed = subprocess.run([program, "list"], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        words = line.split()
        if words[:1] == [data] and words[-1].startswith("/"):
            return Path(words[-1])
    return None


def read_idx(folder, name, header):
    path = folder / name
    opened = path.open("rb") if path.exists() else gzip.open(f"{path}.gz")
    with opened as file:
        return numpy.frombuffer(file.read()[header:], dtype=numpy.uint8)


class Laconic:
    def __init__(self, program, folder, data, batch, steps):
        self.program, self.folder, self.data, self.batch, self.steps = program, folder, data, batch, steps

    def run(self, rounds):
        """CPU seconds of a run."""
        words = [f"problem=mlp({self.data}, 64)", "clients=1", f"method=local-sgd(steps={self.steps})",
                 f"batch={self.batch}", f"step={STEP}", f"rounds={rounds}", "eval-every=0", "threads=1",
                 f"out={self.folder}"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([self.program, "run", *words, "--force"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        with open(self.folder / "trace.csv", encoding="utf8") as file:
            self.losses = [float(row["f"]) for row in csv.DictReader(file)]
        self.x = numpy.load(self.folder / "x.npy")
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def seconds_a_step(self):
        short = self.run(SHORT)
        return (self.run(LONG) - short) / ((LONG - SHORT) * self.steps)


class PyTorch:
    def __init__(self, folder, batch, timed):
        self.batch, self.timed = batch, timed
        torch.set_num_threads(1)
        self.rows = torch.tensor(read_idx(folder, "train-images-idx3-ubyte", 16)).view(-1, 784).float() / 255
        self.labels = torch.tensor(read_idx(folder, "train-labels-idx1-ubyte", 8)).long()
        self.model = torch.nn.Sequential(torch.nn.Linear(784, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
        self.loss = torch.nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=STEP)

    def begin_at(self, x):
        torch.nn.utils.vector_to_parameters(torch.tensor(x).float(), self.model.parameters())

    def loss_of_all(self):
        with torch.no_grad():
            return self.loss(self.model(self.rows), self.labels).item()

    def train(self, steps):
        for _ in range(steps):
            batch = torch.randint(len(self.labels), (self.batch,))
            self.optimizer.zero_grad()
            self.loss(self.model(self.rows[batch]), self.labels[batch]).backward()
            self.optimizer.step()

    def seconds_a_step(self):
        begin = time.process_time()
        self.train(self.timed)
        return (time.process_time() - begin) / self.timed


def check(laconic, pytorch):
    laconic.run(SHORT)
    start, first = laconic.x, laconic.losses[-1]
    pytorch.begin_at(start)
    if abs(pytorch.loss_of_all() / first - 1) > 1e-5:
        sys.exit(f"PyTorch's loss is {pytorch.loss_of_all():.9g} where laconic's is {first:.9g}")
    laconic.run(MIDDLE)
    steps = (MIDDLE - SHORT) * laconic.steps
    pytorch.train(steps)
    found, expected = pytorch.loss_of_all(), laconic.losses[-1]
    if abs(found / expected - 1) > 0.15:  # one minibatch more or less changes it by some percent
        sys.exit(f"PyTorch ends with a loss of {found:.4g}, laconic of {expected:.4g}")
    print(f"from a loss of {first:.4f}, after {steps} steps: laconic {expected:.4f}, PyTorch {found:.4f}")


def measure(program, folder, data, batch, steps, timed):
    """Times a case and gives its ratio. Returns whether its data is there."""
    found = data_folder(program, data)
    if found is None:
        print(f"mlp on {data}: no {data} in LACONIC_DATA")
        return False
    pytorch, laconic = PyTorch(found, batch, timed), Laconic(program, folder, data, batch, steps)
    check(laconic, pytorch)
    pairs = [(laconic.seconds_a_step(), pytorch.seconds_a_step()) for _ in range(REPEATS)]
    ours, theirs = (statistics.median(times) for times in zip(*pairs))
    ratios = sorted(b / a for a, b in pairs)
    figure = f"torch_mlp/{data}/{batch} ratio_to_pytorch"
    figures.give(figure, theirs / ours, better="higher")
    print(f"mlp 784-64-10 on {data}, {batch} rows a step, one thread: laconic {1 / ours:.0f} steps a second, PyTorch "
          f"{torch.__version__} {1 / theirs:.0f} ({', '.join(blas.loaded()) or 'a BLAS of its own'}); ratio "
          f"{theirs / ours:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}), goal {figures.GOALS[figure]}", flush=True)
    return True


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = str(Path(sys.argv[1]).resolve())
    refused = blas.refused()
    if refused:
        skip(refused)
    with tempfile.TemporaryDirectory() as folder:
        if not any([measure(program, Path(folder) / "run", *case) for case in CASES]):
            skip("neither MNIST nor Fashion-MNIST is in LACONIC_DATA")


if __name__ == "__main__":
    main()
