# SPDX-License-Identifier: Apache-2.0
"""The algorithms as their papers write them. Each yields (x^t, values sent per client so far) once the messages about
x^t have been sent, t = 0, 1, ...; that is one row of laconic's trace."""
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


# ---- theoretical steps ----------------------------------------------------------------------------------------------
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


# ---- by description -------------------------------------------------------------------------------------------------
def make_method(spec, problem, constants, step, make_compressor, seed_coin):
    """(gamma, generator, facts). step: `theory`, `theory*C` or a number."""
    n = problem.n
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
    word, _, factor = str(step).partition("*")
    gamma = theory() * float(factor or 1) if word == "theory" else float(word)
    return gamma, build(gamma), facts
