# SPDX-License-Identifier: Apache-2.0
"""golden.py CASES.json PROGRAM: runs the program and the NumPy transcription side by side and compares
them.

Compares in every round f, the squared gradient norm, the values and bits sent, the oracle calls and the
step; and the final x and the problem's constants. Exit code 0: all agree; 1: some do not; 77: the others
agree, but this machine lacks the data of a case."""
import argparse
import csv
import json
import math
import os
import subprocess
import sys
import tempfile
from itertools import islice

try:
    import numpy as np
except ImportError:
    print("skipped: this Python has no NumPy (Debian: python3-numpy)")
    sys.exit(77)

import coding
import compressors
import gossip_successors
import local
import local_successors
import methods
import problems
import rng
import sets
import spec as specs
import star
import star_successors

SAME, CONSTANT = 1e-10, 1e-9  # relative


def deviation(found, expected, floor=0.0):
    """The largest relative difference; for vectors, relative to their norm. Values below the floor count
    as the floor: a value near 0 is a difference of large numbers and contains their rounding errors."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    if found.shape != expected.shape:
        return np.inf
    if found.ndim == 2:
        return max(np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-300) for a, b in zip(found, expected))
    worst = np.max(np.abs(found - expected) / np.maximum(np.abs(expected), max(floor, 1e-300)), initial=0)
    return np.inf if np.isnan(worst) else worst


def run_program(program, case, out):
    words = {key: case[key] for key in ("problem", "clients", "split", "method", "step", "rounds", "wire", "seed")}
    optional = ("topology", "mixing", "outer-step", "batch", "stragglers", "allocation", "downlink", "outer",
                "aggregator", "clip-norm", "byzantine")
    words |= {key: case[key] for key in optional if key in case}
    words |= {"threads": case.get("threads", 1), "out": out}
    done = subprocess.run([program, "run", *(f"{key}={value}" for key, value in words.items())],
                          capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"exit code {done.returncode}: {(done.stderr or done.stdout).strip()}")
    with open(os.path.join(out, "trace.csv")) as file:
        rows = list(csv.DictReader(file))
    trace = {key: np.array([float(row[key] or "nan") for row in rows]) for key in rows[0]}
    with open(os.path.join(out, "summary.json")) as file:
        summary = json.load(file)
    return trace, np.load(os.path.join(out, "x.npy")), summary


def transcribe(case, replay):
    wire = compressors.WIRES[case["wire"]]
    problem = problems.make_problem(specs.parse(case["problem"]), case["clients"], case["split"], sets.read)
    if gossip_successors.is_one(specs.parse(case["method"])):
        return transcribe_gossip(case, problem, wire)
    if local_successors.is_one(specs.parse(case["method"])):
        return transcribe_local_successor(case, problem, wire)
    if "topology" in case or case["method"].startswith(("scaffold", "local-sgd", "fedavg", "fedadam", "diloco", "savic")):
        return transcribe_local(case, problem, wire)
    if specs.parse(case["method"]).name in coding.NAMES:
        return transcribe_coded(case, problem, wire)
    if star_successors.is_one(case, specs.parse(case["method"])):
        return transcribe_star(case, problem, wire)
    blocks = getattr(problem, "blocks", ())
    make = lambda spec, step=0: (
        compressors.make_compressor(spec, problem.d, problem.n, case["seed"], wire, replay, step, blocks) if spec
        else compressors.Identity(problem.d, wire))
    coin = lambda round, p: rng.shared_coin(case["seed"], round, p)
    constants = problem.constants()
    gamma, rounds, facts = methods.make_method(specs.parse(case["method"]), problem, constants, case["step"], make, coin)
    points, floats = zip(*islice(rounds, case["rounds"] + 1))
    measured = [problems.value_and_gradient(problem, x) for x in points]
    rows = sum(problem.rows(i) for i in range(problem.n)) / problem.n
    trace = {"f": [f for f, _ in measured], "grad_norm_sq": [g @ g for _, g in measured], "uplink_floats": floats,
             "oracle_calls": [(t + 1) * rows for t in range(len(points))], "step": [gamma] * len(points)}
    return {key: np.array(values) for key, values in trace.items()}, points[-1], constants, facts


def transcribe_star(case, problem, wire):
    """The same for a method of star_successors.py, or with a downlink, an outer rule, an aggregator or liars."""
    blocks = getattr(problem, "blocks", ())
    make = lambda spec, step=0: (
        compressors.make_compressor(spec, problem.d, problem.n, case["seed"], wire, None, step, blocks) if spec
        else compressors.Identity(problem.d, wire))
    described = {key: specs.parse(case[key]) if key in case else None for key in ("aggregator", "byzantine", "downlink", "outer")}
    clients = star.Clients(problem, wire, case["seed"], case.get("batch", 0), described["aggregator"], described["byzantine"],
                           case.get("clip-norm"))
    constants = clients.honest.constants()
    gamma, rounds, outer, facts = star_successors.make_method(specs.parse(case["method"]), clients, constants, case["step"],
                                                              make, described["downlink"], described["outer"])
    points, up, down, calls = zip(*islice(rounds, case["rounds"] + 1))
    measured = [outer.measure(x, *problems.value_and_gradient(clients.honest, x), gamma) for x in points]
    trace = {"f": [f for f, _ in measured], "grad_norm_sq": [g @ g for _, g in measured], "uplink_floats": up,
             "downlink_floats": down, "oracle_calls": calls, "step": [gamma] * len(points)}
    return {key: np.array(values) for key, values in trace.items()}, points[-1], constants, facts


def transcribe_coded(case, problem, wire):
    """The same for a method in which clients hold each other's data."""
    batch, gamma = case.get("batch"), float(case["step"])

    def gradient(k, x, t):
        stream = rng.Stream(case["seed"], t, k, purpose=rng.BATCH)
        return problem.gradient(k, x, [stream.below(problem.rows(k)) for _ in range(batch)]) if batch else problem.gradient(k, x)

    model = specs.parse(case["stragglers"]) if "stragglers" in case else None
    asked = lambda k: batch or problem.rows(k)
    method = coding.make_method(specs.parse(case["method"]), problem, gradient, asked, gamma, wire, case["seed"], model,
                                case.get("allocation", "random"), 1, specs.parse)
    points, floats, calls = zip(*islice(method, case["rounds"] + 1))
    measured = [problems.value_and_gradient(problem, x) for x in points]
    trace = {"f": [f for f, _ in measured], "grad_norm_sq": [g @ g for _, g in measured], "uplink_floats": floats,
             "oracle_calls": calls, "step": [gamma] * len(points)}
    return {key: np.array(values) for key, values in trace.items()}, points[-1], problem.constants(), {"index_bits": 0, "header_bits": 40}


def local_gradients(case, problem):
    """gradient(i, x, t, k): a gradient of client i in local step k of round t, with its draws."""
    seed, batch = case["seed"], case.get("batch")

    def gradient(i, x, t, k):
        draw = lambda purpose: rng.Stream(seed, t, i, k, purpose=purpose)
        stream = draw(rng.BATCH)
        g = problem.gradient(i, x, [stream.below(problem.rows(i)) for _ in range(batch)]) if batch else problem.gradient(i, x)
        sigma = getattr(problem, "sigma", 0)
        return g + sigma / math.sqrt(problem.d * (batch or 1)) * draw(rng.NOISE).normals(problem.d) if sigma else g

    return gradient


def transcribe_gossip(case, problem, wire):
    """The same for a method of gossip_successors.py: the trace of the mean model."""
    spec = specs.parse(case["method"])
    graphs = local.graphs(specs.parse(case["topology"]), problem.n, 1)
    assert len(graphs) == 1, "public copies need one W"
    W = local.weights(case.get("mixing", gossip_successors.MIXING.get(spec.name, "metropolis")), graphs[0])
    make = lambda described, part: compressors.make_compressor(described, problem.d, problem.n, case["seed"], wire, copy=part)
    method = gossip_successors.make_method(spec, problem, gossip_successors.Network(W, graphs[0], make), float(case["step"]),
                                           float(case.get("outer-step", 1)), local_gradients(case, problem))
    models, floats, bits, asked = (np.array(each) for each in zip(*islice(method, case["rounds"] + 1)))
    means = models.mean(axis=1)
    measured = [problems.value_and_gradient(problem, x) for x in means]
    rows = case.get("batch") or sum(problem.rows(i) for i in range(problem.n)) / problem.n
    trace = {"f": [f for f, _ in measured], "grad_norm_sq": [g @ g for _, g in measured], "uplink_floats": floats,
             "uplink_bits": bits, "oracle_calls": asked * rows, "step": [float(case["step"])] * len(means),
             "consensus": ((models - means[:, None]) ** 2).sum(axis=2).mean(axis=1)}
    return {key: np.array(values) for key, values in trace.items()}, means[-1], problem.constants(), local.quality([W])


def transcribe_local_successor(case, problem, wire):
    """The same for a method of local_successors.py."""
    spec = specs.parse(case["method"])
    make = lambda described, at: compressors.make_compressor(described, problem.d, problem.n, case["seed"], wire, step=at)
    eta_s = float(case.get("outer-step", local_successors.OUTER.get(spec.name, 1)))
    gamma, rounds = local_successors.make_method(spec, problem, make, case["step"], eta_s, local_gradients(case, problem), case["seed"])
    points, floats, bits, asked = zip(*islice(rounds, case["rounds"] + 1))
    measured = [problems.value_and_gradient(problem, x) for x in points]
    rows = case.get("batch") or sum(problem.rows(i) for i in range(problem.n)) / problem.n
    trace = {"f": [f for f, _ in measured], "grad_norm_sq": [g @ g for _, g in measured], "uplink_floats": floats,
             "oracle_calls": np.array(asked) * rows, "step": [gamma] * len(points)}
    if bits[-1] is not None:
        trace["uplink_bits"] = bits
    # Of other messages the reference knows no bits, only that they are not fewer than the floats say.
    facts = {"index_bits": 4096, "header_bits": 1 << 20}
    return {key: np.array(values) for key, values in trace.items()}, points[-1], problem.constants(), facts


def transcribe_local(case, problem, wire):
    """The same for a method with local steps; with several models, the trace is that of their mean."""
    n, seed, batch, on_graph = problem.n, case["seed"], case.get("batch"), "topology" in case
    graphs = local.graphs(specs.parse(case["topology"]), n, 1) if on_graph else [np.eye(n)]  # drawn by the split seed
    Ws = [local.weights(case.get("mixing", "metropolis"), A) for A in graphs]
    gradient = local_gradients(case, problem)
    spec = specs.parse(case["method"])
    eta_s = float(case.get("outer-step", {"fedadam": 0.1, "diloco": 0.7}.get(spec.name, 1)))
    method, told = local.make_method(spec, problem, Ws, wire, float(case["step"]), eta_s, gradient, seed)
    models, vectors, asked = (np.array(each) for each in zip(*islice(method, case["rounds"] + 1)))
    means = models.mean(axis=1)
    measured = [problems.value_and_gradient(problem, x) for x in means]
    edges = np.array([not on_graph] + [graphs[t % len(graphs)].sum() / n for t in range(case["rounds"])])  # edges a node, for each round
    rows = batch or sum(problem.rows(i) for i in range(n)) / n
    said = told + np.cumsum(edges * np.diff(vectors, prepend=0))
    trace = {"f": [f for f, _ in measured], "grad_norm_sq": [g @ g for _, g in measured], "uplink_floats": problem.d * said,
             "oracle_calls": asked * rows, "step": [float(case["step"])] * len(means),
             "consensus": ((models - means[:, None]) ** 2).sum(axis=2).mean(axis=1)}
    facts = (local.quality(Ws) if on_graph else {}) | {"index_bits": 0, "header_bits": 32 * max(vectors[1], 2) * edges.max()}
    return {key: np.array(values) for key, values in trace.items()}, means[-1], problem.constants(), facts


def compare(case, ours, theirs):
    """{what: (deviation, allowed)}."""
    trace, x, constants, facts = ours
    their_trace, their_x, summary = theirs
    same = case.get("same", SAME)
    floors = {"grad_norm_sq": 1e-8 * trace["grad_norm_sq"][0], "consensus": 1e-20 * max(trace.get("consensus", [0]))}
    found = {name: (deviation(their_trace[name], trace[name], floors.get(name, 0)),
                    same if name in ("f", "grad_norm_sq", "consensus") else SAME) for name in trace}
    found["x"] = (deviation([their_x.ravel()], [x]), same)
    # The bits of real messages: the values (including those that papers do not count), at most index_bits for
    # each index, and at most 4 bytes of header for each message and each message in it.
    # Where the reference knows the bits, they are compared as they are.
    width = 64 if case["wire"] == "f64" else 32
    values, rounds = trace["uplink_floats"], np.arange(len(trace["f"]))
    if "uplink_bits" not in trace:
        low = width * (values + facts.get("unpaid", 0) * rounds)
        high = low + facts["index_bits"] * values + facts.get("header_bits", 32) * (rounds + 1)
        bits = their_trace["uplink_bits"]
        found["uplink_bits"] = (0.0 if np.all((low <= bits) & (bits <= high)) else np.inf, SAME)
    if "downlink_floats" in trace:  # and a coin
        values, bits = trace["downlink_floats"], their_trace["downlink_bits"]
        low = width * values
        high = low + facts["down_index_bits"] * values + 33 * rounds
        found["downlink_bits"] = (0.0 if np.all((low <= bits) & (bits <= high)) else np.inf, SAME)
    shared = [name for name in constants if name in summary.get("constants", {})]
    both_or_none = ("L_minus" in constants) == ("L_minus" in summary.get("constants", {}))
    found["constants"] = (deviation([summary["constants"][name] for name in shared], [constants[name] for name in shared])
                          if both_or_none else np.inf, CONSTANT)
    for name, value in case.get("constants", {}).items():  # known independently of both programs
        found["constants"] = max(found["constants"], (deviation(constants[name], value), CONSTANT))
    known = [name for name in facts if name in summary.get("method", {})]
    found["method"] = (deviation([summary["method"][name] for name in known], [facts[name] for name in known]), CONSTANT)
    return found


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("cases")
    options.add_argument("program")
    options.add_argument("--group", help="only the cases of this group")
    options.add_argument("--only", help="only the cases whose name holds this text")
    options.add_argument("--supports", help="lines `round client index ...` to use instead of the transcribed draws")
    options = options.parse_args()
    with open(options.cases) as file:
        cases = json.load(file)
    replay = compressors.read_supports(options.supports) if options.supports else None

    ran = failed = lacking = 0
    columns = ["f", "grad_norm_sq", "x", "step", "uplink_floats", "uplink_bits", "oracle_calls", "constants", "method"]
    print(f"{'worst relative deviation':40}" + "".join(f"{c:>14}" for c in columns))
    with tempfile.TemporaryDirectory() as folder:
        made = sets.make(folder)
        if options.group == "synthetic":
            os.environ["LACONIC_DATA"] = folder  # `mnist` is then the small set made here
        for case in cases:
            case = {"clients": 1, "split": "contiguous", "step": "theory", "rounds": 20, "wire": "f64", "seed": 1} | case
            if options.group not in (None, case["group"]) or options.only and options.only not in case["name"]:
                continue
            case["problem"] = case["problem"].format(**made)
            data = specs.parse(case["problem"]).args
            if data and not sets.find(data[0].name):
                lacking += 1
                print(f"{case['name']:40}  not run: no {data[0].name} on this machine")
                continue
            ran += 1
            try:
                theirs = run_program(options.program, case, os.path.join(folder, "out", case["name"]))
                found = compare(case, transcribe(case, replay), theirs)
            except (RuntimeError, OSError, KeyError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"{case['name']:40}  FAILED  {type(error).__name__}: {error}")
                continue
            wrong = [name for name, (worst, allowed) in found.items() if not worst <= allowed]
            failed += bool(wrong)
            print(f"{case['name']:40}" + "".join(f"{found[c][0]:14.1e}" for c in columns)
                  + (f"  FAILED: {', '.join(wrong)}" if wrong else ""))
    print(f"{ran} cases ran, {failed} failed")
    return 1 if failed else 77 if lacking or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
