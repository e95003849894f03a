#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The training of torch_mnist.py, with the same options, of a small convolutional network on CIFAR-10.

    torchrun --nproc_per_node 3 examples/torch_cifar.py --hook "ef21-sgdm(top-k(1%), eta=0.1)" --steps 1000
    torchrun --nproc_per_node 2 examples/torch_cifar.py --hook sign --step 0.02
"""
import torch

import torch_mnist


def network():
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, kernel_size=5, stride=2, padding=2), torch.nn.ReLU(),
        torch.nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1), torch.nn.ReLU(),
        torch.nn.Flatten(), torch.nn.Linear(32 * 8 * 8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))


if __name__ == "__main__":
    torch_mnist.main("cifar10", network, step=0.05)
