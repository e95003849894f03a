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


def bytes_of(wire):
    return 4 if wire is f32 else 8


class Message:
    """message(round, client, x): C(x), its floats, and the bits of the real message (docs/wire_format.md)."""

    def message(self, round, client, x):
        return self.compress(round, client, x), self.floats(round, client), 8 * self.bytes(round, client, x)


def gap_bits(indices, d):
    """Bits of the Golomb code of ascending indices (docs/wire_format.md, "Sparse")."""
    def modulus(k, e):
        m = 0.6931471805599453 * ((e + 1) / (k + 1)) - 0.8465735902799727
        return 1 if m <= 1 else math.floor(m) + 1

    K, next_, bits = len(indices), 0, 0
    for at, index in enumerate(indices):
        left = K - at
        M = modulus(K, d) if left > 16 else modulus(left, d - next_)
        b = M.bit_length() - 1
        quotient, rest = divmod(int(index) - next_, M)
        bits += quotient + 1 + b + (rest >= 2 ** (b + 1) - M)
        next_ = int(index) + 1
    return bits


class Identity(Message):
    omega, alpha, index_bits = 0.0, 1.0, 0

    def bytes(self, round, client, x):
        return 1 + self.d * bytes_of(self.wire)

    def __init__(self, d, wire=f64):
        self.d, self.wire, self.p = d, wire, 1.0

    def compress(self, round, client, x):
        return self.wire(x)

    def floats(self, round, client):
        return self.d


class TopK(Message):
    """The K largest entries by magnitude; ties go to the lowest index."""
    omega, index_bits = None, 32  # bits of an index, at most

    def bytes(self, round, client, x):
        kept = np.sort(np.argsort(-np.abs(x), kind="stable")[: self.k])
        return min(4 + -(-gap_bits(kept, self.d) // 8), 1 + -(-self.d // 8)) + self.k * bytes_of(self.wire)

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


class Matrices:
    """x has matrices at `blocks`, a list of (offset, rows, cols); without any it is one matrix of ceil(sqrt d) rows,
    with zeros behind its end. lines(rows, cols): the number of vectors of length 1 that one column costs. A matrix
    for which r columns cost as much as its entries is sent whole, like all coordinates outside."""
    alpha, omega, index_bits = None, None, 8  # bits of the layout for each value, at most

    def __init__(self, d, r, blocks, lines, wire):
        self.d, self.r, self.wire = d, r, wire
        rows = math.isqrt(d - 1) + 1
        self.blocks = [(o, m, n) for o, m, n in blocks or [(0, rows, -(-d // rows))] if r * lines(m, n) < m * n]
        self.sent = d + sum(r * lines(m, n) - min(m * n, d - o) for o, m, n in self.blocks)
        self.p = self.sent / d

    def compress(self, round, client, x):
        out = self.wire(x).copy()
        for b, (o, m, n) in enumerate(self.blocks):
            M = np.zeros(m * n)
            M[: self.d - o] = x[o : o + m * n]
            out[o : o + m * n] = self.product(round, client, b, M.reshape(m, n)).ravel()[: self.d - o]
        return out

    def floats(self, round, client):
        return self.sent


class LowRank(Matrices):
    """PowerSGD's compressor (Vogels, Karimireddy, Jaggi 2019, arXiv 1905.13727). With warm a client starts from its
    last Q. It keeps that in `kept`, so compress() must be called once for each message, in the order of rounds.
    stream(round, client): the words of a message."""

    def __init__(self, d, r, blocks, stream, warm=True, wire=f64):
        super().__init__(d, r, blocks, lambda m, n: m + n, wire)
        self.alpha = min((r / min(m, n) for _, m, n in self.blocks), default=1.0)
        self.stream, self.warm, self.kept = stream, warm, {}

    def draw(self, round, client, b):
        """Q of matrix b: the entries are drawn matrix by matrix, column by column."""
        stream = self.stream(round, client)
        for _, _, n in self.blocks[: b + 1]:
            words = [stream.next32() for _ in range(self.r * n)]
        return ((np.array(words) + 0.5) / 2**31 - 1).reshape(self.r, -1).T

    def product(self, round, client, b, M):
        Q = self.draw(0 if self.warm else round, client, b)
        if self.warm and (client, b) in self.kept:
            last = self.kept[client, b]
            Q = np.where(np.any(last != 0, axis=0), last, Q)  # a column of zeros starts anew
        P = orthonormalise(M @ Q)  # 1. P = M Q
        P, Q = self.wire(P), self.wire(M.T @ P)  # 2. Q+ = M' P^
        self.kept[client, b] = Q
        return P @ Q.T


def orthonormalise(P):
    """Gram-Schmidt, twice, the columns in order. A column of norm at most 1e-30 |P| becomes 0."""
    P, least = P.copy(), 1e-30 * np.linalg.norm(P)
    for l in range(P.shape[1]):
        for _ in range(2):
            for m in range(l):
                P[:, l] -= (P[:, m] @ P[:, l]) * P[:, m]
        norm = np.linalg.norm(P[:, l])
        P[:, l] = P[:, l] / norm if norm > least else 0
    return P


class Sketch(Matrices):
    """M W W' / r with random signs W, of which only M W / r is sent."""

    def __init__(self, d, r, blocks, stream, wire=f64):
        super().__init__(d, r, blocks, lambda m, n: m, wire)
        self.omega, self.stream = max(((n - 1) / r for _, _, n in self.blocks), default=0.0), stream

    def product(self, round, client, b, M):
        stream = self.stream(round, client)
        for _, _, n in self.blocks[: b + 1]:  # whole words for each matrix
            W = stream.signs(self.r * n).reshape(self.r, n).T
        return self.wire(M @ W / self.r) @ W.T


class Subset(Message):
    """scale * x on a random support; the scale makes it unbiased."""
    alpha, index_bits = None, 0

    def bytes(self, round, client, x):
        return 1 + len(self.support(round, client)) * bytes_of(self.wire)

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


class Sign(Message):
    """The mean of |x_j| times the signs; zeros count as positive."""
    omega, index_bits = None, 0

    def __init__(self, d, wire=f64):
        self.d, self.wire, self.alpha = d, wire, 1 / d

    def compress(self, round, client, x):
        return self.wire(np.mean(np.abs(x))) * np.where(x < 0, -1.0, 1.0)

    def floats(self, round, client):
        return 1 + self.d / (8 * bytes_of(self.wire))

    def bytes(self, round, client, x):
        return 1 + bytes_of(self.wire) + -(-self.d // 8)


class Natural(Message):
    """Each value becomes one of its two neighbouring powers of two, without bias. Random bits are added to the 52
    bits of the mantissa; the carry decides. Eight values take eight words: value j < 4 of them the word 2 j, followed
    by half a unit; value 4 + j the words 2 j + 1 and 2 j, the first on top."""
    omega, alpha, index_bits = 0.125, None, 0

    def __init__(self, d, stream, wire=f64):
        self.d, self.stream, self.wire = d, stream, wire

    def compress(self, round, client, x):
        stream, out = self.stream(round, client), np.zeros(self.d)
        words = [stream.next32() for _ in range(-(-self.d // 8) * 8)]
        for j, value in enumerate(x):
            first = j // 8 * 8 + 2 * (j % 4)
            low, high = words[first], words[first + 1]
            dither = low << 20 | 1 << 19 if j % 8 < 4 else high << 20 | low >> 12
            size = np.abs(value)
            least = 2.0**-126 if self.wire is f32 and size < 2.0**-126 else 0.0  # puts size / least into the mantissa
            exponent = (int(np.float64(size + least).view(np.uint64)) + dither) >> 52
            if self.wire is f32:
                code = min(exponent - 896 - (least > 0), 255)
                power = 2.0 ** (code - 127) if code > 0 else 0.0
            else:
                code = min(exponent, 2046)
                power = 2.0 ** (code - 1023) if code > 0 else 0.0
            out[j] = math.copysign(power, value)
        return out

    def floats(self, round, client):
        return self.d * (9 / 32 if self.wire is f32 else 12 / 64)

    def bytes(self, round, client, x):
        return 1 + self.d + -(-self.d // (8 if self.wire is f32 else 2))


class Qsgd(Message):
    """Levels -s .. s of the unit |x|/s, which is rounded up on the wire; rounded without bias by a word for each
    coordinate."""
    alpha, index_bits = None, 0

    def __init__(self, d, s, stream, wire=f64):
        self.d, self.s, self.stream, self.wire = d, s, stream, wire
        self.omega = math.sqrt(d) - 1 if s == 1 else min(d / s**2, math.sqrt(d) / s)

    def levels(self, round, client, x):
        kind = np.float32 if self.wire is f32 else np.float64
        length, unit = np.sqrt(np.sum(x * x)), kind(np.sqrt(np.sum(x * x)) / self.s)
        if float(unit) * self.s < length:
            unit = np.nextafter(unit, kind(np.inf))
        unit, stream = float(unit), self.stream(round, client)
        words = np.array([stream.next32() for _ in range(self.d)])
        u = (words >> 1) * 2.0**-31
        return unit, np.floor(x / (unit or 1) + (u + (self.s + 2.0**-32))) - self.s

    def compress(self, round, client, x):
        unit, q = self.levels(round, client, x)
        return q * unit

    def message(self, round, client, x):
        unit, q = self.levels(round, client, x)
        kept, w, b = np.flatnonzero(q), bytes_of(self.wire), 1 + math.ceil(math.log2(self.s + 1))
        dense = 4 + w + -(-self.d * b // 8)
        gamma = sum(2 * (int(abs(level)).bit_length() - 1) + 1 for level in q[kept]) if self.s > 1 else 0
        sparse = 8 + w + -(-(gap_bits(kept, self.d) + len(kept) + gamma) // 8)
        return q * unit, 1 + len(kept) * b / (8 * w), 8 * min(dense, sparse)


def read_supports(path):
    """Reads lines `round client index index ...`: the support of each message, to replay draws that are
    not transcribed."""
    table = {}
    with open(path) as file:
        for line in file:
            round, client, *indices = map(int, line.split())
            table[round, client] = indices
    return lambda round, client: table[round, client]


def make_compressor(spec, d, n, seed, wire=f64, replay=None, step=0, blocks=(), copy=0):
    """step, copy: those in the address of its draws. blocks: the matrices in a vector."""
    if spec.name == "identity":
        return Identity(d, wire)
    if spec.name == "sign":
        return Sign(d, wire)
    if spec.name in ("natural", "qsgd"):
        stream = lambda round, i: rng.Stream(seed, round, i, step, copy)
        return Natural(d, stream, wire) if spec.name == "natural" else Qsgd(d, int(spec.args[0].name), stream, wire)
    if spec.name == "top-k":
        return TopK(d, specs.count_of(spec.args[0], d), wire)
    if spec.name in ("low-rank", "sketch"):
        r, stream = int(spec.args[0].name), lambda round, i: rng.Stream(seed, round, i, step)
        if spec.name == "sketch":
            return Sketch(d, r, blocks, stream, wire)
        return LowRank(d, r, blocks, stream, bool(spec.number("warm", 1)), wire)
    if spec.name in ("comp", "mix"):
        k, kk = (specs.count_of(arg, d) for arg in spec.args)
        support = lambda round, i, count, n: rng.rand_k_support(seed, round, i, count, n, step)
        return {"comp": Comp, "mix": Mix}[spec.name](d, k, kk, support, wire)
    if spec.name in ("rand-k", "c-rand-k"):
        k = specs.count_of(spec.args[0], d)
        support = replay or (lambda round, i: rng.rand_k_support(seed, round, i, k, d, step, copy))
        return {"rand-k": RandK, "c-rand-k": CRandK}[spec.name](d, k, support, wire)
    if spec.name in ("perm-k", "c-perm-k"):
        k = specs.count_of(spec.args[0], d) if spec.args else None
        support = replay or (lambda round, i: rng.perm_k_support(seed, round, i, d, n, k, step))
        return {"perm-k": PermK, "c-perm-k": CPermK}[spec.name](d, n, support, wire, k)
    raise ValueError(f"unknown compressor {spec}")
