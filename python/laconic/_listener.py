# SPDX-License-Identifier: Apache-2.0
"""What a call shows while it works: one line in a terminal or a notebook."""
import sys
import warnings


class RemarkWarning(UserWarning):
    """Something about a run or its data that the result does not show, for instance that rows were left out."""


def _is_shown():
    try:
        return sys.stderr.isatty() or "ipykernel" in sys.modules
    except (AttributeError, ValueError):  # no standard error, or a closed one
        return False


class Listener:
    """Receives the reports of a service. Use it as a context manager: its end erases the line.

    `progress`: None shows a line in a terminal or a notebook; True and False say so; a function is called with
    (done, all, text) at most ten times a second; while data is read and constants are computed, with (0, 0, text).
    """

    def __init__(self, progress):
        if progress is not None and not isinstance(progress, bool) and not callable(progress):
            raise TypeError(f"progress = {progress!r}; need None, True, False or a function of (done, all, text)")
        self._report = progress if callable(progress) else None
        self._shows = progress is True or (progress is None and _is_shown())
        self._width = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._width:
            self._write("")

    def stage(self, name):
        if self._report is not None:
            self._report(0, 0, name)
        elif self._shows:
            self._write(name)

    def begin(self):
        pass

    def progress(self, done, total, text):
        if self._report is not None:
            self._report(done, total, text)
        elif self._shows:
            filled = 30 * min(done, total) // total if total else 30
            self._write(f"[{'=' * filled}{' ' * (30 - filled)}] {text}")

    def remark(self, sentence):
        warnings.warn(sentence, RemarkWarning, stacklevel=3)

    def _write(self, line):
        try:
            sys.stderr.write("\r" + line.ljust(self._width) + ("" if line else "\r"))
            sys.stderr.flush()
        except (AttributeError, OSError, ValueError):  # a terminal may be lost, a run may not
            self._shows = False
        self._width = len(line)
