# SPDX-License-Identifier: Apache-2.0
"""Runs and their results."""
import json
import os
import warnings

import numpy as np

from . import _core
from ._listener import Listener
from ._words import call_of, document, keys_of, words_of
from ._problem import own_problem


class DivergedWarning(RuntimeWarning):
    """A run diverged: its point or its gradient is no longer finite. The trace ends before that round."""


class Run:
    """The result of a run.

    trace : dict of str to array
        The columns of trace.csv, one entry for each evaluated round. `round` and `participants` are int64, the
        others float64; what was not measured is NaN. uplink_bits, downlink_bits, the floats and oracle_calls are
        means over the clients, summed since the start; network_seconds is modelled.
    x : array (d,)
        The final point. None for the folder of a run that did not end.
    summary : dict
        The content of summary.json.
    warnings : list of str
        Sentences of the method, for instance that no theorem covers its step.
    folder : str or None
        The folder with the files of the run.
    """

    def __init__(self, trace, x, summary, warnings=(), folder=None, description=None):
        self.trace = trace
        self.x = x
        self.summary = summary
        self.warnings = list(warnings)
        self.folder = folder
        self._description = description

    @property
    def description(self):
        """All keys of the run with their values: `run(**r.description)` runs it again."""
        return keywords_of(self.summary.get("description", self._description or {}))

    @property
    def constants(self):
        """The constants of the problem that are known, as a dict of str to float: L_minus, L_plus, ...

        Also f_star with target_gap. Empty for a run that has not ended.
        """
        return self.summary.get("constants", {})

    @property
    def step(self):
        """The step size gamma as a number, of the last row. None if the trace has no row."""
        return float(self.trace["step"][-1]) if len(self.trace["step"]) else None

    @property
    def stopped(self):
        """Why the run ended: rounds, target, max-bits, max-seconds or diverged. None if it did not end."""
        return self.summary.get("stopped", {}).get("why")

    @property
    def reason(self):
        """Why the run ended, in one sentence."""
        return self.summary.get("stopped", {}).get("reason", "the run has not ended")

    @property
    def last(self):
        """The last row of the trace as a dict of numbers; what was not measured is NaN. Empty without rows."""
        return {name: values[-1].item() for name, values in self.trace.items() if len(values)}

    def to_pandas(self):
        """The trace as a pandas.DataFrame. Needs pandas."""
        import pandas

        return pandas.DataFrame(self.trace)

    def plot(self, *others, x="uplink_bits", y="grad_norm_sq", ax=None, labels=None, **line):
        """Draws the trace, and those of other runs, with matplotlib and the colours of the program's figures.

        x and y are columns of the trace, or `gap` = f - f* if f* is known, or `both_bits`. `labels` has a text for
        each run; without it their names tell them apart. `line` goes to matplotlib's `plot()`. Returns the Axes.
        InputError: an unknown column, or f* is not known.
        """
        from ._plot import draw_runs

        return draw_runs([self, *others], x, y, ax, labels, line)

    def __repr__(self):
        description = self.description
        head = f"<laconic.Run {description.get('method', '?')} on {description.get('problem', '?')}: {self.reason}"
        if not len(self.trace["round"]):
            return head + ">"
        last = self.last
        return (f"{head}; round {last['round']}, f = {last['f']:.6g}, |grad f|^2 = {last['grad_norm_sq']:.4g}, "
                f"{_bits_text(last['uplink_bits'])} up and {_bits_text(last['downlink_bits'])} down a client>")


def keywords_of(description):
    """The keys of a description as keywords."""
    return {key.replace("-", "_"): value for key, value in description.items()}


def summary_of(text, folder):
    """The content of a summary.json. InputError if it is damaged."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _core.InputError(f"{folder}/summary.json: is not the summary of a run or a sweep: {error}") from None


def _bits_text(bits):
    for unit, name in ((1e9, "Gbit"), (1e6, "Mbit"), (1e3, "kbit")):
        if bits >= unit:
            return f"{bits / unit:.4g} {name}"
    return f"{bits:.4g} bit"


def require_callback(callback, name="callback", arguments="(round, row)"):
    if callback is not None and not callable(callback):
        raise TypeError(f"{name} = {callback!r}; need a function of {arguments}")


def warn_if_diverged(result):
    if result.stopped == "diverged":
        warnings.warn(result.reason, DivergedWarning, stacklevel=3)
    return result


@document("run")
def run(*files, callback=None, progress=None, force=False, **keys):
    """Runs a method on a problem, and returns a `Run`.

        r = lc.run(problem="logistic(a9a, lambda=0.1)", method="marina(rand-k(10))", clients=20, rounds=500)

    The keys are those of `laconic run`, with `_` for `-`; values are str, int, float or a path, and None leaves a key
    out. `files` are TOML files with keys, which keywords override. `problem` may be a `Problem` of your own.

    callback : function of (round, row)
        Called for each evaluated row with the round and a dict of its columns; what was not measured is None. An
        exception in it ends the run and is raised here.
    progress : None, bool or function of (done, all, text)
        None shows a line in a terminal or a notebook. A function is called at most ten times a second, and with
        (0, 0, text) while data are read and constants computed.
    force : bool
        Whether `out` may hold an earlier run, which is then replaced.

    The GIL is released while the engine works: several runs may go on in threads. Ctrl-C ends the run within a
    second; with `out`, a checkpoint is saved first, and `resume()` goes on. A run that diverges returns with
    `stopped == "diverged"`, and a `DivergedWarning`.

    TypeError: a keyword is no key, or a value has a wrong type. InputError (a ValueError): the description or the data
    are wrong, found before round 0. RunError (a RuntimeError): the run itself failed.
    """
    require_callback(callback)
    words, own = words_of("run", files, keys, [name for name, *_ in keys_of("run")])
    with Listener(progress) as listener:
        end = _core.run(words, call_of(own, listener), bool(force), callback)
    summary = json.loads(end["summary"])
    return warn_if_diverged(
        Run(end["trace"], end["x"], summary, end["warnings"], summary["description"].get("out") or None))


def resume(folder, *, problem=None, threads=None, checkpoint_every=None, callback=None, progress=None):
    """Goes on with the run or the sweep in a folder, and returns its `Run` or `Sweep`.

    A run goes on from its newest checkpoint, or else from the start; its result is that of a run that was never
    interrupted. `problem` is needed if the run has a `Problem` of your own. A run that has ended is only loaded.
    `threads` and `checkpoint_every` may change, as in `run()`.

    InputError: there is no run in the folder, or the problem is not that of the run. TypeError: `problem` is a
    description.
    """
    require_callback(callback)
    own = own_problem(problem)
    if isinstance(problem, str):
        raise TypeError("problem: the folder holds the description; only a Problem of your own is given again")
    changes = []
    if threads is not None:
        changes.append(f"threads={threads}")
    if checkpoint_every is not None:
        changes.append(f"checkpoint-every={checkpoint_every}")
    folder = os.fspath(folder)
    with Listener(progress) as listener:
        _core.resume(folder, changes, call_of(own, listener), callback)
    result = load(folder)
    return warn_if_diverged(result) if isinstance(result, Run) else result


def load(folder):
    """The `Run` or `Sweep` in a folder that the program or this package wrote.

    A run that was killed has its rows, and no `x`. The warnings of a run are not stored. InputError if the folder
    holds neither.
    """
    folder = os.fspath(folder)
    if os.path.exists(os.path.join(folder, "sweep.csv")):
        from ._sweep import load_sweep

        return load_sweep(folder)
    trace, description = _core.read_run(folder)
    summary = {}
    path = os.path.join(folder, "summary.json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            summary = summary_of(file.read(), folder)
    x = os.path.join(folder, "x.npy")
    return Run(trace, np.load(x) if os.path.exists(x) else None, summary, (), folder, description)
