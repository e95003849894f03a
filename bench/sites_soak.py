#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sites_soak.py BUILD [MINUTES] : 50 sites on this machine under a training run, for 10 minutes: they are killed
(kill -9), leave (Ctrl-C), are stopped for longer than the patience, and return, at random. Then all return, and the run
reaches its target.

It fails unless the server ends by itself with the target, all sites that were there at the end have ended with 0, the
rounds of trace.csv increase, members.csv has a connection for each time that a site took part, and the server's
memory and descriptors at the end of the unrest are those after a quarter of it (20 % and 20 descriptors more at most).
Exit code 77 if BUILD has no sites.
"""
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
import hosts
from attendance import rows_of
from launch import said_by
from sites_processes import Sites, members

SITES = 50
START_WITH = 20
COLUMNS = 60
ROWS = 40  # of a site
PATIENCE = 2  # seconds
BETWEEN = 0.4  # seconds between two events, in the mean
CALM = 180  # seconds in which the target is reached at the end
SEED = 1


def rows_at(site, draw):
    """Rows of two classes, which differ from site to site."""
    lines = []
    for _ in range(ROWS):
        label = draw.choice([-1, 1])
        columns = sorted(draw.sample(range(1, COLUMNS + 1), 8))
        values = [draw.gauss(0.4 * label * (1 if c % 7 else -1) + 0.5 * (c % SITES == site), 1) for c in columns]
        lines.append(f"{label} " + " ".join(f"{c}:{value:.4f}" for c, value in zip(columns, values)) + "\n")
    return "".join(lines)


class Soak:
    def __init__(self, program, folder):
        self.draw = random.Random(SEED)
        self.names = [f"s{i}" for i in range(SITES)]
        self.processes = Sites(program, folder, {name: rows_at(i, self.draw) for i, name in enumerate(self.names)})
        self.sites, self.stopped, self.counts = {}, {}, {}
        self.out = folder / "run"
        self.server, self.port = self.processes.serve(
            f"start-with={START_WITH}", f"columns={COLUMNS}", "labels=-1,1", f"out={self.out}",
            "problem=logistic(lambda=0.1)", "method=ef21(top-k(6))", "step=0.2", "rounds=1000000000", "target=1e-16",
            "eval-every=20", f"stragglers=first-r({SITES}, patience={PATIENCE}s)")

    def join(self, name):
        self.sites[name] = self.processes.join(name, self.port)

    def event(self):
        """One event of the unrest."""
        for name, until in list(self.stopped.items()):
            if time.monotonic() > until:
                self.sites[name].send_signal(signal.SIGCONT)
                del self.stopped[name]
        here = [name for name, site in self.sites.items() if site.poll() is None and name not in self.stopped]
        away = [name for name in self.names if name not in here and name not in self.stopped]
        what = self.draw.choice(["kill", "kill", "leave", "stop", "join", "join", "join", "join"])
        if what == "join" and away:
            self.join(self.draw.choice(away))
        elif what != "join" and len(here) > START_WITH - 3:  # at times too few are left
            site = self.draw.choice(here)
            if what == "stop":
                self.stopped[site] = time.monotonic() + self.draw.uniform(0.5, 3) * PATIENCE
            self.sites[site].send_signal({"kill": signal.SIGKILL, "leave": signal.SIGINT, "stop": signal.SIGSTOP}[what])
        else:
            return
        self.counts[what] = self.counts.get(what, 0) + 1

    def resources(self):
        """Megabytes and descriptors of the server."""
        status = Path(f"/proc/{self.server.pid}/status").read_text()
        resident = int(status.split("VmRSS:")[1].split()[0]) / 1e3
        return resident, len(os.listdir(f"/proc/{self.server.pid}/fd"))

    def be_restless(self, seconds):
        """Returns the resources after a quarter of the time, and at the end."""
        begin = time.monotonic()
        early = None
        while (now := time.monotonic() - begin) < seconds:
            if self.server.poll() is not None:
                self.fail(f"the server has ended with {self.server.returncode}")
            self.event()
            if early is None and now > seconds / 4:
                early = self.resources()
            time.sleep(self.draw.expovariate(1 / BETWEEN))
        return early, self.resources()

    def calm_down(self):
        """All sites return. Waits for the end of the run; returns how long that took."""
        begin = time.monotonic()
        for name in self.stopped:
            self.sites[name].send_signal(signal.SIGCONT)
        while self.server.poll() is None:
            for name in self.names:
                if name not in self.sites or self.sites[name].poll() not in (None, 0):
                    self.join(name)
            if time.monotonic() - begin > CALM:
                self.fail("the target was not reached")
            time.sleep(0.5)
        return time.monotonic() - begin

    def check(self):
        if self.server.returncode != 0:
            self.fail(f"the server has ended with {self.server.returncode}")
        codes = {name: site.wait(60) for name, site in self.sites.items()}
        if wrong := {name: code for name, code in codes.items() if code}:
            self.fail(f"sites have ended with {wrong}", *(self.sites[name] for name in wrong))
        rows = rows_of(self.out / "trace.csv")
        rounds = [int(row["round"]) for row in rows]
        if rounds != sorted(set(rounds)):
            self.fail("the rounds of trace.csv do not increase")
        connections, joins = dict.fromkeys(self.names, 0), dict.fromkeys(self.names, 0)
        for name, event, _ in members(self.out):
            connections[name] += event == "connected"
            joins[name] += event == "joined"
            if joins[name] > connections[name]:
                self.fail(f"members.csv: {name} joined more often than it was connected")
        if not all(joins.values()):
            self.fail("members.csv does not have all sites")
        return rows[-1], sum(joins.values())

    def fail(self, why, *sites):
        sys.exit("\n".join([f"sites_soak.py: {why}", *(process.text[-3000:] for process in [self.server, *sites])]))


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    program = Path(sys.argv[1]).resolve() / "laconic"
    minutes = float(sys.argv[2]) if len(sys.argv) == 3 else 10
    with tempfile.TemporaryDirectory() as folder:
        if "built without sites" in said_by([program, "serve"])[1]:
            hosts.skip("this build has no sites")
        soak = Soak(program, Path(folder))
        try:
            for name in soak.names:
                soak.join(name)
            early, late = soak.be_restless(60 * minutes)
            seconds = soak.calm_down()
            last, joins = soak.check()
        finally:
            soak.processes.end()
        print(f"{minutes:g} minutes: {', '.join(f'{count} x {what}' for what, count in sorted(soak.counts.items()))}; "
              f"{joins} times a site took part anew")
        print(f"memory of the server: {early[0]:.1f} MB, at the end {late[0]:.1f} MB; "
              f"descriptors {early[1]} and {late[1]}")
        print(f"target reached in round {last['round']}, {seconds:.1f} s after the unrest: |grad f|^2 = "
              f"{float(last['grad_norm_sq']):.2g}")
        if late[0] > 1.2 * early[0] or late[1] > early[1] + 20:
            sys.exit("sites_soak.py: the server's memory or descriptors grow")


if __name__ == "__main__":
    main()
