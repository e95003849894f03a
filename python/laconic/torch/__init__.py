# SPDX-License-Identifier: Apache-2.0
"""PyTorch: a module as a problem, and training over slow links. Imports torch."""
from ._hook import HookState, hook
from ._local import DiLoCo, LocalSGD
from ._problem import problem

__all__ = ["DiLoCo", "HookState", "LocalSGD", "hook", "problem"]
