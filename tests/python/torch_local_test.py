# SPDX-License-Identifier: Apache-2.0
"""Local steps of PyTorch models, in processes on this machine. Skipped where PyTorch is missing."""
import os
import pathlib
import re
import signal

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import distributed as dist

import laconic as lc
from torch_ranks import bits_of, loss_at, network, optimizer_of, raised_by, run_ranks, values_of

STEPS = 7
PERIOD = 2
HEAD = 40  # bytes before the payload of a message
CASES = [(kind, options, ranks) for ranks in (2, 3) for kind, options in [
    ("LocalSGD", {}),
    ("LocalSGD", {"compressor": "sign", "outer_step": 0.8}),
    ("LocalSGD", {"compressor": "qsgd(4)", "wire": "f64", "seed": 3}),
    ("LocalSGD", {"compressor": "ef21(top-k(10%))"}),
    ("DiLoCo", {}),
    ("DiLoCo", {"compressor": "low-rank(1)", "outer_step": 0.5, "outer_momentum": 0.6}),
    ("DiLoCo", {"compressor": "top-k(10%)", "outer_momentum": 0.0}),
]]
RESUMED = [case[:2] for case in CASES[:len(CASES) // 2]]


def model_of(rank=0, dtype=torch.float32):
    """A network with statistics and a parameter that does not train, elsewhere on each rank."""
    model = network(torch.nn.BatchNorm1d(10)).to(dtype)
    with torch.no_grad():
        for tensor in [*model.parameters(), *model.buffers()]:
            tensor += rank
    model[-1].bias.requires_grad_(False)
    return model


def trained_of(model):
    return [p for p in model.parameters() if p.requires_grad]


def local_of(kind, options, model, optimizer, steps=PERIOD):
    return getattr(lc.torch, kind)(model, optimizer, steps, **options)


def bits_of_model(model):
    return bits_of([*model.parameters(), *model.buffers()])


def train(rank, model, optimizer, local, steps, before=lambda step: None):
    """Trains, and returns the bits of the model after each step."""
    points = []
    for step in steps:
        before(step)
        optimizer.zero_grad()
        loss = loss_at(model, rank, step)
        loss.backward()
        assert local.step() is None
        points.append(bits_of_model(model))
    return points


# The trajectory.

def trajectories(rank):
    """Of each case with this number of ranks: the points, with one more exchange at the end, and the bytes."""
    handed = []
    send = dist.isend
    dist.isend = lambda tensor, *rest, **named: (handed.append(tensor.numel()), send(tensor, *rest, **named))[1]
    found = []
    for kind, options, ranks in CASES:
        if ranks == dist.get_world_size():
            handed.clear()
            model = model_of(rank)
            optimizer = optimizer_of(model)
            local = local_of(kind, options, model, optimizer)
            points = [bits_of_model(model), *train(rank, model, optimizer, local, range(STEPS))]
            local.sync()
            found.append((points + [bits_of_model(model)], local.bytes_sent, local.bytes_received, sum(handed)))
    return found


def flat(tensors):
    return np.concatenate([t.detach().numpy().ravel() for t in tensors])


def assign(tensors, values):
    with torch.no_grad():
        for tensor, part in zip(tensors, np.split(values, np.cumsum([t.numel() for t in tensors])[:-1])):
            tensor.copy_(torch.from_numpy(part.reshape(tensor.shape)))


def mean_of(vectors):
    total = np.zeros_like(vectors[0])
    for vector in vectors:
        total += vector
    return total / np.float32(len(vectors))


def by_hand(kind, options, ranks):
    """The points of all ranks, in one process, and the lengths of the messages of each exchange."""
    models = [model_of() for _ in range(ranks)]
    optimizers = [optimizer_of(model) for model in models]
    trained = [trained_of(model) for model in models]
    statistics = [[b for b in model.buffers() if b.is_floating_point()] for model in models]
    common = flat(trained[0])
    velocity = np.zeros_like(common)
    mu = np.float32(options.get("outer_momentum", 0.9)) if kind == "DiLoCo" else np.float32(0)
    outer = np.float32(options.get("outer_step", 0.7 if kind == "DiLoCo" else 1.0))
    matrices, begin = [], 0
    for p in trained[0]:
        if p.ndim > 1:
            matrices.append((begin, p.shape[0], p.numel() // p.shape[0]))
        begin += p.numel()
    exchanges = [lc.Exchange(options["compressor"], dim=common.size, workers=ranks, worker=i, matrices=matrices,
                             wire=options.get("wire", "f32"), seed=options.get("seed", 1))
                 for i in range(ranks) if "compressor" in options]
    lengths = []

    def exchange():
        nonlocal common, velocity
        movements = [common - flat(each) for each in trained]
        if exchanges:
            messages = [bytes(each.send(movement)) for each, movement in zip(exchanges, movements)]
            lengths.append([len(message) for message in messages])
            for each in exchanges:
                for i, message in enumerate(messages):
                    each.receive(i, message)
            direction = -[each.finish() for each in exchanges][0]
        else:
            direction = -mean_of(movements)
        velocity = mu * velocity + direction
        common = common + outer * (direction + mu * velocity)
        mean = mean_of([flat(each) for each in statistics])
        for parameters, buffers in zip(trained, statistics):
            assign(parameters, common)
            assign(buffers, mean)

    points = [[bits_of_model(model) for model in models]]
    for step in range(STEPS):
        for i in range(ranks):
            optimizers[i].zero_grad()
            loss_at(models[i], i, step).backward()
            optimizers[i].step()
        if (step + 1) % PERIOD == 0:
            exchange()
        points.append([bits_of_model(model) for model in models])
    exchange()
    points.append([bits_of_model(model) for model in models])
    return points, lengths, (common.size, sum(b.numel() for b in statistics[0]))


def all_by_hand(rank):
    return [by_hand(*case) for case in CASES]


@pytest.fixture(scope="module")
def trained():
    """What trajectories() returns, for each case: a list of the ranks."""
    found = [list(zip(*values_of(run_ranks(trajectories, ranks)))) for ranks in (2, 3)]
    return found[0] + found[1]


@pytest.fixture(scope="module")
def expected():
    """What by_hand() returns, for each case; computed in a process like those of the ranks."""
    return values_of(run_ranks(all_by_hand, 1))[0]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_local_steps_are_those_by_hand(trained, expected, case):
    """Bit for bit, on all ranks, after each step. After an exchange all ranks have the same model."""
    points = expected[case][0]
    assert len({row[0] for row in points}) == STEPS + 2
    for rank, (got, *_) in enumerate(trained[case]):
        assert got == [row[rank] for row in points]
    for step, row in enumerate(points):
        assert (len(set(row)) == 1) == (step in (0, 2, 4, 6, STEPS + 1))


@pytest.mark.parametrize("case", range(len(CASES)))
def test_bytes_sent_are_those_that_were_handed_over(trained, expected, case):
    ranks = CASES[case][2]
    _, lengths, (dim, statistics) = expected[case]
    everything = sum(t.numel() * t.element_size() for t in [*model_of().parameters(), *model_of().buffers()])

    def of_a_mean(rank, size):
        """The parts that others add, then the own part of the mean, to all others."""
        own = size * (rank + 1) // ranks - size * rank // ranks
        return 4 * (size - own) + 4 * own * (ranks - 1) + 2 * (ranks - 1) * HEAD

    for rank, (_, sent, _, handed) in enumerate(trained[case]):
        begin = (ranks - 1) * (HEAD + (everything if rank == 0 else 0))
        messages = sum((ranks - 1) * (HEAD + row[rank]) for row in lengths) if lengths else 4 * of_a_mean(rank, dim)
        assert sent == handed == begin + messages + 4 * of_a_mean(rank, statistics)
    assert sum(each[1] for each in trained[case]) == sum(each[2] for each in trained[case])


def in_double(rank):
    """The bits of a model in float64 after an exchange, and the mean of the models."""
    model = model_of(rank, torch.float64)
    local = lc.torch.LocalSGD(model, torch.optim.SGD(model.parameters(), lr=1.0), 1)
    with torch.no_grad():
        for p in trained_of(model):
            p += 1e-12 * (rank + 1)
    local.sync()
    return flat(trained_of(model)) - flat(trained_of(model_of(0, torch.float64)))


def test_a_model_in_float64_has_such_a_state():
    first, second = values_of(run_ranks(in_double, 2))
    assert first.tobytes() == second.tobytes()
    assert len(np.unique(first)) > 2
    np.testing.assert_allclose(first, 1.5e-12, rtol=1e-2)


# Resume.

def path_of(folder, case, step, rank):
    return pathlib.Path(folder) / f"{case}.{step}.{rank}"


def load(path, model, optimizer, local):
    saved = torch.load(path)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    local.load_state_dict(saved["local"])


def without_a_break(rank, folder):
    found = []
    for case, (kind, options) in enumerate(RESUMED):
        model = model_of(rank)
        optimizer = optimizer_of(model)
        local = local_of(kind, options, model, optimizer)

        def before(step):
            if step in (3, 4):
                torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(),
                            "local": local.state_dict()}, path_of(folder, case, step, rank))

        found.append((train(rank, model, optimizer, local, range(STEPS), before), local.bytes_sent,
                      local.bytes_received))
    return found


def after_a_break(rank, folder):
    """The rest of the points, in new processes: from within a period, and from its end."""
    found = []
    for case, (kind, options) in enumerate(RESUMED):
        for step in (3, 4):
            model = model_of(rank)
            optimizer = optimizer_of(model)
            local = local_of(kind, options, model, optimizer)
            load(path_of(folder, case, step, rank), model, optimizer, local)
            found.append((train(rank, model, optimizer, local, range(step, STEPS)), local.bytes_sent,
                          local.bytes_received))
    return found


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """A folder with states, and the points without a break of two ranks."""
    folder = tmp_path_factory.mktemp("states")
    return folder, values_of(run_ranks(without_a_break, 2, str(folder)))


def test_a_resumed_run_has_the_same_bits(unbroken):
    folder, whole = unbroken
    rest = values_of(run_ranks(after_a_break, 2, str(folder)))
    for rank in range(2):
        for case in range(len(RESUMED)):
            points, sent, received = whole[rank][case]
            assert rest[rank][2 * case] == (points[3:], sent, received)
            assert rest[rank][2 * case + 1] == (points[4:], sent, received)


# Failures: an error on all ranks, while all others are alive.

def with_ranks_that_differ(rank, folder):
    """What each rank raises where rank 1 is not as the others."""
    def on(case, step):
        model = model_of()
        optimizer = optimizer_of(model)
        local = local_of(*RESUMED[case], model, optimizer)
        if step:
            load(path_of(folder, case, step, rank), model, optimizer, local)
        return [raised_by(lambda: train(rank, model, optimizer, local, range(step, STEPS))),
                raised_by(local.step), raised_by(local.sync), raised_by(local.state_dict)]

    def with_nan():
        model = model_of()
        optimizer = optimizer_of(model)
        local = local_of(*RESUMED[1], model, optimizer)
        saved = local.state_dict()
        if rank == 1:
            with torch.no_grad():
                model[0].bias[3] = float("nan")
        raised = raised_by(local.sync)
        local.load_state_dict(saved)
        model.load_state_dict(model_of().state_dict())
        return raised, train(rank, model, optimizer, local, range(STEPS))

    return {
        "whole": on(0, 4 if rank == 1 else 3),
        "compressed": on(1, 0 if rank == 1 else 4),
        "nan": with_nan(),
        "period": raised_by(lambda: local_of("LocalSGD", {}, model_of(), optimizer_of(model_of()), 2 + rank)),
        "model": raised_by(lambda: local_of("LocalSGD", {}, network(), optimizer_of(network())) if rank else
                           local_of("LocalSGD", {}, model_of(), optimizer_of(model_of()))),
    }


def test_ranks_that_differ_are_found(unbroken):
    folder, whole = unbroken
    for rank, result in enumerate(values_of(run_ranks(with_ranks_that_differ, 2, str(folder)))):
        for case, at in (("whole", {"0": "4 (round 0)", "1": "6 (round 0)"}),
                         ("compressed", {"0": "6 (round 2)", "1": "2 (round 0)"})):
            raised, *later = result[case]
            found = re.search(r"^RunError: rank (\d) is at step (\d \(round \d\)), rank (\d) at step "
                              r"(\d \(round \d\)); load the state_dict of the same step on every rank", raised)
            assert found, raised
            assert {found[1]: found[2], found[3]: found[4]} == at
            for each in later:
                assert "RunError: the state is unusable since a failure (rank " in each
        raised, points = result["nan"]
        assert raised == "RunError: rank 1, step 0: the model is not finite"
        assert points == whole[rank][1][0]  # load_state_dict() after a failure
        assert "differ at step 0" in result["period"] and "differ at step 0" in result["model"]


def with_a_rank_that_dies(rank):
    def before(step):
        if rank == 1 and step == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    model = model_of()
    optimizer = optimizer_of(model)
    local = local_of("DiLoCo", {"compressor": "sign"}, model, optimizer)
    return raised_by(lambda: train(rank, model, optimizer, local, range(STEPS), before))


def test_a_rank_that_dies_raises_on_the_others():
    first, dead, last = run_ranks(with_a_rank_that_dies, 3)
    assert dead is None
    for raised in (first, last):
        assert raised.startswith("RunError: the connection to rank 1 is lost")


# Arguments.

def with_wrong_arguments(rank):
    """What each wrong call raises, in a group of one rank; and what step() returns with a closure."""
    model = model_of()
    optimizer = optimizer_of(model)
    local = lc.torch.LocalSGD(model, optimizer, PERIOD)
    loss = local.step(lambda: loss_at(model, 0, 0))
    parallel = torch.nn.parallel.DistributedDataParallel(model)
    states = [local_of(kind, options, model, optimizer).state_dict()
              for kind, options in (("LocalSGD", {"seed": 2}), ("DiLoCo", {}))]
    return {
        "compressor": raised_by(lambda: local_of("LocalSGD", {"compressor": "nonsense"}, model, optimizer)),
        "wire": raised_by(lambda: local_of("LocalSGD", {"compressor": "sign", "wire": "f16"}, model, optimizer)),
        "wire alone": raised_by(lambda: local_of("LocalSGD", {"wire": "f16"}, model, optimizer)),
        "parallel": raised_by(lambda: lc.torch.LocalSGD(parallel, optimizer, 1)),
        "seed": raised_by(local.load_state_dict, states[0]),
        "momentum": raised_by(local.load_state_dict, states[1]),
        "loss": loss.item(),
    }


def test_wrong_arguments():
    model = model_of()
    optimizer = optimizer_of(model)
    for steps in (0, True, 2.0):
        with pytest.raises(lc.InputError, match=re.escape(f"steps = {steps!r}; need a whole number >= 1")):
            lc.torch.LocalSGD(model, optimizer, steps)
    for value in (0, -1.0, float("nan"), "1", True):
        with pytest.raises(lc.InputError, match=re.escape(f"outer_step = {value!r}; need a number > 0")):
            lc.torch.LocalSGD(model, optimizer, 1, outer_step=value)
    for value in (1, -0.1, float("inf"), None):
        with pytest.raises(lc.InputError, match=re.escape(f"outer_momentum = {value!r}; need a number >= 0 and < 1")):
            lc.torch.DiLoCo(model, optimizer, 1, outer_momentum=value)
    for arguments, text in (((3, optimizer, 1), "model is int; need a torch.nn.Module"),
                            ((model, model, 1), "optimizer is Sequential; need a torch.optim.Optimizer")):
        with pytest.raises(TypeError, match=re.escape(text)):
            lc.torch.LocalSGD(*arguments)
    with pytest.raises(TypeError, match="compressor is float; need a str, or None"):
        lc.torch.LocalSGD(model, optimizer, 1, compressor=0.1)
    with pytest.raises(lc.InputError, match="the model has no parameters to train"):
        lc.torch.LocalSGD(torch.nn.Tanh(), optimizer, 1)
    with pytest.raises(lc.RunError, match="call torch.distributed.init_process_group first"):
        lc.torch.LocalSGD(model, optimizer, 1)
    [raised] = values_of(run_ranks(with_wrong_arguments, 1))
    assert raised.pop("loss") > 0
    for case, text in {"compressor": 'InputError: spec: column 1: unknown method "nonsense"',
                       "wire": "InputError: wire = f16; need f32 or f64",
                       "wire alone": "InputError: wire = f16; need f32 or f64",
                       "parallel": "TypeError: model is a DistributedDataParallel, which exchanges each gradient",
                       "seed": "InputError: the state is of other arguments: seed = 2, here 1",
                       "momentum": "InputError: the state is of other arguments: "}.items():
        assert raised[case] and raised[case].startswith(text), f"{case}: {raised[case]}"
