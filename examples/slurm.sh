#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A Slurm job: one run on four machines, one process a machine, all of its processors as threads.
#   sbatch examples/slurm.sh
# Every process keeps the rows of its own clients; the first one writes the results. The folder `runs` must be one that all
# machines see. A job that is requeued, because a machine failed or was needed elsewhere, goes on from its last checkpoint.
#SBATCH --job-name=laconic
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=01:00:00
#SBATCH --requeue
set -euo pipefail

export LACONIC_DATA=${LACONIC_DATA:-$HOME/data}
out=runs/slurm-$SLURM_JOB_ID  # the same when the job is requeued

if [[ -e $out/run.toml ]]; then
  words=(resume "$out")
else
  words=(run problem='logistic(w8a, lambda=0.1, reg=nonconvex)' clients=64 method='marina(rand-k(1%))' rounds=5000
    threads="$SLURM_CPUS_PER_TASK" checkpoint-every=60s out="$out")
fi

# Open MPI speaks PMIx with Slurm. A Slurm without it (see `srun --mpi=list`) runs the same words under mpirun.
srun --mpi=pmix --cpus-per-task="$SLURM_CPUS_PER_TASK" build/laconic "${words[@]}"
