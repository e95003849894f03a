# SPDX-License-Identifier: Apache-2.0
"""What calls return: traces, sweeps, theory, advice, experiments, figures, and the files of the program."""
import csv
import json
import math
import pathlib
import pickle
import shutil

import numpy as np
import pytest

import laconic as lc
from support import Mine, assert_same_as_files, assert_same_run, program, table_of

QUADRATICS = {"problem": "quadratic(d=40, s=0.8)", "clients": 6}
CLASSES = {"problem": "logistic(generated(rows=20, d=12, shift=0.5), lambda=0.1)", "clients": 6}
EF21 = {**QUADRATICS, "method": "ef21(top-k(4))", "step": "theory*8", "rounds": 30}
GRID = {**QUADRATICS, "method": "{gd, ef21(top-k({1,4}))}", "step": "theory*{2^0..2^4}", "seed": "{1,2}",
        "target": 1e-4, "rounds": 500, "expect": "EF21 saves bits: gd / ef21 >= 1.1; ef21 / gd >= 100"}


def run(keys=None, **more):
    return lc.run(progress=False, **{**(EF21 if keys is None else keys), **more})


@pytest.fixture(scope="module")
def ef21():
    return run()


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep of the program, its folder, and the same sweep from Python."""
    folder = tmp_path_factory.mktemp("swept")
    program("sweep", f"out={folder}/program", code=1, **GRID)  # a statement does not hold
    return folder, lc.sweep(out=folder / "python", progress=False, **GRID)


# Runs.

def test_the_trace_has_the_columns_of_the_file():
    for keys in ({**QUADRATICS, "method": "gd"}, {**CLASSES, "method": "gd"}):
        result = run(keys, rounds=7, out="runs/columns", force=True)
        with open("runs/columns/trace.csv", newline="") as file:
            header = next(csv.reader(file))
        assert sorted(result.trace) == sorted(header)
        assert sorted(lc.load("runs/columns").trace) == sorted(header)
        for name, values in result.trace.items():
            assert values.dtype == (np.int64 if name in ("round", "participants") else np.float64), name
            assert values.shape == (8,)
        assert result.trace["round"].tolist() == list(range(8))


def test_what_a_run_says(ef21):
    assert ef21.stopped == "rounds" and "30" in ef21.reason and ef21.reason.strip() and "\n" not in ef21.reason
    assert ef21.folder is None and ef21.warnings == []
    assert ef21.x.shape == (40,) and ef21.x.dtype == np.float64
    assert ef21.step == ef21.trace["step"][-1] > 0
    assert ef21.constants["L_minus"] > 0
    assert ef21.description["method"] == "ef21(top-k(4))" and ef21.description["step"] == "theory*8"
    assert ef21.summary["stopped"]["rounds"] == 30
    for part in ("ef21(top-k(4))", "quadratic", "30", ef21.reason):
        assert part in repr(ef21)


@pytest.mark.parametrize("keys, stopped", [
    ({"target": 1e-3, "rounds": 5000}, "target"), ({"max_bits": 2000}, "max-bits"),
    ({"max_seconds": 0.05, "rounds": 10 ** 9, "eval_every": 100}, "max-seconds"), ({"rounds": 3}, "rounds")])
def test_why_a_run_stopped(keys, stopped):
    result = run(**keys)
    assert result.stopped == result.summary["stopped"]["why"] == stopped
    assert result.reason == result.summary["stopped"]["reason"]


def test_values_of_keys():
    expected = run(step=0.25, rounds=4, eval_every=2)
    for keys in ({"step": "0.25", "rounds": "4"}, {"step": np.float64(0.25), "rounds": np.int64(4)},
                 {"step": np.float32(0.25), "rounds": 4}, {"step": 0.25, "rounds": 4.0},
                 {"step": 0.25, "rounds": 4, "target": None, "out": None}):
        assert_same_run(run(eval_every=2, **keys), expected)
    assert expected.trace["round"].tolist() == [0, 2, 4]
    assert run(out=pathlib.Path("a/path"), rounds=1).folder == "a/path"


def test_to_pandas(ef21):
    frame = ef21.to_pandas()
    assert len(frame) == 31
    for name, values in ef21.trace.items():
        assert frame[name].to_numpy().tobytes() == values.tobytes()


def test_pickle(ef21):
    again = pickle.loads(pickle.dumps(ef21))
    assert_same_run(again, ef21)
    assert repr(again) == repr(ef21)
    assert (again.summary, again.step, again.stopped) == (ef21.summary, ef21.step, ef21.stopped)
    own = run({"problem": Mine(), "method": "gd"}, rounds=3)
    assert_same_run(pickle.loads(pickle.dumps(own)), own)


def without_machine(summary):
    """What two runs of one description have in common."""
    rest = {key: value for key, value in summary.items() if key not in ("seconds", "host")}
    rest["description"] = {key: value for key, value in summary["description"].items() if key not in ("out", "threads")}
    return rest


@pytest.mark.parametrize("keys", [EF21, {**CLASSES, "method": "diana(rand-k(3))", "rounds": 9}], ids=["d", "classes"])
def test_load_gives_what_a_run_returns(keys):
    program("run", "out=runs/program", **keys)
    result = run(keys)
    loaded = lc.load("runs/program")
    assert_same_run(loaded, result)
    assert_same_as_files(loaded, "runs/program")
    assert loaded.summary == json.loads(pathlib.Path("runs/program/summary.json").read_text())
    assert without_machine(loaded.summary) == without_machine(result.summary)
    assert (loaded.stopped, loaded.reason, loaded.step) == (result.stopped, result.reason, result.step)
    assert loaded.folder == "runs/program" and lc.load(pathlib.Path("runs/program")).folder == "runs/program"
    saved = run(keys, out="runs/python")
    for file in ("trace.csv", "x.npy"):
        assert pathlib.Path("runs/python", file).read_bytes() == pathlib.Path("runs/program", file).read_bytes()
    assert saved.summary == lc.load("runs/python").summary


def test_a_run_that_did_not_end_can_be_loaded():
    run(out="runs/killed")
    pathlib.Path("runs/killed/summary.json").unlink()
    pathlib.Path("runs/killed/x.npy").unlink()
    loaded = lc.load("runs/killed")
    assert len(loaded.trace["f"]) == 31 and loaded.x is None and loaded.stopped is None
    assert "ef21" in repr(loaded)


# Figures in matplotlib.

def colours(ax):
    from matplotlib.colors import to_hex

    return {line.get_label(): to_hex(line.get_color()).upper() for line in ax.lines}


def test_plot(ef21):
    gd = run({**QUADRATICS, "method": "gd", "rounds": 30})
    ax = ef21.plot(gd)
    assert list(colours(ax).values()) == ["#0072B2", "#111111"]  # those of ef21 and of gd in the program's figures
    assert any("ef21" in label for label in colours(ax)) and any("gd" in label for label in colours(ax))
    assert ax.get_yscale() == "log" and ax.get_xlabel() and ax.get_ylabel() and ax.get_legend() is not None
    line = ax.lines[0]
    assert line.get_xdata().tolist() == ef21.trace["uplink_bits"].tolist()
    assert line.get_ydata().tolist() == ef21.trace["grad_norm_sq"].tolist()
    same = ef21.plot(x="round", y="f", ax=ax)
    assert same is ax and len(ax.lines) == 3
    assert ax.lines[2].get_xdata().tolist() == list(range(31))
    ax.figure.savefig("figure.pdf")
    assert pathlib.Path("figure.pdf").stat().st_size > 1000
    labelled = ef21.plot(gd, labels=["one", "two"])
    assert list(colours(labelled)) == ["one", "two"]
    with pytest.raises(lc.InputError, match='"?uplink_bits'):
        ef21.plot(x="uplink_bit")
    with pytest.raises(lc.InputError, match="f\\*|target_gap"):
        ef21.plot(y="gap")
    gap = run(target_gap=1e-9)
    assert gap.plot(y="gap").lines[0].get_ydata()[0] == gap.trace["f"][0] - gap.constants["f_star"]


# Sweeps.

def test_a_sweep_is_that_of_the_program(swept):
    folder, sweep = swept
    assert (folder / "python/sweep.csv").read_bytes() == (folder / "program/sweep.csv").read_bytes()
    assert (folder / "python/cells.csv").read_bytes() == (folder / "program/cells.csv").read_bytes()
    summary = json.loads((folder / "program/summary.json").read_text())
    assert [best["score"] for best in sweep.best] == [best["score"] for best in summary["best"]]
    assert [best["method"] for best in sweep.best] == [best["description"]["method"] for best in summary["best"]]
    for best, expected in zip(sweep.best, summary["best"]):
        assert best["workload"] == expected["scene"]
        assert best["step"] == expected["description"]["step"] == best["setting"]["step"]
    assert sweep.measure == summary["measure"] == "bits"
    verdicts = [(one["statement"], one["claim"], one["numbers"], one["holds"]) for one in sweep.verdicts]
    assert verdicts == [(one["statement"], one.get("claim", ""), one["numbers"], one["holds"])
                        for one in summary["expect"]]
    assert [one["holds"] for one in sweep.verdicts] == [True, False]
    assert sweep.verdicts[0]["claim"] == "EF21 saves bits"
    assert sweep.folder == str(folder / "python")


def test_the_runs_of_a_sweep_in_pandas(swept):
    folder, sweep = swept
    frame = sweep.to_pandas()
    expected = table_of(folder / "program/sweep.csv")
    assert len(frame) == 2 * 3 * 5
    for name, cells in expected.items():
        if name == "step_rule" or name.endswith("accuracy"):
            continue
        got = frame[name].tolist()
        for value, cell in zip(got, cells):
            is_missing = value is None or isinstance(value, float) and math.isnan(value)
            assert (cell == "") if is_missing else (str(value) == cell or float(value) == float(cell)), (name, cell)
    for best in sweep.best:
        scores = frame.loc[(frame["method"] == best["method"]) & (frame["step_rule"] == best["step"]), "score"]
        assert len(scores) == 2 and (scores == best["score"]).all()
    assert frame["score"].min() == min(best["score"] for best in sweep.best)


def test_a_sweep_loaded_pickled_and_without_a_folder(swept):
    folder, sweep = swept
    plain = lc.sweep(progress=False, **GRID)
    for other in (lc.load(folder / "program"), lc.load(folder / "python"), pickle.loads(pickle.dumps(sweep)), plain,
                  lc.resume(folder / "python")):
        assert other.to_pandas().equals(sweep.to_pandas())
        assert other.best == sweep.best and other.verdicts == sweep.verdicts and other.measure == sweep.measure
        assert other.table.split("runs:")[0] == sweep.table.split("runs:")[0]
    assert plain.folder is None
    assert "ef21(top-k(4))" in repr(sweep) and "gd" in sweep.table


def test_lists_are_braces(swept):
    _, sweep = swept
    keys = {**GRID, "method": ["gd", "ef21(top-k({1,4}))"], "step": [f"theory*{2 ** p}" for p in range(5)],
            "seed": [1, 2]}
    listed = lc.sweep(progress=False, **keys)
    assert [best["score"] for best in listed.best] == [best["score"] for best in sweep.best]
    numbers = lc.sweep(progress=False, **{**QUADRATICS, "method": "gd", "step": (0.1, np.float64(0.2)), "rounds": 5,
                                         "tune": "none"})
    assert sorted(numbers.to_pandas()["step"]) == [0.1, 0.2]
    with pytest.raises(TypeError, match="step"):
        lc.sweep(**{**QUADRATICS, "method": "gd", "step": []})


def test_a_sweep_does_not_depend_on_threads(swept):
    _, sweep = swept
    assert lc.sweep(progress=False, threads=1, **GRID).to_pandas().equals(sweep.to_pandas())


def test_the_figure_of_a_sweep(swept):
    _, sweep = swept
    ax = sweep.plot()
    scored = sweep.to_pandas().dropna(subset=["score"])
    assert len(ax.lines) == scored["method"].nunique() > 1 and ax.get_xlabel() and ax.get_ylabel()
    assert colours(ax)["gd"] == "#111111"
    assert sweep.plot(ax=ax) is ax


def test_settings_that_are_not_possible():
    sweep = lc.sweep(progress=False, impossible="skip", rounds=5, **QUADRATICS, method="ef21(top-k({4,41}))")
    assert sorted(sweep.to_pandas()["why"]) == ["impossible", "rounds"]
    with pytest.raises(lc.InputError, match="41"):
        lc.sweep(progress=False, rounds=5, **QUADRATICS, method="ef21(top-k({4,41}))")


def test_a_sweep_from_a_file():
    pathlib.Path("a.toml").write_text('problem = "quadratic(d=40, s=0.8)"\nclients = 6\nrounds = 50\n'
                                      'method = "{gd, ef21(top-k(4))}"\n[quick]\nrounds = 5\n')
    assert lc.sweep("a.toml", progress=False).to_pandas()["round"].max() == 50
    assert lc.sweep("a.toml", quick=True, progress=False).to_pandas()["round"].max() == 5


# Theory and advice.

@pytest.mark.parametrize("method", ["gd", "ef21(top-k(4))", "marina(perm-k)", "fedavg(steps=2, sample=2)"])
def test_theory_is_that_of_the_program(method):
    theory = lc.theory(method=method, **QUADRATICS)
    expected = json.loads(program("theory", "--json", method=method, **QUADRATICS))
    assert theory == expected and isinstance(theory, dict)
    assert theory.constants == expected["constants"] and theory.theorems == expected["theorems"]
    assert theory.step == expected.get("run", {}).get("gamma")
    assert method.split("(")[0] in repr(theory)
    assert pickle.loads(pickle.dumps(theory)) == theory


def test_advice():
    methods = ["gd", "ef21(top-k(4))", "marina(perm-k)"]
    advice = lc.advise(network="5mbit,20ms", method=methods, target=1e-3, gradients=2e5, progress=False, **QUADRATICS)
    assert advice.recommendation in methods
    assert all(method in advice.table for method in methods)
    assert advice.sentences and all(sentence.strip() for sentence in advice.sentences)
    assert sorted(advice.to_pandas()["method"]) == sorted(methods)
    assert advice.summary["recommended"]["method"] == advice.recommendation
    assert "ef21(top-k(4))" in repr(advice)
    lc.advise(network="wan", method="gd", target=1e-3, gradients=1e4, out="advice.json", progress=False, **QUADRATICS)
    assert json.loads(pathlib.Path("advice.json").read_text())["clients"] == 6


# Experiments, figures and pages of the program.

def test_reproduce():
    verdicts = lc.reproduce("k-gt-rounds", quick=True, out="runs/reproduced", progress=False)
    assert verdicts and all(one["holds"] is True and one["statement"] for one in verdicts)
    assert pathlib.Path("runs/reproduced/verdicts.json").exists()
    assert lc.reproduce("k-gt-rounds", quick=True, out="runs/reproduced", progress=False) == verdicts  # done already


def test_plot_and_report_of_folders():
    for method in ("gd", "ef21(top-k(4))"):
        run(method=method, out=f"runs/{method[:2]}")
    assert lc.plot("runs/gd", pathlib.Path("runs/ef"), x="uplink_bits", y="grad_norm_sq", out="a.tex") == ["a.tex"]
    assert "addplot" in pathlib.Path("a.tex").read_text()
    if shutil.which("gnuplot"):
        (path,) = lc.plot("runs", out=pathlib.Path("a.svg"))
        assert "<svg" in pathlib.Path(path).read_text()
    with pytest.raises(lc.InputError, match="nowhere"):
        lc.plot("nowhere", out="a.svg")
    with pytest.raises(lc.InputError, match="no_column"):
        lc.plot("runs", x="no_column", out="a.tex")
    assert lc.report("runs", out="page.html", title="Two runs") == "page.html"
    page = pathlib.Path("page.html").read_text()
    assert "Two runs" in page and "ef21(top-k(4))" in page
