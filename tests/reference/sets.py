# SPDX-License-Identifier: Apache-2.0
"""The data of the golden cases: small unusual files made here, and real sets if the machine has them."""
import gzip
import os

import numpy as np

import problems

DEBIAN = "/usr/share/datasets/fashion-mnist"


def libsvm_line(label, row, keep, spell):
    return " ".join([label] + [f"{j + 1}:{spell(v)}" for j, v in enumerate(row) if keep[j]])


def libsvm_text(labels, rows, density, draw, spell=repr):
    lines = (libsvm_line(label, row.tolist(), draw.rand(len(row)) < density, spell) for label, row in zip(labels, rows))
    return "".join(line + "\n" for line in lines).encode()


def idx(values):
    header = bytes([0, 0, 8, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape)
    return gzip.compress(header + values.tobytes())


def make(folder):
    """Writes the files; returns {name: path}."""
    draw = np.random.RandomState(7)
    e_notation = lambda v: f"{v:.6e}" if v < 0 else repr(v)
    files = {
        # labels {1, 2}, some with a plus sign; rows without entries; e-notation; compressed; 203 rows: a
        # remainder
        "odd.gz": gzip.compress(b"2\n" + libsvm_text(draw.choice(["1", "2", "+2"], 201), draw.randn(201, 23), 0.4, draw,
                                                     e_notation) + b"1\n"),
        "dense.txt": libsvm_text(draw.choice(["-1", "+1"], 120), draw.randn(120, 11), 1.1, draw),
        "real-labels.txt": libsvm_text([f"{v:.4f}" for v in draw.randn(90)], draw.randn(90, 9), 0.8, draw),
        "four-classes.txt": libsvm_text(draw.choice(["0", "1", "2", "3"], 101), draw.randn(101, 7), 0.7, draw),
        "train-images-idx3-ubyte.gz": idx(draw.randint(0, 256, (60, 6, 5)).astype(np.uint8)),
        "train-labels-idx1-ubyte.gz": idx((draw.permutation(60) % 10).astype(np.uint8)),
        "t10k-images-idx3-ubyte.gz": idx(draw.randint(0, 256, (20, 6, 5)).astype(np.uint8)),
        "t10k-labels-idx1-ubyte.gz": idx((draw.permutation(20) % 10).astype(np.uint8)),
    }
    for name, data in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    return {name.split(".")[0].replace("-", "_"): os.path.join(folder, name) for name in files if "ubyte" not in name}


def folders():
    return [f for f in os.environ.get("LACONIC_DATA", "").split(":") if f]


def find(name):
    """The files of a name, looked up as the program does; () if this machine has none."""
    if os.path.isfile(name):
        return (name,)
    for folder in folders():
        for path in (os.path.join(folder, name), os.path.join(folder, name + ".gz")):
            if os.path.isfile(path):
                return (path,)
    for folder in {"mnist": folders(), "fashion-mnist": [DEBIAN]}.get(name, []):
        pair = tuple(os.path.join(folder, f"train-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
        if all(map(os.path.isfile, pair)):
            return pair
    return ()


def read(name, rows=None):
    paths = find(name)
    return problems.read_images(*paths, rows) if len(paths) == 2 else problems.read_libsvm(*paths, rows)
