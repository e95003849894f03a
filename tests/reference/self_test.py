# SPDX-License-Identifier: Apache-2.0
"""Tests of the reference by independent facts: finite differences, closed forms, known answers,
identities."""
import math
import os
import sys
import tempfile
import unittest
from itertools import islice

try:
    import numpy as np
except ImportError:
    print("skipped: this Python has no NumPy (Debian: python3-numpy)")
    sys.exit(77)

import compressors
import methods
import problems
import rng
import sets
import spec as specs
from aggregators_test import Attacks, Robust, RobustRules
from local_gossip_test import (Charges, GossipIdentities, GossipInvariants, Limits, Pieces, StarIdentities, StarInvariants,
                               Traps)
from successors_test import Convergence, Costs, Expectations, Identities, Invariants, Rules, Steps


class Philox(unittest.TestCase):
    def test_known_answers(self):  # of the Random123 distribution
        for counter, key, out in [
            ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
            ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
            ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
        ]:
            words = lambda text: tuple(int(w, 16) for w in text.split())
            self.assertEqual(rng.philox4x32(words(counter), words(key)), words(out))

    def test_draws(self):
        coins = [rng.shared_coin(5, t, 0.3) for t in range(2000)]
        self.assertAlmostEqual(np.mean(coins), 0.3, delta=0.05)
        stream = rng.Stream(5)
        self.assertEqual({stream.below(7) for _ in range(300)}, set(range(7)))


class Supports(unittest.TestCase):
    def test_subsets_are_uniform(self):
        for k in (2, 5):  # of 7: one is drawn directly, the other by its complement
            times = np.zeros(7)
            for t in range(3500):
                support = rng.rand_k_support(1, t, 0, k, 7)
                self.assertEqual((len(set(support)), support), (k, sorted(support)))
                times[support] += 1
            np.testing.assert_allclose(times, 500 * k, rtol=0.12)

    def test_deals_cover(self):
        for d, n in [(12, 4), (13, 4), (5, 5), (1, 1)]:
            blocks = [rng.perm_k_support(1, 3, i, d, n) for i in range(n)]
            self.assertEqual(sorted(sum(blocks, [])), list(range(d)))
            self.assertLessEqual(max(map(len, blocks)) - min(map(len, blocks)), 1)
        times = np.bincount([rng.perm_k_support(1, 3, i, 4, 14)[0] for i in range(14)])
        self.assertEqual(sorted(times), [3, 3, 4, 4])

    def test_perm_k_variance(self):  # the AB inequality is an equality
        for d, n, k in [(7, 3, None), (4, 10, None), (3, 6, None), (7, 3, 1), (8, 2, 3), (3, 6, 1)]:
            a = np.random.RandomState(6).randn(n, d)
            Q = compressors.PermK(d, n, lambda t, i: rng.perm_k_support(2, t, i, d, n, k), k=k)
            errors = [np.mean([Q.compress(t, i, a[i]) for i in range(n)], axis=0) - a.mean(axis=0) for t in range(4000)]
            exact = Q.A * np.mean(np.sum(a**2, axis=1)) - Q.B * np.sum(a.mean(axis=0) ** 2)
            self.assertAlmostEqual(np.mean(np.sum(np.square(errors), axis=1)) / exact, 1, delta=0.06)
            np.testing.assert_allclose(np.mean(errors, axis=0), 0, atol=0.06 * math.sqrt(Q.A))


class Specs(unittest.TestCase):
    def test_parse(self):
        for text in ("gd", "marina(rand-k(10), p=0.1)", "logistic(/tmp/a_1.gz, lambda=0.1, reg=nonconvex)"):
            self.assertEqual(repr(specs.parse(text)), text)
        self.assertEqual(specs.count_of(specs.Spec("1%"), 1001), 11)
        self.assertEqual(specs.count_of(specs.Spec("25%"), 12), 3)


class Data(unittest.TestCase):
    def test_made_files(self):
        with tempfile.TemporaryDirectory() as folder:
            made = sets.make(folder)
            A, y = problems.read_libsvm(made["odd"])
            self.assertEqual((A.shape, set(y)), ((203, 23), {1.0, 2.0}))
            self.assertTrue(np.all(A[0] == 0) and np.any(A[1]))
            images = [os.path.join(folder, f"train-{k}-ubyte.gz") for k in ("images-idx3", "labels-idx1")]
            A, y = problems.read_images(*images, 50)
            self.assertEqual((A.shape, len(y)), ((50, 30), 50))
            self.assertLessEqual(A.max(), 1)

    def test_split(self):
        A, y = np.arange(11.0)[:, None], np.array([2, 1, 2, 1, 1, 2, 1, 2, 1, 1, 2.0])
        self.assertEqual([list(a.ravel()) for a, _ in problems.split(A, y, 2)], [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]])
        self.assertEqual([list(a.ravel()) for a, _ in problems.split(A, y, 2, "by-label")],
                         [[1, 3, 4, 6, 8], [9, 0, 2, 5, 7]])
        parts = [list(a.ravel()) for a, _ in problems.split(A, y, 4, "shuffled")]
        self.assertEqual(len(set(sum(parts, []))), 8)
        for p in (0, 0.4, 1):
            chosen = [list(a.ravel()) for a, _ in problems.split(A, y, 3, f"overlap({p})")]
            self.assertTrue(all(rows in (parts[0], parts[i + 1]) for i, rows in enumerate(chosen)))
            self.assertIn(chosen.count(parts[0]), {0: [0], 1: [3]}.get(p, [0, 1, 2, 3]))
        self.assertEqual([list(a.ravel()) for a, _ in problems.split(A, y, 3, "homogeneous")], 3 * [parts[0]])


def little(name, reg="l2"):
    draw = np.random.RandomState(3)
    y = draw.randint(0, 4, 40).astype(float)
    y = {"softmax": y, "least-squares": draw.randn(40)}.get(name, np.where(y > 1, 1.0, -1.0))
    return problems.LINEAR[name](problems.split(draw.randn(40, 6), y, 4), 0.1, reg)


def all_problems():
    return [little(name, reg) for name in problems.LINEAR for reg in ("l2", "nonconvex")] + [problems.Quadratic(5, 12, 0.8)]


def little_autoencoder():
    A = np.random.RandomState(3).randn(40, 6)
    return problems.Autoencoder(problems.split(A, np.zeros(40), 4), 2)


class Problems(unittest.TestCase):
    def test_gradients_are_derivatives(self):
        for problem in all_problems() + [little_autoencoder()]:
            x, e = np.random.RandomState(4).randn(problem.d), 1e-6
            differences = [(problem.value(1, x + e * u) - problem.value(1, x - e * u)) / (2 * e) for u in np.eye(problem.d)]
            np.testing.assert_allclose(problem.gradient(1, x), differences, atol=2e-8)

    def test_constants_bound_gradient_differences(self):
        draw = np.random.RandomState(5)
        for problem in all_problems():
            L = problem.constants()
            for scale in (1e-3, 1, 10):
                x = draw.randn(problem.d)
                y = x + scale * draw.randn(problem.d)
                apart = [problem.gradient(i, x) - problem.gradient(i, y) for i in range(problem.n)]
                mean, of_mean = np.mean([a @ a for a in apart]), sum(apart) / problem.n
                squares = np.array([of_mean @ of_mean, mean, mean - of_mean @ of_mean])
                bound = np.array([L["L_minus"], L["L_plus"], L["L_pm"]]) * np.linalg.norm(x - y)
                self.assertTrue(np.all(squares <= bound**2 * (1 + 1e-9) + 1e-15), problem)

    def test_extreme_margins(self):
        for name in ("logistic", "nonconvex", "softmax"):
            problem = little(name)
            x = 1e5 * np.ones(problem.d) * np.arange(problem.d)
            self.assertTrue(np.all(np.isfinite(problem.gradient(0, x))) and np.isfinite(problem.value(0, x)))

    def test_nonconvex_curvature(self):
        s = np.linspace(0, 1, 1000001)
        most = np.max(s**2 * (1 - s) * (4 - 6 * s))
        self.assertTrue(most <= problems.Nonconvex.curvature <= most + 5e-8)

    def test_quadratic_closed_forms(self):
        self.assertEqual(np.random.RandomState(12345).randn(), -0.20470765948471295)

        def closed(n, d, s, lam=1e-6):
            draw = np.random.RandomState(12345)
            nu = 1 + s * draw.randn(n, 2)[:, 0]
            c = math.cos(math.pi / (d + 1))
            ends, shift = np.array([2 - 2 * c, 2 + 2 * c]), lam - nu.mean() / 4 * (2 - 2 * c)
            eigenvalues = nu[:, None] / 4 * ends + shift
            return {"L_minus": lam + nu.mean() * c, "L_pm": nu.std() * (1 + c) / 2,
                    "L_plus": math.sqrt(np.mean(eigenvalues**2, axis=0).max()),
                    "L_max": np.abs(eigenvalues).max()}

        dense, formula = problems.Quadratic(10, 40, 0.8).constants(), closed(10, 40, 0.8)
        for name, value in formula.items():
            self.assertAlmostEqual(dense[name], value, delta=1e-9)
        for n, s, published in [(10, 6.4, (3.8199, 7.1689, 8.1231)), (100, 1.6, (0.9425, 1.6454, 1.8962))]:
            formula = closed(n, 1000, s)
            np.testing.assert_allclose([formula[k] for k in ("L_minus", "L_pm", "L_plus")], published, atol=5.1e-5)


def points(generator, rounds):
    return [x for x, _ in islice(generator, rounds + 1)]


class Methods(unittest.TestCase):
    def test_gd_descends(self):
        for problem in all_problems():
            steps = methods.dcgd(problem, compressors.Identity(problem.d), methods.step_gd(problem.constants()))
            f = [problems.value_and_gradient(problem, x)[0] for x in points(steps, 30)]
            self.assertTrue(all(b <= a + 1e-15 for a, b in zip(f, f[1:])))

    def test_identities_give_gd(self):
        problem = little("logistic")
        Q, gamma = compressors.Identity(problem.d), 0.3
        gd = points(methods.dcgd(problem, Q, gamma), 20)
        coin = lambda round, p: rng.shared_coin(1, round, p)
        for same in (methods.marina(problem, Q, gamma, 0.3, coin), methods.diana(problem, Q, gamma, 1.0),
                     methods.diana(problem, Q, gamma, 0.4),
                     methods.marina(problem, compressors.TopK(problem.d, 1), gamma, 1.0, coin)):
            np.testing.assert_allclose(points(same, 20), gd, rtol=1e-12, atol=1e-14)

    def three_points(self, problem, text, seed=1, wire=compressors.f64):
        """The map of a description."""
        make = lambda spec, step=0: (compressors.make_compressor(spec, problem.d, problem.n, seed, wire, None, step) if spec
                                     else compressors.Identity(problem.d, wire))
        return methods.make_map(specs.parse(text), problem.d, make)

    def test_three_point_inequality(self):  # E|C_{h,y}(x) - x|^2 <= (1-A)|h-y|^2 + B|x-y|^2
        problem, draw, square = little("logistic"), np.random.RandomState(8), lambda v: v @ v
        for text in ("ef21(top-k(2))", "ef21(c-rand-k(2))", "lag(zeta=1)", "clag(c-rand-k(2), zeta=3)", "3pc-v1(c-rand-k(2))",
                     "3pc-v2(rand-k(2), c-rand-k(1))", "3pc-v4(c-perm-k, c-perm-k(1))", "3pc-v3(lag(zeta=4), c-rand-k(1))", "3pc-v4(c-rand-k(2), top-k(2))",
                     "3pc-v5(top-k(2), p=0.4)"):
            C = self.three_points(problem, text)
            for c in (None, 0.3, 1.0):  # random, and collinear: x - y = c (y - h)
                h, y, x = draw.randn(3, problem.d)
                x = x if c is None else y + c * (y - h)
                errors = np.array([square(C.C(k, 1, h, y, x)[0] - x) for k in range(1, 400)]) * (1 - C.p)
                slack = 4.5 * np.std(errors) / math.sqrt(len(errors)) + 1e-12
                self.assertLessEqual(np.mean(errors), (1 - C.A) * square(h - y) + C.B * square(x - y) + slack, text)

    def test_three_point_identities(self):
        problem, gamma = little("logistic"), 0.3
        run = lambda text: points(methods.three_point(problem, self.three_points(problem, text), gamma,
                                                      lambda round, p: rng.shared_coin(1, round, p), compressors.f64, True), 20)
        gd = points(methods.dcgd(problem, compressors.Identity(problem.d), gamma), 20)
        for text in ("ef21(identity)", "lag(zeta=0)", "clag(identity, zeta=0)", "3pc-v1(identity)", "3pc-v2(identity, top-k(2))",
                     "3pc-v4(identity, top-k(2))", "3pc-v5(top-k(2), p=1)"):
            np.testing.assert_allclose(run(text), gd, rtol=1e-12, atol=1e-14)
        np.testing.assert_array_equal(run("clag(top-k(2), zeta=0)"), run("ef21(top-k(2))"))
        np.testing.assert_array_equal(run("clag(identity, zeta=2)"), run("lag(zeta=2)"))

    def test_three_point_constants(self):
        problem = problems.Quadratic(3, 100, 0.8)
        for text, A, B in [("ef21(top-k(1))", 0.00501256, 197.50376), ("ef21(top-k(10))", 0.05131670, 17.53815),
                           ("ef21(top-k(50))", 0.2928932, 1.7071068), ("3pc-v4(top-k(50), top-k(50))", 0.5, 0.5),
                           ("lag(zeta=3)", 1, 3), ("clag(top-k(50), zeta=3)", 0.2928932, 3), ("3pc-v1(top-k(25))", 1, 0.75),
                           ("3pc-v2(rand-k(5), top-k(5))", 0.05, 18.05), ("3pc-v3(lag(zeta=4), top-k(25))", 1, 3)]:
            C = self.three_points(problem, text)
            np.testing.assert_allclose([C.A, C.B], [A, B], rtol=1e-6)
        C = self.three_points(problem, "3pc-v5(top-k(1), p=0.01)")
        self.assertAlmostEqual(math.sqrt(C.B / C.A), 197.504, delta=5e-4)

    def rand_k(self, problem, k):
        draws = lambda round, client: np.random.RandomState(1000 * round + client).permutation(problem.d)[:k]
        return compressors.RandK(problem.d, k, draws)

    def test_floats(self):
        problem = little("nonconvex")
        Q, d = self.rand_k(problem, 2), problem.d
        count = lambda method: [floats for _, floats in islice(method, 6)]
        self.assertEqual(count(methods.dcgd(problem, Q, 0.1)), [2, 4, 6, 8, 10, 12])
        self.assertEqual(count(methods.marina(problem, Q, 0.1, 0.3, lambda round, p: round == 3)),
                         [d, d + 2, d + 4, 2 * d + 4, 2 * d + 6, 2 * d + 8])

    def test_variance_reduction_converges_and_dcgd_stalls(self):
        problem = little("least-squares")
        Q, L, n = self.rand_k(problem, 2), problem.constants(), problem.n
        coin = lambda round, p: rng.shared_coin(2, round, p)
        last = lambda method, rounds: problems.value_and_gradient(problem, points(method, rounds)[-1])[1]
        marina = last(methods.marina(problem, Q, methods.step_marina(L, Q.omega, n, Q.p), Q.p, coin), 600)
        diana = last(methods.diana(problem, Q, 10 * methods.step_diana(L, Q.omega, n), 1 / (1 + Q.omega)), 600)
        dcgd = last(methods.dcgd(problem, Q, methods.step_dcgd(L, Q.omega, n)), 600)
        self.assertLess(marina @ marina, 1e-12)
        self.assertLess(diana @ diana, 1e-12)
        self.assertGreater(dcgd @ dcgd, 1e-6)

    def test_step_ratio(self):  # MARINA over DIANA with L_- = L_+ = L~, p = 1/(1+omega); section 7 of the MARINA notes
        L, n, omega = {"L_minus": 2.0, "L_plus": 2.0, "L_tilde": 2.0}, 5, 11.3
        ratio = methods.step_marina(L, omega, n, 1 / (1 + omega)) / methods.step_diana(L, omega, n)
        self.assertAlmostEqual(ratio, 10 * math.sqrt(1 + omega / n) * (2 + omega) / (1 + omega / math.sqrt(n)), places=9)

    def test_wire_and_ties(self):
        x = np.array([0.1, -3, 3, 0.2])
        np.testing.assert_array_equal(compressors.TopK(4, 1).compress(0, 0, x), [0, -3, 0, 0])
        self.assertEqual(compressors.Identity(4, compressors.f32).compress(0, 0, x)[0], float(np.float32(0.1)))


if __name__ == "__main__":
    unittest.main()
