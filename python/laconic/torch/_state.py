# SPDX-License-Identifier: Apache-2.0
"""The arguments and the saved states that the hook and the local steps have in common."""
import numpy as np
import torch

from .._core import InputError


def whole_number(name, value, least):
    """The value as an int. InputError if it is not one, or smaller than `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise InputError(f"{name} = {value!r}; need a whole number >= {least}")
    return int(value)


def entries_of(shape):
    """The number of entries of a parameter of this shape."""
    return int(np.prod(shape, dtype=np.int64))


def matrices_of(shapes):
    """The matrices of a vector that holds parameters of these shapes one after another: (begin, rows, columns)."""
    found, begin = [], 0
    for shape in shapes:
        size = entries_of(shape)
        if len(shape) >= 2 and size > 0:
            found.append((begin, shape[0], size // shape[0]))
        begin += size
    return found


def packed(state):
    """The state of an Exchange with tensors for arrays."""
    return _each(state, np.ndarray, torch.from_numpy)


def unpacked(state):
    """The inverse of packed()."""
    return _each(state, torch.Tensor, torch.Tensor.numpy)


def _each(state, kind, function):
    """The state with function(x) for each x of this kind, also within lists."""
    if isinstance(state, dict):
        return {key: _each(value, kind, function) for key, value in state.items()}
    if isinstance(state, list):
        return [_each(value, kind, function) for value in state]
    return function(state) if isinstance(state, kind) else state


def check_owner(state, peers, options):
    """InputError unless the state_dict is of this rank, of as many ranks and of these arguments."""
    if not isinstance(state, dict) or not {"rank", "workers", "options", "step"} <= state.keys():
        raise InputError("state is not what state_dict() returns")
    for name, ours in (("rank", peers.rank), ("workers", peers.workers)):
        if state[name] != ours:
            raise InputError(f"the state has {name} {state[name]}, this process {ours}; each rank loads its own "
                             "state, with as many ranks as before")
    if state["options"] != options:
        differing = [f"{key} = {state['options'].get(key)!r}, here {value!r}"
                     for key, value in options.items() if state["options"].get(key) != value]
        raise InputError(f"the state is of other arguments: {'; '.join(differing)}")
