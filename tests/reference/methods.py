# SPDX-License-Identifier: Apache-2.0
"""The algorithms as written in their papers. Each yields (x^t, values sent per client so far) once the
messages about x^t have been sent, t = 0, 1, ...; that is one row of laconic's trace."""
import math
from itertools import count

from compressors import Identity


def mean_of(problem, messages):
    return sum(m / problem.n for m in messages)


def sent(problem, Q, round):
    return sum(Q.floats(round, i) for i in range(problem.n)) / problem.n


def gradients(problem, x):
    return [problem.gradient(i, x) for i in range(problem.n)]


def dcgd(problem, Q, gamma):
    """Distributed compressed gradient descent; gradient descent when Q is the identity."""
    x, floats = problem.start(), 0
    for k in count():
        g = mean_of(problem, [Q.compress(k, i, g_i) for i, g_i in enumerate(gradients(problem, x))])
        floats += sent(problem, Q, k)
        yield x, floats
        x = x - gamma * g


def diana(problem, Q, gamma, alpha):
    """Mishchenko, Gorbunov, Takac, Richtarik 2019 (arXiv 1901.09269); every shift starts at 0."""
    x, floats = problem.start(), 0
    h_i = [0 * x] * problem.n
    h = 0 * x
    for k in count():
        # 1. the server sends x^k  2. Delta_i = grad f_i(x^k) - h_i;  q_i = Q(Delta_i);  h_i += alpha q_i
        q = [Q.compress(k, i, g_i - h_i[i]) for i, g_i in enumerate(gradients(problem, x))]
        h_i = [h_i[i] + alpha * q[i] for i in range(problem.n)]
        # 3. g^k = h + mean q_i;  x^{k+1} = x^k - gamma g^k;  h += alpha mean q_i
        g = h + mean_of(problem, q)
        h = h + alpha * mean_of(problem, q)
        floats += sent(problem, Q, k)
        yield x, floats
        x = x - gamma * g


def marina(problem, Q, gamma, p, coin):
    """Gorbunov, Burlachenko, Li, Richtarik 2021 (arXiv 2102.07845), algorithm 1. coin(round, p): c_k."""
    dense = Identity(problem.d, Q.wire)
    x = problem.start()
    old = gradients(problem, x)
    g = mean_of(problem, [dense.compress(0, i, g_i) for i, g_i in enumerate(old)])
    floats = problem.d
    yield x, floats
    for k in count():
        c = coin(k + 1, p)  # 1. c_k, drawn with the round that makes x^{k+1}
        x = x - gamma * g  # 2. x^{k+1} = x^k - gamma g^k
        new = gradients(problem, x)
        if c:  # 3. and 4. g^{k+1} = mean grad f_i(x^{k+1})
            g = mean_of(problem, [dense.compress(k + 1, i, g_i) for i, g_i in enumerate(new)])
        else:  # g^{k+1} = g^k + mean Q(grad f_i(x^{k+1}) - grad f_i(x^k))
            g = g + mean_of(problem, [Q.compress(k + 1, i, new[i] - old[i]) for i in range(problem.n)])
        floats += problem.d if c else sent(problem, Q, k + 1)
        old = new
        yield x, floats


# ---- three-point compressors: Richtarik, Sokolov, Gasanov, Fatkhullin, Li, Gorbunov 2022 (arXiv 2202.00998)
class Map:
    """C(round, client, h, y, x) -> (C_{h,y}(x), values sent), with the constants A and B of the 3PC
    inequality. p: the probability that all clients send x instead (v5). omega and alpha: those of its
    compressors, if not None. For a message, index_bits: the maximum bits of an index; header_bits: of all
    headers; unpaid: values that are sent and not counted."""

    def __init__(self, C, A, B, p=0.0, index_bits=0, header_bits=32, unpaid=0, omega=None, alpha=None):
        self.C, self.A, self.B, self.p, self.omega, self.alpha = C, A, B, p, omega, alpha
        self.index_bits, self.header_bits, self.unpaid = index_bits, header_bits, unpaid


def of_contraction(C, alpha, index_bits, header_bits=32):
    A = 1 - math.sqrt(1 - alpha)
    return Map(C, A, (1 - alpha) / A, index_bits=index_bits, header_bits=header_bits, alpha=alpha)


def ef21(Q, d):
    """h + Q(x - h)"""
    if isinstance(Q, Identity):
        return Map(lambda k, i, h, y, x: (Q.wire(x), d), 1.0, 0.0, alpha=1.0)
    return of_contraction(lambda k, i, h, y, x: (h + Q.compress(k, i, x - h), Q.floats(k, i)), Q.alpha, Q.index_bits)


def lazily(inner, zeta):
    """inner if |x - h|^2 > zeta |x - y|^2, else h: CLAG for inner = ef21, LAG for the identity."""
    changed = lambda h, y, x: (x - h) @ (x - h) > zeta * ((x - y) @ (x - y))
    return Map(lambda k, i, h, y, x: inner.C(k, i, h, y, x) if changed(h, y, x) else (h, 0), inner.A, max(inner.B, zeta),
               index_bits=inner.index_bits, alpha=inner.alpha)


def then(first, Q, A, B, p=0.0, omega=None):
    """b + Q(x - b), with b from the first map."""

    def C(k, i, h, y, x):
        b, floats = first.C(k, i, h, y, x)
        return b + Q.compress(k, i, x - b), floats + Q.floats(k, i)

    index_bits, header_bits = max(first.index_bits, Q.index_bits), 32 + first.header_bits + 32
    return Map(C, A, B, p, index_bits, header_bits, first.unpaid, omega, Q.alpha)


def make_map(spec, d, make, step=0):
    """make(spec, step): a compressor that draws at that step; the two parts of a message at step s draw at
    2s+1 and 2s+2."""
    here, first, second = (lambda j: make(spec.args[j], step)), 2 * step + 1, 2 * step + 2
    if spec.name == "ef21":
        return ef21(here(0), d)
    if spec.name == "lag":
        return lazily(ef21(make(None, step), d), spec.number("zeta", None))
    if spec.name == "clag":
        return lazily(ef21(here(0), d), spec.number("zeta", None))
    if spec.name == "3pc-v1":  # b = y, which the server does not have
        Q, wire = make(spec.args[0], second), make(None, step).wire
        return then(Map(lambda k, i, h, y, x: (wire(y), 0), 1.0, 0.0, unpaid=d), Q, 1.0, 1 - Q.alpha)
    if spec.name == "3pc-v2":  # b = h + U(x - y), U unbiased
        U, Q = make(spec.args[0], first), make(spec.args[1], second)
        b = Map(lambda k, i, h, y, x: (h + U.compress(k, i, x - y), U.floats(k, i)), 0.0, U.omega, index_bits=U.index_bits)
        return then(b, Q, Q.alpha, (1 - Q.alpha) * U.omega, omega=U.omega)
    if spec.name == "3pc-v3":  # b from any of these
        b, Q = make_map(spec.args[0], d, make, first), make(spec.args[1], second)
        return then(b, Q, 1 - (1 - Q.alpha) * (1 - b.A), (1 - Q.alpha) * b.B, b.p)
    if spec.name == "3pc-v4":  # b = h + Q'(x - h)
        inner, Q = make(spec.args[0], first), make(spec.args[1], second)
        b = Map(lambda k, i, h, y, x: (h + inner.compress(k, i, x - h), inner.floats(k, i)), None, None,
                index_bits=inner.index_bits)
        both = then(b, Q, None, None)
        return of_contraction(both.C, 1 - (1 - Q.alpha) * (1 - inner.alpha), both.index_bits, both.header_bits)
    if spec.name == "3pc-v5":  # x with probability p, by one coin for all clients, else h + Q(x - y)
        Q = here(0)
        p = spec.number("p", Q.p)
        A = 1 - math.sqrt(1 - p)
        return Map(lambda k, i, h, y, x: (h + Q.compress(k, i, x - y), Q.floats(k, i)), A, (1 - p) * (1 - Q.alpha) / A, p,
                   Q.index_bits, alpha=Q.alpha)
    return None


def three_point(problem, C, gamma, coin, wire, exact):
    """Algorithm 1. coin(round, p): c_k."""
    d, n = problem.d, problem.n
    x = problem.start()
    old = gradients(problem, x)
    if exact:  # g_i^0 = grad f_i(x^0)
        said = [(wire(g_i), d) for g_i in old]
    else:  # h = 0, and the previous gradient equals the current one
        said = [C.C(0, i, 0 * x, g_i, g_i) for i, g_i in enumerate(old)]
    floats = 0
    for k in count():
        g = [g_i for g_i, _ in said]
        floats += sum(values for _, values in said) / n
        yield x, floats
        x = x - gamma * mean_of(problem, g)  # x^{k+1} = x^k - gamma g^k
        new = gradients(problem, x)
        c = C.p > 0 and coin(k + 1, C.p)
        said = [(wire(new[i]), d) if c else C.C(k + 1, i, g[i], old[i], new[i]) for i in range(n)]
        old = new


# ---- theoretical steps -------------------------------------------------------------------------------------
def step_gd(L):
    return 1 / L["L_minus"]


def step_dcgd(L, omega, n):
    return 1 / (L["L_tilde"] * (1 + omega / n))


def step_diana(L, omega, n):
    """arXiv 1904.05115, theorem 4, with M = 1."""
    return 1 / (10 * L["L_tilde"] * math.sqrt(1 + omega / n) * (2 + omega))


def step_marina(L, omega, n, p):
    """1 / (L_- + L_+ sqrt((1-p) omega / (p n)))."""
    return 1 / (L["L_minus"] + L["L_plus"] * math.sqrt((1 - p) * omega / (p * n)))


def step_marina_correlated(L, A, B, p):
    """1 / (L_- + sqrt((1-p)/p ((A - B) L_+^2 + B L_+-^2))), with the AB inequality of arXiv 2110.03300."""
    return 1 / (L["L_minus"] + math.sqrt((1 - p) / p * ((A - B) * L["L_plus"] ** 2 + B * L["L_pm"] ** 2)))


def step_three_point(L, A, B):
    """1 / (L_- + L_+ sqrt(B / A))."""
    return 1 / (L["L_minus"] + L["L_plus"] * math.sqrt(B / A))


# ---- by description ----------------------------------------------------------------------------------------
def choose_step(step, theory):
    word, _, factor = str(step).partition("*")
    return theory() * float(factor or 1) if word == "theory" else float(word)


def make_method(spec, problem, constants, step, make_compressor, seed_coin):
    """(gamma, generator, facts). step: `theory`, `theory*C` or a number."""
    n = problem.n
    C = make_map(spec, problem.d, make_compressor)
    if C:
        exact, wire = spec.word("init", "exact") == "exact", make_compressor(None, 0).wire
        facts = {"A": C.A, "B": C.B, "index_bits": C.index_bits, "header_bits": C.header_bits, "unpaid": C.unpaid}
        facts |= {name: value for name, value in (("omega", C.omega), ("alpha", C.alpha), ("p", C.p or None)) if value is not None}
        gamma = choose_step(step, lambda: step_three_point(constants, C.A, C.B))
        return gamma, three_point(problem, C, gamma, seed_coin, wire, exact), facts
    Q = make_compressor(spec.args[0]) if spec.args else make_compressor(None)
    facts = {"index_bits": Q.index_bits}
    if spec.name == "gd":
        theory, build = lambda: step_gd(constants), lambda gamma: dcgd(problem, Q, gamma)
    elif spec.name == "dcgd":
        theory, build = lambda: step_dcgd(constants, Q.omega, n), lambda gamma: dcgd(problem, Q, gamma)
    elif spec.name == "diana":
        theory = lambda: step_diana(constants, Q.omega, n)
        alpha = spec.number("alpha", None)
        alpha = facts["alpha"] = 1 / (1 + Q.omega) if alpha is None else alpha
        build = lambda gamma: diana(problem, Q, gamma, alpha)
    elif spec.name == "marina":
        p = facts["p"] = spec.number("p", Q.p)
        if spec.args[0].name == "perm-k":
            theory = lambda: step_marina_correlated(constants, Q.A, Q.B, p)
        else:
            theory = lambda: step_marina(constants, Q.omega, n, p)
        build = lambda gamma: marina(problem, Q, gamma, p, seed_coin)
    else:
        raise ValueError(f"unknown method {spec}")
    if Q.omega is not None:
        facts["omega"] = Q.omega
    gamma = choose_step(step, theory)
    return gamma, build(gamma), facts
