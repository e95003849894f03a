#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""resume_test.py PROGRAM MPIRUN: a run that is repeatedly killed and resumed ends with the same bytes as an
uninterrupted one; an unusable checkpoint is refused in one line; a disk that fills up leaves readable
files."""
import itertools
import json
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from launch import ENVIRONMENT, InFolder, Job, SECONDS, kill_all_of, said_by

PROGRAM, MPIRUN = sys.argv.pop(1), sys.argv.pop(1)
KILLS = 20
LONG = ["problem=quadratic(d=200, s=0.8)", "clients=7", "method=diana(rand-k(5))", "rounds=6000", "eval-every=50",
        "network=wan", "stragglers=shifted-exp(1ms, 1000)"]

# Each method keeps a different state between rounds.
METHODS = ["gd", "diana(rand-k(3))", "vr-diana(rand-k(3), batch=4)", "marina(rand-k(3))",
           "vr-marina-online(rand-k(3), batch=4, large-batch=8)", "pp-marina(rand-k(3), sample=2)", "lag(zeta=4)",
           "clag(top-k(3), zeta=4)", "3pc-v2(rand-k(3), top-k(3))", "3pc-v3(lag(zeta=4), top-k(3))", "d-sgd(steps=2)", "k-gt(steps=3, init=avg)",
           "scaffold(steps=3)", "fedadam(steps=2, tau=0.1)", "diloco(steps=2)",
           "savic(adam, steps=2, refresh=3, momentum=0.5)", "savic(oasis, steps=2, scaling=local)",
           "scaffnew(p=0.3)", "locodl(rand-k(3), p=0.4)", "local-sgd(steps=2, compressor=ef(top-k(3), decay=0.9))",
           "fedavg(steps=2, sample=2, compressor=ef21(top-k(3)))", "sparseloco(steps=2, keep=2, chunk=9)",
           "streaming-diloco(steps=5, fragments=3, delay=2, mix=0.3)", "demo(keep=2, chunk=5); downlink=direction",
           "gc-diana(redundancy=2)", "coco-ef(redundancy=2)", "gc-1bit(redundancy=3)", "ef21(low-rank(1))",
           "dasha-mvr(rand-k(3), batch=4, b=0.3); downlink=marina-p(perm-k); outer=heavy-ball(0.5)",
           "savic(adam, steps=2); downlink=ef21(top-k(3)); outer=nesterov(0.5)",
           "econtrol(top-k(3)); aggregator=clip(0.01); byzantine=sign-flip(1)",
           "ef21(top-k(3)); clip-norm=0.1",
           "gt(compressor=rand-k(3), gamma=0.2); topology=ring", "motef(top-k(3), gamma=0.3); topology=ring",
           "lead(top-k(3), start=warm); topology=ring", "nids; topology=ring",
           "gt; topology=ring; mixing=lazy(fdla); target=1e-9; target-consensus=1e-300"]


def replaced(words, *new):
    """The words, with the new ones in place of those with the same keys."""
    keys = {word.split("=")[0] for word in new}
    return [*(word for word in words if word.split("=")[0] not in keys), *new]


def launched(ranks, *words):
    """The command on `ranks` ranks; in one process if ranks is 0."""
    return [*([MPIRUN, "--oversubscribe", "-n", str(ranks)] if ranks else []), PROGRAM, *words]


class Resume(InFolder):
    def undisturbed(self, name, *words):
        out = self.folder / name
        code, text = said_by([PROGRAM, "run", *words, f"out={out}"])
        self.assertEqual(code, 0, text)
        return out

    def interrupted(self, name, *words, ranks=0, method=None, until=1):
        """A run of many rounds, killed when a checkpoint of round `until` or later exists."""
        out = self.folder / name
        command = launched(ranks, "run", *words, "checkpoint-every=1", f"out={out}")
        with subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + SECONDS
            while not (out / "checkpoint" / "manifest.json").exists() or self.round_of(out) < until:
                self.assertIsNone(process.poll(), "the run ended before it was killed")
                self.assertLess(time.monotonic(), deadline)
            kill_all_of(out)
        self.assertFalse((out / "summary.json").exists(), "the run ended before it was killed")
        return out

    @staticmethod
    def round_of(out):
        return json.loads((out / "checkpoint" / "manifest.json").read_text())["round"]

    def assert_same_result(self, out, expected):
        for file in ("trace.csv", "x.npy"):
            self.assertEqual((out / file).read_bytes(), (expected / file).read_bytes(), file)
        rounds, rows = ([line.split(",")[0] for line in (out / file).read_text().splitlines()]
                        for file in ("timing.csv", "trace.csv"))
        self.assertEqual(rounds, rows)
        names = {file.name for file in out.iterdir()}
        self.assertEqual(names, {file.name for file in expected.iterdir()})
        self.assertEqual(names - {"clients.csv"}, {"run.toml", "trace.csv", "timing.csv", "summary.json", "x.npy"})

    def resume(self, out, *words, ranks=0):
        code, text = said_by(launched(ranks, "resume", str(out), *words))
        self.assertEqual(code, 0, text)

    def test_killed_at_random_moments(self):
        for counts in [(0,), (1, 2, 3, 5)]:
            with self.subTest(ranks=counts):
                expected = self.undisturbed(f"expected-{len(counts)}", *LONG)
                started = time.monotonic()
                said_by(launched(counts[-1], "run", *LONG, "checkpoint-every=60", f"out={self.folder}/timed-{len(counts)}"))
                whole = min(time.monotonic() - started, 2.5)
                kills = 0
                for attempt in itertools.count():
                    out = self.folder / f"killed-{len(counts)}-{attempt}"
                    while not (out / "summary.json").exists():
                        ranks = random.choice(counts)
                        words = ["resume", str(out), f"threads={random.choice((1, 2))}"]
                        if not (out / "run.toml").exists():  # killed before it wrote run.toml
                            kill_all_of(out)  # otherwise a remaining rank could still write it
                        if not (out / "run.toml").exists():
                            words = ["run", *LONG, "checkpoint-every=60", f"out={out}"]
                        try:
                            patience = random.uniform(0, whole) if kills < KILLS else SECONDS
                            done = subprocess.run(launched(ranks, *words), env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                                                  timeout=patience, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                                  text=True, check=False)  # killed with SIGKILL
                            self.assertEqual(done.returncode, 0, done.stdout)
                        except subprocess.TimeoutExpired:
                            kills += 1
                    self.resume(out)  # finished, or about to be: ranks outlive mpirun briefly
                    self.assert_same_result(out, expected)
                    if kills >= KILLS:
                        break

    def test_every_method_and_any_number_of_ranks(self):
        for m, row in enumerate(METHODS):
            method, *keys = row.split("; ")
            words = [f'problem=logistic("{self.data}", lambda=0.1)', "clients=4", f"method={method}", *keys,
                     "rounds=400", "eval-every=7", *(["topology=one-peer", "step=0.05"] if "steps=" in method else []),
                     "network=wan,lan", "compute=1us,2us",
                     *(["stragglers=bernoulli(0.3)", "step=0.05"] if "redundancy=" in method else []),
                     *(["step=0.05"] if keys and "steps=" not in method else [])]
            expected = self.undisturbed(f"expected-{m}", *words)
            before, after = [(0, 3), (2, 5), (3, 0)][m % 3]
            with self.subTest(method=method, before=before, after=after):
                out = self.interrupted(f"out-{m}", *words, ranks=before, until=5)
                self.resume(out, "threads=3", "checkpoint-every=0.01s", ranks=after)
                self.assert_same_result(out, expected)

    def test_a_finished_run_is_left_alone(self):
        out = self.undisturbed("out", *LONG)
        before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in out.iterdir()}
        code, text = said_by([PROGRAM, "resume", str(out)])
        self.assertEqual(code, 0, text)
        self.assertIn("has ended already", text)
        self.assertEqual(before, {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in out.iterdir()})

    def test_without_a_checkpoint_the_run_starts_over(self):
        expected = self.undisturbed("expected", *LONG)
        out = self.undisturbed("out", *LONG)
        (out / "summary.json").unlink()
        (out / "trace.csv").write_text((out / "trace.csv").read_text()[:500])
        self.assertIn("starts over", said_by([PROGRAM, "resume", str(out)])[1])
        self.assert_same_result(out, expected)

    def test_what_cannot_be_used_is_refused_in_one_line(self):
        words = [f'problem=logistic("{self.data}", lambda=0.1)', "clients=4", "method=diana(rand-k(3))", "rounds=100000"]
        good = self.interrupted("good", *words, ranks=2)
        other = self.interrupted("other", *words, "seed=2", ranks=2)
        data = self.data.read_bytes()

        def flip_bit(file):
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content)

        def edit(file, old, new):
            text = file.read_text()
            self.assertIn(old, text)
            file.write_text(text.replace(old, new))

        def put_checkpoint_of(source, out):
            shutil.rmtree(out / "checkpoint")
            shutil.copytree(source / "checkpoint", out / "checkpoint")

        def put_one_part_of(source, out):
            (out / "checkpoint" / self.parts(out)[0]).write_bytes(
                (source / "checkpoint" / self.parts(source)[0]).read_bytes())

        part = lambda out, r: out / "checkpoint" / self.parts(out)[r]
        manifest = lambda out: out / "checkpoint" / "manifest.json"
        for name, harm, message in [
            ("bit", lambda out: flip_bit(part(out, 1)), "is damaged"),
            ("short", lambda out: part(out, 0).write_bytes(part(out, 0).read_bytes()[:-9]), "is damaged"),
            ("empty", lambda out: part(out, 0).write_bytes(b""), "is not part of a checkpoint"),
            ("gone", lambda out: part(out, 1).unlink(), "cannot read"),
            ("manifest", lambda out: edit(manifest(out), '"ranks": 2', '"ranks": 1'), "is damaged"),
            ("no-json", lambda out: manifest(out).write_text("round 7"), "is damaged"),
            ("version", lambda out: edit(manifest(out), '"laconic checkpoint": 4', '"laconic checkpoint": 99'),
             "version 99; need 4"),
            ("foreign", lambda out: put_checkpoint_of(other, out), "it has seed = 2, this run has seed = 1"),
            ("mixed", lambda out: put_one_part_of(other, out), "another run's"),
            ("described", lambda out: edit(out / "run.toml", "rand-k(3)", "rand-k(4)"), "this run has method = diana(rand-k(4))"),
            ("trace", lambda out: (out / "trace.csv").write_text("round,f\n"), "trace.csv: is not the file of this run"),
            ("row", lambda out: edit(out / "trace.csv", "\n0,0.", "\n0,1."), "trace.csv: was changed"),
            ("rows", lambda out: edit(out / "timing.csv", "\n", "\n#"), "timing.csv: has no row of round"),
            ("data", lambda out: self.data.write_bytes(data.replace(b"0.1", b"0.2", 1)), "this run has"),
        ]:
            with self.subTest(name):
                out = self.folder / name
                shutil.copytree(good, out)
                harm(out)
                before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
                for ranks in (0, 3) if name in ("gone", "foreign", "trace") else (0,):
                    self.assert_one_message(launched(ranks, "resume", str(out)), 2, message)
                self.assertEqual(before, {file: file.read_bytes() for file in out.rglob("*") if file.is_file()})
                self.data.write_bytes(data)
        self.assert_one_message([PROGRAM, "resume", str(good), "rounds=7"], 2, "only threads= and checkpoint-every= may")
        self.assert_one_message([PROGRAM, "resume", str(self.folder / "nowhere")], 2, "there is no folder")
        self.assert_one_message([PROGRAM, "resume", str(self.folder)], 2, "holds no run")
        self.assert_one_message([PROGRAM, "run", *words, f"out={good}"], 2, "or go on with it: laconic resume")
        self.assert_one_message([PROGRAM, "run", *words, "checkpoint-every=7"], 2, "give out=")

    def test_another_graph_is_refused(self):
        edges = self.folder / "edges"
        ring = "".join(f"{i} {(i + 1) % 6}\n" for i in range(6))
        edges.write_text(ring)
        out = self.interrupted("graph", "problem=quadratic(d=50, s=0.8)", "clients=6", "method=k-gt(steps=2)", "step=0.05",
                               f'topology=edges("{edges}")', "rounds=1000000", ranks=2)
        edges.write_text(ring + "0 3\n")
        for ranks in (0, 2):
            self.assert_one_message(launched(ranks, "resume", str(out)), 2, "weights of neighbours")

    @staticmethod
    def parts(out):
        newest = Resume.round_of(out)
        return sorted(file.name for file in (out / "checkpoint").glob(f"{newest}.*"))

    def test_a_refused_description_leaves_the_earlier_run(self):
        out = self.undisturbed("out", *LONG)
        before = {file.name: file.read_bytes() for file in out.iterdir()}
        for problem, message in [("logistic(nowhere)", "no data set"), ("quadratic(d=0)", "d = 0")]:
            self.assert_one_message([PROGRAM, "run", f"problem={problem}", "method=gd", f"out={out}", "--force"], 2, message)
            self.assertEqual(before, {file.name: file.read_bytes() for file in out.iterdir()})

        limited = ["bash", "-c", 'ulimit -f 0; trap "" XFSZ; exec "$@"', "-", PROGRAM]  # like a full disk
        self.assert_one_message([*limited, "run", *LONG, f"out={out}", "--force"], 2, "cannot write")
        self.assertEqual(before, {file.name: file.read_bytes() for file in out.iterdir()})

    def test_a_run_that_makes_way_is_kept_until_the_next_is_right(self):
        out = self.undisturbed("out", *LONG)
        before = {file.name: file.read_bytes() for file in out.iterdir()}
        pipe = self.folder / "slow"
        subprocess.run(["mkfifo", pipe], check=True)
        with subprocess.Popen([PROGRAM, "run", f'problem=logistic("{pipe}", lambda=0.1)', "clients=4", "method=gd",
                               f"out={out}", "--force"], stderr=subprocess.DEVNULL) as process:
            with pipe.open("w"):  # opens when the program has begun to read
                process.kill()
        pipe.unlink()
        self.assert_one_message([PROGRAM, "resume", str(out)], 2, "slow")
        after = {file.name: file.read_bytes() for file in out.iterdir()}
        self.assertIn("slow", after.pop("run.toml.next").decode())
        self.assertEqual(before, after)
        shutil.copy(self.data, pipe)  # now the next one is correct
        self.resume(out)
        expected = self.undisturbed("expected", f'problem=logistic("{self.data}", lambda=0.1)', "clients=4", "method=gd")
        self.assert_same_result(out, expected)

    def test_files_that_are_lost_are_missed(self):
        for file in ("trace.csv", "run.toml"):
            out = self.folder / f"without-{file}"
            with subprocess.Popen([PROGRAM, "run", *replaced(LONG, "rounds=20000"), f"out={out}"],
                                  stderr=subprocess.PIPE, text=True) as process:
                while not (out / "timing.csv").exists():
                    self.assertIsNone(process.poll())
                (out / file).unlink()
                self.assertIn(f"{file}: was removed", process.communicate()[1])
            self.assertEqual(process.returncode, 1)

    def test_the_description_is_there_before_the_data_is_read(self):
        pipe = self.folder / "slow"
        out = self.folder / "a" / "b"
        subprocess.run(["mkfifo", pipe], check=True)
        with subprocess.Popen([PROGRAM, "run", f'problem=logistic("{pipe}")', "method=gd", f"out={out}"],
                              stderr=subprocess.DEVNULL) as process:
            with pipe.open("w") as writer:  # opens when the program has begun to read
                self.assertIn("logistic", (out / "run.toml").read_text())
                writer.write("not data\n")
            self.assertEqual(process.wait(), 2)
        self.assertFalse(out.parent.exists())

    def test_two_processes_do_not_share_a_folder(self):
        out = self.folder / "out"
        words = ["run", *replaced(LONG, "rounds=100000000"), f"out={out}"]
        with subprocess.Popen([PROGRAM, *words], stdout=subprocess.DEVNULL) as process:
            while not (out / "trace.csv").exists():
                self.assertIsNone(process.poll())
            self.assert_one_message([PROGRAM, "resume", str(out)], 2, "another process is still at work")
            self.assertIsNone(process.poll())
            process.kill()

    def test_a_lost_disk_is_code_one_and_loses_nothing(self):
        words = ["problem=quadratic(d=5000, s=0.8)", "clients=2", "method=marina(rand-k(5))", "rounds=300"]
        expected = self.undisturbed("expected", *words)
        for ranks in (0, 3):
            with self.subTest(ranks=ranks):
                out = self.folder / f"full-{ranks}"  # no file may exceed 64 KiB: the trace fits, parts do not
                limited = ["bash", "-c", 'ulimit -f 64; trap "" XFSZ; exec "$@"', "-", PROGRAM]
                command = [*launched(ranks)[:-1], *limited, "run"]
                self.assert_one_message([*command, *words, f"out={out}", "checkpoint-every=100"], 1,
                                        "cannot write: File too large")
                self.assertEqual(len((out / "trace.csv").read_text().splitlines()), 102)
                trace = self.folder / f"trace-{ranks}"
                self.assert_one_message([*command, *replaced(words, "method=gd", "rounds=20000"), f"out={trace}"], 1,
                                        "cannot write: File too large; the rows before are complete")
                self.assertTrue((trace / "trace.csv").read_text().endswith("\n"))
                self.resume(out)
                self.assert_same_result(out, expected)

                out = self.interrupted(f"gone-{ranks}", *words[:-1], "rounds=100000", ranks=ranks)
                shutil.rmtree(out / "checkpoint")
                self.resume_until_checkpoint_is_lost(out, ranks)

    def resume_until_checkpoint_is_lost(self, out, ranks):
        with subprocess.Popen(launched(ranks, "resume", str(out)), env=ENVIRONMENT, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as process:
            while not (out / "checkpoint" / "manifest.json").exists():
                self.assertIsNone(process.poll())
            (out / "checkpoint").rename(out / "elsewhere")
            text = process.communicate()[0]
        self.assertEqual(process.returncode, 1, text)
        self.assertIn("cannot write", text)
        self.assertGreater(len((out / "trace.csv").read_text().splitlines()), 1)

    def until(self, happens, process):
        deadline = time.monotonic() + SECONDS
        while not happens():
            self.assertIsNone(process.poll(), "the program ended too early")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.002)

    @staticmethod
    def catches(pid, how):
        caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        return int(caught.group(1), 16) >> (how - 1) & 1

    def assert_interrupted(self, out, text):
        """The program has reported the interruption, and the checkpoint is of the round in its message."""
        said = [line for line in text.splitlines() if line.startswith("laconic: ")]
        self.assertEqual(said, [f"laconic: interrupted after round {self.round_of(out)}; to go on: laconic resume {out}"], text)
        self.assertFalse((out / "summary.json").exists())

    def test_signals_save_a_checkpoint(self):
        expected = self.undisturbed("expected", *LONG)
        for how, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            with self.subTest(how=how):
                out = self.folder / f"out-{code}"
                with subprocess.Popen([PROGRAM, "run", *LONG, f"out={out}"], stderr=subprocess.PIPE, text=True) as process:
                    self.until(lambda: self.lines_of(out / "trace.csv") > 2, process)
                    process.send_signal(signal.SIGUSR1)
                    self.until((out / "checkpoint" / "manifest.json").exists, process)
                    process.send_signal(how)
                    text = process.communicate()[1]
                self.assertEqual(process.returncode, code, text)
                self.assert_interrupted(out, text)
                self.resume(out)
                self.assert_same_result(out, expected)

    def test_a_signal_to_one_rank_is_one_to_all(self):
        longer = replaced(LONG, "rounds=60000", "eval-every=500")  # the signals take time through the launcher
        expected = self.undisturbed("expected", *longer)
        for rank, how, code in ((1, signal.SIGTERM, 143), (0, signal.SIGINT, 130)):
            with self.subTest(rank=rank):
                out = self.folder / f"out-{rank}"
                with Job(launched(2, "run", *longer, f"out={out}"), out) as job:
                    job.until(lambda: self.lines_of(out / "trace.csv") > 2)
                    job.process.send_signal(signal.SIGUSR1)  # mpirun passes it on
                    job.until((out / "checkpoint" / "manifest.json").exists)
                    self.assertTrue(job.kill(rank, PROGRAM, how))
                    self.assertEqual(job.until_over(), code, job.text)
                    self.assert_interrupted(out, job.text)
                self.resume(out)
                self.assert_same_result(out, expected)

    def test_a_signal_to_the_launcher(self):
        out = self.folder / "out"
        # It passes SIGTERM on, and kills the remaining processes after this number of seconds.
        patience = {"OMPI_MCA_odls_base_sigkill_timeout": "3"}
        with Job(launched(2, "run", *replaced(LONG, "rounds=100000000"), f"out={out}"), out, environment=patience) as job:
            job.until(lambda: self.lines_of(out / "trace.csv") > 2)
            job.process.send_signal(signal.SIGTERM)
            self.assertNotEqual(job.until_over(), 0)
            self.assert_interrupted(out, job.text)

    def test_without_a_folder_nothing_is_saved(self):
        with subprocess.Popen([PROGRAM, "run", *replaced(LONG, "rounds=100000000")], stderr=subprocess.PIPE, text=True) as process:
            saved = "laconic: no checkpoint was saved: no out=\n"
            self.until(lambda: self.catches(process.pid, signal.SIGTERM), process)
            process.send_signal(signal.SIGUSR1)
            self.assertEqual(process.stderr.readline(), saved)
            process.send_signal(signal.SIGTERM)
            text = process.communicate()[1]
        self.assertEqual(process.returncode, 143, text)
        self.assertRegex(text, "^laconic: interrupted after round [0-9]+; not saved: no out=\n$")

    def test_a_signal_before_the_rounds_ends_the_program(self):
        pipe = self.folder / "slow"
        subprocess.run(["mkfifo", pipe], check=True)
        for how in (signal.SIGTERM, signal.SIGINT):
            out = self.folder / f"out-{how}"
            with subprocess.Popen([PROGRAM, "run", f'problem=logistic("{pipe}")', "method=gd", "rounds=3", f"out={out}"]) as process:
                with pipe.open("w"):  # opens when the program has begun to read
                    process.send_signal(signal.SIGUSR1)  # does not end it
                    process.send_signal(how)
                    self.assertEqual(process.wait(), -how)
        pipe.unlink()
        shutil.copy(self.data, pipe)
        self.assertIn("starts over", said_by([PROGRAM, "resume", str(out)])[1])

    def test_a_second_interrupt_does_not_wait_for_the_round(self):
        out = self.folder / "out"
        words = ["problem=quadratic(d=20, s=0.8)", "clients=2", "method=local-sgd(steps=1000000000)", "step=0.01", "rounds=1"]
        with subprocess.Popen([PROGRAM, "run", *words, f"out={out}"]) as process:
            self.until(lambda: self.lines_of(out / "trace.csv") > 1, process)
            while process.poll() is None:
                process.send_signal(signal.SIGINT)
                time.sleep(0.01)
        self.assertEqual(process.returncode, -signal.SIGINT)

    def test_sweeps_and_searches_are_interrupted(self):
        words = ["problem=quadratic(d=100, s=0.8)", "clients=5", "method={ef21(top-k({1,2})),marina(rand-k({1,5}))}",
                 "step=theory*{2^2..2^4}", "target=1e-6", "rounds=1500"]
        expected, out = self.folder / "expected", self.folder / "out"
        self.assertEqual(said_by([PROGRAM, "sweep", *words, f"out={expected}"])[0], 0)
        with subprocess.Popen([PROGRAM, "sweep", *words, f"out={out}"], stderr=subprocess.PIPE, text=True) as process:
            self.until((out / "sweep.csv").exists, process)
            process.send_signal(signal.SIGTERM)
            text = process.communicate()[1]
        self.assertEqual(process.returncode, 143, text)
        self.assertRegex(text, f"^laconic: interrupted with [0-9]+ of 12 runs done; to go on: laconic resume {out}\n$")
        self.resume(out)
        self.assertEqual((out / "sweep.csv").read_bytes(), (expected / "sweep.csv").read_bytes())

        out = self.folder / "reproduced"
        with subprocess.Popen([PROGRAM, "reproduce", "k-gt", "--out", out], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as process:
            self.until(lambda: list(out.glob("*/sweep.csv")), process)
            process.send_signal(signal.SIGINT)
            text = process.communicate()[1]
        self.assertEqual(process.returncode, 130, text)
        self.assertRegex(text, "^laconic: .*interrupted .*; to go on: the same command again\n$")

        reader, terminal = pty.openpty()
        with subprocess.Popen([PROGRAM, "advise", *words[:2], "network=wan", "method={gd, ef21(top-k(1))}", "target=1e-300"],
                              stdout=subprocess.DEVNULL, stderr=terminal) as process:
            os.read(reader, 1)  # of its progress display
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(), 130)
        self.assertIn(b"laconic: interrupted; nothing was saved", os.read(reader, 1 << 16))

    @staticmethod
    def lines_of(path):
        text = path.read_text() if path.exists() else ""
        assert text == "" or text.endswith("\n")
        return text.count("\n")

    def test_a_sweep_that_is_killed_again_and_again(self):
        words = ["problem=quadratic(d=200, s=0.8)", "clients=10", "method={ef21(top-k({1,2,3,5,8,13})),marina(rand-k({1,5,9}))}",
                 "step=theory*{2^2..2^5}", "seed={1..4}", "target=1e-6", "rounds=8000", "threads=2"]
        expected, out = self.folder / "expected", self.folder / "out"
        code, text = said_by([PROGRAM, "sweep", *words, f"out={expected}"])
        self.assertEqual(code, 0, text)
        rng = random.Random(5)
        kills = 0
        done = 1  # number of lines of sweep.csv
        command = [PROGRAM, "sweep", *words, f"out={out}"]
        while not (out / "summary.json").exists():
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
                while process.poll() is None and self.lines_of(out / "sweep.csv") <= done:
                    time.sleep(0.01)
                time.sleep(rng.uniform(0, 0.3))
                process.kill()
                kills += process.wait() == -signal.SIGKILL
            done = self.lines_of(out / "sweep.csv")
            command = [PROGRAM, "resume", str(out), f"threads={rng.choice([1, 2, 3])}"]
        self.assertGreater(kills, 0)
        for file in ("sweep.csv", "best/ef21.toml", "best/marina.toml"):
            self.assertEqual((out / file).read_bytes(), (expected / file).read_bytes(), file)
        self.assertEqual(sorted(file.name for file in out.iterdir()), sorted(file.name for file in expected.iterdir()))


if __name__ == "__main__":
    unittest.main()
