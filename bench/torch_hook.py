#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""torch_hook.py [FOLDER] : the time of a step of DistributedDataParallel, by its communication hook.

FOLDER holds the built package. Three hosts, one process each, are three network namespaces (tests/hosts.py), each
behind a token bucket in each direction; then three processes use loopback without a limit. A step is forward, backward,
exchange and optimizer, with one thread and one bucket in all cases. Before a hook is timed, all ranks must hold the
same bits, and plain DistributedDataParallel must give the mean gradient. The bytes that a hook of laconic counts must
be those of the interface within 10 %.

The hooks take turns, several times, and medians over the steps of all ranks are compared. "CPU" is the processor time
of a rank in a step, in ms. The hosts share this machine's cores: real hosts would be faster.

Exit code 77 where namespaces cannot be made, PyTorch is missing, or PyTorch computes by the reference BLAS.
"""
import argparse
import statistics
import sys
from pathlib import Path

import blas
import figures

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
import hosts
import torch_hosts

HOSTS = 3
POWER, SPARSE, LOW_RANK = "PowerSGD 1", "ef21-sgdm(top-k(1%), eta=0.1)", "low-rank(1)"
HOOKS = ["plain", "fp16", POWER, SPARSE, "sign", LOW_RANK, "qsgd(64)"]
NOT_OURS = HOOKS[:3]
SPEEDS = {"10mbit": 10e6, "100mbit": 100e6, "1gbit": 1e9}
UNLIMITED = 20e9  # while a network is built
TURNS = 3
MOST_STEPS, MOST_SECONDS = 40, 2.0  # of one turn
FEW_BYTES = 2000  # of headers and acknowledgements in a step; of short messages they are most
WARM = 4  # steps before the first timed one: hooks begin at the third


def skip_without_torch():
    """Ends with 77 unless PyTorch is there, with a fast BLAS."""
    try:
        import torch.distributed  # noqa: F401: the folder tests/torch looks like a package `torch`
    except ImportError as error:
        hosts.skip(error)
    refused = blas.refused()
    if refused:
        hosts.skip(refused)


def set_speed(bits_per_second):
    for host in range(HOSTS):
        hosts.shape_link_of(host, bits_per_second, burst="32k" if bits_per_second <= 1e9 else "1m")


class Steps:
    """What was measured of one hook on one link."""

    def __init__(self):
        self.seconds, self.cpu, self.sent, self.said = [], [], [], []
        self.begin = None

    def add(self, answers):
        for answer in answers:
            self.seconds += answer["seconds"]
            self.cpu.append(answer["cpu"])
            self.sent.append(answer["sent"])
            if answer["said"] is not None:
                self.said.append(answer["said"])

    @property
    def median(self):
        return statistics.median(self.seconds)


def check_answer(ranks, hook):
    """All ranks hold the same bits, and plain DistributedDataParallel gives the mean."""
    digests = ranks.ask("digest")
    if len(set(digests)) > 1:
        sys.exit(f"{hook}: the ranks hold different parameters")
    if hook == "plain":
        worst = max(ranks.ask("difference_to_the_mean"))
        if worst > 1e-5:
            sys.exit(f"plain: the gradient differs from the mean by {worst:.2g} of its largest entry")


def check_bytes(hook, link, steps):
    """The bytes of the hook against those of the interface, which has headers and acknowledgements too."""
    for sent, said in zip(steps.sent, steps.said):
        if abs(sent - said) > max(0.1 * said, FEW_BYTES):
            sys.exit(f"{hook}, {link}: the hook counts {said:.0f} bytes a step, the interface {sent:.0f}")


def one_turn(ranks, steps):
    """Times steps until there are enough for a turn. The first one, untimed, says how many."""
    first = max(answer["seconds"][0] for answer in ranks.ask("steps", count=1))
    steps.add(ranks.ask("steps", count=max(1, min(MOST_STEPS, int(MOST_SECONDS / first)))))


def measure(net, hooks, links, turns=TURNS, begin_on_link=False, setup=None, **arguments):
    """{(link, hook): Steps}, and the seconds of a step that sends nothing. Call it behind the fence of hosts.py.

    links : names of SPEEDS, or None for loopback
    begin_on_link : the steps before the timed ones are on the link too; their seconds and bytes are in Steps.begin
    setup : commands of the ranks with their arguments, asked first
    """
    found = {}
    with torch_hosts.Ranks(HOSTS, on_hosts=links is not None, **arguments) as ranks:
        for command, its_arguments in (setup or {}).items():
            ranks.ask(command, **its_arguments)

        def set_link(link):
            if links:
                set_speed(SPEEDS.get(link, UNLIMITED))

        for turn in range(turns):
            for hook in hooks:
                for link in links or ["loopback"]:
                    steps = found.setdefault((link, hook), Steps())
                    set_link(None)
                    ranks.ask("build", net=net, hook=hook)
                    set_link(link if begin_on_link else None)
                    begin = ranks.ask("steps", count=WARM)
                    steps.begin = (max(sum(answer["seconds"]) for answer in begin),
                                   WARM * max(answer["sent"] for answer in begin))
                    if turn == 0:
                        check_answer(ranks, hook)
                    set_link(link)
                    one_turn(ranks, steps)
                    if links:
                        check_bytes(hook, link, steps)
        computes = statistics.median(ranks.ask("computing", count=10))
    return found, computes


def print_table(net, found, computes):
    for link in dict.fromkeys(link for link, _ in found):
        of_link = {hook: steps for (other, hook), steps in found.items() if other == link}
        print(f"\n{net} million parameters, {HOSTS} ranks, {link}; a step that sends nothing takes "
              f"{1e3 * computes:.1f} ms")
        print(f"{'hook':32}{'ms a step':>10}{'(middle half)':>20}{'CPU':>8}{'bytes a step':>14}{'of plain':>10}"
              f"{'of PowerSGD':>13}")
        for hook, steps in of_link.items():
            low, _, high = (1e3 * each for each in statistics.quantiles(steps.seconds, n=4))
            # On loopback one counter has the bytes of all ranks.
            sent = statistics.median(steps.sent) / (HOSTS if link == "loopback" else 1)
            print(f"{hook:32}{1e3 * steps.median:10.1f}{f'({low:.1f} to {high:.1f})':>20}"
                  f"{1e3 * statistics.mean(steps.cpu):8.1f}{sent:14.0f}{ratio_of(of_link, hook, 'plain'):10.3f}"
                  f"{ratio_of(of_link, hook, POWER):13.2f}", flush=True)
        if POWER in of_link and LOW_RANK in of_link:
            ratio = statistics.median(of_link[LOW_RANK].sent) / statistics.median(of_link[POWER].sent)
            print(f"{LOW_RANK} sends {ratio:.2f} of PowerSGD's bytes")


def ratio_of(of_link, hook, other):
    return of_link[hook].median / of_link[other].median if other in of_link else float("nan")


def give_ratios(net, found):
    """The steps of our hooks against those of PyTorch's, with the goals of some."""
    for (link, hook), steps in found.items():
        for other, name in (("plain", "plain"), (POWER, "PowerSGD")):
            if hook in NOT_OURS or (link, other) not in found:
                continue
            figure, ratio = f"torch_hook/{net}/{link}/{hook} ratio_to_{name}", steps.median / found[link, other].median
            figures.give(figure, ratio)
            if figure in figures.GOALS:
                print(f"goal: {figure}: {ratio:.3g}, at most {figures.GOALS[figure]:.3g}, "
                      f"{figures.met(ratio, figures.GOALS[figure])}")


def print_cpu(net, hooks, package):
    """Encoding and decoding of an exchange, without a network."""
    with torch_hosts.Ranks(HOSTS, on_hosts=False, package=package) as ranks:
        print(f"\n{net} million parameters: encoding and decoding in a step, processor time")
        for hook in hooks:
            found = ranks.ask_first("exchange", spec=hook, net=net, count=21)
            ratio = found["ours"] / found["pass"]
            figure = f"torch_hook/{net}/{hook} ratio_to_passes"
            goal = figures.GOALS.get(figure)
            figures.give(figure, ratio)
            print(f"{hook:32}{found['ours']:8.2f} ms; a pass over the gradient and the state of {found['state']:.0f} "
                  f"bytes a parameter {found['pass']:.2f} ms; ratio {ratio:.2f}"
                  + (f", goal {goal}, {figures.met(ratio, goal)}" if goal else ""), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default="build/python", type=Path)
    parser.add_argument("--links", default="100mbit", help=f"of {', '.join(SPEEDS)}, with commas; or none")
    parser.add_argument("--sizes", default="2.5,25", help=f"of {', '.join(torch_hosts.WIDTHS)}")
    parser.add_argument("--hooks", default="", help="only these, with ; between them")
    parser.add_argument("--turns", default=TURNS, type=int)
    words = parser.parse_args()
    skip_without_torch()
    hosts.go_behind_the_fence()
    hosts.make_hosts(HOSTS)
    package = str(words.folder.resolve())
    hooks = words.hooks.split(";") if words.hooks else HOOKS
    ours = [hook for hook in hooks if hook not in NOT_OURS]
    for net in words.sizes.split(","):
        for links in (words.links.split(","), None):
            if links == ["none"] or (links is None and net != words.sizes.split(",")[0]):
                continue
            found, computes = measure(net, hooks, links, words.turns, package=package)
            print_table(net, found, computes)
            give_ratios(net, found)
        if ours:
            print_cpu(net, ours, package)


if __name__ == "__main__":
    main()
