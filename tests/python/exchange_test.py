# SPDX-License-Identifier: Apache-2.0
"""Exchanges of gradients from Python: the engine's bits, their state, and what they refuse."""
import pickle
import threading

import numpy as np
import pytest

import laconic as lc

DIM, WORKERS = 40, 3
METHODS = ["gd", "dcgd(qsgd(4))", "diana(rand-k(4))", "marina(rand-k(4))", "ef21(top-k(10%))", "clag(top-k(3), zeta=2)",
           "ef21-sgdm(top-k(10%), eta=0.2)", "ef(sign)", "ef(low-rank(1))", "econtrol(top-k(3))", "ef-bv(rand-k(4))"]


def exchanges(spec, **options):
    return [lc.Exchange(spec, dim=DIM, workers=WORKERS, worker=i, **options) for i in range(WORKERS)]


def one_round(workers, gradients):
    """The estimate of all workers, which must be the same."""
    messages = [w.send(g) for w, g in zip(workers, gradients)]
    for w in workers:
        for i, message in enumerate(messages):
            w.receive(i, message)
    means = [w.finish() for w in workers]
    assert all(m.tobytes() == means[0].tobytes() for m in means)
    assert len({w.checksum for w in workers}) == 1
    return means[0], messages


def gradients(rng, dtype=np.float32):
    return [rng.standard_normal(DIM).astype(dtype) for _ in range(WORKERS)]


@pytest.mark.parametrize("method", METHODS)
def test_in_float64_the_rounds_of_a_run(method):
    problem = lc.open_problem(f"quadratic(d={DIM}, s=0.8)", clients=WORKERS)
    run = lc.run(problem=f"quadratic(d={DIM}, s=0.8)", clients=WORKERS, method=method, step=0.01, rounds=9, seed=5)
    workers = exchanges(method, dtype="float64", seed=5)
    x = problem.start()
    bits = 0
    for _ in range(9):
        mean, messages = one_round(workers, [problem.value_gradient(i, None, x)[1] for i in range(WORKERS)])
        bits += sum(8 * len(m) for m in messages)
        x = x + -0.01 * mean
    assert x.tobytes() == run.x.tobytes()
    assert bits / WORKERS == run.trace["uplink_bits"][8]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", METHODS)
def test_goes_on_from_a_pickled_state(method, dtype):
    rng = np.random.default_rng(3)
    whole = exchanges(method, dtype=dtype)
    for _ in range(3):
        one_round(whole, gradients(rng, dtype))
    second = exchanges(method, dtype=dtype)
    for old, new in zip(whole, second):
        new.restore(pickle.loads(pickle.dumps(old.state())))
        assert (new.round, new.checksum) == (3, old.checksum)
    for _ in range(3):
        given = gradients(rng, dtype)
        mean, _ = one_round(whole, given)
        assert one_round(second, given)[0].tobytes() == mean.tobytes()


def test_finish_fills_an_array_of_the_caller():
    workers = exchanges("ef(sign)")
    message = workers[0].send(np.ones(DIM, np.float32))
    for i in range(WORKERS):
        workers[0].receive(i, bytes(message))
    out = np.full(DIM, 7, np.float32)
    assert workers[0].finish(out) is out
    assert np.all(out == 1)


def test_memory_of_the_state():
    assert lc.Exchange("ef21(top-k(1%))", dim=1000, workers=9, worker=0).nbytes == 2 * 4 * 1000  # h and g
    assert lc.Exchange("ef21-sgdm(top-k(1%))", dim=1000, workers=9, worker=0).nbytes == 3 * 4 * 1000  # and v
    assert lc.Exchange("ef(sign)", dim=1000, workers=9, worker=0, dtype="float64").nbytes == 2 * 8 * 1000


def test_attributes():
    e = lc.Exchange("sign", dim=DIM, workers=2, worker=1)
    assert (e.spec, e.dim, e.workers, e.worker, e.round) == ("ef(sign)", DIM, 2, 1, 0)
    assert repr(e) == "<laconic.Exchange ef(sign), dim=40, worker 1 of 2, round 0>"
    others = [lc.Exchange("sign", dim=DIM, workers=2, worker=1, **changed)
              for changed in ({"seed": 2}, {"wire": "f64"}, {"momentum": 0.5}, {"dtype": "float64"},
                              {"matrices": [(0, 5, 8)]})]
    assert len({e.checksum, *(o.checksum for o in others)}) == 6


@pytest.mark.parametrize("options, text", [
    ({"spec": "ef22(sign)"}, 'unknown method "ef22"'),
    ({"spec": "ef21(sign"}, "spec: column"),
    ({"spec": "pp-marina(rand-k(3), sample=2)"}, "every round"),
    ({"spec": "vr-diana(rand-k(3), batch=2)"}, "two points"),
    ({"spec": "local-sgd(steps=2)"}, "local steps"),
    ({"spec": "top-k(50)"}, "k = 50"),
    ({"momentum": 1.0}, "momentum = 1; need 0 <= momentum < 1"),
    ({"momentum": -0.1}, "momentum = -0.1"),
    ({"momentum": float("nan")}, "momentum = nan"),
    ({"spec": "ef21-sgdm(sign)", "momentum": 0.5}, "leave momentum out"),
    ({"worker": 3}, "worker = 3; need 0 <= worker < 3"),
    ({"dim": 0}, "dim = 0"),
    ({"workers": 0}, "workers = 0"),
    ({"wire": "f16"}, "wire = f16; need f32 or f64"),
    ({"dtype": "float16"}, "dtype = float16; need float32 or float64"),
    ({"matrices": [(0, 50, 8)]}, "matrices: "),
])
def test_wrong_arguments(options, text):
    given = {"spec": "sign", "dim": DIM, "workers": WORKERS, "worker": 0, **options}
    with pytest.raises(lc.InputError) as error:
        lc.Exchange(given.pop("spec"), **given)
    assert text in str(error.value)


def test_calls_out_of_order_and_wrong_arrays():
    e = lc.Exchange("ef21(top-k(3))", dim=DIM, workers=2, worker=0)
    good = np.ones(DIM, np.float32)
    for wrong, error, text in [(good.astype(np.float64), TypeError, "float64"), (good[:-1].copy(), lc.InputError, "shape"),
                               (np.ones(2 * DIM, np.float32)[::2], lc.InputError, "contiguous"),
                               ([1.0] * DIM, TypeError, "no NumPy array"),
                               (np.full(DIM, np.nan, np.float32), lc.InputError, "not finite")]:
        with pytest.raises(error, match=text):
            e.send(wrong)
    m = e.send(good)
    with pytest.raises(lc.InputError, match="round 0 has its message"):
        e.send(good)
    with pytest.raises(lc.InputError, match="need 0, the next one"):
        e.receive(1, m)
    with pytest.raises(lc.InputError, match="messages of 0 of 2 workers"):
        e.finish()
    with pytest.raises(lc.InputError, match="round 0 is open"):
        e.state()
    e.receive(0, m)
    with pytest.raises(TypeError, match="buffer"):
        e.receive(1, "text")
    e.receive(1, m)
    read_only = np.zeros(DIM, np.float32)
    read_only.flags.writeable = False
    with pytest.raises(lc.InputError, match="read-only"):
        e.finish(read_only)
    e.finish()
    assert e.round == 1


def test_a_bad_message_needs_a_restore():
    e = lc.Exchange("ef21(top-k(3))", dim=DIM, workers=2, worker=0)
    start = e.state()
    with pytest.raises(lc.RunError):
        e.receive(0, b"\x00\x01")
    with pytest.raises(lc.RunError, match="failed in round 0; restore a state"):
        e.send(np.ones(DIM, np.float32))
    e.restore(start)
    e.send(np.ones(DIM, np.float32))


def test_a_state_of_something_else_is_refused():
    e = lc.Exchange("ef21(top-k(3))", dim=DIM, workers=2, worker=0)
    state = e.state()

    def refused(changed, text, by=e):
        with pytest.raises(lc.InputError, match=text):
            by.restore(changed)

    refused(state, "it is of worker 0; this is worker 1", lc.Exchange("ef21(top-k(3))", dim=DIM, workers=2, worker=1))
    refused(state, "it is of ef21", lc.Exchange("ef21(top-k(4))", dim=DIM, workers=2, worker=0))
    refused({**state, "round": 5}, "digest")
    other = [array.copy() for array in state["client"]]
    other[0][3] = 1
    refused({**state, "client": other}, "digest")
    refused({name: value for name, value in state.items() if name != "server"}, 'it has no "server"')
    refused({**state, "worker": "zero"}, '"worker" is')


def test_threads_take_turns():
    """Each thread does whole calls: the sum of their messages is that of one thread."""
    e = lc.Exchange("gd", dim=DIM, workers=8, worker=0)
    m = e.send(np.ones(DIM, np.float32))
    turn = threading.Condition()
    done = []

    def work(i):
        with turn:
            turn.wait_for(lambda: len(done) == i)
            e.receive(i, m)
            done.append(i)
            turn.notify_all()

    threads = [threading.Thread(target=work, args=(i,)) for i in reversed(range(8))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert np.all(e.finish() == 1)
