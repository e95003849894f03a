# SPDX-License-Identifier: Apache-2.0
"""Problems that are written in Python: what they may give, what a mistake in them says, and how threads call them."""
import concurrent.futures
import pathlib
import re
import traceback
import warnings

import numpy as np
import pytest

import laconic as lc
from support import (Around, Mine, Together, as_function, assert_same_as_files, assert_same_run, assert_same_trace,
                     program)


def run(problem=None, method="ef21(top-k(3))", rounds=20, **keys):
    keys = {"method": method, "rounds": rounds, "progress": False, **keys}
    return lc.run(problem=Mine() if problem is None else problem, **keys)


# What a problem may give.

def test_a_run_minimises():
    mine = Mine()
    result = run(mine, method="gd", step="theory", rounds=200)
    f = np.mean([mine.value_gradient(i, slice(None), result.x)[0] for i in range(mine.shards)])
    gradient = np.mean([mine.value_gradient(i, slice(None), result.x)[1] for i in range(mine.shards)], axis=0)
    assert result.trace["f"][-1] == pytest.approx(f, rel=1e-14)
    assert result.trace["grad_norm_sq"][-1] == pytest.approx(gradient @ gradient, rel=1e-9)
    assert result.trace["grad_norm_sq"][-1] < 1e-6 * result.trace["grad_norm_sq"][0]
    floats = result.trace["uplink_floats"]
    assert floats[-1] - floats[0] == 200 * mine.dim
    assert str(result.description["clients"]) == str(mine.shards)
    assert "Mine" in str(result.description["problem"])


METHODS = ["gd", "ef21(top-k(3))", "diana(rand-k(3))", "marina(perm-k)", "pp-marina(rand-k(3), sample=2)"]


@pytest.mark.parametrize("method", METHODS)
def test_class_function_and_threads_give_the_same_bits(method):
    expected = run(method=method, threads=1)
    assert_same_run(run(method=method, threads=2), expected)
    mine = Mine()
    mine.parallel = True
    assert_same_run(run(mine, method=method, threads=2), expected)
    assert_same_run(run(as_function(Mine()), method=method, threads=2), expected)


def test_methods_with_local_steps_and_without_a_server():
    for keys in ({"method": "fedavg(steps=3, sample=2)"}, {"method": "k-gt(steps=3)", "topology": "ring"},
                 {"method": "savic(oasis, steps=2)"}, {"method": "scaffnew(p=0.3)"}):
        result = run(step=0.05, rounds=60, **keys)
        assert result.trace["f"][-1] < result.trace["f"][0]


class Spy(Mine):
    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.seen = []

    def value_gradient(self, shard, rows, x):
        self.seen.append(rows)
        return super().value_gradient(shard, rows, x)


def test_rows_are_all_or_positions():
    spy = Spy()
    run(spy, method="gd", step=0.1, batch=7, rounds=30)
    lists = [rows for rows in spy.seen if not isinstance(rows, slice)]
    assert all(rows == slice(None) for rows in spy.seen if isinstance(rows, slice))
    assert len(lists) >= 30 * spy.shards
    assert all(rows.dtype == np.int64 and rows.shape == (7,) for rows in lists)
    drawn = np.concatenate(lists)
    assert drawn.min() == 0 and drawn.max() == spy.rows(0) - 1
    assert any(len(set(rows)) < len(rows) for rows in lists), "minibatches are drawn with replacement"


@pytest.mark.parametrize("method", ["gd", "ef21-sgdm(top-k(3), eta=0.5)", "vr-marina(rand-k(3), batch=4)"])
def test_minibatches_do_not_depend_on_threads(method):
    keys = {} if "batch" in method else {"batch": 4, "step": 0.05}
    assert_same_run(run(method=method, threads=2, **keys), run(method=method, threads=1, **keys))
    assert run(method=method, seed=2, **keys).x.tobytes() != run(method=method, **keys).x.tobytes()


def test_x_belongs_to_the_call():
    class Careless(Mine):
        def value_gradient(self, shard, rows, x):
            result = super().value_gradient(shard, rows, x)
            assert x.dtype == np.float64 and x.flags.writeable and x.flags.c_contiguous
            x[:] = np.nan
            return result

    assert_same_run(run(Careless()), run())


def test_arrays_that_a_problem_returns_may_be_reused():
    class Reused(Mine):
        buffer = np.zeros(12)

        def value_gradient(self, shard, rows, x):
            value, self.buffer[:] = super().value_gradient(shard, rows, x)
            return value, self.buffer

    assert_same_run(run(Reused(), threads=1), run(threads=1))


def test_constants_give_the_steps_of_theorems():
    mine = Mine()
    constants = mine.constants()
    result = run(mine, method="gd", step="theory*2")
    assert result.step == 2 / constants["L_minus"]
    assert set(result.constants) >= {"L_minus", "L_plus", "L_tilde", "L_max", "mu", "f_lower"}
    for name, value in result.constants.items():
        assert constants[name] == value, name
    for method, step in (("ef21(top-k(3))", "theory"), ("diana(rand-k(3))", "theory"), ("marina(perm-k)", "theory-pl")):
        theory = lc.theory(problem=mine, method=method, step=step)
        assert run(mine, method=method, step=step).step == theory.step == theory.theorems[step]["step"]


def test_without_constants_a_number_is_needed():
    problem = as_function(Mine(), constants=None)
    with pytest.raises(lc.InputError, match="give a number, as in step=0.1"):
        run(problem)
    assert run(problem, step=0.1).step == 0.1
    assert lc.theory(problem=problem, method="gd").step is None


def test_a_constant_that_is_missing_never_makes_a_step_longer():
    mine = Mine()
    constants = mine.constants()
    some = [[name for name in constants if name != left_out] for left_out in constants]
    some += [["L_plus", "mu", "mu_min"], ["L_tilde", "mu", "mu_min"], ["L_max", "mu", "mu_min"]]
    for method in ("gd", "dcgd(natural)", "ef21(top-k(3))", "diana(rand-k(3))", "marina(perm-k)", "scaffnew(p=0.3)",
                   "compressed-scaffnew(p=0.3, owners=2)", "vr-marina(rand-k(3), batch=4)"):
        full = lc.theory(problem=mine, method=method).step
        for names in some:
            problem = as_function(mine, constants={name: constants[name] for name in names})
            try:
                step = lc.theory(problem=problem, method=method).step
            except lc.InputError:
                continue
            assert step is None or step <= full * (1 + 1e-12), (method, names)


def test_the_gap_to_the_minimum():
    mine = Mine()
    result = run(mine, method="gd", target_gap=1e-3, rounds=5000)
    assert result.stopped == "target"
    x = np.zeros(mine.dim)
    for _ in range(50):  # Newton's method
        everyone = range(mine.shards)
        gradient = np.mean([mine.value_gradient(i, slice(None), x)[1] for i in everyone], axis=0)
        hessian = np.array([np.mean([mine.hessian_vector(i, slice(None), x, e) for i in everyone], axis=0)
                            for e in np.eye(mine.dim)])
        x -= np.linalg.solve(hessian, gradient)
    f_star = np.mean([mine.value_gradient(i, slice(None), x)[0] for i in range(mine.shards)])
    f = result.trace["f"]
    assert result.constants["f_star"] == pytest.approx(f_star, rel=1e-9)
    assert f[-1] - f_star <= 1e-3 * (f[0] - f_star) * (1 + 1e-6)
    assert f[-2] - f_star > 1e-3 * (f[0] - f_star) * (1 - 1e-6)


def test_a_start():
    class Elsewhere(Mine):
        def start(self):
            return np.arange(self.dim) / 7

    result = run(Elsewhere(), rounds=0)
    assert result.x.tobytes() == (np.arange(12) / 7).tobytes()
    given = as_function(Mine(), start=np.arange(12) / 7)
    assert_same_run(run(given, rounds=5), run(Elsewhere(), rounds=5))


def test_an_accuracy_is_a_target():
    class Tested(Mine):
        def accuracy(self, x):
            return float(np.mean([np.mean(b * (A @ x) > 0) for A, b in zip(self.A, self.b)]))

    tested = Tested()
    result = run(tested, method="gd", target_accuracy=0.7, rounds=500)
    assert result.stopped == "target"
    measured = result.trace["test_accuracy"]
    assert measured[-1] == tested.accuracy(result.x) >= 0.7
    assert (measured[:-1] < 0.7).all()


def test_a_problem_in_theory_sweep_and_advice():
    mine = Mine()
    assert lc.theory(problem=mine, method="gd")["problem"]["d"] == mine.dim
    sweep = lc.sweep(problem=mine, method=["gd", "ef21(top-k({2,4}))"], step="theory*{1,4}", target=1e-3, rounds=300,
                     progress=False)
    assert len(sweep.best) == 2 and all(best["score"] > 0 for best in sweep.best)
    advice = lc.advise(problem=mine, network="wan", method=["gd", "ef21(top-k(3))"], target=1e-3, gradients=1e5,
                       progress=False)
    assert "gd" in advice.table


@pytest.mark.parametrize("method, keys", [
    ("gd", {}), ("diana(rand-k(3))", {"batch": 4, "step": 0.05}), ("ef21(top-k(3))", {"wire": "f64"}),
    ("marina(perm-k)", {"step": "theory*4"}), ("gd", {"target_gap": 0.01, "rounds": 500})])
def test_around_a_problem_of_the_library(method, keys, data):
    """The problem of the library, wrapped in a class of Python, gives its bits."""
    name = f"logistic({data}, lambda=0.1)"
    inner = lc.open_problem(name, clients=5)
    around = Around(inner)
    around.is_convex = True
    keys = {"method": method, "rounds": 15, "progress": False, **keys}
    expected = lc.run(problem=name, clients=5, **keys)
    got = lc.run(problem=around, **keys)
    shared = [column for column in expected.trace if not column.endswith("accuracy")]
    assert_same_run(got, expected, shared)
    assert got.step == expected.step
    for constant, value in got.constants.items():
        assert value == expected.constants[constant], constant


def test_an_open_problem():
    opened = lc.open_problem("quadratic(d=30, s=0.8)", clients=4)
    assert (opened.dim, opened.shards) == (30, 4)
    assert [opened.rows(i) for i in range(4)] == [1] * 4
    x = np.linspace(-1, 1, 30)
    value, gradient = opened.value_gradient(2, slice(None), x)
    for j in (0, 7, 29):
        e = np.zeros(30)
        e[j] = 1e-4
        rise = opened.value_gradient(2, slice(None), x + e)[0] - opened.value_gradient(2, slice(None), x - e)[0]
        assert rise / 2e-4 == pytest.approx(gradient[j], rel=1e-6, abs=1e-8)
    assert isinstance(value, float) and gradient.dtype == np.float64
    assert opened.constants()["L_minus"] > 0
    with pytest.raises((ValueError, IndexError)):
        opened.value_gradient(4, slice(None), x)
    with pytest.raises((ValueError, IndexError)):
        opened.value_gradient(0, np.array([1]), x)  # the only row is 0
    with pytest.raises(ValueError, match="30"):
        opened.value_gradient(0, slice(None), x[:29])
    with pytest.raises(lc.InputError, match="nowhere"):
        lc.open_problem("logistic(nowhere)", clients=4)


def test_an_open_problem_runs_as_it_is():
    opened = lc.open_problem("quadratic(d=30, s=0.8)", clients=4)
    keys = {"method": "diana(rand-k(3))", "rounds": 20, "progress": False}
    assert_same_run(lc.run(problem=opened, **keys), lc.run(problem="quadratic(d=30, s=0.8)", clients=4, **keys))


def test_any_text_is_a_name():
    for name in ("Mine2", "two words", 'with "quotes", (brackets) and {braces}', "<lambda>", "1e3", "a=b"):
        problem = as_function(Mine(), name=name)
        assert_same_run(run(problem, rounds=3), run(rounds=3))
        result = run(problem, rounds=3, out="runs/named", force=True)
        assert_same_run(lc.load("runs/named"), result)
        sweep = lc.sweep(problem=problem, method="gd", step="theory*{1,2}", rounds=3, progress=False)
        assert len(sweep.to_pandas()) == 2


# Checkpoints.

class Enough(Exception):
    pass


def stop_at(last):
    def callback(round, row):
        if round >= last:
            raise Enough(round)

    return callback


@pytest.mark.parametrize("method", ["ef21(top-k(3))", "diana(rand-k(3))", "fedadam(steps=2, tau=0.1)"])
def test_resume_gives_the_bits_of_an_uninterrupted_run(method):
    keys = {"method": method, "rounds": 40, "step": 0.05, "batch": 4, "checkpoint_every": 7}
    expected = run(out="expected", **keys)
    with pytest.raises(Enough, match="23"):
        run(out="broken", callback=stop_at(23), **keys)
    assert pathlib.Path("broken/checkpoint/manifest.json").exists()
    rounds = []
    got = lc.resume("broken", problem=Mine(), threads=1, progress=False,
                    callback=lambda round, row: rounds.append(round))
    assert rounds == list(range(rounds[0], 41)) and 15 <= rounds[0] <= 22
    assert_same_run(got, expected)
    assert_same_as_files(got, "broken")
    for file in ("trace.csv", "x.npy"):
        assert pathlib.Path("broken", file).read_bytes() == pathlib.Path("expected", file).read_bytes()
    assert_same_run(lc.resume("broken", problem=Mine(), progress=False), expected)  # it has ended


def test_resume_goes_on_with_a_run_of_the_program():
    words = ["problem=quadratic(d=20, s=0.8)", "clients=5", "method=diana(rand-k(3))", "rounds=40"]
    program("run", *words, "out=expected")
    with pytest.raises(Enough):
        lc.run(problem="quadratic(d=20, s=0.8)", clients=5, method="diana(rand-k(3))", rounds=40, checkpoint_every=7,
               out="broken", callback=stop_at(23), progress=False)
    program("resume", "broken")
    for file in ("trace.csv", "x.npy"):
        assert pathlib.Path("broken", file).read_bytes() == pathlib.Path("expected", file).read_bytes()


def test_resume_needs_the_same_problem():
    with pytest.raises(Enough):
        run(out="broken", rounds=40, checkpoint_every=7, callback=stop_at(23))
    with pytest.raises(lc.InputError, match="problem"):
        lc.resume("broken")
    with pytest.raises(lc.InputError):
        lc.resume("broken", problem=Mine(dim=13))
    with pytest.raises(lc.InputError):
        lc.resume("broken", problem=Mine(clients=7))
    with pytest.raises(lc.InputError, match="nowhere"):
        lc.resume("nowhere")


def test_a_checksum_tells_data_apart():
    class Checked(Mine):
        def __init__(self, seed=1):
            super().__init__(seed=seed)
            self.checksum = 100 + seed

    with pytest.raises(Enough):
        run(Checked(), out="broken", rounds=40, checkpoint_every=7, callback=stop_at(23))
    with pytest.raises(lc.InputError):
        lc.resume("broken", problem=Checked(seed=2))
    assert_same_run(lc.resume("broken", problem=Checked(), progress=False), run(Checked(), rounds=40))


# Mistakes. Each has an exception type, and words that its message must contain.

def returning(value_gradient):
    """A run of a problem with this function."""
    return lambda: run(lc.problem(value_gradient, dim=12, rows=[20] * 6), step=0.1)


def with_attribute(name, value):
    class Wrong(Mine):
        def __init__(self):
            super().__init__()
            setattr(self, name, value)

    return lambda: run(Wrong())


def with_method(name, method):
    return lambda **keys: run(type("Wrong", (Mine,), {name: method})(), **keys)


class Nothing(lc.Problem):
    dim = 12
    shards = 6

    def rows(self, shard):
        return 20


def test_an_empty_folder_is_no_mistake(tmp_path):
    (tmp_path / "empty").mkdir()
    assert run(out=tmp_path / "empty").folder == str(tmp_path / "empty")


def into_a_folder_that_exists():
    run(out="taken", rounds=1)
    run(out="taken", rounds=1)


# A wrong type may be a TypeError as anywhere in Python, or an InputError as of a wrong value.
WRONG_TYPE = (TypeError, lc.InputError)
ZEROS = np.zeros(12)
MISTAKES = {
    # the result of value_gradient
    "short gradient": (returning(lambda i, rows, x: (0.0, np.zeros(11))), lc.InputError, ["gradient", "12", "11"]),
    "gradient in a column": (returning(lambda i, rows, x: (0.0, np.zeros((12, 1)))), lc.InputError, ["gradient", "12"]),
    "gradient is a number": (returning(lambda i, rows, x: (0.0, 1.0)), WRONG_TYPE, ["gradient", "12"]),
    "gradient of objects": (returning(lambda i, rows, x: (0.0, np.array([None] * 12, dtype=object))), WRONG_TYPE,
                            ["gradient"]),
    "complex gradient": (returning(lambda i, rows, x: (0.0, np.zeros(12, complex))), WRONG_TYPE,
                         ["gradient", "complex"]),
    "gradient is text": (returning(lambda i, rows, x: (0.0, "zero")), WRONG_TYPE, ["gradient"]),
    "no result": (returning(lambda i, rows, x: None), WRONG_TYPE, ["value", "gradient", "None"]),
    "no value": (returning(lambda i, rows, x: ZEROS), WRONG_TYPE, ["value", "gradient"]),
    "three results": (returning(lambda i, rows, x: (0.0, ZEROS, 1)), WRONG_TYPE, ["value", "gradient"]),
    "value is text": (returning(lambda i, rows, x: ("much", ZEROS)), WRONG_TYPE, ["value"]),
    "value is None": (returning(lambda i, rows, x: (None, ZEROS)), WRONG_TYPE, ["value"]),
    "value is an array": (returning(lambda i, rows, x: (np.zeros(3), ZEROS)), WRONG_TYPE, ["value"]),
    # the problem
    "no value_gradient": (lambda: run(Nothing(), step=0.1), (TypeError, NotImplementedError, lc.InputError),
                          ["value_gradient"]),
    "a class, no object": (lambda: run(Mine), WRONG_TYPE, ["Mine"]),
    "no problem": (lambda: run(object()), WRONG_TYPE, ["problem"]),
    "problem is missing": (lambda: lc.run(method="gd"), lc.InputError, ["problem"]),
    "method is missing": (lambda: lc.run(problem=Mine()), lc.InputError, ["method"]),
    "dim 0": (with_attribute("dim", 0), lc.InputError, ["dim", "0"]),
    "dim is text": (with_attribute("dim", "many"), WRONG_TYPE, ["dim"]),
    "no shards": (with_attribute("shards", 0), lc.InputError, ["shards", "0"]),
    "negative rows": (with_method("rows", lambda self, i: -1), lc.InputError, ["rows", "-1"]),
    "rows are a half": (with_method("rows", lambda self, i: 0.5), WRONG_TYPE, ["rows"]),
    "short start": (with_method("start", lambda self: np.zeros(3)), lc.InputError, ["start", "12", "3"]),
    "unknown constant": (with_method("constants", lambda self: {"L_minsu": 1.0}), lc.InputError,
                         ["L_minsu", "L_minus"]),
    "negative constant": (with_method("constants", lambda self: {**Mine.constants(self), "L_minus": -1.0}),
                          lc.InputError, ["L_minus", "-1"]),
    "constant is text": (with_method("constants", lambda self: {**Mine.constants(self), "L_minus": "big"}), WRONG_TYPE,
                         ["L_minus"]),
    "constants in a list": (with_method("constants", lambda self: [1.0]), WRONG_TYPE, ["constants"]),
    "short curvature": (lambda: with_method("hessian_vector", lambda self, i, rows, x, v: np.zeros(3))(target_gap=0.1),
                        lc.InputError, ["hessian_vector", "12", "3"]),
    "accuracy above 1": (lambda: with_method("accuracy", lambda self, x: 90.0)(target_accuracy=0.9), lc.InputError,
                         ["accuracy", "90"]),
    # lc.problem
    "function is none": (lambda: lc.problem(3, dim=12, rows=[20]), WRONG_TYPE, ["function"]),
    "no rows": (lambda: run(lc.problem(lambda i, rows, x: (0.0, ZEROS), dim=12, rows=[]), step=0.1), lc.InputError,
                ["0"]),
    "rows are a number": (lambda: lc.problem(lambda i, rows, x: (0.0, ZEROS), dim=12, rows=20), WRONG_TYPE, ["rows"]),
    # keys
    "other clients": (lambda: run(clients=7), lc.InputError, ["clients = 7", "6"]),
    "a split": (lambda: run(split="by-label"), lc.InputError, ["split"]),
    "no curvature": (lambda: run(as_function(Mine(), hessian_vector=None), target_gap=0.1), lc.InputError,
                     ["target-gap"]),
    "not convex": (lambda: run(as_function(Mine(), is_convex=False), target_gap=0.1), lc.InputError, ["convex"]),
    "no accuracy": (lambda: run(target_accuracy=0.9), lc.InputError, ["accuracy"]),
    "unknown keyword": (lambda: run(target_gpa=0.1), TypeError, ["target_gpa", 'did you mean "target_gap"?']),
    "keyword with a hyphen": (lambda: run(**{"target-gap": 0.1}), TypeError,
                              ["target-gap", 'did you mean "target_gap"?']),
    "unknown value": (lambda: run(wire="f16"), lc.InputError, ["wire", "f16", "f32 or f64"]),
    "negative rounds": (lambda: run(rounds=-1), lc.InputError, ["rounds", "-1"]),
    "rounds are text": (lambda: run(rounds="many"), lc.InputError, ["rounds", "many"]),
    "step 0": (lambda: run(step=0), lc.InputError, ["step", "0"]),
    "step nan": (lambda: run(step=float("nan")), lc.InputError, ["step", "nan"]),
    "a dict": (lambda: run(step={"theory": 2}), WRONG_TYPE, ["step"]),
    "NUL": (lambda: run(method="gd\0"), lc.InputError, ["method"]),
    "unknown method": (lambda: run(method="ef12(top-k(3))"), lc.InputError, ["ef12", "ef21"]),
    "unclosed method": (lambda: run(method="ef21(top-k(3)"), lc.InputError, ["method", "column"]),
    "k above d": (lambda: run(method="ef21(top-k(13))"), lc.InputError, ["13", "12"]),
    "a sweep's key": (lambda: run(grow=True), (TypeError, lc.InputError), ["grow"]),
    "a list": (lambda: run(step=[0.1, 0.2]), lc.InputError, ["step", "sweep"]),
    "braces": (lambda: run(step="{0.1,0.2}"), lc.InputError, ["step", "sweep"]),
    "problem in a list": (lambda: lc.sweep(problem=[Mine(), Mine()], method="gd"), WRONG_TYPE, ["problem"]),
    "folder that exists": (into_a_folder_that_exists, lc.InputError, ["taken", "force"]),
    "no file": (lambda: lc.run("nowhere.toml"), lc.InputError, ["nowhere.toml"]),
    "callback is none": (lambda: run(callback=3), TypeError, ["callback"]),
    "progress is none": (lambda: run(progress="yes"), TypeError, ["progress"]),
    "unknown data": (lambda: lc.run(problem="logistic(nowhere)", method="gd"), lc.InputError, ["nowhere"]),
    "no network": (lambda: lc.advise(problem=Mine()), lc.InputError, ["network"]),
    "no folder": (lambda: lc.load("nowhere"), lc.InputError, ["nowhere"]),
    "no experiment": (lambda: lc.reproduce("k-tg"), lc.InputError, ["k-tg", "k-gt"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named(name):
    call, kind, words = MISTAKES[name]
    with pytest.raises(kind) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value).strip(), "one line"


def test_kinds_of_errors():
    assert issubclass(lc.InputError, ValueError) and issubclass(lc.RunError, RuntimeError)
    assert issubclass(lc.DivergedWarning, RuntimeWarning)


def test_a_folder_is_replaced_by_force():
    run(out="taken", rounds=1)
    assert_same_as_files(run(out="taken", rounds=5, force=True), "taken")


@pytest.mark.parametrize("where", ["value", "gradient"])
def test_what_is_not_finite_diverges(where):
    class Broken(Mine):
        def value_gradient(self, shard, rows, x):
            value, gradient = super().value_gradient(shard, rows, x)
            if shard == 3 and abs(x).max() > 0.1:
                return (np.nan, gradient) if where == "value" else (value, gradient * np.inf)
            return value, gradient

    with pytest.warns(lc.DivergedWarning, match="not finite"):
        result = run(Broken(), method="gd", step=0.3, rounds=500)
    assert result.stopped == "diverged" and "diverged" in repr(result)
    assert "not finite" in result.reason
    assert np.isfinite(result.trace["f"]).all() and len(result.trace["f"]) > 1


def test_a_step_that_is_too_long_diverges():
    with pytest.warns(lc.DivergedWarning, match="smaller step"):
        result = lc.run(problem="quadratic(d=20, s=0.8)", clients=3, method="gd", step=1e9, rounds=1000,
                        progress=False)
    assert result.stopped == "diverged"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run()  # a run that is right warns of nothing


# Exceptions of the user's code.

class Own(Exception):
    pass


def deep_inside(value):
    raise Own("the reason", value)


def failing(name, after=0):
    """A problem in which the method `name` raises after some calls."""
    calls = []

    def method(self, *arguments):
        calls.append(1)
        if len(calls) > after:
            deep_inside(len(calls))
        return getattr(Mine, name)(self, *arguments)

    return type("Failing", (Mine,), {name: method, "parallel": True})()


def assert_comes_through(call):
    with pytest.raises(Own) as caught:
        call()
    assert caught.type is Own and caught.value.args[0] == "the reason"
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "deep_inside" in frames, frames


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name, keys", [
    ("value_gradient", {}), ("rows", {}), ("constants", {}), ("hessian_vector", {"target_gap": 0.1})])
def test_an_exception_comes_through_whole(name, keys, threads):
    assert_comes_through(lambda: run(failing(name), threads=threads, **keys))


@pytest.mark.parametrize("threads", [1, 2])
def test_an_exception_in_a_round_comes_through_whole(threads):
    for after in (1, 50, 51, 52, 53):  # on any thread
        assert_comes_through(lambda: run(failing("value_gradient", after), method="gd", threads=threads))


def test_other_exceptions_come_through_whole():
    class Wrong(Mine):
        def start(self):
            deep_inside("start")

        def accuracy(self, x):
            deep_inside("accuracy")

    assert_comes_through(lambda: run(Wrong()))
    Wrong.start = lambda self: np.zeros(self.dim)
    assert_comes_through(lambda: run(Wrong(), target_accuracy=0.9))
    assert_comes_through(lambda: run(callback=lambda round, row: deep_inside(round)))
    assert_comes_through(lambda: run(progress=lambda done, all, text: deep_inside(done)))
    assert_comes_through(lambda: lc.theory(problem=failing("constants"), method="gd"))
    sweep = {"method": ["gd", "ef21(top-k(3))"], "step": "theory*{1,2}", "rounds": 20}
    assert_comes_through(lambda: lc.sweep(problem=failing("value_gradient", 60), progress=False, **sweep))
    assert_comes_through(lambda: lc.advise(problem=failing("value_gradient", 60), network="wan", progress=False,
                                           method="gd"))


def test_after_an_exception_the_next_run_works():
    expected = run()
    with pytest.raises(Own):
        run(failing("value_gradient", 20))
    assert_same_run(run(), expected)


# Threads.

class Counted(Mine):
    def __init__(self, together):
        super().__init__()
        self.together = together

    def value_gradient(self, shard, rows, x):
        with self.together:
            return super().value_gradient(shard, rows, x)


def test_a_problem_is_called_by_one_thread_at_a_time():
    together = Together(waits=20, seconds=0.02)
    counted = Counted(together)
    run(counted, method="gd", threads=2)
    assert together.most == 1
    lc.sweep(problem=counted, method="gd", step="theory*{1,2,4}", rounds=5, threads=2, progress=False)
    assert together.most == 1
    with concurrent.futures.ThreadPoolExecutor(2) as pool:  # two runs with the same problem
        list(pool.map(lambda seed: run(counted, seed=seed, rounds=5), (1, 2)))
    assert together.most == 1


def test_a_parallel_problem_is_called_by_several_threads():
    together = Together()
    counted = Counted(together)
    counted.parallel = True
    assert_same_run(run(counted, method="gd", threads=2), run(method="gd"))
    assert together.most == 2


def test_several_runs_at_once():
    jobs = [{"problem": "quadratic(d=40, s=0.8)", "clients": 5, "method": method} for method in METHODS]
    jobs += [{"problem": Mine(seed=seed), "method": method} for seed, method in enumerate(METHODS)]

    def work(keys):
        return lc.run(rounds=30, threads=2, progress=False, **keys)

    expected = [work(keys) for keys in jobs]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for got, one in zip(pool.map(work, jobs), expected):
            assert_same_run(got, one)


def test_a_callback_may_run_another_run():
    inner = []

    def callback(round, row):
        inner.append(run(rounds=2).trace["f"][-1])

    result = run(rounds=5, callback=callback)
    assert_same_trace(result.trace, run(rounds=5).trace)
    assert len(inner) == 6 and len(set(inner)) == 1


# The list of names.

def test_the_lists_name_what_descriptions_take():
    for names, some in ((lc.list_methods(), "ef21"), (lc.list_compressors(), "top-k"), (lc.list_problems(), "logistic"),
                        (lc.list_keys(), "target-gap")):
        found = [name for name in names if name.replace("_", "-") == some]
        assert len(found) == 1 and isinstance(found[0], str)
        assert found[0].summary and re.match(r"\S", found[0].usage)
    assert "example" in dict(lc.list_methods()[0].facts)


def test_threads_share_a_problem_object():
    problem = lc.problem(lambda shard, rows, x: (x @ x / 2, x), dim=6, rows=[1] * 4, constants={"L_max": 1})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda seed: lc.run(problem=problem, method="gd", seed=seed, rounds=200, threads=2,
                                                 progress=False), range(16)))
    assert len({run.x.tobytes() for run in runs}) == 1


def test_a_problem_inside_a_call_of_itself():
    class Nested(lc.Problem):
        dim, shards = 3, 2

        def rows(self, shard):
            return 1

        def value_gradient(self, shard, rows, x):
            lc.run(problem=self, method="gd", step=1, rounds=1, progress=False)

    with pytest.raises(lc.InputError, match="Nested is used inside a call of itself"):
        lc.run(problem=Nested(), method="gd", step=1, rounds=1)


def test_resume_refuses_another_problem(tmp_path):
    def problem_with(rows):
        return lc.problem(lambda shard, some, x: (x @ x / 2, x), dim=3, rows=rows, name="mine", constants={"L_max": 1})

    def stop(round, row):
        if round == 10:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        lc.run(problem=problem_with([5, 5]), method="diana(rand-k(1))", rounds=20, out="one", checkpoint_every=4,
               callback=stop)
    with pytest.raises(lc.InputError, match="checksum"):
        lc.resume("one", problem=problem_with([5, 7]))
    with pytest.raises(lc.InputError, match="has a problem of the caller's, mine: give problem="):
        lc.resume("one")
    assert lc.resume("one", problem=problem_with([5, 5])).trace["round"][-1] == 20


@pytest.mark.parametrize("rows", [np.array([True, False]), np.array([1.5]), "all"])
def test_positions_are_whole_numbers(rows):
    opened = lc.open_problem("quadratic(d=3)", clients=2)
    with pytest.raises(TypeError, match="neither a slice nor an array of whole numbers"):
        opened.value_gradient(0, rows, np.zeros(3))


def test_a_long_double_gradient():
    problem = lc.problem(lambda shard, rows, x: (0, x.astype(np.longdouble)), dim=3, rows=[1])
    assert lc.run(problem=problem, method="gd", step=0.1, rounds=1).stopped == "rounds"


def test_theory_without_some_constants():
    problem = lc.problem(lambda shard, rows, x: (x @ x / 2, x), dim=3, rows=[1] * 4,
                         constants={"L_max": 1, "f_lower": 0})
    assert "L_max = 1" in repr(lc.theory(problem=problem, method="gd"))


@pytest.mark.parametrize("text", ["gd \u00e9", "gd \u2192 x"])
def test_errors_quote_any_letter(text):
    with pytest.raises(lc.InputError, match=f"unexpected '{text[3]}'"):
        lc.run(problem="quadratic(d=3)", method=text)
