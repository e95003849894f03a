# SPDX-License-Identifier: Apache-2.0
"""Keyword arguments as the words of the command line, and their documentation from the program's tables."""
import inspect
import numbers
import os
import textwrap

import numpy as np

from . import _core
from ._problem import name_of, own_problem

_RUN_KEYS, _SWEEP_KEYS = _core.keys()


def keys_of(kind):
    """The rows (name, example, help) of the keys of a run, or of a sweep."""
    return [*_RUN_KEYS, *_SWEEP_KEYS] if kind == "sweep" else list(_RUN_KEYS)


def text_of(key, value):
    """A value as the command line writes it. A list is an axis of a grid: {a,b}."""
    if isinstance(value, str):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real):
        return repr(float(value)).removesuffix(".0")
    if isinstance(value, (list, tuple, range)) or (isinstance(value, np.ndarray) and value.ndim == 1):
        if len(value) == 0:
            raise TypeError(f"{key}: an empty list; need at least one value")
        return "{" + ",".join(text_of(key, one) for one in value) + "}"
    raise TypeError(f"{key}: {type(value).__name__} is no value; need str, int, float, a path or a list of them")


def words_of(function, files, keys, known):
    """The words of a call, and the caller's own problem or None. TypeError for a keyword that is no key."""
    for file in files:
        if not isinstance(file, (str, os.PathLike)):
            raise TypeError(f"{function}() takes TOML files as positional arguments, not {type(file).__name__}; "
                            "settings are keywords, as in problem=...")
    words = [os.fspath(file) for file in files]
    for file in words:
        if not file.endswith(".toml"):
            raise TypeError(f"{function}() takes TOML files as positional arguments, not {file!r}; "
                            "settings are keywords, as in method='gd'")
    known_keywords = [name.replace("-", "_") for name in known]
    own = own_problem(keys.get("problem"))
    shards = getattr(own, "shards", None)
    if keys.get("clients") is None and isinstance(shards, numbers.Integral) and shards >= 1:
        keys = {**keys, "clients": shards}
    for keyword, value in keys.items():
        if keyword not in known_keywords:
            if any(keyword == name.replace("-", "_") for name, *_ in _SWEEP_KEYS):
                raise TypeError(f"{function}() has no keyword {keyword!r}: it is one of laconic.sweep()")
            hint = _core.did_you_mean(keyword, known_keywords)
            raise TypeError(f"{function}() has no keyword {keyword!r}{hint}; known: {', '.join(known_keywords)}")
        if value is None:
            continue
        is_own = keyword == "problem" and own is not None
        key = keyword.replace("_", "-")
        words.append(f"{key}={name_of(own) if is_own else text_of(key, value)}")
    return words, own


def document(kind, extra=()):
    """Adds the keys of a run or a sweep to the docstring of a function."""

    def add(function):
        rows = [*keys_of(kind), *extra]
        lines = [inspect.cleandoc(function.__doc__), "", "Keys", "----"]
        for name, example, help_text in rows:
            lines.append(f"{name.replace('-', '_')}, as in {example}")
            lines += textwrap.wrap(help_text, 100, initial_indent="    ", subsequent_indent="    ")
        function.__doc__ = "\n".join(lines) + "\n"
        return function

    return add


def data_folders():
    """The folders in which data sets are looked up by name, as the program does it."""
    return [folder for folder in os.environ.get("LACONIC_DATA", "").split(":") if folder]


def call_of(own, listener):
    """What a service gets besides its words."""
    return _core.Call(data_folders(), own, listener)
