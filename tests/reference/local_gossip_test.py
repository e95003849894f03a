# SPDX-License-Identifier: Apache-2.0
"""Tests of gossip_successors.py and local_successors.py: methods that must agree, invariants, fixed points, traps,
costs. self_test.py runs them. States are read from the suspended generators."""
import math
import unittest
import unittest.mock
from itertools import islice

import numpy as np

import compressors
import gossip_successors
import local
import local_successors
import problems
import rng
import spec as specs
from successors_test import little

ROUNDS = 30


def exact(problem):
    return lambda i, x, t, k: problem.gradient(i, x)


def minibatches(problem, rows=3):
    return lambda i, x, t, k: problem.gradient(i, x, [rng.Stream(1, t, i, k, purpose=rng.BATCH).below(problem.rows(i)) for _ in range(rows)])


def mixing(topology, n, how="metropolis"):
    A = local.graphs(specs.parse(topology), n, 1)[0]
    return local.weights(how, A), A


def gossip(problem, method, eta=0.2, topology="ring", eta_s=1.0, how=None, gradient=None, net=None, wire=compressors.f64):
    """The generator of rows."""
    spec = specs.parse(method)
    make = lambda described, part: compressors.make_compressor(described, problem.d, problem.n, 1, wire, copy=part)
    W, A = net or mixing(topology, problem.n, how or gossip_successors.MIXING.get(spec.name, "metropolis"))
    return gossip_successors.make_method(spec, problem, gossip_successors.Network(W, A, make), eta, eta_s, gradient or exact(problem))


def star(problem, method, eta=0.2, eta_s=None, gradient=None, wire=compressors.f64, seed=1):
    spec = specs.parse(method)
    make = lambda described, at: compressors.make_compressor(described, problem.d, problem.n, seed, wire, step=at)
    eta_s = local_successors.OUTER.get(spec.name, 1.0) if eta_s is None else eta_s
    gradient = gradient or exact(problem)
    if local_successors.is_one(spec):
        return local_successors.make_method(spec, problem, make, eta, eta_s, gradient, seed)[1]
    return local.make_method(spec, problem, [np.eye(1)], wire, eta, eta_s, gradient, seed)[0]


def models(rows, rounds=ROUNDS):
    return np.array([row[0] for row in islice(rows, rounds + 1)])


def states(rows, rounds=ROUNDS):
    """The local variables of the generator behind `rows`, after each round."""
    for _ in islice(rows, rounds + 1):
        yield rows.gi_frame.f_locals


def with_shards(problem, order):
    return type(problem)([problem.shards[i] for i in order], problem.lam)


class Same(unittest.TestCase):
    def same(self, found, expected, tolerance=1e-12):
        found, expected = np.asarray(found), np.asarray(expected)
        self.assertEqual(found.shape, expected.shape)
        self.assertGreater(np.abs(expected[-1] - expected[0]).max(), 1e-3)  # the runs move
        self.assertLess(np.abs(found - expected).max(), tolerance * max(np.abs(expected).max(), 1))

    def zero(self, value, tolerance=1e-13):
        self.assertLess(np.abs(value).max(), tolerance)


class GossipIdentities(Same):
    def setUp(self):
        self.problem = little()

    def test_d_sgd(self):
        for gradient in (exact(self.problem), minibatches(self.problem)):
            for K, eta_s in ((1, 1.0), (3, 1.0), (3, 0.6)):
                W, _ = mixing("ring", 5)
                expected = models(local.d_sgd(self.problem, gradient, lambda t: W, compressors.f64, K, 0.2, eta_s))
                self.same(models(gossip(self.problem, f"d-sgd(steps={K}, compressor=identity)", eta_s=eta_s, gradient=gradient)), expected)
                if eta_s == 1:
                    self.same(models(gossip(self.problem, f"choco(identity, steps={K})", gradient=gradient)), expected)

    def test_choco_gossip(self):  # without steps: the nodes find their mean, through any compressor
        X = np.random.RandomState(2).randn(5, 7)
        W, A = mixing("ring", 5)
        make = lambda part: compressors.TopK(7, 3)
        net, X0 = gossip_successors.Network(W, A, None), X.copy()
        copies = gossip_successors.Copies(net, make(0), X)
        for t in range(1, 900):
            copies.tell(t, X)
            X = X + 0.2 * copies.difference()
        self.zero(X - X0.mean(axis=0), 1e-12)

    def test_tracking(self):
        W, _ = mixing("star", 5)
        wire, mix = compressors.f64, lambda t: W
        for gradient in (exact(self.problem), minibatches(self.problem)):
            run = lambda method, eta_s=1.0: models(gossip(self.problem, method, topology="star", eta_s=eta_s, gradient=gradient, eta=0.1))
            for average in (False, True):
                self.same(run(f"k-gt(steps=4, compressor=identity, init={'avg' if average else 'zero'})", 0.8),
                          models(local.k_gt(self.problem, gradient, mix, wire, 4, 0.1, 0.8, average)))
            self.same(run("gt(compressor=identity)"), models(local.gt(self.problem, gradient, mix, wire, 1, 0.1)))
            for sample in ("first", "last"):
                self.same(run(f"periodical-gt(steps=3, sample={sample}, compressor=identity)"),
                          models(local.gt(self.problem, gradient, mix, wire, 3, 0.1, sample == "first")))

    def test_one_step_of_tracking_through_copies(self):
        for C in ("top-k(3)", "c-rand-k(4)", "sign"):
            self.same(models(gossip(self.problem, f"gt(compressor={C}, gamma=0.3)")),
                      models(gossip(self.problem, f"k-gt(steps=1, compressor={C}, gamma=0.3)")))

    def test_beer(self):
        for C in ("identity", "top-k(3), gamma=0.3"):
            self.same(models(gossip(self.problem, f"motef({C}, lambda=1)")), models(gossip(self.problem, f"beer({C})")))
        W, _ = mixing("ring", 5)
        X = local.start(self.problem)
        G = V = local.stack(exact(self.problem), X, 0, 0)
        expected = [X]
        for t in range(ROUNDS):  # combine, then adapt; nothing is received in round 1
            X = (W if t else np.eye(5)) @ X - 0.2 * V
            before, G = G, local.stack(exact(self.problem), X, 0, 0)
            V = (W if t else np.eye(5)) @ V + G - before
            expected.append(X)
        self.same(models(gossip(self.problem, "beer(identity)")), expected)

    def test_exact_diffusion(self):
        for gradient in (exact(self.problem), minibatches(self.problem)):
            run = lambda method, how=None, rounds=ROUNDS: models(gossip(self.problem, method, how=how, gradient=gradient), rounds)
            d2 = run("d2")
            for alpha in (1, 0.3):
                self.same(run(f"lead(identity, alpha={alpha}, gamma=1)"), d2)
            self.same(run("led"), d2)
            self.same(run("lead(identity)"), d2)
            for how in ("metropolis", "lazy"):
                self.same(run("led(steps=1)", how), run("d2", how))
        nids = models(gossip(self.problem, "nids"), ROUNDS + 1)
        self.same(models(gossip(self.problem, "lead(identity, start=warm, alpha=0.4)")), nids[1:])
        self.zero(nids[1] - local.start(self.problem) + 0.2 * local.stack(exact(self.problem), local.start(self.problem), 0, 0))

    def test_relabelled_nodes(self):
        order = np.random.RandomState(4).permutation(6)
        problem = little(n=6)
        W, A = mixing("erdos-renyi(0.5)", 6)
        other = with_shards(problem, order)
        for method in ("choco(top-k(3), gamma=0.3, steps=2)", "beer(top-k(3), gamma=0.3)", "motef(top-k(3), gamma=0.3)",
                       "lead(top-k(3), gamma=0.3, alpha=0.3)", "d2", "nids", "led(steps=3)", "k-gt(steps=2, compressor=top-k(3), gamma=0.3)",
                       "periodical-gt(steps=2, compressor=top-k(3), gamma=0.3)"):
            with self.subTest(method=method):
                self.same(models(gossip(other, method, 0.1, net=(W[np.ix_(order, order)], A[np.ix_(order, order)]))),
                          models(gossip(problem, method, 0.1, net=(W, A)))[:, order], 1e-10)


class GossipInvariants(Same):
    def setUp(self):
        self.problem = little(n=6)

    def test_sums(self):
        for C in ("top-k(2)", "rand-k(5)", "sign", "qsgd(4)", "natural"):
            for wire in (compressors.f64, compressors.f32):
                tolerance = 1e-12
                run = lambda method, eta=0.1: states(gossip(self.problem, method, eta, "torus(2,3)", wire=wire, gradient=minibatches(self.problem)))
                for state in run(f"k-gt(steps=3, compressor={C}, gamma=0.2)"):
                    self.zero(state["c"].sum(axis=0), tolerance)
                for state in run(f"periodical-gt(steps=3, compressor={C}, gamma=0.2)"):
                    self.zero(state["c"].sum(axis=0), tolerance)
                for state in run(f"lead({C}, gamma=0.1, alpha=0.1)"):
                    self.zero(state["D"].sum(axis=0), 1e-11)
                    self.zero(state["Hw"] - state["net"].W @ state["H"], tolerance)
                for state in run(f"motef({C}, gamma=0.1, lambda=0.3)"):
                    self.zero(state["V"].mean(axis=0) - state["M"].mean(axis=0))
                    self.zero(state["H"].sum - state["net"].W @ state["H"].hat, tolerance)
        for wire in (compressors.f64, compressors.f32):
            for state in states(gossip(self.problem, "led(steps=3)", wire=wire, gradient=minibatches(self.problem))):
                self.zero(state["D"].sum(axis=0))

    def test_mean_moves_by_the_mean_gradient(self):
        """Whatever is heard. The gradients are recorded as they are asked for."""
        asked = []

        def recorded(i, x, t, k):
            asked.append(self.problem.gradient(i, x))
            return asked[-1]

        for method, eta_s in (("choco(top-k(2), gamma=0.3, steps=3)", 1), ("d-sgd(steps=2, compressor=sign, gamma=0.2)", 0.7),
                              ("k-gt(steps=3, compressor=top-k(2), gamma=0.3)", 0.8), ("gt(compressor=qsgd(4), gamma=0.3)", 1),
                              ("lead(top-k(3), gamma=0.3, alpha=0.3)", 1), ("led(steps=4)", 1), ("d2", 1)):
            with self.subTest(method=method):
                rows, last = gossip(self.problem, method, 0.1, eta_s=eta_s, gradient=recorded), None
                for row in islice(rows, ROUNDS):
                    if last is not None:
                        self.zero(row[0].mean(axis=0) - last + eta_s * 0.1 * np.sum(asked, axis=0) / 6)
                    last = row[0].mean(axis=0)
                    asked.clear()
        for state in states(gossip(self.problem, "beer(top-k(2), gamma=0.3)")):  # V tracks the mean gradient
            self.zero(state["V"].mean(axis=0) - np.mean([self.problem.gradient(i, x) for i, x in enumerate(state["X"])], axis=0))


def optimum(problem):
    """x* of a strongly convex problem, by Newton's method with differences."""
    x, mean = np.array(problem.start()), lambda x: problems.value_and_gradient(problem, x)[1]
    for _ in range(30):
        h = 1e-5
        J = np.array([(mean(x + h * e) - mean(x - h * e)) / (2 * h) for e in np.eye(problem.d)])
        x = x - np.linalg.solve(J, mean(x))
    return x, np.array([problem.gradient(i, x) for i in range(problem.n)])


class Limits(Same):
    """Exact methods end at x* with the states of the fixed point; the others do not."""

    def setUp(self):
        self.problem = little(n=6, lam=0.3, rows=36)
        self.x, self.G = optimum(self.problem)
        self.assertGreater(np.abs(self.G).max(), 0.05)  # the clients differ

    def last(self, rows, rounds=900):
        *_, state = states(rows, rounds)
        return state

    def test_gossip(self):
        for method, eta, rounds, name, target in (
                ("d2", 0.5, 120, None, None), ("nids", 0.5, 120, None, None), ("led(steps=4)", 0.2, 120, "D", -0.8 * self.G),
                ("lead(identity)", 0.5, 120, "D", -self.G), ("lead(qsgd(8))", 0.5, 150, "D", -self.G),
                ("lead(top-k(3), gamma=0.5, alpha=0.3)", 0.5, 300, "D", -self.G),
                ("beer(top-k(3), gamma=0.3)", 0.1, 600, "V", 0 * self.G), ("motef(top-k(3), gamma=0.3, lambda=0.3)", 0.1, 600, "M", self.G),
                ("gt(compressor=top-k(3), gamma=0.3)", 0.1, 600, "c", -self.G),
                ("k-gt(steps=3, compressor=c-rand-k(4), gamma=0.3)", 0.05, 600, "c", -self.G),
                ("periodical-gt(steps=3, compressor=top-k(4), gamma=0.3)", 0.05, 600, "c", -self.G)):
            with self.subTest(method=method):
                state = self.last(gossip(self.problem, method, eta), rounds)
                self.zero(state["X"] - self.x, 1e-8)
                if name:
                    self.zero(state[name] - target, 1e-7)
        state = self.last(gossip(self.problem, "choco(top-k(3), gamma=0.3)", 0.2), 200)
        self.assertGreater(np.abs(state["X"] - self.x).max(), 1e-2)

    def test_star(self):
        for method, eta, rounds, names in (("scaffnew(p=0.3)", 0.5, 80, ("H",)), ("scaffnew(steps=4)", 0.3, 80, ("H",)),
                                           ("scaffold(steps=4, vectors=1)", 0.3, 80, ("H",)),
                                           ("compressed-scaffnew(p=0.4, owners=2)", 0.5, 400, ("H",)),
                                           ("compressed-scaffnew(steps=3, owners=4)", 0.5, 400, ("H",))):
            with self.subTest(method=method):
                state = self.last(star(self.problem, method, eta), rounds)
                self.zero(state["x"] - self.x, 1e-9)
                self.zero(state["H"] - self.G, 1e-8)
        half = self.G - 0.15 * self.x
        for method in ("locodl(rand-k(3), p=0.4)", "locodl(natural, steps=3)", "locodl(qsgd(4), p=0.5)"):
            with self.subTest(method=method):
                state = self.last(star(self.problem, method, 0.5), 200)
                self.zero(state["y"] - self.x, 1e-8)
                self.zero(state["X"] - self.x, 1e-7)
                self.zero(state["U"] - half, 1e-7)
                self.zero(state["v"] - 0.15 * self.x, 1e-7)
        state = self.last(star(self.problem, "fedprox(steps=5, mu=0.5)", 0.3), 100)
        self.assertGreater(np.abs(state["x"] - self.x).max(), 1e-3)

    def test_ef21_of_models(self):
        """The limit is that without compression."""
        plain = self.last(star(self.problem, "local-sgd(steps=3)", 0.2), 150)["x"]
        self.zero(self.last(star(self.problem, "local-sgd(steps=3, compressor=ef21(top-k(3)))", 0.2), 400)["method"].gi_frame.f_locals["x"] - plain, 1e-7)

    def test_fednova_removes_the_bias_of_the_weights(self):
        nova = self.last(star(self.problem, "fednova(steps=1..5)", 0.05), 300)["x"]
        local_sgd = np.array(self.problem.start())
        for _ in range(300):
            moved = []
            for i in range(6):
                y = local_sgd
                for _ in range(1 + i % 5):
                    y = y - 0.05 * self.problem.gradient(i, y)
                moved.append(y - local_sgd)
            local_sgd = local_sgd + np.mean(moved, axis=0)
        gap = lambda x: np.linalg.norm(x - self.x)
        self.assertLess(10 * gap(nova), gap(local_sgd))
        self.assertGreater(gap(nova), 1e-5)  # the drift stays


class Traps(Same):
    def test_motef_from_momentum_zero(self):
        """With M^0 = 0 the method stops where mean g = -mean g(x^0)."""
        problem = little()
        W, _ = mixing("ring", 5)
        X = local.start(problem)
        g = lambda X: local.stack(exact(problem), X, 0, 0)
        V, M, first = g(X), 0 * X, g(X).mean(axis=0)
        for _ in range(400):
            X = W @ X - 0.2 * V
            before, M = M, 0.7 * M + 0.3 * g(X)
            V = W @ V + M - before
        self.zero(V.mean(axis=0) - M.mean(axis=0) - first)
        right = models(gossip(problem, "motef(identity, lambda=0.3)", 0.2), 400)[-1].mean(axis=0)
        self.assertLess(np.linalg.norm(problems.value_and_gradient(problem, right)[1]), 1e-6)
        self.assertGreater(np.linalg.norm(g(X).mean(axis=0)), 0.5 * np.linalg.norm(first))

    def test_least_eigenvalue(self):
        self.assertAlmostEqual(np.linalg.eigvalsh(mixing("ring", 10)[0])[0], -1 / 3, places=12)
        self.assertAlmostEqual(np.linalg.eigvalsh(mixing("torus(4,4)", 16)[0])[0], -0.6, places=12)
        problem = little(n=16, rows=64)
        self.assertGreater(np.abs(models(gossip(problem, "d2", 0.2, "torus(4,4)", how="metropolis"), 150)[-1]).max(), 1e10)
        self.assertLess(np.abs(models(gossip(problem, "d2", 0.2, "torus(4,4)"), 150)[-1]).max(), 10)

    def test_copies_need_a_contraction(self):
        """The copies of an unbiased compressor with omega >= 1 grow, unless its messages are scaled."""
        problem = little()
        far = lambda C: np.abs(models(gossip(problem, f"choco({C}, gamma=0.3)"), 200)[-1]).max()
        with np.errstate(all="ignore"), unittest.mock.patch("gossip_successors.contraction", lambda C: 1.0):
            self.assertFalse(far("rand-k(1)") < 1e6)
        self.assertLess(far("rand-k(1)"), 10)
        self.assertLess(far("c-rand-k(1)"), 10)

    def test_one_owner_is_refused_by_the_formula(self):  # eta = 0: h never moves
        problem = little(n=6)
        *_, state = states(star(problem, "compressed-scaffnew(steps=2, owners=1)"), 10)
        self.zero(state["H"])


class StarIdentities(Same):
    def setUp(self):
        self.problem = little()
        self.asks = exact(self.problem), minibatches(self.problem)

    def test_scaffold(self):
        W, f64 = mixing("complete", 5)[0], compressors.f64
        for gradient in self.asks:
            run = lambda method, eta_s=1.0: models(star(self.problem, method, 0.2, eta_s, gradient))
            scaffold = lambda eta_s: models(local.scaffold(self.problem, gradient, f64, 4, 0.2, eta_s))[:, 0]
            self.same(run("scaffnew(steps=4)"), scaffold(1.0))
            self.same(run("scaffold(steps=4, vectors=1)"), scaffold(1.0))
            self.same(run("scaffold(steps=4, vectors=1)", 0.6), scaffold(0.6))
            self.same(run("scaffnew(steps=4)"), models(local.k_gt(self.problem, gradient, lambda t: W, f64, 4, 0.2, 1.0))[:, 0])
            self.same(run("compressed-scaffnew(steps=4, owners=5)"), run("scaffnew(steps=4)"))
            self.same(run("compressed-scaffnew(p=0.4, owners=5)"), run("scaffnew(p=0.4)"))
            self.same(run("scaffnew(p=1)"), run("local-sgd")[:, 0])  # a step a round

    def test_full_form_of_scaffnew(self):  # x+ = mean(y - (gamma/q) h)
        q, gamma, x, H, expected = 0.3, 0.2, np.array(self.problem.start()), np.zeros((5, 7)), []
        for t in range(1, ROUNDS + 2):
            expected.append(x)
            Y = np.array([x] * 5)
            for k in range(local_successors.local_steps(1, t, q)):
                Y = Y - gamma * (local.stack(exact(self.problem), Y, t, k) - H)
            x = np.mean(Y - gamma / q * H, axis=0)
            H = H + q / gamma * (x - Y)
        self.same(models(star(self.problem, f"scaffnew(p={q})", gamma)), expected)

    def test_locodl(self):
        """With identity: Scaffnew of n + 1 clients with the weights 1/(2n) and, for g, 1/2."""
        n, lam, q, gamma = 5, 0.1, 0.4, 0.2
        Y, H, expected = np.array([self.problem.start()] * (n + 1)), np.zeros((n + 1, 7)), []
        share = np.array([1 / (2 * n)] * n + [0.5])
        for t in range(1, ROUNDS + 2):
            expected.append(Y[-1])
            for k in range(local_successors.local_steps(1, t, q)):
                G = np.array([self.problem.gradient(i, Y[i]) - lam / 2 * Y[i] for i in range(n)] + [lam / 2 * Y[n]])
                Y = Y - gamma * (G - H)
            x = share @ Y
            H = H + q / gamma * (x - Y)
            Y = np.array([x] * (n + 1))
        self.same(models(star(self.problem, f"locodl(identity, p={q})", gamma)), expected)

    def test_local_sgd(self):
        for gradient in self.asks:
            run = lambda method, eta_s=None: models(star(self.problem, method, 0.1, eta_s, gradient))
            plain = models(star(self.problem, "local-sgd(steps=4)", 0.1, gradient=gradient))[:, 0]
            for method in ("fedprox(steps=4, mu=0)", "fednova(steps=4)", "local-sgd(steps=4, compressor=identity)",
                           "local-sgd(steps=4, compressor=ef(identity))", "local-sgd(steps=4, compressor=ef(identity, decay=0.5))",
                           "local-sgd(steps=4, compressor=ef21(identity))", "fedavg(steps=4, compressor=rand-k(7))",
                           *(f"sparseloco(steps=4, keep=7, chunk={chunk}, decay={decay}, bits=32, inner=sgd)" for chunk, decay in
                             ((7, 1), (3, 1), (4096, 0.5))),
                           "sparseloco(steps=4, bits=32, average=senders, inner=sgd)"):
                with self.subTest(method=method):
                    self.same(run(method), plain)
            sampled = models(star(self.problem, "fedavg(steps=4, sample=2)", 0.1, gradient=gradient))[:, 0]
            self.same(run("fedprox(steps=4, mu=0, sample=2)"), sampled)
            self.same(run("fedavg(steps=4, sample=2, compressor=identity)"), sampled)
            self.same(run("fedadam(steps=3, compressor=identity)"), models(star(self.problem, "fedadam(steps=3)", 0.1, 0.1, gradient))[:, 0])
            self.same(run("fedprox(steps=1, mu=9)"), models(star(self.problem, "local-sgd", 0.1, gradient=gradient))[:, 0])

    def test_diloco(self):
        for gradient in self.asks:
            for weight_decay in (0, 0.1):
                rest = f"steps=4, weight-decay={weight_decay}, outer-momentum=0.8, beta2=0.99"
                plain = models(star(self.problem, f"diloco({rest})", 0.02, 0.6, gradient))[:, 0]
                for method in (f"streaming-diloco({rest}, fragments=1, delay=0, mix=0)", f"muloco({rest}, adamw-step=0.02)",
                               f"diloco({rest}, compressor=identity)", f"diloco({rest}, compressor=ef21(identity))"):
                    with self.subTest(method=method):
                        self.same(models(star(self.problem, method, 0.02, 0.6, gradient)), plain)

    def test_streaming_says_d_a_round(self):
        for tau in (0, 3):
            rows = star(self.problem, f"streaming-diloco(steps=5, fragments=4, delay={tau})", 0.02)
            floats = [row[1] for row in islice(rows, 6)]
            np.testing.assert_allclose(floats, 7.0 * np.arange(6))

    def test_streaming_delay(self):
        """One fragment said in the last step of a round, applied tau steps later: the first rounds by hand."""
        inner = local_successors.AdamW(0.02, 0.9, 0.999, 0.1)
        H, tau, mix, lr, mu = 4, 2, 0.25, 0.7, 0.9
        x, Y, b, expected = np.array(self.problem.start()), None, 0, []
        Y = np.array([x] * 5)
        for s in range(1, 4 * H + 1):
            Y = inner.step(Y, local.stack(exact(self.problem), Y, 0, 0))
            if s % H == 0:
                D = x - Y.mean(axis=0)
            if s > H and s % H == tau:
                b = mu * b + D
                x = x - lr * (D + mu * b)
                Y = mix * Y + (1 - mix) * x
            if s % H == 0:
                expected.append(x)
        found = models(star(self.problem, f"streaming-diloco(steps={H}, fragments=1, delay={tau}, mix={mix})", 0.02), 4)
        self.same(found[1:], expected)
        np.testing.assert_array_equal(found[0], found[1])  # nothing has come back yet

    def test_demo_that_keeps_all(self):
        """delta is sent whole, so that the method is the descent by signs of the mean gradient."""
        x, expected = np.array(self.problem.start()), []
        for _ in range(ROUNDS + 1):
            expected.append(x)
            x = x * (1 - 0.01 * 0.5) - 0.01 * np.sign(problems.value_and_gradient(self.problem, x)[1])
        for more in ("keep=7", "keep=1, chunk=1", "chunk=7, decay=0.2"):
            self.same(models(star(self.problem, f"demo({more}, weight-decay=0.5)", 0.01)), expected)


class StarInvariants(Same):
    def test_sums(self):
        problem = little(n=6)
        for wire in (compressors.f64, compressors.f32):
            run = lambda method: states(star(problem, method, 0.2, wire=wire, gradient=minibatches(problem)))
            for method in ("scaffnew(p=0.3)", "scaffold(steps=3, vectors=1)", "compressed-scaffnew(p=0.4)", "compressed-scaffnew(steps=3, owners=5)"):
                for state in run(method):
                    self.zero(state["H"].sum(axis=0), 1e-12)
            for C in ("rand-k(3)", "natural", "qsgd(2)"):
                for state in run(f"locodl({C}, p=0.4)"):
                    self.zero(state["U"].mean(axis=0) + state["v"], 1e-12)

    def test_owners(self):
        for n, d, s in ((6, 23, 2), (7, 7, 3), (5, 3, 5), (9, 4, 2)):
            masks = [local_successors.owners(3, t, n, d, s) for t in range(1, 200)]
            for mask in masks:
                np.testing.assert_array_equal(mask.sum(axis=0), s)
                self.assertLessEqual(np.ptp(mask.sum(axis=1)), 1)
            np.testing.assert_allclose(np.mean(masks, axis=0), s / n, atol=0.15)

    def test_local_steps(self):
        for q in (1.0, 0.5, 0.1):
            drawn = [local_successors.local_steps(2, t, q) for t in range(1, 3000)]
            self.assertGreaterEqual(min(drawn), 1)
            self.assertAlmostEqual(np.mean(drawn) * q, 1, delta=0.06)

    def test_memories(self):
        """Without decay, what a client has not said yet is in its memory."""
        problem, C = little(), compressors.TopK(7, 2)
        for described, keeps in (("ef(top-k(2))", True), ("ef21(top-k(2))", False)):
            up = local_successors.make_uplink(problem, specs.parse(described), lambda spec, at: C)
            draw, said, wanted = np.random.RandomState(5), 0, 0
            for t in range(1, 30):
                v = draw.randn(7)
                m = up.say(t, 2, v)
                said, wanted = said + m, wanted + v
                if keeps:
                    self.zero(said + up.kept[2] - wanted, 1e-12)
                else:
                    np.testing.assert_array_equal(m, up.kept[2])
            v = draw.randn(7)
            for t in range(30, 40):
                m = up.say(t, 2, v)
            if not keeps:
                self.zero(m - v)  # what stands still is known after ceil(d/K) messages

    def test_memory_of_sparseloco(self):
        problem = little()
        rows, due, said = star(problem, "sparseloco(steps=3, keep=2, chunk=4, decay=1, inner=sgd)", 0.1), 0, 0
        for state in states(rows):
            if "M" in state:
                due, said = due + (state["x"] + state["M"].mean(axis=0) - state["Y"]), said + state["M"]
                self.zero(due - said - state["E"], 1e-12)  # the memories have what the 2-bit messages did not say

    def test_fednova_weights(self):
        """|a|_1 is how far heavy ball goes in a constant unit gradient."""
        for tau in (1, 2, 7):
            for b in (0.0, 0.5, 0.9):
                y, m = 0.0, 0.0
                for _ in range(tau):
                    m = b * m + 1
                    y += m
                self.assertAlmostEqual((tau - b * (1 - b**tau) / (1 - b)) / (1 - b), y, places=12)


class Pieces(Same):
    def test_ns5(self):
        draw = np.random.RandomState(6)
        for r, c in ((4, 7), (7, 4), (5, 5), (1, 3)):
            G = draw.randn(r, c)
            U, S, V = np.linalg.svd(G, full_matrices=False)
            s = S / (np.linalg.norm(S) + 1e-7)
            for _ in range(5):
                s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
            self.zero(local_successors.ns5(G) - U @ np.diag(s) @ V, 1e-11)
            self.assertTrue(np.all((s > 0.6) & (s < 1.3)) or S[-1] < 0.02 * S[0])
        self.zero(local_successors.ns5(np.zeros((2, 3))))

    def test_muon(self):
        """One step from zero moments: u = (1 - b)(1 + b) g, and NS5 forgets the length; the matrix is 4 x 2."""
        inner = local_successors.Muon([(1, 4, 2)], 0.1, 0.9, 0.5, local_successors.Sgd(0.3))
        G, Y = np.random.RandomState(7).randn(1, 10), np.ones((1, 10))
        out = inner.step(Y, G)
        O = local_successors.ns5(G[0, 1:9].reshape(4, 2)).ravel()
        np.testing.assert_allclose(out[0, 1:9], 0.95 - 0.1 * math.sqrt(2) * O, atol=1e-6)
        np.testing.assert_allclose(out[0, [0, 9]], 1 - 0.3 * G[0, [0, 9]])

    def test_dct(self):
        for n in (1, 5, 8):
            C = local_successors.dct(n)
            self.zero(C @ C.T - np.eye(n), 1e-13)
        self.zero(local_successors.dct(8) @ np.ones(8) - [math.sqrt(8)] + math.sqrt(8) * (np.arange(8) > 0), 1e-13)
        self.assertEqual([local_successors.largest_divisor(n, 64) for n in (123, 67, 64, 128, 7850)], [41, 1, 64, 64, 50])

    def test_two_bits(self):
        v = np.random.RandomState(8).randn(64)
        out = local_successors.two_bits(v)
        self.assertLessEqual(len(np.unique(out)), 4)
        self.assertAlmostEqual(out.mean(), v.mean(), places=12)
        self.assertLess(np.sum((out - v) ** 2), 0.4 * np.sum(v**2))
        np.testing.assert_array_equal(local_successors.two_bits(np.array([3.0])), [3.0])
        np.testing.assert_array_equal(local_successors.two_bits(np.array([2.0, 2.0])), [2.0, 2.0])

    def test_chunks_cover(self):
        mlp = problems.Mlp([(np.random.RandomState(1).randn(9, 7), np.arange(9) % 3)], [6])
        self.assertEqual([t.shape for t in local_successors.tensors(mlp)], [(6, 7), (6,), (3, 6), (3,)])
        for chunk in (1, 4, 9, 4096):
            at = np.concatenate([c for t in local_successors.tensors(mlp) for c in local_successors.chunks(t, chunk)])
            self.assertEqual(sorted(at), list(range(mlp.d)))

    def test_mlp(self):
        draw = np.random.RandomState(9)
        for activation in ("tanh", "relu"):
            mlp = problems.Mlp([(draw.randn(9, 4), np.arange(9) % 3)], [5, 6], activation, 0.1)
            x = mlp.start() + 0.1 * draw.randn(mlp.d)
            g, h = mlp.gradient(0, x), 1e-6
            found = [(mlp.value(0, x + h * e) - mlp.value(0, x - h * e)) / (2 * h) for e in np.eye(mlp.d)]
            np.testing.assert_allclose(found, g, atol=1e-8)

    def test_messages(self):
        """The examples of docs/wire_format.md."""
        stream, f32, f64 = lambda round, i: rng.Stream(1, round, i), compressors.f32, compressors.f64
        x, y = np.zeros(100), np.zeros(40)
        x[[3, 50, 51]], y[[5, 27]] = (5, -6, 7), (3, -4)
        self.assertEqual(compressors.gap_bits([3, 50, 51], 100), 17)
        for C, vector, said, size in ((compressors.TopK(100, 3, f32), x, x, 19), (compressors.TopK(10, 6, f32), np.arange(1.0, 11), None, 27),
                                      (compressors.Qsgd(4, 5, stream, f32), np.array([3.0, -4, 0, 0]), [3, -4, 0, 0], 10),
                                      (compressors.Qsgd(40, 5, stream, f32), y, y, 15),
                                      (compressors.Natural(4, stream, f32), np.array([1, -2, 0.5, 0]), [1, -2, 0.5, 0], 6),
                                      (compressors.Natural(3, stream, f64), np.array([1, -2, 0.5]), [1, -2, 0.5], 6),
                                      (compressors.Sign(5, f32), np.array([1.0, -2, 3, 0, -4]), [2, -2, 2, 2, -2], 6)):
            told, _, bits = C.message(2, 3, vector)
            self.assertEqual(bits, 8 * size)
            if said is not None:
                np.testing.assert_array_equal(told, said)

    def test_rounding_is_unbiased(self):
        stream, z = lambda round, i: rng.Stream(1, round, i), np.random.RandomState(0).randn(19)
        for wire in (compressors.f32, compressors.f64):
            for C in (compressors.Natural(19, stream, wire), compressors.Qsgd(19, 3, stream, wire)):
                told = np.array([C.compress(t, 0, z) for t in range(800)])
                np.testing.assert_allclose(told.mean(axis=0), z, atol=0.08)
                self.assertLess(np.mean(np.sum((told - z) ** 2, axis=1)), 1.05 * C.omega * (z @ z))


class Charges(Same):
    """The table of the spec: values on each directed edge, or up, in a round."""

    def test_gossip(self):
        problem = little()
        for method, edge, calls, first in (("choco(top-k(3), gamma=0.2, steps=4)", 3, 4, 0), ("beer(top-k(3), gamma=0.2)", 6, 1, 1),
                                           ("motef(rand-k(2), gamma=0.1)", 4, 1, 1), ("lead(top-k(2), gamma=0.2)", 2, 1, 0),
                                           ("lead(top-k(2), gamma=0.2, start=warm)", 2, 1, 1), ("d2", 7, 1, 0), ("led(steps=3)", 7, 3, 0),
                                           ("k-gt(steps=2, compressor=top-k(2), gamma=0.2)", 4, 2, 0), ("gt(compressor=top-k(2), gamma=0.2)", 4, 1, 0)):
            with self.subTest(method=method):
                _, floats, _, asked = zip(*islice(gossip(problem, method), 5))
                np.testing.assert_allclose(floats, 2 * edge * np.arange(5))
                np.testing.assert_allclose(asked, first + calls * np.arange(5))
        self.assertEqual([row[1] for row in islice(gossip(problem, "nids"), 4)], [0, 0, 14, 28])
        self.assertEqual([row[1] for row in islice(gossip(problem, "k-gt(compressor=top-k(2), gamma=0.2, init=avg)"), 3)], [7, 15, 23])

    def test_star(self):
        problem = little()
        for method, up, calls in (("scaffnew(steps=3)", 7, 3), ("compressed-scaffnew(steps=3, owners=2)", 14 / 5, 3),
                                  ("locodl(rand-k(2), steps=2)", 2, 2), ("scaffold(steps=3, vectors=1)", 7, 3),
                                  ("fedprox(steps=2, sample=2)", 14 / 5, 4 / 5), ("fednova(steps=1..3)", 7, 9 / 5),
                                  ("local-sgd(steps=2, compressor=top-k(3))", 3, 2), ("local-sgd(momentum=0.5, compressor=top-k(3))", 6, 1),
                                  ("sparseloco(steps=2, keep=1, chunk=4, bits=32)", 2, 2),
                                  ("sparseloco(steps=2, keep=1, chunk=4)", 2 * 2 / 64 + 5, 2)):
            with self.subTest(method=method):
                _, floats, _, asked = zip(*islice(star(problem, method, 0.1), 5))
                np.testing.assert_allclose(floats, up * np.arange(5))
                np.testing.assert_allclose(asked, calls * np.arange(5))
        _, floats, _, asked = zip(*islice(star(problem, "demo(keep=3)", 0.01), 4))  # a star method: row 0 has its gradient
        np.testing.assert_allclose([floats, asked], [[3, 6, 9, 12], [1, 2, 3, 4]])


if __name__ == "__main__":
    unittest.main()
