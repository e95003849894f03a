#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""torch_study.py [FOLDER] : the loss of a training against its bytes and its seconds, by communication hook and link.

FOLDER holds the built package. Three ranks train a fully connected network on MNIST and a convolutional one on CIFAR-10
for 2,000 steps, 32 rows a rank in a step, with the hooks of PyTorch and of laconic. The step of each hook is the best
of a grid of powers of 2, which goes on while the best one is at its edge, by the loss at the end with the first seed;
then two more seeds run with it. All have a momentum of 0.9: ef21-sgdm its own, the others that of the optimizer. A step
is that of a training without momentum: the optimizer has a tenth of it where it has the momentum.

One process computes what three would: the gradients of all ranks, and the estimate that the hook makes of them. Before
that, three processes of DistributedDataParallel with the hook itself must come to the same parameters in 50 steps: the
same bits for laconic's hooks, and equal up to rounding for PyTorch's. Losses do not depend on the link. Seconds are
those of three network namespaces (tests/hosts.py) behind a token bucket: of the first steps, which send whole
gradients, and the median of the following ones (bench/torch_hook.py). Evaluations take no time. Losses are those of
3,000 rows of the training set.

"At equal seconds" is the time in which the fastest hook has done all steps: the loss of each hook at that time. The
target is the loss of plain DistributedDataParallel after a quarter of its steps.

Data: --data, or the folders of LACONIC_DATA. Exit code 77 where data, namespaces or PyTorch are missing.
"""
import argparse
import math
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path += [str(ROOT / "tests"), str(ROOT / "examples")]
import hosts
import torch_hook
import torch_hosts

RANKS = torch_hook.HOSTS
STEPS, BATCH, SEEDS = 2000, 32, [1, 2, 3]
EVALUATED = 1000  # rows of each rank
EVALUATIONS = [10, 20, 50, *range(0, 2001, 100)]
LAST = 3  # evaluations: their mean is the loss at the end
START = [0.25, 0.125, 0.0625]  # the first steps of the grid
MOST_GROWTH = 6
MOMENTUM = 0.9
HOOKS = [*torch_hook.HOOKS, "ef(top-k(1%))", "ef(top-k(0.1%))"]
LINKS = ["10mbit", "100mbit", "1gbit"]
NETS = {"mlp": "mnist", "cnn": "cifar10"}
CHECKED = 50  # steps
TOLERATED = {"plain": 1e-2, "fp16": 1e-2, torch_hook.POWER: 1e-2}  # gloo's all-reduce adds in another order
WHOLE = 2  # steps that send whole gradients, of all hooks


def network_of(net):
    import torch_cifar
    import torch_mnist

    return {"mlp": torch_mnist, "cnn": torch_cifar}[net].network()


def optimizer_of(module, hook, step):
    import torch

    momentum = 0.0 if "sgdm" in hook else MOMENTUM
    return torch.optim.SGD(module.parameters(), lr=step * (1 - momentum), momentum=momentum)


def shards_of(half):
    """The rows of each rank."""
    return [[part[rank::RANKS].clone() for part in half] for rank in range(RANKS)]


def order_of(module, inputs, labels):
    """The parameters in the order in which backward() reaches them, which is that of a bucket."""
    import torch

    order = []
    handles = [p.register_hook(lambda _, p=p: order.append(p)) for p in module.parameters()]
    torch.nn.functional.cross_entropy(module(inputs), labels).backward()
    for handle in handles:
        handle.remove()
    return order


class Draw:
    """The rows of a rank in each step."""

    def __init__(self, shard, seed, rank):
        import torch

        self.inputs, self.labels = shard
        self.generator = torch.Generator().manual_seed(1000 * seed + rank)

    def next(self):
        import torch

        rows = torch.randint(len(self.labels), (BATCH,), generator=self.generator)
        return self.inputs[rows], self.labels[rows]


class Rank(torch_hosts.Rank):
    """A rank of DistributedDataParallel, with the networks of the examples and their data."""

    batch = BATCH

    def network(self, net):
        return network_of(net)

    def read(self, net, folder):
        import torch_data

        self.shard = shards_of(torch_data.load(NETS[net], folder, rows=3 * EVALUATED)[0])[self.rank]

    def choose_data(self, net):
        """A timing has the same rows in all steps."""
        self.rows = [part[:self.batch] for part in self.shard]

    def train(self, net, hook, step, steps):
        """The parameters after some steps."""
        self.build(net, hook)
        self.optimizer = optimizer_of(self.module, hook, step)
        draw = Draw(self.shard, seed=1, rank=self.rank)
        for _ in range(steps):
            self.rows = draw.next()
            self.one_step()
        return [p.reshape(-1).tolist() for p in self.module.parameters()]


# What a hook makes of the gradients of all ranks: a function of one list of them, each flat, to the estimate of the mean.

class Mean:
    """Plain DistributedDataParallel, in the order of laconic."""

    def __call__(self, gradients):
        total = gradients[0].clone()
        for gradient in gradients[1:]:
            total += gradient
        return total / RANKS


class Half:
    """fp16_compress_hook."""

    def __call__(self, gradients):
        total = gradients[0].half() / RANKS
        for gradient in gradients[1:]:
            total += gradient.half() / RANKS
        return total.float()


class PowerSGD:
    """powerSGD_hook of rank 1 with error feedback and warm start. All that it sends is linear in the gradients, so the
    mean gradient and the mean error are enough."""

    def __init__(self, shapes):
        import numpy
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(numpy.random.RandomState(0).randint(1_000_000_000))
            self.parts, begin = [], 0
            for shape in shapes:
                rows, columns = shape[0], shape.numel() // shape[0]
                if 2 * (rows + columns) < rows * columns:
                    self.parts.append((begin, rows, columns, torch.randn(columns, 1)))
                begin += shape.numel()
        self.error = torch.zeros(begin)

    def __call__(self, gradients):
        mean = Mean()(gradients)
        for begin, rows, columns, q in self.parts:
            part = slice(begin, begin + rows * columns)
            mean[part] += self.error[part]
            matrix = mean[part].view(rows, columns).clone()
            p = matrix @ (q / (q.norm() + 1e-8))
            p /= p.norm() + 1e-8
            q.copy_(matrix.T @ p)
            mean[part] = (p @ q.T).view(-1)
            self.error[part] = matrix.view(-1) - mean[part]
        return mean


class Laconic:
    """hook of laconic: an exchange of each rank."""

    def __init__(self, spec, shapes):
        import laconic as lc

        matrices, begin = [], 0
        for shape in shapes:
            if len(shape) > 1:
                matrices.append((begin, shape[0], shape.numel() // shape[0]))
            begin += shape.numel()
        self.exchanges = [lc.Exchange(spec, dim=begin, workers=RANKS, worker=rank, matrices=matrices)
                          for rank in range(RANKS)]

    def __call__(self, gradients):
        import torch

        messages = [exchange.send(each.numpy()) for exchange, each in zip(self.exchanges, gradients)]
        for exchange in self.exchanges:
            for rank, message in enumerate(messages):
                exchange.receive(rank, message)
            estimate = exchange.finish()
        return torch.from_numpy(estimate)


def estimate_of(hook, shapes):
    if hook in ("plain", "fp16"):
        return Mean() if hook == "plain" else Half()
    return PowerSGD(shapes) if hook == torch_hook.POWER else Laconic(hook, shapes)


class Data:
    def __init__(self, net, folder):
        import torch_data

        training, test = torch_data.load(NETS[net], folder)
        self.shards, self.test = shards_of(training), test
        self.rows, self.test_rows = len(training[1]), len(test[1])


class Training:
    """The ranks, in one process."""

    def __init__(self, net, hook, step, seed, shards):
        import torch

        torch.manual_seed(seed)
        self.module = network_of(net)
        self.parameters = order_of(self.module, *(part[:1] for part in shards[0]))
        self.optimizer = optimizer_of(self.module, hook, step)
        self.estimate = estimate_of(hook, [p.shape for p in self.parameters])
        self.draws = [Draw(shard, seed, rank) for rank, shard in enumerate(shards)]
        self.loss = torch.nn.functional.cross_entropy
        self.done = 0

    def one_step(self):
        import torch

        gradients = []
        for draw in self.draws:
            inputs, labels = draw.next()
            self.optimizer.zero_grad()
            self.loss(self.module(inputs), labels).backward()
            gradients.append(torch.cat([p.grad.reshape(-1) for p in self.parameters]))
        estimate = (self.estimate if self.done >= WHOLE else Mean())(gradients)
        for p, part in zip(self.parameters, estimate.split([p.numel() for p in self.parameters])):
            p.grad = part.view_as(p)
        self.optimizer.step()
        self.done += 1

    def evaluated(self, inputs, labels):
        """Mean loss and accuracy."""
        import torch

        loss = right = 0.0
        with torch.no_grad():
            for x, y in zip(inputs.split(250), labels.split(250)):
                outputs = self.module(x)
                loss += self.loss(outputs, y, reduction="sum").item()
                right += (outputs.argmax(1) == y).sum().item()
        return loss / len(labels), right / len(labels)


def train(net, hook, step, seed, steps, data):
    """Pairs of step and loss, and the test accuracy. Ends early where the loss is no number or large."""
    training = Training(net, hook, step, seed, data.shards)
    trace = []
    for done in range(steps + 1):
        if done in EVALUATIONS or done == steps:
            loss = statistics.mean(training.evaluated(inputs[:EVALUATED], labels[:EVALUATED])[0]
                                   for inputs, labels in data.shards)
            trace.append((done, loss))
            if not loss < 10 * trace[0][1]:
                return trace, 0.0
        if done < steps:
            try:
                training.one_step()
            except ValueError:  # laconic refuses gradients that are not finite
                return [*trace, (done, math.inf)], 0.0
    return trace, training.evaluated(*data.test)[1]


def check(net, hooks, folder, arguments):
    """The hooks themselves, in processes, come to the same parameters."""
    import torch
    import torch_data

    shards = shards_of(torch_data.load(NETS[net], folder, rows=3 * EVALUATED)[0])
    with torch_hosts.Ranks(RANKS, on_hosts=False, **arguments) as ranks:
        ranks.ask("read", net=net, folder=folder)
        for hook in hooks:
            theirs = ranks.ask("train", net=net, hook=hook, step=START[0], steps=CHECKED)[0]
            training = Training(net, hook, START[0], 1, shards)
            for _ in range(CHECKED):
                training.one_step()
            worst = max((p.detach().reshape(-1) - torch.tensor(each)).abs().max().item()
                        for p, each in zip(training.module.parameters(), theirs))
            print(f"{net}, {hook}: after {CHECKED} steps the parameters differ by {worst:.2g}", flush=True)
            if worst > TOLERATED.get(hook, 0.0):
                sys.exit(f"{net}, {hook}: one process does not compute what the hook does in three")


class Trained:
    """The runs of a hook at its best step."""

    def __init__(self, net, hook, steps, data):
        self.hook = hook
        tried = {step: train(net, hook, step, SEEDS[0], steps, data) for step in START}
        for _ in range(MOST_GROWTH):
            self.step = min(tried, key=lambda step: last(tried[step][0]))
            if min(tried) < self.step < max(tried):
                break
            grown = self.step * (2 if self.step == max(tried) else 0.5)
            tried[grown] = train(net, hook, grown, SEEDS[0], steps, data)
        self.step = min(tried, key=lambda step: last(tried[step][0]))
        runs = [tried[self.step], *(train(net, hook, self.step, seed, steps, data) for seed in SEEDS[1:])]
        self.traces = [trace for trace, _ in runs]
        self.accuracy = [accuracy for _, accuracy in runs]
        self.ends = [last(trace) for trace in self.traces]
        self.grid = {step: last(trace) for step, (trace, _) in sorted(tried.items())}


def last(trace):
    """The loss at the end: a mean, because single ones are noisy."""
    loss = statistics.mean(loss for _, loss in trace[-LAST:])
    return loss if math.isfinite(loss) else math.inf


def loss_at(trace, step):
    """The loss after a number of steps, which is between two evaluations or after the last one."""
    for (before, old), (after, new) in zip(trace, trace[1:]):
        if step <= after:
            return old + (new - old) * (step - before) / (after - before)
    return trace[-1][1]


def steps_to(trace, target):
    """The steps after which the loss first is the target, or infinity."""
    for (before, old), (after, new) in zip(trace, trace[1:]):
        if new <= target:
            return before + (after - before) * (old - target) / (old - new)
    return math.inf


class Clock:
    """Seconds and bytes of a number of steps on a link."""

    def __init__(self, measured):
        self.begin, self.begin_bytes = measured.begin
        self.step, self.step_bytes = measured.median, statistics.median(measured.sent)

    def seconds(self, steps):
        return self.begin * min(steps / torch_hook.WARM, 1) + self.step * max(steps - torch_hook.WARM, 0)

    def bytes(self, steps):
        return self.begin_bytes * min(steps / torch_hook.WARM, 1) + self.step_bytes * max(steps - torch_hook.WARM, 0)

    def steps(self, seconds):
        if seconds < self.begin:
            return torch_hook.WARM * seconds / self.begin
        return torch_hook.WARM + (seconds - self.begin) / self.step


def shown(values, digits=4):
    mean = statistics.mean(values)
    return f"{mean:.{digits}f} ± {statistics.stdev(values):.{digits}f}" if math.isfinite(mean) else "-"


def amount(value):
    return f"{value:.3g}" if math.isfinite(value) else "not reached"


def row(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def report(net, trained, clocks, steps):
    target = statistics.mean(loss_at(trace, steps / 4) for trace in trained[HOOKS[0]].traces)

    def to_target(hook, measure):
        return statistics.mean(measure(steps_to(trace, target)) for trace in trained[hook].traces)

    row("hook", "step", f"loss after {steps} steps", "test accuracy", "bytes a step", f"MB to a loss of {target:.4f}")
    row("---", *5 * ["---:"])
    for hook, each in trained.items():
        clock = clocks[LINKS[-1], hook]
        row(f"`{hook}`", f"{each.step:g}", shown(each.ends), shown(each.accuracy, 3), f"{clock.step_bytes:.0f}",
            amount(to_target(hook, clock.bytes) / 1e6))
    for link in LINKS:
        equal = min(clocks[link, hook].seconds(steps) for hook in trained)
        losses = {}
        print()
        row(link, "ms a step", f"loss after {equal:.1f} s", f"seconds to a loss of {target:.4f}")
        row("---", *3 * ["---:"])
        for hook, each in trained.items():
            clock = clocks[link, hook]
            losses[hook] = [loss_at(trace, min(clock.steps(equal), steps)) for trace in each.traces]
            row(f"`{hook}`", f"{1e3 * clock.step:.1f}", shown(losses[hook]), amount(to_target(hook, clock.seconds)))
        power = losses.get(torch_hook.POWER)
        for hook in trained:
            if power and hook not in torch_hook.NOT_OURS:
                pairs = sum(a < b for a, b in zip(losses[hook], power))
                ratio = statistics.mean(losses[hook]) / statistics.mean(power)
                print(f"\n{net}, {link}: `{hook}` has {ratio:.2f} of PowerSGD's loss at equal seconds, less with "
                      f"{pairs} of {len(power)} seeds")


def main():
    torch_hosts.serve(Rank)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default="build/python", type=Path)
    parser.add_argument("--data", help="the folder of the data sets")
    parser.add_argument("--nets", default=",".join(NETS))
    parser.add_argument("--hooks", default=";".join(HOOKS), help="with ; between them; the first one is plain")
    parser.add_argument("--steps", default=STEPS, type=int)
    words = parser.parse_args()
    sys.path.insert(0, str(words.folder.resolve()))
    torch_hook.skip_without_torch()
    import torch
    import torch_data

    torch.set_num_threads(1)
    for net in words.nets.split(","):
        try:
            torch_data.load(NETS[net], words.data, rows=1)
        except FileNotFoundError as error:
            hosts.skip(error)
    hosts.go_behind_the_fence()
    hosts.make_hosts(RANKS)
    arguments = {"script": Path(__file__).resolve(), "package": str(words.folder.resolve())}
    hooks = words.hooks.split(";")
    for net in words.nets.split(","):
        begin = time.monotonic()
        check(net, hooks, words.data, arguments)
        setup = {"read": {"net": net, "folder": words.data}}
        found, computes = torch_hook.measure(net, hooks, LINKS, turns=1, begin_on_link=True, setup=setup, **arguments)
        clocks = {key: Clock(steps) for key, steps in found.items()}
        data = Data(net, words.data)
        trained = {}
        for hook in hooks:
            trained[hook] = Trained(net, hook, words.steps, data)
            print(f"{net}, {hook}: step {trained[hook].step:g} of "
                  f"{', '.join(f'{step:g}: {loss:.4f}' for step, loss in trained[hook].grid.items())}", flush=True)
        print(f"\n{net} on {NETS[net]}, {data.rows} training rows and {data.test_rows} test rows; a step that sends "
              f"nothing takes {1e3 * computes:.1f} ms\n")
        report(net, trained, clocks, words.steps)
        print(f"\n{net}: {(time.monotonic() - begin) / 60:.1f} minutes\n", flush=True)


if __name__ == "__main__":
    main()
