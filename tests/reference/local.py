# SPDX-License-Identifier: Apache-2.0
"""Methods with local steps, in matrix form: a row of X is the model of a node. Each yields (X^t, vectors
that a node has sent on each edge so far, gradients per node so far) after round t = 0, 1, ..."""
from itertools import count

import numpy as np

import rng


# ---- graphs and weights ------------------------------------------------------------------------------------
def graphs(spec, n, seed):
    """One adjacency matrix for each round of a period; A[i, j] = 1: i receives from j."""
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


# ---- the methods -------------------------------------------------------------------------------------------
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
    if average:  # mean of the gradients at x^0 minus the node's own; each node receives it once
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
    """X+ = W_s (X - eta Y); Y+ = W_s Y + G(X+) - G(X), where W_s = I in all but every K-th step. With
    `first` the tracker uses the first gradient of K in place of the last one."""
    X = start(problem)
    C = 0 * X  # Y - G, which is constant between two communications
    for t in count(1):
        yield X, 2 * (t - 1), (t - 1) * K
        for k in range(K):
            G = stack(gradient, X, t, k)
            told = G if k == 0 or not first else told
            X = X - eta * (G + C)
        X, C = W(t) @ wire(X), W(t) @ wire(C + told) - told
    # C + G is Y as it was sent.


def scaffold(problem, gradient, wire, K, eta_l, eta_g):
    """Karimireddy et al. 2020 (arXiv 1910.06378), full participation, option II. One model, the server's."""
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


# ---- with a server, scaled ---------------------------------------------------------------------------------
def take_part(seed, t, n, sample):
    """Draws `sample` of 0 .. n-1, without replacement (Floyd)."""
    stream, chosen = rng.Stream(seed, t, rng.EVERYONE, purpose=rng.TURNOUT), set()
    for last in range(n - sample, n):
        any = stream.below(last + 1)
        chosen.add(last if any in chosen else any)
    return sorted(chosen)


def scale_rule(name, t, beta, D, S):
    """The diagonal after the t-th statistic S, which is squared for all rules but oasis (arXiv 2406.00846,
    section 3 of the spec)."""
    if name == "oasis":
        return S if t == 0 else beta * D + (1 - beta) * S
    if name == "adagrad":
        return np.sqrt(D**2 + S)
    b = beta if name == "rmsprop" else (beta - beta**(t + 1)) / (1 - beta**(t + 1))
    return np.sqrt(b * D**2 + (1 - b) * S)


MOMENTUM, STATISTIC = 1, 2  # parts of what a client says; 0 is its model


def local_sgd(problem, gradient, wire, seed, H, gamma, eta_s, sample, beta1=0.0, averaged=True, savic=None, say=None):
    """FedAvg (arXiv 1602.05629) with `sample` clients, Local SGD with all; with `savic`, arXiv 2406.00846:
    (name, beta, alpha, local, mean of squares, refresh, at the start, probes at the start, shared probes).
    say(t, i, v): what the server has of v, the change of client i's model; with a part, of another vector."""
    say = say or (lambda t, i, v, part=0: wire(v))
    n, d = problem.n, problem.d
    x, m, said, asked, refreshed = np.array(problem.start()), np.zeros(d), 0, 0, 0
    scales = [np.ones(d)] * n
    if savic:
        name, beta, alpha, own, mean_of_sq, refresh, at_start, start_probes, shared = savic
        D = [np.zeros(d) if at_start else np.ones(d)] * n

    def statistic(i, t):
        if name != "oasis":
            g = gradient(i, x, t, H)
            return (g**2 if own or mean_of_sq else g), 1
        probes = [(H + p, rng.Stream(seed, t, rng.EVERYONE if shared else i, H + p, purpose=rng.PROBE).signs(d))
                  for p in range(start_probes if refreshed == 0 else 1)]
        return sum(v * problem.hessian(i, v) for _, v in probes) / len(probes), len(probes)

    def rescale(t):
        """(vectors sent, gradients computed)"""
        nonlocal D, scales, refreshed
        S, calls = zip(*(statistic(i, t) for i in range(n)))
        if not own:
            S = sum(say(t, i, each, STATISTIC) for i, each in enumerate(S)) / n
            S = [S if name == "oasis" or mean_of_sq else S**2] * n
        D = [scale_rule(name, refreshed, beta, D_i, S_i) for D_i, S_i in zip(D, S)]
        scales = [np.maximum(alpha, np.abs(D_i)) for D_i in D]
        refreshed += 1
        return (0 if own else 1), calls[0]

    if savic and at_start:
        said, asked = rescale(0)
    elif savic:
        scales = [np.maximum(alpha, np.abs(D_i)) for D_i in D]
    for t in count(1):
        yield x[None], said, asked
        who = take_part(seed, t, n, sample)
        moved, momenta = [], []
        for i in who:
            y, m_i = x, m if averaged else 0 * m
            for k in range(H):
                g = gradient(i, y, t, k)
                m_i = beta1 * m_i + (1 - beta1) * g
                y = y - gamma * m_i / scales[i]
            moved.append(say(t, i, y - x))
            momenta.append(say(t, i, m_i, MOMENTUM) if beta1 and averaged else m_i)
        x = x + eta_s * sum(moved) / len(who)
        said, asked = said + len(who) / n, asked + H * len(who) / n
        if beta1 and averaged:
            m, said = sum(momenta) / n, said + 1
        if savic and t % refresh == 0:
            more, calls = rescale(t)
            said, asked = said + more, asked + calls


def fedadam(problem, gradient, wire, seed, H, gamma, eta, sample, beta1, beta2, tau, say=None):
    """Reddi et al. 2021 (arXiv 2003.00295), Algorithm 2, with v = tau^2 at the start."""
    say = say or (lambda t, i, v: wire(v))
    n, x = problem.n, np.array(problem.start())
    m, v, share = 0 * x, 0 * x + tau**2, sample / n
    for t in count(1):
        yield x[None], (t - 1) * share, (t - 1) * H * share
        moved = []
        for i in take_part(seed, t, n, sample):
            y = x
            for k in range(H):
                y = y - gamma * gradient(i, y, t, k)
            moved.append(say(t, i, y - x))
        Delta = sum(moved) / sample
        m = beta1 * m + (1 - beta1) * Delta
        v = beta2 * v + (1 - beta2) * Delta**2
        x = x + eta * m / (np.sqrt(v) + tau)


def diloco(problem, gradient, wire, H, gamma, lr, beta1, beta2, decay, mu, say=None):
    """Douillard et al. 2023 (arXiv 2311.08105), Algorithm 1. The inner optimiser is PyTorch's AdamW;
    each client keeps its state."""
    say = say or (lambda t, i, v: wire(v))
    x = np.array(problem.start())
    M, V, b = np.zeros((problem.n, problem.d)), np.zeros((problem.n, problem.d)), 0 * x
    for t in count(1):
        yield x[None], t - 1, (t - 1) * H
        Y = np.array([x] * problem.n)
        for k in range(H):
            step, G = (t - 1) * H + k + 1, stack(gradient, Y, t, k)
            Y = Y * (1 - gamma * decay)
            M, V = beta1 * M + (1 - beta1) * G, beta2 * V + (1 - beta2) * G**2
            Y = Y - gamma / (1 - beta1**step) * M / (np.sqrt(V) / np.sqrt(1 - beta2**step) + 1e-8)
        Delta = -np.mean([say(t, i, y - x) for i, y in enumerate(Y)], axis=0)
        b = mu * b + Delta
        x = x - lr * (Delta + mu * b)


def make_method(spec, problem, Ws, wire, eta_c, eta_s, gradient, seed, say=None):
    """The generator, and whether every client sends a vector at the start (`init=avg`)."""
    K = int(spec.number("steps", 1))
    momentum = spec.number("momentum", 0), spec.word("momentum-at-sync", "average") == "average"
    if spec.name in ("local-sgd", "fedavg"):
        return local_sgd(problem, gradient, wire, seed, K, eta_c, eta_s, int(spec.number("sample", problem.n)), *momentum, None, say), False
    if spec.name == "fedadam":
        rates = spec.number("beta1", 0.9), spec.number("beta2", 0.99), spec.number("tau", 1e-3)
        return fedadam(problem, gradient, wire, seed, K, eta_c, eta_s, int(spec.number("sample", problem.n)), *rates, say), False
    if spec.name == "diloco":
        rates = spec.number("beta1", 0.9), spec.number("beta2", 0.999), spec.number("weight-decay", 0.1)
        return diloco(problem, gradient, wire, K, eta_c, eta_s, *rates, spec.number("outer-momentum", 0.9), say), False
    if spec.name == "savic":
        name = spec.args[0].name
        beta = spec.number("beta", {"adam": 0.999, "rmsprop": 0.99, "oasis": 0.95, "adagrad": 0}[name])
        savic = (name, beta, spec.number("alpha", 0.01), spec.word("scaling", "global") == "local",
                 spec.word("statistic", "sq-of-mean") == "mean-of-sq", int(spec.number("refresh", 1)),
                 bool(spec.number("refresh-at-start", 1)), int(spec.number("start-probes", 10)),
                 spec.word("probes", "own") == "shared")
        return local_sgd(problem, gradient, wire, seed, K, eta_c, eta_s, problem.n, *momentum, savic, say), False
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
