# SPDX-License-Identifier: Apache-2.0
"""The examples with PyTorch, under torchrun, on small data of the usual formats. Skipped where PyTorch is missing."""
import gzip
import re
import struct

import numpy as np
import pytest

pytest.importorskip("torch")

from support import ROOT, torchrun

ROWS, TEST_ROWS, STEPS = 120, 40, 40


def images(rows, channels, side, seed, bright):
    """Images of ten classes: a pattern for each class, with a share of bright pixels, and noise."""
    patterns = np.where(np.random.default_rng(1).random((10, channels, side, side)) < bright, 200, 0)
    draw = np.random.default_rng(seed)
    labels = draw.permutation(rows) % 10
    noise = draw.integers(0, 56, (rows, channels, side, side))
    return (patterns[labels] + noise).astype(np.uint8), labels.astype(np.uint8)


def write_mnist(folder):
    for name, rows, seed in (("train", ROWS, 2), ("t10k", TEST_ROWS, 3)):
        pixels, labels = images(rows, 1, 28, seed, bright=0.1)
        head = struct.pack(">4i", 2051, rows, 28, 28)
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + pixels.tobytes()))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, rows) + labels.tobytes())


def write_cifar10(folder):
    def records(rows, seed):
        pixels, labels = images(rows, 3, 32, seed, bright=0.5)
        return np.concatenate([labels[:, None], pixels.reshape(rows, -1)], axis=1).tobytes()

    (folder / "cifar-10-batches-bin").mkdir()
    for i in range(1, 6):
        (folder / "cifar-10-batches-bin" / f"data_batch_{i}.bin").write_bytes(records(ROWS // 5, i))
    (folder / "cifar-10-batches-bin" / "test_batch.bin").write_bytes(records(TEST_ROWS, 6))


def row_of(text, name):
    """Loss, accuracy, MB and seconds of a row of the table."""
    numbers = re.search(rf"^{name}.*? +(\d\.\d+) +(\d\.\d+) +([\d.]+) MB +([\d.]+)$", text, re.MULTILINE)
    assert numbers, text
    return [float(each) for each in numbers.groups()]


@pytest.mark.parametrize("processes, script, write, words", [
    (3, "torch_mnist.py", write_mnist, ["--hook", "ef21-sgdm(top-k(5%), eta=0.3)"]),
    (2, "torch_cifar.py", write_cifar10, ["--hook", "sign", "--step", 0.03]),
    (2, "torch_mnist.py", write_mnist, ["--local", 10]),
])
def test_the_example_trains_as_its_model_does(tmp_path, processes, script, write, words):
    write(tmp_path)
    text = torchrun(processes, ROOT / "examples" / script, "--data", tmp_path, "--steps", STEPS, "--batch", 8, *words)
    assert f"{processes} processes, {STEPS} steps" in text
    for name in ("real", "modelled"):
        loss, accuracy, sent, _ = row_of(text, name)
        assert loss < 1.5 and accuracy > 0.5, text  # 2.3 and 0.1 at the start
        assert sent > 0
