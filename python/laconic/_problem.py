# SPDX-License-Identifier: Apache-2.0
"""Problems: the caller's own, and those of the engine."""
import functools

from . import _core
from ._core import OpenProblem


class Problem:
    """A problem of your own: f(x) = (1/n) sum_i f_i(x), where f_i is the mean loss over the rows of shard i.

    A subclass has

    dim : int
        d, the number of coordinates, >= 1.
    shards : int
        n, one for each client.
    rows(shard) -> int
        The number of rows of a shard, >= 1; the unit in which gradients are counted. 1 if f_i is no sum over data.
    value_gradient(shard, rows, x) -> (value, gradient)
        The mean loss over these rows of the shard at x, and its gradient (d,). `x` is a float64 array (d,), a copy
        that you may keep. `rows` is `slice(None)` for all rows, or an int64 array of positions, which may repeat (a
        minibatch): `A[shard][rows]` selects them in both cases. It must be a pure function: the same arguments
        give the same bits.

    and may have

    start() -> array (d,)
        The point from which runs start; without it 0.
    constants() -> dict
        L_minus (smoothness of f), L_plus, L_pm, L_tilde, L_max (the largest of an f_i), L_sample (of minibatches),
        mu, mu_min, f_lower. Steps by theory need them. One of L_plus, L_tilde and L_max is needed; bounds that are
        left out follow from L_minus, L_pm <= L_plus <= L_tilde <= L_max <= sqrt(n) L_plus.
    hessian_vector(shard, rows, x, v) -> array (d,)
        H v, exact; needed for target_gap.
    accuracy(x) -> float
        The share of a test set that x classifies correctly, for the column test_accuracy and target_accuracy.

    Attributes with a default: `ridge` = 0.0, lambda if every f_i includes (lambda/2) |x|^2; `is_convex` = False,
    needed for target_gap; `parallel` = False: calls come one at a time, from any thread; True allows several at
    once; `name`, by default the name of the class; `checksum` = 0, a number below 2^32 that tells data apart: a run
    resumes only with the same one.
    """

    ridge = 0.0
    is_convex = False
    parallel = False
    checksum = 0
    name = None
    start = None
    constants = None
    hessian_vector = None
    accuracy = None

    @property
    def _lock(self):
        return self.__dict__.setdefault("_call_lock", _core.CallLock())

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "_call_lock"}


class _FunctionProblem(Problem):
    """A problem made of functions."""

    def __init__(self, function, dim, rows, **others):
        self.value_gradient = function
        self.dim = dim
        self._rows = list(rows)
        self.shards = len(self._rows)
        for name, value in others.items():
            setattr(self, name, value)

    def rows(self, shard):
        return self._rows[shard]


class _EngineProblem(Problem):
    """A problem of the engine, called from Python."""

    parallel = True

    def __init__(self, problem):
        self._problem = problem
        for name in ("name", "dim", "shards", "ridge", "is_convex", "checksum", "rows", "value_gradient", "start",
                     "constants", "hessian_vector"):
            setattr(self, name, getattr(problem, name))
        if problem.accuracy(problem.start()) is not None:
            self.accuracy = problem.accuracy


def problem(f, *, dim, rows, name=None, start=None, constants=None, hessian_vector=None, accuracy=None, ridge=0.0,
            is_convex=False, parallel=False, checksum=0):
    """A problem from a function `f(shard, rows, x) -> (value, gradient)`.

    `rows` lists the number of rows of each shard; its length is the number of clients. `start` is a point (d,) or a
    function of no argument, `constants` a dict or such a function. The rest is as in `Problem`.

    TypeError: f is no function, or rows no list.
    """
    if not callable(f):
        raise TypeError(f"f is no function ({type(f).__name__}); need f(shard, rows, x) -> (value, gradient)")
    if not hasattr(rows, "__len__"):
        raise TypeError("rows is no list; need the number of rows of each client, as in rows=[100, 100]")

    def function_of(value):
        return value if value is None or callable(value) else functools.partial(_constant, value)

    if name is None:
        name = getattr(f, "__name__", "problem")
    return _FunctionProblem(f, dim, rows, name=name, start=function_of(start), constants=function_of(constants),
                            hessian_vector=hessian_vector, accuracy=accuracy, ridge=ridge, is_convex=is_convex,
                            parallel=parallel, checksum=checksum)


def _constant(value):  # not a lambda, which could not be pickled
    return value


def own_problem(value):
    """The caller's own problem, or None if the value is a description. TypeError for anything else."""
    if value is None or isinstance(value, (str, list, tuple)):
        return None
    if isinstance(value, Problem):
        return value
    if isinstance(value, OpenProblem):
        return _EngineProblem(value)
    if isinstance(value, type):
        raise TypeError(f"problem: {value.__name__} is a class; need an object, as in problem={value.__name__}()")
    if callable(value):
        raise TypeError("problem: a function; laconic.problem(f, dim=..., rows=[...]) makes a problem of it")
    raise TypeError(f"problem: {type(value).__name__} is neither a description such as 'logistic(a9a)' nor a "
                    "laconic.Problem")


def name_of(own):
    """The name of a problem as a word of the language of descriptions, quoted if needed."""
    name = str(own.name or type(own).__name__)
    try:
        is_word = _core.is_word(name) and "=" not in name
    except _core.InputError:
        is_word = False
    if is_word:
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
