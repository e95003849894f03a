#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hosts_torch_test.py: the hook of PyTorch on three hosts, connected by TCP. All ranks hold the same bits, and their
links carry the bytes that the hook counts. PYTHONPATH has the built package. Exit code 77 if hosts (hosts.py) or
PyTorch are not available."""
import importlib.util
import unittest

import hosts
import torch_hosts

HOSTS = 3
STEPS = 12
SIZE = 4 * 2_515_850  # bytes of a gradient


class Hosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ranks = torch_hosts.Ranks(HOSTS, on_hosts=True)
        cls.addClassCleanup(cls.ranks.__exit__)

    def assert_links_carry_what_the_hook_counts(self, steps):
        for step in steps:
            self.assertGreaterEqual(step["sent"], step["said"])
            self.assertLessEqual(step["sent"], 1.1 * step["said"])  # packet headers and acknowledgements

    def test_links_carry_what_the_hook_counts(self):
        for hook in ("ef21-sgdm(top-k(1%), eta=0.1)", "sign", "low-rank(1)", "diana(rand-k(1%))"):
            with self.subTest(hook=hook):
                self.ranks.ask("build", net="2.5", hook=hook)
                whole = self.ranks.ask("steps", count=2)
                self.assert_links_carry_what_the_hook_counts(whole)
                self.assertAlmostEqual(whole[0]["said"] / (4 / 3 * SIZE), 1, delta=1e-3)  # 2 (n - 1) / n
                self.ranks.ask("steps", count=1)  # methods may begin with a whole gradient
                compressed = self.ranks.ask("steps", count=STEPS)
                self.assert_links_carry_what_the_hook_counts(compressed)
                self.assertLess(compressed[0]["said"], whole[0]["said"] / 15)
                self.assertEqual(len(set(self.ranks.ask("digest"))), 1)

    def test_gradient_descent_gives_the_mean(self):
        self.ranks.ask("build", net="2.5", hook="gd")
        self.ranks.ask("steps", count=3)
        for difference in self.ranks.ask("difference_to_the_mean"):
            self.assertLess(difference, 1e-5)


if __name__ == "__main__":
    torch = importlib.util.find_spec("torch")
    if torch is None or torch.origin is None:  # the folder tests/torch looks like a package without a file
        hosts.skip("no PyTorch")
    hosts.go_behind_the_fence()
    hosts.make_hosts(HOSTS)
    unittest.main()
