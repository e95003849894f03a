# SPDX-License-Identifier: Apache-2.0
"""What the tests of the Python package share: the program and its files, a problem and compressors of a user."""
import csv
import os
import pathlib
import shlex
import signal
import struct
import subprocess
import sys
import threading

import numpy as np

import laconic as lc

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("LACONIC_PROGRAM", str(ROOT / "build" / "laconic"))
PATIENCE = 120  # seconds after which a process counts as stuck


# The program.

def text_of(value):
    """A value as the command line has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "{" + ",".join(text_of(each) for each in value) + "}"
    return repr(value) if isinstance(value, float) else str(value)


def words_of(keys):
    """The words key=value of keyword arguments."""
    return [f"{key.replace('_', '-')}={text_of(value)}" for key, value in keys.items()]


def program(verb, *words, code=0, **keys):
    """Runs the program, and returns what it prints."""
    done = subprocess.run([PROGRAM, verb, *map(str, words), *words_of(keys)], text=True, capture_output=True,
                          timeout=PATIENCE)
    assert done.returncode == code, f"{shlex.join(done.args)}\n{done.stdout}{done.stderr}"
    return done.stdout


def table_of(path):
    """The columns of a CSV file as lists of text."""
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    return {name: [row[c] for row in rows[1:]] for c, name in enumerate(rows[0])}


# Equal bits.

def assert_same_numbers(got, expected, what):
    got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    assert got.shape == expected.shape, what
    missing = np.isnan(expected)
    assert np.array_equal(np.isnan(got), missing), what
    assert got[~missing].tobytes() == expected[~missing].tobytes(), \
        f"{what}: {got[got != expected][:3]} instead of {expected[got != expected][:3]}"


def assert_same_trace(got, expected, columns=None):
    """`columns`: those to compare; without it all. A column that only one of them has must be without a number."""
    for name in columns or {**got, **expected}:
        if name in got and name in expected:
            assert_same_numbers(got[name], expected[name], name)
        else:
            assert np.isnan(got.get(name, expected.get(name))).all(), f"only one trace has the column {name}"


def assert_same_run(got, expected, columns=None):
    """The same rows and the same x, bit for bit."""
    assert_same_trace(got.trace, expected.trace, columns)
    assert got.x.tobytes() == expected.x.tobytes()


def assert_same_as_files(run, folder):
    """The run has the rows of trace.csv and the vector of x.npy. An empty cell is NaN."""
    folder = pathlib.Path(folder)
    rows = {name: [float(cell) if cell else np.nan for cell in cells]
            for name, cells in table_of(folder / "trace.csv").items()}
    assert_same_trace(run.trace, rows)
    x = np.load(folder / "x.npy")
    assert run.x.dtype == x.dtype == np.float64
    assert run.x.tobytes() == x.tobytes()


# A problem as a user writes it: logistic regression with a ridge, every client with data of its own.

class Mine(lc.Problem):
    is_convex = True

    def __init__(self, clients=6, rows=20, dim=12, ridge=0.1, seed=1):
        rng = np.random.default_rng(seed)
        self.dim = dim
        self.shards = clients
        self.ridge = ridge
        shared = rng.standard_normal(dim)
        self.A = [rng.standard_normal((rows, dim)) for _ in range(clients)]
        self.b = [np.where(A @ (shared + rng.standard_normal(dim)) > 0, 1.0, -1.0) for A in self.A]

    def rows(self, shard):
        return len(self.b[shard])

    def value_gradient(self, shard, rows, x):
        A, b = self.A[shard][rows], self.b[shard][rows]
        margin = b * (A @ x)
        value = np.mean(np.logaddexp(0, -margin)) + self.ridge / 2 * (x @ x)
        return value, A.T @ (b * (np.tanh(margin / 2) - 1) / 2) / len(b) + self.ridge * x

    def hessian_vector(self, shard, rows, x, v):
        A, b = self.A[shard][rows], self.b[shard][rows]
        share = (1 - np.tanh(b * (A @ x) / 2)) / 2
        return A.T @ (share * (1 - share) * (A @ v)) / len(b) + self.ridge * v

    def constants(self):
        def curvature(A):
            return np.linalg.norm(A, 2) ** 2 / (4 * len(A)) + self.ridge

        L = np.array([curvature(A) for A in self.A])
        rows = np.mean([np.mean((np.sum(A * A, axis=1) / 4 + self.ridge) ** 2) for A in self.A])
        mean = float(np.sqrt(np.mean(L ** 2)))
        return {"L_minus": curvature(np.concatenate(self.A)), "L_plus": mean, "L_pm": mean, "L_tilde": mean,
                "L_max": float(L.max()), "L_sample": float(np.sqrt(rows)), "mu": self.ridge,
                "f_lower": 0.0, "mu_min": self.ridge}


def as_function(mine, **arguments):
    """The same problem from a function."""
    given = {"dim": mine.dim, "rows": [mine.rows(i) for i in range(mine.shards)], "constants": mine.constants(),
             "hessian_vector": mine.hessian_vector, "is_convex": True}
    return lc.problem(mine.value_gradient, **{**given, **arguments})


class Around(lc.Problem):
    """A problem of the library, as one in Python."""
    parallel = True

    def __init__(self, inner):
        self.inner = inner
        self.dim, self.shards = inner.dim, inner.shards

    def rows(self, shard):
        return self.inner.rows(shard)

    def value_gradient(self, shard, rows, x):
        return self.inner.value_gradient(shard, rows, x)

    def start(self):
        return self.inner.start()

    def constants(self):
        return self.inner.constants()

    def hessian_vector(self, shard, rows, x, v):
        return self.inner.hessian_vector(shard, rows, x, v)


class Together:
    """Counts how many threads are inside at once. A visit waits a little for another one, until two have met."""

    def __init__(self, waits=5, seconds=2.0):
        self.most = self.now = 0
        self.waits, self.seconds = waits, seconds
        self.changed = threading.Condition()

    def __enter__(self):
        with self.changed:
            self.now += 1
            self.most = max(self.most, self.now)
            self.changed.notify_all()
            if self.most < 2 and self.waits > 0:
                self.waits -= 1
                self.changed.wait_for(lambda: self.most > 1, self.seconds)

    def __exit__(self, *failure):
        with self.changed:
            self.now -= 1


# Compressors as a user writes them.

DIM = 12  # of the problem with which the tests use them


def encode_top(x):
    j = int(np.argmax(np.abs(x)))
    return struct.pack("<Id", j, x[j])


def decode_top(data, dim):
    j, value = struct.unpack("<Id", data)
    y = np.zeros(dim)
    y[j] = value
    return y


def encode_random(x, key):
    """One random coordinate times d. Both ends draw it."""
    return struct.pack("<d", len(x) * x[key.rng().integers(len(x))])


def decode_random(data, dim, key):
    y = np.zeros(dim)
    y[key.rng().integers(dim)] = struct.unpack("<d", data)[0]
    return y


def register_own_compressors():
    """own-top-1 and own-rand-1: Top-1 and Rand-1, with values of 8 bytes whatever the wire is."""
    lc.register_compressor("own-top-1", encode_top, decode_top, alpha=1 / DIM, floats=1,
                           summary="the largest coordinate")
    lc.register_compressor("own-rand-1", encode_random, decode_random, omega=DIM - 1, floats=1,
                           summary="a random coordinate times d")


# Processes of Python.

def start_python(script, **options):
    """A process that runs the script; it can import this module."""
    paths = [str(pathlib.Path(lc.__file__).resolve().parents[1]), str(pathlib.Path(__file__).parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")]),
                   "PYTHONUNBUFFERED": "1"}
    # A shell may start us with SIGINT ignored, and Python keeps it so.
    return subprocess.Popen([sys.executable, "-c", script], env=environment, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler), **options)


def run_python(script):
    """What the script prints."""
    with start_python(script) as process:
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    return out


def torchrun(processes, script, *words):
    """What a script of PyTorch prints, in so many processes."""
    package = str(pathlib.Path(lc.__file__).resolve().parents[1])
    # The torchrun of PyTorch 1.13 fails under Python 3.11 without a rank in --redirects and --tee. There is no rank 9.
    command = [sys.executable, "-m", "torch.distributed.run", "--redirects", "9:1", "--tee", "9:1",
               "--rdzv_backend", "c10d", "--rdzv_endpoint", "localhost:0", "--nproc_per_node", str(processes),
               str(script), *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": package, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo",
                   "PYTHONUNBUFFERED": ""}  # the lines of a process stay whole
    done = subprocess.run(command, text=True, capture_output=True, timeout=PATIENCE, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
