# SPDX-License-Identifier: Apache-2.0
"""What the states of the hook and of local steps have in common."""
import numpy as np
import torch

from .._core import InputError, RunError


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


class RankState:
    """What one rank keeps: the messages of its `_peers`, their bytes, and the `_options` that it was made with."""

    _sent = _received = 0  # bytes before load_state_dict()

    @property
    def bytes_sent(self):
        """The bytes of all messages that this rank has sent, with their heads, to each receiver."""
        return self._sent + self._peers.bytes_sent

    @property
    def bytes_received(self):
        """The bytes of all messages that this rank has received, with their heads."""
        return self._received + self._peers.bytes_received

    def _raise_if_failed(self):
        if self._peers.failed:
            raise RunError(f"the state is unusable since a failure ({self._peers.failed}); load a state_dict on every "
                           "rank")

    def _saved(self, step):
        """The part of a state_dict that _check_saved() and _count_from() read."""
        return {"options": dict(self._options), "rank": self._peers.rank, "workers": self._peers.workers, "step": step,
                "bytes_sent": self.bytes_sent, "bytes_received": self.bytes_received}

    def _check_saved(self, state):
        """InputError unless the state_dict is of this rank, of as many ranks and of these options."""
        if not isinstance(state, dict) or not {"rank", "workers", "options", "step"} <= state.keys():
            raise InputError("state is not what state_dict() returns")
        for name, ours in (("rank", self._peers.rank), ("workers", self._peers.workers)):
            if state[name] != ours:
                raise InputError(f"the state has {name} {state[name]}, this process {ours}; each rank loads its own "
                                 "state, with as many ranks as before")
        if state["options"] != self._options:
            differing = [f"{key} = {state['options'].get(key)!r}, here {value!r}"
                         for key, value in self._options.items() if state["options"].get(key) != value]
            raise InputError(f"the state is of other arguments: {'; '.join(differing)}")

    def _count_from(self, state):
        """The bytes go on from those of the state_dict."""
        self._sent = state["bytes_sent"] - self._peers.bytes_sent
        self._received = state["bytes_received"] - self._peers.bytes_received
