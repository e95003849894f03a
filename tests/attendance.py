# SPDX-License-Identifier: Apache-2.0
"""What a run by a real clock leaves behind, read."""
import json


def rows_of(path):
    """Of a csv file, whole rows only, by column."""
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
