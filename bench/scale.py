#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scale.py PROGRAM [REPEATS [TABLE ...]] : makes the tables of docs/scale.md, or those that are named: `clients`,
`million`, `coordinates`, `entries`: time and memory by clients, coordinates and entries; `torus`: nodes without a
server; `wide`: data with millions of columns.

The time of a round is the difference of a long and a short run, each the best of REPEATS (3), divided by the
difference in rounds; these rounds have no evaluations. Peak memory is that of the longer run, as reported by
the kernel."""
import json
import os
import random
import sys
import tempfile
from pathlib import Path

PROGRAM = sys.argv[1]
REPEATS = int(sys.argv[2]) if len(sys.argv) > 2 else 3
METHODS = {"pp-marina(rand-k(1%), sample=100, p=1e-6)": 1000, "gd": 4}  # the number of timed rounds


def measure(command):
    """Returns the seconds and the peak MiB of a command."""
    begin = os.times().elapsed
    child = os.posix_spawn(PROGRAM, command, os.environ,
                           file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(child, 0)
    if status != 0:
        sys.exit(f"scale.py: {command} failed")
    return os.times().elapsed - begin, usage.ru_maxrss / 1024


def run(words, rounds):
    """Returns the seconds of the run's rounds, the seconds before them, and the peak MiB."""
    with tempfile.TemporaryDirectory() as folder:
        elapsed, peak = measure([PROGRAM, "run", *words, f"rounds={rounds}", "eval-every=0", "step=0.01",
                                 f"out={folder}/run"])
        seconds = json.loads(Path(folder, "run", "summary.json").read_text())["seconds"]
        return seconds, elapsed - seconds, peak


def row(clients, d, nnz):
    problem = f"logistic(generated(rows=10, d={d}, nnz={nnz}), lambda=0.1)"
    cells, peaks, before = [f"{clients:,}", f"{d:,}", f"{nnz:,}"], [], []
    for method, rounds in METHODS.items():
        words = [f"problem={problem}", f"clients={clients}", f"method={method}"]
        short = [run(words, 1) for _ in range(REPEATS)]
        long = [run(words, 1 + rounds) for _ in range(REPEATS)]
        cells.append(f"{1000 * (min(s for s, _, _ in long) - min(s for s, _, _ in short)) / rounds:.2f} ms")
        peaks.append(f"{min(m for _, _, m in long):.0f} MiB")
        before += [b for _, b, _ in short]
    print("| " + " | ".join([*cells, *peaks, f"{min(before):.1f} s"]) + " |", flush=True)


def table(title, rows):
    print(f"\n{title}\n\n| clients | d | entries a row | round of pp-marina | round of gd | peak, pp-marina | peak, gd "
          "| before round 0 |\n|---:|---:|---:|---:|---:|---:|---:|---:|")
    for each in rows:
        row(*each)


def torus_table(sides, d):
    """The states are x and c in doubles. The board has two messages of each node, in floats."""
    print("\nk-gt(steps=5) on a torus:\n\n| nodes | d | round | states | board | peak | before round 0 |\n"
          "|---:|---:|---:|---:|---:|---:|---:|")
    for side in sides:
        words = [f"problem=logistic(generated(rows=10, d={d}, nnz=20), lambda=0.1)", f"clients={side * side}",
                 "method=k-gt(steps=5)", f"topology=torus({side},{side})"]
        short = [run(words, 1) for _ in range(REPEATS)]
        long = [run(words, 11) for _ in range(REPEATS)]
        vector = side * side * d / 2**20
        print(f"| {side * side:,} | {d:,} | {100 * (min(s for s, _, _ in long) - min(s for s, _, _ in short)):.1f} ms "
              f"| {16 * vector:.0f} MiB | {8 * vector:.0f} MiB | {min(m for _, _, m in long):.0f} MiB "
              f"| {min(b for _, b, _ in short):.1f} s |", flush=True)


def wide_table(rows):
    """Times the work before round 0: `theory` with a number as step does only this, and computes no
    gradient."""
    print("\nWide data:\n\n| columns | rows | entries a row | clients | split | before round 0 | peak |\n"
          "|---:|---:|---:|---:|---|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for columns, count, entries, cases in rows:
            draw = random.Random(1)
            data = Path(folder, str(columns))
            with data.open("w") as file:
                for i in range(count):
                    row = {draw.randrange(1, columns + 1) for _ in range(entries)} | ({columns} if i == 0 else set())
                    file.write(f"{draw.choice((-1, 1))} "
                               + " ".join(f"{c}:{draw.uniform(-1, 1):.4f}" for c in sorted(row)) + "\n")
            for clients, split in cases:
                command = [PROGRAM, "theory", f'problem=logistic("{data}", lambda=0.1)', f"clients={clients}",
                           f"split={split}", "method=gd", "step=1"]
                measured = [measure(command) for _ in range(REPEATS)]
                print(f"| {columns:,} | {count:,} | {entries} | {clients} | {split} | {min(s for s, _ in measured):.2f} s "
                      f"| {min(m for _, m in measured):.0f} MiB |", flush=True)


CASES = ((20, "contiguous"), (100, "contiguous"), (100, "by-label"))
TABLES = {
    "clients": lambda: table("Against the clients:", [(1000, 100, 20), (10_000, 100, 20), (100_000, 100, 20)]),
    "million": lambda: table("A million clients:", [(1_000_000, 100, 20)]),
    "coordinates": lambda: table("Against the coordinates:", [(10_000, d, 20) for d in (100, 1000, 10_000)]),
    "entries": lambda: table("Against the entries of a row:", [(10_000, 1000, nnz) for nnz in (5, 20, 100)]),
    "torus": lambda: torus_table((32, 100), 1000),
    "wide": lambda: wide_table([(1_000_000, 2000, 30, CASES), (16_600_000, 20_000, 25, CASES),
                                (50_000_000, 4000, 10, CASES)]),
}
for name in sys.argv[3:] or TABLES:
    TABLES[name]()
