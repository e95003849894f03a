#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""served_test.py PROGRAM MPIRUN: a server with a real clock does not wait for slow clients, continues without
processes that die at any moment, and ends all remaining processes. The tests check only the order of events,
not durations."""
import json
import random
import signal
import struct
import sys
import unittest
from pathlib import Path

from attendance import attendance, lines_in, rows_of, summary
from launch import InFolder, Job, said_by

PROGRAM, MPIRUN = sys.argv.pop(1), sys.argv.pop(1)
CLIENTS = 6
PATIENT = "stragglers=deadline(90s, patience=100s)"  # no client is ever late, on any machine
LOSES = "stragglers=deadline(500ms, patience=1500ms)"  # detects a lost process within one to four rounds
# Slows down clients of the first process and of the last of three, so that there is time for failures.
SLOWLY = "rehearsal=slow(0, 10ms), slow(5, 10ms)"
PROBLEM = ["problem=logistic(generated(rows=30, d=20), lambda=0.1)", f"clients={CLIENTS}", "rounds=20000", "threads=1"]
# Each has a target that it reaches in 50 to 70 rounds, with all clients or without some.
TARGETS = {"gd": ["step=0.6", "target=1e-6"], "ef21(top-k(3))": ["step=0.6", "target=1e-6"],
           "marina(rand-k(3))": ["step=0.6", "target=1e-6"], "gc-1bit(redundancy=2)": ["step=0.3", "target=1e-4"]}


def words_of(method):
    return [*PROBLEM, f"method={method}", *TARGETS[method]]


def launched(ranks, *words):
    """The command on `ranks` ranks; in one process if ranks is 0."""
    return [*([MPIRUN, "--oversubscribe", "-n", str(ranks)] if ranks else []), PROGRAM, *words]


def clients_of(rank, ranks, clients=CLIENTS):
    """The clients of `rank`: the (rank - 1)-th block of all clients."""
    return list(range((rank - 1) * clients // (ranks - 1), rank * clients // (ranks - 1)))


def point_in(out):
    content = (out / "x.npy").read_bytes()
    begin = 10 + struct.unpack("<H", content[8:10])[0]
    return [value for (value,) in struct.iter_unpack("<d", content[begin:])]


class Served(InFolder):
    def job(self, name, *words, ranks=4, recorded=(0,), recovery=True, verb="run"):
        out = self.folder / name
        command = [MPIRUN, "--oversubscribe", *(["--enable-recovery"] if recovery else []), "-n", str(ranks),
                   *Job.shell(PROGRAM, verb, *words, str(out) if verb == "resume" else f"out={out}")]
        job = Job(command, out, recorded)
        self.enterContext(job)
        return job

    def run_to(self, name, *words, ranks=0):
        out = self.folder / name
        code, text = said_by(launched(ranks, "run", *words, f"out={out}"))
        self.assertEqual(code, 0, text)
        return out

    def assert_in_order(self, out, clients=CLIENTS):
        """Checks that every round has one row and every client is in exactly one list of each row. Clients
        that are gone stay gone, and each loss of clients starts a new epoch. The late bits accumulate."""
        rounds = attendance(out)
        self.assertEqual([r.round for r in rounds], list(range(len(rounds))))
        for r in rounds:
            self.assertEqual(sorted(r.counted + r.late + r.gone), list(range(clients)))
        for before, after in zip(rounds, rounds[1:]):
            self.assertLessEqual(set(before.gone), set(after.gone))
            self.assertEqual(after.epoch - before.epoch, int(before.gone != after.gone))
            self.assertLessEqual(before.late_bits, after.late_bits)
        return rounds

    def assert_target_reached(self, out):
        told = summary(out)
        self.assertEqual(told["stopped"]["why"], "target")
        self.assertLessEqual(told["last"]["grad_norm_sq"], float(told["description"]["target"]))
        last = rows_of(out / "trace.csv")[-1]
        self.assertEqual(int(last["round"]), told["last"]["round"])
        self.assertEqual(lines_in(out / "attendance.csv"), told["last"]["round"] + 2)

    def assert_survived(self, job, gone, epochs, complaints=0):
        """Checks that the server has finished its work and no process is left."""
        job.until_over()
        self.assertEqual(job.code_of(0), 0, job.text)
        self.assertEqual(len(job.complaints()), complaints, job.text)
        rounds = self.assert_in_order(job.out)
        self.assertEqual(rounds[-1].gone, sorted(gone))
        self.assertEqual(rounds[-1].epoch, epochs)
        self.assert_target_reached(job.out)
        return rounds

    def test_with_nobody_late_it_is_the_plain_run(self):
        methods = [("gd", (2, 3, 5)), ("ef21(top-k(3))", (2, 3, 5)), ("diana(rand-k(3))", (3,)), ("gc-1bit(redundancy=2)", (5,)),
                   ("gc-diana(redundancy=2)", (3,)), ("coco-ef(redundancy=2)", (2,)), ("majority(redundancy=2)", (3,)),
                   ("marina(rand-k(3))", (3,)), ("lag(zeta=4)", (2,)),
                   ("exact-gc(code=cyclic, tolerates=2)", (5,)),
                   ("ef21(top-k(3)); aggregator=median; byzantine=sign-flip(2)", (3,)),
                   ("gd; aggregator=rfa; byzantine=label-flip(2); problem=logistic(generated(rows=9, d=20), lambda=0.1)", (4,))]
        clients = 8  # makes the weights of methods with memories, which sum up to 1, exact
        for m, (row, counts) in enumerate(methods):
            method, *keys = row.split("; ")
            if not any(key.startswith("problem=") for key in keys):
                keys.append("problem=quadratic(d=20, s=0.8)")
            words = [f"clients={clients}", f"method={method}", "step=0.05", "rounds=25", *keys,
                     *(["wire=f64"] if "exact" in method else [])]
            plain = self.run_to(f"plain-{m}", *words)
            for ranks in (0, *counts):
                with self.subTest(method=method, ranks=ranks):
                    out = self.run_to(f"served-{m}-{ranks}", *words, PATIENT, ranks=ranks)
                    for file in ("trace.csv", "x.npy"):
                        self.assertEqual((out / file).read_bytes(), (plain / file).read_bytes(), file)
                    rounds = self.assert_in_order(out, clients)
                    self.assertEqual({(r.epoch, len(r.counted), r.late_bits) for r in rounds}, {(0, clients, 0)})
                    self.assertEqual(len(rounds), 26)

    def test_nobody_waits_for_a_client_that_sleeps(self):
        # Its sleep, which only the end of the run interrupts, is longer than the test may take.
        words = [*PROBLEM[:2], "method=ef21(top-k(3))", "step=0.5", "rounds=10", "stragglers=deadline(50ms, patience=40s)",
                 "rehearsal=slow(3, 10000s)"]
        job = self.job("out", *words, ranks=1 + CLIENTS, recorded=range(1 + CLIENTS), recovery=False)
        self.assertEqual(job.until_over(), 0, job.text)
        self.assertEqual([job.code_of(r) for r in range(1 + CLIENTS)], [0] * (1 + CLIENTS))
        self.assertEqual(job.complaints(), [])
        rounds = self.assert_in_order(job.out)
        self.assertEqual(len(rounds), 11)
        for r in rounds:
            self.assertIn(3, r.late)
            self.assertEqual(r.epoch, 0)
        self.assertEqual(summary(job.out)["stopped"]["why"], "rounds")

    def test_who_was_late_counts_again(self):
        # The memory of an absent client must equal the server's copy of it, or the gradient would end
        # elsewhere. A client is so slow that its answers cannot be in time; the server waits for the number
        # of clients that are not slow.
        words = [*PROBLEM, "method=ef21(top-k(3))", "step=0.3", "target=1e-14", "stragglers=first-r(5, patience=40s)",
                 "rehearsal=slow(3, 300ms, from=5, rounds=30)"]
        job = self.job("out", *words, ranks=1 + CLIENTS, recovery=False)
        self.assertEqual(job.until_over(), 0, job.text)
        rounds = self.assert_in_order(job.out)
        self.assertEqual({r.epoch for r in rounds}, {0})
        self.assertGreaterEqual(min(len(r.counted) for r in rounds), 5)
        late = [r.round for r in rounds if 3 in r.late]
        again = [r.round for r in rounds if r.round > 35 and 3 in r.counted]
        self.assertTrue(late, "a client that sleeps was in time")
        self.assertTrue(again, "a client that has woken up never counted again")
        self.assert_target_reached(job.out)

    def test_a_process_killed_at_any_moment(self):
        seed = random.randrange(10**6)
        print(f"killed at moments of seed {seed}")
        rng = random.Random(seed)
        for k in range(10):
            method = list(TARGETS)[k % len(TARGETS)]
            # From the first round in which the client counts (before it, others may wait for its data) until
            # about ten rounds before the end, more than the detection takes.
            rows = 2 if k == 0 else rng.randrange(2, 40)
            victim, nap = rng.randrange(1, 4), rng.uniform(0, 0.01)
            with self.subTest(method=method, rows=rows, victim=victim, nap=nap):
                job = self.job(f"out-{k}", *words_of(method), LOSES, SLOWLY)
                job.until(lambda: lines_in(job.out / "attendance.csv") >= rows)
                job.until(lambda: any(clients_of(victim, 4)[0] in r.counted for r in attendance(job.out)))
                signal.sigtimedwait([], nap)
                self.assertTrue(job.kill(victim, PROGRAM))
                rounds = self.assert_survived(job, gone=clients_of(victim, 4), epochs=1)
                # The epoch began after the rows that existed at the kill.
                self.assertEqual({r.epoch for r in rounds[:rows - 1]}, {0})

    def test_a_process_killed_as_the_run_ends(self):
        # When all processes have received the end and meet for the last time; a little earlier, or later.
        for k in range(6):
            victim, nap = 1 + k % 3, k * 0.0004
            with self.subTest(victim=victim, nap=nap):
                job = self.job(f"out-{k}", *words_of("gd")[:-1], "target=1e-3", "stragglers=deadline(500ms, patience=1s)")
                job.until((job.out / "summary.json").exists)
                signal.sigtimedwait([], nap)
                job.kill(victim, PROGRAM)  # if it is still there
                job.until_over()
                self.assertEqual(job.code_of(0), 0, job.text)
                self.assertEqual(job.complaints(), [])
                self.assert_in_order(job.out)
                self.assert_target_reached(job.out)

    def test_two_processes_die_and_their_shards_are_read_anew(self):
        plain = self.run_to("plain", *words_of("gd"))
        job = self.job("out", *words_of("gd"), LOSES, SLOWLY)
        job.until(lambda: lines_in(job.out / "attendance.csv") > 5)
        self.assertTrue(job.kill(2, PROGRAM))
        job.until(lambda: attendance(job.out)[-1].epoch == 1)
        job.until(lambda: attendance(job.out)[-1].round > 25)
        self.assertTrue(job.kill(3, PROGRAM))
        self.assert_survived(job, gone=clients_of(2, 4) + clients_of(3, 4), epochs=2)
        # For a mu-strongly convex function |x - x*| <= |grad f(x)| / mu, at both end points.
        told = summary(plain)
        most = 2 * float(told["description"]["target"])**0.5 / told["constants"]["mu"]
        between = sum((a - b)**2 for a, b in zip(point_in(plain), point_in(job.out), strict=True))**0.5
        self.assertLessEqual(between, most)

    def test_without_recovery_the_job_ends_and_can_be_resumed(self):
        job = self.job("out", *words_of("ef21(top-k(3))"), PATIENT, SLOWLY, "checkpoint-every=7", recovery=False)
        checkpoint = lambda: json.loads((job.out / "checkpoint" / "manifest.json").read_text())["round"]
        job.until(lambda: (job.out / "checkpoint" / "manifest.json").exists() and checkpoint() >= 14)
        self.assertTrue(job.kill(2, PROGRAM))
        self.assertNotEqual(job.until_over(), 0)
        self.assertFalse((job.out / "summary.json").exists())
        self.assert_goes_on(job.out, checkpoint())

    def assert_goes_on(self, out, checkpoint):
        """The run reaches its target on another number of ranks, from a checkpoint of that round. Earlier
        rows stay, and all clients start over at the checkpoint."""
        until = lambda file: (out / file).read_bytes().splitlines(keepends=True)[:checkpoint + 2]
        files = ("trace.csv", "timing.csv", "attendance.csv")
        before = [until(file) for file in files]
        self.assertEqual([len(rows) for rows in before], [checkpoint + 2] * 3)
        code, text = said_by(launched(3, "resume", str(out)))
        self.assertEqual(code, 0, text)
        self.assertEqual([until(file) for file in files], before)
        rounds = attendance(out)
        self.assertEqual([r.round for r in rounds], list(range(len(rounds))))
        self.assertEqual([r.epoch for r in rounds], [int(r.round > checkpoint) for r in rounds])
        self.assertEqual(rounds[checkpoint + 1].gone, [])
        self.assert_target_reached(out)

    def test_a_process_that_is_stopped(self):
        job = self.job("out", *words_of("ef21(top-k(3))"), LOSES, SLOWLY)
        job.until(lambda: lines_in(job.out / "attendance.csv") > 12)
        self.assertTrue(job.kill(1, PROGRAM, signal.SIGSTOP))
        job.until(lambda: job.code_of(0) is not None)
        self.assertTrue(job.kill(1, PROGRAM))
        self.assert_survived(job, gone=clients_of(1, 4), epochs=1)

    def test_a_process_that_falls_silent(self):
        job = self.job("out", *words_of("gd"), LOSES, "rehearsal=slow(0, 10ms), silent(3, from=12)", recorded=range(4))
        rounds = self.assert_survived(job, gone=clients_of(2, 4), epochs=1, complaints=1)
        self.assertEqual([job.code_of(r) for r in range(4)], [0, 0, 1, 0])  # given up, it receives nothing
        self.assertIn("rank 2: nothing was received from the server", job.complaints()[0])
        self.assertIn(3, rounds[11].counted)
        self.assertEqual({3 in r.counted for r in rounds[12:]}, {False})

    def test_a_process_that_sends_a_wrong_letter(self):
        job = self.job("out", *words_of("ef21(top-k(3))"), PATIENT, "rehearsal=slow(0, 10ms), garbled(3, from=12)",
                       recorded=range(4))
        job.until((job.out / "summary.json").exists)
        self.assertTrue(job.kill(2, PROGRAM))  # it waits for the server
        rounds = self.assert_survived(job, gone=clients_of(2, 4), epochs=1, complaints=1)
        self.assertEqual([job.code_of(r) for r in (0, 1, 3)], [0, 0, 0])
        self.assertRegex(job.complaints()[0],
                         r"^laconic: rank 2 is given up in round 12: the message of client 3 has \d+ bytes; its envelope says \d+$")
        self.assertEqual([len(r.gone) for r in rounds[:13]], [0] * 12 + [2])

    def test_a_server_that_is_killed(self):
        job = self.job("out", *words_of("gd"), LOSES, SLOWLY, "checkpoint-every=7", recorded=(1, 2, 3))
        manifest = job.out / "checkpoint" / "manifest.json"
        job.until(manifest.exists)
        self.assertTrue(job.kill(0, PROGRAM))
        job.until_over()
        self.assertEqual([job.code_of(r) for r in (1, 2, 3)], [1, 1, 1], job.text)
        complaints = sorted(job.complaints())
        self.assertEqual([line.split(": ")[1] for line in complaints], ["rank 1", "rank 2", "rank 3"], job.text)
        for line in complaints:
            self.assertIn("nothing was received from the server, rank 0, for 1.5 s: it has died, then laconic resume goes on", line)
        self.assert_goes_on(job.out, json.loads(manifest.read_text())["round"])

    def test_a_process_told_to_end_ends_all_with_a_checkpoint(self):
        for rank, how, code in ((2, signal.SIGTERM, 143), (0, signal.SIGINT, 130)):
            with self.subTest(rank=rank):
                job = self.job(f"out-{rank}", *words_of("gd"), PATIENT, SLOWLY, ranks=3, recorded=(), recovery=False)
                job.until(lambda: lines_in(job.out / "attendance.csv") > 5)
                self.assertTrue(job.kill(rank, PROGRAM, how))
                self.assertEqual(job.until_over(), code, job.text)
                stood = json.loads((job.out / "checkpoint" / "manifest.json").read_text())["round"]
                self.assertEqual(job.complaints(),
                                 [f"laconic: interrupted after round {stood}; to go on: laconic resume {job.out}"])
                self.assert_goes_on(job.out, stood)

    def test_a_process_killed_before_round_0(self):
        # It has generated its data, so all ranks are connected. Rank 0, which generates six times as much, is
        # not ready yet.
        job = self.job("out", "problem=logistic(generated(rows=20000, d=100), lambda=0.1)", "clients=6", "method=gd", "step=0.1",
                       "rounds=20000", "threads=1", "max-seconds=60", "stragglers=deadline(500ms, patience=1s)", ranks=7)
        pages = lambda pid: int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        job.until((job.out / "run.toml").exists)
        victim = job.pid_of(3, PROGRAM)
        at_first = pages(victim)
        job.until(lambda: pages(victim) > at_first + 2000)  # of about 4000
        self.assertTrue(job.kill(3, PROGRAM))
        self.assertFalse((job.out / "attendance.csv").exists(), "the kill came too late to test anything")
        job.until_over()
        self.assertEqual(job.code_of(0), 1, job.text)
        self.assertEqual(len(job.complaints()), 1, job.text)
        self.assertIn("rank 3 was lost before round 0", job.complaints()[0])

    def test_what_one_process_alone_finds_wrong_all_end_with(self):
        (self.folder / "other").mkdir()
        (self.folder / "other" / "classes").write_text(self.data.read_text().replace("0.2", "0.3"))

        def on_unlike_folders(folder, *keys, recovery=False):
            words = ["run", "problem=logistic(classes, lambda=0.1)", "clients=4", "method=gd", "step=0.1", "rounds=5", *(keys or [PATIENT])]
            command = Job.shell(PROGRAM, *words)
            return [MPIRUN, "--oversubscribe", *(["--enable-recovery"] if recovery else []),
                    "-n", "2", "env", f"LACONIC_DATA={self.folder}", *command, ":", "-n", "1", "env", f"LACONIC_DATA={folder}", *command]

        self.assertEqual(said_by(on_unlike_folders(self.folder))[0], 0)
        self.assert_one_message(on_unlike_folders(self.folder / "none"), 2, 'laconic: rank 2: no data set "classes"')
        self.assert_one_message(on_unlike_folders(self.folder / "other"), 2, "the ranks are not of one run: rank 2 has data with checksum")

        # A launcher that goes on without a process lets the run begin without it.
        for name, reason in (("none", 'no data set "classes"'), ("other", "the ranks are not of one run: rank 2 has data with checksum")):
            with self.subTest(name=name):
                out = self.folder / f"out-{name}"
                command = on_unlike_folders(self.folder / name, LOSES, f"out={out}", recovery=True)
                with Job(command, out, recorded=range(3)) as job:
                    job.until_over()
                    self.assertEqual([job.code_of(r) for r in range(3)], [0, 0, 2 if name == "none" else 1], job.text)
                    self.assertEqual(len(job.complaints()), 2 if name == "none" else 3, job.text)  # with that about rows
                    self.assertIn(f"rank 2 is given up in round 0: {reason}", job.text)
                rounds = attendance(out)
                self.assertEqual([(r.epoch, r.gone) for r in rounds], [(1, [2, 3])] * 6)

    def test_all_are_stopped_and_go_on(self):
        job = self.job("out", *words_of("gd"), LOSES, SLOWLY)
        job.until(lambda: lines_in(job.out / "attendance.csv") > 5)
        for how, nap in ((signal.SIGSTOP, 3), (signal.SIGCONT, 0)):  # twice the patience
            for rank in range(4):
                self.assertTrue(job.kill(rank, PROGRAM, how))
            signal.sigtimedwait([], nap)
        job.until_over()
        self.assertEqual(job.code_of(0), 0, job.text)
        self.assertEqual({r.epoch for r in self.assert_in_order(job.out)}, {0})
        self.assert_target_reached(job.out)

    def test_nobody_is_left(self):
        job = self.job("out", *words_of("gd"), LOSES, SLOWLY)
        job.until(lambda: lines_in(job.out / "attendance.csv") > 5)
        for victim in (1, 2, 3):
            self.assertTrue(job.kill(victim, PROGRAM))
        job.until_over()
        self.assertEqual(job.code_of(0), 1, job.text)
        self.assertEqual(len(job.complaints()), 1, job.text)
        self.assertIn("no process with clients is left in round", job.complaints()[0])
        self.assertGreater(len(rows_of(job.out / "trace.csv")), 3)

    def test_a_full_disk(self):
        limited = ["bash", "-c", 'ulimit -f 8; trap "" XFSZ; exec "$@"', "-", PROGRAM]  # in KiB, for each file
        for ranks in (0, 3):
            with self.subTest(ranks=ranks):
                out = self.folder / f"full-{ranks}"
                words = ["problem=quadratic(d=10)", "method=gd", "step=0.001", "rounds=100000", PATIENT, f"out={out}"]
                self.assert_one_message([*launched(ranks)[:-1], *limited, "run", *words], 1, "cannot write: File too large")
                for file in ("trace.csv", "timing.csv", "attendance.csv"):
                    self.assertTrue((out / file).read_text().endswith("\n"))
                    self.assertGreater(len(rows_of(out / file)), 10)

    def test_what_cannot_be_is_refused_in_one_line(self):
        late = "stragglers=deadline(1s, patience=2s)"
        words = ["run", "problem=quadratic(d=20, s=0.8)", f"clients={CLIENTS}", "step=0.05", "rounds=3"]
        gd = [*words, "method=gd"]
        for command, message in [
            ([*gd, "rehearsal=slow(3, 1s)"], "rehearsal: is for a real clock"),
            ([*gd, "rehearsal=slow(3, 1s)", "stragglers=bernoulli(0.1)"], "rehearsal: is for a real clock"),
            ([*gd, late, "rehearsal=slow(6, 1s)"], "client = 6; need client < 6"),
            ([*gd, late, "rehearsal=silent(6)"], "client = 6; need client < 6"),
            ([*gd, late, "rehearsal=slow(3)"], "how slow?"),
            ([*gd, late, "rehearsal=sleepy(3)"], "rehearsal: column 1: sleepy(3)"),
            ([*gd, "stragglers=deadline(1s, first=7)"], "first = 7; need first <= 6"),
            ([*gd, "stragglers=first-r(7)"], "first = 7; need first <= 6"),
            ([*gd, "stragglers=first-r(0)"], "first = 0; need a whole number >= 1"),
            ([*gd, "stragglers=deadline(2s, patience=1s)"], "patience = 1; need patience >= 2"),
            ([*gd, "stragglers=deadline(0s)"], "deadline = 0s; need seconds > 0"),
            ([*gd, late, "network=lan"], "network: a modelled link, and deadline is a real clock"),
            ([*gd, late, "compute=1us"], "compute: modelled, and deadline is a real clock"),
            ([*words, late, "method=k-gt(steps=2)", "topology=ring"], "stragglers: nodes without a server"),
            ([*words, late, "method=3pc-v5(top-k(3), p=0.3)"], "stragglers: a client that misses a difference"),
        ]:
            with self.subTest(command=command[5:]):
                self.assert_one_message([PROGRAM, *command], 2, message)
        sweep = ["sweep", *gd[1:], late, "seed={1,2}", f"out={self.folder / 'sweep'}"]
        self.assert_one_message([PROGRAM, *sweep], 2, "stragglers: deadline is a real clock")
        self.assert_one_message(launched(3, *gd, "stragglers=first-r(7)"), 2, "first = 7; need first <= 6")


if __name__ == "__main__":
    unittest.main()
