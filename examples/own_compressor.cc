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
  // From here on specs may name it.
  register_compressor({"random-block", "random-block(B)",
                       "one of B stretches, times B; unbiased, omega = B - 1",
                       [](const Spec& spec, const CompressorSetting& setting) -> std::unique_ptr<Compressor> {
                         Arguments args(spec);
                         const std::size_t blocks = args.whole("blocks", 1, 1, 0);
                         args.done();
                         return std::make_unique<RandomBlock>(blocks, setting.dim);
                       }});
  ThreadPool pool(2);
  Fleet fleet(pool);
  const auto problem = make_problem(parse("quadratic(d=1000, s=0.8)"), {.clients = 100});
  const Assembly assembly = assemble(parse("marina(random-block(50))"),
                                     {.problem = *problem, .constants = problem->constants(fleet)});
  const auto method = make_method(assembly, resolve(parse_step("theory"), assembly));
  MemoryRecorder trace;
  const Summary summary = solve(*problem, *method, fleet, {.rounds = 20000, .target = 1e-4}, trace);
  std::printf("%s; %.2f Mbit a client\n", summary.reason.c_str(), summary.last.uplink_bits / 1e6);
  return summary.why == Summary::Why::target ? 0 : 1;
}
