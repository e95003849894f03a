#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hosts_test.py PROGRAM: nodes on three hosts, connected by TCP, give the same bytes as one process. The
links carry only the messages between neighbours on different hosts, for any number of nodes. Exit code 77 if
hosts are not available (hosts.py)."""
import sys
import tempfile
import unittest
from pathlib import Path

import hosts
from launch import said_by

HOSTS = 3
DIM = 3000
VECTOR = 1 + 4 * DIM  # bytes of a message
ENVELOPE = 42  # Envelope::kBytes (laconic/transport/board.h)


class Hosts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_to(self, out, command, *words):
        words = ["run", f"problem=distributed-ls(d={DIM}, sigma=1)", "step=0.002", "threads=1", "eval-every=0", *words]
        code, text = said_by([*command, *words, f"out={self.folder / out}"], hosts.ENVIRONMENT)
        self.assertEqual(code, 0, text)
        return [(self.folder / out / name).read_bytes() for name in ("trace.csv", "x.npy")]

    def test_hosts_write_what_one_process_writes(self):
        command = [*hosts.launcher(self.folder, HOSTS), PROGRAM]
        for method, topology in [("k-gt(steps=3)", "ring"), ("k-gt(steps=2, init=avg)", "one-peer"), ("d-sgd(steps=2)", "star"),
                                 ("k-gt(steps=2, compressor=top-k(3), gamma=0.2)", "ring"),
                                 ("scaffold(steps=2)", None), ("marina(rand-k(1%))", None)]:
            with self.subTest(method=method, topology=topology):
                words = [f"method={method}", "clients=8", "rounds=12", *([f"topology={topology}"] if topology else [])]
                name = method.split("(")[0] + str(topology) + str(len(method))
                self.assertEqual(self.run_to(f"{name}-hosts", command, *words), self.run_to(name, [PROGRAM], *words))

    def bytes_a_round(self, method, clients):
        """Sent by the first host, with a neighbour on each other host; and the uplink_bits of a round."""
        command = [*hosts.launcher(self.folder, HOSTS), PROGRAM]
        words = [f"method={method}", "topology=ring", f"clients={clients}"]
        sent, bits = {}, {}
        for rounds in (10, 60):
            before = hosts.bytes_sent_by(0)
            trace, _ = self.run_to(f"{clients}-{rounds}-{len(method)}", command, *words, f"rounds={rounds}")
            sent[rounds] = hosts.bytes_sent_by(0) - before
            header, *_, last = trace.decode().splitlines()
            bits[rounds] = float(last.split(",")[header.split(",").index("uplink_bits")])
        return (sent[60] - sent[10]) / 50, (bits[60] - bits[10]) / 50

    def test_links_carry_what_neighbours_say(self):
        for clients in (3, 9, 30):
            a_round, _ = self.bytes_a_round("k-gt(steps=1)", clients)
            said = 2 * 2 * VECTOR  # z and u, to both neighbours
            self.assertGreaterEqual(a_round, 0.98 * said)
            self.assertLessEqual(a_round, 1.2 * said, f"{clients} nodes")  # packet headers and acknowledgements

    def test_links_carry_compressed_differences_only(self):
        for clients in (3, 9, 30):
            a_round, bits = self.bytes_a_round("k-gt(steps=1, compressor=top-k(10%), gamma=0.2)", clients)
            said = bits / 8  # a node has two neighbours; two nodes of a host have one each on another host
            lengths = 2 * ENVELOPE * 2 * clients / HOSTS  # of all messages of a host, to both others
            self.assertLess(said, 0.2 * 2 * 2 * VECTOR)
            self.assertGreaterEqual(a_round, 0.95 * (said + lengths))
            self.assertLessEqual(a_round, 1.3 * (said + lengths), f"{clients} nodes")


if __name__ == "__main__":
    hosts.go_behind_the_fence()
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    hosts.make_hosts(HOSTS)
    unittest.main()
