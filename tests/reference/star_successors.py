# SPDX-License-Identifier: Apache-2.0
"""The uplinks of methods after EF21, DIANA and MARINA, in the form of star.py, and their descriptions.
Capital letters are matrices with a row for each client; a small letter is the server's mean or aggregate of
them. The draws have the addresses of star.py."""
from itertools import count

import numpy as np

import methods
import rng
import star
import star_theory as theory
from star import mean


# ---- EF21 with additions -----------------------------------------------------------------------------------
def ef21_sgdm(c, C, eta, first=0, exact=True):
    """Fatkhullin, Tyurin, Richtarik 2023 (arXiv 2305.15155): momentum v_i before EF21. first: the rows of the
    first minibatch; 0: a full gradient."""
    W = yield
    V = c.gradients(0, W, first)
    G, floats = c.say_first(C, V, exact)
    g = c.aggregate(0, G)
    W = yield g, floats, c.cost(first)
    for t in count(1):
        V = (1 - eta) * V + eta * c.gradients(t, W)  # v_i = (1 - eta) v_i + eta grad f_i(x, xi)
        M, floats = c.say(C, t, V - G)  # m_i = C(v_i - g_i)
        G = G + M
        g = c.aggregate(t, G, g + mean(M))
        W = yield g, floats, c.cost()


def ef21_sgd2m(c, C, eta, first=0, exact=True):
    """The same paper: a second momentum u_i of v_i."""
    W = yield
    U = V = c.gradients(0, W, first)
    G, floats = c.say_first(C, U, exact)
    g = c.aggregate(0, G)
    W = yield g, floats, c.cost(first)
    for t in count(1):
        V = (1 - eta) * V + eta * c.gradients(t, W)
        U = (1 - eta) * U + eta * V
        M, floats = c.say(C, t, U - G)
        G = G + M
        g = c.aggregate(t, G, g + mean(M))
        W = yield g, floats, c.cost()


def ef21_hb(c, C, beta, exact=True):
    """Fatkhullin, Sokolov, Gorbunov, Li, Richtarik 2021 (arXiv 2110.03294), EF21-HB: x -= gamma v, v = beta v +
    g, v = g at the start."""
    W = yield
    G, floats = c.say_first(C, c.gradients(0, W), exact)
    v = g = c.aggregate(0, G)
    W = yield v, floats, c.cost()
    for t in count(1):
        M, floats = c.say(C, t, c.gradients(t, W) - G)
        G = G + M
        g = c.aggregate(t, G, g + mean(M))
        v = beta * v + g
        W = yield v, floats, c.cost()


def ef21_pp(c, C, who, exact=True):
    """The same paper, EF21-PP: only the clients of who(t) compute and send; the others keep g_i."""
    W = yield
    G, floats = c.say_first(C, c.gradients(0, W), exact)
    g = c.aggregate(0, G)
    W = yield g, floats, c.cost()
    for t in count(1):
        here = who(t)
        M, floats = c.say(C, t, c.gradients(t, W) - G, here)
        G = G + M
        g = c.aggregate(t, G, g + mean(M))
        W = yield g, floats, c.cost(who=here)


def ef21(c, C, exact=True):
    """Richtarik, Sokolov, Fatkhullin 2021 (arXiv 2106.05203)."""
    return ef21_pp(c, C, lambda t: range(c.n), exact)


# ---- EF-BV -------------------------------------------------------------------------------------------------
def ef_bv(c, C, lam, nu, exact=True):
    """Condat, Yi, Richtarik 2022 (arXiv 2205.04180): lam for the memories, nu for the estimate."""
    W = yield
    H, t = np.zeros((c.n, c.d)), 0
    if exact:
        H, t = c.wire(c.gradients(0, W)), 1
        W = yield c.aggregate(0, H), c.d, c.cost()
    h = mean(H)
    for t in count(t):
        M, floats = c.say(C, t, c.gradients(t, W) - H)  # m_i = C(grad f_i(x) - h_i)
        g = c.aggregate(t, H + nu * M, h + nu * mean(M))
        H, h = H + lam * M, h + lam * mean(M)
        W = yield g, floats, c.cost()


# ---- DASHA: Tyurin, Richtarik 2022 (arXiv 2202.01268) ------------------------------------------------------
def dasha(c, Q, a, estimate, exact=True):
    """estimate(t, K, before, W) -> (k_i of all clients at W, cost), K being those at the points before."""
    W = yield
    K, cost = estimate(0, None, None, W)
    G = c.wire(K) if exact else 0 * K
    g = c.aggregate(0, G)
    before, W = W, (yield g, c.d if exact else 0, cost)
    for t in count(1):
        new, cost = estimate(t, K, before, W)
        M, floats = c.say(Q, t, new - K - a * (G - K))  # m_i = Q(k_i+ - k_i - a (g_i - k_i))
        K, G = new, G + M
        g = c.aggregate(t, G, g + mean(M))
        before, W = W, (yield g, floats, cost)


def whole(c):
    """k_i = grad f_i(x)"""
    return lambda t, K, before, W: (c.gradients(t, W), c.cost())


def page(c, B, p):
    """One coin for all clients: heads k_i = grad f_i(x+), tails k_i += the change of a minibatch."""

    def estimate(t, K, before, W):
        if t == 0 or rng.shared_coin(c.seed, t, p):
            return c.gradients(t, W, 0), c.cost(0)
        return K + c.gradients(t, W, B) - c.gradients(t, before, B), 2 * c.cost(B)

    return estimate


def mvr(c, B, b, first):
    """k_i = grad f_i(x+, xi) + (1 - b) (k_i - grad f_i(x, xi)); the first k_i is of `first` rows."""

    def estimate(t, K, before, W):
        if t == 0:
            return c.gradients(0, W, first), c.cost(first)
        return c.gradients(t, W, B) + (1 - b) * (K - c.gradients(t, before, B)), 2 * c.cost(B)

    return estimate


def dasha_pp(c, Q, a, b, p, who, exact=True):
    """Tyurin, Richtarik 2022 (arXiv 2205.15580). p: the probability of a client to join."""
    W = yield
    K = c.gradients(0, W)
    G = c.wire(K) if exact else 0 * K
    g = c.aggregate(0, G)
    before, W = W, (yield g, c.d if exact else 0, c.cost())
    for t in count(1):
        here, there = who(t), c.gradients(t, before)
        delta = c.gradients(t, W) - there - b * (K - there)
        M, floats = c.say(Q, t, delta / p - a / p * (G - K), here)
        K = K + np.array([[float(i in here)] for i in range(c.n)]) * delta / p
        G = G + M
        g = c.aggregate(t, G, g + mean(M))
        before, W = W, (yield g, floats, 2 * c.cost(who=here))


# ---- VR-MARINA: Gorbunov, Burlachenko, Li, Richtarik 2021 (arXiv 2102.07845), algorithm 2 -------------------
def vr_marina(c, Q, p, B):
    """Heads: full gradients; tails: the change of a minibatch. With an aggregator it is Byz-VR-MARINA (Gorbunov,
    Horvath, Richtarik, Gidel 2023, arXiv 2206.00529)."""
    W = yield
    g = c.aggregate(0, c.wire(c.gradients(0, W, 0)))
    before, W = W, (yield g, c.d, c.cost(0))
    for t in count(1):
        if rng.shared_coin(c.seed, t, p):
            g, floats, cost = c.aggregate(t, c.wire(c.gradients(t, W, 0))), c.d, c.cost(0)
        else:
            M, floats = c.say(Q, t, c.gradients(t, W, B) - c.gradients(t, before, B))
            g, cost = c.aggregate(t, g + M, g + mean(M)), 2 * c.cost(B)
        before, W = W, (yield g, floats, cost)


# ---- error feedback ----------------------------------------------------------------------------------------
def econtrol(c, C, eta, first=0, exact=True):
    """Gao, Islamov, Stich 2023 (arXiv 2311.05645). Only the argument of C has eta; e_i has all of e_i."""
    W = yield
    H, floats = c.say_first(C, c.gradients(0, W, first), exact)
    h, E = c.aggregate(0, H), np.zeros((c.n, c.d))
    W = yield h, floats, c.cost(first)
    for t in count(1):
        S = c.gradients(t, W)
        M, floats = c.say(C, t, eta * E + S - H)  # Delta_i = C(eta e_i + grad f_i(x, xi) - h_i)
        E = E + S - H - M
        H = H + M
        h = c.aggregate(t, H, h + mean(M))
        W = yield h, floats, c.cost()


def ef(c, C, gamma):
    """Seide, Fu, Droppo, Li, Yu 2014: p_i = e_i + gamma grad f_i(x), Delta_i = C(p_i), x -= mean Delta_i. The
    step is inside the messages, so the estimate is of the messages divided by it."""
    W = yield
    E = np.zeros((c.n, c.d))
    for t in count():
        P = E + gamma * c.gradients(t, W)
        M, floats = c.say(C, t, P)
        E = P - M
        W = yield c.aggregate(t, M / gamma), floats, c.cost()


# ---- by description ----------------------------------------------------------------------------------------
NAMES = ("ef21-sgdm", "ef21-sgd2m", "ef21-hb", "ef21-pp", "ef21-bc", "ef21-prox", "ef-bv", "dasha", "dasha-page",
         "dasha-mvr", "dasha-pp", "econtrol", "ef", "vr-marina")


def is_one(case, spec):
    """Whether a golden case is described here, and not in methods.py."""
    keys = ("downlink", "outer", "aggregator", "clip-norm", "byzantine")
    return spec.name in NAMES or any(key in case for key in keys) or spec.name == "diana" and "init" in spec.options


def make_method(spec, c, constants, step, make, downlink=None, outer=None):
    """(gamma, generator of star(), outer rule, facts). downlink, outer: descriptions or None. make(spec,
    step): a compressor."""
    problem, n, name, L = c.problem, c.n, spec.name, constants
    exact, first = spec.word("init", "exact") == "exact", int(spec.number("first-batch", 0))
    C = make(spec.args[0], 0) if spec.args else make(None, 0)
    m, facts = problem.rows(0), {"index_bits": C.index_bits}
    a_of = lambda: spec.number("a", 1.0 if C.omega is None else 1 / (2 * C.omega + 1))  # of DASHA
    gain = rule = None  # functions: the gain of the uplink, or the step

    if name in ("ef21-sgdm", "ef21-sgd2m"):
        eta = facts["eta"] = spec.number("eta", 0.1)
        uplink = {"ef21-sgdm": ef21_sgdm, "ef21-sgd2m": ef21_sgd2m}[name](c, C, eta, first, exact)
        gain = lambda: theory.gain_ef21_sgdm(L, C.alpha, eta, 1 if name == "ef21-sgdm" else 2)
    elif name == "ef21-hb":
        beta = facts["beta"] = spec.number("beta", 0.9)
        uplink, rule = ef21_hb(c, C, beta, exact), lambda: theory.step_ef21_hb(L, C.alpha, beta)
    elif name in ("ef21-pp", "dasha-pp"):
        sample = int(spec.number("sample", 0)) or None
        p = facts["p"] = sample / n if sample else spec.number("p", 0.5)
        who = star.joining(c, p, sample)
        if name == "ef21-pp":
            uplink, rule = ef21_pp(c, C, who, exact), lambda: theory.step_ef21_pp(L, C.alpha, p)
        else:
            a, b = spec.number("a", p / (2 * C.omega + 1)), spec.number("b", p / (2 - p))
            facts |= {"a": a, "b": b}
            uplink = dasha_pp(c, C, a, b, p, who, exact)
    elif name in ("ef21-bc", "ef21-prox"):
        uplink = ef21(c, C, exact)
        gain = lambda: theory.gain_ef21(L, C.alpha)
    elif name == "ef-bv":
        mine, with_mean = theory.ef_bv_rates(C, n)
        lam, nu = spec.number("lambda", mine), spec.number("nu", with_mean)
        facts |= {"lambda": lam, "nu": nu}
        uplink = ef_bv(c, C, lam, nu, exact)
        gain = lambda: theory.gain_ef_bv(L, C, n, lam, nu)
    elif name == "diana":
        alpha = facts["alpha"] = spec.number("alpha", 1 / (1 + C.omega))
        exact = spec.word("init", "zero") == "exact"
        uplink, rule = star.diana(c, C, alpha, exact), lambda: methods.step_diana(L, C.omega, n)
        gain = (lambda: theory.gain_ef_bv(L, C, n, alpha, 1)) if exact else None
    elif name == "dasha":
        a = facts["a"] = a_of()
        uplink = dasha(c, C, a, whole(c), exact)
        if C.omega is None:
            gain = lambda: theory.gain_contractive_dasha(L, C.alpha, a)
        elif "a" not in spec.options:
            gain = lambda: theory.gain_dasha(L, C.omega, n)
    elif name == "dasha-page":
        a, B = a_of(), int(spec.number("batch", 0))
        p = spec.number("p", B / (m + B))
        facts |= {"a": a, "p": p}
        uplink = dasha(c, C, a, page(c, B, p), exact)
        gain = lambda: theory.gain_dasha_page(L, C.omega, n, B, p)
    elif name == "dasha-mvr":
        a, B, b = a_of(), int(spec.number("batch", 0)), spec.number("b", None)
        facts |= {"a": a, "b": b}
        uplink = dasha(c, C, a, mvr(c, B, b, first or 10 * B), exact)
        gain = lambda: theory.gain_dasha_mvr(L, C.omega, n, B, b)
    elif name == "econtrol":
        eta = facts["eta"] = spec.number("eta", theory.default_eta(C.alpha))
        uplink = econtrol(c, C, eta, first, exact)
        gain = lambda: theory.gain_econtrol(L, C.alpha, eta)
    elif name == "ef":
        uplink = ef(c, C, float(step))
    elif name == "gd":
        uplink, gain = star.dcgd(c, C), lambda: 0.0
    elif name == "dcgd":
        uplink = star.dcgd(c, C)
    elif name == "marina":
        p = facts["p"] = spec.number("p", C.p)
        uplink = star.marina(c, C, p)
        gain = lambda: theory.gain_marina(L, C.omega, n, p)
    elif name == "vr-marina":
        B = int(spec.number("batch", c.batch))
        p = facts["p"] = spec.number("p", min(C.p, B / (m + B)))
        uplink = vr_marina(c, C, p, B)
    else:  # a three-point compressor
        map_ = methods.make_map(spec, c.d, make)
        facts |= {"A": map_.A, "B": map_.B, "index_bits": map_.index_bits, "header_bits": map_.header_bits,
                  "unpaid": map_.unpaid}
        uplink = star.three_point(c, map_, exact)
        gain = lambda: theory.gain_three_point(L, map_.A, map_.B)

    facts = {key: value for key, value in (("omega", C.omega), ("alpha", C.alpha)) if value is not None} | facts
    down = star.make_downlink(downlink, c, make)
    if name == "ef21-bc":
        down = star.DirectionWithMemory(c, make(spec.args[1], star.DOWN), exact)
    rule_name = outer.name if outer else "step"
    if isinstance(down, star.DirectionWithMemory):
        kappa = lambda: theory.gain_ef21_bc(L, C.alpha, down.C.alpha)
        rule = (lambda: 1 / (L["L_minus"] + kappa())) if name in ("ef21", "ef21-bc") and rule_name == "step" else None
    elif gain is not None:
        rule = lambda: theory.step_by_gain(L, gain(), down, rule_name)
    elif downlink or rule_name != "step":
        rule = None
    gamma = methods.choose_step(step, rule)
    outer = star.make_outer(outer)
    facts["down_index_bits"] = getattr(getattr(down, "C", getattr(down, "Q", None)), "index_bits", 0)
    return gamma, star.star(c, uplink, gamma, down, outer), outer, facts
