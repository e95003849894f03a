# SPDX-License-Identifier: Apache-2.0
"""The names that descriptions may use, from the program's own tables."""
from . import _core


class Name(str):
    """A name, which is a str, with `usage` (str), `summary` (str) and `facts` (dict: example, step, default, ...)."""

    def __new__(cls, name, usage="", summary="", facts=None):
        self = super().__new__(cls, name)
        self.usage = usage
        self.summary = summary
        self.facts = dict(facts or {})
        return self

    def __getnewargs__(self):
        return str(self), self.usage, self.summary, self.facts


def _table(name):
    for table, _, entries in _core.tables():
        if table == name:
            return [Name(*entry) for entry in entries]
    raise LookupError(name)


def list_methods():
    """All methods, as a list of `Name`; facts: step, example and paper."""
    return _table("methods")


def list_compressors():
    """All compressors, as a list of `Name`, with those that were registered."""
    return _table("compressors")


def list_problems():
    """All problems that `problem` can describe, as a list of `Name`."""
    return _table("problems")


def list_keys():
    """All keys of runs and sweeps, as a list of `Name`; names have `-` where keywords have `_`."""
    return _table("keys") + _table("sweep-keys")


def list_columns():
    """The columns of `Run.trace`, as a list of `Name`."""
    return _table("columns")
