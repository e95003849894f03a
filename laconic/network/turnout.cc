// SPDX-License-Identifier: Apache-2.0
#include "laconic/network/turnout.h"

namespace laconic {
namespace {

class Everyone final : public Turnout {
 public:
  explicit Everyone(std::size_t workers) {
    const double weight = 1.0 / static_cast<double>(workers);
    for (std::size_t i = 0; i < workers; ++i) shares_.push_back({static_cast<std::uint32_t>(i), weight});
  }

  const std::vector<Share>& draw(const Key& /*common*/) override { return shares_; }

 private:
  std::vector<Share> shares_;
};

}  // namespace

std::unique_ptr<Turnout> everyone(std::size_t workers) { return std::make_unique<Everyone>(workers); }

}  // namespace laconic
