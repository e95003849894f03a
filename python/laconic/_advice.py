# SPDX-License-Identifier: Apache-2.0
"""What is known before a run: theory, and advice for a link."""
import json

from . import _core
from ._listener import Listener
from ._words import call_of, document, keys_of, words_of


class Theory(dict):
    """The document of `laconic theory --json` as a dict: problem, constants, method, warnings, theorems, run."""

    @property
    def constants(self):
        """The constants of the problem, by name."""
        return self["constants"]

    @property
    def theorems(self):
        """The theorems that give a step, by the value of `step` that uses them: name, step, step_rule, promise."""
        return self["theorems"]

    @property
    def step(self):
        """The step of this run as a number; None if no theorem gives one."""
        return self["run"]["gamma"] if "run" in self else None

    def __repr__(self):
        lines = [f"<laconic.Theory {self['method']['name']} on {self['problem']['name']}>"]
        lines += [f"  {name} = {value:.6g}" for name, value in self.constants.items() if value is not None]
        lines += [f"  step={rule}: {theorem['step']:.6g}, {theorem['name']}" for rule, theorem in self.theorems.items()]
        return "\n".join(lines)


@document("run")
def theory(*files, progress=None, **keys):
    """The constants of a problem, the theorems of a method, and what they promise. Runs nothing.

    Takes the keys of `run()` and returns a `Theory`. Costs passes over the data, for the constants. Errors are those
    of `run()`.
    """
    words, own = words_of("theory", files, keys, [name for name, *_ in keys_of("run")])
    with Listener(progress) as listener:
        return Theory(json.loads(_core.theory(words, call_of(own, listener))))


class Advice:
    """The result of `advise()`.

    head : str
        What was measured and assumed, above the table.
    table : str
        A line for each method, the best first.
    sentences : list of str
        The advice in words; the last sentence recommends a method.
    recommendation : str or None
        The recommended method. None if the short runs recommend none.
    summary : dict
        All numbers, as the program writes them with out=FILE.json.
    """

    def __init__(self, head, table, sentences, summary):
        self.head = head
        self.table = table
        self.sentences = sentences
        self.summary = summary

    @property
    def recommendation(self):
        """The recommended method as a str, or None."""
        recommended = self.summary.get("recommended")
        return recommended.get("method") if isinstance(recommended, dict) else recommended

    def to_pandas(self):
        """The methods as a pandas.DataFrame, the best first. Needs pandas.

        Nested numbers have names such as seconds.total.
        """
        import pandas

        return pandas.json_normalize(self.summary["methods"])

    def __repr__(self):
        return "\n".join([f"<laconic.Advice>\n{self.head}", self.table, *self.sentences])


_ADVICE_KEYS = [("gradients", "1e8", "the budget of all short runs together; by default one that fits the problem"),
                ("seconds", "30", "the time limit of the short runs; by default 55")]


@document("run", extra=_ADVICE_KEYS)
def advise(*files, progress=None, **keys):
    """Says which method reaches a target first on a link, from timed costs and short runs. Returns an `Advice`.

        a = lc.advise(problem="logistic(a9a)", clients=20, network="5mbit,20ms")

    Needs `network`. `method` and `step` may be lists; without them a set of methods and steps is tried. The other keys
    are those of `run()` that do not end a run, and so are the errors.
    """
    known = [name for name, *_ in [*keys_of("run"), *_ADVICE_KEYS]]
    words, own = words_of("advise", files, keys, known)
    with Listener(progress) as listener:
        end = _core.advise(words, call_of(own, listener))
    if end["out"]:
        with open(end["out"], "w", encoding="utf-8") as file:
            file.write(end["summary"])
    sentences = end["sentences"] + ([end["failure"]] if end["failure"] else [])
    return Advice(end["head"].rstrip("\n"), end["table"].rstrip("\n"), sentences, json.loads(end["summary"]))
