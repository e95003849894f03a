#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Softmax regression on Fashion-MNIST, 100 clients: how many bits does each method say to reach a given gradient?
# Every method runs with the step its theorem allows, and with one and the same larger multiple of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rounds=200
multiple=16
laconic=build/laconic
out=runs/demo

declare -A methods=(
  [gd]='gd'
  [diana-rand-k]='diana(rand-k(5%))'
  [marina-rand-k]='marina(rand-k(5%))'
  [marina-perm-k]='marina(perm-k)'
)

for name in gd diana-rand-k marina-rand-k marina-perm-k; do
  for step in theory "theory*$multiple"; do
    run=$name${step#theory}      # marina-perm-k, marina-perm-k*16
    run=${run/\*/-times-}
    echo "== ${methods[$name]}, step $step"
    "$laconic" run "problem=softmax(fashion-mnist)" clients=100 "method=${methods[$name]}" \
      "step=$step" rounds=$rounds out="$out/$run" --force
  done
done

"$laconic" plot "$out"/*/ x=uplink_bits y=grad_norm_sq out="$out/bits.svg"
