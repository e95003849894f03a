# SPDX-License-Identifier: Apache-2.0
"""Sweeps and their results."""
import csv
import io
import json
import os

from . import _core
from ._listener import Listener
from ._run import keywords_of, summary_of
from ._words import call_of, document, keys_of, words_of


def _number_or_text(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text if text else None


def _rows_of(text):
    return [{name: _number_or_text(value) for name, value in row.items()} for row in csv.DictReader(io.StringIO(text))]


class Sweep:
    """The result of a sweep.

    runs : list of dict
        One for each run: problem, clients, split, method, step_rule, seed and the other axes, `why` it ended, the
        columns of its last row, and the `score` of its setting: the mean over seeds, smaller is better. None if the
        setting has no score.
    cells : list of dict
        One for each cell, with its best setting: `score`, `deviation`, and at which `edge` of an axis it lies.
    best : list of dict
        The best setting of each method: workload, method, step, score (None if no run has one), edges, and
        setting, all its keys: `run(**s.best[0]["setting"])` runs it.
    verdicts : list of dict
        The statements of `expect`: statement, claim, numbers, workload, holds.
    measure : str
        What the score is.
    table : str
        The result as the program prints it.
    summary, folder
        As in `Run`.
    """

    def __init__(self, runs, cells, scores, summary, table, folder):
        self.runs = _rows_of(runs)
        for row, score in zip(self.runs, scores):
            row["score"] = score
        self.cells = _rows_of(cells)
        self.summary = summary
        self.table = table
        self.folder = folder

    @property
    def measure(self):
        """What the score is, as the key `measure` names it."""
        return self.summary["measure"]

    @property
    def best(self):
        """The best setting of each method, as a list of dicts."""
        return [
            {
                "workload": one["scene"],
                "method": one.get("description", {}).get("method", one["method"]),
                "step": one.get("description", {}).get("step"),
                "score": one["score"],
                "setting": keywords_of(one.get("description", {})),
                "edges": one["edges"],
            }
            for one in self.summary["best"]
        ]

    @property
    def verdicts(self):
        """The statements of `expect` and whether they hold, as a list of dicts."""
        return [
            {
                "statement": one["statement"],
                "claim": one.get("claim", ""),
                "numbers": one["numbers"],
                "workload": one["scene"],
                "holds": one["holds"],
            }
            for one in self.summary["expect"]
        ]

    def to_pandas(self):
        """`runs` as a pandas.DataFrame. Needs pandas."""
        import pandas

        return pandas.DataFrame(self.runs)

    def plot(self, axis=None, ax=None, **line):
        """Draws the scores over an axis of the sweep, a curve for each method. Returns matplotlib's Axes.

        Without `axis`, the first axis with several values, by default the step. Runs that ended early, because they
        could not win any more, have no score: `tune="none"` runs all to the end.
        """
        from ._plot import draw_scores

        return draw_scores(self, axis, ax, line)

    def __repr__(self):
        return f"<laconic.Sweep of {len(self.runs)} runs>\n{self.table}"


@document("sweep")
def sweep(*files, quick=False, progress=None, force=False, **keys):
    """Runs a grid of runs, ranks the methods, each at its best tuned setting, and returns a `Sweep`.

        s = lc.sweep(problem="logistic(a9a)", method=["gd", "ef21(top-k({1,10}))"], step="theory*{2^0..2^7}",
                     target=1e-4)

    Braces in a value, and lists, are the axes of the grid. With `target`, a run costs what it needs to reach it. With
    `quick`, the table [quick] of a TOML file makes the runs smaller. The rest, errors included, is as in `run()`.
    Ctrl-C ends a sweep between rounds; with `out`, the runs that have ended are kept, and `resume()` goes on.
    """
    words, own = words_of("sweep", files, keys, [name for name, *_ in keys_of("sweep")])
    with Listener(progress) as listener:
        end = _core.sweep(words, call_of(own, listener), bool(quick), bool(force))
        for sentence in end["warnings"]:
            listener.remark(f"no figure: {sentence}")
    if end["folder"]:
        return load_sweep(end["folder"])
    return Sweep(end["runs"], end["cells"], end["scores"], json.loads(end["summary"]), end["table"], None)


def load_sweep(folder):
    """The sweep in a folder."""
    texts = {}
    for name in ("sweep.csv", "cells.csv", "summary.json"):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            raise _core.InputError(f"{folder}: the sweep has not ended; laconic.resume() goes on with it")
        with open(path, encoding="utf-8") as file:
            texts[name] = file.read()
    summary = summary_of(texts["summary.json"], folder)
    table, scores = _core.table_of_sweep(folder, summary["seconds"])
    return Sweep(texts["sweep.csv"], texts["cells.csv"], scores, summary, table, folder)
