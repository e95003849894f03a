#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""table.py BUILD [--only REGEX] [--record] : runs the benchmarks of the folder BUILD, and ends with a table of their
ratios, with goals (bench/figures.py) and the ratios recorded last (bench/baseline.json).

A ratio is the time of laconic over that of a reference timed alternately in the same run. Only ratios are recorded:
they mean something on another machine too. The benchmarks of laconic_bench run several times, in random order; the
median counts. A ratio that is 20 % worse than the recorded one is measured once more, and the better of the two counts.

--only takes the benchmarks with a match of REGEX in their name. --record writes the ratios to the baseline, beside
those that are there. It leaves out a ratio if its runs differ by more than 20 %.

Exit code 1 if a ratio is 20 % worse than the recorded one, or a benchmark failed; 2 if the baseline cannot be read. A
benchmark that lacks data, PyTorch or a permission is skipped; this changes no exit code.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import figures

HERE = Path(__file__).resolve().parent
WORSE = 1.2
SKIPPED = 77  # the exit code of a script
SECONDS = 0.2  # of a repetition of a benchmark of laconic_bench, at least
# A script, and what it takes from the folder BUILD.
SCRIPTS = [("network", "laconic"), ("served", "laconic"), ("advise", "laconic"), ("torch_mlp", "laconic"),
           ("scipy_rounds", "laconic"), ("python", "python"), ("torch_hook", "python"), ("sites", "")]
LACKS_DATA = re.compile("is not in the folders of LACONIC_DATA|no data set")


@dataclass
class Figure:
    benchmark: str
    ratios: list
    better: str = "lower"

    @property
    def ratio(self):
        return statistics.median(self.ratios)

    def over(self, other):
        """How many times worse than the ratio `other`; below 1 it is better."""
        return self.ratio / other if self.better == "lower" else other / self.ratio


@dataclass
class Measured:
    """What benchmarks said: figures by name, and the reasons of those that were skipped or failed."""

    figures: dict = field(default_factory=dict)
    skipped: dict = field(default_factory=dict)
    failed: dict = field(default_factory=dict)

    def add(self, other):
        self.figures |= other.figures
        self.skipped |= other.skipped
        self.failed |= other.failed


def show(command, **options):
    """Runs a command, shows its output, and returns its exit code and its last line."""
    last = ""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, **options) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    return process.returncode, last


class Google:
    """The benchmarks of a program of Google Benchmark."""

    def __init__(self, program, repetitions):
        self.program, self.repetitions = str(program), repetitions
        listed = subprocess.run([self.program, "--benchmark_list_tests"], stdout=subprocess.PIPE, text=True, check=True)
        self.full_names = {self.short(name): name for name in listed.stdout.splitlines()}
        self.names = list(self.full_names)

    @staticmethod
    def short(name):
        return re.sub("/(iterations:[0-9]+|manual_time|real_time)", "", name)

    def measure(self, names):
        measured = Measured()
        alternatives = "|".join(re.escape(self.full_names[name]) for name in names)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out.json"
            code, last = show([self.program, f"--benchmark_filter=^({alternatives})$", f"--benchmark_out={out}",
                               "--benchmark_out_format=json", f"--benchmark_repetitions={self.repetitions}",
                               f"--benchmark_min_time={SECONDS}", "--benchmark_enable_random_interleaving=true",
                               "--benchmark_display_aggregates_only=true"])
            if code != 0:
                measured.failed[Path(self.program).name] = f"exit code {code}: {last}"
                return measured
            runs = json.loads(out.read_text(encoding="utf8"))["benchmarks"]
        for run in sorted(runs, key=lambda run: names.index(self.short(run["run_name"]))):
            if run["run_type"] == "iteration":
                self.read(run, measured)
        return measured

    def read(self, run, measured):
        name = self.short(run["run_name"])
        if run.get("error_occurred"):
            message = run["error_message"]
            (measured.skipped if LACKS_DATA.search(message) else measured.failed)[name] = message
        for counter, value in run.items():
            if counter.startswith("ratio"):
                measured.figures.setdefault(f"{name} {counter}", Figure(name, [])).ratios.append(value)


class Script:
    """A benchmark in Python: it calls figures.give()."""

    def __init__(self, path, argument):
        self.command, self.name = [sys.executable, str(path), str(argument)], path.stem
        self.names = [self.name]

    def measure(self, _):
        measured = Measured()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "figures"
            file.touch()
            code, last = show(self.command, env=os.environ | {figures.FILE: str(file)})
            if code == SKIPPED:
                measured.skipped[self.name] = re.sub(f"^({self.name}(.py)?: )?skipped[:,] ", "", last)
                return measured
            if code != 0:
                measured.failed[self.name] = f"exit code {code}: {last}"
            for line in file.read_text(encoding="utf8").splitlines():
                given = json.loads(line)
                measured.figures[given["figure"]] = Figure(self.name, [given["ratio"]], given["better"])
        return measured


def cpu_name():
    """The name of this CPU, with its numbers, because virtual machines shorten the name."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf8")
    found = dict(re.findall(r"^(model name|cpu family|model)\s*: (.*)$", text, re.MULTILINE))
    return f"{found.get('model name', 'unknown')} (family {found.get('cpu family')}, model {found.get('model')})"


def read_baseline(path):
    """Recorded ratios and CPUs by figure; none if there is no such file."""
    if not path.exists():
        return {}
    try:
        baseline = json.loads(path.read_text(encoding="utf8"))
        for name, entry in baseline.items():
            if not (isinstance(entry["cpu"], str) and isinstance(entry["ratio"], (int, float)) and entry["ratio"] > 0):
                raise ValueError(f"{name}: need a CPU and a positive ratio")
        return baseline
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        print(f"table.py: {path} is no baseline: {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(2)


def record(path, baseline, measured):
    """Writes the ratios with runs that agree: others would be noise."""
    cpu, entries = cpu_name(), dict(baseline)
    for name, figure in measured.figures.items():
        if max(figure.ratios) > WORSE * min(figure.ratios):
            print(f"not recorded, because its runs differ by more than {100 * (WORSE - 1):.0f} %: {name}")
        else:
            entries[name] = {"ratio": float(f"{figure.ratio:.4g}"), "cpu": cpu}
    lines = [f"  {json.dumps(name)}: {json.dumps(entries[name])}" for name in sorted(entries)]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf8")


def worse_figures(measured, baseline):
    return [name for name, figure in measured.figures.items()
            if name in baseline and figure.over(baseline[name]["ratio"]) > WORSE]


def measure_worse_again(sources, measured, baseline):
    """Keeps the better of two measurements of each figure that is worse than recorded."""
    worse = worse_figures(measured, baseline)
    benchmarks = {measured.figures[name].benchmark for name in worse}
    for source in sources:
        names = [name for name in source.names if name in benchmarks]
        if not names:
            continue
        print(f"\nAgain, because a ratio was {100 * (WORSE - 1):.0f} % worse than recorded: {', '.join(names)}")
        second = source.measure(names)
        measured.failed |= second.failed
        for name in worse:
            if name in second.figures and second.figures[name].over(measured.figures[name].ratio) < 1:
                measured.figures[name] = second.figures[name]


def print_table(measured, baseline):
    names = [*measured.figures, *measured.skipped, *measured.failed]
    width = max(map(len, names), default=0)
    print(f"\n{'figure':{width}}{'ratio':>9}{'(lowest to highest)':>21}{'better':>8}{'goal':>8}  {'':8}{'recorded':>9}")
    worse = set(worse_figures(measured, baseline))
    for name, figure in measured.figures.items():
        runs = f"({min(figure.ratios):.3g} to {max(figure.ratios):.3g})" if len(figure.ratios) > 1 else ""
        goal = figures.GOALS.get(name)
        asked, answer = (f"{goal:.3g}", figures.met(figure.ratio, goal, figure.better)) if goal else ("", "")
        recorded = f"{baseline[name]['ratio']:.3g}" if name in baseline else ""
        print(f"{name:{width}}{figure.ratio:9.3g}{runs:>21}{figure.better:>8}{asked:>8}  {answer:8}{recorded:>9}"
              f"{'  WORSE' if name in worse else ''}")
    for what in ("skipped", "failed"):
        for name, reason in getattr(measured, what).items():
            print(f"{name:{width}}  {what}: {reason}")
    goals = [figures.met(figure.ratio, figures.GOALS[name], figure.better)
             for name, figure in measured.figures.items() if name in figures.GOALS]
    print(f"\n{len(measured.figures)} ratios; {goals.count('met')} of {len(goals)} goals met; {len(measured.skipped)} "
          f"benchmarks skipped, {len(measured.failed)} failed; {cpu_name()}, load average {os.getloadavg()[0]:.1f}")
    others = {entry["cpu"] for name, entry in baseline.items() if name in measured.figures} - {cpu_name()}
    if others:
        print(f"some recorded ratios are those of another CPU: {', '.join(sorted(others))}")


def print_missing(measured, baseline):
    """Names figures that were recorded, and that no benchmark gives any more."""
    silent = (*measured.skipped, *measured.failed)
    for name in baseline:
        if name not in measured.figures and not name.startswith(silent):
            print(f"recorded, but not measured: {name}")


def sources_of(build, repetitions):
    program = build / "bench" / "laconic_bench"
    if not program.exists():
        sys.exit(f"table.py: there is no {program}: make bench builds it")
    scripts = [Script(HERE / f"{name}.py", build / argument) for name, argument in SCRIPTS]
    return [Google(program, repetitions), *scripts]


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--only", default="", metavar="REGEX")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--baseline", type=Path, default=HERE / "baseline.json")
    parser.add_argument("--repetitions", type=int, default=3)
    words = parser.parse_args(words)
    baseline = read_baseline(words.baseline)
    sources = sources_of(words.build.resolve(), words.repetitions)
    measured = Measured()
    for source in sources:
        names = [name for name in source.names if re.search(words.only, name)]
        if names:
            measured.add(source.measure(names))
    if not words.record:
        measure_worse_again(sources, measured, baseline)
    print_table(measured, baseline)
    if words.record:
        record(words.baseline, baseline, measured)
        return 1 if measured.failed else 0
    if not words.only:
        print_missing(measured, baseline)
    worse = worse_figures(measured, baseline)
    for name in worse:
        print(f"{100 * (WORSE - 1):.0f} % worse than recorded: {name}: {measured.figures[name].ratio:.3g}, recorded "
              f"{baseline[name]['ratio']:.3g}")
    return 1 if worse or measured.failed else 0


if __name__ == "__main__":
    sys.exit(main())
