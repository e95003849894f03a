# SPDX-License-Identifier: Apache-2.0
"""Tests of aggregators.py and of its use in star methods: examples by hand, identities, known numbers.
self_test.py runs them."""
import math
import unittest

import numpy as np

import aggregators
import compressors
import problems
import rng
import spec as specs
import star
from successors_test import little, points, trace

ROUNDS = 30


def rule(text, seed=1):
    return aggregators.make_rule(specs.parse(text), seed)


def attack(text, n, seed=1):
    return aggregators.Attack(specs.parse(text), n, seed)


class RobustRules(unittest.TestCase):
    def same(self, found, expected, tolerance=1e-14):
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)

    def setUp(self):
        self.V = np.random.RandomState(5).randn(9, 4)

    def test_one_dimension(self):  # by hand
        V = np.array([[3.0], [0.0], [1.0], [100.0], [7.0]])
        for text, expected in [("mean", 22.2), ("median", 3), ("trimmed-mean(1)", 11 / 3), ("trimmed-mean(2)", 3)]:
            self.same(rule(text)(0, V), [expected])
        self.same(rule("median")(0, V[:4]), [2])  # of 0, 1, 3, 100
        self.same(rule("trimmed-mean(1)")(0, V[:4]), [2])
        self.assertRaises(ValueError, rule("trimmed-mean(2)"), 0, V[:4])

    def test_krum_by_hand(self):  # of 5 with f = 1: the two smallest squared distances
        V = np.array([[3.0], [0.0], [1.0], [100.0], [7.0]])
        self.same(aggregators.krum_scores(V, 1), [4 + 9, 1 + 9, 1 + 4, 93**2 + 97**2, 16 + 36])
        self.same(rule("krum(1)")(0, V), [1])
        self.same(rule("multi-krum(1, 2)")(0, V), [0.5])
        self.same(rule("multi-krum(1, 3)")(0, V), [4 / 3])
        tie = np.array([[4.0], [5], [0], [1], [9]])  # scores 1, 1, 1, 1, 16
        self.same(rule("krum(2)")(0, tie), [4])
        self.assertRaises(ValueError, rule("krum(3)"), 0, V)

    def test_rfa(self):
        line = np.array([[0.0], [0.0], [3.0]])  # z = 1, then weights 1, 1, 1/2: z = 3/5
        self.same(rule("rfa(steps=1)")(0, line), [0.6])
        self.same(rule("rfa(steps=0)")(0, line), [1])
        self.same(rule("rfa(steps=5, nu=100)")(0, self.V), self.V.mean(axis=0))  # nu above all distances: the mean
        z = rule("rfa(steps=2000)")(0, self.V)  # the geometric median: unit vectors towards the rows add up to 0
        away = self.V - z
        self.assertLess(np.abs((away / np.linalg.norm(away, axis=1)[:, None]).sum(axis=0)).max(), 1e-9)
        cross = np.array([[2.0, 0], [-1, 0], [0, 5], [0, -3]])  # the crossing of the diagonals
        self.same(rule("rfa(steps=2000)")(0, cross), [0, 0], 1e-9)

    def test_clip(self):
        V = np.array([[1.0], [2.0], [10.0]])
        remembers = rule("clip(3, steps=1)")
        self.same(remembers(0, V), [2])  # from 0: (1 + 2 + 3) / 3
        self.same(remembers(1, V), [2 + 2 / 3])  # from 2: (-1 + 0 + 3) / 3
        self.same(rule("clip(3, steps=2)")(0, V), [2 + 2 / 3])
        self.same(rule("clip(tau=1e9)")(0, self.V), self.V.mean(axis=0))
        self.same(rule("clip(5)")(0, 0 * V), [0])

    def test_bucketing(self):
        for t in range(5):
            order = rng.Stream(1, t, rng.EVERYONE, copy=2, purpose=rng.PERMUTATION)
            means = aggregators.bucket_means(self.V, 2, order)
            self.assertEqual(len(means), 5)
            self.same(means[:4].sum(axis=0) * 2 + means[4], self.V.sum(axis=0))  # the last has one row
            self.same(rule("bucketing(2, median)")(t, self.V), np.median(means, axis=0))
            self.same(rule("bucketing(1, median)")(t, self.V), np.median(self.V, axis=0))
            for text in ("mean", "median", "trimmed-mean(0)", "rfa", "clip(1e9)", "bucketing(1, median)"):
                self.same(rule(f"bucketing(9, {text})")(t, self.V), self.V.mean(axis=0))
            self.same(rule("bucketing(3, mean)")(t, self.V), self.V.mean(axis=0))
        said = [tuple(rule("bucketing(8, trimmed-mean(0))")(t, self.V)) for t in range(40)]
        self.assertEqual(len({tuple(np.round(each, 9)) for each in said}), 9)  # the bucket of one row is any row

    def test_symmetries(self):  # the order of the clients, a shift, a scale
        turned = self.V[np.random.RandomState(6).permutation(9)]
        for text in ("mean", "median", "trimmed-mean(2)", "krum(2)", "multi-krum(2, 3)", "rfa"):
            with self.subTest(rule=text):
                said = rule(text)(0, self.V)
                self.same(rule(text)(0, turned), said, 1e-12)
                self.same(rule(text)(0, 3 * self.V + 2), 3 * said + 2, 1e-12)

    def test_lies_far_away(self):  # 2 of 9 cannot move a rule further than the honest are from each other
        honest = self.V[:7]
        reach = max(np.linalg.norm(a - honest.mean(axis=0)) for a in honest)
        for text in ("median", "trimmed-mean(2)", "krum(2)", "multi-krum(2, 3)", "rfa(steps=60)"):
            said = rule(text)(0, np.vstack([honest, np.full((2, 4), 1e6)]))
            self.assertLess(np.linalg.norm(said - honest.mean(axis=0)), 1.5 * reach, text)


    def test_clipped(self):  # by hand
        V = np.array([[3.0, 4.0], [0.6, -0.8], [0, 0]])
        self.same(aggregators.clipped(V, 2.5), [[1.5, 2], [0.6, -0.8], [0, 0]])
        np.testing.assert_array_equal(aggregators.clipped(V, 5), V)


class Attacks(unittest.TestCase):
    def test_z(self):
        self.assertEqual(aggregators.hidden_z(10, 2), 0)
        self.assertAlmostEqual(aggregators.hidden_z(20, 5), 0.253347103, places=9)
        z = aggregators.hidden_z(25, 5)  # 20 honest, s = 8: Phi(z) = 12/20
        self.assertAlmostEqual((1 + math.erf(z / math.sqrt(2))) / 2, 0.6, places=12)

    def test_by_hand(self):
        V = np.array([[1.0, 0], [2, 4], [6, 2], [5, 5], [7, 9]])
        for text, lies in [("bit-flip(2)", [[-5, -5], [-7, -9]]), ("sign-flip(2)", [[-15, -15], [-21, -27]]),
                           ("sign-flip(2, 2)", [[-10, -10], [-14, -18]]), ("sign-flip(1, s=2)", [[5, 5], [-14, -18]]),
                           ("label-flip(2)", V[3:]), ("mimic(2)", [[1, 0]] * 2), ("ipm(2)", [[-0.3, -0.2]] * 2),
                           ("ipm(2, eps=2)", [[-6, -4]] * 2), ("alie(2, z=0)", [[3, 2]] * 2),
                           ("alie(2, z=1.5)", [[3 - 1.5 * math.sqrt(7), 2 - 1.5 * 2]] * 2)]:
            with self.subTest(attack=text):
                said = attack(text, 5).lie(0, V)
                np.testing.assert_allclose(said[3:], lies, rtol=1e-14)
                np.testing.assert_array_equal(said[:3], V[:3])
        for name in ("bit-flip", "alie", "ipm", "noise", "mimic"):
            np.testing.assert_array_equal(attack(f"{name}(0)", 5).lie(0, V), V)
        self.assertRaises(ValueError, attack, "mimic(5)", 5)

    def test_noise(self):  # a draw for each liar and round
        V, said = np.zeros((4, 500)), []
        for t in (0, 1):
            said += list(attack("noise(2, scale=3)", 4).lie(t, V)[2:])
        np.testing.assert_allclose(np.cov(said), 9 * np.eye(4), atol=1.5)
        np.testing.assert_array_equal(said[1][:6], 3 * rng.Stream(1, 0, 3, purpose=rng.LIE).normals(6))


class Robust(unittest.TestCase):
    """Star methods with rules and liars."""

    def same(self, found, expected, tolerance=1e-12):
        self.assertLess(np.abs(found - expected).max(), tolerance * max(1, np.abs(expected).max()))

    def setUp(self):
        self.problem = little(n=6)

    def runs(self, method, **more):
        return points(self.problem, method, rounds=ROUNDS, **more)

    def test_rules_that_are_the_mean(self):
        for method in ("gd", "dcgd(rand-k(3))", "diana(rand-k(3))", "diana(rand-k(3), init=exact)", "marina(rand-k(3))",
                       "ef21(top-k(2))", "ef21-hb(top-k(2))", "ef21-sgdm(top-k(2))", "ef21-pp(top-k(2), p=0.5)",
                       "ef-bv(rand-k(3))", "dasha(rand-k(3))", "dasha-page(rand-k(3), batch=2)",
                       "dasha-pp(rand-k(3), p=0.5)", "econtrol(top-k(3))", "ef(top-k(3))",
                       "vr-marina(rand-k(3), batch=2)"):
            plain = self.runs(method)
            for aggregator, byzantine in [("mean", None), ("trimmed-mean(0)", "alie(0, z=1)"),
                                          ("bucketing(6, rfa)", None),
                                          ("bucketing(3, mean)", "bit-flip(0)")]:
                with self.subTest(method=method, aggregator=aggregator):
                    self.same(self.runs(method, aggregator=aggregator, byzantine=byzantine), plain)

    def test_methods_that_are_gd(self):  # they attribute grad f_i(x) to client i
        for more in [{"aggregator": "median"}, {"aggregator": "clip(0.05)", "byzantine": "sign-flip(2)"},
                     {"aggregator": "bucketing(2, rfa)", "byzantine": "noise(1, scale=2)"},
                     {"aggregator": "krum(1)", "byzantine": "alie(1, z=1)"}, {"byzantine": "label-flip(2)"}]:
            gd = self.runs("gd", **more)
            self.assertGreater(np.abs(gd - self.runs("gd")).max(), 1e-3)
            for method in ("dcgd(rand-k(7))", "diana(identity)", "diana(identity, init=exact)", "ef21(identity)",
                           "ef-bv(identity)", "dasha(identity, a=0.3)", "dasha-page(identity, batch=2, p=1)",
                           "econtrol(identity)",
                           "ef(identity)", "marina(rand-k(3), p=1)", "vr-marina(rand-k(3), batch=2, p=1)"):
                with self.subTest(method=method, **more):
                    self.same(self.runs(method, **more), gd)

    def test_attacks_on_the_mean(self):  # written as gd with other steps or other clients
        first = problems.of_first(self.problem, 4)
        honest = lambda step: points(first, "gd", step, rounds=ROUNDS)
        for byzantine, step in [("alie(2, z=0)", 0.1), ("ipm(2)", 0.1 * (4 - 0.2) / 6),
                                ("ipm(2, eps=0.5)", 0.1 * 3 / 6), ("noise(2, scale=1e-14)", 0.1 * 4 / 6)]:
            self.same(self.runs("gd", byzantine=byzantine), honest(step))
        weights = np.array([3, 1, 1, 1]) / 6  # mimic: client 0 three times
        x, found = self.problem.start(), []
        for _ in range(ROUNDS + 1):
            found.append(x)
            x = x - 0.1 * sum(w * self.problem.gradient(i, x) for i, w in enumerate(weights))
        self.same(self.runs("gd", byzantine="mimic(2)"), np.array(found))
        self.same(self.runs("gd", byzantine="sign-flip(2, 1)"), self.runs("gd", byzantine="bit-flip(2)"))
        false = problems.with_false_labels(self.problem, 2)
        self.same(self.runs("gd", byzantine="label-flip(2)"), points(false, "gd", rounds=ROUNDS))

    def test_false_labels(self):
        false = problems.with_false_labels(self.problem, 2)
        x = np.linspace(-1, 1, 7)
        for i in range(6):  # log(1 + exp(-z)) - log(1 + exp(z)) = -z
            A, y = self.problem.shards[i]
            change = self.problem.value(i, x) - false.value(i, x)
            self.assertAlmostEqual(change, -np.mean(y * (A @ x)) if i >= 4 else 0, places=12)
        A, y = np.random.RandomState(2).randn(12, 3), np.array([5.0, 7, 8, 5, 7, 8, 5, 7, 8, 5, 7, 8])
        false = problems.with_false_labels(problems.Softmax(problems.split(A, y, 4)), 1)
        np.testing.assert_array_equal(np.concatenate([y for _, y in false.shards]), [5, 7, 8] * 3 + [8, 7, 5])

    def test_byz_vr_marina_written_out(self):  # v_i = g + Q(..), with the server's g
        problem, gamma, p, n = self.problem, 0.1, 0.3, 6
        Q = compressors.make_compressor(specs.parse("rand-k(3)"), 7, n, 1)
        x, before, found = problem.start(), None, []
        for t in range(ROUNDS + 1):
            V = []
            for i in range(n):
                stream = rng.Stream(1, t, i, purpose=rng.BATCH)
                rows = [stream.below(problem.rows(i)) for _ in range(2)]
                if t == 0 or rng.shared_coin(1, t, p):
                    V.append(problem.gradient(i, x))
                else:
                    V.append(g + Q.compress(t, i, problem.gradient(i, x, rows) - problem.gradient(i, before, rows)))
            V[4] = V[5] = -0.5 * np.mean(V[:4], axis=0)
            g = np.median(V, axis=0)
            found.append(x)
            before, x = x, x - gamma * g
        ours = self.runs(f"vr-marina(rand-k(3), batch=2, p={p})", aggregator="median", byzantine="ipm(2, eps=0.5)")
        self.same(ours, np.array(found))

    def test_clipping_written_out(self):  # after the lie; DIANA's v_i is clipped, and its memory is not
        Q, x, H, found = compressors.make_compressor(specs.parse("rand-k(3)"), 7, 6, 1), self.problem.start(), np.zeros((6, 7)), []
        for t in range(ROUNDS + 1):
            M = np.array([Q.compress(t, i, self.problem.gradient(i, x) - H[i]) for i in range(6)])
            V, H = H + M, H + 0.2 * M
            V[5] = -3 * V[5]
            V = np.array([v * min(1, 0.3 / np.linalg.norm(v)) for v in V])
            found.append(x)
            x = x - 0.1 * V.mean(axis=0)
        ours = self.runs("diana(rand-k(3), alpha=0.2)", clip_norm=0.3, byzantine="sign-flip(1)")
        self.same(ours, np.array(found))

    def test_memories_of_liars_are_honest(self):  # EF21 with the median, written out
        C, x, found = compressors.TopK(7, 2), self.problem.start(), []
        for t in range(ROUNDS + 1):
            S = np.array([self.problem.gradient(i, x) for i in range(6)])
            H = H + np.array([C.compress(t, i, S[i] - H[i]) for i in range(6)]) if t else S
            found.append(x)
            x = x - 0.1 * np.median(np.vstack([H[:4], -3 * H[4:]]), axis=0)
        self.same(self.runs("ef21(top-k(2))", aggregator="median", byzantine="sign-flip(2)"), np.array(found))

    def test_memory_and_weight(self):  # EF-BV: v_i = h_i + nu m_i with the memory before the message
        Q, lam, nu = compressors.make_compressor(specs.parse("rand-k(3)"), 7, 6, 1), 0.3, 0.6
        x, H, found = self.problem.start(), np.zeros((6, 7)), []
        for t in range(ROUNDS + 1):
            M = np.array([Q.compress(t, i, self.problem.gradient(i, x) - H[i]) for i in range(6)])
            V, H = H + nu * M, H + lam * M
            found.append(x)
            x = x - 0.1 * np.sort(np.vstack([V[:5], V[0]]), axis=0)[1:5].mean(axis=0)
        method = f"ef-bv(rand-k(3), lambda={lam}, nu={nu}, init=zero)"
        self.same(self.runs(method, aggregator="trimmed-mean(1)", byzantine="mimic(1)"), np.array(found))

    def test_costs(self):  # liars say as much, and compute only what their attack needs
        t, m = np.arange(ROUNDS + 1), 10
        for byzantine, share in [("bit-flip(2)", 1), ("sign-flip(2)", 1), ("label-flip(2)", 1), ("alie(2)", 4 / 6),
                                 ("ipm(2)", 4 / 6), ("noise(2, scale=1)", 4 / 6), ("mimic(2)", 4 / 6), ("mimic(0)", 1)]:
            _, up, down, calls = trace(self.problem, "ef21(top-k(2))", rounds=ROUNDS, byzantine=byzantine)
            np.testing.assert_allclose(up, 7 + 2 * t)
            np.testing.assert_allclose(down, 7 * t)
            np.testing.assert_allclose(calls, share * m * (t + 1))

    def test_honest_objective(self):
        clients = star.Clients(self.problem, compressors.f64, 1, byzantine=specs.parse("label-flip(2)"))
        x = np.linspace(-1, 1, 7)
        f, g = problems.value_and_gradient(clients.honest, x)
        self.assertAlmostEqual(f, np.mean([self.problem.value(i, x) for i in range(4)]), places=14)
        np.testing.assert_allclose(g, np.mean([self.problem.gradient(i, x) for i in range(4)], axis=0), atol=1e-15)
        A = np.vstack([A for A, _ in self.problem.shards[:4]])
        L = np.linalg.eigvalsh(A.T @ A / len(A))[-1] / 4 + 0.1
        self.assertAlmostEqual(clients.honest.constants()["L_minus"], L, places=12)

    def test_rules_resist(self):  # sign-flip drives the mean away from the honest solution
        far = lambda **more: np.linalg.norm(self.runs("gd", step=0.5, **more)[-1] - best)
        best = points(problems.of_first(self.problem, 5), "gd", 0.5, rounds=200)[-1]
        mean = far(byzantine="sign-flip(1, 9)")
        for aggregator in ("median", "trimmed-mean(1)", "krum(1)", "multi-krum(1, 3)", "rfa", "clip(0.3)",
                           "bucketing(2, median)"):
            self.assertLess(far(byzantine="sign-flip(1, 9)", aggregator=aggregator), mean / 3, aggregator)


if __name__ == "__main__":
    unittest.main()
