// SPDX-License-Identifier: Apache-2.0
// Laws of exchanges: the rounds of a run by hand, and states in floats.
#include "laconic/rounds/exchange.h"

#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/compress/compressor.h"
#include "laconic/core/error.h"
#include "laconic/methods/exchange_plan.h"
#include "laconic/transport/transport.h"
#include "tests/rounds/method_runs.h"

namespace laconic::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr std::size_t kDim = 20;
constexpr std::size_t kClients = 5;

ExchangeSetting setting_with(Wire wire) { return {.dim = kDim, .clients = kClients, .wire = wire}; }

/// The rows of the table of methods that an exchange has.
std::vector<const char*> rows_of_exchanges() {
  std::vector<const char*> rows;
  for (const char* row : kMethods) {
    if (up_to_next_key(row, 0) != row) continue;
    try {
      plan_of_exchange(parse(row), setting_with(Wire::f32));
      rows.push_back(row);
    } catch (const InputError&) {
    }
  }
  return rows;
}

/// All clients of a run, each as one process would hold it.
template <class Value>
class Processes {
 public:
  Processes(const ClientPlan& plan, std::uint64_t seed) {
    for (std::uint32_t i = 0; i < kClients; ++i)
      all_.push_back(std::make_unique<Exchange<Value>>(plan, kDim, kClients, i, seed));
  }

  Exchange<Value>& operator[](std::size_t i) { return *all_[i]; }

  /// One round; expects the same estimate and checksum on all processes.
  std::vector<Value> round(const std::vector<std::vector<Value>>& gradients) {
    std::vector<Message> said(kClients);
    for (std::size_t i = 0; i < kClients; ++i) all_[i]->send(gradients[i], said[i]);
    std::vector<Value> mean(kDim);
    for (std::size_t i = 0; i < kClients; ++i) {
      for (std::uint32_t k = 0; k < kClients; ++k) all_[i]->receive(k, said[k]);
      std::vector<Value> own(kDim);
      all_[i]->finish(own);
      if (i == 0) mean = own;
      EXPECT_EQ(own, mean);
      EXPECT_EQ(all_[i]->checksum(), all_[0]->checksum());
    }
    return mean;
  }

 private:
  std::vector<std::unique_ptr<Exchange<Value>>> all_;
};

class ExchangeMethods : public ::testing::TestWithParam<const char*> {};

TEST_P(ExchangeMethods, InDoublesTheRoundsOfARunBitForBit) {
  constexpr double kStep = 0.01;
  for (const Wire wire : {Wire::f32, Wire::f64}) {
    const ClientPlan plan = plan_of_exchange(parse(GetParam()), setting_with(wire));
    const Job job{.problem = "quadratic(d=20, s=0.8)",
                  .method = GetParam(),
                  .clients = kClients,
                  .step = fmt::format("{}", kStep),
                  .rounds = 12,
                  .seed = 3,
                  .wire = wire};
    const auto problem = problem_of(job);
    Processes<double> processes(plan, 3);
    Vector x(kDim);
    problem->start(x);
    for (std::size_t t = 0; t < job.rounds; ++t) {
      std::vector<Vector> gradients(kClients, Vector(kDim));
      for (std::size_t i = 0; i < kClients; ++i)
        problem->value_gradient(i, Rows::everything(), x, gradients[i]);
      axpy(-kStep, processes.round(gradients), x);
    }
    EXPECT_EQ(train(job).x, x);
  }
}

TEST_P(ExchangeMethods, FloatsGiveTheBytesOfTheSameNumbersInDoubles) {
  for (const Wire wire : {Wire::f32, Wire::f64}) {
    const ClientPlan plan = plan_of_exchange(parse(GetParam()), setting_with(wire));
    const Mechanism& mechanism = *plan.mechanism;
    Stream stream = Key{.seed = 11}.stream(Purpose::data);
    const auto drawn = [&](std::size_t length) {
      std::vector<float> v(length);
      for (float& entry : v) entry = static_cast<float>(stream.uniform() - 0.5);
      return v;
    };
    const auto wide = [](const std::vector<float>& v) { return Vector(v.begin(), v.end()); };
    for (std::uint32_t round = 0; round < 6; ++round) {
      const std::vector<float> x = drawn(kDim), h = drawn(kDim), y = drawn(kDim), e = drawn(kDim);
      const Vector numbers = wide(drawn(mechanism.keeps()));
      const Vector wide_h = wide(h), wide_y = wide(y), wide_e = wide(e);
      const Key key{.seed = 5, .round = round, .client = 2};
      Message of_floats, of_doubles;
      mechanism.encode_floats(key, {h, y, e, numbers}, x, of_floats);
      mechanism.encode(key, {wide_h, wide_y, wide_e, numbers}, wide(x), of_doubles);
      EXPECT_EQ(of_floats.bytes, of_doubles.bytes);
    }
  }
}

TEST_P(ExchangeMethods, InFloatsTheStateIsThatOfDoublesUpToRounding) {
  const ClientPlan plan = plan_of_exchange(parse(GetParam()), setting_with(Wire::f32));
  // Small whole numbers: sums of them, halves and quarters have no rounding in floats for some rounds.
  Processes<float> floats(plan, 3);
  Processes<double> doubles(plan, 3);
  Stream stream = Key{.seed = 11}.stream(Purpose::data);
  for (int t = 0; t < 2; ++t) {
    std::vector<std::vector<float>> gradients(kClients, std::vector<float>(kDim));
    std::vector<Vector> wide(kClients);
    for (std::size_t i = 0; i < kClients; ++i) {
      for (float& g : gradients[i]) g = static_cast<float>(stream.below(64)) + 1;
      wide[i].assign(gradients[i].begin(), gradients[i].end());
    }
    const std::vector<float> a = floats.round(gradients);
    const Vector b = doubles.round(wide);
    for (std::size_t j = 0; j < kDim; ++j) EXPECT_NEAR(a[j], b[j], 1e-5 * std::sqrt(norm_sq(b)) + 1e-12);
  }
}

TEST_P(ExchangeMethods, GoesOnFromItsState) {
  const ClientPlan plan = plan_of_exchange(parse(GetParam()), setting_with(Wire::f32));
  Processes<float> whole(plan, 3);
  Processes<float> second(plan, 3);
  Stream stream = Key{.seed = 13}.stream(Purpose::data);
  for (int t = 0; t < 8; ++t) {
    std::vector<std::vector<float>> gradients(kClients, std::vector<float>(kDim));
    for (auto& g : gradients) {
      for (float& entry : g) entry = static_cast<float>(stream.uniform());
    }
    const std::vector<float> mean = whole.round(gradients);
    if (t > 3) {
      EXPECT_EQ(second.round(gradients), mean);
      continue;
    }
    if (t < 3) continue;
    for (std::size_t i = 0; i < kClients; ++i) {
      auto from = whole[i].state();
      auto to = second[i].state();
      const auto write = [](const auto& vectors, const auto& copies) {
        ASSERT_EQ(vectors.size(), copies.size());
        for (std::size_t k = 0; k < vectors.size(); ++k)
          std::copy(vectors[k].begin(), vectors[k].end(), copies[k].begin());
      };
      write(from.client, to.client);
      write(from.server, to.server);
      std::copy(from.numbers.begin(), from.numbers.end(), to.numbers.begin());
      second[i].resume(whole[i].round(), whole[i].checksum());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ExchangeMethods, ::testing::ValuesIn(rows_of_exchanges()));

TEST(ExchangePlan, TakesTheStarMethodsWithOneGradientARound) {
  EXPECT_EQ(rows_of_exchanges().size(), 49U);  // of the table of methods
}

TEST(ExchangePlan, ACompressorAloneIsErrorFeedbackOrDirect) {
  for (const auto& [spec, method] : {std::pair{"sign", "ef(sign)"},
                                     {"top-k(10%)", "ef(top-k(10%))"},
                                     {"low-rank(2)", "ef(low-rank(2))"},
                                     {"qsgd(4)", "dcgd(qsgd(4))"},
                                     {"one-bit", "dcgd(one-bit)"},
                                     {"identity", "dcgd(identity)"},
                                     {"ef21(sign)", "ef21(sign)"}})
    EXPECT_EQ(print(method_of_exchange(parse(spec), setting_with(Wire::f32))), method);
}

TEST(ExchangePlan, RefusesWithTheReason) {
  const auto plan = [](const std::string& spec, std::optional<double> momentum = {}) {
    return [=] { plan_of_exchange(parse(spec), {.dim = kDim, .clients = kClients, .momentum = momentum}); };
  };
  EXPECT_THAT(plan("vr-diana(rand-k(3), batch=1)"), ThrowsMessage<InputError>(HasSubstr("two points")));
  EXPECT_THAT(plan("dasha-mvr(rand-k(3), batch=1, b=0.3)"),
              ThrowsMessage<InputError>(HasSubstr("two points")));
  EXPECT_THAT(plan("pp-marina(rand-k(3), sample=2)"), ThrowsMessage<InputError>(HasSubstr("every round")));
  EXPECT_THAT(plan("ef21-hb(top-k(3), beta=0.5)"), ThrowsMessage<InputError>(HasSubstr("optimiser")));
  EXPECT_THAT(plan("ef21-bc(top-k(3), top-k(3))"), ThrowsMessage<InputError>(HasSubstr("server sends")));
  EXPECT_THAT(plan("local-sgd(steps=2)"), ThrowsMessage<InputError>(HasSubstr("local steps")));
  EXPECT_THAT(plan("coco-ef(redundancy=2)"), ThrowsMessage<InputError>(HasSubstr("each other's data")));
  EXPECT_THAT(plan("ef21(rand-k(3))"), ThrowsMessage<InputError>(HasSubstr("contractive")));
  EXPECT_THAT(plan("ef22(top-k(3))"), ThrowsMessage<InputError>(HasSubstr("did you mean")));
  EXPECT_THAT(plan("ef21(top-k(3))", 1.0), ThrowsMessage<InputError>(HasSubstr("momentum = 1")));
  EXPECT_THAT(plan("ef21-sgdm(top-k(3))", 0.5), ThrowsMessage<InputError>(HasSubstr("leave momentum out")));
}

TEST(ExchangePlan, MomentumIsTheRunningMeanOfEf21Sgdm) {
  const ExchangeSetting plain = setting_with(Wire::f32);
  ExchangeSetting with_momentum = plain;
  with_momentum.momentum = 0.75;
  Processes<double> a(plan_of_exchange(parse("ef21-sgdm(top-k(3), eta=0.25)"), plain), 1);
  Processes<double> b(plan_of_exchange(parse("ef21(top-k(3))"), with_momentum), 1);
  Stream stream = Key{.seed = 17}.stream(Purpose::data);
  for (int t = 0; t < 5; ++t) {
    std::vector<Vector> gradients(kClients, Vector(kDim));
    for (Vector& g : gradients) {
      for (double& entry : g) entry = stream.uniform();
    }
    EXPECT_EQ(a.round(gradients), b.round(gradients));
  }
}

TEST(Exchange, RefusesCallsOutOfOrder) {
  const ClientPlan plan = plan_of_exchange(parse("ef21(top-k(3))"), setting_with(Wire::f32));
  Exchange<float> exchange(plan, kDim, kClients, 1, 1);
  std::vector<float> g(kDim, 1);
  Message said;
  g[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT([&] { exchange.send(g, said); }, ThrowsMessage<InputError>(HasSubstr("not finite in round 0")));
  g[3] = 2;
  exchange.send(g, said);
  EXPECT_THAT([&] { exchange.send(g, said); },
              ThrowsMessage<InputError>(HasSubstr("round 0 has its message")));
  EXPECT_THAT([&] { exchange.receive(1, said); }, ThrowsMessage<InputError>(HasSubstr("need 0")));
  exchange.receive(0, said);
  EXPECT_THAT([&] { exchange.finish(g); }, ThrowsMessage<InputError>(HasSubstr("1 of 5 workers")));
  EXPECT_THAT([&] { return exchange.state(); }, ThrowsMessage<InputError>(HasSubstr("round 0 is open")));
  for (std::uint32_t i = 1; i < kClients; ++i) exchange.receive(i, said);
  EXPECT_THAT([&] { exchange.receive(5, said); }, ThrowsMessage<InputError>(HasSubstr("has all messages")));
  exchange.finish(g);
  EXPECT_EQ(exchange.round(), 1U);
}

TEST(Exchange, IsOfNoUseAfterABadMessage) {
  const ClientPlan plan = plan_of_exchange(parse("ef21(top-k(3))"), setting_with(Wire::f32));
  Exchange<float> exchange(plan, kDim, kClients, 1, 1);
  std::vector<float> g(kDim, 1);
  EXPECT_THROW(exchange.receive(0, Message{{1, 2, 3}}), RunError);
  Message said;
  EXPECT_THAT([&] { exchange.send(g, said); }, ThrowsMessage<RunError>(HasSubstr("failed in round 0")));
  exchange.resume(0, 0);
  EXPECT_NO_THROW(exchange.send(g, said));
}

TEST(Exchange, TheChecksumTellsStatesApart) {
  const ClientPlan plan = plan_of_exchange(parse("ef21(top-k(3))"), setting_with(Wire::f32));
  Processes<float> a(plan, 1);
  Processes<float> b(plan, 1);
  std::vector<std::vector<float>> gradients(kClients, std::vector<float>(kDim, 1));
  a.round(gradients);
  gradients[4][7] = 3;
  b.round(gradients);
  EXPECT_NE(a[0].checksum(), b[0].checksum());
}

}  // namespace
}  // namespace laconic::testing
