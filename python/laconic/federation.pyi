# SPDX-License-Identifier: Apache-2.0
import os
from typing import Any, Callable, Union

from typing_extensions import TypeAlias

from . import Run

__all__ = ["join", "serve"]

_Path: TypeAlias = Union[str, os.PathLike[str]]
_Progress: TypeAlias = Union[bool, Callable[[int, int, str], object], None]

def serve(
    *files: _Path,
    listen: str | None = None,
    tls: _Path | None = None,
    roster: _Path | None = None,
    start_with: int | None = None,
    columns: int | None = None,
    labels: list[float] | tuple[float, ...] | None = None,
    callback: Callable[[int, dict[str, Any]], object] | None = None,
    progress: _Progress = None,
    on_listening: Callable[[int], object] | None = None,
    force: bool = False,
    **keys: Any,
) -> Run: ...
def join(
    server: str,
    *,
    tls: _Path,
    data: _Path,
    threads: int | None = None,
    server_patience: str | float | None = None,
    allow: list[str] | tuple[str, ...] | None = None,
    progress: _Progress = None,
) -> str: ...
