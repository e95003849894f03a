// SPDX-License-Identifier: Apache-2.0
// The kernel: everything a program needs to run a method on a problem, in one process or under MPI, its own
// compressors, methods and problems included. Configs, sweeps and advice: laconic/experiment/experiment.h and
// the rooms above it.
#pragma once

#include "laconic/compress/compressor.h"          // IWYU pragma: export
#include "laconic/core/coin.h"                    // IWYU pragma: export
#include "laconic/core/error.h"                   // IWYU pragma: export
#include "laconic/core/index_set.h"               // IWYU pragma: export
#include "laconic/core/parallel.h"                // IWYU pragma: export
#include "laconic/core/range.h"                   // IWYU pragma: export
#include "laconic/core/rng.h"                     // IWYU pragma: export
#include "laconic/core/spec.h"                    // IWYU pragma: export
#include "laconic/core/vec.h"                     // IWYU pragma: export
#include "laconic/cost/clock.h"                   // IWYU pragma: export
#include "laconic/cost/link.h"                    // IWYU pragma: export
#include "laconic/mechanism/mechanism.h"          // IWYU pragma: export
#include "laconic/message/wire.h"                 // IWYU pragma: export
#include "laconic/methods/exchange_plan.h"        // IWYU pragma: export
#include "laconic/methods/methods.h"              // IWYU pragma: export
#include "laconic/methods/parts.h"                // IWYU pragma: export
#include "laconic/methods/theorem.h"              // IWYU pragma: export
#include "laconic/participation/aggregator.h"     // IWYU pragma: export
#include "laconic/participation/allocation.h"     // IWYU pragma: export
#include "laconic/participation/attack.h"         // IWYU pragma: export
#include "laconic/participation/code.h"           // IWYU pragma: export
#include "laconic/participation/decoder.h"        // IWYU pragma: export
#include "laconic/participation/participation.h"  // IWYU pragma: export
#include "laconic/participation/real_clock.h"     // IWYU pragma: export
#include "laconic/participation/stragglers.h"     // IWYU pragma: export
#include "laconic/problem/make.h"                 // IWYU pragma: export
#include "laconic/problem/oracle.h"               // IWYU pragma: export
#include "laconic/problem/problem.h"              // IWYU pragma: export
#include "laconic/report/trace.h"                 // IWYU pragma: export
#include "laconic/rounds/exchange.h"              // IWYU pragma: export
#include "laconic/rounds/gossip.h"                // IWYU pragma: export
#include "laconic/rounds/local.h"                 // IWYU pragma: export
#include "laconic/rounds/scaffold.h"              // IWYU pragma: export
#include "laconic/rounds/star.h"                  // IWYU pragma: export
#include "laconic/served/faults.h"                // IWYU pragma: export
#include "laconic/served/served.h"                // IWYU pragma: export
#include "laconic/solve.h"                        // IWYU pragma: export
#include "laconic/topology/graph.h"               // IWYU pragma: export
#include "laconic/topology/mixing.h"              // IWYU pragma: export
#include "laconic/transport/fleet.h"              // IWYU pragma: export
#include "laconic/transport/mpi.h"                // IWYU pragma: export
