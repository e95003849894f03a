# SPDX-License-Identifier: Apache-2.0
"""Tests of aggregators.py: examples by hand, identities, known numbers. self_test.py runs them."""
import math
import unittest

import numpy as np

import aggregators
import rng
import spec as specs

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


if __name__ == "__main__":
    unittest.main()
