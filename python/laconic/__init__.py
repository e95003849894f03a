# SPDX-License-Identifier: Apache-2.0
"""laconic trains models over slow links by saying less: communication-efficient distributed optimisation.

`run()` runs a method on a problem and counts the bits that it sends; `sweep()` compares methods, each at its best
step; `theory()` gives constants, steps and bounds; `advise()` says which method pays on a link. Keyword arguments
are the keys of the program `laconic`, with `_` for `-`.
"""
import atexit as _atexit

from . import _core, federation
from ._core import Compressor, Exchange, InputError, Message, OpenProblem, RunError, __version__, decode
from ._advice import Advice, Theory, advise, theory
from ._compressor import Key, compressor, register_compressor
from ._listener import RemarkWarning
from ._names import Name, list_columns, list_compressors, list_keys, list_methods, list_problems
from ._open import open_problem
from ._papers import plot, report, reproduce
from ._problem import Problem, problem
from ._run import DivergedWarning, Run, load, resume, run
from ._sweep import Sweep, sweep

__all__ = [
    "Advice", "Compressor", "DivergedWarning", "Exchange", "InputError", "Key", "Message", "Name", "OpenProblem",
    "Problem", "RemarkWarning", "Run", "RunError", "Sweep", "Theory", "advise", "compressor", "decode", "federation",
    "list_columns", "list_compressors", "list_keys", "list_methods", "list_problems", "load", "open_problem", "plot",
    "problem", "register_compressor", "report", "reproduce", "resume", "run", "sweep", "theory", "torch",
]


_atexit.register(_core.end_calls)


def __getattr__(name):
    if name == "torch":  # imports PyTorch, so only where it is used
        import importlib

        return importlib.import_module("laconic.torch")
    raise AttributeError(f"module 'laconic' has no attribute {name!r}")
