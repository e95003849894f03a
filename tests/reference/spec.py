# SPDX-License-Identifier: Apache-2.0
"""Reads name(arg, arg, key=value), with any nesting: the part of laconic's descriptions that the golden
cases need."""
import math
import re
from fractions import Fraction

WORD = re.compile(r'\s*("[^"]*"|[^\s(),="]+)\s*')


class Spec:
    def __init__(self, name):
        self.name, self.args, self.options = name, [], {}

    def number(self, key, default):
        return float(self.options[key].name) if key in self.options else default

    def word(self, key, default):
        return self.options[key].name if key in self.options else default

    def __repr__(self):
        inside = [repr(a) for a in self.args] + [f"{k}={v!r}" for k, v in self.options.items()]
        return self.name + (f"({', '.join(inside)})" if inside else "")


def parse(text):
    spec, end = _spec(text, 0)
    if end != len(text):
        raise ValueError(f"column {end + 1} of {text!r}: unexpected {text[end]!r}")
    return spec


def _spec(text, at):
    match = WORD.match(text, at)
    if not match:
        raise ValueError(f"column {at + 1} of {text!r}: expected a word")
    spec, at = Spec(match[1].strip('"')), match.end()
    if at < len(text) and text[at] == "(":
        at += 1
        while True:
            item, at = _spec(text, at)
            if text[at] == "=":
                spec.options[item.name], at = _spec(text, at + 1)
            else:
                spec.args.append(item)
            closing, at = text[at], at + 1
            if closing == ")":
                break
            if closing != ",":
                raise ValueError(f"column {at} of {text!r}: expected ',' or ')'")
        at += len(text[at:]) - len(text[at:].lstrip())
    return spec, at


def count_of(spec, whole):
    """K as a count or a percentage of the whole: 10, or 1% (rounded up)."""
    if spec.name.endswith("%"):
        return math.ceil(Fraction(spec.name[:-1]) * whole / 100)
    return int(spec.name)
