// SPDX-License-Identifier: Apache-2.0
// Everything a program needs to run a method on a problem, its own ones too. The rooms, from the ground up:
// core, data, problem, compress, mechanism, network, transport, rounds, report, solve (see ARCHITECTURE.md).
#pragma once

#include "laconic/compress/compressor.h"  // IWYU pragma: export
#include "laconic/compress/wire.h"        // IWYU pragma: export
#include "laconic/core/coin.h"            // IWYU pragma: export
#include "laconic/core/error.h"           // IWYU pragma: export
#include "laconic/core/numbers.h"         // IWYU pragma: export
#include "laconic/core/parallel.h"        // IWYU pragma: export
#include "laconic/core/range.h"           // IWYU pragma: export
#include "laconic/core/rng.h"             // IWYU pragma: export
#include "laconic/core/spec.h"            // IWYU pragma: export
#include "laconic/core/vec.h"             // IWYU pragma: export
#include "laconic/mechanism/mechanism.h"  // IWYU pragma: export
#include "laconic/network/allocation.h"   // IWYU pragma: export
#include "laconic/network/code.h"         // IWYU pragma: export
#include "laconic/network/decoder.h"      // IWYU pragma: export
#include "laconic/network/graph.h"        // IWYU pragma: export
#include "laconic/network/link.h"         // IWYU pragma: export
#include "laconic/network/mixing.h"       // IWYU pragma: export
#include "laconic/network/real_clock.h"   // IWYU pragma: export
#include "laconic/network/rehearsal.h"    // IWYU pragma: export
#include "laconic/network/stragglers.h"   // IWYU pragma: export
#include "laconic/network/turnout.h"      // IWYU pragma: export
#include "laconic/problem/make.h"         // IWYU pragma: export
#include "laconic/problem/oracle.h"       // IWYU pragma: export
#include "laconic/problem/problem.h"      // IWYU pragma: export
#include "laconic/report/trace.h"         // IWYU pragma: export
#include "laconic/rounds/clock.h"         // IWYU pragma: export
#include "laconic/rounds/gossip.h"        // IWYU pragma: export
#include "laconic/rounds/recipes.h"       // IWYU pragma: export
#include "laconic/rounds/scaffold.h"      // IWYU pragma: export
#include "laconic/rounds/served.h"        // IWYU pragma: export
#include "laconic/rounds/star.h"          // IWYU pragma: export
#include "laconic/rounds/theory.h"        // IWYU pragma: export
#include "laconic/solve.h"                // IWYU pragma: export
#include "laconic/transport/fleet.h"      // IWYU pragma: export
