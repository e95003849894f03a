# SPDX-License-Identifier: Apache-2.0
"""Rules that make one vector of the vectors of all clients, and attacks: what the last f clients say instead
of their own vectors. V has a row for each client. All values are finite.

The addresses of draws, besides those of star.py:
  - The permutation of bucketing: (round, everyone, step 0, copy 2), purpose permutation. Buckets inside
    buckets draw at step 1, and so on.
  - The noise of a liar: (round, client, step 0), purpose lie."""
from statistics import NormalDist

import numpy as np

import rng


def given(spec, key, place=None, default=None):
    """The argument of this name or at this place."""
    if key in spec.options:
        return float(spec.options[key].name)
    if place is not None and place < len(spec.args):
        return float(spec.args[place].name)
    if default is None:
        raise ValueError(f"{spec}: {key} is missing")
    return default


# ---- rules -------------------------------------------------------------------------------------------------
def mean(V):
    return V.mean(axis=0)


def clipped(V, bound):
    """Sun, Kairouz, Suresh, McMahan 2019 (arXiv 1911.07963): no row is longer than the bound."""
    return V * np.minimum(1, bound / np.maximum(np.linalg.norm(V, axis=1, keepdims=True), 1e-300))


def median(V):
    """Of each coordinate. For an even number of rows: the mean of the two middle values."""
    return np.median(V, axis=0)


def trimmed_mean(V, b):
    """Of each coordinate the mean without the b largest and the b smallest values."""
    if 2 * b >= len(V):
        raise ValueError(f"trimmed-mean({b}): {len(V)} vectors are too few")
    return np.sort(V, axis=0)[b:len(V) - b].mean(axis=0)


def krum_scores(V, f):
    """Of each row, the sum of its n - f - 2 smallest squared distances to other rows."""
    n = len(V)
    if n - f - 2 < 1:
        raise ValueError(f"krum({f}): {n} vectors are too few")
    squares = ((V[:, None] - V[None]) ** 2).sum(axis=2)
    return np.array([np.sort(np.delete(squares[i], i))[:n - f - 2].sum() for i in range(n)])


def multi_krum(V, f, m):
    """Blanchard, El Mhamdi, Guerraoui, Stainer 2017 (arXiv 1703.02757): the mean of the m rows with the lowest
    scores. Ties go to the lowest row. m = 1 is Krum."""
    return V[np.argsort(krum_scores(V, f), kind="stable")[:m]].mean(axis=0)


def rfa(V, steps=8, nu=1e-6):
    """Pillutla, Kakade, Harchaoui 2019 (arXiv 1912.13445): the geometric median, by Weiszfeld's steps from the
    mean."""
    z = mean(V)
    for _ in range(steps):
        beta = 1 / np.maximum(np.linalg.norm(V - z, axis=1), nu)
        z = beta @ V / beta.sum()
    return z


def clip(V, z, tau, steps=3):
    """Karimireddy, He, Jaggi 2021 (arXiv 2012.10333): centred clipping, from the result z of the last round."""
    for _ in range(steps):
        away = V - z
        shares = tau / np.maximum(np.linalg.norm(away, axis=1), tau)  # min(1, tau / |v_i - z|)
        z = z + (shares[:, None] * away).mean(axis=0)
    return z


def bucket_means(V, s, stream):
    """Karimireddy, He, Jaggi 2022 (arXiv 2006.09365): the means of buckets of s rows each. The rows are
    shuffled from the back. The last bucket has the rest."""
    order = list(range(len(V)))
    for left in range(len(V), 1, -1):
        other = stream.below(left)
        order[left - 1], order[other] = order[other], order[left - 1]
    return np.array([mean(V[order[first:first + s]]) for first in range(0, len(V), s)])


def make_rule(spec, seed, depth=0):
    """rule(t, V): the aggregate of round t. Call it once a round: clip has a memory, which is 0 at the start.
    depth: the number of bucketings around this rule."""
    whole = lambda *key: int(given(spec, *key))
    if spec.name == "bucketing":
        inner, s = make_rule(spec.args[1], seed, depth + 1), whole("s", 0)
        draw = lambda t: rng.Stream(seed, t, rng.EVERYONE, depth, copy=2, purpose=rng.PERMUTATION)
        return lambda t, V: inner(t, bucket_means(V, s, draw(t)))
    if spec.name == "clip":
        z = [0.0]

        def clipped(t, V):
            z[0] = clip(V, z[0], given(spec, "tau", 0), whole("steps", None, 3))
            return z[0]

        return clipped
    rule = {"mean": mean, "median": median, "trimmed-mean": lambda V: trimmed_mean(V, whole("b", 0)),
            "krum": lambda V: multi_krum(V, whole("f", 0), 1),
            "multi-krum": lambda V: multi_krum(V, whole("f", 0), whole("m", 1)),
            "rfa": lambda V: rfa(V, whole("steps", None, 8), given(spec, "nu", None, 1e-6))}[spec.name]
    return lambda t, V: rule(V)


# ---- attacks -----------------------------------------------------------------------------------------------
def hidden_z(n, f):
    """The default z of ALIE: s honest clients must be further from the mean than the liars, so that they and
    the liars are a majority."""
    s = n // 2 + 1 - f
    return NormalDist().inv_cdf((n - f - s) / (n - f))


class Attack:
    """The last `liars` of n clients lie. needs_own: a liar computes a vector of its own. flips_labels: it does
    so with false labels, and then says it."""

    def __init__(self, spec, n, seed):
        self.spec, self.seed, self.liars = spec, seed, int(given(spec, "f", 0))
        self.needs_own = spec.name in ("bit-flip", "sign-flip", "label-flip")
        self.flips_labels = spec.name == "label-flip"
        if not self.liars < n:
            raise ValueError(f"{spec}: need f < {n}")

    def lie(self, t, V):
        """V with the lies of round t."""
        if not self.liars:
            return V
        (n, d), h, spec = V.shape, len(V) - self.liars, self.spec
        honest, said = V[:h], V.copy()
        if spec.name == "bit-flip":
            said[h:] = -V[h:]
        elif spec.name == "sign-flip":
            said[h:] = -given(spec, "s", 1, 3) * V[h:]
        elif spec.name == "alie":  # Baruch, Baruch, Goldberg 2019 (arXiv 1902.06156): a little is enough
            z = given(spec, "z") if "z" in spec.options else hidden_z(n, self.liars)
            said[h:] = mean(honest) - z * honest.std(axis=0, ddof=1)
        elif spec.name == "ipm":  # Xie, Koyejo, Gupta 2019 (arXiv 1903.03936): inner product manipulation
            said[h:] = -given(spec, "eps", 1, 0.1) * mean(honest)
        elif spec.name == "noise":
            normals = lambda i: rng.Stream(self.seed, t, i, purpose=rng.LIE).normals(d)
            said[h:] = given(spec, "scale", 1) * np.array([normals(i) for i in range(h, n)])
        elif spec.name == "mimic":
            said[h:] = V[0]
        elif spec.name != "label-flip":
            raise ValueError(f"unknown attack {spec}")
        return said
