#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A Slurm job: one run on four machines, with one process on each machine and one thread on each of its processors.
#   sbatch examples/slurm.sh                                       the run below
#   sbatch examples/slurm.sh problem=... method=... rounds=...     another run
#   sbatch examples/slurm.sh resume runs/slurm-17                  job 17, which was cancelled or ran out of time
# Submit the job in the folder that holds build/laconic. All machines must see this folder.
# Each process reads the rows of its own clients. The first process writes the results to runs/slurm-JOB.
# The run writes a checkpoint every minute. It also writes one when it receives SIGTERM, and then ends. Slurm sends
# SIGTERM two to three minutes before the time limit, and when the job is cancelled or requeued.
# A job that is requeued, for instance because a machine failed, goes on from its last checkpoint.
#SBATCH --job-name=laconic
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=01:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

export LACONIC_DATA=${LACONIC_DATA:-$HOME/data}
out=runs/slurm-$SLURM_JOB_ID  # a requeued job has the same number

if [[ ${1-} == resume ]]; then
  words=("$@")
elif [[ -e $out/run.toml ]]; then
  words=(resume "$out")
else
  [[ $# -gt 0 ]] || set -- problem='logistic(w8a, lambda=0.1, reg=nonconvex)' clients=64 method='marina(rand-k(1%))' rounds=2000
  words=(run "$@" threads="$SLURM_CPUS_PER_TASK" checkpoint-every=60s out="$out")
fi

# Open MPI finds the other processes by PMIx. Where `srun --mpi=list` does not show pmix, use mpirun in place of srun.
srun --mpi=pmix --cpus-per-task="$SLURM_CPUS_PER_TASK" build/laconic "${words[@]}"
