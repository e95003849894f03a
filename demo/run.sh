#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the sweep of demo.toml and draws its figure: test accuracy against the bits that a client has sent.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=runs/demo
labels='gd=SGD;ef21-sgdm(top-k(10%), eta=0.3)=EF21-SGDM;fedavg(steps=20)=FedAvg;fedadam(steps=20)=FedAdam'
labels+=';scaffnew(steps=20)=Scaffnew;diloco(steps=20, weight-decay=0)=DiLoCo'
labels+=';fedavg(steps=20, compressor=ef(top-k(1%)))=FedAvg of the top 1 %'
labels+=';sparseloco(steps=20, inner=sgd)=SparseLoCo'

build/laconic sweep demo/demo.toml "out=$out" --force
build/laconic plot "$out" x=uplink_bits y=test_accuracy names=ends yrange=0.6:0.82 "labels=$labels" \
  title='Fashion-MNIST on 20 clients, each method at its best step' "out=$out/bits.svg" >/dev/null
echo "-> $out/bits.svg"
