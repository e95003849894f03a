# SPDX-License-Identifier: Apache-2.0
"""Tests of star.py, star_successors.py and star_theory.py: methods that must agree, invariants, expectations,
costs, and steps of known numbers. self_test.py runs them."""
import math
import unittest
from itertools import islice

import numpy as np

import compressors
import methods
import problems
import rng
import spec as specs
import star
import star_successors
import star_theory as theory

ROUNDS = 60


def little(name="logistic", n=5, d=7, rows=60, lam=0.1):
    draw = np.random.RandomState(11)
    A = draw.randn(rows, d) * np.linspace(0.5, 1.5, d)
    y = draw.randn(rows) if name == "least-squares" else np.where(A[:, 0] + draw.randn(rows) > 0, 1.0, -1.0)
    return problems.LINEAR[name](problems.split(A, y, n), lam)


def assemble(problem, method, step=0.1, downlink=None, outer=None, wire=compressors.f64, seed=1, batch=0,
             aggregator=None, byzantine=None, clip_norm=None):
    make = lambda spec, at=0: (compressors.make_compressor(spec, problem.d, problem.n, seed, wire, None, at) if spec
                               else compressors.Identity(problem.d, wire))
    parse = lambda text: text and specs.parse(text)
    clients = star.Clients(problem, wire, seed, batch, parse(aggregator), parse(byzantine), clip_norm)
    return star_successors.make_method(specs.parse(method), clients, clients.honest.constants(), step, make,
                                       parse(downlink), parse(outer))


def trace(problem, method, step=0.1, rounds=ROUNDS, **more):
    """(points, values up, values down, single-sample gradients), with a row for each round."""
    rows = islice(assemble(problem, method, step, **more)[1], rounds + 1)
    return [np.array(column) for column in zip(*rows)]


def points(problem, method, step=0.1, **more):
    return trace(problem, method, step, **more)[0]


class Identities(unittest.TestCase):
    def same(self, found, expected, tolerance=1e-12):
        scale = np.abs(expected).max()
        self.assertLess(np.abs(np.asarray(found) - np.asarray(expected)).max(), tolerance * max(scale, 1))
        self.assertGreater(np.abs(expected[-1] - expected[0]).max(), 1e-3 * scale)  # the runs move

    def all_same(self, expected, *described, problem=None):
        """described: (method, downlink, outer), or a method."""
        for each in described:
            method, downlink, outer = each if isinstance(each, tuple) else (each, None, None)
            with self.subTest(method=method, downlink=downlink, outer=outer):
                self.same(points(problem or self.problem, method, downlink=downlink, outer=outer), expected)

    def setUp(self):
        self.problem = little()

    def test_as_in_methods(self):  # the transcriptions of methods.py
        make = lambda spec, step=0: (compressors.make_compressor(spec, self.problem.d, self.problem.n, 1, step=step) if spec
                                     else compressors.Identity(self.problem.d))
        for text in ("gd", "dcgd(rand-k(3))", "diana(rand-k(3))", "marina(rand-k(3))", "ef21(top-k(2))", "clag(top-k(2), zeta=4)",
                     "3pc-v2(rand-k(2), top-k(2))", "3pc-v5(top-k(2), p=0.2)", "ef21(top-k(2), init=zero)"):
            _, rows, _ = methods.make_method(specs.parse(text), self.problem, self.problem.constants(), 0.1, make,
                                             lambda t, p: rng.shared_coin(1, t, p))
            x, floats = zip(*islice(rows, ROUNDS + 1))
            with self.subTest(method=text):
                ours = trace(self.problem, text)
                self.same(ours[0], x)
                np.testing.assert_allclose(ours[1], floats, rtol=1e-12)

    def test_ef21(self):
        for C in ("top-k(2)", "c-rand-k(3)"):
            self.all_same(points(self.problem, f"ef21({C})"), f"ef21-sgdm({C}, eta=1)", f"ef21-sgd2m({C}, eta=1)",
                          f"ef21-hb({C}, beta=0)", f"ef21-pp({C}, p=1)", f"ef21-pp({C}, sample=5)",
                          (f"ef21-prox({C})", None, "prox-l1(0)"),
                          f"ef21-bc({C}, identity)", f"ef-bv({C}, lambda=1, nu=1)",
                          f"dasha({C}, a=1)", f"dasha({C})", f"econtrol({C}, eta=0)",
                          (f"ef21({C})", "ef21-p(identity)", None),
                          (f"ef21({C})", "ef21(identity)", None), (f"ef21({C})", None, "heavy-ball(0)"))
            self.same(points(self.problem, f"ef21-pp({C}, p=1, init=zero)"), points(self.problem, f"ef21({C}, init=zero)"))

    def test_momentum_at_the_server(self):
        self.all_same(points(self.problem, "ef21-hb(top-k(2), beta=0.6)"), ("ef21(top-k(2))", None, "heavy-ball(0.6)"))
        self.all_same(points(self.problem, "ef21-bc(top-k(2), top-k(3))"), ("ef21(top-k(2))", "ef21(top-k(3))", None))

    def test_bidirectional_is_ef21_of_one_client(self):
        one = little(n=1)
        self.same(points(self.problem, "ef21-bc(identity, top-k(2))"), points(one, "ef21(top-k(2))"))
        self.same(points(self.problem, "gd", downlink="ef21(top-k(2))"), points(one, "ef21(top-k(2))"))

    def test_diana(self):
        Q = "rand-k(3)"
        omega = self.problem.d / 3 - 1
        for init in ("zero", "exact"):
            self.same(points(self.problem, f"ef-bv({Q}, lambda={1 / (1 + omega)!r}, nu=1, init={init})"),
                      points(self.problem, f"diana({Q}, init={init})"))
        for method in (f"diana({Q})", f"dcgd({Q})"):
            self.all_same(points(self.problem, method), (method, "ef21-p(identity)", None))

    def test_gd(self):
        gd = points(self.problem, "gd")
        self.all_same(gd, "dasha(identity)", "dasha(identity, a=0.3)", "ef-bv(identity)", "econtrol(identity)",
                      "econtrol(identity, eta=0.7)", "ef(identity)", ("gd", "ef21-p(identity)", None),
                      ("gd", "marina-p(rand-k(2), p=1)", None), ("gd", "marina-p(rand-k(7), p=0.3)", None),
                      ("gd", "marina-p(identity, p=0.3, shared=1)", None), ("gd", None, "prox-l1(0)"),
                      ("gd", None, "nesterov(0)"), "dasha(identity, init=exact)", "diana(identity, init=exact)",
                      ("gd", "marina-p(rand-k(2), p=1, shared=1)", None))

    def test_gd_of_equal_hessians(self):  # f_i = a |x|^2 / 2 - b_i'x: PermK downwards is gd in x
        problem = problems.Quadratic(4, 12, 0.0)
        problem.b = list(np.random.RandomState(3).randn(4, 12))
        self.same(points(problem, "gd", downlink="marina-p(perm-k)"), points(problem, "gd"))

    def test_dasha(self):
        Q = "rand-k(3)"
        clients = star.Clients(self.problem, compressors.f64, 1)
        coinless = star.star(clients, star.marina(clients, compressors.make_compressor(specs.parse(Q), 7, 5, 1), 0.0), 0.1)
        self.all_same(np.array([row[0] for row in islice(coinless, ROUNDS + 1)]), f"dasha({Q}, a=0)")
        self.all_same(points(self.problem, f"dasha({Q})"), f"dasha-pp({Q}, p=1)", f"dasha-pp({Q}, sample=5)",
                      f"dasha-page({Q}, batch=3, p=1)")
        minibatch = points(self.problem, f"dasha({Q})", batch=2)
        self.all_same(minibatch, f"dasha-mvr({Q}, batch=2, b=1, first-batch=2)")
        self.assertGreater(np.abs(minibatch - points(self.problem, f"dasha({Q})")).max(), 1e-3)

    def test_dasha_from_zero(self):  # g = 0: the first step does not move x, and the first message is Q(a k)
        x, up, _, calls = trace(self.problem, "dasha(rand-k(3), init=zero)")
        np.testing.assert_array_equal(x[1], x[0])
        self.assertTrue(np.any(x[2] != x[1]))
        np.testing.assert_array_equal(up, 3 * np.arange(ROUNDS + 1))
        np.testing.assert_array_equal(calls, 12 * np.arange(1, ROUNDS + 2))

    def test_written_out(self):  # EF21-BC and EF21-P with gd, line by line
        problem, C, gamma = self.problem, compressors.TopK(7, 2), 0.1
        grad = lambda x: [problem.gradient(i, x) for i in range(problem.n)]
        x, mine = problem.start(), grad(problem.start())
        tilde = g = np.mean(mine, axis=0)
        found = [x]
        for t in range(ROUNDS):
            x = x - gamma * g
            mine = [h + C.compress(t, 0, s - h) for h, s in zip(mine, grad(x))]
            tilde, found = np.mean(mine, axis=0), found + [x]
            g = g + C.compress(t, 0, tilde - g)
        self.same(points(problem, "ef21-bc(top-k(2), top-k(2))"), found)
        x = w = problem.start()
        found = [x]
        for t in range(ROUNDS):
            x = x - gamma * np.mean(grad(w), axis=0)
            w, found = w + C.compress(t, 0, x - w), found + [x]
        self.same(points(problem, "gd", downlink="ef21-p(top-k(2))"), found)

    def test_momentum_written_out(self):
        problem, eta, gamma = self.problem, 0.3, 0.1
        for averages in (1, 2):
            x, found = problem.start(), [problem.start()]
            v = [problems.value_and_gradient(problem, x)[1]] * (averages + 1)
            for t in range(ROUNDS):
                x = x - gamma * v[averages]
                v[0], found = problems.value_and_gradient(problem, x)[1], found + [x]
                for j in range(averages):
                    v[j + 1] = (1 - eta) * v[j + 1] + eta * v[j]
            self.same(points(problem, f"{('ef21-sgdm', 'ef21-sgd2m')[averages - 1]}(identity, eta={eta})"), found)

    def test_wire(self):  # at both ends the rounded message, and x of the server in full
        for method, downlink in [("ef21(top-k(2))", "ef21-p(top-k(3))"), ("gd", "marina-p(perm-k)"),
                                  ("ef21-bc(top-k(2), top-k(2))", None),
                                 ("dasha(rand-k(3))", None), ("econtrol(top-k(3))", None), ("ef(top-k(3))", None)]:
            near, far = (points(self.problem, method, downlink=downlink, wire=w) for w in (compressors.f32, compressors.f64))
            self.assertTrue(0 < np.abs(near - far).max() < 1e-4, method)


class Invariants(unittest.TestCase):
    def setUp(self):
        self.problem, self.clients = little(), star.Clients(little(), compressors.f64, 1)

    def drive(self, uplink, gamma, rounds=ROUNDS, downlink=None):
        """[(t, x, g, the locals of the uplink)], after the messages about x^t"""
        x, downlink = self.problem.start(), downlink or star.Direction(self.clients)
        next(uplink)
        g = uplink.send([x] * self.problem.n)[0]
        for t in range(1, rounds + 1):
            inside = uplink.gi_frame.f_locals.items()
            kept = {name: np.copy(value) for name, value in inside if isinstance(value, np.ndarray)}
            yield t - 1, x, g, kept
            x_new = x - gamma * downlink.direction(t, g)[0]
            W = downlink.points(t, x, x_new)[0]
            x, g = x_new, uplink.send(W)[0]

    def gradient(self, x):
        return problems.value_and_gradient(self.problem, x)[1]

    def test_virtual_iterates(self):  # they move by -gamma times the mean gradient
        gamma, C = 0.1, compressors.TopK(7, 2)
        for name, uplink, virtual in [
                ("econtrol", star_successors.econtrol(self.clients, C, 0.2),
                 lambda x, at: x - gamma * at["h"] - gamma * at["E"].mean(axis=0)),
                ("ef", star_successors.ef(self.clients, C, gamma),
                 lambda x, at: x - at["M"].mean(axis=0) - at["E"].mean(axis=0))]:
            rows = [(x, virtual(x, at)) for _, x, _, at in self.drive(uplink, gamma)]
            for (_, v), (x, v_new) in zip(rows, rows[1:]):
                np.testing.assert_allclose(v_new, v - gamma * self.gradient(x), rtol=0, atol=1e-13, err_msg=name)

    def test_sums_of_the_server(self):  # 1000 rounds
        self.problem = little("least-squares", lam=0.5)
        self.clients = star.Clients(self.problem, compressors.f64, 1)
        rand, top = compressors.make_compressor(specs.parse("rand-k(3)"), 7, 5, 1), compressors.TopK(7, 2)
        s = star_successors
        for uplink, memory, total, gamma in [
                (s.ef21_sgdm(self.clients, top, 0.3), "G", "g", 0.1), (s.ef_bv(self.clients, rand, 0.3, 0.5),
                "H", "h", 0.1),
                (s.dasha(self.clients, rand, 0.27, s.whole(self.clients)), "G", "g", 0.1),
                (s.dasha_pp(self.clients, rand, 0.1, 1 / 3, 0.5, star.joining(self.clients, 0.5)), "G", "g", 0.03),
                (s.econtrol(self.clients, top, 0.2), "H", "h", 0.1)]:
            *_, (_, x, _, at) = self.drive(uplink, gamma, 1000)
            self.assertTrue(np.all(np.abs(x) < 10))
            np.testing.assert_allclose(at[total], at[memory].mean(axis=0), rtol=0, atol=1e-13)

    def test_estimates_by_whole_gradients(self):  # k_i of DASHA-PAGE after heads; of MVR without noise
        p = 0.3
        uplink = star_successors.dasha(self.clients, compressors.TopK(7, 7), 0.5, star_successors.page(self.clients, 2, p))
        heads = 0
        for t, x, g, at in self.drive(uplink, 0.1):
            if t == 0 or rng.shared_coin(1, t, p):
                heads += 1
                np.testing.assert_allclose(g, self.gradient(x), rtol=0, atol=1e-13)
        self.assertTrue(5 < heads < 40)

    def test_mvr_written_out(self):  # the same rows at both points
        problem, b, gamma, x = self.problem, 0.3, 0.1, self.problem.start()
        found, before = [x], None
        for t in range(ROUNDS):
            k, last = [], before and before[1]
            for i in range(problem.n):
                stream = rng.Stream(1, t, i, purpose=rng.BATCH)
                rows = [stream.below(12) for _ in range(2 if t else 4)]
                at = lambda point: problem.gradient(i, point, rows)
                k.append(at(x) + (1 - b) * (last[i] - at(before[0])) if t else at(x))
            before, x = (x, k), x - gamma * np.mean(k, axis=0)
            found.append(x)
        method = f"dasha-mvr(identity, batch=2, b={b}, first-batch=4)"
        np.testing.assert_allclose(points(problem, method), found, rtol=0, atol=1e-12)

    def test_dasha_pp_contracts(self):  # with the identity g_i - k_i shrinks by 1 - a/p when client i joins
        p, a = 0.5, 0.2
        who = star.joining(self.clients, p)
        uplink = star_successors.dasha_pp(self.clients, compressors.Identity(7), a, p / (2 - p), p, who, exact=False)
        first, joins = None, np.zeros((5, 1))
        for t, _, _, at in self.drive(uplink, 0.02):
            first = at["G"] - at["K"] if t == 0 else first
            joins[who(t) if t else []] += 1
            np.testing.assert_allclose(at["G"] - at["K"], (1 - a / p) ** joins * first, rtol=0, atol=1e-12)
        self.assertTrue(joins.min() > 10)

    def test_perm_k_downwards(self):  # mean w_i = x
        for n, d in [(5, 7), (4, 8), (9, 7)]:
            self.problem = little(n=n, d=d, rows=63)
            self.clients = c = star.Clients(self.problem, compressors.f64, 1)
            Q = compressors.make_compressor(specs.parse("perm-k"), d, n, 1, step=star.DOWN)
            down = star.MarinaP(c, Q, 0.1)
            for _, x, _, _ in self.drive(star.dcgd(c, compressors.Identity(d)), 0.1, downlink=down):
                if d >= n:
                    np.testing.assert_allclose(np.mean(down.w, axis=0), x, rtol=0, atol=1e-13)
            self.assertGreater(np.abs(down.w[0] - x).max(), 0)

    def test_ef21_p_follows(self):
        down = star.ModelWithMemory(self.clients, compressors.TopK(7, 2))
        *_, (_, x, _, _) = self.drive(star.dcgd(self.clients, compressors.Identity(7)), 0.4, 1500, down)
        self.assertLess(np.abs(self.gradient(x)).max(), 1e-10)
        np.testing.assert_allclose(down.w, x, rtol=0, atol=1e-9)


class Convergence(unittest.TestCase):
    def test_to_the_minimum(self):
        problem = little("least-squares", d=5, rows=40, lam=0.5)
        for method, downlink, outer, step in [
                ("ef21-sgdm(top-k(2), eta=0.5)", None, None, 0.15), ("ef21-hb(top-k(2), beta=0.5)", None, None, 0.05),
                ("ef21-pp(top-k(2), p=0.5)", None, None, 0.08), ("ef21-pp(top-k(2), sample=1)", None, None, 0.03),
                ("ef21-bc(top-k(2), top-k(2))", None, None, 0.08), ("ef-bv(rand-k(2))", None, None, 0.15),
                ("diana(rand-k(2), init=exact)", None, None, 0.15), ("dasha(rand-k(2))", None, None, 0.15),
                ("dasha(rand-k(2), init=zero)", None, None, 0.15), ("dasha-page(rand-k(2), batch=2)", None, None, 0.04),
                ("dasha-pp(rand-k(2), p=0.5)", None, None, 0.08), ("dasha-pp(rand-k(2), sample=1)", None, None, 0.02),
                ("econtrol(top-k(2), eta=0.1)", None, None, 0.1), ("ef21(top-k(2))", "ef21-p(top-k(2))", None, 0.08),
                ("marina(rand-k(2))", "ef21-p(top-k(2))", None, 0.1),
                ("marina(rand-k(2))", "marina-p(perm-k)", None, 0.04),
                ("dasha(rand-k(2))", "ef21(top-k(2))", "heavy-ball(0.5)", 0.03),
                ("ef21(top-k(2))", None, "nesterov(0.5)", 0.05)]:
            x = points(problem, method, step, rounds=400, downlink=downlink, outer=outer)[-1]
            with self.subTest(method=method, downlink=downlink, outer=outer):
                self.assertLess(np.abs(problems.value_and_gradient(problem, x)[1]).max(), 1e-3)

    def test_floors(self):  # dcgd and classic EF do not converge where clients differ
        problem = little("least-squares", d=5, rows=40, lam=0.5)
        for method, downlink in [("dcgd(rand-k(2))", "ef21-p(top-k(2))"), ("ef(top-k(1))", None)]:
            x = points(problem, method, 0.1, rounds=400, downlink=downlink)[-1]
            self.assertGreater(np.abs(problems.value_and_gradient(problem, x)[1]).max(), 1e-3)


class Expectations(unittest.TestCase):
    def test_dasha_step(self):  # e+ = g+ - k+ of one round: mean (1-a) e, variance (omega/n) mean |Delta_i - a e_i|^2
        d, n, K, draws, a = 8, 4, 2, 3000, 0.2
        draw = np.random.RandomState(5)
        e, delta, omega = draw.randn(n, d), draw.randn(n, d), d / K - 1
        Q = compressors.make_compressor(specs.parse(f"rand-k({K})"), d, n, 3)
        one = lambda t, i: e[i] - delta[i] + Q.compress(t, i, delta[i] - a * e[i])
        after = [np.mean([one(t, i) for i in range(n)], axis=0) for t in range(draws)]
        expected, apart = (1 - a) * e.mean(axis=0), np.square(np.subtract(after, (1 - a) * e.mean(axis=0))).sum(axis=1)
        exact = omega / n * np.mean(np.sum((delta - a * e) ** 2, axis=1))
        np.testing.assert_allclose(np.mean(after, axis=0), expected, atol=5 * math.sqrt(exact / draws))
        self.assertAlmostEqual(apart.mean() / exact, 1, delta=0.05)
        self.assertEqual(round((1 - 1 / (2 * omega + 1)) ** 2 + 2 * omega / (2 * omega + 1) ** 2, 12),
                         round(1 - 1 / (2 * omega + 1), 12))  # the contraction of mean |e_i|^2

    def test_marina_p_is_unbiased(self):
        problem, draws = little(), 1000
        old, new = np.random.RandomState(6).randn(2, problem.d)
        for text, shared in [("rand-k(3)", False), ("rand-k(3)", True), ("perm-k", False)]:
            means, clients = [], []
            for seed in range(draws):
                c = star.Clients(problem, compressors.f64, seed)
                Q = compressors.make_compressor(specs.parse(text), 7, 5, seed, step=star.DOWN)
                down = star.MarinaP(c, Q, 0.0, shared)
                down.w = np.array([old] * 5)
                W, _ = down.points(1, old, new)
                means.append(W.mean(axis=0))
                clients.append(W[1])
                if shared:
                    self.assertTrue(np.all(W == W[0]))
            omega = 4 if text == "perm-k" else 4 / 3
            slack = 5 * np.abs(new - old).max() * math.sqrt(omega / draws)
            np.testing.assert_allclose(np.mean(clients, axis=0), new, atol=slack)
            theta = {("rand-k(3)", False): omega / 5, ("rand-k(3)", True): omega, ("perm-k", False): 0}[text, shared]
            spread = np.mean(np.sum(np.square(np.subtract(means, new)), axis=1)) / np.sum((new - old) ** 2)
            self.assertAlmostEqual(spread, theta, delta=0.15 * theta + 1e-12)

    def test_joining(self):
        c = star.Clients(little(), compressors.f64, 3)
        for p, sample in [(0.3, None), (0.4, 2)]:
            who = [star.joining(c, p, sample)(t) for t in range(1, 801)]
            np.testing.assert_allclose(np.bincount(sum(who, [])) / 800, p, atol=0.08)
            if sample:
                self.assertTrue(all(len(set(each)) == 2 for each in who))

    def test_down_is_independent_of_up(self):  # with equal addresses each of the supports would be equal
        support = lambda t, step: rng.rand_k_support(1, t, 2, 3, 7, step)
        self.assertLess(np.mean([support(t, star.DOWN) == support(t, 0) for t in range(400)]), 0.1)
        agree = np.mean([rng.shared_coin(1, t, 0.5) == rng.shared_coin(1, t, 0.5, star.DOWN) for t in range(2000)])
        self.assertAlmostEqual(agree, 0.5, delta=0.06)

    def test_low_rank(self):
        draw, d, blocks = np.random.RandomState(8), 60, [(2, 6, 5), (32, 4, 6)]
        x = draw.randn(d)
        C = lambda text: compressors.make_compressor(specs.parse(text), d, 1, 3, blocks=blocks)
        warm, cold, errors = C("low-rank(2)"), C("low-rank(2, warm=0)"), []
        self.assertEqual(cold.floats(0, 0), d - 30 - 24 + 2 * (11 + 10))
        for t in range(50):
            for each in warm, cold:
                y = each.compress(t, 0, x)
                self.assertAlmostEqual((y - x) @ (y - x) + y @ y, x @ x, places=10)  # a projection
                errors.append((y - x) @ (y - x))
        self.assertTrue(all(b <= a + 1e-12 for a, b in zip(errors[::2], errors[2::2])))  # power iterations
        svd = [np.linalg.svd(x[o : o + m * n].reshape(m, n))[1] for o, m, n in blocks]
        self.assertAlmostEqual(errors[-2], sum(np.sum(s[2:] ** 2) for s in svd), delta=1e-3 * errors[-2])
        self.assertTrue(np.mean(errors[1::2]) <= (1 - cold.alpha) * (x @ x))
        self.assertTrue(np.all(warm.compress(50, 0, 0 * x) == 0))  # and no NaN
        self.assertAlmostEqual(errors[0], np.sum((warm.compress(51, 0, x) - x) ** 2), places=12)  # starts anew
        sketches = [C("sketch(2)").compress(t, 0, x) - x for t in range(4000)]
        exact = sum((n - 1) / 2 * np.sum(x[o : o + m * n] ** 2) for o, m, n in blocks)
        self.assertAlmostEqual(np.mean(np.sum(np.square(sketches), axis=1)) / exact, 1, delta=0.05)
        np.testing.assert_allclose(np.mean(sketches, axis=0), 0, atol=5 * np.abs(x).max() * math.sqrt(6 / 4000))

    def test_bias_and_variances(self):
        d, n, draws = 6, 3, 2000
        x = np.random.RandomState(7).randn(n, d)
        x -= x.mean(axis=0)  # the worst case of PermK
        for text in ("top-k(2)", "rand-k(2)", "c-rand-k(2)", "perm-k", "c-perm-k", "identity", "comp(2, 4)", "mix(1, 2)",
                     "low-rank(1, warm=0)"):
            # Of low-rank only the sum of both is bounded: |bias|^2 + variance <= eta^2.
            C = compressors.make_compressor(specs.parse(text), d, n, 4)
            said = np.array([[C.compress(t, i, x[i]) for i in range(n)] for t in range(draws)])
            eta, omega, omega_av = theory.bias_and_variances(C, n)
            sizes, mean = np.sum(x**2, axis=1), said.mean(axis=0)
            bias = np.linalg.norm(mean - x, axis=1) / np.sqrt(sizes)
            variance = np.sum((said - mean) ** 2, axis=2).mean(axis=0) / sizes
            of_mean = np.sum((said - mean).mean(axis=1) ** 2, axis=1).mean() / sizes.mean()
            with self.subTest(C=text):
                if text.startswith("low-rank"):
                    self.assertTrue(np.all(bias**2 + variance <= 1.06 * eta**2))
                    continue
                self.assertTrue(np.all(bias <= eta + 0.06) and np.all(variance <= omega * 1.06 + 1e-12))
                self.assertTrue(of_mean <= 1.06 * omega_av + 1e-12)
                if text.split("(")[0] not in ("top-k", "comp", "mix", "low-rank"):  # those depend on x
                    np.testing.assert_allclose([bias.mean(), variance.mean(), of_mean], [eta, omega, omega_av], 0.1, 0.08)


class Costs(unittest.TestCase):
    def test_values_and_gradients(self):
        problem, d, n, m, t = little(), 7, 5, 12, np.arange(ROUNDS + 1)
        who = star.joining(star.Clients(problem, compressors.f64, 1), 0.4)
        so_far = lambda count: np.array([0] + [count(k) for k in range(1, ROUNDS + 1)]).cumsum()
        joiners, heads = so_far(lambda k: len(who(k)) / n), so_far(lambda k: rng.shared_coin(1, k, 0.25))
        down_heads = so_far(lambda k: rng.shared_coin(1, k, 0.25, star.DOWN))
        memory_down = np.where(t > 0, d + 3 * (t - 1), 0)
        exact, all_rows = d + 2 * t, m * (t + 1)
        for method, up, calls in [
                ("ef21-sgdm(top-k(2))", exact, all_rows), ("ef21-sgd2m(top-k(2))", exact, all_rows),
                ("ef21-hb(top-k(2))", exact, all_rows),
                ("ef21-hb(top-k(2), init=zero)", 2 * (t + 1), all_rows), ("ef-bv(top-k(2))", exact, all_rows),
                ("ef-bv(rand-k(2), init=zero)", 2 * (t + 1), all_rows),
                ("diana(rand-k(2), init=exact)", exact, all_rows),
                ("diana(rand-k(2))", 2 * (t + 1), all_rows), ("dasha(rand-k(2))", exact, all_rows),
                ("dasha-page(rand-k(2), batch=3, p=0.25)", exact, m + m * heads + 6 * (t - heads)),
                ("dasha-mvr(rand-k(2), batch=3, b=0.1)", exact, 30 + 6 * t),
                ("dasha-mvr(rand-k(2), batch=3, b=0.1, first-batch=8)", exact, 8 + 6 * t),
                ("ef21-pp(top-k(2), p=0.4)", d + 2 * joiners, m + m * joiners),
                ("ef21-pp(top-k(2), sample=2)", d + 0.8 * t, m + 0.4 * m * t),
                ("dasha-pp(rand-k(2), p=0.4)", d + 2 * joiners, m + 2 * m * joiners),
                ("econtrol(top-k(2))", exact, all_rows),
                ("ef(top-k(2))", 2 * (t + 1), all_rows)]:
            with self.subTest(method=method):
                _, found_up, down, found_calls = trace(problem, method, 0.01)
                for found, expected in [(found_up, up), (down, d * t), (found_calls, calls)]:
                    np.testing.assert_allclose(found, expected, rtol=1e-12)
        minibatch = trace(problem, "ef21-sgdm(top-k(2), first-batch=4)", 0.01, batch=3)[3]
        np.testing.assert_array_equal(minibatch, 4 + 3 * t)
        np.testing.assert_array_equal(trace(problem, "ef21-sgdm(top-k(2))", 0.01, batch=3)[3], m + 3 * t)
        np.testing.assert_array_equal(trace(problem, "ef(top-k(2))", 0.01, batch=3)[3], 3 * (t + 1))
        for method, downlink, down in [
                ("gd", "ef21-p(top-k(3))", 3 * t),
                ("gd", "marina-p(rand-k(2), p=0.25)", d * down_heads + 2 * (t - down_heads)),
                ("gd", "marina-p(perm-k, p=0.25)", d * down_heads + d / n * (t - down_heads)),
                ("gd", "ef21(top-k(3))", memory_down),
                ("ef21-bc(top-k(2), top-k(3))", None, memory_down),
                ("ef21-bc(top-k(2), top-k(3), init=zero)", None, 3 * t), ("marina(rand-k(2))", "direction", d * t)]:
            with self.subTest(method=method, downlink=downlink):
                np.testing.assert_allclose(trace(problem, method, 0.01, downlink=downlink)[2], down, rtol=1e-12)


class Rules(unittest.TestCase):
    def test_one_dimension(self):  # hand-made: g = 1, then 2; gamma = 0.5
        run = lambda rule: [rule.move(0.0, 1.0, 0.5), rule.move(0.0, 2.0, 0.5)]
        make = lambda text: star.make_outer(specs.parse(text))
        np.testing.assert_allclose(run(make("step")), [-0.5, -1])
        np.testing.assert_allclose(run(make("heavy-ball(0.9)")), [-0.5, -0.5 * 2.9])
        np.testing.assert_allclose(run(make("nesterov(0.9)")), [-0.5 * 1.9, -0.5 * (2 + 0.9 * 2.9)])
        m, v = [0.1, 0.1 * 0.9 + 0.2], [0.99e-6 + 0.01, 0.99**2 * 1e-6 + 0.0099 + 0.04]
        np.testing.assert_allclose(run(make("adam(0.9, 0.99)")), [-0.5 * a / (math.sqrt(b) + 1e-3) for a, b in zip(m, v)])
        prox = make("prox-l1(0.6)")
        np.testing.assert_allclose(prox.move(np.array([1.0, -1.0, 0.2]), np.zeros(3), 0.5), [0.7, -0.7, 0])

    def test_prox_of_quadratics(self):  # f = |x - b|^2 / 2, so that the minimum of f + l |x|_1 is known
        b, l = np.array([2.0, -0.3, 0.5, -4.0]), 0.4
        problem = little("least-squares", n=2, d=4, rows=8)
        problem.shards = [(2 * np.eye(4), 2 * b)] * 2  # mean over 4 rows
        problem.lam = 0
        best = np.sign(b) * np.maximum(np.abs(b) - l, 0)
        for method in ("gd", "ef21-prox(top-k(2))"):
            gamma, rows, outer, _ = assemble(problem, method, "theory", outer=f"prox-l1({l})")
            x = [row[0] for row in islice(rows, 400)][-1]
            np.testing.assert_allclose(x, best, atol=1e-9)
            f, g = outer.measure(x, *problems.value_and_gradient(problem, x), gamma)
            self.assertLess(np.abs(g).max(), 1e-8)
            self.assertAlmostEqual(f, np.sum((best - b) ** 2) / 2 + l * np.abs(best).sum(), places=9)


class Steps(unittest.TestCase):
    A9A = {"L_minus": 1.7719331211639, "L_plus": 1.7730809699874, "L_tilde": 1.7730809699874, "L_pm": 1.7730809699874}

    def test_a9a(self):  # n = 20, lambda = 0.1, d = 123
        L, n, top, rand = self.A9A, 20, 12 / 123, 123 / 10 - 1
        Q = compressors.RandK(123, 10, None)
        step = lambda gain: 1 / (L["L_minus"] + gain)
        lam, nu = theory.ef_bv_rates(Q, n)
        for found, published in [
                (theory.K(top), 18.987171), (step(theory.gain_ef21(L, top)), 0.028219),
                (step(theory.gain_ef21_sgdm(L, top, 0.1)), 0.019461),
                (theory.step_ef21_hb(L, top, 0.5), 0.013437), (step(theory.gain_ef21_bc(L, top, top)), 0.001412),
                (theory.step_ef21_p(L, 0, top), 0.028236), (theory.step_ef21_p(L, theory.gain_ef21(L, top),
                top), 0.001412),
                (theory.step_ef21_pp(L, top, 0.5), 0.01153), (step(theory.gain_dasha(L, rand, n)), 0.091505),
                (lam, 0.081301), (nu, 0.638978), (step(theory.gain_ef_bv(L, Q, n, lam, nu)), 0.036449),
                (theory.step_ef_bv_pl(L, Q, n, lam, nu), 0.019025),
                (step(theory.gain_ef_bv(L, Q, n, 1 / (1 + rand), 1)), 0.029518),
                (theory.step_marina_p(L, rand, rand, 10 / 123), 0.045855),
                (theory.step_marina_p(L, 19, 0, 1 / 20), 0.0282)]:
            self.assertAlmostEqual(found, published, delta=0.51 * 10.0 ** -(len(str(published).split(".")[1])))
        self.assertAlmostEqual(theory.step_dasha_pl(L, rand, n, 1e-3), 0.056717, delta=5.1e-7)
        self.assertAlmostEqual(theory.step_dasha_pl(L, rand, n, 10), 1 / (2 * rand + 1) / 20, places=15)
        closed = math.sqrt(rand / n) * (1 + rand) * (1 + math.sqrt(rand / (1 + rand)))
        self.assertAlmostEqual(theory.gain_ef_bv(L, Q, n, 1 / (1 + rand), 1), L["L_plus"] * closed, places=9)

    def test_ends(self):  # the steps of gd, EF21, MARINA and DASHA at the ends of their parameters
        L = {"L_minus": 2.0, "L_plus": 3.0, "L_tilde": 3.0, "L_pm": 1.0, "L_sample": 5.0}
        alpha = 0.2
        A = 1 - math.sqrt(1 - alpha)
        ef21, step = methods.step_three_point(L, A, (1 - alpha) / A), lambda gain: 1 / (L["L_minus"] + gain)
        top = compressors.TopK(10, 2)
        for found in (step(theory.gain_ef21(L, alpha)), step(theory.gain_ef21_sgdm(L, alpha, 1)),
                      step(theory.gain_ef21_sgdm(L, alpha, 1, 2)),
                      theory.step_ef21_hb(L, alpha, 0), theory.step_ef21_pp(L, alpha, 1), step(theory.gain_ef21_bc(L, alpha, 1)),
                      step(theory.gain_ef_bv(L, top, 4, 1, 1)), step(theory.gain_contractive_dasha(L, alpha, 1)),
                      theory.step_ef21_p(L, theory.gain_ef21(L, alpha), 1)):
            self.assertAlmostEqual(found, ef21, places=12)
        self.assertAlmostEqual(1 + theory.K(alpha), 1 / A, places=12)
        self.assertEqual(theory.ef_bv_rates(top, 4), (1.0, 1.0))
        for found in (theory.step_prox(L, 0), theory.step_ef21_p(L, 0, 1), step(theory.gain_dasha(L, 0, 3)),
                      theory.step_marina_p(L, 4, 4, 1), step(theory.gain_ef_bv(L, compressors.Identity(5), 3, 1, 1))):
            self.assertAlmostEqual(found, methods.step_gd(L), places=12)
        self.assertAlmostEqual(step(theory.gain_marina(L, 3, 4, 0.2)), methods.step_marina(L, 3, 4, 0.2), places=12)
        self.assertAlmostEqual(step(theory.gain_econtrol(L, alpha, theory.default_eta(alpha))),
                               1 / (L["L_minus"] + 4 * theory.K(alpha) * L["L_plus"]), places=12)
        # full gradients: sqrt(2) for two parts of the error, sqrt(2) for those of a change
        self.assertAlmostEqual(theory.gain_dasha_page(L, 3, 4, 2, 1.0), 2 * theory.gain_dasha(L, 3, 4), places=12)
        self.assertAlmostEqual(theory.gain_dasha_mvr(L, 3, 4, 2, 1.0), 2 * theory.gain_dasha(L, 3, 4), places=12)

    def test_joined(self):  # rho minimises B' / A'
        for p in (0.1, 0.5, 0.9):
            A, B = 0.05, 18.0
            best = np.divide(*theory.joined(A, B, p)[::-1])
            rho = np.linspace(1e-5, p * A / (1 - p) * 0.9999, 20001)
            scanned = np.min((p * B + (1 - p) * (1 + 1 / rho)) / (p * A - (1 - p) * rho))
            self.assertTrue(best <= scanned <= best * 1.001)

    def test_tight(self):  # the table
        for epsilon, step, rho in [(0.25, 0.606061, 0.884808), (0.5, 0.311951, 0.939368), (0.9, 0.047880, 0.990469)]:
            np.testing.assert_allclose(theory.tight(1.0, 0.1, 1 - epsilon), [step, rho], atol=5.1e-7)
        self.assertAlmostEqual(theory.tight(1.0, 0.1, 1.0)[0], 2 / 1.1, places=12)  # gd, and its rate
        self.assertAlmostEqual(theory.tight(1.0, 0.1, 1.0)[1], (0.9 / 1.1) ** 2, places=12)

    def test_tight_contraction(self):  # of the Lyapunov functions of EF and EF21 with one client and top-k
        draw = np.random.RandomState(9)
        mu, L, d, k = 0.1, 1.0, 6, 2
        H = np.linalg.qr(draw.randn(d, d))[0]
        H = H @ np.diag(np.linspace(mu, L, d)) @ H.T
        best, C, square = draw.randn(d), compressors.TopK(d, k), lambda v: v @ v
        epsilon = 1 - k / d
        step, rho = theory.tight(L, mu, k / d)
        grad = lambda x: H @ (x - best)
        x, e, values = np.zeros(d), np.zeros(d), []
        for t in range(200):
            values.append(square(x - best - e) + square(e) / math.sqrt(epsilon))
            said = C.compress(t, 0, e + step * grad(x))
            x, e = x - said, e + step * grad(x) - said
        self.assertTrue(all(b <= rho * a * (1 + 1e-9) for a, b in zip(values, values[1:]) if a > 1e-24))
        x, h, values = np.zeros(d), np.zeros(d), []
        for t in range(200):
            values.append(square(grad(x) - h) + math.sqrt(epsilon) * square(grad(x)))
            h = h + C.compress(t, 0, grad(x) - h)
            x = x - step * h
        self.assertTrue(all(b <= rho * a * (1 + 1e-9) for a, b in zip(values, values[1:]) if a > 1e-24))

    def test_promise(self):  # (1/T) sum |grad f|^2 <= 2 (f(x^0) - f*) / (gamma T) with the steps of `theory`
        problem = little("least-squares")
        low = problems.value_and_gradient(problem, points(problem, "gd", "theory", rounds=400)[-1])[0]
        bound = 2 * (problems.value_and_gradient(problem, problem.start())[0] - low)
        for method, downlink in [
                ("gd", None), ("gd", "ef21-p(top-k(2))"), ("gd", "marina-p(perm-k)"), ("gd", "marina-p(rand-k(3), shared=1)"),
                ("ef21-sgdm(top-k(2), eta=0.3)", None), ("ef21-sgd2m(top-k(2), eta=0.5)", None),
                ("ef21-pp(top-k(2), p=0.5)", None),
                ("ef21-bc(top-k(2), top-k(2))", None), ("ef-bv(rand-k(3))", None), ("dasha(rand-k(3))", None),
                ("econtrol(top-k(3))", None),
                ("dasha-page(rand-k(3), batch=2)", None), ("ef21(top-k(2))", "ef21-p(top-k(3))"),
                ("dasha(rand-k(3))", "ef21-p(top-k(3))"),
                ("diana(rand-k(3), init=exact)", "ef21-p(top-k(3))")]:
            gamma, rows, _, _ = assemble(problem, method, "theory", downlink)
            squares = [np.sum(problems.value_and_gradient(problem, x)[1] ** 2) for x, *_ in islice(rows, 100)]
            with self.subTest(method=method, downlink=downlink):
                self.assertTrue(0.05 * bound < gamma * sum(squares) <= bound, gamma * sum(squares) / bound)


if __name__ == "__main__":
    unittest.main()
