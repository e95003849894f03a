#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains a network on MNIST in several processes, which exchange compressed gradients; then computes the same training
as a run of laconic with a modelled clock of the link. So the real and the modelled seconds stand side by side.

    torchrun --nproc_per_node 3 examples/torch_mnist.py --hook "ef21-sgdm(top-k(1%), eta=0.1)"
    torchrun --nproc_per_node 3 examples/torch_mnist.py --local 20            # LocalSGD: an exchange every 20 steps

On several machines torchrun takes --nnodes and --rdzv_endpoint too; --mbit is the speed of their links. The torchrun of
PyTorch 1.13 needs --redirects 9:1 --tee 9:1 under Python 3.11. MNIST is in a folder of LACONIC_DATA, or in --data.
"""
import argparse
import copy
import statistics
import time

import numpy as np
import torch
import torch.distributed as dist
from torch.nn.functional import cross_entropy

import laconic as lc
import torch_data


def network():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))


def main(data, network, step):
    parser = argparse.ArgumentParser()
    parser.add_argument("--hook", help="a method or a compressor of laconic (docs/training.md)")
    parser.add_argument("--local", type=int, help="exchange after so many local steps, and not in each step")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--step", type=float, default=step, help="the learning rate")
    parser.add_argument("--batch", type=int, default=32, help="rows of a process in a step")
    parser.add_argument("--rows", type=int, help="use only the first rows of the training set")
    parser.add_argument("--data", help="the folder of the data set")
    parser.add_argument("--mbit", type=float, default=100, help="Mbit/s of the modelled links")
    words = parser.parse_args()
    if words.hook is None and words.local is None:
        words.hook = "ef21-sgdm(top-k(1%), eta=0.1)"

    dist.init_process_group("gloo")
    rank, ranks = dist.get_rank(), dist.get_world_size()
    torch.set_num_threads(1)
    torch.manual_seed(1)  # the same network everywhere
    module = network()
    start = copy.deepcopy(module)
    (inputs, labels), test = torch_data.load(data, words.data, words.rows)
    shards = [(inputs[i::ranks], labels[i::ranks]) for i in range(ranks)]

    # This is all that laconic needs: three lines more than in a training loop of PyTorch.
    optimizer = torch.optim.SGD(module.parameters(), lr=words.step)
    if words.local:
        model = module
        state = lc.torch.LocalSGD(module, optimizer, steps=words.local, compressor=words.hook)
    else:
        model = torch.nn.parallel.DistributedDataParallel(module)
        state = lc.torch.HookState(words.hook)
        model.register_comm_hook(state, lc.torch.hook)

    own_inputs, own_labels = shards[rank]
    draw = torch.Generator().manual_seed(rank)
    begin = time.perf_counter()
    for _ in range(words.steps):
        rows = torch.randint(len(own_labels), (words.batch,), generator=draw)
        optimizer.zero_grad()
        cross_entropy(model(own_inputs[rows]), own_labels[rows]).backward()
        (state if words.local else optimizer).step()
    seconds = time.perf_counter() - begin

    if rank == 0:
        problem = lc.torch.problem(start, cross_entropy, shards, test=test)
        x = torch.nn.utils.parameters_to_vector(module.parameters()).detach().double().numpy()
        loss = statistics.mean(problem.value_gradient(i, slice(None), x)[0] for i in range(ranks))
        print(f"{data}, {ranks} processes, {words.steps} steps, {method_of(words, problem.dim)}")
        print(f"{'':22}{'loss':>8}{'test accuracy':>15}{'sent':>12}{'seconds':>9}")
        print(f"{'real':22}{loss:8.4f}{problem.accuracy(x):15.3f}{state.bytes_sent / 1e6:9.2f} MB{seconds:9.2f}")
        run = model_it(words, problem, ranks)
        sent = run.trace["uplink_bits"][-1] / 8e6 * (ranks - 1)  # to each of the others
        print(f"{f'modelled, {words.mbit:g} Mbit/s':22}{run.trace['f'][-1]:8.4f}{run.trace['test_accuracy'][-1]:15.3f}"
              f"{sent:9.2f} MB{run.trace['network_seconds'][-1]:9.2f}")
    dist.barrier()  # the other ranks wait for the model
    dist.destroy_process_group()


def method_of(words, dim):
    """The method of laconic that is the same training."""
    if words.local:
        return f"local-sgd(steps={words.local}" + (f", compressor=ef({words.hook}))" if words.hook else ")")
    try:
        alpha = lc.compressor(words.hook, dim=dim).alpha
    except lc.InputError:  # a method
        return words.hook
    return f"ef({words.hook})" if alpha else f"dcgd({words.hook})"


def model_it(words, problem, ranks):
    """The same training as a run. A client's message goes over its link ranks - 1 times: once to each other one."""
    x, times = problem.start(), []
    for _ in range(10):
        begin = time.perf_counter()
        problem.value_gradient(0, np.arange(words.batch), x)
        times.append((time.perf_counter() - begin) / words.batch)
    rounds = words.steps // (words.local or 1)
    return lc.run(problem=problem, method=method_of(words, problem.dim), step=words.step, batch=words.batch,
                  rounds=rounds, eval_every=rounds, network=f"up={words.mbit / (ranks - 1)}mbit, latency=0.1ms",
                  compute=f"{1e6 * statistics.median(times)}us", threads=1, progress=False)


if __name__ == "__main__":
    main("mnist", network, step=0.1)
