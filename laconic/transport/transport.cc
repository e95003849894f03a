// SPDX-License-Identifier: Apache-2.0
#include "laconic/transport/transport.h"

#include "laconic/core/error.h"

namespace laconic {
namespace {

class Alone final : public Transport {
 public:
  std::size_t rank() const override { return 0; }
  std::size_t size() const override { return 1; }

 private:
  void move(std::span<const ByteView> /*to*/, std::span<const MutByteView> /*from*/) override {}
};

}  // namespace

void Transport::exchange(std::span<const ByteView> to, std::span<const MutByteView> from) {
  check(to.size() == size() && from.size() == size(), "an exchange has one entry a rank");
  move(to, from);
  for (std::size_t r = 0; r < size(); ++r) {
    if (r == rank()) continue;
    traffic_.sent += to[r].size();
    traffic_.received += from[r].size();
  }
}

void Transport::gather(ByteView mine, std::span<const MutByteView> from) {
  same_.assign(size(), mine);
  exchange(same_, from);
}

std::unique_ptr<Transport> alone() { return std::make_unique<Alone>(); }

}  // namespace laconic
