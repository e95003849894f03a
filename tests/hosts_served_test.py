#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hosts_served_test.py PROGRAM: a server with a real clock continues without a host after its link is cut,
takes the host back if the link is restored in time, and does not wait for a slow host. Exit code 77 if hosts
are not available (hosts.py)."""
import sys
import tempfile
import unittest
from pathlib import Path

import hosts
from attendance import attendance, lines_in, summary
from launch import Job

HOSTS = 3


class HostsServed(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def serve(self, name, *words):
        """A job with the server on the first host, clients 0, 1 and 2 on the second host and the others on
        the third."""
        out = self.folder / name
        words = ["run", "clients=6", "method=gd", "threads=1", *words, f"out={out}"]
        return Job([*hosts.launcher(self.folder, HOSTS), "--enable-recovery", *Job.shell(PROGRAM, *words)], out,
                   recorded=range(HOSTS), environment=hosts.ENVIRONMENT)

    # Rounds take a while. The target is reached with all clients or without those of the third host, but not
    # while they are late.
    ALL = ["problem=logistic(generated(rows=30, d=20), lambda=0.1)", "step=0.6", "target=1e-6", "rounds=20000",
           "rehearsal=slow(0, 10ms)"]

    def test_a_server_goes_on_without_a_host_whose_link_is_cut(self):
        with self.serve("cut", *self.ALL, "stragglers=deadline(500ms, patience=2s)") as job:
            job.until(lambda: lines_in(job.out / "attendance.csv") > 12)
            hosts.cut_link_of(2)
            self.addCleanup(hosts.mend_link_of, 2)
            job.until(lambda: job.code_of(0) is not None)
            hosts.mend_link_of(2)
            job.until_over()  # now its launcher receives what is waiting
            self.assertEqual([job.code_of(r) for r in range(HOSTS)], [0, 0, 1], job.text)
            self.assertEqual(len(job.complaints()), 1, job.text)
            self.assertIn("rank 2: nothing was received from the server", job.complaints()[0])
        rounds = attendance(job.out)
        self.assertEqual((rounds[-1].epoch, rounds[-1].counted, rounds[-1].gone), (1, [0, 1, 2], [3, 4, 5]))
        self.assertEqual({tuple(r.gone) for r in rounds}, {(), (3, 4, 5)})
        self.assertEqual(summary(job.out)["stopped"]["why"], "target")

    def test_a_host_whose_link_is_mended_in_time_counts_again(self):
        with self.serve("mended", *self.ALL, "stragglers=deadline(100ms, patience=100s)") as job:
            job.until(lambda: lines_in(job.out / "attendance.csv") > 12)
            hosts.cut_link_of(2)
            self.addCleanup(hosts.mend_link_of, 2)
            are_late = lambda r: r.late == [3, 4, 5]
            job.until(lambda: all(map(are_late, attendance(job.out)[-5:])))
            mended = attendance(job.out)[-1].round
            hosts.mend_link_of(2)
            self.assertEqual(job.until_over(), 0, job.text)
            self.assertEqual([job.code_of(r) for r in range(HOSTS)], [0] * HOSTS)
        rounds = attendance(job.out)
        self.assertEqual({r.epoch for r in rounds}, {0})
        self.assertTrue(any(r.counted == [0, 1, 2, 3, 4, 5] for r in rounds[mended:]))
        self.assertEqual(summary(job.out)["stopped"]["why"], "target")

    def test_nobody_waits_for_a_link_that_is_slow(self):
        hosts.narrow_link_of(2, 400e3)  # three answers take most of a second
        self.addCleanup(hosts.widen_link_of, 2)
        with self.serve("slow", f"problem=distributed-ls(d={3000}, sigma=1)", "step=0.002", "rounds=10",
                        "stragglers=deadline(100ms, patience=100s)") as job:
            self.assertEqual(job.until_over(), 0, job.text)
        rounds = attendance(job.out)
        self.assertEqual([(r.round, r.epoch, r.gone) for r in rounds], [(t, 0, []) for t in range(11)])
        self.assertTrue(any(set(r.late) & {3, 4, 5} for r in rounds))


if __name__ == "__main__":
    hosts.go_behind_the_fence()
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    hosts.make_hosts(HOSTS)
    unittest.main()
