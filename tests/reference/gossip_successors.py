# SPDX-License-Identifier: Apache-2.0
"""Methods without a server after D-SGD and gradient tracking, in the matrix form of local.py, written from the
papers. Each yields (X^t, values and bits that a node has sent over all its edges so far, gradients per node so far)
after round t = 0, 1, ...

What a node says is heard by all neighbours. With public copies, a node says Q = C(V - Vh), and everyone adds the
decoded Q to the copy: Vh+ = Vh + Q. So all copies of a node are equal, and mixing uses (W - I) Vh, of which the column
sums vanish: the mean of V never feels the compressor."""
from itertools import count

import numpy as np

import compressors
import spec as specs
from local import stack, start

IDENTITY = specs.Spec("identity")
MIXING = {"d2": "lazy", "nids": "lazy", "led": "lazy"}  # unless the run says another


class Network:
    """W; A[i, j] = 1: i hears j. make(spec, part) -> a compressor with the draws of message `part` of a round."""

    def __init__(self, W, A, make):
        self.W, self.n, self.ears, self.make = W, len(W), A.sum(axis=0), make
        self.floats = self.bits = 0.0

    def say(self, C, t, V):
        """The decoded messages C(v_i) of round t."""
        told = [C.message(t, i, v) for i, v in enumerate(V)]
        self.floats += sum(ears * floats for ears, (_, floats, _) in zip(self.ears, told)) / self.n
        self.bits += sum(ears * bits for ears, (_, _, bits) in zip(self.ears, told)) / self.n
        return np.array([q for q, _, _ in told])

    def row(self, X, asked):
        return X.copy(), self.floats, self.bits, asked


def contraction(C):
    """The factor of decoded messages. Copies would grow with an unbiased C: E|v - vh - C|^2 = omega |v - vh|^2."""
    return 1 / (1 + C.omega) if C.alpha is None and C.omega is not None and C.omega >= 1 else 1.0


class Copies:
    """Vh and S = W Vh, from 0. Both are kept, as nodes keep them, and not computed from each other."""

    def __init__(self, net, C, like):
        self.net, self.C, self.hat, self.sum = net, C, 0 * like, 0 * like
        self.scale = contraction(C)

    def difference(self):
        """(W - I) Vh"""
        return self.sum - self.hat

    def tell(self, t, V):
        Q = self.scale * self.net.say(self.C, t, V - self.hat)
        self.hat, self.sum = self.hat + Q, self.sum + self.net.W @ Q


# ---- public copies -----------------------------------------------------------------------------------------
def choco(problem, gradient, net, C, K, gamma, eta, eta_s=1.0):
    """CHOCO-SGD: Koloskova, Stich, Jaggi 2019 (arXiv 1902.00340), Algorithm 2, with K local steps. With eta_s it is
    local.d_sgd through copies."""
    X = start(problem)
    copies = Copies(net, C(0), X)
    for t in count(1):
        yield net.row(X, (t - 1) * K)
        Y = X
        for k in range(K):
            Y = Y - eta * stack(gradient, Y, t, k)
        U = X + eta_s * (Y - X)
        copies.tell(t, U)
        X = U + gamma * copies.difference()


def motef(problem, gradient, net, C, gamma, eta, lam):
    """Islamov, Gao, Stich 2024 (arXiv 2405.20114); with lam = 1 BEER: Zhao, Li, Li, Richtarik, Chi 2022 (arXiv
    2201.13320). M starts as V does: with any other start mean V - mean M, which never changes, is not 0."""
    X = start(problem)
    H, G = Copies(net, C(0), X), Copies(net, C(1), X)
    V = M = stack(gradient, X, 0, 0)
    for t in count(1):
        yield net.row(X, t)
        X = X + gamma * H.difference() - eta * V
        H.tell(t, X)
        before, M = M, (1 - lam) * M + lam * stack(gradient, X, t, 0)
        V = V + gamma * G.difference() + M - before
        G.tell(t, V)


def lead(problem, gradient, net, C, gamma, eta, alpha, warm=False):
    """Liu, Li, Wang, Tang, Yan 2021 (arXiv 2007.00232), Algorithm 1."""
    X, C, asked = start(problem), C(0), 0
    if warm:
        X, asked = X - eta * stack(gradient, X, 0, 0), 1
    D, H, Hw = 0 * X, 0 * X, 0 * X  # Hw = W H
    for t in count(1):
        yield net.row(X, asked + t - 1)
        G = stack(gradient, X, t, 0)
        Y = X - eta * G - eta * D
        Q = net.say(C, t, Y - H)
        Yh, Yw = H + Q, Hw + net.W @ Q
        H, Hw = H + alpha * Q, Hw + alpha * (net.W @ Q)
        D = D + gamma / (2 * eta) * (Yh - Yw)
        X = X - eta * G - eta * D  # the new D and the same G


def k_gt(problem, gradient, net, C, K, gamma, eta_c, eta_s, average=False):
    """K-GT of local.py with U and Z said through public copies, each with its own."""
    X = start(problem)
    c, asked = 0 * X, 0
    if average:  # as in local.k_gt; each node receives the mean once
        said = [compressors.Identity(problem.d, net.make(IDENTITY, 0).wire).message(0, i, g)
                for i, g in enumerate(stack(gradient, X, 0, 0))]
        G = np.array([g for g, _, _ in said])
        net.floats, net.bits = net.floats + said[0][1], net.bits + said[0][2]
        c, asked = G.mean(axis=0) - G, 1
    u, z = Copies(net, C(0), X), Copies(net, C(1), X)
    for t in count(1):
        yield net.row(X, asked)
        Y = X
        for k in range(K):
            Y = Y - eta_c * (stack(gradient, Y, t, k) + c)
        U = X + eta_s * (Y - X)
        u.tell(t, U)
        z.tell(t, (X - Y) / (K * eta_c))
        c = c + gamma * z.difference()
        X = U + gamma * u.difference()
        asked += K


def gt(problem, gradient, net, C, K, gamma, eta, first=False):
    """Periodical GT of local.py through copies: Z is c and one gradient of the round, the last or the first."""
    X = start(problem)
    c, u, z = 0 * X, Copies(net, C(0), X), Copies(net, C(1), X)
    for t in count(1):
        yield net.row(X, (t - 1) * K)
        for k in range(K):
            G = stack(gradient, X, t, k)
            told = G if k == 0 or not first else told
            X = X - eta * (G + c)
        u.tell(t, X)
        z.tell(t, c + told)
        X, c = X + gamma * u.difference(), c + gamma * z.difference()


# ---- exact diffusion ---------------------------------------------------------------------------------------
def d2(problem, gradient, net, C, eta, mixed=True):
    """D2: Tang, Lian, Yan, Zhang, Liu 2018 (arXiv 1803.07068). Without `mixed` the first round is a local step in
    which nothing is said: NIDS (Li, Shi, Yan 2019, arXiv 1704.07807)."""
    X, C = start(problem), C(0)
    yield net.row(X, 0)
    G = stack(gradient, X, 1, 0)
    Y = X - eta * G
    before, X = X, net.W @ net.say(C, 1, Y) if mixed else Y
    for t in count(2):
        yield net.row(X, t - 1)
        G_before, G = G, stack(gradient, X, t, 0)
        before, X = X, net.W @ net.say(C, t, 2 * X - before - eta * (G - G_before))


def led(problem, gradient, net, C, K, eta):
    """Alghunaim 2024 (arXiv 2302.00620): K local steps, corrected by D / K. The sender also counts its own y as it
    was decoded, so that sum D = 0 on any wire."""
    X, C = start(problem), C(0)
    D = 0 * X
    for t in count(1):
        yield net.row(X, (t - 1) * K)
        Y = X
        for k in range(K):
            Y = Y - eta * stack(gradient, Y, t, k) - D / K
        Y = net.say(C, t, Y)
        X = net.W @ Y
        D = D + Y - X


# ---- by description ----------------------------------------------------------------------------------------
TRACKING = ("d-sgd", "gt", "k-gt", "periodical-gt")


def is_one(spec):
    return spec.name in ("choco", "beer", "motef", "lead", "d2", "nids", "led") or spec.name in TRACKING and "compressor" in spec.options


def make_method(spec, problem, net, eta, eta_s, gradient):
    described = spec.options.get("compressor") or (spec.args[0] if spec.args else IDENTITY)
    C = lambda part: net.make(described, part)
    K = int(spec.number("steps", 1))
    if spec.name == "lead":
        omega, alpha = C(0).omega, C(0).alpha
        noise = omega if omega is not None else 1 - alpha  # the spec says nothing of contractive ones
        beta = np.linalg.eigvalsh(np.eye(net.n) - net.W)[-1]
        gamma = spec.number("gamma", min(1.0, 2 / ((3 * noise + 1) * beta)))
        return lead(problem, gradient, net, C, gamma, eta, spec.number("alpha", 0.3 if omega is None else 1 / (1 + omega)),
                    spec.word("start", "plain") == "warm")
    if spec.name in ("d2", "nids"):
        return d2(problem, gradient, net, C, eta, spec.name == "d2")
    if spec.name == "led":
        return led(problem, gradient, net, C, K, eta)
    if described.name != "identity" and "gamma" not in spec.options:
        raise ValueError("gamma is missing")
    gamma = spec.number("gamma", 1)
    if spec.name in ("choco", "d-sgd"):
        return choco(problem, gradient, net, C, K, gamma, eta, eta_s)
    if spec.name in ("beer", "motef"):
        return motef(problem, gradient, net, C, gamma, eta, 1 if spec.name == "beer" else spec.number("lambda", 0.1))
    if spec.name == "k-gt":
        return k_gt(problem, gradient, net, C, K, gamma, eta, eta_s, spec.word("init", "zero") == "avg")
    return gt(problem, gradient, net, C, K, gamma, eta, spec.word("sample", "last") == "first")
