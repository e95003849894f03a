# SPDX-License-Identifier: Apache-2.0
# PyTorch's own types are left out: mypy would read all of PyTorch, for a minute, for every user of laconic.
from collections.abc import Iterable
from typing import Any, Callable

from . import Problem

__all__ = ["problem"]

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
