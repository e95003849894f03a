# SPDX-License-Identifier: Apache-2.0
"""Methods around a server with local steps, after SCAFFOLD, FedAvg and DiLoCo, written from the papers. Capital
letters are matrices with a row for each client. Each yields (x^t, values sent up, bits of them or None, gradients)
after round t = 0, 1, ..., as means over the clients and sums over the rounds."""
import math
from itertools import count

import numpy as np

import compressors
import local
import rng
import spec as specs
from local import stack

IDENTITY = specs.Spec("identity")


class Uplink:
    """say(t, i, v): what the server has of client i after its message about v.
      plain: C(v).
      ef: e+ = decay e + v; m = C(e+); e = e+ - m; the server has m.
      ef21: h+ = h + C(v - h); the server has h+.
    A part other than the model is plain. make(step): C with the draws of that step."""

    def __init__(self, n, d, make, memory="plain", decay=1.0):
        self.n, self.make, self.C, self.memory, self.decay = n, make, make(0), memory, decay
        self.kept = np.zeros((n, d))
        self.messages, self.floats, self.bits = 0, 0.0, 0.0

    def count(self, floats, bits=None):
        self.floats += floats / self.n
        self.bits = None if bits is None else self.bits + bits / self.n

    def say(self, t, i, v, part=0):
        self.messages += 1
        if part:
            m, floats, bits = self.make(part).message(t, i, v)
            self.count(floats, bits)
            return m
        to = {"plain": v, "ef": self.decay * self.kept[i] + v, "ef21": v - self.kept[i]}[self.memory]
        m, floats, bits = self.C.message(t, i, to)
        self.count(floats, bits)
        if self.memory == "ef":
            self.kept[i] = to - m
        if self.memory == "ef21":
            self.kept[i] = self.kept[i] + m
            return self.kept[i].copy()
        return m

    def all(self, t, V):
        return np.array([self.say(t, i, v) for i, v in enumerate(V)])

    def row(self, x, asked):
        return np.array(x), self.floats, self.bits, asked


def make_uplink(problem, described, make):
    """described: a compressor, or ef(C, decay=) or ef21(C). make(spec, step): a compressor."""
    if described.name in ("ef", "ef21"):
        return Uplink(problem.n, problem.d, lambda step: make(described.args[0], step), described.name, described.number("decay", 1))
    return Uplink(problem.n, problem.d, lambda step: make(described, step))


# ---- ProxSkip's family -------------------------------------------------------------------------------------
def local_steps(seed, t, q):
    """The first head of a coin with probability q that all share."""
    stream, L = rng.Stream(seed, t, rng.EVERYONE, purpose=rng.STEPS), 1
    while stream.uniform() >= q:
        L += 1
    return L


def owners(seed, t, n, d, s):
    """The mask of a round, n x d: coordinate k belongs to the clients pi[(s k + j) mod n], j < s."""
    stream, pi = rng.Stream(seed, t, rng.EVERYONE, purpose=rng.PERMUTATION), list(range(n))
    for i in range(n - 1, 0, -1):
        j = stream.below(i + 1)
        pi[i], pi[j] = pi[j], pi[i]
    mask = np.zeros((n, d))
    for k in range(d):
        mask[[pi[(s * k + j) % n] for j in range(s)], k] = 1
    return mask


def scaffnew(problem, gradient, up, steps, q, gamma, eta_s=1.0, s=None, seed=0):
    """Mishchenko, Malinovsky, Stich, Richtarik 2022 (arXiv 2202.09357). steps(t): local steps of round t. With s:
    CompressedScaffnew (Condat, Agarsky, Richtarik 2022, arXiv 2210.13277) with s owners of a coordinate. With eta_s
    it is SCAFFOLD that says one vector: h uses the mean of y in place of x+. y is here as it was decoded, so that
    sum h = 0 on any wire."""
    n, d = problem.n, problem.d
    x, H, asked = np.array(problem.start()), np.zeros((n, d)), 0
    eta = n * (s - 1) / (s * (n - 1)) if s else 1.0
    for t in count(1):
        yield up.row(x, asked)
        Y, L = np.array([x] * n), steps(t)
        for k in range(L):
            Y = Y - gamma * (stack(gradient, Y, t, k) - H)
        asked += L
        if s:
            mask = owners(seed, t, n, d, s)
            told = mask * up.C.wire(Y - x)
            up.count(mask.sum())
            moved = told.sum(axis=0) / s
        else:
            mask, told = 1.0, up.all(t, Y - x)
            moved = told.mean(axis=0)
        H = H + q * eta / gamma * mask * (moved - told)
        x = x + eta_s * moved


def locodl(problem, gradient, up, steps, q, gamma, omega, lam):
    """Condat, Maranjyan, Richtarik 2024 (arXiv 2403.04348). Half of the ridge of every f_i is g = (lam/4) |x|^2."""
    n = problem.n
    y = np.array(problem.start())
    X, U, v, asked = np.array([y] * n), np.zeros((n, problem.d)), 0 * y, 0
    rho = chi = 1 / (1 + omega / n)
    c = q * chi / (gamma * (1 + 2 * omega))
    for t in count(1):
        yield up.row(y, asked)
        L = steps(t)
        for k in range(L):
            X = X - gamma * (stack(gradient, X, t, k) - lam / 2 * X - U)
            y = y - gamma * (lam / 2 * y - v)
        asked += L
        D = up.all(t, X - y)
        db = D.sum(axis=0) / (2 * n)
        X = (1 - rho) * X + rho * (y + db)
        U, v, y = U + c * (db - D), v + c * db, y + rho * db


# ---- FedAvg's family ---------------------------------------------------------------------------------------
def fedprox(problem, gradient, up, seed, H, gamma, eta_s, mu, sample):
    """Li, Sahu, Zaheer, Sanjabi, Talwalkar, Smith 2020 (arXiv 1812.06127), with H gradient steps inside."""
    x, share = np.array(problem.start()), sample / problem.n
    for t in count(1):
        yield up.row(x, (t - 1) * H * share)
        moved = []
        for i in local.take_part(seed, t, problem.n, sample):
            y = x
            for k in range(H):
                y = y - gamma * (gradient(i, y, t, k) + mu * (y - x))
            moved.append(up.say(t, i, y - x))
        x = x + eta_s * sum(moved) / sample


def fednova(problem, gradient, up, taus, gamma, eta_s, b):
    """Wang, Liu, Liang, Joshi, Poor 2020 (arXiv 2007.07481): client i takes taus[i] steps of heavy ball, which add
    up to |a_i|_1 gradients."""
    x, n = np.array(problem.start()), problem.n
    weight = [(tau - b * (1 - b**tau) / (1 - b)) / (1 - b) for tau in taus]
    effective = sum(weight) / n
    for t in count(1):
        yield up.row(x, (t - 1) * sum(taus) / n)
        d = 0 * x
        for i in range(n):
            y, m = x, 0 * x
            for k in range(taus[i]):
                m = b * m + gradient(i, y, t, k)
                y = y - gamma * m
            d = d - up.say(t, i, y - x) / (gamma * weight[i]) / n
        x = x - eta_s * gamma * effective * d


# ---- DiLoCo's family ---------------------------------------------------------------------------------------
class Sgd:
    def __init__(self, step):
        self.lr = step

    def step(self, Y, G):
        return Y - self.lr * G


class AdamW:
    """PyTorch's; the state of each client stays from round to round."""

    def __init__(self, lr, beta1, beta2, decay):
        self.lr, self.beta1, self.beta2, self.decay, self.steps, self.M, self.V = lr, beta1, beta2, decay, 0, 0.0, 0.0

    def step(self, Y, G):
        self.steps += 1
        self.M = self.beta1 * self.M + (1 - self.beta1) * G
        self.V = self.beta2 * self.V + (1 - self.beta2) * G**2
        m, v = self.M / (1 - self.beta1**self.steps), self.V / (1 - self.beta2**self.steps)
        return Y * (1 - self.lr * self.decay) - self.lr * m / (np.sqrt(v) + 1e-8)


def ns5(G):
    """Five steps of Newton and Schulz with Muon's polynomial: U p^5(S) V' of G/|G| = U S V'."""
    wide = G if len(G) <= len(G[0]) else G.T
    X = wide / (np.linalg.norm(wide) + 1e-7)
    for _ in range(5):
        A = X @ X.T
        X = 3.4445 * X + (-4.7750 * A + 2.0315 * A @ A) @ X
    return X if len(G) <= len(G[0]) else X.T


class Muon:
    """Jordan 2024: the matrices by Muon, all other coordinates by AdamW. matrices: (offset, rows, columns)."""

    def __init__(self, matrices, lr, b, decay, others):
        self.matrices, self.lr, self.b, self.decay, self.others, self.M = matrices, lr, b, decay, others, 0.0

    def step(self, Y, G):
        out = self.others.step(Y, G)
        self.M = self.b * self.M + (1 - self.b) * G
        U = (1 - self.b) * G + self.b * self.M
        for o, r, c in self.matrices:
            for i in range(len(Y)):
                O = ns5(U[i, o : o + r * c].reshape(r, c)).ravel()
                out[i, o : o + r * c] = (Y[i, o : o + r * c] * (1 - self.lr * self.decay)
                                         - self.lr * math.sqrt(max(1, r / c)) * O)
        return out


def diloco(problem, gradient, up, H, inner, lr, mu):
    """local.diloco with any inner rule: MuLoCo (Therien et al. 2025, arXiv 2505.23725) has Muon."""
    x = np.array(problem.start())
    b = 0 * x
    for t in count(1):
        yield up.row(x, (t - 1) * H)
        Y = np.array([x] * problem.n)
        for k in range(H):
            Y = inner.step(Y, stack(gradient, Y, t, k))
        D = -up.all(t, Y - x).mean(axis=0)
        b = mu * b + D
        x = x - lr * (D + mu * b)


def streaming(problem, gradient, up, H, P, tau, mix, inner, lr, mu):
    """Douillard et al. 2025 (arXiv 2501.18512): fragment p is said after the inner steps o_p + j H, and comes back
    tau inner steps later. A round is H inner steps. x is the outer model, its fragments of different ages."""
    x = np.array(problem.start())
    n, d, b, Y, due, s = problem.n, problem.d, 0 * x, np.array([x] * problem.n), [], 0
    parts = [slice(d * p // P, d * (p + 1) // P) for p in range(P)]
    offsets = [(p + 1) * H // P for p in range(P)]
    for t in count(1):
        yield up.row(x, (t - 1) * H)
        for k in range(H):
            Y, s = inner.step(Y, stack(gradient, Y, t, k)), s + 1
            for p in range(P):
                if s >= offsets[p] and (s - offsets[p]) % H == 0:
                    told = up.C.wire(Y[:, parts[p]] - x[parts[p]])
                    up.count(n * told.shape[1], n * 8 * (1 + told.shape[1] * compressors.bytes_of(up.C.wire)))
                    due.append((s + tau, p, -told.mean(axis=0)))
            for _, p, D in [each for each in due if each[0] == s]:
                at = parts[p]
                b[at] = mu * b[at] + D
                x[at] = x[at] - lr * (D + mu * b[at])
                Y[:, at] = mix * Y[:, at] + (1 - mix) * x[at]
            due = [each for each in due if each[0] > s]


# ---- pieces of tensors -------------------------------------------------------------------------------------
def tensors(problem):
    """The matrices as arrays of indices, and each stretch of other coordinates as a vector of them."""
    found, at = [], 0
    for o, r, c in sorted(getattr(problem, "blocks", ())):
        found += [np.arange(at, o)] * (o > at) + [np.arange(o, o + r * c).reshape(r, c)]
        at = o + r * c
    return found + [np.arange(at, problem.d)] * (problem.d > at)


def cut(length, size):
    return [slice(first, min(first + size, length)) for first in range(0, length, size)]


def chunks(tensor, chunk):
    """Squares of chunk coordinates of a matrix, stretches of a vector; those at the end may be smaller."""
    if tensor.ndim == 1:
        return [tensor[part] for part in cut(len(tensor), chunk)]
    side = math.isqrt(chunk)
    return [tensor[a, b].ravel() for a in cut(tensor.shape[0], side) for b in cut(tensor.shape[1], side)]


def largest(v, keep):
    return np.argsort(-np.abs(v), kind="stable")[:keep]


def two_bits(v):
    """The values of a tensor at four levels: each becomes the mean of those at its level."""
    shift = v.mean()
    deviation = math.sqrt(np.sum((v - shift) ** 2) / (len(v) - 1)) if len(v) > 1 else 0.0
    scale = 6 * deviation / 4 or 1.0
    level = np.clip(np.round((v - shift) / scale + 2), 0, 3)
    out = np.zeros(len(v))
    for each in range(4):
        if np.any(level == each):
            out[level == each] = np.mean((v - shift)[level == each]) + shift
    return out


def sparseloco(problem, gradient, up, H, inner, alpha, keep, chunk, decay, bits, senders=False):
    """Sarfi et al. 2025 (arXiv 2508.15706): the K largest of each chunk of a memory that decays, of 2 bits."""
    n, d, wire = problem.n, problem.d, up.C.wire
    x, E = np.array(problem.start()), np.zeros((n, d))
    width = 8 * compressors.bytes_of(wire)
    for t in count(1):
        yield up.row(x, (t - 1) * H)
        Y = np.array([x] * n)
        for k in range(H):
            Y = inner.step(Y, stack(gradient, Y, t, k))
        E = decay * E + (x - Y)
        M, sent = 0 * E, 0 * E
        for i in range(n):
            for tensor in tensors(problem):
                kept = np.concatenate([at[largest(E[i, at], keep)] for at in chunks(tensor, chunk)])
                M[i, kept] = wire(two_bits(E[i, kept]) if bits == 2 else E[i, kept])
                sent[i, kept] = 1
                up.count(len(kept) * 2 / width + 5 if bits == 2 else len(kept))
        E = E - M  # what was decoded
        x = x - alpha * M.sum(axis=0) / (np.maximum(sent.sum(axis=0), 1) if senders else n)


def dct(n):
    """C v = the DCT-II of v, orthonormal."""
    C = np.cos(np.pi / n * np.outer(np.arange(n), np.arange(n) + 0.5)) * math.sqrt(2 / n)
    C[0] /= math.sqrt(2)
    return C


def largest_divisor(n, most):
    return max(k for k in range(1, min(n, most) + 1) if n % k == 0)


def demo(problem, gradient, up, lr, keep, chunk, beta, decay):
    """Peng, Quesnelle, Kingma 2024 (arXiv 2411.19870). Round t is a step: its gradients are at x^t, as those of all
    star methods."""
    n, wire, x = problem.n, up.C.wire, np.array(problem.start())
    delta = np.zeros((n, problem.d))
    pieces = []  # (indices, transform of the vector of them)
    for tensor in tensors(problem):
        sides = [largest_divisor(length, chunk) for length in tensor.shape]
        transform = dct(sides[0]) if tensor.ndim == 1 else np.kron(dct(sides[0]), dct(sides[1]))
        parts = [cut(length, side) for length, side in zip(tensor.shape, sides)]
        pieces += [(tensor[a].ravel(), transform) for a in parts[0]] if tensor.ndim == 1 else [
            (tensor[a, b].ravel(), transform) for a in parts[0] for b in parts[1]]
    for t in count():
        delta = beta * delta + lr * stack(gradient, np.array([x] * n), t, 0)
        direction = 0 * x
        for at, C in pieces:
            total, senders = np.zeros(len(at)), np.zeros(len(at))
            for i in range(n):
                S = C @ delta[i, at]
                kept = largest(S, keep)
                told = np.zeros(len(at))
                told[kept] = wire(S[kept])
                delta[i, at] -= C.T @ told
                total, senders[kept] = total + told, senders[kept] + 1
                up.count(len(kept))
            direction[at] = C.T @ (total / np.maximum(senders, 1))
        yield up.row(x, t + 1)
        x = x * (1 - lr * decay) - lr * np.sign(direction)


# ---- by description ----------------------------------------------------------------------------------------
NEW = ("scaffnew", "compressed-scaffnew", "locodl", "fedprox", "fednova", "sparseloco", "muloco", "streaming-diloco", "demo")
COMPRESSED = ("local-sgd", "fedavg", "fedadam", "diloco", "savic")
OUTER = {"diloco": 0.7, "muloco": 0.7, "streaming-diloco": 0.7, "fedadam": 0.1}


def is_one(spec):
    return (spec.name in NEW or spec.name in COMPRESSED and "compressor" in spec.options
            or spec.name == "scaffold" and spec.word("vectors", "2") == "1")


def through(problem, method, up):
    """A method of local.py that sends its vectors through `up`."""
    for X, vectors, asked in method:
        assert math.isclose(vectors, up.messages / problem.n)
        yield up.row(X[0], asked)


def constants_of(problem, spec, omega=0.0):
    """(L_max, mu): of locodl those without half of the ridge. mu of a linear model is its ridge."""
    L, lam = problem.constants()["L_max"], problem.lam if getattr(problem, "reg", "") == "l2" else 0.0
    return (L - lam / 2, lam / 2, lam) if spec.name == "locodl" else (L, problem.constants().get("mu", lam), lam)


def make_method(spec, problem, make, step, eta_s, gradient, seed):
    """(step, rounds). make(spec, step): a compressor with the draws of a step. step: a number, or theory*factor."""
    n = problem.n
    up = make_uplink(problem, spec.options.get("compressor") or (spec.args[0] if spec.name == "locodl" else IDENTITY), make)
    number = spec.number
    if spec.name in ("scaffnew", "compressed-scaffnew", "locodl"):
        L, mu, lam = constants_of(problem, spec)
        gamma = float(step.split("*")[1]) / L if str(step).startswith("theory*") else 1 / L if step == "theory" else float(step)
        s = int(number("owners", 2)) if spec.name == "compressed-scaffnew" else None
        omega = up.C.omega if spec.name == "locodl" else 0.0
        if "steps" in spec.options:
            H = int(number("steps", 1))
            q, steps = 1 / H, lambda t: H
        else:
            factor = {"scaffnew": 1.0, "compressed-scaffnew": n / (s or 1), "locodl": (1 + omega / n) * (1 + 2 * omega)}[spec.name]
            q = number("p", 0) or min(1.0, math.sqrt(factor * mu / L))
            steps = lambda t: local_steps(seed, t, q)
        if spec.name == "locodl":
            return gamma, locodl(problem, gradient, up, steps, q, gamma, omega, lam)
        return gamma, scaffnew(problem, gradient, up, steps, q, gamma, 1.0, s, seed)
    step = float(step)
    if spec.name == "scaffold":
        K = int(number("steps", 1))
        return step, scaffnew(problem, gradient, up, lambda t: K, 1 / K, step, eta_s)
    if spec.name == "fedprox":
        return step, fedprox(problem, gradient, up, seed, int(number("steps", 1)), step, eta_s, number("mu", 0.01),
                             int(number("sample", n)))
    if spec.name == "fednova":
        low, _, high = spec.word("steps", "1").partition("..")
        low, high = int(low), int(high or low)
        return step, fednova(problem, gradient, up, [low + i % (high - low + 1) for i in range(n)], step, eta_s, number("momentum", 0))
    if spec.name == "demo":
        return step, demo(problem, gradient, up, step, int(number("keep", 32)), int(number("chunk", 64)), number("decay", 0.999),
                          number("weight-decay", 0))
    mu = number("outer-momentum", 0.9)
    if spec.name == "muloco":
        decay = number("weight-decay", 0)
        others = AdamW(number("adamw-step", 3e-4), number("beta1", 0.9), number("beta2", 0.95), decay)
        inner = Muon(getattr(problem, "hidden_blocks", getattr(problem, "blocks", ())), step, number("momentum", 0.95), decay, others)
        return step, diloco(problem, gradient, up, int(number("steps", 30)), inner, eta_s, mu)
    adamw = AdamW(step, number("beta1", 0.9), number("beta2", 0.999), number("weight-decay", 0.1))
    if spec.name == "streaming-diloco":
        return step, streaming(problem, gradient, up, int(number("steps", 50)), int(number("fragments", 4)), int(number("delay", 1)),
                               number("mix", 0.5), adamw, eta_s, mu)
    if spec.name == "sparseloco":
        inner = Sgd(step) if spec.word("inner", "adamw") == "sgd" else adamw
        return step, sparseloco(problem, gradient, up, int(number("steps", 30)), inner, eta_s, int(number("keep", 64)),
                                int(number("chunk", 4096)), number("decay", 0.95), int(number("bits", 2)),
                                spec.word("average", "clients") == "senders")
    method, _ = local.make_method(spec, problem, [np.eye(1)], up.C.wire, step, eta_s, gradient, seed, up.say)
    return step, through(problem, method, up)
