# SPDX-License-Identifier: Apache-2.0
"""The communication hook of PyTorch, in processes on this machine. Skipped where PyTorch is missing."""
import copy
import gc
import hashlib
import os
import pathlib
import pickle
import re
import signal
import subprocess
import threading
import weakref

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import distributed as dist

import laconic as lc
from support import PATIENCE, start_python
from torch_ranks import bits_of, loss_at, network, optimizer_of, raised_by, run_ranks, values_of

STEPS = 6
HEAD = 40  # bytes before the payload of a message
SPECS = {
    "ef21-sgdm(top-k(10%), eta=0.1)": {},
    "ef(sign)": {},
    "diana(rand-k(20%))": {},
    "marina(rand-k(20%))": {},
    "low-rank(1)": {"momentum": 0.9},
    "qsgd(4)": {"dtype": "float64", "wire": "f64", "seed": 7},
}
CASES = [(spec, start, ranks) for ranks in (2, 3) for start in (0, 2) for spec in SPECS]


def state_of(spec, **options):
    return lc.torch.HookState(spec, **SPECS[spec], **options)


def in_buckets(model):
    """The model for training by several ranks, with three buckets from its second step on.

    Of three ranks, the gradients are part of the buckets; of two, they are copied.
    """
    dist._DEFAULT_FIRST_BUCKET_BYTES = 200
    return torch.nn.parallel.DistributedDataParallel(model, bucket_cap_mb=400 / 2**20,
                                                     gradient_as_bucket_view=dist.get_world_size() == 3)


def train(rank, model, optimizer, steps, state, hook=lc.torch.hook, before=lambda step: None, scale=lambda step: 1.0):
    """Trains, and returns the bits of the parameters after each step."""
    parallel = in_buckets(model)
    parallel.register_comm_hook(state, hook)
    points = []
    for step in steps:
        before(step)
        optimizer.zero_grad()
        (scale(step) * loss_at(parallel, rank, step)).backward()
        optimizer.step()
        points.append(bits_of(model.parameters()))
    return points


# The trajectory.

class Recorder:
    """Keeps the names of the parameters of each bucket in step `start`."""

    def __init__(self, model, state, start):
        self.names = {id(p): name for name, p in model.named_parameters()}
        self.state, self.start = state, start
        self.buckets = {}


def recorded(recorder: Recorder, bucket: dist.GradBucket) -> torch.futures.Future[torch.Tensor]:
    if recorder.state.step == recorder.start:
        recorder.buckets[bucket.index()] = [recorder.names[id(p)] for p in bucket.parameters()]
    return lc.torch.hook(recorder.state, bucket)


def trajectories(rank):
    """Of each case with this number of ranks: the points, the buckets of step `start`, and the state."""
    handed = []
    send = dist.isend
    dist.isend = lambda tensor, *rest, **named: (handed.append(tensor.numel()), send(tensor, *rest, **named))[1]
    found = {}
    for spec, start, ranks in CASES:
        if ranks == dist.get_world_size():
            handed.clear()
            model = network()
            state = state_of(spec, start=start)
            recorder = Recorder(model, state, start)
            points = train(rank, model, optimizer_of(model), range(STEPS), recorder, recorded)
            assert state.step == STEPS
            found[spec, start] = {"points": points, "buckets": [recorder.buckets[i] for i in sorted(recorder.buckets)],
                                  "segments": state.segments, "sent": state.bytes_sent,
                                  "received": state.bytes_received, "handed": sum(handed)}
    return found


def by_hand(spec, start, ranks, buckets):
    """The points with an Exchange for each bucket and rank, in one process; and the lengths of the messages."""
    model = network()
    optimizer = optimizer_of(model)
    shapes = {name: tuple(p.shape) for name, p in model.named_parameters()}
    state_type = SPECS[spec].get("dtype", "float32")
    exchanges = []
    for names in buckets:
        matrices, dim = [], 0
        for name in names:
            size = int(np.prod(shapes[name]))
            if len(shapes[name]) > 1:
                matrices.append((dim, shapes[name][0], size // shapes[name][0]))
            dim += size
        exchanges.append([lc.Exchange(spec, dim=dim, workers=ranks, worker=i, matrices=matrices, **SPECS[spec])
                          for i in range(ranks)])
    points, lengths = [], []
    for step in range(STEPS):
        gradients = []
        for i in range(ranks):
            optimizer.zero_grad()
            loss_at(model, i, step).backward()
            gradients.append({name: p.grad.numpy().ravel().copy() for name, p in model.named_parameters()})
        mean = {}
        if step < start:
            for name in shapes:
                mean[name] = np.zeros_like(gradients[0][name])
                for each in gradients:
                    mean[name] += each[name]
                mean[name] /= np.float32(ranks)
        else:
            for names, clients in zip(buckets, exchanges):
                vectors = [np.concatenate([each[name] for name in names]) for each in gradients]
                messages = [bytes(client.send(vector.astype(state_type)))
                            for client, vector in zip(clients, vectors)]
                lengths.append([len(message) for message in messages])
                for client in clients:
                    for i, message in enumerate(messages):
                        client.receive(i, message)
                estimates = [client.finish().astype("float32") for client in clients]
                assert len({each.tobytes() for each in estimates}) == 1
                sizes = [gradients[0][name].size for name in names]
                mean.update(zip(names, np.split(estimates[0], np.cumsum(sizes)[:-1])))
        optimizer.zero_grad()
        for name, p in model.named_parameters():
            p.grad = torch.from_numpy(mean[name].reshape(shapes[name]))
        optimizer.step()
        points.append(bits_of(model.parameters()))
    return points, lengths


def all_by_hand(rank, cases):
    return [by_hand(*case) for case in cases]


@pytest.fixture(scope="module")
def trained():
    """What trajectories() returns, for each number of ranks."""
    return {ranks: values_of(run_ranks(trajectories, ranks)) for ranks in (2, 3)}


@pytest.fixture(scope="module")
def expected(trained):
    """What by_hand() returns, for each case; computed in a process like those of the ranks."""
    cases = [(spec, start, ranks, trained[ranks][0][spec, start]["buckets"]) for spec, start, ranks in CASES]
    return dict(zip(CASES, values_of(run_ranks(all_by_hand, 1, cases))[0]))


@pytest.mark.parametrize("spec, start, ranks", CASES)
def test_the_hook_is_the_exchange(trained, expected, spec, start, ranks):
    """Bit for bit, on all ranks, in each step."""
    points, _ = expected[spec, start, ranks]
    assert len(set(points)) == STEPS
    for each in trained[ranks]:
        assert each[spec, start]["points"] == points
    sizes = [sum(p.numel() for name, p in network().named_parameters() if name in names)
             for names in trained[ranks][0][spec, start]["buckets"]]
    assert trained[ranks][0][spec, start]["segments"] == sizes
    assert len(sizes) == 3 or start == 0  # the first step of a model may have one bucket


@pytest.mark.parametrize("spec, start, ranks", CASES)
def test_bytes_sent_are_those_that_were_handed_over(trained, expected, spec, start, ranks):
    _, lengths = expected[spec, start, ranks]
    dim = sum(p.numel() for p in network().parameters())
    for rank, each in enumerate(found[spec, start] for found in trained[ranks]):
        assert each["sent"] == each["handed"]
        # From `start` on: each message to each other rank. Before: the parts of each bucket that others add, then the
        # mean of the own part to all others. Step 0 has one bucket, step 1 the final ones.
        compressed = sum((ranks - 1) * (HEAD + row[rank]) for row in lengths)
        plain = 0
        for size in [dim, *each["segments"]] if start else []:
            own = size * (rank + 1) // ranks - size * rank // ranks
            plain += 4 * (size - own) + 4 * own * (ranks - 1) + 2 * (ranks - 1) * HEAD
        assert each["sent"] == compressed + plain
    sent, received = ([found[spec, start][key] for found in trained[ranks]] for key in ("sent", "received"))
    assert sum(sent) == sum(received)


def test_whole_gradients_send_what_a_ring_sends(trained, expected):
    """A rank 2 (n - 1)/n of 4 bytes a parameter a step, and heads."""
    dim = sum(p.numel() for p in network().parameters())
    for ranks in (2, 3):
        _, lengths = expected["ef(sign)", 2, ranks]
        found = [each["ef(sign)", 2] for each in trained[ranks]]
        compressed = (ranks - 1) * sum(sum(HEAD + length for length in row) for row in lengths)
        heads = ranks * 2 * (ranks - 1) * HEAD * (1 + len(found[0]["segments"]))
        assert sum(each["sent"] for each in found) - compressed - heads == 2 * (2 * (ranks - 1)) * 4 * dim


# Buckets in any order, and of any type.

class Bucket:
    """A bucket as DistributedDataParallel hands it over."""

    def __init__(self, number, parameters, gradients, is_last):
        self._number, self._parameters, self._gradients, self._is_last = number, parameters, gradients, is_last

    def index(self):
        return self._number

    def parameters(self):
        return self._parameters

    def buffer(self):
        return self._gradients

    def is_last(self):
        return self._is_last


SIZES = [40, 15, 27]


def parameters_of_buckets():
    return [torch.zeros(size) for size in SIZES]


def buckets_at(rank, parameters, step, dtype=torch.float32):
    """A bucket for each parameter, with the gradients of a rank in a step."""
    generator = torch.Generator().manual_seed(100 * step + rank)
    return [Bucket(i, [p], torch.randn(p.numel(), generator=generator).to(dtype), i == len(parameters) - 1)
            for i, p in enumerate(parameters)]


def hand_over(state, buckets, order):
    """The results of the buckets, which are their gradients."""
    futures = {i: lc.torch.hook(state, buckets[i]) for i in order}
    for i in order:
        assert futures[i].wait() is buckets[i].buffer()
    return [bucket.buffer() for bucket in buckets]


def in_orders(rank):
    """The bits of all gradients, with buckets in the same and in different orders on the ranks."""
    parameters = parameters_of_buckets()
    found = []
    for start in (0, 2):
        for is_mixed in (False, True):
            state = lc.torch.HookState("ef21-sgdm(top-k(20%), eta=0.1)", start=start)
            shuffle = np.random.default_rng(rank)
            orders = [shuffle.permutation(3).tolist() if is_mixed else [0, 1, 2] for _ in range(8)]
            found.append([bits_of(hand_over(state, buckets_at(rank, parameters, step), order))
                          for step, order in enumerate(orders)])
    return found


def test_buckets_come_in_any_order():
    results = values_of(run_ranks(in_orders, 3))
    for start in (0, 1):
        expected = results[0][2 * start]
        assert len(set(expected)) == 8
        for result in results:
            assert result[2 * start] == result[2 * start + 1] == expected


def in_types(rank):
    """The bits of all gradients, with buckets and states of each type."""
    parameters = parameters_of_buckets()
    found = {}
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        for state_dtype in ("float32", "float64"):
            state = lc.torch.HookState("ef(sign)", start=1, dtype=state_dtype)
            steps = [hand_over(state, buckets_at(rank, parameters, step, dtype), [0, 1, 2]) for step in range(4)]
            assert all(g.dtype == dtype for gradients in steps for g in gradients)
            found[dtype, state_dtype] = [bits_of(g.double() for g in gradients) for gradients in steps]
    return found


def by_exchanges(parameters, spec, ranks, steps, dtype=torch.float32, state_dtype="float32"):
    """The bits that a method which starts at step 1 is to give: of each step, in float64."""
    exchanges = [[lc.Exchange(spec, dim=p.numel(), workers=ranks, worker=i, dtype=state_dtype) for i in range(ranks)]
                 for p in parameters]
    points = []
    for step in range(steps):
        gradients = [[bucket.buffer() for bucket in buckets_at(i, parameters, step, dtype)] for i in range(ranks)]
        means = []
        for bucket, clients in enumerate(exchanges):
            if step < 1:
                exact = torch.float64 if dtype == torch.float64 else torch.float32
                mean = sum(each[bucket].to(exact) for each in gradients) / ranks
            else:
                vectors = [each[bucket].to(getattr(torch, state_dtype)).numpy() for each in gradients]
                messages = [bytes(client.send(vector)) for client, vector in zip(clients, vectors)]
                for client in clients:
                    for i, message in enumerate(messages):
                        client.receive(i, message)
                mean = torch.from_numpy([client.finish() for client in clients][0])
            means.append(mean.to(dtype).double())
        points.append(bits_of(means))
    return points


def test_buckets_keep_their_type():
    """The method sees their gradients in its own type, and they get its estimate, rounded."""
    first, second = values_of(run_ranks(in_types, 2))
    for (dtype, state_dtype), points in first.items():
        assert points == second[dtype, state_dtype]
        assert points == by_exchanges(parameters_of_buckets(), "ef(sign)", 2, 4, dtype, state_dtype)


def with_long_messages(rank):
    """The gradients, whole and then 5 % of them, or 1 % and whole in turns; and those that are to come."""
    parameters = [torch.zeros(300_000), torch.zeros(2_000), torch.zeros(100_000)]
    found = []
    for spec, steps in (("ef(top-k(5%))", 3), ("marina(rand-k(1%), p=0.4)", 7)):
        state = lc.torch.HookState(spec, start=1)
        points = [bits_of(g.double() for g in hand_over(state, buckets_at(rank, parameters, step), [0, 1, 2]))
                  for step in range(steps)]
        found.append([[hashlib.sha256(each).hexdigest() for each in steps]
                      for steps in (points, by_exchanges(parameters, spec, 3, steps))])
    return found


def test_messages_have_any_length():
    for found in values_of(run_ranks(with_long_messages, 3)):
        for points, expected in found:
            assert points == expected
            assert len(set(points)) == len(points)


# Resume.

RESUMED = ["ef21-sgdm(top-k(10%), eta=0.1)", "marina(rand-k(20%))", "low-rank(1)"]
SAVED = [1, 2, 4]  # the number of steps before: within the whole gradients, at their end, later


def path_of(folder, spec, step, rank, run=""):
    return pathlib.Path(folder) / f"{spec}{run}.{step}.{rank}"


def save(path, model, optimizer, state):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "state": state.state_dict()}, path)


def load(path, model, optimizer, state):
    saved = torch.load(path)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    if state is not None:
        state.load_state_dict(saved["state"])


def without_a_break(rank, folder):
    """Trains by each method, and saves on the way. Also a second run by the first one, which begins elsewhere."""
    found = {}
    for run, spec in [("", spec) for spec in RESUMED] + [(" again", RESUMED[0])]:
        model = network()
        if run:
            torch.nn.init.ones_(model[0].bias)
        optimizer, state = optimizer_of(model), state_of(spec)

        def before(step):
            if step in SAVED:
                save(path_of(folder, spec, step, rank, run), model, optimizer, state)

        points = train(rank, model, optimizer, range(STEPS), state, before=before)
        found[spec + run] = points, state.bytes_sent, state.bytes_received
    return found


def after_a_break(rank, folder):
    """The rest of the points, in new processes."""
    found = {}
    for spec in RESUMED:
        for saved in SAVED:
            model = network()
            optimizer, state = optimizer_of(model), state_of(spec)
            load(path_of(folder, spec, saved, rank), model, optimizer, state)
            assert state.step == saved
            points = train(rank, model, optimizer, range(saved, STEPS), state)
            found[spec, saved] = points, state.bytes_sent, state.bytes_received
    return found


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """A folder with states, and the points without a break of three ranks."""
    folder = tmp_path_factory.mktemp("states")
    return folder, values_of(run_ranks(without_a_break, 3, str(folder)))


def test_a_resumed_run_has_the_same_bits(unbroken):
    folder, whole = unbroken
    rest = values_of(run_ranks(after_a_break, 3, str(folder)))
    for spec in RESUMED:
        for saved in SAVED:
            for rank in range(3):
                points, sent, received = rest[rank][spec, saved]
                assert points == whole[rank][spec][0][saved:]
                if saved >= 2:  # a resumed model begins with other buckets, which count while gradients are whole
                    assert (sent, received) == whole[rank][spec][1:]


# Failures: an error on all ranks, while all others are alive.

def train_on(rank, folder, step, run="", **options):
    """Goes on from a state. Returns what raises: the training, one more step, and state_dict()."""
    model = network()
    optimizer, state = optimizer_of(model), state_of(RESUMED[0])
    if step:
        load(path_of(folder, RESUMED[0], step, rank, run), model, optimizer, state)
    return [raised_by(lambda: train(rank, model, optimizer, range(step, STEPS), state, **options)),
            raised_by(lambda: train(rank, model, optimizer, [step], state)), raised_by(state.state_dict)]


def with_states_that_differ(rank, folder):
    """What each rank raises where rank 1 has another state."""
    model = network()
    optimizer, state = optimizer_of(model), state_of(RESUMED[0])

    def back(step):
        if rank == 1 and step == 4:
            load(path_of(folder, RESUMED[0], 2, rank), model, optimizer, state)

    return {
        "fresh": train_on(rank, folder, 0 if rank == 1 else 4),
        "older": train_on(rank, folder, 2 if rank == 1 else 4),
        "whole": train_on(rank, folder, 1 if rank == 1 else 0),
        "back": [raised_by(lambda: train(rank, model, optimizer, range(STEPS), state, before=back))],
        "again": train_on(rank, folder, 4, run=" again" if rank == 1 else ""),
        "arguments": [raised_by(lambda: train(rank, network(), optimizer, range(STEPS),
                                              lc.torch.HookState("ef(sign)", start=1, seed=rank)))],
    }


def test_states_that_differ_are_found(unbroken):
    results = values_of(run_ranks(with_states_that_differ, 3, str(unbroken[0])))
    steps = {"fresh": ("0 (round 0)", "4 (round 2)"), "older": ("2 (round 0)", "4 (round 2)"),
             "whole": ("1 (round 0)", "0 (round 0)"), "back": ("2 (round 0)", "4 (round 2)")}
    for case, (odd, even) in steps.items():
        for result in results:
            found = re.search(r"rank (\d) is at step (\d \(round \d\)), rank (\d) at step (\d \(round \d\)); load the "
                              "state_dict of the same step on every rank", result[case][0])
            assert found, result[case][0]
            at = {found[1]: found[2], found[3]: found[4]}
            assert at.pop("1") == odd
            assert list(at.values()) == [even]
    for result in results:
        for case, place in (("again", "4 (rounds 2, 2; "), ("arguments", "0 (rounds 0, 0; ")):
            assert f"differ at step {place}checksums" in result[case][0]
        for raised in [raised for case in steps for raised in result[case][1:]]:
            assert "RunError: the state is unusable since a failure (rank " in raised
            assert "load a state_dict on every rank" in raised


def with_a_gradient_that_is_not_finite(rank):
    """What raises, and the points after all ranks went back to an earlier step; those without a failure."""
    def scale(step):
        return float("nan") if (rank, step) == (1, 4) and not kept else 1.0

    kept = [False]
    model = network()
    optimizer, state = optimizer_of(model), state_of(RESUMED[0])
    expected = train(rank, model, optimizer, range(STEPS), state)
    model, kept = network(), []
    optimizer, state = optimizer_of(model), state_of(RESUMED[0])

    def keep(step):
        if step == 3:
            saved.update(copy.deepcopy({"model": model.state_dict(), "optimizer": optimizer.state_dict(),
                                        "state": state.state_dict()}))

    saved = {}
    raised = raised_by(lambda: train(rank, model, optimizer, range(STEPS), state, before=keep, scale=scale))
    kept.append(True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    state.load_state_dict(saved["state"])
    return raised, train(rank, model, optimizer, range(3, STEPS), state), expected[3:]


def test_a_gradient_that_is_not_finite_raises_on_all_ranks():
    for raised, points, expected in values_of(run_ranks(with_a_gradient_that_is_not_finite, 3)):
        assert re.search(r"rank 1, step 4, segment \d: the gradient is not finite", raised)
        assert points == expected  # load_state_dict() after a failure


def with_a_rank_that_dies(rank, step):
    """Rank 1 is killed before it hands over gradients in this step, with a state of two or three buckets."""
    def before(at):
        if rank == 1 and at == step:
            os.kill(os.getpid(), signal.SIGKILL)

    state = state_of(RESUMED[0], start=1)
    return raised_by(lambda: train(rank, network(), optimizer_of(network()), range(STEPS), state, before=before))


@pytest.mark.parametrize("step", [0, 3])
def test_a_rank_that_dies_raises_on_the_others(step):
    first, dead, last = run_ranks(with_a_rank_that_dies, 3, step)
    assert dead is None
    for raised in (first, last):
        assert raised.startswith("RuntimeError") and "the connection to rank 1 is lost" in raised


def with_the_state_of_another_rank(rank, folder):
    model = network()
    optimizer, state = optimizer_of(model), state_of(RESUMED[0])

    def before(step):
        if step == 4:
            load(path_of(folder, RESUMED[0], 4, 1), model, optimizer, state)

    train(rank, model, optimizer, range(4, STEPS), state, before=before)


def test_the_state_of_another_rank_is_refused(unbroken):
    first, second, last = run_ranks(with_the_state_of_another_rank, 3, str(unbroken[0]), leaving=(0, 2))
    for rank, raised in ((0, first), (2, last)):
        assert raised == f"InputError: the state has rank 1, this process {rank}; each rank loads its own state, " \
            "with as many ranks as before"
    assert "is lost" in second


# Arguments, and calls at a wrong time.

def with_wrong_arguments(rank):
    """What each wrong call raises, in a group of one rank."""
    make = lc.torch.HookState
    states = {spec: make(spec, start=0) for spec in ("ef(sign)", "sign")}
    parameters = parameters_of_buckets()
    buckets = buckets_at(rank, parameters, 0)
    hand_over(states["sign"], buckets, [0, 1, 2])
    others = [torch.zeros(SIZES[0]), *parameters[1:]]
    within = make("sign", start=0)
    lc.torch.hook(within, buckets[0])
    return {
        "spec": raised_by(make, "nonsense"),
        "method": raised_by(make, "scaffold"),
        "momentum": raised_by(lambda: make("sign", momentum=1.5)),
        "wire": raised_by(lambda: make("sign", wire="f16")),
        "dtype": raised_by(lambda: make("sign", dtype="float16")),
        "seed": raised_by(lambda: make("sign", seed=-1)),
        "options": raised_by(states["ef(sign)"].load_state_dict, states["sign"].state_dict()),
        "state": raised_by(states["sign"].load_state_dict, {"rank": 0}),
        "within": raised_by(within.state_dict),
        "twice": raised_by(lc.torch.hook, within, buckets[0]),
        "others": raised_by(hand_over, states["sign"], buckets_at(rank, others, 1), [0, 1, 2]),
        "few": raised_by(lambda: hand_over(make("top-k(20)", start=0), buckets, [0, 1, 2])),
        "second": raised_by(hand_over, states["ef(sign)"], buckets_at(rank, parameters, 0), [0, 1, 2])
        or raised_by(hand_over, states["ef(sign)"], buckets_at(rank, parameters_of_buckets(), 1), [0, 1, 2]),
        "pickled": raised_by(pickle.dumps, within),
        "copied": raised_by(copy.copy, within),
        "group": raised_by(lambda: make("sign", process_group="gloo")),
        "types": raised_by(lambda: make("sign", dtype=torch.float64)),
    }


def test_wrong_arguments():
    for start in (-1, True, 1.5, "2"):
        with pytest.raises(lc.InputError, match=re.escape(f"start = {start!r}; need a whole number >= 0")):
            lc.torch.HookState("sign", start=start)
    with pytest.raises(TypeError, match="spec is int; need a str"):
        lc.torch.HookState(3)
    with pytest.raises(lc.RunError, match="call torch.distributed.init_process_group first"):
        lc.torch.HookState("sign")
    [raised] = values_of(run_ranks(with_wrong_arguments, 1))
    for case, text in {"spec": 'InputError: spec: column 1: unknown method "nonsense"', "method": "InputError: ",
                       "momentum": "InputError: momentum = 1.5; need 0 <= momentum < 1",
                       "wire": "InputError: wire = f16; need f32 or f64",
                       "dtype": "InputError: dtype = float16; need float32 or float64",
                       "seed": "InputError: seed = -1; need a whole number >= 0",
                       "options": "InputError: the state is of other arguments: spec = 'sign', here 'ef(sign)'",
                       "state": "InputError: state is not what state_dict() returns",
                       "within": "RunError: state_dict within step 0; call it between steps",
                       "twice": "RunError: bucket 0 came twice in step 0 on rank 0: a backward() has ended before",
                       "others": "RunError: step 1 has 1 parameters that the steps before did not have",
                       "few": "InputError: spec: column 1: top-k(20): k = 20",
                       "second": "RunError: step 1 has 3 parameters that the steps before did not have; a state serves",
                       "pickled": "TypeError: a HookState cannot be copied or pickled; save its state_dict()",
                       "copied": "TypeError: a HookState cannot be copied",
                       "group": "TypeError: process_group is str; need a torch.distributed.ProcessGroup"}.items():
        assert raised[case] and raised[case].startswith(text), f"{case}: {raised[case]}"


def lanes():
    return [thread for thread in threading.enumerate() if thread.name == "laconic lane"]


def with_states_that_are_dropped(rank):
    """The number of threads with a state, whether the state is gone after it, and the number of threads then."""
    state = lc.torch.HookState("sign", start=0)
    parameters = parameters_of_buckets()
    for step in range(2):
        hand_over(state, buckets_at(rank, parameters, step), [0, 1, 2])
    held, seen = weakref.ref(state), len(lanes())
    del state
    gc.collect()
    for thread in lanes():
        thread.join(PATIENCE)
    return seen, held() is None, len(lanes())


def test_a_state_that_is_dropped_ends_its_threads():
    assert values_of(run_ranks(with_states_that_are_dropped, 2)) == [(3, True, 0)] * 2


def with_a_group(rank):
    """The bits of steps in a group of two of the three ranks. After a failure in it, what load_state_dict() raises.

    The rank outside of the group: what the constructor raises.
    """
    group = dist.new_group([0, 2], backend="gloo")
    if rank == 1:
        return raised_by(lambda: lc.torch.HookState("sign", start=0, process_group=group))
    state = lc.torch.HookState("sign", start=0, process_group=group)
    parameters = parameters_of_buckets()
    points = [bits_of(hand_over(state, buckets_at(rank // 2, parameters, step), [0, 1, 2])) for step in range(3)]
    saved = state.state_dict()
    poisoned = buckets_at(rank // 2, parameters, 3)
    if rank:
        poisoned[1].buffer()[0] = float("nan")
    assert "rank 1, step 3, segment 1: the gradient is not finite" in raised_by(hand_over, state, poisoned, [0, 1, 2])
    return points, saved["rank"], raised_by(state.load_state_dict, saved)


def with_a_new_group(rank):
    state = lc.torch.HookState("sign", start=0)
    parameters = parameters_of_buckets()
    return [bits_of(hand_over(state, buckets_at(rank, parameters, step), [0, 1, 2])) for step in range(3)]


def test_a_group_of_some_ranks():
    first, outside, last = run_ranks(with_a_group, 3)
    for rank, (found, expected) in enumerate(zip((first, last), values_of(run_ranks(with_a_new_group, 2)))):
        assert found[:2] == (expected, rank)
        assert found[2].startswith("RunError: messages from before a failure (rank 1, step 3, segment 1: ")
    assert outside.startswith("InputError: process_group lacks this process")


def with_states_that_share_a_group(rank):
    """The bits of two hooks by turns in one group, after a state in it that was dropped with messages under way."""
    group = dist.new_group(backend="gloo")
    parameters = parameters_of_buckets()
    dropped = lc.torch.HookState("gd", start=0, process_group=group)
    hand_over(dropped, buckets_at(rank, parameters, 0), [0, 1, 2])
    del dropped
    model = torch.nn.Linear(3000, 1)
    local = lc.torch.DiLoCo(model, torch.optim.SGD(model.parameters(), lr=0.1), 2, process_group=group)
    states = [lc.torch.HookState("sign", start=0, process_group=group) for _ in range(2)]
    points = [[], []]
    for step in range(3):
        for state, bits in zip(states, points):
            bits.append(bits_of(hand_over(state, buckets_at(rank, parameters, step), [0, 1, 2])))
        local.sync()
    return points, bits_of(model.parameters())


def test_states_share_a_group():
    (points, model), (theirs, other) = values_of(run_ranks(with_states_that_share_a_group, 2))
    alone = values_of(run_ranks(with_a_new_group, 2))[0]
    assert points == theirs == [alone, alone]
    assert model == other


SCRIPT = """
import atexit, os, sys, time
os.environ["GLOO_SOCKET_IFNAME"] = "lo"
atexit.register(lambda: print("waiting at the end:", state._running))  # the first to come is the last to be called
import torch
from torch import distributed as dist
import laconic as lc
from torch_hook_test import Bucket

rank = {rank}
dist.init_process_group("gloo", init_method="file://" + os.path.abspath("meeting"), rank=rank, world_size=2)
state = lc.torch.HookState("sign", start=1, seed=rank)
while rank == 1 and not os.path.exists("handed over"):
    time.sleep(0.01)
for i in range(1 if rank else 30):
    future = lc.torch.hook(state, Bucket(i, [torch.zeros(5)], torch.ones(5), False))
if rank == 0:
    open("handed over", "w").close()
else:
    sys.stdin.read()
future.wait()
"""


def test_a_process_ends_properly_while_messages_are_missing():
    """Threads of rank 0 wait for rank 1, which is alive and sends nothing more. In C++, they could abort the exit."""
    with start_python(SCRIPT.format(rank=0)) as first, \
            start_python(SCRIPT.format(rank=1), stdin=subprocess.PIPE) as second:
        out, error = first.communicate(timeout=PATIENCE)
        assert out == "waiting at the end: 0\n"
        assert "RunError: rank 1 and rank 0 differ at step 0" in error
        assert first.returncode == 1 and "terminate" not in error
        second.communicate(timeout=PATIENCE)
