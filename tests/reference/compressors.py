# SPDX-License-Identifier: Apache-2.0
"""Compressors: compress(round, worker, x) is C(x) as a dense vector, floats(round, worker) the values it sent.
`wire` rounds what travels. omega is that of the unbiased ones; p: expected floats of a message, of d."""
import numpy as np

import spec as specs


def f64(x):
    return x


def f32(x):
    return x.astype(np.float32).astype(np.float64)


WIRES = {"f32": f32, "f64": f64}


class Identity:
    omega, index_bits = 0.0, 0

    def __init__(self, d, wire=f64):
        self.d, self.wire, self.p = d, wire, 1.0

    def compress(self, round, worker, x):
        return self.wire(x)

    def floats(self, round, worker):
        return self.d


class TopK:
    """The K largest by magnitude; of equal ones the lowest index."""
    omega, index_bits = None, 32  # at most, an index

    def __init__(self, d, k, wire=f64):
        self.d, self.k, self.wire, self.p = d, k, wire, k / d

    def compress(self, round, worker, x):
        kept = np.argsort(-np.abs(x), kind="stable")[: self.k]
        out = np.zeros(self.d)
        out[kept] = self.wire(x[kept])
        return out

    def floats(self, round, worker):
        return self.k


class Replay:
    """scale * x on a support that somebody else drew: RandK (scale d/K) and PermK (scale n, or d when n >= d)."""
    index_bits = 0

    def __init__(self, d, scale, p, supports, wire=f64):
        self.d, self.scale, self.omega, self.p, self.supports, self.wire = d, scale, scale - 1, p, supports, wire

    def compress(self, round, worker, x):
        kept = self.supports(round, worker)
        out = np.zeros(self.d)
        out[kept] = self.scale * self.wire(x[kept])
        return out

    def floats(self, round, worker):
        return len(self.supports(round, worker))


def read_supports(path):
    """Lines `round worker index index ...`: what each message carried."""
    table = {}
    with open(path) as file:
        for line in file:
            round, worker, *indices = map(int, line.split())
            table[round, worker] = indices
    return lambda round, worker: table[round, worker]


def make_compressor(spec, d, n, wire=f64, supports=None):
    if spec.name == "identity":
        return Identity(d, wire)
    if spec.name == "top-k":
        return TopK(d, specs.count_of(spec.args[0], d), wire)
    if supports is None:
        raise ValueError(f"{spec}: its supports are needed (--supports FILE)")
    if spec.name == "rand-k":
        k = specs.count_of(spec.args[0], d)
        return Replay(d, d / k, k / d, supports, wire)
    if spec.name == "perm-k":
        return Replay(d, min(n, d), max(d / n, 1) / d, supports, wire)
    raise ValueError(f"unknown compressor {spec}")
