# SPDX-License-Identifier: Apache-2.0
"""Methods with a server, in three parts, so that each uplink runs with each downlink and each outer rule.

An uplink is a generator. It is sent W, the points at which the clients look in this round, and yields
(g, values sent, single-sample gradients): the server's estimate, and the costs of this round as means over
the clients. Its rounds are 0, 1, ..., and round 0 is about x^0. The estimate is the aggregate of the vectors
that the server attributes to the clients: of decoded messages, or of memories with their messages. By default
it is their mean.

The addresses of draws are those of rng.py; a star method adds these:
  - A client's message upwards: (round, client, step 0), purpose compressor, as MARINA and DIANA have it.
  - A client's minibatch: (round, client, step 0), purpose batch. One round has one minibatch: at the point of
    this round and at the point before it. The first batch of a method is the minibatch of round 0, with its
    own number of rows.
  - The coin of an uplink (MARINA, DASHA-PAGE): (round, everyone, step 0), purpose coin.
  - Clients that join with probability p: uniform() < p at (round, client, step 0), purpose participation.
    `sample` clients without replacement: Floyd's draw at (round, everyone, step 0), purpose participation.
    In round 0 all clients join.
  - Each draw of the downlink: step DOWN = 0xffffffff, purposes as above. A message to all clients has the
    client EVERYONE, a message to client i the client i, and the deal of PermK is that of its step. The coin
    is at (round, everyone, step DOWN), purpose coin. With step 0 a message of the server to client i would
    have the support of the message that client i sends in this round."""
from itertools import count

import numpy as np

import aggregators
import local
import problems
import rng
from aggregators import mean

DOWN = 0xFFFFFFFF  # the step of the downlink's draws


class Clients:
    """What the clients compute and send. batch: the rows of a minibatch; 0 stands for all rows. aggregator,
    byzantine: descriptions or None. clip_norm: a number or None. honest: the problem of the honest clients, which the trace is about."""

    def __init__(self, problem, wire, seed, batch=0, aggregator=None, byzantine=None, clip_norm=None):
        self.problem, self.wire, self.seed, self.batch = problem, wire, seed, batch
        self.n, self.d, self.honest = problem.n, problem.d, problem
        self.clip_norm = clip_norm
        self.plain = not (aggregator or byzantine or clip_norm)
        self.rule = aggregators.make_rule(aggregator, seed) if aggregator else lambda t, V: mean(V)
        self.attack = aggregators.Attack(byzantine, self.n, seed) if byzantine else None
        if self.attack:
            self.honest = problems.of_first(problem, self.n - self.attack.liars)
            if self.attack.flips_labels:
                self.problem = problems.with_false_labels(problem, self.attack.liars)

    def computes(self, i):
        """Liars compute no gradient, unless the attack needs it."""
        return i < self.honest.n or self.attack.needs_own

    def aggregate(self, t, V, total=None):
        """The server's vector of round t. Row i of V: the vector of client i, before lies. total: the mean of V as
        the papers' servers have it, by a sum over rounds, which rounds otherwise."""
        if self.plain and total is not None:
            return total
        V = self.attack.lie(t, V) if self.attack else V
        return self.rule(t, aggregators.clipped(V, self.clip_norm) if self.clip_norm else V)

    def gradient(self, t, i, x, batch):
        if not batch:
            return self.problem.gradient(i, x)
        stream = rng.Stream(self.seed, t, i, purpose=rng.BATCH)
        return self.problem.gradient(i, x, [stream.below(self.problem.rows(i)) for _ in range(batch)])

    def gradients(self, t, W, batch=None):
        """Row i: the gradient of client i at W[i]."""
        return np.array([self.gradient(t, i, W[i], self.batch if batch is None else batch) for i in range(self.n)])

    def cost(self, batch=None, who=None):
        """Single-sample gradients of one question to each client of `who`."""
        batch = self.batch if batch is None else batch
        who = range(self.n) if who is None else who
        return sum(batch or self.problem.rows(i) for i in who if self.computes(i)) / self.n

    def say(self, C, t, X, who=None):
        """(decoded messages, values sent). Row i is C of row i of X, or 0 if client i is not in `who`."""
        M, who = np.zeros((self.n, self.d)), range(self.n) if who is None else who
        for i in who:
            M[i] = C.compress(t, i, X[i])
        return M, sum(C.floats(t, i) for i in who) / self.n

    def say_first(self, C, X, exact):
        """Round 0 of a memory: X whole, or C of X."""
        return (self.wire(X), self.d) if exact else self.say(C, 0, X)


def joining(c, p=None, sample=None):
    """who(t): the clients that take part in round t."""
    if sample is not None:
        return lambda t: local.take_part(c.seed, t, c.n, sample)
    return lambda t: [i for i in range(c.n) if rng.Stream(c.seed, t, i, purpose=rng.TURNOUT).uniform() < p]


# ---- uplinks of methods.py, once more in this form ---------------------------------------------------------
def dcgd(c, Q):
    W = yield
    for t in count():
        M, floats = c.say(Q, t, c.gradients(t, W))
        W = yield c.aggregate(t, M), floats, c.cost()


def diana(c, Q, alpha, exact=False):
    """With exact: h_i = grad f_i(x^0), and round 0 sends it whole."""
    W = yield
    H, t = np.zeros((c.n, c.d)), 0
    if exact:
        H, t = c.wire(c.gradients(0, W)), 1
        W = yield c.aggregate(0, H), c.d, c.cost()
    h = mean(H)
    for t in count(t):
        M, floats = c.say(Q, t, c.gradients(t, W) - H)
        g = c.aggregate(t, H + M, h + mean(M))
        H, h = H + alpha * M, h + alpha * mean(M)
        W = yield g, floats, c.cost()


def marina(c, Q, p):
    W = yield
    old = c.gradients(0, W)
    g = c.aggregate(0, c.wire(old))
    W = yield g, c.d, c.cost()
    for t in count(1):
        new = c.gradients(t, W)
        if rng.shared_coin(c.seed, t, p):
            g, floats = c.aggregate(t, c.wire(new)), c.d
        else:
            M, floats = c.say(Q, t, new - old)
            g = c.aggregate(t, g + M, g + mean(M))  # v_i = g + Q(..), with one g for all clients
        old = new
        W = yield g, floats, c.cost()


def three_point(c, C, exact=True):
    """C: a methods.Map, as of ef21, clag and 3pc-v2."""
    W = yield
    old = c.gradients(0, W)
    said = [(c.wire(y), c.d) if exact else C.C(0, i, 0 * y, y, y) for i, y in enumerate(old)]
    for t in count(1):
        G = np.array([g_i for g_i, _ in said])
        W = yield c.aggregate(t - 1, G), sum(floats for _, floats in said) / c.n, c.cost()
        new = c.gradients(t, W)
        heads = C.p > 0 and rng.shared_coin(c.seed, t, C.p)
        said = [(c.wire(new[i]), c.d) if heads else C.C(t, i, G[i], old[i], new[i]) for i in range(c.n)]
        old = new


# ---- downlinks ---------------------------------------------------------------------------------------------
class Direction:
    """The server says its direction whole, and the clients follow x."""

    def __init__(self, c):
        self.c = c

    def direction(self, t, g):
        """(the direction that x takes, values said)"""
        return g, self.c.d

    def points(self, t, old, new):
        """(the points of the clients when x has moved from old to new, values said)"""
        return [new] * self.c.n, 0


class DirectionWithMemory(Direction):
    """EF21-BC (arXiv 2110.03294): b = C(g~ - g), and g += b at both sides; x moves along g. The first
    message is g~ whole, or with zero memory C(g~)."""

    def __init__(self, c, C, exact=True):
        super().__init__(c)
        self.C, self.exact, self.g = C, exact, np.zeros(c.d)

    def direction(self, t, g):
        if t == 1 and self.exact:
            self.g, floats = self.c.wire(g), self.c.d
        else:
            self.g, floats = self.g + self.C.compress(t, rng.EVERYONE, g - self.g), self.C.floats(t, rng.EVERYONE)
        return self.g, floats


class ModelWithMemory(Direction):
    """EF21-P (arXiv 2209.15218): the server says C(x - w), and w += C(x - w) at both sides; clients look at
    w, and w = x^0 at the start."""

    def __init__(self, c, C):
        super().__init__(c)
        self.C, self.w = C, c.problem.start()

    def direction(self, t, g):
        return g, 0

    def points(self, t, old, new):
        self.w = self.w + self.C.compress(t, rng.EVERYONE, new - self.w)
        return [self.w] * self.c.n, self.C.floats(t, rng.EVERYONE)


class MarinaP(Direction):
    """arXiv 2402.06412: w_i = x for all clients if the coin shows heads, else w_i += Q_i(x - x before); w_i =
    x^0 at the start. shared: Q_i is one message to all clients."""

    def __init__(self, c, Q, p, shared=False):
        super().__init__(c)
        self.Q, self.p, self.shared, self.w = Q, p, shared, np.array([c.problem.start()] * c.n)

    def direction(self, t, g):
        return g, 0

    def points(self, t, old, new):
        if rng.shared_coin(self.c.seed, t, self.p, DOWN):
            self.w = np.array([self.c.wire(new)] * self.c.n)
            return self.w, self.c.d
        heard = [rng.EVERYONE if self.shared else i for i in range(self.c.n)]
        self.w = self.w + np.array([self.Q.compress(t, i, new - old) for i in heard])
        return self.w, sum(self.Q.floats(t, i) for i in heard) / self.c.n


def make_downlink(spec, c, make):
    """make(spec, step): a compressor that draws at that step."""
    if spec is None or spec.name == "direction":
        return Direction(c)
    C = make(spec.args[0], DOWN)
    if spec.name == "marina-p":
        return MarinaP(c, C, spec.number("p", C.p), bool(spec.number("shared", 0)))
    if spec.args[0].name in ("perm-k", "c-perm-k"):
        raise ValueError(f"{spec}: one message to all clients has no block of its own")
    if spec.name == "ef21-p":
        return ModelWithMemory(c, C)
    if spec.name == "ef21":
        return DirectionWithMemory(c, C, spec.word("init", "exact") == "exact")
    raise ValueError(f"unknown downlink {spec}")


# ---- outer rules -------------------------------------------------------------------------------------------
class Step:
    def move(self, x, g, gamma):
        return x - gamma * g

    def measure(self, x, f, gradient, gamma):
        """(f, gradient) as the trace has them."""
        return f, gradient


class HeavyBall(Step):
    """v = b v + g, v = 0 at the start. The sum is not damped by 1 - b."""

    def __init__(self, b):
        self.b, self.v = b, 0.0

    def move(self, x, g, gamma):
        self.v = self.b * self.v + g
        return x - gamma * self.v


class Nesterov(HeavyBall):
    """As DiLoCo's server has it (arXiv 2311.08105)."""

    def move(self, x, g, gamma):
        self.v = self.b * self.v + g
        return x - gamma * (g + self.b * self.v)


class Adam(Step):
    """As FedAdam's server has it (arXiv 2003.00295): v = tau^2 at the start, no correction of the bias."""

    def __init__(self, b1, b2, tau=1e-3):
        self.b1, self.b2, self.tau, self.m, self.v = b1, b2, tau, 0.0, tau**2

    def move(self, x, g, gamma):
        self.m = self.b1 * self.m + (1 - self.b1) * g
        self.v = self.b2 * self.v + (1 - self.b2) * g**2
        return x - gamma * self.m / (np.sqrt(self.v) + self.tau)


class ProxL1(Step):
    """x = prox(x - gamma g) of gamma l |x|_1. The trace is of f + l |x|_1 and of the prox-gradient map."""

    def __init__(self, l):
        self.l = l

    def move(self, x, g, gamma):
        y = x - gamma * g
        return np.sign(y) * np.maximum(np.abs(y) - gamma * self.l, 0)

    def measure(self, x, f, gradient, gamma):
        return f + self.l * np.abs(x).sum(), (x - self.move(x, gradient, gamma)) / gamma


def make_outer(spec):
    if spec is None:
        return Step()
    rule = {"step": Step, "heavy-ball": HeavyBall, "nesterov": Nesterov, "adam": Adam, "prox-l1": ProxL1}[spec.name]
    return rule(*(float(arg.name) for arg in spec.args))


# ---- the driver --------------------------------------------------------------------------------------------
def star(c, uplink, gamma, downlink=None, outer=None):
    """Yields (x^t, values up, values down, single-sample gradients), means over clients, sums over rounds."""
    downlink, outer = downlink or Direction(c), outer or Step()
    x, down = c.problem.start(), 0
    next(uplink)
    g, up, calls = uplink.send([x] * c.n)
    for t in count(1):
        yield x, up, down, calls
        direction, said = downlink.direction(t, g)
        new = outer.move(x, direction, gamma)
        W, told = downlink.points(t, x, new)
        x, down = new, down + said + told
        g, floats, cost = uplink.send(W)
        up, calls = up + floats, calls + cost
