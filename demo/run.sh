#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Softmax regression on Fashion-MNIST, 100 clients: how many bits does each method send to reach a given
# gradient? Every method runs with the step that its theorem allows, and with the same multiple of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

multiple=4
laconic=build/laconic
out=runs/demo

runs=()
run() {  # run NAME METHOD ROUNDS
  local name=$1 method=$2 rounds=$3 step folder
  for step in theory "theory*$multiple"; do
    folder=$out/$name-${step/\*/-times-}  # runs/demo/marina-perm-k-theory-times-4
    echo "== $method, step $step"
    "$laconic" run "problem=softmax(fashion-mnist)" clients=100 "method=$method" "step=$step" "rounds=$rounds" \
      "out=$folder" --force
    runs+=("$folder")
  done
}

# A round of gd sends twenty times as many bits as one of rand-k(5%), so gd needs fewer rounds to use its
# bits.
run gd 'gd' 25
run diana-rand-k 'diana(rand-k(5%))' 90
run marina-rand-k 'marina(rand-k(5%))' 90
run marina-perm-k 'marina(perm-k)' 90

echo
"$laconic" plot "${runs[@]}" x=uplink_bits y=grad_norm_sq "out=$out/bits.svg"
