# SPDX-License-Identifier: Apache-2.0
"""Compressors: compress(round, client, x) is C(x) as a dense vector, floats(round, client) the number of
values sent. `wire` rounds the values sent. omega is set for unbiased compressors, alpha for contractive
ones; p: expected floats of a message divided by d."""
import math

import numpy as np

import rng
import spec as specs


def f64(x):
    return x


def f32(x):
    return x.astype(np.float32).astype(np.float64)


WIRES = {"f32": f32, "f64": f64}


class Identity:
    omega, alpha, index_bits = 0.0, 1.0, 0

    def __init__(self, d, wire=f64):
        self.d, self.wire, self.p = d, wire, 1.0

    def compress(self, round, client, x):
        return self.wire(x)

    def floats(self, round, client):
        return self.d


class TopK:
    """The K largest entries by magnitude; ties go to the lowest index."""
    omega, index_bits = None, 32  # bits of an index, at most

    def __init__(self, d, k, wire=f64):
        self.d, self.k, self.wire, self.p, self.alpha = d, k, wire, k / d, k / d

    def compress(self, round, client, x):
        kept = np.argsort(-np.abs(x), kind="stable")[: self.k]
        out = np.zeros(self.d)
        out[kept] = self.wire(x[kept])
        return out

    def floats(self, round, client):
        return self.k


class Comp(TopK):
    """K at random of the KK largest entries, times KK/K (EF-BV, arXiv 2205.04180). eta, variance: of its bias and
    of its variance. support(round, client, k, n): k of 0 .. n-1, ascending."""

    def __init__(self, d, k, kk, support, wire=f64):
        super().__init__(d, k, wire)
        self.kk, self.support = kk, support
        self.eta, self.variance = math.sqrt(1 - kk / d), kk / k - 1
        self.alpha = (1 - self.variance) * kk / d if self.variance < 1 else None
        self.omega = self.variance if kk == d else None

    def compress(self, round, client, x):
        largest = np.sort(np.argsort(-np.abs(x), kind="stable")[: self.kk])
        kept = largest[self.support(round, client, self.k, self.kk)]
        out = np.zeros(self.d)
        out[kept] = self.wire(self.kk / self.k * x[kept])
        return out


class Mix(TopK):
    """The K largest entries, and KK of the others at random, as they are (the same paper)."""

    def __init__(self, d, k, kk, support, wire=f64):
        super().__init__(d, k, wire)
        left = d - k - kk
        self.kk, self.support, self.alpha = kk, support, (k + kk) / d
        self.eta, self.variance = left / math.sqrt((d - k) * d), kk * left / ((d - k) * d)

    def compress(self, round, client, x):
        order = np.argsort(-np.abs(x), kind="stable")
        kept = np.concatenate([order[: self.k], np.sort(order[self.k :])[self.support(round, client, self.kk, self.d - self.k)]])
        out = np.zeros(self.d)
        out[kept] = self.wire(x[kept])
        return out

    def floats(self, round, client):
        return self.k + self.kk


class Subset:
    """scale * x on a random support; the scale makes it unbiased."""
    alpha, index_bits = None, 0

    def __init__(self, d, scale, p, support, wire=f64):
        self.d, self.scale, self.omega, self.p, self.support, self.wire = d, scale, scale - 1, p, support, wire

    def compress(self, round, client, x):
        kept = self.support(round, client)
        out = np.zeros(self.d)
        out[kept] = self.wire(self.scale * x[kept])
        return out

    def floats(self, round, client):
        return len(self.support(round, client))


class RandK(Subset):
    """d/K times K random coordinates, drawn by each client for itself."""

    def __init__(self, d, k, support, wire=f64):
        super().__init__(d, d / k, k / d, support, wire)


class CRandK(Subset):
    """K random coordinates without a factor: contractive."""

    def __init__(self, d, k, support, wire=f64):
        super().__init__(d, 1, k / d, support, wire)
        self.omega, self.alpha = None, k / d


class PermK(Subset):
    """n times the coordinates that the round assigns to this client, or d/K times K of them; if n > d, d
    times one coordinate. A and B: E|mean Q_i(a_i) - mean a_i|^2 = A mean|a_i|^2 - B |mean a_i|^2 (arXiv
    2110.03300)."""

    def __init__(self, d, n, support, wire=f64, k=None):
        scale = d / k if k else min(n, d)
        super().__init__(d, scale, (k or max(d / n, 1)) / d, support, wire)
        # together: the probability that two given clients share a coordinate; each coordinate has q or q + 1
        # clients
        q, more = divmod(n, d)
        together = ((d - more) * q * (q - 1) + more * (q + 1) * q) / (n * (n - 1)) if n > d else 0
        self.A, self.B = (d * (1 - together) / n, 1 - d * together) if n > d else (scale / n, 1)


class CPermK(PermK):
    """The same coordinates without a factor: contractive."""

    def __init__(self, d, n, support, wire=f64, k=None):
        super().__init__(d, n, support, wire, k)
        self.alpha, self.omega, self.scale = 1 / self.scale, None, 1


def read_supports(path):
    """Reads lines `round client index index ...`: the support of each message, to replay draws that are
    not transcribed."""
    table = {}
    with open(path) as file:
        for line in file:
            round, client, *indices = map(int, line.split())
            table[round, client] = indices
    return lambda round, client: table[round, client]


def make_compressor(spec, d, n, seed, wire=f64, replay=None, step=0):
    """step: the step in the address of its draws."""
    if spec.name == "identity":
        return Identity(d, wire)
    if spec.name == "top-k":
        return TopK(d, specs.count_of(spec.args[0], d), wire)
    if spec.name in ("comp", "mix"):
        k, kk = (specs.count_of(arg, d) for arg in spec.args)
        support = lambda round, i, count, n: rng.rand_k_support(seed, round, i, count, n, step)
        return {"comp": Comp, "mix": Mix}[spec.name](d, k, kk, support, wire)
    if spec.name in ("rand-k", "c-rand-k"):
        k = specs.count_of(spec.args[0], d)
        support = replay or (lambda round, i: rng.rand_k_support(seed, round, i, k, d, step))
        return {"rand-k": RandK, "c-rand-k": CRandK}[spec.name](d, k, support, wire)
    if spec.name in ("perm-k", "c-perm-k"):
        k = specs.count_of(spec.args[0], d) if spec.args else None
        support = replay or (lambda round, i: rng.perm_k_support(seed, round, i, d, n, k, step))
        return {"perm-k": PermK, "c-perm-k": CPermK}[spec.name](d, n, support, wire, k)
    raise ValueError(f"unknown compressor {spec}")
