# SPDX-License-Identifier: Apache-2.0
"""The objectives f = (1/n) sum f_i, in dense, slow and plain code; and readers of the data files."""
import copy
import gzip
import math

import numpy as np

import rng
import spec as specs


# ---- data --------------------------------------------------------------------------------------------------
def read_bytes(path):
    with open(path, "rb") as file:
        data = file.read()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def read_libsvm(path, rows=None):
    """(A, labels): lines `label index:value ...`, indices from 1; a row may have no entries."""
    lines = [line.split() for line in read_bytes(path).decode().splitlines() if line.strip()]
    entries = [[item.split(":") for item in line[1:]] for line in lines]
    columns = max((int(row[-1][0]) for row in entries if row), default=0)  # of the whole file
    A = np.zeros((len(lines), columns))
    for r, row in enumerate(entries):
        for index, value in row:
            A[r, int(index) - 1] = float(value)
    return A[:rows], np.array([float(line[0]) for line in lines])[:rows]


def read_idx(path):
    """Big-endian: 0, 0, type (8: bytes), number of dimensions; the dimensions, 4 bytes each; the values."""
    data = read_bytes(path)
    if data[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: not an idx file of bytes")
    dims = [int.from_bytes(data[4 + 4 * i: 8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(dims)


def read_images(images, labels, rows=None):
    A = read_idx(images).reshape(len(read_idx(labels)), -1)
    return A[:rows] / 255.0, read_idx(labels).astype(float)[:rows]


def split(A, y, n, how="contiguous", seed=1):
    """n shards of floor(N/n) rows each, in file order, by ascending label or shuffled; the remainder is
    dropped after ordering. overlap(p): n + 1 such parts, shuffled; client i = 1 .. n holds part 0 with
    probability p, else part i (3PC's autoencoders); homogeneous is overlap(1)."""
    how = specs.parse(how)
    if how.name in ("overlap", "homogeneous"):
        p = float(how.args[0].name) if how.args else 1.0
        parts = split(A, y, n + 1, "shuffled", seed)
        shares = [rng.Stream(seed, client=i, step=1, purpose=rng.SPLIT).uniform() < p for i in range(n)]
        return [parts[0 if shares[i] else i + 1] for i in range(n)]
    order = {"contiguous": lambda: range(len(y)), "by-label": lambda: np.argsort(y, kind="stable"),
             "shuffled": lambda: rng.shuffled(len(y), seed)}[how.name]()
    m = len(y) // n
    return [(A[list(order[i * m:(i + 1) * m])], y[list(order[i * m:(i + 1) * m])]) for i in range(n)]


# ---- linear models: f_i(x) = mean of losses of a_j'x over the rows of shard i, plus a regulariser ----------
class Linear:
    """curvature: the largest |second derivative| of the loss. Constants are bounds by it, as in the design
    and the papers."""

    def __init__(self, shards, lam=0.0, reg="l2"):
        self.shards, self.lam, self.reg = shards, lam, reg
        self.n, self.columns, self.d = len(shards), shards[0][0].shape[1], shards[0][0].shape[1]

    def start(self):
        return np.zeros(self.d)

    def rows(self, i):
        return len(self.shards[i][1])

    def regulariser(self, x):
        if self.reg == "l2":
            return self.lam / 2 * x @ x, self.lam * x
        return self.lam * np.sum(x**2 / (1 + x**2)), 2 * self.lam * x / (1 + x**2) ** 2

    def value(self, i, x):
        return self.loss(*self.shards[i], x)[0] + self.regulariser(x)[0]

    def gradient(self, i, x, rows=slice(None)):
        A, y = self.shards[i]
        return self.loss(A[rows], y[rows], x)[1] + self.regulariser(x)[1]

    def constants(self):
        r = self.lam if self.reg == "l2" else 2 * self.lam
        top = lambda A: np.linalg.eigvalsh(A.T @ A / len(A))[-1]
        L = np.array([self.curvature * top(A) + r for A, _ in self.shards])
        L_minus = self.curvature * top(np.vstack([A for A, _ in self.shards])) + r
        L_tilde = math.sqrt(np.mean(L**2))
        of_rows = [self.curvature * np.sum(A**2, axis=1) + r for A, _ in self.shards]
        L_sample = math.sqrt(np.mean([np.mean(each**2) for each in of_rows]))
        return {"L_minus": L_minus, "L_plus": L_tilde, "L_pm": L_tilde, "L_tilde": L_tilde, "L_max": max(L),
                "L_sample": L_sample}


def sigmoid(z):
    """1 / (1 + exp(-z)), with exp of non-positive arguments only."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1 + e)


class Logistic(Linear):
    """log(1 + exp(-y a'x)), y = +1 for the larger label, -1 for the other. 3PC paper, section 8.2 of the
    spec."""
    curvature = 0.25

    @staticmethod
    def loss(A, y, x):
        z = y * (A @ x)
        return np.mean(np.logaddexp(0, -z)), A.T @ (-y * sigmoid(-z)) / len(y)


class Nonconvex(Linear):
    """(1 - sigmoid(y a'x))^2. MARINA paper, problem 1."""
    curvature = 0.1540586  # s^2 (1 - s)(4 - 6s) at s = (30 - sqrt(132))/48, rounded up as in laconic

    @staticmethod
    def loss(A, y, x):
        s = sigmoid(-y * (A @ x))
        return np.mean(s**2), A.T @ (-2 * s**2 * (1 - s) * y) / len(y)


class LeastSquares(Linear):
    """(1/2) (a'x - b)^2, where b is the label."""
    curvature = 1.0

    @staticmethod
    def loss(A, y, x):
        r = A @ x - y
        return r @ r / (2 * len(y)), A.T @ r / len(y)


class Softmax(Linear):
    """-log of the probability of the label, x class-major: x[c * columns + j]."""
    curvature = 0.5  # diag(p) - pp' <= 1/2

    def __init__(self, shards, lam=0.0, reg="l2"):
        super().__init__(shards, lam, reg)
        self.classes = np.unique(np.concatenate([y for _, y in shards]))
        self.d = len(self.classes) * self.columns
        self.blocks = [(0, len(self.classes), self.columns)]

    def loss(self, A, y, x):
        scores = A @ x.reshape(len(self.classes), self.columns).T
        scores -= scores.max(axis=1, keepdims=True)
        log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        label = np.searchsorted(self.classes, y)
        residual = np.exp(log_p)
        residual[np.arange(len(y)), label] -= 1
        return -np.mean(log_p[np.arange(len(y)), label]), (residual.T @ A).ravel() / len(y)


class Mlp:
    """Cross entropy of a network: x is W (units x inputs) and b of each layer. The last layer is the head."""

    def __init__(self, shards, widths, activation="relu", lam=0.0, seed=1):
        self.shards, self.lam, self.seed, self.relu = shards, lam, seed, activation == "relu"
        self.n, self.classes = len(shards), np.unique(np.concatenate([y for _, y in shards]))
        sizes = [shards[0][0].shape[1], *widths, len(self.classes)]
        self.blocks, at = [], 0
        for inputs, units in zip(sizes, sizes[1:]):
            self.blocks.append((at, units, inputs))
            at += units * (inputs + 1)
        self.d, self.hidden_blocks = at, self.blocks[:-1]

    def start(self):
        x, stream = np.zeros(self.d), rng.Stream(self.seed, purpose=rng.START)
        for o, units, inputs in self.blocks:
            bound = math.sqrt(6 / (inputs if self.relu else inputs + units))
            x[o : o + units * inputs] = [bound * (2 * stream.uniform() - 1) for _ in range(units * inputs)]
        return x

    def rows(self, i):
        return len(self.shards[i][1])

    def value_and_gradient(self, i, x, rows=slice(None)):
        A, y = self.shards[i][0][rows], self.shards[i][1][rows]
        layers = [(x[o : o + r * c].reshape(r, c), x[o + r * c : o + r * c + r]) for o, r, c in self.blocks]
        act = (lambda z: np.maximum(z, 0)) if self.relu else np.tanh
        slope = (lambda a: (a > 0).astype(float)) if self.relu else (lambda a: 1 - a**2)
        inputs = [A]
        for W, b in layers[:-1]:
            inputs.append(act(inputs[-1] @ W.T + b))
        z = inputs[-1] @ layers[-1][0].T + layers[-1][1]
        z = z - z.max(axis=1, keepdims=True)
        log_p, label = z - np.log(np.exp(z).sum(axis=1, keepdims=True)), np.searchsorted(self.classes, y)
        value = -np.mean(log_p[np.arange(len(y)), label]) + self.lam / 2 * x @ x
        back = np.exp(log_p)
        back[np.arange(len(y)), label] -= 1
        g = self.lam * x
        for (o, r, c), (W, _), a in zip(self.blocks[::-1], layers[::-1], inputs[::-1]):
            g[o : o + r * c] += (back.T @ a).ravel() / len(y)
            g[o + r * c : o + r * c + r] += back.mean(axis=0)
            back = back @ W * slope(a)
        return value, g

    def value(self, i, x):
        return self.value_and_gradient(i, x)[0]

    def gradient(self, i, x, rows=slice(None)):
        return self.value_and_gradient(i, x, rows)[1]

    def constants(self):
        return {}


class Autoencoder:
    """f_i = (1/m) |DEA - A|^2 over A, with the rows of shard i as columns; x is D row by row, then E row
    by row. 3PC paper, section 8.3 of the spec."""

    def __init__(self, shards, hidden, seed=1):
        self.A = [A.T for A, _ in shards]
        self.n, self.p, self.hidden, self.seed = len(shards), len(self.A[0]), hidden, seed
        self.d = 2 * self.p * hidden
        self.blocks = [(0, self.p, hidden), (self.p * hidden, hidden, self.p)]

    def start(self):
        stream, bound = rng.Stream(self.seed, purpose=rng.START), math.sqrt(6 / (self.p + self.hidden))
        return np.array([bound * (2 * stream.uniform() - 1) for _ in range(self.d)])

    def rows(self, i):
        return self.A[i].shape[1]

    def matrices(self, x):
        D, E = np.split(x, 2)
        return D.reshape(self.p, self.hidden), E.reshape(self.hidden, self.p)

    def value(self, i, x):
        (D, E), A = self.matrices(x), self.A[i]
        return np.sum((D @ (E @ A) - A)**2) / self.rows(i)

    def gradient(self, i, x):
        (D, E), A = self.matrices(x), self.A[i]
        R = D @ (E @ A) - A
        return 2 / self.rows(i) * np.concatenate([(R @ (E @ A).T).ravel(), (D.T @ R @ A.T).ravel()])

    def constants(self):
        return {}  # none hold everywhere, as f is of degree four


class Quadratic:
    """f_i = x'A_i x / 2 - b_i'x, the generator of the 3PC paper (section 8.1 of the spec), as dense
    matrices."""

    def __init__(self, n, d, s, lam=1e-6, seed=12345):
        self.n, self.d = n, d
        draw = np.random.RandomState(seed)  # MT19937 and the legacy polar Gaussian
        T = 2 * np.eye(d) - np.eye(d, k=1) - np.eye(d, k=-1)
        self.A, self.b = [], []
        for _ in range(n):  # 1.
            xi, eta = draw.randn(), draw.randn()
            nu, beta = 1 + s * xi, s * eta
            self.A.append(nu / 4 * T)
            self.b.append(nu / 4 * (-1 + beta) * np.eye(d)[0])
        shift = lam - np.linalg.eigvalsh(sum(self.A) / n)[0]  # 2.
        self.A = [A + shift * np.eye(d) for A in self.A]

    def start(self):  # 3.
        return math.sqrt(self.d) * np.eye(self.d)[0]

    def rows(self, i):
        return 1

    def value(self, i, x):
        return x @ self.A[i] @ x / 2 - x @ self.b[i]

    def gradient(self, i, x):
        return self.A[i] @ x - self.b[i]

    def hessian(self, i, v):
        return self.A[i] @ v

    def constants(self):
        mean, mean_sq = sum(self.A) / self.n, sum(A @ A for A in self.A) / self.n
        L = np.array([np.abs(np.linalg.eigvalsh(A)).max() for A in self.A])
        top = lambda A: np.linalg.eigvalsh(A)[-1]
        return {"L_minus": np.abs(np.linalg.eigvalsh(mean)).max(), "L_plus": math.sqrt(top(mean_sq)),
                "L_pm": math.sqrt(max(top(mean_sq - mean @ mean), 0)), "L_tilde": math.sqrt(np.mean(L**2)),
                "L_max": max(L)}


class DistributedLs:
    """f_i = |A_i x - b_i|^2 / 2, A_i = i/sqrt(n) I, b_i ~ N(0, zeta^2/i^2 I), i = 1 .. n. K-GT's E1,
    section 10 of the spec."""

    def __init__(self, n, d, zeta, sigma, seed):
        self.n, self.d, self.sigma = n, d, sigma
        self.a = np.arange(1, n + 1) / math.sqrt(n)
        self.b = [zeta / (i + 1) * rng.Stream(seed, client=i, purpose=rng.DATA).normals(d) for i in range(n)]

    def start(self):
        return np.ones(self.d) / math.sqrt(self.d)

    def rows(self, i):
        return 1

    def value(self, i, x):
        return np.sum((self.a[i] * x - self.b[i])**2) / 2

    def gradient(self, i, x, rows=None):
        return self.a[i] * (self.a[i] * x - self.b[i])

    def constants(self):
        L = self.a**2
        x = sum(a * b for a, b in zip(self.a, self.b)) / sum(L)
        return {"L_minus": np.mean(L), "L_plus": math.sqrt(np.mean(L**2)), "L_pm": np.std(L), "L_tilde": math.sqrt(np.mean(L**2)),
                "L_max": max(L), "mu": np.mean(L), "f_lower": sum(self.value(i, x) for i in range(self.n)) / self.n}


# ---- by description ----------------------------------------------------------------------------------------
LINEAR = {"logistic": Logistic, "nonconvex": Nonconvex, "least-squares": LeastSquares, "softmax": Softmax}


def make_problem(spec, clients, how, read):
    """read(name, rows) -> (A, labels)."""
    if spec.name == "quadratic":
        return Quadratic(clients, int(spec.number("d", 1000)), spec.number("s", 0), spec.number("lambda", 1e-6))
    if spec.name == "distributed-ls":
        return DistributedLs(clients, int(spec.number("d", 50)), spec.number("zeta", 10), spec.number("sigma", 0),
                             int(spec.number("seed", 1)))
    rows = spec.number("rows", None)
    A, y = read(spec.args[0].name, rows and int(rows))
    if spec.name == "autoencoder":
        return Autoencoder(split(A, y, clients, how), int(spec.args[1].name), int(spec.number("seed", 1)))
    if spec.name == "mlp":
        return Mlp(split(A, y, clients, how), [int(arg.name) for arg in spec.args[1:]], spec.word("activation", "relu"),
                   spec.number("lambda", 0), int(spec.number("seed", 1)))
    if spec.number("bias", 0):
        A = np.hstack([A, np.ones((len(A), 1))])
    if spec.name in ("logistic", "nonconvex"):
        y = np.where(y == y.max(), 1.0, -1.0)
    return LINEAR[spec.name](split(A, y, clients, how), spec.number("lambda", 0), spec.word("reg", "l2"))


def of_first(problem, n):
    """The problem of the first n clients."""
    part = copy.copy(problem)
    part.n = n
    for name in ("shards", "A", "a", "b"):
        if hasattr(problem, name):
            setattr(part, name, getattr(problem, name)[:n])
    return part


def with_false_labels(problem, liars):
    """The same, but the last clients have the labels -y; of C classes, C - 1 - y."""
    false = copy.copy(problem)
    opposite = lambda y: problem.classes[::-1][np.searchsorted(problem.classes, y)] if hasattr(problem, "classes") else -y
    false.shards = [(A, opposite(y) if i >= problem.n - liars else y) for i, (A, y) in enumerate(problem.shards)]
    return false


def value_and_gradient(problem, x):
    """The value and gradient of f, summed in ascending order of the clients."""
    everyone = range(problem.n)
    return (sum(problem.value(i, x) for i in everyone) / problem.n,
            sum(problem.gradient(i, x) for i in everyone) / problem.n)
