# SPDX-License-Identifier: Apache-2.0
"""Compressors on arrays, and compressors written in Python."""
import inspect
from typing import NamedTuple

import numpy as np

from . import _core


class Key(NamedTuple):
    """The address of the random draws of a message: both ends of a link know it.

    seed, round, worker : int
        The seed of the run, the round from 0, the client from 0.
    step, copy : int
        Which message of the round, where a client sends several.
    """

    seed: int
    round: int
    worker: int
    step: int = 0
    copy: int = 0

    def rng(self):
        """A numpy.random.Generator that depends on the key alone, so that both ends draw the same numbers."""
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(tuple(self))))


def compressor(spec, *, dim, workers=1, wire="f32", matrices=()):
    """A compressor of vectors with `dim` coordinates, for `workers` clients.

        c = lc.compressor("top-k(1%)", dim=x.size)
        m = c.encode(x, seed=1, round=3, worker=0)
        y = lc.decode(m, dim=x.size, seed=1, round=3, worker=0)

    `wire` is the width of values in messages, f32 or f64. `matrices` lists the stretches of the vector that are
    matrices, as (begin, rows, cols), for low-rank and sketch. Returns a `Compressor`.
    """
    return _core.Compressor(spec, dim, workers, wire, list(matrices))


def _accepting(function, most, what, parameters):
    """A function of `most` positional arguments, which passes on as many as `function` takes.

    The names of `parameters` are passed by name. Other arguments with a default are not passed, unless they are called
    key.
    """
    if not callable(function):
        raise TypeError(f"{what} is no function ({type(function).__name__})")
    try:
        arguments = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of a built-in function
        return function
    positional = [p for p in arguments
                  if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name not in parameters]
    if any(p.kind == p.VAR_POSITIONAL for p in arguments):
        return function
    taken = sum(1 for p in positional[:most] if p.default is p.empty or p.name == "key")
    return lambda *args, **named: function(*args[:taken], **named)


class _Registered(NamedTuple):
    """The functions behind a name, which `replace` exchanges."""

    encode: object
    decode: object
    promises: object
    parameters: dict


_registered = {}


def register_compressor(name, encode, decode, *, omega=None, alpha=None, floats=None, parameters=None, summary="",
                        replace=False):
    """Adds a compressor that is written in Python. From then on `method`, and `compressor()`, know its name.

    encode : function (x, key, **parameters) -> bytes
        x is a float64 array (d,), a copy; key a `Key`. May leave out key, as encode(x). May return a bytearray, a
        memoryview or an array instead of bytes.
    decode : function (data, dim, key) -> array (d,)
        C(x) from the bytes. May leave out key, or dim and key. It does not get the parameters: what it needs of them
        belongs to the bytes.
    omega, alpha : None, float or function (dim, **parameters) -> float
        omega: E C(x) = x and E|C(x) - x|^2 <= omega |x|^2 (unbiased); alpha: E|C(x) - x|^2 <= (1 - alpha) |x|^2
        (contractive), 0 < alpha <= 1. Steps by theory rely on them.
    floats : None, float or function (dim, **parameters) -> float
        The expected number of values in a message as the paper counts them, for theory; by default d. The column
        uplink_floats counts the bytes of encode(), divided by 4.
    parameters : dict of str to int or float
        The arguments of the name with their defaults: {"k": 10} allows mine, mine(5) and mine(k=5).
    summary : str
        A sentence for `list_compressors()`.
    replace : bool
        Whether a compressor of that name, which was registered with the same parameters, is replaced.

    Both functions must be pure, and are called from any thread, with the GIL. A message has 4 bytes more than encode()
    returns. Register before other threads run. InputError if the name is taken, or a promise is out of its range.
    """
    parameters = dict(parameters or {})
    for key, value in parameters.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"parameters: {key} = {value!r}; need a number, its default")
    encode = _accepting(encode, 2, "encode", parameters)
    decode = _accepting(decode, 3, "decode", {})

    def promise(what, value, dim, arguments, is_right, needed):
        value = value(dim, **arguments) if callable(value) else value
        if value is not None and not is_right(value):
            raise _core.InputError(f"{name}: {what} = {value}; need {needed}")
        return None if value is None else float(value)

    def promises(dim, arguments):
        expected = promise("floats", floats, dim, arguments, lambda value: value >= 0, "a number >= 0")
        return (promise("omega", omega, dim, arguments, lambda value: value >= 0, "a number >= 0"),
                promise("alpha", alpha, dim, arguments, lambda value: 0 < value <= 1, "a number > 0 and <= 1"),
                float(dim) if expected is None else expected)

    for what, value in (("omega", omega), ("alpha", alpha), ("floats", floats)):
        if value is not None and not callable(value) and not isinstance(value, (int, float, np.number)):
            raise TypeError(f"{what} is {type(value).__name__}; need a number or a function of (dim, **parameters)")
    if not any(callable(value) for value in (omega, alpha, floats)):
        promises(1, {})
    registered = _Registered(encode, decode, promises, parameters)
    if replace and name in _registered:
        before = _registered[name].parameters
        if before != parameters:
            raise _core.InputError(f"{name} was registered with the parameters {before}; a name keeps them")
        _registered[name] = registered
        return

    def encoded(x, key, arguments):
        data = _registered[name].encode(x, Key(*key), **arguments)
        if isinstance(data, np.ndarray):
            return data.tobytes()
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"encode of {name} returned {type(data).__name__}; need bytes")
        return data

    def decoded(data, dim, key):
        return _registered[name].decode(data, dim, Key(*key))

    def promised(dim, arguments):
        return _registered[name].promises(dim, arguments)

    usage = f"{name}({', '.join(f'{key}={value:g}' for key, value in parameters.items())})" if parameters else name
    _core.register_compressor(name, usage, summary or "a compressor of the caller's own", encoded, decoded, promised,
                              parameters)
    _registered[name] = registered
