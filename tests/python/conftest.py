# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of the Python package. support.py has the functions that they share.

LACONIC_PROGRAM is the path of the program of the same build. LACONIC_DATA, if set, has the folders of data sets, as for
the program. Without it the tests draw their data.
"""
import os
import pathlib

os.environ.setdefault("MPLBACKEND", "Agg")  # before matplotlib is imported: figures need no screen

import pytest

import support


@pytest.fixture(scope="session")
def data():
    """The name of a data set with two classes: a real one where there is one, else one that is drawn."""
    for folder in filter(None, os.environ.get("LACONIC_DATA", "").split(":")):
        if (pathlib.Path(folder) / "a9a").is_file():
            return "a9a"
    return "generated(rows=40, d=60, nnz=12, shift=0.5)"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Relative paths of a test start in a folder that is its own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def own_compressors():
    """The compressors of support.py, registered once: names stay taken for the life of the process."""
    support.register_own_compressors()
