#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetches the public data sets of laconic's examples, checks them, and stores them as gzip (`make data`).

A set of LIBSVM text is right when the SHA-256 of its normalised text is the listed one; it is accepted,
with a note, when only its rows, highest index and entries agree, because copies differ in how they spell
numbers. MNIST must agree byte for byte once unpacked: Fashion-MNIST has the same shape. What is there
already and right is not fetched again; what is not right is never written. Needs Python 3.9 or later and
nothing else.
"""

import argparse
import bz2
import gzip
import hashlib
import http.client
import io
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

LIBSVM_PAGE = ("https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/binary/",)
MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
TIMEOUT_SECONDS = 60


class Failure(Exception):
    """Why a set could not be had; one line."""


class Unreachable(Failure):
    """No answer from a host at all, so that asking it for the next set is in vain."""


@dataclass(frozen=True)
class LibsvmText:
    """One stored file of LIBSVM text: the concatenation of its sources."""

    name: str
    sources: tuple
    rows: int
    highest: int  # index, which may be less than the set's dimension
    entries: int  # explicit zeros included
    sha256: str  # of the normalised text

    def normalise(self, content: bytes) -> bytes:
        lines = [line.rstrip() for line in content.split(b"\n")]
        while lines and not lines[-1]:
            lines.pop()
        return b"".join(line + b"\n" for line in lines)

    def check(self, text: bytes) -> str:
        """A note when the text is accepted in spite of its checksum; Failure when it is not the set."""
        if hashlib.sha256(text).hexdigest() == self.sha256:
            return ""
        found = count(text)
        expected = (self.rows, self.highest, self.entries)
        if found != expected:
            raise Failure(
                "not the set: expected {:,} rows, highest index {}, {:,} entries; found "
                "{:,}, {}, {:,}".format(*expected, *found)
            )
        return "another checksum, but rows, highest index and entries agree"


@dataclass(frozen=True)
class IdxFile:
    """One stored file of MNIST."""

    name: str
    sha256: str  # of the unpacked content

    @property
    def sources(self) -> tuple:
        return (self.name + ".gz",)

    def normalise(self, content: bytes) -> bytes:
        return content

    def check(self, content: bytes) -> str:
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise Failure(f"{self.name}: expected sha256 {self.sha256}, found {found}")
        return ""


@dataclass(frozen=True)
class DataSet:
    name: str
    files: tuple
    bases: tuple = LIBSVM_PAGE  # mirrors, tried in this order


def libsvm_set(name: str, rows: int, highest: int, entries: int, sha256: str, sources: tuple = ()) -> DataSet:
    return DataSet(name, (LibsvmText(name, sources or (name,), rows, highest, entries, sha256),))


SETS = (
    libsvm_set(
        "a1a", 1605, 119, 22249,
        "740f16ebaee4597b2f8f5286686d77fc297b1ceb2f67ed9510362b7cf6101166",
    ),
    libsvm_set(
        "a9a", 32561, 123, 451592,
        "76b604b2c3f738783537bd3b32893eae66af54b8a41aee534fac1ecea45c1535",
    ),
    libsvm_set(
        "a9a.t", 16281, 122, 225731,
        "0c3135eb9b9d83a4fa007d6e1a3b719f029db78884dafd5a46a4d7eeb4c2b018",
    ),
    libsvm_set(
        "w8a", 49749, 300, 579586,
        "05af7655871a35d5bc89c755791b5338a9969cb604c9df045c811c5e5a45426e",
    ),
    libsvm_set(
        "mushrooms", 8124, 112, 170604,
        "03115cabe65c7634b8e4f1a5581a35cf9c4d1eade64ecfe33620c0efb5891cb9",
    ),
    libsvm_set(
        "phishing", 11055, 68, 331650,
        "0cf66ef36604c393da9359b2e5d894a2df8aee31fd184633cefa138add2ef08a",
    ),
    libsvm_set(
        "ijcnn1", 49990, 22, 649870,
        "c836a90e75c014476b6e9ea370974b9492c5b03b086ceb70b79586a0181001c1",
        # Training rows, then validation rows: papers that say "ijcnn1, 49,990 rows" mean both.
        sources=("ijcnn1.tr.bz2", "ijcnn1.val.bz2"),
    ),
    DataSet(
        "mnist",
        (
            IdxFile(
                "train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
            ),
            IdxFile(
                "train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
            ),
            IdxFile(
                "t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
            ),
            IdxFile(
                "t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
            ),
        ),
        MNIST_MIRRORS,
    ),
)


def count(text: bytes) -> tuple:
    """Rows, highest index and entries of LIBSVM text."""
    rows = highest = entries = 0
    for line in text.splitlines():
        rows += 1
        try:
            label, *features = line.split()
            float(label)
            for feature in features:
                index, value = feature.split(b":")
                float(value)
                highest = max(highest, int(index))
            entries += len(features)
        except ValueError:
            raise Failure(f"not LIBSVM text: line {rows} is {line[:40]!r}") from None
    return rows, highest, entries


def unpack(data: bytes) -> bytes:
    """The content, whichever way it is packed: mirrors repack files without renaming them."""
    try:
        if data.startswith(b"\x1f\x8b"):
            return gzip.decompress(data)
        if data.startswith(b"BZh"):
            return bz2.decompress(data)
        return data
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise Failure(f"cut off or corrupt: {error}") from None


def pack(content: bytes) -> bytes:
    """The same bytes for the same content, whenever it was made."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=packed, mtime=0) as stream:
        stream.write(content)
    return packed.getvalue()


def download(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": "laconic-fetch-data"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        error.close()
        raise Failure(f"{url}: HTTP status {error.code} ({error.reason})") from None
    except http.client.IncompleteRead as error:
        raise Failure(f"{url}: cut off after {len(error.partial)} bytes") from None
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"{url}: no connection ({getattr(error, 'reason', None) or error})") from None


def store(path: Path, data: bytes) -> None:
    """All of it or nothing: an interrupted write must not look like a data set."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


class Fetcher:
    def __init__(self, folder: Path, base: Optional[str]):
        self.folder = folder
        self.base = base
        self.unreachable = {}  # host: why

    def fetch_set(self, data_set: DataSet) -> str:
        """What happened, for the user; Failure when the set is not there afterwards."""
        words = []
        for file in data_set.files:
            path = self.folder / (file.name + ".gz")
            note = self.stored(path, file)
            if note is None:
                content, note = self.fetch_file(file, data_set.bases)
                store(path, pack(content))
                words.append("fetched")
            else:
                words.append("already there")
            if note:
                words[-1] += f" ({note})"
        return ", ".join(dict.fromkeys(words))

    def stored(self, path: Path, file) -> Optional[str]:
        """The note of a file that is there and right; None when it must be fetched."""
        try:
            return file.check(file.normalise(unpack(path.read_bytes())))
        except (FileNotFoundError, Failure):
            return None

    def fetch_file(self, file, bases: tuple) -> tuple:
        failures = []
        for base in (self.base,) if self.base else bases:
            base = base.rstrip("/") + "/"
            try:
                # Each source by itself: one that lacks its last line end must not join two rows.
                content = b"".join(file.normalise(unpack(self.ask(base + source))) for source in file.sources)
                return content, file.check(content)
            except Failure as failure:
                failures.append(failure)
        if all(isinstance(failure, Unreachable) for failure in failures):
            raise Unreachable("; ".join(map(str, failures)))
        raise Failure("; ".join(map(str, failures)))

    def ask(self, url: str) -> bytes:
        host = urllib.parse.urlsplit(url).netloc
        if host in self.unreachable:
            raise Unreachable(f"{url}: no connection, as before")
        try:
            return download(url)
        except Unreachable as failure:
            self.unreachable[host] = str(failure)
            raise


def main(argv: list, sets: tuple = SETS) -> int:
    names = [data_set.name for data_set in sets]
    parser = argparse.ArgumentParser(
        prog="fetch_data.py", description="Fetches public data sets, checks them and stores them as gzip."
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("data"), help="where to write (default: data)"
    )
    parser.add_argument("--base", metavar="URL", help="a mirror that has all files, instead of the known")
    parser.add_argument("--only", metavar="NAME", nargs="+", help="some of: " + " ".join(names))
    options = parser.parse_args(argv)
    for name in options.only or ():
        if name not in names:
            parser.error(f"unknown data set {name!r}; known: {' '.join(names)}")
    if options.base and not urllib.parse.urlsplit(options.base).scheme:
        parser.error(f"--base {options.base!r} has no scheme; expected one such as http://127.0.0.1:8000/")

    fetcher = Fetcher(options.out, options.base)
    failed = []
    for data_set in sets:
        if options.only and data_set.name not in options.only:
            continue
        try:
            options.out.mkdir(parents=True, exist_ok=True)
            print(f"{data_set.name}: {fetcher.fetch_set(data_set)}", flush=True)
        except (Failure, OSError) as failure:
            failed.append(failure)
            print(f"{data_set.name}: FAILED: {failure}", flush=True)
    if any(isinstance(failure, Unreachable) for failure in failed):
        print(
            f"No network? Copy the sets into {options.out}/ by hand, "
            "or set LACONIC_DATA to a folder that has them.",
            file=sys.stderr,
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
