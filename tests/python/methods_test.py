# SPDX-License-Identifier: Apache-2.0
"""A run through Python has the bits of the program: every method, on one thread and on two."""
import shlex

import pytest

import laconic as lc
from support import assert_same_as_files, program

# The examples of the table of methods are for this problem. Methods with a server ignore the topology.
SMALL = {"problem": "logistic(generated(rows=20, d=48), lambda=0.1)", "clients": 12, "topology": "ring", "rounds": 5,
         "seed": 3}


def keys_of(name):
    """The keys of a small run of a method of the table."""
    facts = dict(name.facts)
    example = facts["example"]
    # As the program prints it, method='ef21(top-k(10))', or the value alone.
    keys = dict(word.split("=", 1) for word in shlex.split(example)) if example.startswith("method=") else {
        "method": example}
    if name == "ef21-prox":
        keys.setdefault("outer", "prox-l1(0.001)")
    step = facts.get("step", "a number")
    if step.startswith("a number"):
        keys["step"] = 0.02
    elif not step.startswith("theory:"):
        keys["step"] = step.split(":")[0]
    if name == "exact-gc":
        keys["stragglers"] = "fixed(1)"
    elif name == "is-sgd" or "redundancy" in keys["method"]:
        keys["stragglers"] = "bernoulli(0.3)"
    return {**SMALL, **keys}


def assert_as_the_program(keys):
    program("run", "out=expected", threads=1, **keys)
    for threads in (1, 2):
        run = lc.run(threads=threads, progress=False, **keys)
        assert_same_as_files(run, "expected")


@pytest.mark.parametrize("name", lc.list_methods(), ids=str)
def test_every_method(name):
    assert_as_the_program(keys_of(name))


def test_the_table_has_all_methods():
    printed = program("list", "methods", "--json")
    names = lc.list_methods()
    assert len(names) > 60 and len(set(names)) == len(names)
    assert all(f'"{name}"' in printed for name in names)


# What the table of methods leaves out: other problems, minibatches, wide values, clocks, servers and liars.
OTHERS = {
    "quadratics": {"problem": "quadratic(d=30, s=0.8)", "clients": 7, "method": "marina(perm-k)"},
    "noise": {"problem": "distributed-ls(d=20, zeta=10, sigma=5)", "clients": 6, "topology": "ring",
              "method": "k-gt(steps=3)", "step": 0.004},
    "least squares": {"problem": "least-squares(generated(rows=10, d=15, shift=1))", "clients": 5, "method": "gd"},
    "softmax": {"problem": "softmax(generated(rows=10, d=15), lambda=0.01)", "clients": 5,
                "method": "ef21(low-rank(1))"},
    "network": {"problem": "mlp(generated(rows=10, d=15), 4)", "clients": 5, "method": "fedavg(steps=3, sample=2)",
                "step": 0.02},
    "f64": {"problem": "quadratic(d=30, s=0.8)", "clients": 7, "method": "diana(natural)", "wire": "f64"},
    "minibatches": {**SMALL, "method": "ef21-sgdm(top-k(5), eta=0.5)", "batch": 4, "step": 0.1},
    "clock": {**SMALL, "method": "ef21(top-k(5))", "network": "5mbit,20ms", "compute": "1us"},
    "few rows": {**SMALL, "method": "gd", "rounds": 23, "eval_every": 10},
    "both ways": {**SMALL, "method": "diana(rand-k(5))", "downlink": "ef21-p(top-k(5))", "outer": "heavy-ball(0.5)",
                  "step": 0.1},
    "liars": {**SMALL, "method": "ef21(top-k(5))", "aggregator": "trimmed-mean(2)", "byzantine": "sign-flip(2)",
              "step": 0.1},
    "clipping": {**SMALL, "method": "diana(rand-k(5))", "clip_norm": 0.1, "step": 0.1},
    "target": {**SMALL, "method": "gd", "target_gap": 0.01, "rounds": 500},
    "bits": {**SMALL, "method": "gd", "max_bits": 5000, "rounds": 500},
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_keys(name):
    assert_as_the_program(OTHERS[name])


def test_a_data_set(data):
    assert_as_the_program({"problem": f"logistic({data}, lambda=0.1, reg=nonconvex)", "clients": 10, "rounds": 20,
                           "method": "marina(rand-k(5))"})


def test_a_file_and_a_word_in_its_place(tmp_path):
    (tmp_path / "run.toml").write_text('problem = "quadratic(d=30, s=0.8)"\nclients = 7\nmethod = "gd"\nrounds = 9\n')
    program("run", "run.toml", "rounds=5", "out=expected")
    assert_same_as_files(lc.run("run.toml", rounds=5), "expected")
    assert_same_as_files(lc.run(tmp_path / "run.toml", rounds=5), "expected")
