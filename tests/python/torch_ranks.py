# SPDX-License-Identifier: Apache-2.0
"""Processes for the tests of laconic.torch: the ranks of a gloo group on this machine, and what they train."""
import multiprocessing
import os
import pathlib
import tempfile

import torch
from torch import distributed as dist

from support import PATIENCE

# Ranks are forks of a process that has imported PyTorch and done nothing else.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["laconic.torch", "support"])


class Raised(str):
    """The type and the text of an exception of a rank."""


def run_ranks(function, ranks, *arguments, leaving=()):
    """What function(rank, *arguments) returns on each rank of a group; Raised where it raises, None where it dies.

    A rank stays alive until all have returned, unless it is one of `leaving`.
    """
    with tempfile.TemporaryDirectory() as folder:
        pipes, processes = [], []
        for rank in range(ranks):
            ours, theirs = _processes.Pipe()
            pipes.append(ours)
            given = (function, rank, ranks, folder, theirs, rank not in leaving, arguments)
            processes.append(_processes.Process(target=_be_rank, args=given))
            processes[-1].start()
            theirs.close()
        try:
            return [_result_of(pipe, rank) for rank, pipe in enumerate(pipes)]
        finally:
            for pipe in pipes:
                pipe.close()
            for process in processes:
                process.join(PATIENCE)
                process.kill()


def values_of(results):
    """The results of ranks none of which has raised or died."""
    for rank, result in enumerate(results):
        assert result is not None and not isinstance(result, Raised), f"rank {rank}: {result}"
    return results


def raised_by(function, *arguments):
    """The exception of a call as a Raised, else None."""
    try:
        function(*arguments)
    except Exception as error:
        return Raised(f"{type(error).__name__}: {error}")
    return None


def _result_of(pipe, rank):
    assert pipe.poll(PATIENCE), f"rank {rank} hangs"
    try:
        return pipe.recv()
    except EOFError:
        return None


def _be_rank(function, rank, ranks, folder, pipe, stays, arguments):
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=(pathlib.Path(folder) / "meeting").as_uri(), rank=rank,
                            world_size=ranks)
    results = []
    raised = raised_by(lambda: results.append(function(rank, *arguments)))
    pipe.send(raised or results[0])
    try:
        while stays:
            pipe.recv()
    except EOFError:  # all have returned
        pass


# A small network, and its data.

def network(*further):
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(6, 10), *further, torch.nn.Tanh(), torch.nn.Linear(10, 12),
                               torch.nn.Tanh(), torch.nn.Linear(12, 4))


def optimizer_of(model):
    return torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.5)


def loss_at(model, rank, step):
    """The loss on the data of a rank in a step."""
    generator = torch.Generator().manual_seed(1000 * step + rank)
    inputs = torch.randn(8, 6, generator=generator)
    targets = torch.randint(4, (8,), generator=generator)
    return torch.nn.functional.cross_entropy(model(inputs), targets)


def bits_of(tensors):
    return b"".join(t.detach().numpy().tobytes() for t in tensors)
