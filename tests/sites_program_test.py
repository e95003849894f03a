#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sites_program_test.py PROGRAM: `laconic serve` and `laconic join` as processes on this machine. A run across
sites is that of one process; sites come late, are killed and return; the server is killed and started again; a site
that does not fit is refused. The tests check the order of events, not durations."""
import signal
import socket
import sys
import unittest

from attendance import attendance, lines_in, rows_of
from launch import InFolder, said_by, two_classes
from sites_processes import Sites, counted, events, make_certificates, members, until

PROGRAM = sys.argv.pop(1)
SITES = ["north", "south", "west"]
ROWS = two_classes(rows=60).splitlines(keepends=True)
# Slow enough that there is time for what happens during a run, with a patience below a second.
SLOWLY = ["stragglers=first-r(3, patience=800ms)", "rehearsal=slow(0, 5ms), slow(1, 5ms), slow(2, 5ms)"]


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class SitesProgram(InFolder):
    def setUp(self):
        super().setUp()
        rows = {name: "".join(ROWS[20 * i:20 * (i + 1)]) for i, name in enumerate(SITES)}
        self.sites = Sites(PROGRAM, self.folder, rows)
        self.addCleanup(self.sites.end)
        (self.folder / "all.svm").write_text("".join(ROWS))
        self.out = self.folder / "run"

    def said_by_server(self, *words):
        """The exit code and the text of a server with these words, the last one for each key."""
        own = ["listen=127.0.0.1:0", f"tls={self.folder}/tls/server", f"roster={self.folder}/roster"]
        return said_by([PROGRAM, "serve", *{word.split("=")[0]: word for word in [*own, *words]}.values()])

    def test_a_run_across_sites_is_that_of_one_process(self):
        for k, words in enumerate([
                ["problem=logistic(all, lambda=0.1, columns=12)", "method=ef21(top-k(3))", "step=0.5"],
                ["problem=logistic(all, lambda=0.1, columns=12)", "method=marina(perm-k, p=0.3)", "step=0.5"],
                ["problem=softmax(all, columns=12)", "method=diana(rand-k(3))", "step=0.5", "batch=4"],
                ["problem=least-squares(all, columns=12)", "method=vr-marina(rand-k(3))", "step=0.05", "batch=4"],
                ["problem=mlp(all, 4, columns=12)", "method=ef21(top-k(5))", "step=0.1"]]):
            words += ["rounds=30", "stragglers=first-r(3, patience=100s)"]
            server, port = self.sites.serve(*words, f"out={self.folder}/across-{k}")
            sites = [self.sites.join(name, port) for name in SITES]
            self.assertEqual(server.ended(), 0, server.text)
            for site in sites:
                self.assertEqual(site.ended(), 0, site.text)
            own = [word.replace("(all,", f"({self.folder}/all.svm,") for word in words]
            code, text = said_by([PROGRAM, "run", *own, "clients=3", f"out={self.folder}/one-{k}"])
            self.assertEqual(code, 0, text)
            for file in ["trace.csv", "x.npy"]:
                across = (self.folder / f"across-{k}" / file).read_bytes()
                self.assertEqual(across, (self.folder / f"one-{k}" / file).read_bytes(), (words, file))
            joined = {name for name, event, _ in members(self.folder / f"across-{k}") if event == "joined"}
            self.assertEqual(joined, set(SITES))

    def test_sites_come_late_and_are_killed_and_return(self):
        server, port = self.sites.serve("problem=logistic(columns=12, lambda=0.1)", "method=ef21(top-k(3))", "step=0.5",
                                        "rounds=100000", "target=1e-20", *SLOWLY, "start-with=2", f"out={self.out}")
        north, south = self.sites.join("north", port), self.sites.join("south", port)
        until(lambda: counted(self.out) == [0, 1], server, north, south)
        west = self.sites.join("west", port)
        until(lambda: counted(self.out) == [0, 1, 2], server, north, south, west)
        south.kill()
        until(lambda: counted(self.out) == [0, 2], server, north, west)
        until(lambda: attendance(self.out)[-1].gone == [1], server)
        south = self.sites.join("south", port)
        until(lambda: counted(self.out) == [0, 1, 2], server, north, south, west)
        self.assertEqual(server.ended(), 0, server.text)
        for site in [north, south, west]:
            self.assertEqual(site.ended(), 0, site.text)
            self.assertIn("done", site.text)
        story = events(self.out, "south")
        self.assertEqual([event for event in story if event in ("joined", "lost")], ["joined", "lost", "joined"], story)
        self.assertIn("south is lost", server.text)
        self.assertLessEqual(float(rows_of(self.out / "trace.csv")[-1]["grad_norm_sq"]), 1e-20)

    def test_the_labels_of_regression_are_any_numbers_and_the_server_has_the_test_set(self):
        numbers = [f"{k / 7} 1:{k % 5} 2:1\n" for k in range(40)]
        for name, part in [("north", numbers[:15]), ("south", numbers[15:])]:
            (self.folder / f"{name}.svm").write_text("".join(part))
        server, port = self.sites.serve("problem=least-squares()", "method=gd", "step=0.05", "rounds=100000",
                                        "target=1e-12", *SLOWLY, "start-with=1", "columns=2", f"out={self.out}")
        north = self.sites.join("north", port)
        until(lambda: counted(self.out) == [0], server, north)
        south = self.sites.join("south", port)
        until(lambda: counted(self.out) == [0, 1], server, north, south)
        self.assertEqual([each.ended() for each in (server, north, south)], [0, 0, 0], server.text)
        self.assertEqual(events(self.out, "south").count("refused"), 0)

        (self.folder / "rows.t").write_text("".join(ROWS[:7]))
        (self.folder / "north.svm").write_text("".join(ROWS[:20]))
        (self.folder / "south.svm").write_text("".join(ROWS[20:40]))
        words = ["method=gd", "step=0.5", "rounds=20", "stragglers=first-r(3, patience=100s)"]
        server, port = self.sites.serve(f"problem=logistic(test={self.folder}/rows.t, columns=12)", *words,
                                        f"out={self.folder}/tested")
        sites = [self.sites.join(name, port) for name in SITES]
        self.assertEqual([each.ended() for each in (server, *sites)], [0, 0, 0, 0], server.text)
        own = f"problem=logistic({self.folder}/all.svm, test={self.folder}/rows.t, columns=12)"
        code, text = said_by([PROGRAM, "run", own, *words, "clients=3", f"out={self.folder}/one"])
        self.assertEqual(code, 0, text)
        accuracies = [[row["test_accuracy"] for row in rows_of(self.folder / out / "trace.csv")]
                      for out in ("tested", "one")]
        self.assertEqual(accuracies[0], accuracies[1])
        self.assertNotIn("", accuracies[0])

    def test_a_server_that_is_killed_goes_on_from_its_checkpoint(self):
        port = free_port()
        words = ["problem=logistic(columns=12, lambda=0.1)", "method=ef21(top-k(3))", "step=0.5", "rounds=400", *SLOWLY,
                 "checkpoint-every=20", f"out={self.out}"]
        server, _ = self.sites.serve(*words, port=port)
        sites = [self.sites.join(name, port) for name in SITES]
        until(lambda: lines_in(self.out / "attendance.csv") > 60, server, *sites)
        server.kill()
        (self.folder / "reordered").write_text("\n".join(reversed(SITES)))
        story = (self.out / "members.csv").read_text()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            for others, reason in [  # of the first ones the sites do not hear
                    (["columns=13"], "columns: 13; problem: "),
                    (["labels=1,2"], "labels: not as in"),
                    ([f"roster={self.folder}/reordered"], "roster: not as in"),
                    (["step=0.4"], "with other keys that has not ended"),
                    (["--force", f"listen=127.0.0.1:{taken.getsockname()[1]}"], "cannot listen at")]:
                code, text = self.said_by_server(*words, f"listen=127.0.0.1:{port}", *others)
                self.assertEqual(code, 2, text)
                self.assertIn(reason, text)
                self.assertNotIn("listening", text)
        self.assertEqual((self.out / "members.csv").read_text(), story)
        forced, _ = self.sites.serve(*words, "--force")
        forced.send_signal(signal.SIGINT)
        self.assertEqual(forced.ended(), 128 + signal.SIGINT, forced.text)
        self.assertEqual((self.out / "members.csv").read_text(), story, "of the run that is not replaced after all")
        self.assertEqual(list(self.out.glob("*.before")), [])
        code, text = said_by([PROGRAM, "resume", self.out])
        self.assertEqual((code, "holds a run across sites; start laconic serve again" in text), (2, True), text)
        again, _ = self.sites.serve(*words, port=port)
        self.assertIn("goes on from its checkpoint", again.text)
        self.assertEqual(again.ended(), 0, again.text)
        for site in sites:
            self.assertEqual(site.ended(), 0, site.text)
        rows = rows_of(self.out / "trace.csv")
        self.assertEqual([int(row["round"]) for row in rows], list(range(401)), "no round is lost or doubled")
        self.assertEqual([event for event in events(self.out, "west") if event == "joined"], ["joined", "joined"])

    def test_a_site_that_does_not_fit_is_refused_and_the_run_goes_on(self):
        make_certificates(PROGRAM, self.folder / "tls", ["stranger"])
        make_certificates(PROGRAM, self.folder / "other", ["north"])
        (self.folder / "odd.svm").write_text("2 1:0.5\n1 2:0.5\n")
        (self.folder / "wide.svm").write_text("1 1:0.5\n-1 99:0.5\n")
        server, port = self.sites.serve("problem=logistic(columns=12, lambda=0.1)", "method=gd", "step=0.5",
                                        "rounds=50", "labels=-1,1", f"out={self.out}")
        for name, words, data, tls, reason in [
                ("stranger", [], self.folder / "north.svm", "tls", "not on the roster"),
                ("north", [], None, "other", "certificate"),
                ("north", [], self.folder / "odd.svm", "tls", "the label 2; the labels of the run are -1, 1"),
                ("north", [], self.folder / "wide.svm", "tls", "its rows have 99 columns; the run has 12"),
                ("north", ["allow=ef21,marina"], None, "tls", "the server asks for gd; allow=ef21,marina does not")]:
            site = self.sites.join(name, port, *words, tls=tls, data=data)
            self.assertIn(site.ended(), (1, 2), site.text)
            self.assertIn(reason, site.text)
        sites = [self.sites.join(name, port) for name in SITES]
        self.assertEqual(server.ended(), 0, server.text)
        for site in sites:
            self.assertEqual(site.ended(), 0, site.text)
        reasons = [reason for _, event, reason in members(self.out) if event in ("refused", "failed")]
        for part in ["roster", "label 2", "99 columns", "allow="]:
            self.assertEqual(sum(part in reason for reason in reasons), 1, (part, reasons))

    def test_one_of_the_first_sites_with_an_odd_label_is_refused_and_the_run_begins_with_another(self):
        (self.folder / "odd.svm").write_text("2 1:0.5\n1 2:0.5\n")
        server, port = self.sites.serve("problem=logistic(columns=12, lambda=0.1)", "method=gd", "step=0.5",
                                        "rounds=50", f"out={self.out}")
        odd = self.sites.join("north", port, data=self.folder / "odd.svm")
        south, west = self.sites.join("south", port), self.sites.join("west", port)
        self.assertIn(odd.ended(), (1, 2), odd.text)
        self.assertIn("the label 2; the labels of the run are -1, 1", odd.text)
        north = self.sites.join("north", port)
        self.assertEqual(server.ended(), 0, server.text)
        for site in [north, south, west]:
            self.assertEqual(site.ended(), 0, site.text)
        story = events(self.out, "north")
        self.assertEqual([event for event in story if event in ("refused", "joined")], ["refused", "joined"], story)

    def test_the_run_waits_for_sites_with_labels_that_the_problem_can_have(self):
        classes = [[row for row in ROWS if float(row.split()[0]) == label] for label in (1, -1)]
        self.assertGreater(min(len(rows) for rows in classes), 1)
        for name, rows in [("north", classes[0][1:]), ("south", classes[0][:1]), ("west", classes[1])]:
            (self.folder / f"{name}.svm").write_text("".join(rows))
        server, port = self.sites.serve("problem=logistic(columns=12, lambda=0.1)", "method=gd", "step=0.5",
                                        "rounds=50", "start-with=2", f"out={self.out}")
        north, south = self.sites.join("north", port), self.sites.join("south", port)
        until(lambda: "waits for others: " in server.text, server, north, south)
        self.assertIn("found 1 distinct label", server.text)
        west = self.sites.join("west", port)
        self.assertEqual(server.ended(), 0, server.text)
        for site in [north, south, west]:
            self.assertEqual(site.ended(), 0, site.text)

    def test_a_description_that_no_labels_can_mend_ends_the_run(self):
        server, port = self.sites.serve("problem=logistic(lambda=-1)", "method=gd", "step=0.5", "rounds=50",
                                        "start-with=2", f"out={self.out}")
        north, south = self.sites.join("north", port), self.sites.join("south", port)
        self.assertEqual(server.ended(), 2, server.text)
        self.assertIn("lambda = -1", server.text)
        for site in [north, south]:
            self.assertIn(site.ended(), (1, 2), site.text)

    def test_a_server_that_is_interrupted_while_it_waits_tells_the_sites(self):
        server, port = self.sites.serve("problem=logistic(columns=12, lambda=0.1)", "method=gd", "step=0.5",
                                        "labels=-1,+1", f"out={self.out}")
        site = self.sites.join("north", port)
        until(lambda: "client 0 of 3" in site.text, server, site)
        server.send_signal(signal.SIGINT)
        self.assertEqual(server.ended(), 128 + signal.SIGINT, server.text)
        self.assertIn("interrupted while it waited for sites; not saved", server.text)
        self.assertEqual(site.ended(), 0, site.text)
        self.assertIn("the server was asked to end it", site.text)

    def test_a_site_that_does_not_answer_holds_up_no_run_and_no_request_to_end(self):
        words = ["problem=logistic(columns=12, lambda=0.1)", "method=gd", "step=0.5", "rounds=20", "start-with=2",
                 "labels=-1,1", "rehearsal=slow(1, 1000s)"]
        server, port = self.sites.serve(*words, "stragglers=first-r(3, patience=2s, answer-within=3s)",
                                        f"out={self.folder}/run")
        sites = [self.sites.join(name, port) for name in SITES]
        self.assertEqual(server.ended(), 0, server.text)
        self.assertEqual([site.ended() for site in sites], [0, 1, 0], sites[1].text)
        reasons = [reason for name, event, reason in members(self.folder / "run")
                   if (name, event) == ("south", "refused")]
        self.assertEqual(reasons, ["it is not silent, and has not answered for 3 s (answer-within)"])

        server, port = self.sites.serve(*words, "stragglers=first-r(3, patience=2s)", f"out={self.folder}/ended")
        sites = [self.sites.join(name, port) for name in SITES]
        until(lambda: "joined" in events(self.folder / "ended", "south"), server, *sites)
        server.send_signal(signal.SIGINT)
        self.assertEqual(server.ended(), 128 + signal.SIGINT, server.text)
        self.assertIn("interrupted while it waited for the answers of sites", server.text)

    def test_what_needs_the_data_in_one_place_is_refused_before_the_server_listens(self):
        for words, reason in [(["method=gd"], "step"),
                              (["method=gd", "step=0.1", "start-with=4"], "start-with = 4; the roster has 3 sites"),
                              (["method=gd", "step=0.1", "target-gap=0.1"], "target-gap: "),
                              (["method=gd", "step=0.1", "split=by-label"], "split: "),
                              (["method=gd", "step=0.1", "topology=edges(rows.svm)"], "topology: "),
                              (["method=k-gt", "step=0.1", "labels=-1,1"], "k-gt"),
                              (["method=gd", "step=0.1", "aggregator=krum(1)", "start-with=2", "labels=-1,1"], "krum"),
                              (["method=gd", "step=0.1", "columns=5"], "columns: 5; problem: "),
                              (["method=gd", "step=0.1", "problem=logistic(columns=12, lambda=-1)"], "lambda = -1"),
                              (["method=gd", "step=0.1", "labels=-1,nan"], 'labels: "nan"; need numbers'),
                              (["method=gd", "step=0.1", "labels=+,1"], 'labels: "+"; need numbers'),
                              (["method=gd", "step=0.1", "clients=4"], "clients: 4; the roster has 3 sites"),
                              (["method=gd", "step=0.1", "clients=3", "problem=quadratic(d=3)"], "has no rows"),
                              (["method=gd", "step=0.1", "stragglers=bernoulli(0.2)"], "stragglers: ")]:
            code, text = self.said_by_server("problem=logistic(columns=12)", *words)
            self.assertEqual(code, 2, (words, text))
            self.assertIn(reason, text)
            self.assertNotIn("listening", text)
            self.assertEqual(len(text.splitlines()), 1, text)


if __name__ == "__main__":
    unittest.main()
