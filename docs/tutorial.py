#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tutorial of the Python package: EF21 against DIANA on your own data, with a compressor of your own.

After `make python` in the folder of laconic:

    build/venv/bin/python docs/tutorial.py

It takes some ten seconds and writes compare.pdf, log.csv and the folder runs/compare. Read it from top to bottom, and
copy what you need. docs/python.md is the guide to everything else.
"""
import csv

import matplotlib

matplotlib.use("Agg")  # figures go to files; leave this line out in a notebook

import numpy as np

import laconic as lc

# 1. Your own data
#
# Ten clients hold 100 rows each, as NumPy arrays: A[i] has the features of client i and b[i] its labels, -1 or 1. Here
# the rows are drawn. The columns differ in their size, and every client has a model of its own near a common one, so
# that the clients are heterogeneous.

rng = np.random.default_rng(1)
clients, rows, d = 10, 100, 50
sizes = 3 * np.arange(1, d + 1) ** -0.75
common = rng.standard_normal(d)

A, b = [], []
for i in range(clients):
    A.append(sizes * rng.standard_normal((rows, d)))
    model = common + rng.standard_normal(d)
    b.append(np.where(A[i] @ model + 0.3 * rng.standard_normal(rows) > 0, 1.0, -1.0))


# 2. Your own problem
#
# f is the mean over the clients of f_i, and f_i is the mean loss over the rows of client i. `value_gradient` returns
# f_i(x) and its gradient. `rows` selects rows of the client: slice(None) for all of them, or positions where a method
# takes minibatches. Indexing an array serves both cases.
#
# `constants` is optional. The theorems of the methods need it for their step sizes. The largest eigenvalue of A'A/4m is
# the smoothness constant of the logistic loss, and the ridge adds its own.

class Logistic(lc.Problem):
    dim = d
    shards = clients  # one for each client
    ridge = 0.01
    is_convex = True

    def rows(self, i):
        return len(b[i])

    def value_gradient(self, i, rows, x):
        features, labels = A[i][rows], b[i][rows]
        margin = labels * (features @ x)
        value = np.logaddexp(0, -margin).mean() + self.ridge / 2 * (x @ x)
        slope = labels * (np.tanh(margin / 2) - 1) / 2  # the derivative of log(1 + exp(-margin))
        return value, features.T @ slope / len(labels) + self.ridge * x

    def constants(self):
        def smoothness(features):
            return np.linalg.norm(features, 2) ** 2 / (4 * len(features)) + self.ridge

        L = np.array([smoothness(features) for features in A])  # of each client
        mean = np.sqrt(np.mean(L ** 2))
        return {"L_minus": smoothness(np.concatenate(A)), "L_plus": mean, "L_tilde": mean, "L_max": L.max(),
                "mu": self.ridge, "f_lower": 0}


problem = Logistic()

# 3. A first run
#
# The arguments are the keys of the command line. Without `step` a run takes the step of the method's theorem. A result
# says what happened. Its trace is a dict of arrays, with a value for each evaluated round.

for method in ("ef21(top-k(5))", "diana(rand-k(5))"):
    run = lc.run(problem=problem, method=method, rounds=300)
    print(run)
    print(f"  step {run.step:.4g}, {run.trace['uplink_bits'][-1]:.0f} bits sent by a client,",
          f"|grad f|^2 fell from {run.trace['grad_norm_sq'][0]:.1e} to {run.trace['grad_norm_sq'][-1]:.1e}")

# Steps of theorems hold for every function with these constants, and are short. `theory` has the details.

theory = lc.theory(problem=problem, method="ef21(top-k(5))")
print(f"\n{theory.theorems['theory']['name']}: step = {theory.theorems['theory']['step_rule']} = {theory.step:.4g}")

# 4. Your own compressor
#
# It sends the largest coordinates that together hold half of |x|^2, as few as possible. So |C(x) - x|^2 <= |x|^2 / 2:
# it is contractive with alpha = 1/2 for every d. A function makes bytes of a vector, and another one makes the vector
# of the bytes. From then on `half` is a compressor like any other.


def encode(x):
    order = np.argsort(-np.abs(x))
    energy = np.cumsum(x[order] ** 2)
    count = np.searchsorted(energy, energy[-1] / 2) + 1
    kept = order[:count]
    return kept.astype("<u2").tobytes() + x[kept].astype("<f4").tobytes()


def decode(data, dim):
    count = len(data) // 6  # 2 bytes for each position, 4 for each value
    y = np.zeros(dim)
    y[np.frombuffer(data[:2 * count], "<u2")] = np.frombuffer(data[2 * count:], "<f4")
    return y


lc.register_compressor("half", encode, decode, alpha=0.5, summary="the largest coordinates with half of |x|^2")

# It also works on arrays, without any run. `m` is bytes-like: send it as you like.

half = lc.compressor("half", dim=d)
m = half.encode(common)
y = lc.decode(m, dim=d)
print(f"\nhalf sends {len(m)} bytes for {d} numbers; |C(x) - x|^2 / |x|^2 = "
      f"{np.sum((y - common) ** 2) / np.sum(common ** 2):.2f}")

# 5. A fair comparison
#
# In a fair comparison each method has its best step. A sweep tries multiples of the theorem's step until the gradient
# meets the target, and scores the bits that a client has sent by then. A list is an axis of the grid, as braces are.
# With grow=True it tries more steps where the best one is the last of the list.

sweep = lc.sweep(problem=problem, method=["gd", "diana(rand-k(5))", "ef21(top-k(5))", "ef21(half)"],
                 step="theory*{2^0..2^7}", grow=True, target=1e-5, rounds=600, out="runs/compare", force=True)
print(f"\n{sweep.table}\n")

bits = {best["method"]: best["score"] for best in sweep.best}
print(f"EF21 with Top-5 sends {bits['gd'] / bits['ef21(top-k(5))']:.1f} times fewer bits than gradient descent,",
      f"and {bits['diana(rand-k(5))'] / bits['ef21(top-k(5))']:.1f} times fewer than DIANA with Rand-5")

# `sweep.to_pandas()` has a line for each run, if pandas is there, and runs/compare has all of it in files.
# `lc.load("runs/compare")` gets the sweep back.

# 6. The figure for the paper
#
# Run the best settings once more, for their traces. `plot` has the colours and markers of the program's figures, and
# returns Axes of matplotlib, to change as you like.

runs = [lc.run(problem=problem, method=best["method"], step=best["step"], target=1e-5, rounds=600)
        for best in sweep.best]
ax = runs[0].plot(*runs[1:], x="uplink_bits", y="grad_norm_sq")
ax.set_title("Logistic regression, 10 heterogeneous clients")
ax.set_xscale("log")
ax.figure.savefig("compare.pdf")

# 7. A log of your own
#
# A callback gets the round and a dict of the columns, for each evaluated row. This one writes a CSV file. A logger of
# another library takes the same two arguments.

with open("log.csv", "w", newline="") as file:
    log = csv.writer(file)
    log.writerow(["round", "uplink_bits", "grad_norm_sq"])
    lc.run(problem=problem, method="ef21(half)", step="theory*8", rounds=150, eval_every=10,
           callback=lambda round, row: log.writerow([round, row["uplink_bits"], row["grad_norm_sq"]]))

# 8. Minibatches
#
# With batch=10 every gradient is that of 10 random rows of the client. Then `value_gradient` gets their positions.

noisy = lc.run(problem=problem, method="ef21-sgdm(top-k(5), eta=0.1)", batch=10, step=0.2, rounds=300, seed=1)
print(f"\nwith minibatches: |grad f|^2 = {noisy.trace['grad_norm_sq'][-1]:.1e} after {noisy.trace['round'][-1]} rounds")
