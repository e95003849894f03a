# SPDX-License-Identifier: Apache-2.0
"""Problems of the engine, for use from Python."""
from ._core import OpenProblem
from ._listener import Listener
from ._words import data_folders, words_of


def open_problem(problem, *, progress=None, **keys):
    """A problem of the engine with its data and constants, for use from Python.

    `problem` is a description such as "logistic(a9a, lambda=0.1)"; the keys `clients`, `split`, `split_seed`, `rest`,
    `byzantine` and `threads` are those of `run()`. The result has the methods of `Problem`, and `run()` takes it.

    TypeError: a keyword is none of these. InputError: the description or the data are wrong.
    """
    if not isinstance(problem, str):
        raise TypeError(f"problem: {type(problem).__name__}; need a description such as 'logistic(a9a)'")
    known = ["clients", "split", "split-seed", "rest", "byzantine", "threads"]
    words, _ = words_of("open_problem", [], keys, known)
    with Listener(progress) as listener:
        return OpenProblem([f"problem={problem}", "method=gd", *words], data_folders(), listener)
