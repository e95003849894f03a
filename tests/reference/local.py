# SPDX-License-Identifier: Apache-2.0
"""Methods with local steps, in matrix form: a row of X is the model of a node. Each yields (X^t, vectors that a node has said
along each edge so far, gradients per node so far) after round t = 0, 1, ..."""
from itertools import count

import numpy as np

import rng


# ---- who hears whom, and with which weight ------------------------------------------------------------------------------
def graphs(spec, n, seed):
    """One adjacency matrix for each round of a period; A[i, j] = 1: i hears j."""
    numbers = [int(arg.name) for arg in spec.args] if spec.name == "torus" else []
    near = {"ring": lambda i, j: (i - j) % n in (1, n - 1), "path": lambda i, j: abs(i - j) == 1,
            "complete": lambda i, j: True, "star": lambda i, j: i == 0 or j == 0,
            "hypercube": lambda i, j: bin(i ^ j).count("1") == 1,
            "exponential": lambda i, j: bin((j - i) % n).count("1") == 1}
    matrix = lambda edge: np.array([[float(i != j and edge(i, j)) for j in range(n)] for i in range(n)])
    if spec.name == "torus":  # node (r, c) is number r b + c
        a, b = numbers
        apart = lambda i, j, size: min((i - j) % size, (j - i) % size)
        return [matrix(lambda i, j: apart(i // b, j // b, a) + apart(i % b, j % b, b) == 1)]
    if spec.name == "one-peer":
        hops = [2**k for k in range((n - 1).bit_length())] or [0]
        return [matrix(lambda i, j, hop=hop: (j - i) % n == hop) for hop in hops]
    if spec.name == "erdos-renyi":
        for draw in count():
            A = np.zeros((n, n))
            for i in range(n):
                stream = rng.Stream(seed, draw, i, purpose=rng.GRAPH)
                for j in range(i + 1, n):
                    A[i, j] = A[j, i] = stream.uniform() < float(spec.args[0].name)
            if np.all(np.linalg.matrix_power(A + np.eye(n), n) > 0):
                return [A]
    return [matrix(near[spec.name])]


def weights(name, A):
    n, degree = len(A), A.sum(axis=1)
    if name == "lazy":
        return (np.eye(n) + weights("metropolis", A)) / 2
    W = A / (1 + np.maximum.outer(degree, degree) if name == "metropolis" else 1 + degree.max())
    return W + np.diag(1 - W.sum(axis=1))


def quality(Ws):
    n, product = len(Ws[0]), np.eye(len(Ws[0]))
    for W in Ws:
        product = W @ product
    rho = np.linalg.norm(product - np.ones((n, n)) / n, 2)
    return {"rho": rho, "p": 1 - rho**2, "spectral gap": 1 - rho}


# ---- the methods ----------------------------------------------------------------------------------------------------------
def start(problem):
    return np.array([problem.start()] * problem.n)


def stack(gradient, X, t, k):
    return np.array([gradient(i, x, t, k) for i, x in enumerate(X)])


def d_sgd(problem, gradient, W, wire, K, eta_c, eta_s):
    """K local steps, then X+ = W (X + eta_s (Y - X)) (arXiv 2003.10422)."""
    X = start(problem)
    for t in count(1):
        yield X, t - 1, (t - 1) * K
        Y = X
        for k in range(K):
            Y = Y - eta_c * stack(gradient, Y, t, k)
        X = W(t) @ wire(X + eta_s * (Y - X))


def k_gt(problem, gradient, W, wire, K, eta_c, eta_s, average=False):
    """Liu, Lin, Koloskova, Stich 2023 (arXiv 2301.01313): Z = (X - Y) / (K eta_c); C+ = C - (I - W) Z;
    X+ = W (X - K eta_c eta_s Z)."""
    X = start(problem)
    C, said, asked = 0 * X, 0, 0
    if average:  # mean of the gradients at x^0, less one's own; everyone is told once
        G = wire(stack(gradient, X, 0, 0))
        C, asked = G.mean(axis=0) - G, 1
    for t in count(1):
        yield X, said, asked
        Y = X
        for k in range(K):
            Y = Y - eta_c * (stack(gradient, Y, t, k) + C)
        Z = (X - Y) / (K * eta_c)
        U = X - K * eta_c * eta_s * Z
        C = C - wire(Z) + W(t) @ wire(Z)
        X = W(t) @ wire(U)
        said, asked = said + 2, asked + K


def gt(problem, gradient, W, wire, K, eta, first=False):
    """X+ = W_s (X - eta Y); Y+ = W_s Y + G(X+) - G(X), where W_s = I in all but every K-th step. With `first` the tracker is
    told the first gradient of K in place of the last one."""
    X = start(problem)
    C = 0 * X  # Y - G, which no step between two talks changes
    for t in count(1):
        yield X, 2 * (t - 1), (t - 1) * K
        for k in range(K):
            G = stack(gradient, X, t, k)
            told = G if k == 0 or not first else told
            X = X - eta * (G + C)
        X, C = W(t) @ wire(X), W(t) @ wire(C + told) - told
    # C + G is what Y was when it was told.


def scaffold(problem, gradient, wire, K, eta_l, eta_g):
    """Karimireddy et al. 2020 (arXiv 1910.06378), everyone, option II. One model, the server's."""
    x = np.array(problem.start())
    c, c_i, said = 0 * x, np.zeros((problem.n, problem.d)), 0
    for t in count(1):
        yield x[None], said, (t - 1) * K
        Y = np.array([x] * problem.n)
        for k in range(K):
            Y = Y - eta_l * (stack(gradient, Y, t, k) - c_i + c)
        told = wire(Y - x), wire((x - Y) / (K * eta_l) - c)  # the second: c_i+ - c_i, where c_i+ = c_i - c + (x - y_i) / (K eta_l)
        x, c, c_i = x + eta_g * told[0].mean(axis=0), c + told[1].mean(axis=0), c_i + told[1]
        said = said + 2


def make_method(spec, problem, Ws, wire, eta_c, eta_s, gradient):
    """The generator, and whether `init=avg` has everyone say a vector at the start."""
    K = int(spec.number("steps", 1))
    W = lambda t: Ws[(t - 1) % len(Ws)]
    average = spec.word("init", "zero") == "avg"
    if spec.name == "d-sgd":
        return d_sgd(problem, gradient, W, wire, K, eta_c, eta_s), average
    if spec.name == "scaffold":
        return scaffold(problem, gradient, wire, K, eta_c, eta_s), average
    if spec.name == "k-gt":
        return k_gt(problem, gradient, W, wire, K, eta_c, eta_s, average), average
    if spec.name in ("gt", "periodical-gt"):
        return gt(problem, gradient, W, wire, K, eta_c, spec.word("sample", "last") == "first"), average
    return None
