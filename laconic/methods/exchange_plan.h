// SPDX-License-Identifier: Apache-2.0
// The plan of an exchange (rounds/exchange.h), by the name of a star method or of a compressor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "laconic/core/matrix_block.h"
#include "laconic/core/spec.h"
#include "laconic/message/message.h"
#include "laconic/rounds/client_side.h"

namespace laconic {

struct ExchangeSetting {
  std::size_t dim = 0;
  std::size_t clients = 0;
  Wire wire = Wire::f32;
  std::vector<MatrixBlock> blocks = {};  // the matrices of the vector, as Problem::blocks()
  /// m: before the mechanism a client takes the running mean v <- m v + (1 - m) g of its gradients, which
  /// starts at the first gradient. 0 <= m < 1.
  std::optional<double> momentum = {};
};

/// The description of the method that a spec means here: a star method itself; for a compressor C, ef(C) if it
/// is contractive, else dcgd(C).
Spec method_of_exchange(const Spec& spec, const ExchangeSetting& setting);

/// What the clients of the method send. InputError, with the reason, for unknown names and arguments out of
/// range, and for methods that need more than the gradient of every client at one point in every round.
ClientPlan plan_of_exchange(const Spec& spec, const ExchangeSetting& setting);

}  // namespace laconic
