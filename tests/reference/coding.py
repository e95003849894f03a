# SPDX-License-Identifier: Apache-2.0
"""Gradient coding with stragglers: clients hold each other's data, and some answer late (arXiv 1905.05383,
2403.14716, 2603.16353)."""
from itertools import count

import numpy as np

import compressors
import rng

NAMES = ("gc-1bit", "sgc", "is-sgd", "coco-ef", "gc-diana")


def held(rule, n, d, seed):
    """The allocation as a matrix of 0 and 1: S[i, k] = 1 if client i holds the data of client k."""
    S = np.zeros((n, n))
    for k in range(n):
        if d == 1 or rule == "cyclic":
            S[[(k - c) % n for c in range(d)], k] = 1
        elif rule == "fractional":
            S[k // d * d:k // d * d + d, k] = 1
        else:  # different clients for each k
            S[distinct(rng.Stream(seed, 0, k, purpose=rng.ALLOCATION), n, d), k] = 1
    return S


def distinct(stream, n, count):
    """Draws `count` distinct numbers of 0 .. n-1 (Floyd)."""
    chosen = set()
    for last in range(n - count, n):
        any = stream.below(last + 1) if count < n else last
        chosen.add(last if any in chosen else any)
    return sorted(chosen)


def answering(model, seed, t, n):
    """The clients that are not late, and the probability of each client to be late."""
    if model is None:
        return list(range(n)), np.zeros(n)
    if model.name == "fixed":
        late = int(model.args[0].name)
        return distinct(rng.Stream(seed, t, rng.EVERYONE, purpose=rng.STRAGGLER), n, n - late), np.full(n, late / n)
    p = [float(each.name) for each in model.args[:None if model.name == "bernoulli" else 1]]
    p = np.array([p[i % len(p)] for i in range(n)])
    t = t // int(model.args[1].name) if model.name == "sticky" else t
    return [i for i in range(n) if rng.Stream(seed, t, i, purpose=rng.STRAGGLER).uniform() >= p[i]], p


def up(s, wire):
    """The smallest value in the wire format that is >= s."""
    if wire is compressors.f64:
        return s
    rounded = np.float32(s)
    return float(rounded if rounded >= s else np.nextafter(rounded, np.float32(np.inf)))


class OneBit:
    """P(b_j = 1) = 1/2 + v_j / (2 s), s >= max |v_j|: Q(v) = s b."""

    def __init__(self, d, seed, wire, scale="linf", block=0, bound=0):
        self.d, self.seed, self.wire, self.scale, self.block, self.bound = d, seed, wire, scale, block or d, bound
        self.floats = d / (64 if wire is compressors.f64 else 32) + (0 if scale == "fixed" else -(-d // self.block))

    def compress(self, t, i, v):
        stream = rng.Stream(self.seed, t, i)
        out = np.empty(self.d)
        for first in range(0, self.d, self.block):
            part = slice(first, first + self.block)
            s = {"linf": lambda: up(np.abs(v[part]).max(), self.wire), "l2": lambda: up(np.sqrt(v @ v), self.wire),
                 "fixed": lambda: self.bound}["linf" if self.scale == "block" else self.scale]()
            for j in range(first, min(first + self.block, self.d)):
                share = min(max(0.5 + v[j] / (2 * s), 0.0), 1.0) if s else 0.0
                out[j] = s if stream.next32() < int(2**32 * share + 0.5) else -s
        return out


class Sign:
    """c sign(v), where c is the mean of |v_j| over a block."""

    def __init__(self, d, wire, block=0):
        self.d, self.wire, self.block = d, wire, block or d
        self.floats = d / (64 if wire is compressors.f64 else 32) + -(-d // self.block)

    def compress(self, t, i, v):
        parts = [v[first:first + self.block] for first in range(0, self.d, self.block)]
        return np.concatenate([self.wire(np.abs(part).mean()) * np.where(part < 0, -1, 1) for part in parts])


class Whole:
    def __init__(self, d, wire):
        self.wire, self.floats = wire, d

    def compress(self, t, i, v):
        return self.wire(v)


def make_compressor(spec, d, seed, wire):
    if spec.name == "one-bit":
        return OneBit(d, seed, wire, spec.word("scale", "linf"), int(spec.number("block", 0)), spec.number("bound", 0))
    if spec.name == "sign":
        return Sign(d, wire, int(spec.number("block", 0)))
    return Whole(d, wire)


def coded(problem, gradient, asked, S, Q, gamma, model, seed, decode="ht", alpha=None, feedback=False):
    """x^{t+1} = x^t - gamma g^t; yields x^t, values and single-sample gradients a client so far, where
    subset k costs asked(k) gradients. alpha: the rate of coded differences. feedback: COCO-EF, with the
    step inside the memory."""
    n, x, floats, calls = problem.n, np.array(problem.start()), 0, 0
    copies = S.sum(axis=0)
    memory = np.zeros((n, problem.d))  # ref_i, or e_i
    for t in count():
        here, p = answering(model, seed, t, n)
        g = memory.sum(axis=0) / n if alpha is not None else 0 * x
        weigh = lambda i: 1 / len(here) if decode == "count" else 1 / n if feedback else 1 / (n * (1 - p[i]))
        step, votes = 0 * x, 0 * x
        for i in here:
            h = sum(gradient(k, x, t) / copies[k] for k in range(n) if S[i, k])
            floats, calls = floats + Q.floats / n, calls + sum(asked(k) for k in range(n) if S[i, k]) / n
            if feedback:
                m = gamma * h / (1 - p[i]) + memory[i]
                q = Q.compress(t, i, m)
                memory[i] = m - q
                step = step + q / n
                continue
            q = Q.compress(t, i, h - memory[i])
            if getattr(Q, "scale", None) == "fixed" and weigh(i) == weigh(here[0]):
                votes = votes + np.sign(q)  # number of + minus number of -: whole numbers
                continue
            g = g + weigh(i) * q
            if alpha is not None:
                memory[i] += alpha * q
        if votes.any():
            g = g + weigh(here[0]) * Q.bound * votes
        yield x, floats, calls
        x = x - (step if feedback else gamma * g)


def make_method(spec, problem, gradient, asked, gamma, wire, seed, model, rule, split_seed, parse):
    d = int(spec.number("redundancy", 1))
    S = held(rule, problem.n, d, split_seed)
    given = spec.args[0] if spec.args else spec.options.get("encoder")
    default = {"gc-1bit": "one-bit", "gc-diana": "one-bit", "coco-ef": "sign"}.get(spec.name, "identity")
    encoder = given or parse(default)
    if spec.name == "gc-1bit":
        encoder.options |= {key: spec.options[key] for key in ("scale", "block", "bound") if key in spec.options}
    Q = make_compressor(encoder, problem.d, seed, wire)
    alpha = spec.number("alpha", None) if spec.name == "gc-diana" else None
    return coded(problem, gradient, asked, S, Q, gamma, model, seed, spec.word("decode", "ht"), alpha, spec.name == "coco-ef")
