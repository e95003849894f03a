# SPDX-License-Identifier: Apache-2.0
"""The goals of all benchmarks, and how a script gives its ratios to table.py.

The name of a figure is that of its benchmark, a blank, and what the ratio is: `count_signs ratio`. Lower is better
unless the script says otherwise."""
import json
import os

FILE = "LACONIC_BENCH_FIGURES"  # the environment variable with the file that takes a line for each ratio

GOALS = {
    # Times of vectorised sums of the input, 1e7 doubles.
    "top_k/normal ratio": 2.5,
    "top_k/few_levels ratio": 4,
    "memory_step ratio": 4,
    "natural/f32 ratio": 5,
    "dithering/qsgd_4 ratio": 6,
    # Of reading the messages once.
    "count_signs ratio": 1.7,
    # Full gradients, of the two sparse products in them.
    "linear_gradient/logistic_w8a/20 ratio_to_two_products": 0.28,
    "linear_gradient/logistic_a9a/20 ratio_to_two_products": 0.40,
    "linear_gradient/logistic_ijcnn1/20 ratio_to_two_products": 0.42,
    # 80 % and 70 % of the speed of Eigen's two products.
    "softmax_gradient ratio_to_eigen_products": 1.25,
    "autoencoder_gradient/fashion_mnist_two_double ratio_to_eigen_products": 1.43,
    # Whole rounds, of their gradients.
    "round_against_gradients/ef21_a9a ratio_to_gradients": 1.10,
    # Rounds a second, of those of SciPy.
    "scipy_rounds/ef21_a9a ratio_to_scipy": 3.0,
    # Steps a second, of those of PyTorch.
    "torch_mlp/mnist/32 ratio_to_pytorch": 3.0,
    "torch_mlp/fashion-mnist/32 ratio_to_pytorch": 2.2,
    "torch_mlp/mnist/512 ratio_to_pytorch": 1.3,
    "torch_mlp/fashion-mnist/512 ratio_to_pytorch": 1.3,
    # Rounds over links, of the transfer alone.
    "network/gd ratio_to_transfer": 1.2,
    "network/marina(rand-k(1%), p=1e-9) ratio_to_transfer": 1.5,
    # A letter of 100 MB on a link, of its bound.
    "sites/long ratio_to_link": 1.03,
    # Steps of DistributedDataParallel by hook, with 2.5 and 25 million parameters.
    "torch_hook/2.5/100mbit/ef21-sgdm(top-k(1%), eta=0.1) ratio_to_PowerSGD": 1.5,
    "torch_hook/2.5/100mbit/ef21-sgdm(top-k(1%), eta=0.1) ratio_to_plain": 1 / 40,
    "torch_hook/2.5/100mbit/low-rank(1) ratio_to_PowerSGD": 1.1,
    "torch_hook/25/100mbit/ef21-sgdm(top-k(1%), eta=0.1) ratio_to_PowerSGD": 0.8,
}
for hook in ("ef21-sgdm(top-k(1%), eta=0.1)", "sign", "low-rank(1)", "qsgd(64)"):
    GOALS[f"torch_hook/2.5/loopback/{hook} ratio_to_plain"] = 1.3
    for size in ("2.5", "25"):  # encoding and decoding, of passes over the state and the gradient
        GOALS[f"torch_hook/{size}/{hook} ratio_to_passes"] = 2


def give(figure, ratio, better="lower"):
    """Gives a ratio to table.py, if it runs this script. `better`: lower or higher."""
    if FILE in os.environ:
        with open(os.environ[FILE], "a", encoding="utf8") as file:
            file.write(json.dumps({"figure": figure, "ratio": ratio, "better": better}) + "\n")


def met(ratio, goal, better="lower"):
    return "met" if (ratio <= goal if better == "lower" else ratio >= goal) else "not met"
