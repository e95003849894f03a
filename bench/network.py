#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""network.py PROGRAM : how long rounds take over links of 100 Mbit/s, against what the links alone would need.

Three hosts, one rank each, are three network namespaces on a bridge, each behind a token bucket either way. A run is
timed only after its trace.csv and x.npy were found equal to those of one process. The time of a round is the difference
between a long and a short run, over the rounds between them; its bytes are those that rank 0, whose link is as busy as
any, says it has sent or received. The hosts share this machine's cores and memory: "computes" is the time of one host's
share of the round in a run of one process, and where it shows, real hosts would do better.

Needs root, or leave to make namespaces as a user, and iproute2; exit code 77 where namespaces cannot be made.
"""
import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HOSTS = 3
BITS_PER_SECOND = 100e6
DIM = 1_250_000
REPEATS = 5

# A method, the rounds of a short and of a long run, and the goal: how many times what the links need.
CASES = [
    ("gd", 1, 7, 1.2),
    ("marina(rand-k(1%), p=1e-9)", 10, 60, 1.5),  # tails only
]

# All of this runs behind a fence: in namespaces of networks, mounts and processes that are gone when their first process
# is, and that is killed when this one ends, however it ends. So there is nothing to clean up.
FENCE = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child",
         "--mount-proc", *([] if os.geteuid() == 0 else ["--map-root-user"])]
INSIDE = "LACONIC_NETWORK_BENCH"  # in the environment behind the fence


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def make_network():
    shaped = f"root tbf rate {BITS_PER_SECOND:.0f}bit burst 32k latency 100ms"
    lines = [
        "mount -t tmpfs none /run",  # where ip keeps the names of namespaces, and we what we write
        "ip link set lo up",
        "ip link add switch type bridge",
        "ip addr add 10.0.0.254/24 dev switch",  # mpirun itself
        "ip link set switch up",
    ]
    for h in range(HOSTS):
        lines += [
            f"ip netns add host{h}",
            f"ip link add port{h} type veth peer name eth0 netns host{h}",
            f"ip link set port{h} master switch up",
            f"ip -n host{h} link set lo up",
            f"ip -n host{h} addr add 10.0.0.{h + 1}/24 dev eth0",
            f"ip -n host{h} link set eth0 up",
            f"ip netns exec host{h} tc qdisc add dev eth0 {shaped}",  # what the host sends
            f"tc qdisc add dev port{h} {shaped}",  # what it receives
        ]
    for line in lines:
        done = subprocess.run(line.split(), capture_output=True, text=True)
        if done.returncode != 0:
            skip(f"{line}: {done.stderr.strip()}")


def launcher(folder):
    """mpirun over the hosts. Its remote shell enters a namespace, under a host's name: ranks of one name share memory."""
    shell = folder / "shell"
    shell.write_text('#!/bin/sh\nhost=$1; shift\nexec ip netns exec $host unshare --uts sh -c "hostname $host; $*"\n')
    shell.chmod(0o755)
    return [shutil.which("mpirun.openmpi") or "mpirun", "--allow-run-as-root", "-n", str(HOSTS), "--bind-to", "none",
            "--host", ",".join(f"host{h}" for h in range(HOSTS)), "--mca", "plm_rsh_agent", str(shell),
            "--mca", "oob_tcp_if_include", "10.0.0.0/24", "--mca", "btl_tcp_if_include", "10.0.0.0/24",
            "--mca", "btl", "self,tcp", "--mca", "mpi_yield_when_idle", "1"]


class Run:
    """A run, and what it left."""

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
    for method, short, long, goal in CASES:
        def a_round(what):
            return [(getattr(b, what) - getattr(a, what)) / (long - short) for a, b in pairs]

        alone = [Run([program], method, rounds, folder / "alone") for rounds in (short, long)]
        computes = (alone[1].seconds - alone[0].seconds) / (long - short) / HOSTS
        pairs = []
        for _ in range(REPEATS):
            pairs.append([Run([*launcher(folder), program], method, r, folder / "hosts") for r in (short, long)])
            if [run.results for run in pairs[-1]] != [run.results for run in alone]:
                sys.exit(f"{method}: hosts and one process do not end with the same trace and point")
        moved, takes = statistics.median(a_round("bytes")), sorted(a_round("seconds"))
        need = 8 * moved / BITS_PER_SECOND
        typical = statistics.median(takes)
        print(f"{method:30}{moved:10.0f}{1e3 * need:9.1f} ms{1e3 * typical:9.1f} ms{typical / need:7.2f}{goal:6.1f}"
              f"{1e3 * computes:9.1f} ms   ({takes[0] / need:.2f} to {takes[-1] / need:.2f})", flush=True)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if INSIDE not in os.environ:
        probe = subprocess.run([*FENCE, "true"], capture_output=True, text=True)
        if probe.returncode != 0:
            skip(f"no namespaces here: {probe.stderr.strip()}")
        command = [*FENCE, sys.executable, "-B", __file__, str(Path(sys.argv[1]).resolve())]
        sys.exit(subprocess.run(command, env=os.environ | {INSIDE: "1", "TMPDIR": "/run"}).returncode)
    make_network()
    with tempfile.TemporaryDirectory() as folder:
        measure(sys.argv[1], Path(folder))


if __name__ == "__main__":
    main()
