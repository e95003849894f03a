// SPDX-License-Identifier: Apache-2.0
// A user-defined compressor, used in MARINA.
#include <cstdio>

#include "laconic/laconic.h"
using namespace laconic;

/// Sends one of `blocks` blocks of the vector, chosen uniformly, times `blocks`: unbiased, omega = blocks -
/// 1.
class RandomBlock final : public Compressor {
 public:
  RandomBlock(std::size_t blocks, std::size_t dim) : blocks_(blocks), dim_(dim) {}

  void compress(const Key& key, View x, Message& out) const override {
    const IndexSet block = block_of(dim_, key.stream(Purpose::compressor).below(blocks_), blocks_);
    const std::vector<std::uint32_t> support(block.begin(), block.end());
    Vector values;
    for (const std::uint32_t j : support) values.push_back(static_cast<double>(blocks_) * x[j]);
    write_sparse(Wire::f32, dim_, support, values, out);  // a format of message/wire.h
  }
  Bound bound() const override {
    const double floats = static_cast<double>(dim_) / static_cast<double>(blocks_);
    return {.omega = static_cast<double>(blocks_ - 1), .density = floats, .floats = floats};
  }

 private:
  std::size_t blocks_, dim_;
};

int main() {
  const auto problem = make_problem(parse("quadratic(d=1000, s=0.8)"), {.clients = 100});
  const auto identity = [&] { return make_compressor(parse("identity"), {.dim = 1000, .workers = 100}); };
  ThreadPool pool(2);
  Fleet fleet(pool);
  // Sends compressed differences of gradients, or with probability 1/50 the uncompressed gradient.
  const auto method = make_star(*problem,
                                {.oracle = full_gradients(*problem),
                                 .mechanism = restarting(difference(std::make_unique<RandomBlock>(50, 1000)),
                                                         identity(), SharedCoin{0.02}),
                                 .participation = everyone(100)},
                                {.step = 0.25});
  MemoryRecorder trace;
  const Summary summary = solve(*problem, *method, fleet, {.rounds = 5000, .target = 1e-4}, trace);
  std::printf("%s; %.2f Mbit a client\n", summary.reason.c_str(), summary.last.uplink_bits / 1e6);
  return summary.why == Summary::Why::target ? 0 : 1;
}
