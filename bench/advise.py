#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""advise.py PROGRAM : compares the predictions of `laconic advise` for a link with real rounds over it.

A server and two clients run on separate hosts (network namespaces, tests/hosts.py). Each client is behind a
token bucket of 20 and then of 100 Mbit/s in each direction; the server's link is not limited, as in the
model. `advise` runs first, on this machine just before the real runs. Its latency is measured just before
that: half the time of a round of almost no data. Then the real runs use the steps and the numbers of rounds
that `advise` gave, with a server with a real clock (docs/served.md) that waits for all clients. The server
sends the point, d values of f64, to every client, and clients send encoded messages; with wire=f64 the model
counts the same bytes. Methods that need the previous point (marina, clag) are left out: a served client also
receives the previous point, which the server of the paper does not send.

Compares predicted and real times of a round and of the run to the target (the real run also has one
evaluation at its end), each the median of some runs. A ratio passes from 0.65 to 1.35; exit code 1 means that
one does not. The model ignores packet headers (5 % of the bytes), TCP slow start, and the burst of a bucket
(8 KB, for messages of 63 and 800 KB). The hosts share this machine's cores: this is valid because gradients
take a small part of the rounds here.

Exit code 77 if namespaces cannot be made.
"""
import csv
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import figures

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
import hosts

CLIENTS = 2
TOLERANCE = 0.35
METHODS = "{gd, ef21(top-k(1%)), diana(natural)}"
# Problems, with a target if the default one is reached too soon.
PROBLEMS = [("softmax(fashion-mnist, rows=2000)", []), ("quadratic(d=100000, s=0.8)", ["target=1"])]
SPEEDS = [20, 100]  # Mbit/s
REPEATS = 3  # the median is used


def say(command, *words):
    done = subprocess.run([*command, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode == 2 and "not found" in done.stdout:
        return None
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def predict(program, problem, words, network, folder):
    """The output of advise; None if the data is missing."""
    file = folder / "advice.json"
    text = say([program], "advise", f"problem={problem}", *words, f"clients={CLIENTS}", f"network={network}", "wire=f64",
               f"method={METHODS}", "threads=1", "seconds=20", f"out={file}")
    return text and json.loads(file.read_text())


def real(program, problem, method, gamma, rounds, folder):
    """Returns the seconds of a round, the seconds of the whole run, and |grad f|^2 at its end."""
    out = folder / "real"
    say([*hosts.launcher(folder, 1 + CLIENTS), program], "run", f"problem={problem}", f"clients={CLIENTS}", "wire=f64", f"method={method}",
        f"step={gamma}", f"rounds={rounds}", "eval-every=0", "threads=1",
        f"stragglers=first-r({CLIENTS}, patience=60s)", f"out={out}", "--force")
    with open(out / "timing.csv", encoding="utf8") as file:
        seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
    last = json.loads((out / "summary.json").read_text())["last"]
    return (seconds[-1] - seconds[0]) / rounds, seconds[-1], last["grad_norm_sq"]


def latency(program, folder):
    """The latency of one direction: half the time of a round of almost no data."""
    return real(program, "quadratic(d=1)", "gd", 1e-3, 300, folder)[0] / 2


def measure(program, folder):
    """Returns whether all ratios pass."""
    print(f"{'network':>14}  {'problem':36}{'method':20}{'rounds':>7}{'a round':>11}{'real':>11}{'ratio':>7}{'to target':>11}{'real':>10}{'ratio':>7}")
    right = True
    for speed in SPEEDS:
        for host in range(1, 1 + CLIENTS):
            hosts.shape_link_of(host, speed * 1e6, burst="8k", queue="1s")
        for problem, words in PROBLEMS:
            network = f"{speed}mbit,{1e6 * latency(program, folder):.0f}us"
            advice = predict(program, problem, words, network, folder)
            if advice is None:
                print(f"{network:>14}  {problem:36}no such data here")
                continue
            for method in advice["methods"]:
                if not method["reached"]:
                    print(f"{network:>14}  {problem:36}{method['method']:20} did not reach the target")
                    continue
                runs = [real(program, problem, method["method"], method["gamma"], method["rounds"], folder) for _ in range(REPEATS)]
                a_round, whole, grad_norm_sq = (statistics.median(values) for values in zip(*runs))
                if grad_norm_sq > 1.001 * advice["target"]["value"]:
                    sys.exit(f"{method['method']}: |grad f|^2 = {grad_norm_sq}, not the target: {advice['target']}")
                says = method["seconds_of_a_round"]["total"], method["seconds"]["total"]
                ratios = says[0] / a_round, says[1] / whole
                ok = all(abs(ratio - 1) <= TOLERANCE for ratio in ratios)
                right = right and ok
                for what, ratio in zip(("round", "run"), ratios):
                    figures.give(f"advise/{speed}mbit/{problem}/{method['method']}/{what} ratio_distance_to_1",
                                 1 + abs(ratio - 1))
                print(f"{network:>14}  {problem:36}{method['method']:20}{method['rounds']:7}{1e3 * says[0]:8.1f} ms{1e3 * a_round:8.1f} ms"
                      f"{ratios[0]:7.2f}{says[1]:9.2f} s{whole:8.2f} s{ratios[1]:7.2f}{'' if ok else '  OUTSIDE'}", flush=True)
    return right


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    hosts.go_behind_the_fence()
    hosts.make_hosts(1 + CLIENTS)
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(0 if measure(str(Path(sys.argv[1]).resolve()), Path(folder)) else 1)


if __name__ == "__main__":
    main()
