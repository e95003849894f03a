# SPDX-License-Identifier: Apache-2.0
"""PyTorch: a module as a problem. Imports torch."""
import copy
import functools
import threading

import numpy as np
import torch

from .._core import InputError
from .._problem import Problem

__all__ = ["problem"]


def _with_gradients(function):
    """The function in torch's usual mode, also where the caller is in no_grad() or inference_mode()."""

    @functools.wraps(function)
    def call(*arguments):
        with torch.inference_mode(False), torch.enable_grad():
            return function(*arguments)

    return call


class _ModuleProblem(Problem):
    """The mean loss of a module over the data of each client."""

    parallel = True

    def __init__(self, module, loss, datasets, dtype, test, chunk, name):
        self._module = copy.deepcopy(module).to("cpu", dtype).eval()
        parameters = [p for p in self._module.parameters() if p.requires_grad]
        self._loss = loss
        self._dtype = dtype
        self._data = [_tensors_of(data, dtype, f"datasets[{i}]") for i, data in enumerate(datasets)]
        self._test = None if test is None else _tensors_of(test, dtype, "test")
        self._chunk = chunk
        self._local = threading.local()
        self._start = _flat(parameters)
        self.dim = self._start.size
        self.shards = len(self._data)
        self.name = name or type(module).__name__
        if self._test is not None:
            self.accuracy = self._accuracy

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name not in ("_local", "accuracy")}

    def __setstate__(self, state):
        self.__dict__.update(state, _local=threading.local())
        if self._test is not None:
            self.accuracy = self._accuracy

    def rows(self, shard):
        return len(self._data[shard][0])

    def start(self):
        return self._start

    @_with_gradients
    def value_gradient(self, shard, rows, x):
        module, parameters = self._copy_at(x)
        value = 0.0
        gradient = np.zeros(self.dim)
        for inputs, targets, share in self._chunks(shard, rows):
            loss = self._loss(module(inputs), targets)
            if not isinstance(loss, torch.Tensor) or loss.ndim != 0:
                shape = f" of shape {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else ""
                raise TypeError(f"the loss returned a {type(loss).__name__}{shape}; need the mean as a scalar tensor")
            value += share * loss.item()
            gradient += share * _flat(_gradients(loss, parameters))
        return value, gradient

    @_with_gradients
    def hessian_vector(self, shard, rows, x, v):
        module, parameters = self._copy_at(x)
        vectors = _like(parameters, v)
        product = np.zeros(self.dim)
        for inputs, targets, share in self._chunks(shard, rows):
            gradients = _gradients(self._loss(module(inputs), targets), parameters, create_graph=True)
            along = sum((g * u).sum() for g, u in zip(gradients, vectors))
            if along.requires_grad:  # else the loss is linear in the parameters
                product += share * _flat(_gradients(along, parameters))
        return product

    def _chunks(self, shard, rows):
        """The rows of a call in parts: inputs, targets, and the share of the part."""
        inputs, targets = self._data[shard]
        if not isinstance(rows, slice):
            chosen = torch.from_numpy(rows)
            inputs, targets = inputs[chosen], targets[chosen]
        for first in range(0, len(inputs), self._chunk):
            part = slice(first, first + self._chunk)
            yield inputs[part], targets[part], len(inputs[part]) / len(inputs)

    def _accuracy(self, x):
        module, _ = self._copy_at(x)
        inputs, targets = self._test
        with torch.no_grad():
            right = 0
            for first in range(0, len(inputs), self._chunk):
                part = slice(first, first + self._chunk)
                right += (module(inputs[part]).argmax(1) == targets[part]).sum().item()
        return right / len(inputs)

    def _copy_at(self, x):
        """This thread's module with the parameters x."""
        local = self._local
        if not hasattr(local, "module"):
            local.module = copy.deepcopy(self._module)
            local.parameters = [p for p in local.module.parameters() if p.requires_grad]
        with torch.no_grad():
            for parameter, values in zip(local.parameters, _like(local.parameters, x)):
                parameter.copy_(values)
        return local.module, local.parameters


def problem(module, loss, datasets, *, dtype=torch.float32, test=None, chunk=1024, name=None):
    """A `Problem` made of a module: f_i is the mean loss over the data of client i.

        p = lc.torch.problem(torch.nn.Linear(10, 2), torch.nn.functional.cross_entropy, [(X0, y0), (X1, y1)])

    module : torch.nn.Module
        Its trainable parameters are x, in the order of parameters(), and its present ones the start. It is copied, once
        for each thread, and computes on the CPU, in evaluation mode (no dropout). BatchNorm is refused: its statistics
        are no parameters, and no method would average them.
    loss : function of (outputs, targets) -> scalar tensor
        The mean over the rows, as torch.nn.functional.cross_entropy.
    datasets : list of (inputs, targets), or of torch.utils.data.Dataset
        One for each client. Inputs of floating point are converted to `dtype`.
    test : (inputs, targets) or None
        For the column test_accuracy: the share with argmax(outputs, 1) == targets.
    chunk : int
        The number of rows of one forward pass; gradients are added over chunks.
    """
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module is {type(module).__name__}; need a torch.nn.Module")
    if not any(p.requires_grad for p in module.parameters()):
        raise TypeError("the module has no parameters to train")
    if not callable(loss):
        raise TypeError(f"loss is no function ({type(loss).__name__}); need loss(outputs, targets) -> scalar tensor")
    if isinstance(chunk, bool) or not isinstance(chunk, int) or chunk < 1:
        raise InputError(f"chunk = {chunk}; need a whole number >= 1")
    for part in module.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm) and part.track_running_stats:
            raise TypeError(f"{type(part).__name__} keeps running statistics, which no method would average; "
                            "use GroupNorm or LayerNorm")
    return _ModuleProblem(module, loss, datasets, dtype, test, chunk, name)


def _tensors_of(data, dtype, what):
    """Inputs and targets of a data set as tensors."""
    if isinstance(data, torch.utils.data.Dataset):
        pairs = [data[i] for i in range(len(data))]
        data = (torch.stack([torch.as_tensor(x) for x, _ in pairs]), torch.as_tensor([y for _, y in pairs]))
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise TypeError(f"{what} is {type(data).__name__}; need a pair (inputs, targets) or a Dataset")
    inputs, targets = (torch.as_tensor(part) for part in data)
    if len(inputs) != len(targets) or len(inputs) == 0:
        raise InputError(f"{what}: {len(inputs)} inputs and {len(targets)} targets; need as many, at least one")
    return tuple(t.to(dtype) if t.is_floating_point() else t for t in (inputs.cpu(), targets.cpu()))


def _gradients(scalar, parameters, create_graph=False):
    """The gradient for each parameter, 0 for those that the scalar does not use."""
    gradients = torch.autograd.grad(scalar, parameters, create_graph=create_graph, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, gradients)]


def _flat(tensors):
    """The numbers of the tensors as one float64 array."""
    return torch.cat([t.detach().reshape(-1) for t in tensors]).numpy().astype(np.float64)


def _like(parameters, x):
    """The numbers of x as tensors of the shapes and types of the parameters."""
    values = torch.from_numpy(np.asarray(x, np.float64))
    tensors = values.split([p.numel() for p in parameters])
    return [t.view_as(p).to(p.dtype) for t, p in zip(tensors, parameters)]
