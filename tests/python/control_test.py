# SPDX-License-Identifier: Apache-2.0
"""Callbacks, progress, Ctrl-C, memory, and what an import loads."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

import laconic as lc
from support import PATIENCE, Mine, assert_same_run, assert_same_trace, run_python, start_python

# Seconds from Ctrl-C to the end of the process. A second is promised. Work that does not hear it goes on for hours.
HEARD = 5


# Callbacks and progress.

def test_a_callback_gets_each_row():
    rows = []
    result = lc.run(problem=Mine(), method="ef21(top-k(3))", rounds=25, eval_every=4, progress=False,
                    callback=lambda round, row: rows.append((round, row)))
    assert [round for round, _ in rows] == result.trace["round"].tolist() == [0, 4, 8, 12, 16, 20, 24, 25]
    assert all(type(row) is dict and set(row) >= set(result.trace) and row["round"] == round for round, row in rows)
    measured = [name for name in result.trace if rows[0][1][name] is not None]
    assert_same_trace({name: [row[name] for _, row in rows] for name in measured}, result.trace, measured)
    assert rows[0][1]["test_accuracy"] is None
    assert isinstance(rows[0][1]["f"], float) and isinstance(rows[0][1]["round"], int)


def test_a_callback_may_change_its_row():
    expected = lc.run(problem=Mine(), method="gd", rounds=5, progress=False)
    assert_same_run(lc.run(problem=Mine(), method="gd", rounds=5, progress=False,
                           callback=lambda round, row: row.clear()), expected)


def test_progress_is_a_function():
    told = []

    def progress(done, all, text):
        told.append((done, all, text))
        time.sleep(0.001)

    def slow(round, row):
        time.sleep(0.002)

    lc.run(problem=Mine(), method="gd", rounds=300, progress=progress, callback=slow)
    assert told and all(0 <= done <= all and all in (0, 300) and isinstance(text, str) for done, all, text in told)
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert "|grad f|^2" in told[-1][2]


def test_nothing_is_printed_into_a_file(capfd):
    lc.run(problem=Mine(), method="gd", rounds=20)
    lc.run(problem=Mine(), method="gd", rounds=20, progress=False)
    lc.sweep(problem=Mine(), method="gd", step="theory*{1,2}", rounds=20)
    assert capfd.readouterr() == ("", "")
    lc.run(problem=Mine(), method="gd", rounds=20, progress=True)
    out, err = capfd.readouterr()
    assert out == "" and "round" in err


# Ctrl-C. Each script prints a line when its work has begun.

BEGUN = '''
import os, signal, sys, time
import laconic as lc
from support import Mine

def begun(*_):
    if not begun.said:
        begun.said = True
        print("begun", flush=True)
begun.said = False
MANY = 10 ** 9
'''

CASES = {
    "rounds of the library": '''
lc.run(problem="quadratic(d=300, s=0.8)", clients=10, method="diana(rand-k(5))", rounds=MANY, eval_every=1000,
       progress=begun)''',
    "long rounds of the library": '''
lc.run(problem="quadratic(d=20, s=0.8)", clients=2, method="local-sgd(steps=1000000)", step=1e-9, rounds=MANY,
       callback=begun)''',
    "a problem in Python": '''
lc.run(problem=Mine(), method="gd", rounds=MANY, eval_every=1000, progress=begun)''',
    "a parallel problem in Python": '''
class Parallel(Mine):
    parallel = True
lc.run(problem=Parallel(), method="marina(rand-k(3))", rounds=MANY, threads=2, progress=begun)''',
    "a slow problem in Python": '''
class Slow(Mine):
    def value_gradient(self, *arguments):
        begun()
        time.sleep(0.05)
        return super().value_gradient(*arguments)
lc.run(problem=Slow(), method="gd", rounds=MANY)''',
    "a slow callback": '''
def callback(round, row):
    begun()
    time.sleep(0.1)
lc.run(problem=Mine(), method="gd", rounds=MANY, callback=callback)''',
    "a sweep": '''
lc.sweep(problem="quadratic(d=300, s=0.8)", clients=10, method="diana(rand-k({1,5,9}))", step="theory*{2^0..2^6}",
         rounds=10 ** 7, eval_every=1000, tune="none", progress=begun)''',
    "a sweep of a problem in Python": '''
lc.sweep(problem=Mine(), method="diana(rand-k({1,5,9}))", step="theory*{2^0..2^6}", rounds=10 ** 7, tune="none",
         progress=begun)''',
    "advice": '''
lc.advise(problem="quadratic(d=300, s=0.8)", clients=10, network="wan", method=["gd", "ef21(top-k(1))"], target=1e-300,
          gradients=1e15, seconds=100000, progress=begun)''',
    "the minimum": '''
class Slow(Mine):
    def hessian_vector(self, *arguments):
        begun()
        time.sleep(0.05)
        return super().hessian_vector(*arguments)
lc.run(problem=Slow(dim=100, rows=200), method="gd", target_gap=0.1, rounds=5)''',
    "data and constants, again and again": '''
begun()
while True:
    lc.theory(problem="logistic(generated(rows=200, d=200), lambda=0.1)", clients=100, method="gd")''',
    "an own compressor": '''
from support import register_own_compressors
register_own_compressors()
lc.run(problem=Mine(), method="ef21(own-top-1)", rounds=MANY, progress=begun)''',
    "a run in a thread that the main thread waits for": '''
import threading
ended = threading.Event()
def work():
    try:
        lc.run(problem="quadratic(d=300, s=0.8)", clients=10, method="gd", rounds=MANY, eval_every=1000, progress=begun)
    finally:
        ended.set()
threading.Thread(target=work).start()
try:
    while not ended.is_set():
        time.sleep(0.01)
finally:
    ended.wait()''',
}


def interrupt(process):
    """Presses Ctrl-C when the work has begun. Returns what the process said until its end."""
    begun = process.stdout.readline()
    if begun != "begun\n":
        pytest.fail(f"the work did not begin: {process.communicate(timeout=PATIENCE)[1]}")
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=HEARD)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail(f"Ctrl-C was not heard within {HEARD} s")


@pytest.mark.parametrize("name", CASES)
def test_ctrl_c(name):
    with start_python(BEGUN + CASES[name]) as process:
        said = interrupt(process)
    assert process.returncode == -signal.SIGINT, said  # as of any script that a KeyboardInterrupt ends
    assert "KeyboardInterrupt" in said


def test_ctrl_c_while_data_are_read(tmp_path):
    """The data come through a pipe that never ends."""
    pipe = tmp_path / "slow.svm"
    os.mkfifo(pipe)
    script = BEGUN + f'begun()\nlc.run(problem=\'logistic("{pipe}")\', clients=4, method="gd")'
    over = threading.Event()

    def feed():
        with contextlib.suppress(BrokenPipeError), open(pipe, "w", buffering=1) as writer:
            while not over.is_set():
                writer.write("1 1:0.5 3:-1.25\n0 2:2\n")
                time.sleep(0.005)

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    with start_python(script) as process:
        said = interrupt(process)
    over.set()
    assert process.returncode == -signal.SIGINT and "KeyboardInterrupt" in said


def test_a_caught_ctrl_c_leaves_python_usable():
    said = run_python(BEGUN + '''
import threading
def press(round, row):
    if round == 20:
        os.kill(os.getpid(), signal.SIGINT)
for _ in range(3):
    try:
        lc.run(problem=Mine(), method="gd", rounds=MANY, eval_every=20, callback=press)
    except KeyboardInterrupt:
        print("heard")
print(lc.run(problem=Mine(), method="gd", rounds=5).stopped)
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
''')
    assert said.split() == ["heard"] * 3 + ["rounds"]


def test_a_handler_of_the_user_is_called():
    said = run_python(BEGUN + '''
class Stop(Exception):
    pass
def handler(number, frame):
    raise Stop("the user's handler")
signal.signal(signal.SIGINT, handler)
def press(round, row):
    if round == 20:
        os.kill(os.getpid(), signal.SIGINT)
try:
    lc.run(problem="quadratic(d=30, s=0.8)", clients=4, method="gd", rounds=MANY, eval_every=20, callback=press)
except Stop as stop:
    print(stop)
''')
    assert said == "the user's handler\n"


def interrupt_when(happened, process):
    """Presses Ctrl-C as soon as happened() is true."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert process.poll() is None, "the work ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=PATIENCE)[1]


def lines_of(path):
    return path.read_text().count("\n") if path.exists() else 0


def test_ctrl_c_saves_a_checkpoint(tmp_path):
    keys = {"problem": "quadratic(d=200, s=0.8)", "clients": 7, "method": "diana(rand-k(5))", "rounds": 40000,
            "eval_every": 100}
    with start_python(BEGUN + f"lc.run(out='broken', **{keys!r})", cwd=tmp_path) as process:
        said = interrupt_when(lambda: lines_of(tmp_path / "broken/trace.csv") > 2, process)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt: interrupted after round" in said and "resume" in said and "broken" in said, said
    assert pathlib.Path("broken/checkpoint/manifest.json").exists()
    rounds = []
    got = lc.resume("broken", progress=False, callback=lambda round, row: rounds.append(round))
    assert 100 < rounds[0] and len(rounds) < len(got.trace["round"]), "it goes on after the checkpoint"
    assert_same_run(got, lc.run(progress=False, **keys))


def test_ctrl_c_in_the_callers_code_loses_only_rounds_after_the_last_checkpoint(tmp_path):
    """Where Ctrl-C arrives in Python code of the caller, the exception begins there."""
    script = BEGUN + '''
def callback(round, row):
    time.sleep(0.005)
    if round == 60:
        begun()
lc.run(problem=Mine(), method="diana(rand-k(3))", rounds=400, step=0.05, batch=4, out="broken", checkpoint_every=20,
       callback=callback)'''
    with start_python(script, cwd=tmp_path) as process:
        said = interrupt(process)
    assert process.returncode == -signal.SIGINT, said
    rounds = []
    got = lc.resume("broken", problem=Mine(), progress=False, callback=lambda round, row: rounds.append(round))
    assert rounds[0] > 40
    keys = {"method": "diana(rand-k(3))", "rounds": 400, "step": 0.05, "batch": 4}
    assert_same_run(got, lc.run(problem=Mine(), progress=False, **keys))


def test_ctrl_c_keeps_the_runs_of_a_sweep(tmp_path):
    keys = {"problem": "quadratic(d=100, s=0.8)", "clients": 5, "method": "{ef21(top-k({1,2})),marina(rand-k({1,5}))}",
            "step": "theory*{2^2..2^4}", "target": 1e-6, "rounds": 1500}
    with start_python(BEGUN + f"lc.sweep(out='broken', **{keys!r})", cwd=tmp_path) as process:
        said = interrupt_when((tmp_path / "broken/sweep.csv").exists, process)
    assert process.returncode == -signal.SIGINT, said
    assert "interrupted with" in said and "resume" in said, said
    expected = lc.sweep(out="expected", progress=False, **keys)
    got = lc.resume("broken", progress=False)
    assert got.to_pandas().equals(expected.to_pandas()) and got.best == expected.best
    assert pathlib.Path("broken/sweep.csv").read_bytes() == pathlib.Path("expected/sweep.csv").read_bytes()


# The process.

def test_runs_leak_no_memory():
    """The resident memory after 1,000 more runs, in MB above that after the first ones."""
    grown = run_python('''
import gc, warnings
import numpy as np
import laconic as lc
from support import Mine, register_own_compressors
register_own_compressors()

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

class Fails(Mine):
    def value_gradient(self, *arguments):
        raise ValueError("as always")

mine, fails = Mine(dim=12), Fails(dim=12)
c = lc.compressor("top-k(10%)", dim=20000)
x = np.random.default_rng(1).standard_normal(20000)
out = np.zeros(20000)

def some(count):
    for i in range(count):
        lc.decode(c.encode(x, round=i), dim=20000, round=i, out=out)
        if i % 5 == 0:
            lc.run(problem="quadratic(d=2000, s=0.8)", clients=2, method="ef21(top-k(3))", step=0.1, rounds=2)
        elif i % 5 == 1:
            lc.run(problem=mine, method="ef21(own-top-1)", rounds=2)
        elif i % 5 == 2:
            lc.theory(problem=Mine(dim=12), method="gd")
            try:
                lc.run(problem=fails, method="gd", step=0.1)
            except ValueError:
                pass
        else:
            lc.run(problem=mine, method="diana(rand-k(3))", rounds=3, threads=2, callback=lambda round, row: None)

some(100)
before = resident()
some(1000)
print(resident() - before)
''')
    assert float(grown) < 20


def test_import_loads_nothing_heavy():
    """A list of the modules that are slow to load, and of those that only some functions need."""
    assert run_python('''
import sys
import laconic as lc
lc.run(problem="quadratic(d=20, s=0.8)", clients=2, method="gd", rounds=2)
print([name for name in ("torch", "pandas", "matplotlib", "scipy", "IPython") if name in sys.modules])
''') == "[]\n"


def test_the_names_of_the_package():
    assert set(lc.__all__) <= set(dir(lc)) | {"torch"}
    for name in lc.__all__:
        if name != "torch":
            assert getattr(lc, name).__doc__, f"{name} has no docstring"
    assert "target_gap" in lc.run.__doc__ and "grow" in lc.sweep.__doc__
    assert isinstance(lc.__version__, str)


@pytest.mark.parametrize("begin", ["import sys; sys.stderr = None", "import sys; sys.stderr.close()",
                                   "import sys; sys.stderr = open('/dev/full', 'w', buffering=1)"])
@pytest.mark.parametrize("progress", [None, True])
def test_a_run_goes_on_without_a_place_for_its_progress(begin, progress):
    code = (f"import laconic as lc\n{begin}\n"
            f"run = lc.run(problem='quadratic(d=50)', method='gd', rounds=2000, progress={progress})\n"
            "print(run.stopped)")
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.stdout == "rounds\n"
