# SPDX-License-Identifier: Apache-2.0
"""Figures in matplotlib, with the colours, markers and dashes of the program's figures."""
import re

import numpy as np

from . import _core

_MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "down": "v", "pentagon": "p", "plus": "+",
            "cross": "x", "star": "*"}


def _axes(ax):
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots()[1]


def _looks(methods):
    """The arguments of matplotlib's plot() for curves of these methods."""
    looks = []
    for colour, marker, is_full, dashes in _core.looks(methods):
        look = {"color": colour, "marker": _MARKERS[marker], "markerfacecolor": colour if is_full else "none",
                "linewidth": 1.5, "markersize": 5}
        if dashes:
            look["dashes"] = [length / 1.5 for length in dashes]
        looks.append(look)
    return looks


def _column(run, name):
    if name == "gap":
        if "f_star" not in run.constants:
            raise _core.InputError("gap: f* is not known; target_gap computes it")
        return run.trace["f"] - run.constants["f_star"]
    if name == "both_bits":
        return run.trace["uplink_bits"] + run.trace["downlink_bits"]
    if name not in run.trace:
        names = [*run.trace, "gap", "both_bits"]
        raise _core.InputError(f"unknown column {name!r}{_core.did_you_mean(name, names)}; known: {', '.join(names)}")
    return run.trace[name]


def _method(run):
    return str(run.description.get("method", "?"))


def _settings_of(run):
    """The keys of a run with their values as text."""
    return [(key.replace("_", "-"), str(value)) for key, value in run.description.items()]


def draw_runs(runs, x, y, ax, labels, line):
    """A curve for each run."""
    curves = [(_column(run, x), _column(run, y)) for run in runs]
    if labels is None:
        labels = _core.legend([_settings_of(run) for run in runs])
    elif isinstance(labels, str):
        labels = [labels]
    if len(labels) != len(runs):
        raise _core.InputError(f"labels: {len(labels)} labels for {len(runs)} runs")
    ax = _axes(ax)
    for (across, upwards), label, look in zip(curves, labels, _looks([_method(run) for run in runs])):
        every = max(1, len(across) // 10)
        ax.plot(across, upwards, label=label, **{**look, "markevery": every, **line})
    ax.set_xlabel(_core.axis_title(x))
    ax.set_ylabel(_core.axis_title(y))
    values = np.concatenate([upwards for _, upwards in curves])
    if _core.falls_to_zero(y) and np.any(values > 0):
        ax.set_yscale("log")
    ax.grid(True, alpha=0.3)
    ax.legend()
    return ax


def _number(value):
    """The number in the value of an axis: 4 of theory*4, 1 of theory; None if there is none."""
    if isinstance(value, (int, float)):
        return float(value)
    text = str(value)
    if text in ("theory", "theory-pl", "tight"):
        return 1.0
    factor = re.fullmatch(r"(?:theory|theory-pl|tight)\*(.+)", text)
    try:
        return float(factor.group(1) if factor else text)
    except ValueError:
        return None


_FIXED = {"run", "problem", "clients", "split", "method", "step_rule", "seed", "why", "score"}


def _other_axes(rows):
    """The axes besides the step: in sweep.csv, they stand before the column why."""
    names = list(rows[0])
    return [name for name in names[: names.index("why")] if name not in _FIXED]


def draw_scores(sweep, axis, ax, line):
    """The score over an axis, a curve for each method with its other axes."""
    rows = sweep.runs
    if axis is None:
        several = [name for name in rows[0] if name in ("step_rule", *_other_axes(rows))
                   and len({str(row[name]) for row in rows}) > 1]
        if not several:
            raise _core.InputError("the sweep has no axis with several values")
        axis = several[0]
    elif axis == "step":
        axis = "step_rule"
    if axis not in rows[0]:
        raise _core.InputError(f"unknown axis {axis!r}; known: {', '.join(['step', *_other_axes(rows)])}")
    curves = {}
    for row in rows:
        # A method that names the axis in its own arguments is one curve, not one for each value.
        method = str(row["method"]) if axis == "step_rule" else str(row["method"]).split("(")[0]
        if row["score"] is not None:
            curves.setdefault(method, {})[str(row[axis])] = (row[axis], row["score"])
    ax = _axes(ax)
    values = list(dict.fromkeys(str(row[axis]) for row in rows))
    is_number = all(_number(row[axis]) is not None for row in rows)
    for (method, points), look in zip(curves.items(), _looks(list(curves))):
        across = [_number(value) if is_number else values.index(str(value)) for value, _ in points.values()]
        ax.plot(across, [score for _, score in points.values()], label=method, **{**look, **line})
    if is_number:
        if min(_number(row[axis]) for row in rows) > 0:
            ax.set_xscale("log", base=2)
    else:
        ax.set_xticks(range(len(values)), values)
    ax.set_yscale("log")
    ax.set_xlabel("step" if axis == "step_rule" else axis)
    ax.set_ylabel(f"{sweep.measure}, the smaller the better")
    ax.grid(True, alpha=0.3)
    if curves:
        ax.legend()
    return ax
