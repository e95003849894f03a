// SPDX-License-Identifier: Apache-2.0
#include "laconic/network/stragglers.h"

#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic {
namespace {

/// Each worker by itself; drawn anew every `rounds` rounds.
class Bernoulli final : public Stragglers {
 public:
  Bernoulli(std::vector<double> p, std::size_t workers, std::size_t rounds)
      : p_(std::move(p)), workers_(workers), rounds_(rounds) {}

  void draw(const Key& common, std::vector<std::uint32_t>& answering) const override {
    answering.clear();
    Key key{.seed = common.seed, .round = static_cast<std::uint32_t>(common.round / rounds_)};
    for (std::size_t i = 0; i < workers_; ++i) {
      key.worker = static_cast<std::uint32_t>(i);
      if (key.stream(Purpose::straggler).uniform() >= late(i)) answering.push_back(key.worker);
    }
  }
  double late(std::size_t worker) const override { return p_[worker % p_.size()]; }

 private:
  std::vector<double> p_;
  std::size_t workers_;
  std::size_t rounds_;
};

class Fixed final : public Stragglers {
 public:
  Fixed(std::size_t late, std::size_t workers) : late_(late), workers_(workers) {}

  void draw(const Key& common, std::vector<std::uint32_t>& answering) const override {
    Stream stream = common.stream(Purpose::straggler);
    draw_distinct(stream, workers_, workers_ - late_, answering);
  }
  double late(std::size_t /*worker*/) const override {
    return static_cast<double>(late_) / static_cast<double>(workers_);
  }

 private:
  std::size_t late_;
  std::size_t workers_;
};

double probability(Arguments& arguments, double p) {
  if (!(p >= 0 && p < 1)) arguments.fail(fmt::format("p = {}; need 0 <= p < 1", p));
  return p;
}

std::unique_ptr<Stragglers> bernoulli(Arguments& arguments, std::size_t workers) {
  std::vector<double> p = {probability(
      arguments, arguments.required_number("p", 0, "\"p\" is missing: a probability such as 0.2"))};
  while (const auto next = arguments.number(fmt::format("p{}", p.size() + 1), p.size())) {
    p.push_back(probability(arguments, *next));
  }
  return std::make_unique<Bernoulli>(std::move(p), workers, 1);
}

std::unique_ptr<Stragglers> sticky(Arguments& arguments, std::size_t workers) {
  const double p = probability(
      arguments, arguments.required_number("p", 0, "\"p\" is missing: a probability such as 0.2"));
  const std::size_t rounds = arguments.whole("rounds", 10, 1, 1);
  return std::make_unique<Bernoulli>(std::vector<double>{p}, workers, rounds);
}

std::unique_ptr<Stragglers> fixed(Arguments& arguments, std::size_t workers) {
  if (arguments.find("count", 0) == nullptr)
    arguments.fail("\"count\" is missing: how many are late, such as 2");
  const std::size_t late = arguments.whole("count", 0, 0, 0);
  if (late >= workers) arguments.fail(fmt::format("count = {}; need count < {}, the clients", late, workers));
  return std::make_unique<Fixed>(late, workers);
}

constexpr StragglersRow kModels[] = {
    {"bernoulli", "bernoulli(P), bernoulli(P1, P2, ...)",
     "each client is late with probability P in each round; of several, client i takes its turn among them",
     bernoulli},
    {"sticky", "sticky(P, ROUNDS=10)", "the same, drawn anew every so many rounds only", sticky},
    {"fixed", "fixed(COUNT)", "so many clients are late in each round, any of them equally likely", fixed},
};

}  // namespace

std::optional<double> common_lateness(const Stragglers& stragglers, std::size_t workers) {
  for (std::size_t i = 1; i < workers; ++i) {
    if (stragglers.late(i) != stragglers.late(0)) return {};
  }
  return stragglers.late(0);
}

std::span<const StragglersRow> straggler_models() { return kModels; }

std::unique_ptr<Stragglers> make_stragglers(const Spec& spec, std::size_t workers) {
  const StragglersRow& row = row_named(spec, "straggler model", straggler_models());
  Arguments arguments(spec);
  auto stragglers = row.make(arguments, workers);
  arguments.done();
  return stragglers;
}

}  // namespace laconic
