# SPDX-License-Identifier: Apache-2.0
# PyTorch's own types are left out: mypy would read all of PyTorch, for a minute, for every user of laconic.
from collections.abc import Iterable, Mapping
from typing import Any, Callable, Literal

from .. import Problem

__all__ = ["DiLoCo", "HookState", "LocalSGD", "hook", "problem"]

class HookState:
    def __init__(
        self,
        spec: str,
        *,
        momentum: float | None = None,
        start: int = 2,
        wire: Literal["f32", "f64"] = "f32",
        seed: int = 1,
        process_group: Any = None,
        dtype: Literal["float32", "float64"] = "float32",
    ) -> None: ...
    @property
    def step(self) -> int: ...
    @property
    def bytes_sent(self) -> int: ...
    @property
    def bytes_received(self) -> int: ...
    @property
    def segments(self) -> list[int]: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...

def hook(state: HookState, bucket: Any) -> Any: ...

class LocalSGD:
    def __init__(
        self,
        model: Any,
        optimizer: Any,
        steps: int,
        *,
        compressor: str | None = None,
        outer_step: float = 1.0,
        wire: Literal["f32", "f64"] = "f32",
        seed: int = 1,
        process_group: Any = None,
    ) -> None: ...
    @property
    def bytes_sent(self) -> int: ...
    @property
    def bytes_received(self) -> int: ...
    def step(self, closure: Callable[[], Any] | None = None) -> Any: ...
    def sync(self) -> None: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...

class DiLoCo(LocalSGD):
    def __init__(
        self,
        model: Any,
        optimizer: Any,
        steps: int,
        *,
        compressor: str | None = None,
        outer_step: float = 0.7,
        outer_momentum: float = 0.9,
        wire: Literal["f32", "f64"] = "f32",
        seed: int = 1,
        process_group: Any = None,
    ) -> None: ...

def problem(
    module: Any,
    loss: Callable[[Any, Any], Any],
    datasets: Iterable[Any],
    *,
    dtype: Any = ...,
    test: Any = None,
    chunk: int = 1024,
    name: str | None = None,
) -> Problem: ...
