# SPDX-License-Identifier: Apache-2.0
"""The experiments of the papers, and the program's figures and pages."""
import os

from . import _core
from ._listener import Listener
from ._words import call_of, text_of


def reproduce(name, *, quick=False, out=None, threads=None, force=False, progress=None):
    """Runs the experiments of a paper and checks its statements. Returns a list of dicts, one for each statement.

    `name` is that of an experiment, of one of its sweeps, or "all". `quick` makes them take minutes. Each dict has
    experiment, sweep, statement, place, holds (None if the sweep was left out, for want of its data) and numbers. The
    files go to `out`, by default runs/reproduce or runs/reproduce-quick; the same call goes on after an interruption.
    `threads` and `force` are as in `run()`. InputError: an unknown name. RunError: a sweep failed.
    """
    if out is None:
        out = "runs/reproduce-quick" if quick else "runs/reproduce"
    with Listener(progress) as listener:
        return _core.reproduce(name, bool(quick), bool(force), os.fspath(out), threads or 0, call_of(None, listener))


def _folder_of(result):
    """A folder, or that of a Run or a Sweep."""
    if isinstance(result, (str, os.PathLike)):
        return os.fspath(result)
    folder = getattr(result, "folder", None)
    if folder is None:
        raise TypeError(f"{type(result).__name__} has no folder; need folders, or results of runs with out=")
    return folder


def plot(*folders, **keys):
    """Draws runs or sweeps in folders with gnuplot, as `laconic plot` does. Returns the paths of the figures.

        lc.plot("runs/gd", "runs/ef21", x="uplink_bits", y="gap", out="figure.svg")

    The keys are those of `laconic plot`: x, y, log, title, xlabel, ylabel, xrange, yrange, labels, names, style, size,
    font and out. `Run.plot()` draws with matplotlib instead. InputError: an unknown key, or a folder without results.
    """
    words = [_folder_of(folder) for folder in folders]
    words += [f"{key.replace('_', '-')}={text_of(key, value)}" for key, value in keys.items() if value is not None]
    return _core.plot(words)


def report(*folders, out="report.html", title=""):
    """Writes a page about runs and sweeps in folders, a single HTML file. Returns its path.

    InputError: a folder without results, or `out` is no HTML file.
    """
    _core.report([_folder_of(folder) for folder in folders], title, os.fspath(out))
    return os.fspath(out)
