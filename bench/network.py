#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""network.py PROGRAM : the time of rounds over links of 100 Mbit/s, compared with the transfer time alone.

Three hosts, one rank each, are three network namespaces (tests/hosts.py), each behind a token bucket in each
direction. A run is timed only after its trace.csv and x.npy equal those of one process. The time of a round
is the difference between a long and a short run, divided by the difference in rounds. The bytes of a round
are the larger of those that rank 0 reports as sent and as received; its link is as busy as any. The hosts
share this machine's cores and memory: "computes" is the time of one host's share of the round in a run of one
process. If it is not small, real hosts would be faster.

Exit code 77 if namespaces cannot be made.
"""
import csv
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import figures

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
import hosts

HOSTS = 3
BITS_PER_SECOND = 100e6
DIM = 1_250_000
REPEATS = 5

# A method, and the rounds of a short and of a long run.
CASES = [
    ("gd", 1, 7),
    ("marina(rand-k(1%), p=1e-9)", 10, 60),  # tails only
]


class Run:
    """Runs the program, and holds the results."""

    def __init__(self, command, method, rounds, folder):
        words = [f"problem=quadratic(d={DIM})", f"clients={HOSTS}", f"method={method}", "step=0.001", "wire=f64",
                 f"rounds={rounds}", "eval-every=0", "threads=1", f"out={folder}"]
        done = subprocess.run([*command, "run", *words, "--force"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}")
        self.results = [(folder / name).read_bytes() for name in ("trace.csv", "x.npy")]
        with open(folder / "timing.csv", encoding="utf8") as file:
            last = list(csv.DictReader(file))[-1]
        self.seconds = float(last["seconds"])
        self.bytes = max(int(last["bytes_sent"]), int(last["bytes_received"]))


def measure(program, folder):
    print(f"{'a round of':30}{'bytes':>10}{'links need':>12}{'it takes':>12}{'times':>7}{'goal':>6}{'computes':>12}")
    for method, short, long in CASES:
        def a_round(what):
            return [(getattr(b, what) - getattr(a, what)) / (long - short) for a, b in pairs]

        alone = [Run([program], method, rounds, folder / "alone") for rounds in (short, long)]
        computes = (alone[1].seconds - alone[0].seconds) / (long - short) / HOSTS
        pairs = []
        for _ in range(REPEATS):
            pairs.append([Run([*hosts.launcher(folder, HOSTS), program], method, r, folder / "hosts") for r in (short, long)])
            if [run.results for run in pairs[-1]] != [run.results for run in alone]:
                sys.exit(f"{method}: hosts and one process do not end with the same trace and point")
        moved, takes = statistics.median(a_round("bytes")), sorted(a_round("seconds"))
        need = 8 * moved / BITS_PER_SECOND
        typical = statistics.median(takes)
        figure = f"network/{method} ratio_to_transfer"
        figures.give(figure, typical / need)
        print(f"{method:30}{moved:10.0f}{1e3 * need:9.1f} ms{1e3 * typical:9.1f} ms{typical / need:7.2f}"
              f"{figures.GOALS[figure]:6.1f}{1e3 * computes:9.1f} ms   ({takes[0] / need:.2f} to {takes[-1] / need:.2f})", flush=True)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    hosts.go_behind_the_fence()
    hosts.make_hosts(HOSTS, BITS_PER_SECOND)
    with tempfile.TemporaryDirectory() as folder:
        measure(str(Path(sys.argv[1]).resolve()), Path(folder))


if __name__ == "__main__":
    main()
