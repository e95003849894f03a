#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""served.py PROGRAM [MPIRUN] : the time until a linear classifier of Fashion-MNIST reaches about 78 % test
accuracy, when two of ten clients are ten times slower than the others.

Eleven processes under MPI with a real clock (docs/served.md): a server, and ten clients. The gradient of a
shard is delayed by 20 ms (rehearsal=), on two clients by 200 ms, and the gradient of three shards by three
times as much. So the comparison is between methods, and not affected by this machine's cores, which the
processes share. All methods use the same step. Gradient descent waits for all clients, exact gradient coding
for the eight answers that it needs, gc-1bit until its deadline. Before that, synchronous gradient descent
must give the same bytes as a plain run.

Exit code 77 if Fashion-MNIST is missing."""
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import figures

CLIENTS = 10
SLOW = (3, 7)
SHARD = 0.020
TIMES = 10
TASK = ["problem=softmax(fashion-mnist, rows=6000)", f"clients={CLIENTS}", "split=shuffled", "step=0.1", "wire=f64", "threads=1",
        "eval-every=5"]
# A method, the number of shards of a client, and how long the server waits.
CASES = [
    ("gd", 1, f"first-r({CLIENTS}, patience=30s)"),
    ("exact-gc(tolerates=2, code=cyclic)", 3, f"first-r({CLIENTS - 2}, patience=30s)"),
    ("gc-1bit(redundancy=2)", 2, "deadline(80ms, patience=30s)"),
]
ENVIRONMENT = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                            "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_mpi_yield_when_idle": "1"}


def run(command, *words):
    done = subprocess.run([*command, "run", *words, "--force"], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 2 and "not found" in done.stdout:
        print(f"skipped: {done.stdout.strip()}")
        sys.exit(77)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}")


def measure(launch, method, load, clock, folder):
    slow = ", ".join(f"slow({i}, {1000 * SHARD * load * (TIMES if i in SLOW else 1):g}ms)" for i in range(CLIENTS))
    out = folder / "served"
    run(launch, *TASK, f"method={method}", f"stragglers={clock}", f"rehearsal={slow}", "rounds=2000", "target-accuracy=0.78", f"out={out}")
    summary = json.loads((out / "summary.json").read_text())
    if summary["stopped"]["why"] != "target":
        sys.exit(f"{method}: {summary['stopped']}")
    with open(out / "attendance.csv", encoding="utf8") as file:
        late = [len(row["late"].split()) for row in csv.DictReader(file)]
    return summary, statistics.mean(late)


def main():
    program = str(Path(sys.argv[1]).resolve())
    mpirun = sys.argv[2] if len(sys.argv) > 2 else shutil.which("mpirun.openmpi") or "mpirun"
    launch = [mpirun, "-n", str(CLIENTS + 1), "--bind-to", "none", program]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = [*TASK, "method=gd", "rounds=5"]
        run([program], *words, f"out={folder / 'plain'}")
        run(launch, *words, f"stragglers={CASES[0][2]}", f"out={folder / 'served'}")
        for file in ("trace.csv", "x.npy"):
            if (folder / "plain" / file).read_bytes() != (folder / "served" / file).read_bytes():
                sys.exit(f"{file}: a served run in which all answer is not the plain run")
        print(f"{'method':38}{'waits by':32}{'rounds':>8}{'late':>6}{'kbit up':>10}{'seconds':>9}{'of gd':>7}")
        of_gd = None
        for method, load, clock in CASES:
            summary, late = measure(launch, method, load, clock, folder)
            of_gd = of_gd or summary["seconds"]
            if method != "gd":
                figures.give(f"served/{method} ratio_to_gd", summary["seconds"] / of_gd)
            print(f"{method:38}{clock:32}{summary['stopped']['rounds']:>8}{late:>6.1f}{summary['last']['uplink_bits'] / 1e3:>10.0f}"
                  f"{summary['seconds']:>9.1f}{summary['seconds'] / of_gd:>7.2f}", flush=True)


if __name__ == "__main__":
    main()
