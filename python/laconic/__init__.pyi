# SPDX-License-Identifier: Apache-2.0
# The types of the package. tools/python_stubs.py writes the keys; tests/python/stubs_test.py checks all of it.
#
# A union with Any is a value that is None only in rare cases: users need not test for it.
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable, Literal, NamedTuple, SupportsFloat, Union

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray
from pandas import DataFrame
from typing_extensions import Self, TypeAlias

from . import federation as federation
from . import torch as torch
from ._core import Compressor as Compressor
from ._core import Exchange as Exchange
from ._core import InputError as InputError
from ._core import Message as Message
from ._core import OpenProblem as OpenProblem
from ._core import RunError as RunError
from ._core import __version__ as __version__
from ._core import decode as decode

__all__ = [
    "Advice", "Compressor", "DivergedWarning", "Exchange", "InputError", "Key", "Message", "Name", "OpenProblem",
    "Problem", "RemarkWarning", "Run", "RunError", "Sweep", "Theory", "advise", "compressor", "decode", "federation",
    "list_columns", "list_compressors", "list_keys", "list_methods", "list_problems", "load", "open_problem", "plot",
    "problem", "register_compressor", "report", "reproduce", "resume", "run", "sweep", "theory", "torch",
]

_Path: TypeAlias = Union[str, os.PathLike[str]]
_Value: TypeAlias = Union[_Path, float, np.integer[Any], np.floating[Any], None]
_List: TypeAlias = Union[list[Any], tuple[Any, ...]]
_Problem: TypeAlias = Union[str, Problem, OpenProblem, None]
_Rows: TypeAlias = Union[slice, NDArray[np.int64]]
_Vector: TypeAlias = NDArray[np.float64]
_Callback: TypeAlias = Union[Callable[[int, dict[str, Any]], object], None]
_Progress: TypeAlias = Union[bool, Callable[[int, int, str], object], None]
_Promise: TypeAlias = Union[float, Callable[..., Any], None]

class DivergedWarning(RuntimeWarning): ...
class RemarkWarning(UserWarning): ...

class Run:
    trace: dict[str, NDArray[Any]]
    x: _Vector | Any
    summary: dict[str, Any]
    warnings: list[str]
    folder: str | None
    def __init__(
        self,
        trace: dict[str, NDArray[Any]],
        x: _Vector | None,
        summary: dict[str, Any],
        warnings: Iterable[str] = (),
        folder: str | None = None,
        description: Mapping[str, str] | None = None,
    ) -> None: ...
    @property
    def description(self) -> dict[str, Any]: ...
    @property
    def constants(self) -> dict[str, float]: ...
    @property
    def step(self) -> float | Any: ...
    @property
    def stopped(self) -> str | None: ...
    @property
    def reason(self) -> str: ...
    @property
    def last(self) -> dict[str, Any]: ...
    def to_pandas(self) -> DataFrame: ...
    def plot(
        self,
        *others: Run,
        x: str = "uplink_bits",
        y: str = "grad_norm_sq",
        ax: Axes | None = None,
        labels: str | Iterable[str] | None = None,
        **line: Any,
    ) -> Axes: ...

class Sweep:
    runs: list[dict[str, Any]]
    cells: list[dict[str, Any]]
    summary: dict[str, Any]
    table: str
    folder: str | None
    def __init__(
        self,
        runs: str,
        cells: str,
        scores: Iterable[float | None],
        summary: dict[str, Any],
        table: str,
        folder: str | None,
    ) -> None: ...
    @property
    def measure(self) -> str: ...
    @property
    def best(self) -> list[dict[str, Any]]: ...
    @property
    def verdicts(self) -> list[dict[str, Any]]: ...
    def to_pandas(self) -> DataFrame: ...
    def plot(self, axis: str | None = None, ax: Axes | None = None, **line: Any) -> Axes: ...

class Theory(dict[str, Any]):
    @property
    def constants(self) -> dict[str, float]: ...
    @property
    def theorems(self) -> dict[str, dict[str, Any]]: ...
    @property
    def step(self) -> float | None: ...

class Advice:
    head: str
    table: str
    sentences: list[str]
    summary: dict[str, Any]
    def __init__(self, head: str, table: str, sentences: list[str], summary: dict[str, Any]) -> None: ...
    @property
    def recommendation(self) -> str | None: ...
    def to_pandas(self) -> DataFrame: ...

class Problem:
    dim: int
    shards: int
    ridge: float
    is_convex: bool
    parallel: bool
    checksum: int
    name: str | None
    def rows(self, shard: int, /) -> int: ...
    def value_gradient(self, shard: int, rows: _Rows, x: _Vector, /) -> tuple[SupportsFloat, ArrayLike]: ...
    def start(self) -> ArrayLike: ...
    def constants(self) -> dict[str, Any] | None: ...
    def hessian_vector(self, shard: int, rows: _Rows, x: _Vector, v: _Vector, /) -> ArrayLike: ...
    def accuracy(self, x: _Vector, /) -> SupportsFloat: ...

class Key(NamedTuple):
    seed: int
    round: int
    worker: int
    step: int = 0
    copy: int = 0
    def rng(self) -> np.random.Generator: ...

class Name(str):
    usage: str
    summary: str
    facts: dict[str, str]
    def __new__(
        cls, name: str, usage: str = "", summary: str = "", facts: Mapping[str, str] | None = None
    ) -> Self: ...
    def __getnewargs__(self) -> tuple[str, str, str, dict[str, str]]: ...  # type: ignore[override]

def run(
    *files: _Path,
    callback: _Callback = None,
    progress: _Progress = None,
    force: bool = False,
    # <keys of run>
    problem: _Problem = None,
    clients: _Value = None,
    split: _Value = None,
    rest: _Value = None,
    method: _Value = None,
    step: _Value = None,
    outer_step: _Value = None,
    outer: _Value = None,
    downlink: _Value = None,
    aggregator: _Value = None,
    clip_norm: _Value = None,
    byzantine: _Value = None,
    topology: _Value = None,
    mixing: _Value = None,
    stragglers: _Value = None,
    allocation: _Value = None,
    rehearsal: _Value = None,
    network: _Value = None,
    compute: _Value = None,
    batch: _Value = None,
    seed: _Value = None,
    split_seed: _Value = None,
    rounds: _Value = None,
    target: _Value = None,
    target_gap: _Value = None,
    target_accuracy: _Value = None,
    target_consensus: _Value = None,
    max_bits: _Value = None,
    max_seconds: _Value = None,
    wire: _Value = None,
    threads: _Value = None,
    eval_every: _Value = None,
    checkpoint_every: _Value = None,
    out: _Value = None,
    # </keys>
) -> Run: ...
def resume(
    folder: _Path,
    *,
    problem: Problem | OpenProblem | None = None,
    threads: int | None = None,
    checkpoint_every: int | str | None = None,
    callback: _Callback = None,
    progress: _Progress = None,
) -> Run | Sweep: ...
def load(folder: _Path) -> Run | Sweep: ...
def sweep(
    *files: _Path,
    quick: bool = False,
    progress: _Progress = None,
    force: bool = False,
    # <keys of sweep>
    problem: _Problem | _List = None,
    clients: _Value | _List = None,
    split: _Value | _List = None,
    rest: _Value | _List = None,
    method: _Value | _List = None,
    step: _Value | _List = None,
    outer_step: _Value | _List = None,
    outer: _Value | _List = None,
    downlink: _Value | _List = None,
    aggregator: _Value | _List = None,
    clip_norm: _Value | _List = None,
    byzantine: _Value | _List = None,
    topology: _Value | _List = None,
    mixing: _Value | _List = None,
    stragglers: _Value | _List = None,
    allocation: _Value | _List = None,
    rehearsal: _Value | _List = None,
    network: _Value | _List = None,
    compute: _Value | _List = None,
    batch: _Value | _List = None,
    seed: _Value | _List = None,
    split_seed: _Value | _List = None,
    rounds: _Value | _List = None,
    target: _Value | _List = None,
    target_gap: _Value | _List = None,
    target_accuracy: _Value | _List = None,
    target_consensus: _Value | _List = None,
    max_bits: _Value | _List = None,
    max_seconds: _Value | _List = None,
    wire: _Value | _List = None,
    threads: _Value | _List = None,
    eval_every: _Value | _List = None,
    checkpoint_every: _Value | _List = None,
    out: _Value | _List = None,
    measure: _Value | _List = None,
    tune: _Value | _List = None,
    map: _Value | _List = None,
    expect: _Value | _List = None,
    figure: _Value | _List = None,
    curves: _Value | _List = None,
    grow: _Value | _List = None,
    impossible: _Value | _List = None,
    title: _Value | _List = None,
    # </keys>
) -> Sweep: ...
def theory(
    *files: _Path,
    progress: _Progress = None,
    # <keys of theory>
    problem: _Problem = None,
    clients: _Value = None,
    split: _Value = None,
    rest: _Value = None,
    method: _Value = None,
    step: _Value = None,
    outer_step: _Value = None,
    outer: _Value = None,
    downlink: _Value = None,
    aggregator: _Value = None,
    clip_norm: _Value = None,
    byzantine: _Value = None,
    topology: _Value = None,
    mixing: _Value = None,
    stragglers: _Value = None,
    allocation: _Value = None,
    rehearsal: _Value = None,
    network: _Value = None,
    compute: _Value = None,
    batch: _Value = None,
    seed: _Value = None,
    split_seed: _Value = None,
    rounds: _Value = None,
    target: _Value = None,
    target_gap: _Value = None,
    target_accuracy: _Value = None,
    target_consensus: _Value = None,
    max_bits: _Value = None,
    max_seconds: _Value = None,
    wire: _Value = None,
    threads: _Value = None,
    eval_every: _Value = None,
    checkpoint_every: _Value = None,
    out: _Value = None,
    # </keys>
) -> Theory: ...
def advise(
    *files: _Path,
    progress: _Progress = None,
    gradients: _Value = None,
    seconds: _Value = None,
    # <keys of advise>
    problem: _Problem = None,
    clients: _Value = None,
    split: _Value = None,
    rest: _Value = None,
    method: _Value | _List = None,
    step: _Value | _List = None,
    outer_step: _Value = None,
    outer: _Value = None,
    downlink: _Value = None,
    aggregator: _Value = None,
    clip_norm: _Value = None,
    byzantine: _Value = None,
    topology: _Value = None,
    mixing: _Value = None,
    stragglers: _Value = None,
    allocation: _Value = None,
    rehearsal: _Value = None,
    network: _Value = None,
    compute: _Value = None,
    batch: _Value = None,
    seed: _Value = None,
    split_seed: _Value = None,
    rounds: _Value = None,
    target: _Value = None,
    target_gap: _Value = None,
    target_accuracy: _Value = None,
    target_consensus: _Value = None,
    max_bits: _Value = None,
    max_seconds: _Value = None,
    wire: _Value = None,
    threads: _Value = None,
    eval_every: _Value = None,
    checkpoint_every: _Value = None,
    out: _Value = None,
    # </keys>
) -> Advice: ...
def problem(
    f: Callable[[int, _Rows, _Vector], tuple[SupportsFloat, ArrayLike]],
    *,
    dim: int,
    rows: Sequence[int] | NDArray[np.integer[Any]],
    name: str | None = None,
    start: ArrayLike | Callable[[], ArrayLike] | None = None,
    constants: dict[str, Any] | Callable[[], dict[str, Any] | None] | None = None,
    hessian_vector: Callable[[int, _Rows, _Vector, _Vector], ArrayLike] | None = None,
    accuracy: Callable[[_Vector], SupportsFloat] | None = None,
    ridge: float = 0.0,
    is_convex: bool = False,
    parallel: bool = False,
    checksum: int = 0,
) -> Problem: ...
def open_problem(
    problem: str,
    *,
    progress: _Progress = None,
    clients: _Value = None,
    split: _Value = None,
    split_seed: _Value = None,
    rest: _Value = None,
    byzantine: _Value = None,
    threads: _Value = None,
) -> OpenProblem: ...
def compressor(
    spec: str,
    *,
    dim: int,
    workers: int = 1,
    wire: Literal["f32", "f64"] = "f32",
    matrices: Iterable[tuple[int, int, int]] = (),
) -> Compressor: ...
def register_compressor(
    name: str,
    encode: Callable[..., bytes | bytearray | memoryview | NDArray[Any]],
    decode: Callable[..., ArrayLike],
    *,
    omega: _Promise = None,
    alpha: _Promise = None,
    floats: _Promise = None,
    parameters: Mapping[str, float] | None = None,
    summary: str = "",
    replace: bool = False,
) -> None: ...
def reproduce(
    name: str,
    *,
    quick: bool = False,
    out: _Path | None = None,
    threads: int | None = None,
    force: bool = False,
    progress: _Progress = None,
) -> list[dict[str, Any]]: ...
def plot(
    *folders: _Path,
    # <keys of plot>
    x: _Value = None,
    y: _Value = None,
    log: _Value = None,
    title: _Value = None,
    xlabel: _Value = None,
    ylabel: _Value = None,
    xrange: _Value = None,
    yrange: _Value = None,
    labels: _Value = None,
    names: _Value = None,
    style: _Value = None,
    size: _Value = None,
    font: _Value = None,
    out: _Value = None,
    # </keys>
) -> list[str]: ...
def report(*folders: _Path, out: _Path = "report.html", title: str = "") -> str: ...
def list_methods() -> list[Name]: ...
def list_compressors() -> list[Name]: ...
def list_problems() -> list[Name]: ...
def list_keys() -> list[Name]: ...
def list_columns() -> list[Name]: ...
