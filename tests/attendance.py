# SPDX-License-Identifier: Apache-2.0
"""Reads the files that a run by a real clock leaves behind."""
import json


def rows_of(path):
    """The rows of a csv file as dictionaries by column. Ignores an incomplete last line."""
    header, *lines = path.read_text().split("\n")[:-1]
    return [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]


class Round:
    def __init__(self, row):
        self.round, self.epoch, self.late_bits = (int(row[key]) for key in ("round", "epoch", "late_bits"))
        self.counted, self.late, self.gone = ([int(i) for i in row[key].split()] for key in ("counted", "late", "gone"))


def attendance(out):
    return [Round(row) for row in rows_of(out / "attendance.csv")]


def lines_in(path):
    return path.read_text().count("\n") if path.exists() else 0


def summary(out):
    return json.loads((out / "summary.json").read_text())
