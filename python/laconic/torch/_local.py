# SPDX-License-Identifier: Apache-2.0
"""Local steps between exchanges, for any model and optimizer."""
import zlib

import numpy as np
import torch

from .._core import Exchange, InputError, RunError
from ._peers import Header, Peers
from ._state import RankState, matrices_of, packed, unpacked, whole_number

_BEGIN, _MOVE, _BUFFERS = 10, 11, 12  # kinds of messages


class LocalSGD(RankState):
    """Local steps of an optimizer on each rank, and an exchange of their sum after every `steps` of them.

        local = lc.torch.LocalSGD(model, optimizer, steps=20, compressor="top-k(1%)")
        loss(model(inputs), targets).backward()
        local.step()  # in place of optimizer.step()

    Every rank moves its model from the common point x to x_i. The exchange makes x - outer_step mean_i (x - x_i) the
    next common point, and the model of every rank, with the same bits (Stich 2018, arXiv 1805.09767; the mean of the
    models where outer_step = 1). The constructor gives all ranks the parameters and buffers of rank 0.

    model : torch.nn.Module
        Of the same shape on all ranks, and not a DistributedDataParallel. Its parameters that need gradients take part.
    optimizer : torch.optim.Optimizer
        Of this model. Its own state, as momentum, stays on its rank.
    steps : int
        The number of optimizer steps between exchanges.
    compressor : str or None
        For x - x_i: None sends it whole. "sign", "top-k(1%)" and other contractive compressors have error feedback
        (2019, arXiv 1901.09847), "qsgd(4)" and others that are only unbiased send C(x - x_i). Or a method as of a
        `HookState`, such as "ef21(top-k(1%))".
    outer_step : float > 0
        The step along the mean movement of the ranks.
    wire : "f32" or "f64"
        The width of values in messages.
    seed : int
        Of the compressor's random draws; the same on all ranks.
    process_group : torch.distributed.ProcessGroup or None
        As for a `HookState`.

    Buffers of floating point, as the statistics of BatchNorm, become their mean at each exchange, uncompressed. An
    exchange sends n - 1 times the message, or 2 (n - 1)/n of 4 bytes a parameter where it is whole. Its state has 4
    bytes a parameter, and that of the method. RunError if torch.distributed is not initialised, or if a rank fails,
    goes, has a model that is not finite or is at another step; InputError for arguments that do not fit.
    """

    _outer_momentum = 0.0

    def __init__(self, model, optimizer, steps, *, compressor=None, outer_step=1.0, wire="f32", seed=1,
                 process_group=None):
        if not isinstance(model, torch.nn.Module):
            raise TypeError(f"model is {type(model).__name__}; need a torch.nn.Module")
        if isinstance(model, torch.nn.parallel.DistributedDataParallel):
            raise TypeError("model is a DistributedDataParallel, which exchanges each gradient; need its .module")
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise TypeError(f"optimizer is {type(optimizer).__name__}; need a torch.optim.Optimizer")
        if compressor is not None and not isinstance(compressor, str):
            raise TypeError(f"compressor is {type(compressor).__name__}; need a str, or None")
        self._optimizer = optimizer
        self._steps = whole_number("steps", steps, 1)
        if not (_is_number(outer_step) and outer_step > 0):
            raise InputError(f"outer_step = {outer_step!r}; need a number > 0")
        if wire not in ("f32", "f64"):
            raise InputError(f"wire = {wire}; need f32 or f64")
        self._outer_step = float(outer_step)
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        if not self._parameters:
            raise InputError("the model has no parameters to train")
        self._buffers = [b for b in model.buffers() if b.is_floating_point()]
        is_double = any(p.dtype == torch.float64 for p in self._parameters)
        self._dtype = torch.float64 if is_double else torch.float32
        shapes = [tuple(p.shape) for p in self._parameters]
        self._options = {"compressor": compressor, "steps": self._steps, "outer_step": self._outer_step,
                         "outer_momentum": self._outer_momentum, "wire": wire, "seed": whole_number("seed", seed, 0),
                         "shapes": shapes}
        self._description = zlib.crc32(repr((type(self).__name__, self._options)).encode())
        self._peers = Peers(process_group)
        self._exchange = self._exchange_of()
        self._count = 0
        self._begin(model)
        self._common = self._flat(self._parameters)
        self._velocity = np.zeros_like(self._common) if self._outer_momentum else None

    def step(self, closure=None):
        """A step of the optimizer, and an exchange if it is time for one. Returns what optimizer.step() returns."""
        self._raise_if_failed()
        result = self._optimizer.step() if closure is None else self._optimizer.step(closure)
        self._count += 1
        if self._count % self._steps == 0:
            self.sync()
        return result

    def sync(self):
        """Exchanges now. Collective. For the end of a training that is no multiple of `steps`."""
        self._raise_if_failed()
        try:
            self._sync()
        except Exception as error:  # whatever it is, the other ranks wait for this one
            self._peers.fail(str(error))
            raise

    def state_dict(self):
        """The state of this rank: tensors, numbers and strings, which torch.save() writes. Each rank saves its own.

        The model and the optimizer are not part of it. RunError after a failure.
        """
        self._raise_if_failed()
        return {**self._saved(self._count),
                "common": torch.from_numpy(self._common.copy()),
                "velocity": None if self._velocity is None else torch.from_numpy(self._velocity.copy()),
                "exchange": None if self._exchange is None else packed(self._exchange.state())}

    def load_state_dict(self, state):
        """Goes on from the state_dict() of the same rank, with the same bits.

        All ranks load that of the same step, and the model and the optimizer of that step too; else the next exchange
        raises a RunError on all ranks. InputError if it is of another rank, another number of ranks or other
        arguments. After a failure it is collective.
        """
        self._check_saved(state)
        exchange = self._exchange_of()
        if exchange is not None:
            exchange.restore(unpacked(state["exchange"]))
        if self._peers.failed:
            self._peers = self._peers.renewed()
        self._exchange = exchange
        self._common = state["common"].numpy().copy()
        self._velocity = None if state["velocity"] is None else state["velocity"].numpy().copy()
        self._count = state["step"]
        self._count_from(state)

    def _begin(self, model):
        """Gives all ranks the parameters and buffers of rank 0."""
        tensors = [*model.parameters(), *model.buffers()]
        kinds = repr([(tuple(t.shape), str(t.dtype)) for t in tensors])
        header = Header(_BEGIN, 0, 0, zlib.crc32(kinds.encode(), self._description))
        payload = b""
        if self._peers.rank == 0:
            payload = b"".join(_as_bytes(t) for t in tensors)
        for rank, payload in enumerate(self._peers.gather(0, header, payload)):
            if rank == 0 and self._peers.rank != 0:
                begin = 0
                for tensor in tensors:
                    end = begin + tensor.numel() * tensor.element_size()
                    _set_bytes(tensor, payload[begin:end])
                    begin = end

    def _sync(self):
        movement = self._common - self._flat(self._parameters)
        if not np.isfinite(movement).all():
            raise RunError(f"rank {self._peers.rank}, step {self._count}: the model is not finite")
        if self._exchange is None:
            # Equal points have equal checksums: the common point is the state that ranks share.
            header = Header(_MOVE, self._count, 0, zlib.crc32(self._common, self._description))
            self._peers.mean(0, header, movement)
        else:
            header = Header(_MOVE, self._count, self._exchange.round, self._exchange.checksum)
            message = self._exchange.send(movement)
            for rank, payload in enumerate(self._peers.gather(0, header, message)):
                self._exchange.receive(rank, payload)
            self._exchange.finish(out=movement)
        self._move(np.negative(movement, out=movement))
        _assign(self._parameters, self._common)
        if self._buffers:
            values = self._flat(self._buffers)
            self._peers.mean(0, Header(_BUFFERS, self._count, 0, self._description), values)
            _assign(self._buffers, values)

    def _move(self, direction):
        """The common point along the mean movement of the ranks. Overwrites `direction`."""
        direction *= self._outer_step
        self._common += direction

    def _flat(self, tensors):
        """The numbers of the tensors as one array of the state's type."""
        with torch.no_grad():
            return torch.cat([t.to("cpu", self._dtype).reshape(-1) for t in tensors]).numpy()

    def _exchange_of(self):
        options = self._options
        if options["compressor"] is None:
            return None
        return Exchange(options["compressor"], dim=sum(p.numel() for p in self._parameters),
                        workers=self._peers.workers, worker=self._peers.rank, wire=options["wire"],
                        dtype=str(self._dtype).partition(".")[2], seed=options["seed"],
                        matrices=matrices_of(options["shapes"]))


class DiLoCo(LocalSGD):
    """Local steps with Nesterov's momentum of the exchanges (Douillard et al. 2023, arXiv 2311.08105).

        local = lc.torch.DiLoCo(model, torch.optim.AdamW(model.parameters(), lr=4e-4), steps=500)
        loss(model(inputs), targets).backward()
        local.step()  # in place of optimizer.step()

    With the mean movement of the ranks m = mean_i (x_i - x) and b = 0 at the start, an exchange computes

        b = outer_momentum * b + m
        x = x + outer_step * (m + outer_momentum * b)

    outer_step : float > 0
        The step along the mean movement and its momentum.
    outer_momentum : float
        0 <= outer_momentum < 1. It takes 4 more bytes a parameter.

    All else is as in `LocalSGD`. The inner optimizer of the paper is AdamW.
    """

    def __init__(self, model, optimizer, steps, *, compressor=None, outer_step=0.7, outer_momentum=0.9, wire="f32",
                 seed=1, process_group=None):
        if not (_is_number(outer_momentum) and 0 <= outer_momentum < 1):
            raise InputError(f"outer_momentum = {outer_momentum!r}; need a number >= 0 and < 1")
        self._outer_momentum = float(outer_momentum)
        super().__init__(model, optimizer, steps, compressor=compressor, outer_step=outer_step, wire=wire, seed=seed,
                         process_group=process_group)

    def _move(self, direction):
        if self._velocity is None:
            super()._move(direction)
            return
        self._velocity *= self._outer_momentum
        self._velocity += direction
        direction += self._outer_momentum * self._velocity
        super()._move(direction)


def _is_number(value):
    """Whether the value is a finite number."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and bool(np.isfinite(value))


def _assign(tensors, values):
    """Gives the tensors the numbers of a flat array."""
    begin = 0
    with torch.no_grad():
        for tensor in tensors:
            end = begin + tensor.numel()
            tensor.copy_(torch.from_numpy(values[begin:end]).view(tensor.shape))
            begin = end


def _as_bytes(tensor):
    return tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()


def _set_bytes(tensor, data):
    with torch.no_grad():
        values = torch.empty(tensor.shape, dtype=tensor.dtype)
        values.view(-1).view(torch.uint8).numpy()[:] = data
        tensor.copy_(values)
