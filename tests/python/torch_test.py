# SPDX-License-Identifier: Apache-2.0
"""A problem made of a PyTorch module. Skipped where PyTorch is missing."""
import numpy as np
import pytest

torch = pytest.importorskip("torch")

import laconic as lc
from support import assert_same_run


def datasets(clients=3, rows=12):
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(clients, rows, 5, generator=generator)
    return [(x, (x.sum(1) > 0).long()) for x in inputs]


def module():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))


def problem():
    return lc.torch.problem(module(), torch.nn.functional.cross_entropy, datasets())


def test_the_gradient_is_that_of_autograd():
    made = problem()
    assert (made.dim, made.shards) == (5 * 4 + 4 + 4 * 2 + 2, 3)
    x = made.start()
    expected = module().double()
    inputs, targets = datasets()[1]
    loss = torch.nn.functional.cross_entropy(expected(inputs.double()), targets)
    loss.backward()
    gradient = np.concatenate([p.grad.numpy().ravel() for p in expected.parameters()])
    value, got = made.value_gradient(1, slice(None), x)
    assert value == pytest.approx(loss.item(), rel=1e-5)
    np.testing.assert_allclose(got, gradient, rtol=1e-4, atol=1e-6)


def test_it_trains_with_the_same_bits_on_two_threads():
    keys = {"method": "ef21(top-k(5))", "step": 0.2, "batch": 4, "rounds": 30, "progress": False}
    result = lc.run(problem=problem(), threads=1, **keys)
    assert result.trace["f"][-1] < result.trace["f"][0]
    assert_same_run(lc.run(problem=problem(), threads=2, **keys), result)
