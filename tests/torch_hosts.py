# SPDX-License-Identifier: Apache-2.0
"""Ranks of DistributedDataParallel as processes that a parent commands: on hosts of hosts.py, or on loopback.

The parent makes `Ranks` and asks; each rank answers, on its standard input and output, a line of JSON for each command.
Links can be shaped between two commands, so that what is built once is timed on several links. A script with commands
of its own subclasses `Rank`, and calls `serve()` first.
"""
import hashlib
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import traceback
from pathlib import Path

# Before PyTorch is imported here or in a rank: one thread, and the kernels of the BLAS that are for this machine.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
os.environ.pop("OPENBLAS_CORETYPE", None)

ONE_BUCKET = 1024  # MiB. PowerSGD of PyTorch 1.13 aborts on gloo where there are several buckets.

# Layers of fully connected networks. The names are their numbers of parameters, in millions.
WIDTHS = {"2.5": (784, 1024, 1024, 640, 10), "25": (784, 3072, 3072, 3200, 1024, 10)}


class Failed(RuntimeError):
    """A rank raised an error, or ended."""


class Ranks:
    """`count` processes, one on each host, or all on loopback. Use it in `with`. `package`: the folder of the built
    package, unless PYTHONPATH has it."""

    def __init__(self, count, on_hosts, script=__file__, package=None):
        self.count = count
        address = "10.0.0.1" if on_hosts else "127.0.0.1"
        with socket.create_server(("", 0)) as free:  # on a host no port is taken
            port = free.getsockname()[1]
        path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
        environment = os.environ | {"GLOO_SOCKET_IFNAME": "eth0" if on_hosts else "lo", "PYTHONPATH": path}
        self.processes = []
        for rank in range(count):
            host = ["ip", "netns", "exec", f"host{rank}"] if on_hosts else []
            words = ["--rank", str(rank), str(count), f"tcp://{address}:{port}"]
            command = [*host, sys.executable, "-B", str(script), *words]
            self.processes.append(subprocess.Popen(command, env=environment, text=True, stdin=subprocess.PIPE,
                                                   stdout=subprocess.PIPE))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.stdin.close()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:  # it waits for a rank that has failed
                process.kill()
                process.wait()
            process.stdout.close()

    def ask(self, command, **arguments):
        """The answers of all ranks, in their order."""
        return self.answers(range(self.count), command, arguments)

    def ask_first(self, command, **arguments):
        """The answer of rank 0. The others do nothing."""
        return self.answers([0], command, arguments)[0]

    def answers(self, ranks, command, arguments):
        line = json.dumps([command, arguments]) + "\n"
        try:
            for rank in ranks:
                self.processes[rank].stdin.write(line)
                self.processes[rank].stdin.flush()
        except BrokenPipeError:
            raise Failed(f"{command}: a rank has ended") from None
        answers = [self.processes[rank].stdout.readline() for rank in ranks]
        for rank, answer in zip(ranks, answers):
            if not answer:
                raise Failed(f"{command}: rank {rank} has ended")
        answers = [json.loads(answer) for answer in answers]
        for rank, answer in zip(ranks, answers):
            if "error" in answer:
                raise Failed(f"{command} {arguments}: rank {rank}: {answer['error']}")
        return [answer["value"] for answer in answers]


def serve(rank_class):
    """Where this process was started by `Ranks`: carries out its commands, and ends. Else returns at once."""
    if sys.argv[1:2] != ["--rank"]:
        return
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    rank = rank_class(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    for line in sys.stdin:
        command, arguments = json.loads(line)
        try:
            answer = {"value": getattr(rank, command)(**arguments)}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
    os._exit(0)  # without waiting for peers that may be dead


class Rank:
    """The commands. Each trains a network on rows of its own."""

    batch = 16  # rows of a step

    def __init__(self, rank, count, address):
        import torch
        import torch.distributed as dist

        torch.set_num_threads(1)
        dist._DEFAULT_FIRST_BUCKET_BYTES = ONE_BUCKET << 20
        dist.init_process_group("gloo", init_method=address, rank=rank, world_size=count)
        self.rank, self.count = rank, count
        self.interface = os.environ["GLOO_SOCKET_IFNAME"]

    def build(self, net, hook, step=0.01, momentum=0.0, seed=1):
        """A network with a hook, at its start. The hook has sent nothing yet."""
        import torch

        torch.manual_seed(seed)
        self.module = self.network(net)
        self.loss = torch.nn.functional.cross_entropy
        self.model = torch.nn.parallel.DistributedDataParallel(self.module, bucket_cap_mb=ONE_BUCKET)
        self.state = register(self.model, hook)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=step, momentum=momentum)
        self.draw = torch.Generator().manual_seed(1000 * seed + self.rank)
        self.choose_data(net)
        return sum(p.numel() for p in self.module.parameters())

    def network(self, net):
        import torch

        widths = WIDTHS[net]
        layers = []
        for inputs, outputs in zip(widths, widths[1:]):
            layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
        return torch.nn.Sequential(*layers[:-1])

    def choose_data(self, net):
        """The same drawn rows in each step: the time of a step has nothing else in it."""
        import torch

        widths = WIDTHS[net]
        self.rows = (torch.randn(self.batch, widths[0], generator=self.draw),
                     torch.randint(widths[-1], (self.batch,), generator=self.draw))

    def next_rows(self):
        return self.rows

    def one_step(self):
        inputs, targets = self.next_rows()
        self.optimizer.zero_grad()
        self.loss(self.model(inputs), targets).backward()
        self.optimizer.step()

    def steps(self, count, untimed=0):
        """The seconds of each step, and for one step on the average: bytes by the counter of the interface and by the
        hook, and processor seconds. On loopback the counter has the bytes of all ranks."""
        for _ in range(untimed):
            self.one_step()
        self.meet()
        seconds, sent, said, cpu = [], self.counter(), self.said(), time.process_time()
        for _ in range(count):
            begin = time.perf_counter()
            self.one_step()
            seconds.append(time.perf_counter() - begin)
        cpu = time.process_time() - cpu
        self.meet()
        return {"seconds": seconds, "cpu": cpu / count, "sent": (self.counter() - sent) / count,
                "said": None if self.state is None else (self.said() - said) / count}

    def computing(self, count):
        """The median of the seconds of a step that sends nothing."""
        with self.model.no_sync():
            seconds = []
            for _ in range(count):
                begin = time.perf_counter()
                self.one_step()
                seconds.append(time.perf_counter() - begin)
        return statistics.median(seconds)

    def digest(self):
        """Equal on two ranks where all parameters are the same bits."""
        digest = hashlib.sha256()
        for p in self.module.parameters():
            digest.update(p.detach().numpy().tobytes())
        return digest.hexdigest()

    def difference_to_the_mean(self):
        """max |g - m| / max |m|, where g is the gradient that the hook gives and m the mean of those of the ranks."""
        import torch
        import torch.distributed as dist

        inputs, targets = self.next_rows()
        self.optimizer.zero_grad()
        with self.model.no_sync():
            self.loss(self.model(inputs), targets).backward()
        own = torch.cat([p.grad.reshape(-1) for p in self.module.parameters()])
        dist.all_reduce(own)
        mean = own / self.count
        self.optimizer.zero_grad()
        self.loss(self.model(inputs), targets).backward()
        given = torch.cat([p.grad.reshape(-1) for p in self.module.parameters()])
        return ((given - mean).abs().max() / mean.abs().max()).item()

    def exchange(self, spec, net, count):
        """Milliseconds of processor time, medians: of an exchange's encoding and decoding in one step, and of a pass
        that reads the gradient once, and reads and writes the state once."""
        import numpy
        import laconic as lc

        parameters = list(self.network(net).parameters())
        begins = numpy.cumsum([0, *(p.numel() for p in parameters)])
        matrices = [(int(begin), p.shape[0], p.numel() // p.shape[0]) for begin, p in zip(begins, parameters)
                    if p.dim() > 1]
        dim = int(begins[-1])
        sides = [lc.Exchange(spec, dim=dim, workers=self.count, worker=i, matrices=matrices) for i in range(self.count)]
        draw = numpy.random.default_rng(1)
        gradient = draw.standard_normal(dim).astype(numpy.float32)
        out = numpy.empty_like(gradient)
        state = numpy.ones(sides[0].nbytes // 4, numpy.float32)
        ours, passes = [], []
        for _ in range(count):
            others = [side.send(gradient) for side in sides[1:]]
            begin = time.process_time()
            messages = [sides[0].send(gradient), *others]
            for worker, message in enumerate(messages):
                sides[0].receive(worker, message)
            sides[0].finish(out)
            ours.append(time.process_time() - begin)
            for side in sides[1:]:
                for worker, message in enumerate(messages):
                    side.receive(worker, message)
                side.finish()
            begin = time.process_time()
            numpy.add(state[:dim], gradient, out=state[:dim])
            numpy.multiply(state[dim:], 0.9, out=state[dim:])
            passes.append(time.process_time() - begin)
        return {"ours": 1e3 * statistics.median(ours), "pass": 1e3 * statistics.median(passes),
                "state": sides[0].nbytes / dim}

    def meet(self):
        import torch.distributed as dist

        dist.barrier()

    def said(self):
        return 0 if self.state is None else self.state.bytes_sent

    def counter(self):
        for line in Path("/proc/self/net/dev").read_text().splitlines():
            name, _, numbers = line.partition(":")
            if name.strip() == self.interface:
                return int(numbers.split()[8])
        raise RuntimeError(f"no interface {self.interface}")


def register(model, hook):
    """The state of a hook of laconic, or None."""
    from torch.distributed.algorithms.ddp_comm_hooks import default_hooks, powerSGD_hook as power

    if hook == "plain":
        return None
    if hook == "fp16":
        model.register_comm_hook(None, default_hooks.fp16_compress_hook)
        return None
    if hook.startswith("PowerSGD"):
        state = power.PowerSGDState(None, matrix_approximation_rank=int(hook.split()[-1]), start_powerSGD_iter=2,
                                    orthogonalization_epsilon=1e-8)
        model.register_comm_hook(state, power.powerSGD_hook)
        return None
    import laconic.torch

    state = laconic.torch.HookState(hook)
    model.register_comm_hook(state, laconic.torch.hook)
    return state


if __name__ == "__main__":
    serve(Rank)
