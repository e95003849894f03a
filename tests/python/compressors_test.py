# SPDX-License-Identifier: Apache-2.0
"""Compressors on arrays: what encode and decode promise for every compressor, and compressors written in Python."""
import zlib
import concurrent.futures
import pathlib
import traceback

import numpy as np
import pytest

import laconic as lc
from support import DIM, Mine, assert_same_numbers, assert_same_run, decode_top, encode_top

# Arguments for every row of the table of compressors. A new compressor is a new row here.
SPECS = {
    "identity": ["identity"],
    "rand-k": ["rand-k(5)", "rand-k(10%)"],
    "c-rand-k": ["c-rand-k(5)"],
    "top-k": ["top-k(1)", "top-k(10%)", "top-k(60)"],
    "comp": ["comp(2, 4)", "comp(2, 3)"],
    "mix": ["mix(1, 2)"],
    "chunk-top-k": ["chunk-top-k(4, chunk=16)", "chunk-top-k(4, chunk=16, bits=2)"],
    "low-rank": ["low-rank(2)", "low-rank(1, warm=0)"],
    "sketch": ["sketch(2)"],
    "perm-k": ["perm-k", "perm-k(3)"],
    "c-perm-k": ["c-perm-k", "c-perm-k(3)"],
    "natural": ["natural"],
    "qsgd": ["qsgd(4)", "qsgd(100)"],
    "natural-dithering": ["natural-dithering(4)"],
    "bernoulli": ["bernoulli(0.5)"],
    "c-bernoulli": ["c-bernoulli(0.5)"],
    "sign": ["sign", "sign(block=16)", "sign(scale=one)"],
    "one-bit": ["one-bit", "one-bit(scale=l2)", "one-bit(scale=block, block=16)", "one-bit(scale=fixed, bound=9)"],
    "dithered-sign": ["dithered-sign(9)"],
}
EACH = [(spec, wire) for specs in SPECS.values() for spec in specs for wire in ("f32", "f64")]
D, WORKERS = 60, 4
each_compressor = pytest.mark.parametrize("spec, wire", EACH)


def compressor(spec, wire="f32"):
    return lc.compressor(spec, dim=D, workers=WORKERS, wire=wire)


def vector(seed=1):
    """Values that f32 represents exactly, and a few zeros."""
    x = np.random.default_rng(seed).integers(-64, 65, D) / 8
    x[::11] = 0
    return x


def at(number):
    """The key of a message."""
    return {"seed": 7, "round": number, "worker": number % WORKERS}


def test_the_table_has_all_compressors():
    names = {str(name) for name in lc.list_compressors() if not name.startswith("own-")}
    assert names == set(SPECS)


@each_compressor
def test_a_message_has_the_bytes_that_it_counts(spec, wire):
    c = compressor(spec, wire)
    m = c.encode(vector(), **at(3))
    assert isinstance(m, lc.Message)
    assert (c.dim, c.wire) == (D, wire)
    data = bytes(m)
    assert len(m) == len(data) > 0 and m.bits == 8 * len(data)
    assert bytes(memoryview(m)) == data and memoryview(m).readonly
    floats = m.floats(D)
    assert 0 <= floats <= D
    assert floats <= c.floats or "bernoulli" in spec, "c.floats is the expected number, or above it"
    assert bytes(c.encode(vector(), **at(3))) == data
    for same in (data, bytearray(data), memoryview(data), np.frombuffer(data, np.uint8)):
        assert_same_numbers(lc.decode(same, dim=D, **at(3)), lc.decode(m, dim=D, **at(3)), spec)


@each_compressor
def test_float32_is_read_as_it_is(spec, wire):
    c = compressor(spec, wire)
    for number in range(8):
        x = vector(number)
        before = x.astype(np.float32)
        narrow = before.copy()
        assert bytes(c.encode(narrow, **at(number))) == bytes(c.encode(x, **at(number)))
        assert narrow.tobytes() == before.tobytes(), "encode only reads"


@each_compressor
def test_decode_returns_or_adds(spec, wire):
    c = compressor(spec, wire)
    for number in range(4):
        m = c.encode(vector(number), **at(number))
        y = lc.decode(m, dim=D, **at(number))
        assert y.dtype == np.float64 and y.shape == (D,)
        assert_same_numbers(lc.decode(m, dim=D, weight=2.0, **at(number)), 2 * y, spec)
        for dtype, precision in ((np.float64, 1e-13), (np.float32, 1e-5)):
            out = np.linspace(-1, 1, D).astype(dtype)
            before = out.astype(np.float64)
            assert lc.decode(m, dim=D, out=out, weight=-0.375, **at(number)) is out
            np.testing.assert_allclose(out, before - 0.375 * y, rtol=precision, atol=precision * (1 + abs(y).max()))
        zeros = np.zeros(D)
        lc.decode(m, dim=D, out=zeros, **at(number))
        assert_same_numbers(zeros, y, spec)


@each_compressor
def test_malformed_bytes_are_a_value_error(spec, wire):
    c = compressor(spec, wire)
    data = bytes(c.encode(vector(), **at(1)))
    for wrong in (b"", data[:-1], data + b"\0", b"\0" + data[1:], b"\x7f" + data[1:]):
        with pytest.raises(ValueError):
            lc.decode(wrong, dim=D, **at(1))
    rng = np.random.default_rng(5)
    for _ in range(300):  # nothing but a ValueError may come of any bytes
        wrong = bytearray(data)
        for _ in range(rng.integers(1, 4)):
            wrong[rng.integers(len(wrong))] = rng.integers(256)
        out = np.zeros(D + 2)
        try:
            lc.decode(wrong, dim=D, out=out[1:-1], **at(1))
        except ValueError:
            pass
        assert out[0] == out[-1] == 0, "only the array is written"


@pytest.mark.parametrize("spec", ["identity", "top-k(5)", "natural", "qsgd(4)", "sign"])
def test_another_dimension_is_a_value_error(spec):
    m = compressor(spec).encode(vector(), **at(1))
    with pytest.raises(ValueError):
        lc.decode(m, dim=8, **at(1))


def test_the_key_is_needed_to_decode():
    c = compressor("rand-k(5)")
    m = c.encode(vector(), seed=1, round=2, worker=3)
    y = lc.decode(m, dim=D, seed=1, round=2, worker=3)
    assert np.count_nonzero(y) <= 5
    for other in ({"seed": 2, "round": 2, "worker": 3}, {"seed": 1, "round": 3, "worker": 3},
                  {"seed": 1, "round": 2, "worker": 2}):
        assert lc.decode(m, dim=D, **other).tobytes() != y.tobytes()
    assert bytes(c.encode(vector())) == bytes(c.encode(vector(), seed=1, round=0, worker=0)), "the defaults"


def test_top_k_keeps_the_largest():
    x = vector()
    y = lc.decode(lc.compressor("top-k(6)", dim=D).encode(x), dim=D)
    kept = np.flatnonzero(y)
    assert len(kept) == 6 and (y[kept] == x[kept]).all()
    assert abs(x[kept]).min() >= np.delete(abs(x), kept).max()


def test_perm_k_deals_all_coordinates():
    c = compressor("perm-k")
    x = vector()
    mean = np.zeros(D)
    for worker in range(WORKERS):
        lc.decode(c.encode(x, round=2, worker=worker), dim=D, round=2, worker=worker, out=mean, weight=1 / WORKERS)
    assert (mean == x).all()
    with pytest.raises(ValueError):
        c.encode(x, worker=WORKERS)


# Contractive compressors that draw, and how far the mean of 600 errors may be from its expectation, in units of |x|^2.
DRAWING = {"c-rand-k": 0.02, "c-perm-k": 0.02, "mix": 0.02, "comp": 0.05, "low-rank": 0.02, "c-bernoulli": 0.1}


@each_compressor
def test_the_bounds_hold(spec, wire):
    """By many draws: E C(x) = x and E|C(x) - x|^2 <= omega |x|^2, or E|C(x) - x|^2 <= (1 - alpha) |x|^2.

    Of an unbiased compressor the squared error of the mean of N draws is omega |x|^2 / N or less in expectation. Ten
    times this value is 3.2 standard deviations where all coordinates share one coin (bernoulli), else many more."""
    c = compressor(spec, wire)
    rng = np.random.default_rng(3)
    x = rng.standard_normal(D)
    draws = 600
    total, error = np.zeros(D), 0.0
    for number in range(draws):
        key = {"seed": 1, "round": number, "worker": 1}
        y = lc.decode(c.encode(x, **key), dim=D, **key)
        total += y
        error += np.sum((y - x) ** 2) / draws
    rounding = 1e-6
    if c.omega is not None:
        assert error / (x @ x) <= 1.3 * c.omega + rounding
        assert np.sum((total / draws - x) ** 2) / (x @ x) <= 10 * c.omega / draws + rounding
    if c.alpha is not None:
        assert 0 < c.alpha <= 1
        assert error / (x @ x) <= 1 - c.alpha + DRAWING.get(spec.split("(")[0], 0) + rounding
    assert 0 < c.density <= D and c.floats > 0


def test_known_constants():
    assert compressor("rand-k(6)").omega == 9 and compressor("rand-k(6)").alpha is None
    assert compressor("top-k(6)").alpha == 0.1 and compressor("top-k(6)").omega is None
    assert compressor("natural").omega == 1 / 8
    assert compressor("perm-k").omega == WORKERS - 1
    assert compressor("top-k(10%)").floats == 6


def test_threads_share_a_compressor():
    for spec, wire in EACH:
        c = compressor(spec, wire)

        def work(number):
            m = c.encode(vector(number), **at(number))
            return bytes(m), lc.decode(m, dim=D, **at(number)).tobytes()

        expected = [work(number) for number in range(16)]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            assert list(pool.map(work, range(16))) == expected, spec


# Mistakes.

WRONG_TYPE = (TypeError, ValueError)
READ_ONLY = np.zeros(D)
READ_ONLY.flags.writeable = False
BAD_INPUTS = {
    "short": (np.zeros(D - 1), ValueError, ["60", "59"]),
    "long": (np.zeros(D + 1), ValueError, ["60", "61"]),
    "empty": (np.zeros(0), ValueError, ["60"]),
    "a matrix": (np.zeros((6, 10)), ValueError, ["60"]),
    "strided": (np.zeros(2 * D)[::2], ValueError, ["contiguous"]),
    "backwards": (np.zeros(D)[::-1], ValueError, ["contiguous"]),
    "whole numbers": (np.zeros(D, np.int64), WRONG_TYPE, ["float32", "float64"]),
    "float16": (np.zeros(D, np.float16), WRONG_TYPE, ["float32", "float64"]),
    "complex": (np.zeros(D, complex), WRONG_TYPE, ["float32", "float64"]),
    "objects": (np.zeros(D, object), WRONG_TYPE, ["float32", "float64"]),
    "big endian": (np.zeros(D, ">f8"), WRONG_TYPE, ["float64"]),
    "a list": ([0.0] * D, WRONG_TYPE, ["array"]),
    "None": (None, WRONG_TYPE, ["array"]),
}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_a_wrong_input_is_named(name):
    x, kind, words = BAD_INPUTS[name]
    with pytest.raises(kind) as caught:
        compressor("top-k(5)").encode(x)
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("name, out, kind", [
    ("read-only", READ_ONLY, ValueError), ("short", np.zeros(D - 1), ValueError),
    ("strided", np.zeros(2 * D)[::2], ValueError), ("whole numbers", np.zeros(D, np.int64), WRONG_TYPE),
    ("a list", [0.0] * D, WRONG_TYPE), ("a matrix", np.zeros((6, 10)), ValueError)])
def test_a_wrong_output_is_named(name, out, kind):
    m = compressor("top-k(5)").encode(vector())
    with pytest.raises(kind, match="out"):
        lc.decode(m, dim=D, out=out)


def test_other_mistakes():
    for call, kind, word in (
            (lambda: lc.compressor("top-j(5)", dim=D), lc.InputError, "top-k"),
            (lambda: lc.compressor("top-k(61)", dim=D), lc.InputError, "60"),
            (lambda: lc.compressor("top-k(5", dim=D), lc.InputError, "column"),
            (lambda: lc.compressor("top-k(5)", dim=0), lc.InputError, "dim"),
            (lambda: lc.compressor("top-k(5)", dim=D, workers=0), lc.InputError, "workers"),
            (lambda: lc.compressor("top-k(5)", dim=D, wire="f16"), lc.InputError, "f32"),
            (lambda: lc.decode("text", dim=D), TypeError, "bytes"),
            (lambda: lc.decode(b"\x01", dim=-1), (ValueError, TypeError), "dim")):
        with pytest.raises(kind, match=word):
            call()


# Compressors written in Python.

def run(method, **keys):
    return lc.run(problem=Mine(), rounds=40, progress=False, **{"method": method, **keys})


@pytest.mark.usefixtures("own_compressors")
class TestOwn:
    def test_top_1_is_that_of_the_library(self):
        """The same algorithm has the same iterates; only the bytes of its messages differ."""
        own, expected = run("ef21(own-top-1)", wire="f64"), run("ef21(top-k(1))", wire="f64")
        assert own.step == expected.step
        for column in ("f", "grad_norm_sq", "oracle_calls"):
            assert_same_numbers(own.trace[column], expected.trace[column], column)
        assert own.x.tobytes() == expected.x.tobytes()

    @pytest.mark.parametrize("method", ["diana(own-rand-1)", "marina(own-rand-1)", "ef21(own-top-1)",
                                        "3pc-v2(own-rand-1, own-top-1)", "clag(own-top-1, zeta=4)"])
    def test_it_serves_methods(self, method):
        result = run(method, threads=1, step="theory*4")
        assert_same_run(run(method, threads=2, step="theory*4"), result)
        assert result.trace["grad_norm_sq"][-1] < result.trace["grad_norm_sq"][0]
        assert len(set(result.trace["uplink_bits"])) > 1

    def test_bits_are_those_of_its_bytes(self):
        bits = run("diana(own-rand-1)").trace["uplink_bits"]
        steps = np.diff(bits)
        assert (steps == steps[0]).all() and 64 <= steps[0] <= 64 + 8 * 16  # 8 bytes, and a header

    def test_both_ends_draw_the_same(self):
        c = lc.compressor("own-rand-1", dim=DIM)
        x = np.arange(1.0, DIM + 1)
        total = np.zeros(DIM)
        for number in range(2000):
            m = c.encode(x, seed=3, round=number, worker=number % 5)
            lc.decode(m, dim=DIM, seed=3, round=number, worker=number % 5, out=total, weight=1 / 2000)
        assert np.sum((total - x) ** 2) <= 2.5 * (DIM - 1) * (x @ x) / 2000
        assert c.omega == DIM - 1 and c.alpha is None
        top = lc.compressor("own-top-1", dim=DIM)
        assert top.alpha == 1 / DIM and top.omega is None and top.floats == 1
        y = lc.decode(top.encode(x.astype(np.float32)), dim=DIM)
        assert y.tolist() == [0.0] * (DIM - 1) + [DIM]

    def test_it_is_listed(self):
        found = [name for name in lc.list_compressors() if name == "own-top-1"]
        assert len(found) == 1 and found[0].summary == "the largest coordinate"

    def test_resume(self):
        class Enough(Exception):
            pass

        def callback(round, row):
            if round == 25:
                raise Enough

        expected = run("ef21(own-top-1)", out="expected")
        with pytest.raises(Enough):
            run("ef21(own-top-1)", out="broken", checkpoint_every=10, callback=callback)
        assert_same_run(lc.resume("broken", problem=Mine(), progress=False), expected)
        assert pathlib.Path("broken/trace.csv").read_bytes() == pathlib.Path("expected/trace.csv").read_bytes()

    def test_a_sweep_with_it(self):
        sweep = lc.sweep(problem=Mine(), method=["ef21(own-top-1)", "ef21(top-k(1))"], step="theory*{1,4,16}",
                         target=1e-3, rounds=2000, measure="rounds", wire="f64", progress=False)
        scores = [best["score"] for best in sweep.best]
        assert len(scores) == 2 and scores[0] == scores[1] > 0

    def test_its_malformed_bytes_are_a_value_error(self):
        data = bytes(lc.compressor("own-top-1", dim=DIM).encode(np.ones(DIM)))
        for wrong in (data[:2], b""):
            with pytest.raises(ValueError):
                lc.decode(wrong, dim=DIM)


def test_arguments_of_an_own_compressor():
    def encode(x, key, count):
        kept = np.sort(np.argsort(-abs(x), kind="stable")[:int(count)])
        return kept.astype("<u4").tobytes() + x[kept].tobytes()

    def decode(data, dim):
        y = np.zeros(dim)
        count = len(data) // 12
        y[np.frombuffer(data[:4 * count], "<u4")] = np.frombuffer(data[4 * count:])
        return y

    lc.register_compressor("own-top-k", encode, decode, alpha=lambda dim, count: count / dim,
                           floats=lambda dim, count: count, parameters={"count": 2})
    x = np.arange(1.0, DIM + 1)
    for spec, count in (("own-top-k", 2), ("own-top-k(3)", 3), ("own-top-k(count=4)", 4)):
        y = lc.decode(lc.compressor(spec, dim=DIM).encode(x), dim=DIM)
        assert np.count_nonzero(y) == count and y[-1] == DIM
        assert lc.compressor(spec, dim=DIM).alpha == count / DIM and lc.compressor(spec, dim=DIM).floats == count
    own, expected = run("ef21(own-top-k(3))", wire="f64"), run("ef21(top-k(3))", wire="f64")
    assert own.step == expected.step
    assert_same_numbers(own.trace["f"], expected.trace["f"], "f")
    with pytest.raises(lc.InputError, match="counts"):
        lc.compressor("own-top-k(counts=4)", dim=DIM)


def test_names_are_taken_once():
    lc.register_compressor("own-twice", encode_top, decode_top, alpha=1 / DIM)
    for name in ("own-twice", "top-k"):
        with pytest.raises(lc.InputError, match=f"{name} already"):
            lc.register_compressor(name, encode_top, decode_top)
    for name in ("two words", "", "1.5", "a(b)"):
        with pytest.raises(lc.InputError):
            lc.register_compressor(name, encode_top, decode_top)
    with pytest.raises(TypeError):
        lc.register_compressor("own-none", 3, decode_top)
    for name, bounds in (("own-omega", {"omega": -1}), ("own-zero", {"alpha": 0}), ("own-alpha", {"alpha": 1.5})):
        with pytest.raises(lc.InputError, match="omega|alpha"):
            lc.register_compressor(name, encode_top, decode_top, **bounds)
            lc.compressor(name, dim=DIM)


class Own(Exception):
    pass


def test_what_goes_wrong_in_an_own_compressor():
    def fails(*arguments):
        raise Own("the reason")

    lc.register_compressor("own-fails", fails, decode_top, alpha=1 / DIM)
    lc.register_compressor("own-decode-fails", encode_top, fails, alpha=1 / DIM)
    lc.register_compressor("own-text", lambda x: "text", decode_top, alpha=1 / DIM)
    lc.register_compressor("own-short", encode_top, lambda data, dim: np.zeros(dim - 1), alpha=1 / DIM)
    for name in ("own-fails", "own-decode-fails"):
        for threads in (1, 2):
            with pytest.raises(Own, match="the reason") as caught:
                run(f"ef21({name})", threads=threads)
            assert "fails" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    with pytest.raises((TypeError, lc.InputError), match="bytes"):
        run("ef21(own-text)")
    with pytest.raises((lc.InputError, lc.RunError), match="12"):
        run("ef21(own-short)")
    with pytest.raises(lc.InputError, match="unbiased"):
        run("diana(own-short)")  # which promises alpha only


def test_a_lossless_compressor_of_ones_own_is_called():
    """Methods send the vector itself where alpha = 1; the bytes of an own compressor count all the same."""
    lc.register_compressor("own-zip", lambda x: zlib.compress(x.tobytes()),
                           lambda data: np.frombuffer(zlib.decompress(data)), alpha=1)
    sent = lc.run(problem="quadratic(d=50, s=0.8)", clients=4, method="ef21(own-zip)", rounds=5, step=1e-3)
    plain = lc.run(problem="quadratic(d=50, s=0.8)", clients=4, method="ef21(identity)", rounds=5, step=1e-3)
    assert sent.trace["uplink_bits"][-1] != plain.trace["uplink_bits"][-1]


def test_parameters_may_be_positional():
    lc.register_compressor("own-few", lambda x, k: x[:k].tobytes(),
                           lambda data, dim: np.pad(np.frombuffer(data), (0, dim - len(data) // 8)), alpha=0.1,
                           parameters={"k": 2})
    x = np.arange(5.0)
    assert lc.decode(lc.compressor("own-few(3)", dim=5).encode(x), dim=5).tolist() == [0, 1, 2, 0, 0]


def test_a_list_is_no_array():
    with pytest.raises(TypeError, match="x is no NumPy array .list.$"):
        lc.compressor("identity", dim=3).encode([1.0, 2.0, 3.0])


def test_matrices_lie_within_the_vector():
    with pytest.raises(lc.InputError, match="matrices"):
        lc.compressor("low-rank(1)", dim=6, matrices=[(0, 3, 4)])
