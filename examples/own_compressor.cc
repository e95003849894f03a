// SPDX-License-Identifier: Apache-2.0
// A compressor of one's own, in a method put together from its parts.
#include <cstdio>
#include <numeric>

#include "laconic/laconic.h"
using namespace laconic;

/// One of `blocks` stretches of the vector, each as likely, times `blocks`: unbiased, omega = blocks - 1.
class RandomBlock final : public Compressor {
 public:
  RandomBlock(std::size_t blocks, Setting setting) : blocks_(blocks), setting_(setting) {}

  void compress(const Key& key, View x, Message& out) const override {
    const Range block = block_of(x.size(), key.stream(Purpose::compressor).below(blocks_), blocks_);
    std::vector<std::uint32_t> support(block.size());
    std::iota(support.begin(), support.end(), static_cast<std::uint32_t>(block.begin));
    Vector values(x.begin() + block.begin, x.begin() + block.end);
    scale(static_cast<double>(blocks_), values);
    // One of the formats of compress/wire.h, which every reader knows.
    write_sparse(setting_.wire, x.size(), support, values, out);
  }

  Bound bound() const override {
    const double omega = static_cast<double>(blocks_ - 1);
    const double floats = static_cast<double>(setting_.dim) / static_cast<double>(blocks_);
    return {.omega = omega,
            .density = floats,
            .floats = floats,
            .A = omega / static_cast<double>(setting_.workers)};
  }

 private:
  std::size_t blocks_;
  Setting setting_;
};

int main() {
  ThreadPool pool(2);
  Fleet fleet(pool);
  const std::size_t clients = 100, blocks = 50;
  const auto problem = make_problem(parse("quadratic(d=1000, s=0.8)"), {.clients = clients});
  const Setting setting{.dim = problem->dim(), .workers = clients};

  // MARINA: the difference of two gradients by our compressor, or, with probability p, a gradient as it is.
  auto compressor = std::make_unique<RandomBlock>(blocks, setting);
  const SharedCoin coin{1.0 / blocks};
  const Theorem theorem = marina_theorem(*problem->constants(fleet), compressor->bound(), coin.p);
  const auto method = make_star(*problem,
                                {.oracle = full_gradients(*problem),
                                 .mechanism = restarting(difference(std::move(compressor)),
                                                         make_compressor(parse("identity"), setting), coin),
                                 .turnout = everyone(clients)},
                                {.step = 4 * theorem.step});

  MemoryRecorder trace;
  const Summary summary = solve(*problem, *method, fleet, {.rounds = 5000, .target = 1e-4}, trace);
  std::printf("%s; %.2f Mbit a client\n", summary.reason.c_str(), summary.last.uplink_bits / 1e6);
  return summary.why == Summary::Why::target ? 0 : 1;
}
