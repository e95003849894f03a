# SPDX-License-Identifier: Apache-2.0
"""MNIST and CIFAR-10 as tensors, from the folders in which laconic finds data sets. Files may be compressed by gzip."""
import gzip
import os
from pathlib import Path

import numpy as np
import torch


def load(name, folder=None, rows=None):
    """(training inputs, labels), (test inputs, labels) of "mnist" or "cifar10". Inputs are floats of mean about 0 and
    deviation about 1, of shape (rows, channels, height, width); labels are classes 0..9. Without a folder those of
    LACONIC_DATA are searched, then /usr/share/datasets. `rows` limits the training set."""
    places = [folder] if folder else [*os.environ.get("LACONIC_DATA", "").split(":"), "/usr/share/datasets"]
    for place in map(Path, filter(None, places)):
        for where, *halves in PLACES[name]:
            files = [[find(place / where / file) for file in half] for half in halves]
            if all(map(all, files)):
                return READ[name](files[0], rows), READ[name](files[1], None)
    raise FileNotFoundError(f"no {name} in {', '.join(map(str, places))}; name its folder in LACONIC_DATA or by --data")


# Where the files of a set may be, and the files of its two halves.
IDX = [[f"{half}-images-idx3-ubyte", f"{half}-labels-idx1-ubyte"] for half in ("train", "t10k")]
BATCHES = [[f"data_batch_{i}.bin" for i in range(1, 6)], ["test_batch.bin"]]
PLACES = {
    "mnist": [("mnist", *IDX), (".", *IDX)],
    "cifar10": [("cifar10", *BATCHES), ("cifar-10-batches-bin", *BATCHES), (".", *BATCHES),
                (".", ["cifar10_train_10k.bin"], ["cifar10_test_2k.bin"])],
}


def find(path):
    return next((each for each in (path, path.with_name(path.name + ".gz")) if each.is_file()), None)


def read(path):
    data = path.read_bytes()
    return np.frombuffer(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data, np.uint8)


def read_mnist(files, rows):
    images, labels = (read(path) for path in files)
    return tensors(images[16:].reshape(-1, 1, 28, 28)[:rows], labels[8:][:rows], mean=0.13, deviation=0.31)


def read_cifar10(files, rows):
    records = np.concatenate([read(path) for path in files]).reshape(-1, 1 + 3 * 32 * 32)[:rows]
    return tensors(records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0], mean=0.47, deviation=0.25)


def tensors(images, labels, mean, deviation):
    inputs = torch.from_numpy(images.astype(np.float32)).div_(255).sub_(mean).div_(deviation)
    return inputs, torch.from_numpy(labels.astype(np.int64))


READ = {"mnist": read_mnist, "cifar10": read_cifar10}
