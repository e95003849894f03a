// SPDX-License-Identifier: Apache-2.0
// Arguments that a C++ program may pass to laconic. If parts are missing or do not fit together, there is an
// exception before any computation, or in the round that detects it; never a run of another method.
#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/laconic.h"
#include "laconic/rounds/local.h"
#include "laconic/transport/mailbox.h"

namespace laconic::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr std::size_t kClients = 4;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

std::unique_ptr<Problem> quadratic_of(std::size_t clients = kClients) {
  return make_problem(parse("quadratic(d=12, s=0.8)"), {.clients = clients});
}

/// Expects the exception for parts that do not fit together, with these words.
template <class Act>
void expect_check(Act&& act, const std::string& words) {
  EXPECT_THAT(std::forward<Act>(act), ThrowsMessage<std::logic_error>(HasSubstr(words)));
}
/// Expects the exception for a value out of range, with these words.
template <class Act>
void expect_input_error(Act&& act, const std::string& words) {
  EXPECT_THAT(std::forward<Act>(act), ThrowsMessage<InputError>(HasSubstr(words)));
}

/// A rule of nodes that mixes into a vector that it does not have.
class MixesTooMuch final : public NodeRule {
 public:
  std::vector<Mix> mixes(double /*step*/) const override { return {{.into = 1}}; }
  std::size_t gradients(std::size_t /*t*/) const override { return 0; }
  void compute(const NodeRound& /*at*/, std::span<Vector> /*own*/,
               std::span<Vector> /*said*/) const override {}
};

class Interface : public ::testing::Test {
 protected:
  [[nodiscard]] CompressorPtr compressor(const std::string& spec) const {
    return make_compressor(parse(spec), {.dim = problem_->dim(), .clients = kClients});
  }
  /// The parts of gd.
  [[nodiscard]] StarParts star_parts() const {
    return {.oracle = full_gradients(*problem_),
            .mechanism = direct(compressor("identity")),
            .participation = everyone(kClients)};
  }
  [[nodiscard]] StarParts star_parts(MechanismPtr mechanism,
                                     std::unique_ptr<Participation> participation) const {
    StarParts parts = star_parts();
    parts.mechanism = std::move(mechanism);
    parts.participation = std::move(participation);
    return parts;
  }
  std::unique_ptr<Method> star(StarParts parts, double step = 0.1) const {
    return make_star(*problem_, std::move(parts), {.step = step});
  }
  [[nodiscard]] LocalParts local_parts() const {
    return {.oracle = full_gradients(*problem_),
            .participation = everyone(kClients),
            .compressor = compressor("identity")};
  }
  std::unique_ptr<Method> local(const LocalParts& parts, const LocalOptions& options) const {
    return make_local(*problem_, parts, options);
  }
  [[nodiscard]] static std::shared_ptr<const MixingPlan> ring(std::size_t nodes = kClients) {
    return std::make_shared<MixingPlan>(
        make_mixing(parse("metropolis"), make_topology(parse("ring"), {.nodes = nodes})));
  }
  [[nodiscard]] GossipParts gossip_parts() const {
    return std::get<GossipParts>(assemble(parse("d-sgd"), {.problem = *problem_, .mixing = ring()}).parts);
  }
  std::unique_ptr<Method> gossip(GossipParts parts, const GossipOptions& options) const {
    return make_gossip(*problem_, std::move(parts), options);
  }
  void solve_some(Method& method, std::size_t rounds = 3) {
    MemoryRecorder trace;
    solve(*problem_, method, fleet_, {.rounds = rounds}, trace);
  }

  Vector point_after(Method& method, std::size_t rounds) {
    solve_some(method, rounds);
    return {method.point().begin(), method.point().end()};
  }

  std::unique_ptr<Problem> problem_ = quadratic_of();
  ThreadPool pool_{2};
  Fleet fleet_{pool_};
};

/// An oracle that calls a function of the test.
class Own final : public Oracle {
 public:
  explicit Own(std::function<void()> look) : look_(std::move(look)) {}
  Measured gradient(const Key& /*key*/, View /*x*/, MutView g) const override {
    fill(g, 1);
    look_();
    return {};
  }
  void hessian_vector(const Key& /*key*/, View /*x*/, View /*v*/, MutView /*out*/) const override {}
  std::size_t calls(const Key& /*key*/) const override { return 1; }
  bool exact() const override { return false; }

 private:
  std::function<void()> look_;
};

TEST_F(Interface, AnOracleThatSolvesNeedsThreadsOfItsOwn) {
  const auto with_oracle = [&](std::function<void()> look) {
    StarParts parts = star_parts();
    parts.oracle = std::make_unique<Own>(std::move(look));
    const auto method = star(std::move(parts));
    solve_some(*method);
  };
  const auto inner = [&](Fleet& fleet) {
    const auto method = star(star_parts());
    MemoryRecorder trace;
    solve(*problem_, *method, fleet, {.rounds = 1}, trace);
  };
  expect_check([&] { with_oracle([&] { inner(fleet_); }); }, "one loop at a time");
  std::atomic<int> solved = 0;
  with_oracle([&] {
    ThreadPool pool(1);
    Fleet fleet(pool);
    inner(fleet);
    ++solved;
  });
  EXPECT_EQ(solved, 4 * kClients);
}

TEST_F(Interface, PartsOfAStarAreThere) {
  for (const auto& take : std::vector<std::function<void(StarParts&)>>{
           [](StarParts& parts) { parts.oracle.reset(); }, [](StarParts& parts) { parts.mechanism.reset(); },
           [](StarParts& parts) { parts.participation.reset(); }}) {
    StarParts parts = star_parts();
    take(parts);
    expect_check([&] { star(std::move(parts)); }, "needs");
  }
  expect_check([&] { direct(nullptr); }, "null");
  expect_check([&] { memory(nullptr, 1); }, "null");
  expect_check([&] { feedback(nullptr, 1); }, "null");
  expect_check([&] { difference(nullptr); }, "null");
  expect_check([&] { lazy(nullptr, 1); }, "null");
  expect_check([&] { refined(nullptr, compressor("identity")); }, "null");
  expect_check([&] { refined(whole(Wire::f32), nullptr); }, "null");
  expect_check([&] { restarting(nullptr, compressor("identity"), {0.5}); }, "null");
  expect_check([&] { restarting(whole(Wire::f32), nullptr, {0.5}); }, "null");
  expect_check([&] { on_coin({0.5}, nullptr, full_gradients(*problem_)); }, "on_coin needs");
  expect_check([&] { on_coin({0.5}, full_gradients(*problem_), nullptr); }, "on_coin needs");
  expect_check([&] { coded(nullptr, share_code(no_redundancy(kClients))); }, "coded needs");
  expect_check([&] { answers(nullptr, by_count()); }, "answers needs");
  expect_check([&] { answers(make_stragglers(parse("fixed(1)"), kClients), nullptr); }, "answers needs");
  expect_check([&] { by_expectation(nullptr, kClients); }, "by_expectation needs");
}

TEST_F(Interface, PartsOfOtherMethodsAreThere) {
  const LocalOptions options{.step = 0.1};
  EXPECT_NO_THROW(local(local_parts(), options));
  for (const auto& take : std::vector<std::function<void(LocalParts&)>>{
           [](LocalParts& parts) { parts.oracle.reset(); },
           [](LocalParts& parts) { parts.participation.reset(); },
           [](LocalParts& parts) { parts.compressor.reset(); },
           [](LocalParts& parts) { parts.outer.reset(); }, [](LocalParts& parts) { parts.inner.reset(); },
           [](LocalParts& parts) { parts.steps = 0; }, [](LocalParts& parts) { parts.scaling.emplace(); }}) {
    LocalParts parts = local_parts();
    take(parts);
    expect_check([&] { local(parts, options); }, "needs");
  }
  LocalParts scaled = local_parts();
  scaled.scaling = ScalingPlan{.scaling = {.row = &scalings()[0], .beta = 0.9, .alpha = 0.01}};
  EXPECT_NO_THROW(local(scaled, options));
  scaled.scaling->refresh = 0;
  expect_check([&] { local(scaled, options); }, "refresh >= 1");
  scaled.scaling->refresh = 1;
  scaled.inner = adamw({});
  expect_check([&] { local(scaled, options); }, "takes no scale");
  for (const double beta : {0.0, 1.0}) {
    expect_check([&] { inner_momentum(beta, Between::reset); }, "0 < beta < 1");
  }
  expect_check([&] { inner_momentum(0.5, Between::kept); }, "averaged or reset");
  LocalParts remembering = local_parts();
  remembering.inner = inner_momentum(0.5, Between::reset);
  remembering.participation = sampled(kClients, 2);
  expect_check([&] { local(remembering, options); }, "all clients must take part");
  LocalParts streaming = local_parts();
  streaming.steps = 4;
  streaming.fragments = FragmentPlan{.count = 2};
  streaming.inner = inner_momentum(0.5, Between::averaged);
  expect_check([&] { local(streaming, options); }, "a memory that stays at its client");
  streaming.inner = proximal_inner(0.1);
  expect_check([&] { local(streaming, options); }, "no point at which they start");
  LocalParts controlled = local_parts();
  controlled.control = ControlPlan{};
  controlled.senders = true;
  expect_check([&] { local(controlled, options); }, "the mean over all clients");
  LocalParts repeating = local_parts();
  repeating.mechanism = feedback(compressor("top-k(2)"), 1);
  repeating.participation = sample_unless({0}, kClients, 2);
  expect_check([&] { local(repeating, options); }, "at most once in a round");

  expect_check([&] { gossip({.oracle = nullptr, .mixing = ring()}, {.step = 0.1}); }, "needs an oracle");
  expect_check([&] { gossip({.oracle = full_gradients(*problem_)}, {.step = 0.1}); }, "needs a mixing");
  GossipParts nodes = gossip_parts();
  nodes.mixing = ring(5);
  expect_check([&] { gossip(nodes, {.step = 0.1}); }, "as many nodes");
  nodes = gossip_parts();
  nodes.rule = nullptr;
  expect_check([&] { gossip(nodes, {.step = 0.1}); }, "needs a rule");
  nodes = gossip_parts();
  nodes.rule = std::make_shared<MixesTooMuch>();
  expect_check([&] { gossip(nodes, {.step = 0.1}); }, "a mix of a vector that does not exist");
  nodes = gossip_parts();
  nodes.average_start = true;
  expect_check([&] { gossip(nodes, {.step = 0.1}); }, "second vector");
  nodes = gossip_parts();
  nodes.copies = PublicCopies{.compressor = compressor("top-k(3)")};
  for (const double wrong : {0.0, -1.0, kNaN}) {
    nodes.copies->gamma = wrong;
    expect_check([&] { gossip(nodes, {.step = 0.1}); }, "gamma > 0");
  }
  nodes.copies = PublicCopies{.compressor = compressor("low-rank(1)")};
  expect_check([&] { gossip(nodes, {.step = 0.1}); }, "keeps no numbers");
  nodes.copies = PublicCopies{.compressor = compressor("top-k(3)")};
  nodes.mixing = std::make_shared<MixingPlan>(
      make_mixing(parse("metropolis"), make_topology(parse("one-peer"), {.nodes = kClients})));
  expect_check([&] { gossip(nodes, {.step = 0.1}); }, "one mixing for all rounds");
  expect_check([&] { make_scaffold(*problem_, {}, {.step = 0.1}); }, "needs an oracle");
  expect_check(
      [&] {
        make_scaffold(*problem_, {full_gradients(*problem_), 0}, {.step = 0.1});
      },
      "steps >= 1");
}

TEST_F(Interface, AParticipationIsOfTheProblemsClients) {
  for (const std::size_t other : {kClients - 1, kClients + 1}) {
    expect_check([&] { star(star_parts(direct(compressor("identity")), everyone(other))); },
                 "another number of clients");
    LocalParts parts = local_parts();
    parts.participation = sampled(other, 2);
    expect_check([&] { local(parts, {.step = 0.1}); }, "another number of clients");
    expect_check(
        [&] {
          answers(make_stragglers(parse("fixed(1)"), kClients),
                  by_least_squares(share_code(no_redundancy(other)), false));
        },
        "another number of clients");
    expect_check([&] { coded(full_gradients(*problem_), share_code(no_redundancy(other))); },
                 "another number of clients");
    expect_check([&] { Clock(kClients, {}, {}, make_stragglers(parse("fixed(1)"), other), 1); },
                 "another number of clients");
  }
  expect_check([] { everyone(0); }, "no clients");
  expect_check([] { sampled(3, 4); }, "sample <= clients");
  expect_check([] { sampled(3, 0); }, "1 <= sample");
  expect_check([] { sample_unless({0.5}, 3, 0); }, "sample >= 1");
}

/// Reports kClients clients, and draws one that does not exist.
class Lying final : public Participation {
 public:
  void draw(const Key& /*common*/, std::vector<Share>& out) const override { out = shares_; }
  std::size_t clients() const override { return kClients; }
  bool complete() const override { return false; }

 private:
  std::vector<Share> shares_ = {{.client = 0, .weight = 0.5}, {.client = kClients, .weight = 0.5}};
};

TEST_F(Interface, AClientThatThereIsNotSaysNothing) {
  const auto method = star(star_parts(direct(compressor("identity")), std::make_unique<Lying>()));
  expect_check([&] { solve_some(*method); }, "a client that does not exist");
}

TEST_F(Interface, AllLookAtOneProblem) {
  const auto other = quadratic_of();
  StarParts parts = star_parts();
  parts.oracle = minibatches(*other, 2);
  expect_check([&] { star(std::move(parts)); }, "another problem");
  parts = star_parts();
  parts.oracle = coded(full_gradients(*other), share_code(no_redundancy(kClients)));
  expect_check([&] { star(std::move(parts)); }, "another problem");
  expect_check([&] { on_coin({0.5}, full_gradients(*problem_), minibatches(*other, 2)); }, "two problems");
  expect_check([&] { make_scaffold(*problem_, {full_gradients(*other)}, {.step = 0.1}); }, "another problem");
  const auto method = star(star_parts());
  MemoryRecorder trace;
  expect_check([&] { solve(*other, *method, fleet_, {.rounds = 1}, trace); }, "another problem");
  EXPECT_TRUE(trace.rows.empty());
}

TEST_F(Interface, AStepIsANumberAboveZero) {
  std::shared_ptr<const MixingPlan> mixing = ring();
  for (const char* name :
       {"gd", "marina(rand-k(2))", "ef21(top-k(2))", "gc-1bit", "scaffold", "fedavg", "savic(adam)", "diloco",
        "d-sgd", "k-gt(steps=2)", "beer(top-k(2), gamma=0.2)", "lead(top-k(2))", "led(steps=2)"}) {
    const Assembly assembly = assemble(parse(name), {.problem = *problem_, .mixing = mixing});
    for (const double step : {0.0, -1.0, kNaN, kInf, -kInf})
      expect_input_error([&] { make_method(assembly, step); }, "need 0 < step < inf");
    // Parts are const and shared: refused calls have no effect on them, and two methods from the same parts
    // are independent.
    const auto first = make_method(assembly, 0.1);
    const auto second = make_method(assembly, 0.1);
    EXPECT_EQ(point_after(*first, 5), point_after(*second, 5)) << name;
  }
  for (const double step : {0.0, -1.0, kNaN, kInf}) {
    expect_input_error([&] { star(star_parts(), step); }, "step = ");
    expect_input_error([&] { local(local_parts(), {.step = step}); }, "step = ");
  }
  for (const double outer : {-1.0, kNaN, kInf}) {
    expect_input_error([&] { local(local_parts(), {.step = 0.1, .outer_step = outer}); }, "outer_step = ");
    expect_input_error(
        [&] { make_scaffold(*problem_, {full_gradients(*problem_)}, {.step = 0.1, .outer_step = outer}); },
        "outer_step = ");
    expect_input_error([&] { gossip(gossip_parts(), {.step = 0.1, .outer_step = outer}); }, "outer_step = ");
    expect_input_error([&] { assemble(parse("fedavg"), {.problem = *problem_, .outer_step = outer}); },
                       "outer_step = ");
  }
}

TEST_F(Interface, SettingsAreInRange) {
  const auto assemble_with = [&](MethodSetting setting) { assemble(parse("gd"), setting); };
  using Gone = std::vector<std::uint32_t>;
  for (const auto& [gone, words] :
       std::vector<std::pair<Gone, std::string>>{{{kClients}, "there are clients 0 .. 3 only"},
                                                 {{1, 1}, "each named once"},
                                                 {{2, 1}, "ascending"},
                                                 {{0, 1, 2, 3}, "one must be left"}}) {
    expect_input_error([&] { assemble_with({.problem = *problem_, .gone = gone}); }, words);
    expect_input_error([&] { loads_of(parse("gd"), {.clients = kClients, .gone = gone}); }, words);
    expect_input_error(
        [&] {
          shards_of({0, 2}, parse("sgc(redundancy=2)"), {.clients = kClients, .gone = gone});
        },
        words);
    EXPECT_THROW(without(no_redundancy(kClients), gone), std::logic_error);
  }
  EXPECT_NO_THROW(assemble_with({.problem = *problem_, .gone = {1, 3}}));
  expect_input_error([&] { assemble_with({.problem = *problem_, .batch = 0}); }, "batch >= 1");
  expect_check([&] { minibatches(*problem_, 0); }, "batch >= 1");
  expect_input_error(
      [&] { assemble_with({.problem = *problem_, .stragglers = make_stragglers(parse("fixed(1)"), 5)}); },
      "a model of 5 clients; the problem has 4");
  expect_input_error([&] { assemble(parse("gt"), {.problem = *problem_, .mixing = ring(5)}); },
                     "of 5 nodes; the problem has 4");
  const auto method = star(star_parts());
  MemoryRecorder trace;
  expect_input_error([&] { solve(*problem_, *method, fleet_, {.rounds = 1, .checkpoint_rounds = 0}, trace); },
                     "checkpoint_rounds >= 1");
}

// EF21 with some of the clients needs messages of weight 1/n. With the weights of a sample it would be
// another method, which does not converge.
TEST_F(Interface, Ef21IsNoMethodOfASample) {
  const auto ef21 = [&] { return memory(compressor("top-k(2)"), 1); };
  const auto some = [&](std::unique_ptr<Decoder> decoder) {
    return answers(make_stragglers(parse("fixed(1)"), kClients), std::move(decoder));
  };
  const std::string words = "mean of the memories";
  expect_check([&] { star(star_parts(ef21(), sampled(kClients, 2))); }, words);
  expect_check([&] { star(star_parts(ef21(), sample_unless({0.5}, kClients, 2))); }, words);
  expect_check([&] { star(star_parts(ef21(), some(by_count()))); }, words);
  expect_check([&] { star(star_parts(ef21(), some(equally(1)))); }, words);
  expect_check(
      [&] { star(star_parts(restarting(ef21(), compressor("identity"), {0}), sampled(kClients, 2))); },
      words);
  expect_check([&] { star(star_parts(refined(ef21(), compressor("top-k(2)")), sampled(kClients, 2))); },
               words);
  expect_check([&] { star(star_parts(lazy(ef21(), 1), sampled(kClients, 2))); }, words);

  EXPECT_NO_THROW(star(star_parts(ef21(), everyone(kClients))));
  EXPECT_NO_THROW(star(star_parts(ef21(), sampled(kClients, kClients))));
  EXPECT_NO_THROW(star(star_parts(ef21(), some(equally(1.0 / kClients)))));
  EXPECT_NO_THROW(star(star_parts(memory(compressor("rand-k(2)"), 0.1), sampled(kClients, 2)))) << "DIANA";
  EXPECT_NO_THROW(star(star_parts(memory(compressor("identity"), 1), sampled(kClients, 2)))) << "unbiased";
  EXPECT_NO_THROW(star(star_parts(whole(Wire::f32), sampled(kClients, 2)))) << "the server keeps each";
}

TEST_F(Interface, AllTakePartWhereAllStartOver) {
  const auto marina = [&] {
    return restarting(difference(compressor("rand-k(2)")), compressor("identity"), {0.5});
  };
  const auto some = star(star_parts(marina(), sampled(kClients, 2)));
  expect_check([&] { solve_some(*some); }, "all clients must take part");
  const auto pp_marina = star(star_parts(marina(), sample_unless({0.5}, kClients, 2)));
  EXPECT_NO_THROW(solve_some(*pp_marina, 20));

  StarParts anchored = star_parts(memory(compressor("rand-k(2)"), 0.1), sampled(kClients, 2));
  anchored.anchor = SharedCoin{0.5};
  expect_check([&] { star(std::move(anchored)); }, "all clients must take part");
}

/// Reads a memory that its rates() and uses_previous() do not request.
class Reader final : public Mechanism {
 public:
  explicit Reader(bool reads_h) : reads_h_(reads_h) {}
  void encode(const Key& /*key*/, const Memories& kept, View x, Message& out) const override {
    const View read = reads_h_ ? kept.h : kept.y;
    Vector v(x.begin(), x.end());
    for (std::size_t j = 0; j < v.size(); ++j) v[j] -= read[j];
    write_dense(Wire::f32, v, out);
  }
  Rates rates() const override { return {}; }

 private:
  bool reads_h_;
};

/// Sends one coordinate, the next one in each call.
class Counting final : public Mechanism {
 public:
  void encode(const Key& /*key*/, const Memories& /*kept*/, View x, Message& out) const override {
    Vector v(x.size(), 0.0);
    const std::size_t k = next_++ % x.size();
    v[k] = x[k];
    write_dense(Wire::f32, v, out);
  }
  Rates rates() const override { return {}; }

 private:
  mutable std::atomic<std::size_t> next_ = 0;  // several threads are here
};

TEST_F(Interface, AMechanismHidesNoState) {
  const auto method = star(star_parts(std::make_unique<Counting>(), everyone(kClients)));
  expect_check([&] { solve_some(*method); }, "hides state");
}

TEST_F(Interface, AMechanismReadsWhatItAsksFor) {
  for (const bool reads_h : {false, true}) {
    const auto method = star(star_parts(std::make_unique<Reader>(reads_h), everyone(kClients)));
    expect_check([&] { solve_some(*method); }, "a mechanism reads h, y or e");
  }
  expect_check([&] { lazy(difference(compressor("rand-k(2)")), 1); }, "an inner map with a memory");
}

TEST_F(Interface, AServedStarIsWhole) {
  const std::shared_ptr<const Problem> problem = quadratic_of();
  Mailbox mailbox(0, 2, 60);
  Mailbox of_one(0, 1, 60);
  Mailbox of_client(1, 2, 60);
  RealClock clock(kClients, {.deadline = 1, .first = {}}, 60);
  const auto told = [](const Attendance&) {};
  const auto always = [](const EpochMethod& method) { return [method](const Members&) { return method; }; };
  const auto served = [&](const MakeEpochMethod& make_epoch_method, double step, Mailbox& box) {
    make_served_star(make_epoch_method, {.step = step}, box, clock, {.attended = told});
  };
  const auto parts = [&] {
    return StarParts{.oracle = full_gradients(*problem),
                     .mechanism = direct(compressor("identity")),
                     .participation = everyone(kClients)};
  };
  EXPECT_NO_THROW(served(always({problem, parts()}), 0.1, mailbox));
  expect_check([&] { served(nullptr, 0.1, mailbox); }, "needs its functions");
  expect_check([&] { served(always({nullptr, parts()}), 0.1, mailbox); }, "needs a problem");
  expect_check([&] { served(always({problem, {}}), 0.1, mailbox); }, "needs an oracle");
  expect_check([&] { served(always({problem, star_parts()}), 0.1, mailbox); }, "another problem");
  expect_check([&] { served(always({problem, parts()}), 0.1, of_one); }, "to others");
  expect_check([&] { served(always({problem, parts()}), 0.1, of_client); }, "by rank 0");
  expect_input_error([&] { served(always({problem, parts()}), 0, mailbox); }, "step = 0");
  expect_check(
      [&] {
        make_served_star(always({problem, parts()}), {.step = 1}, mailbox, clock, {});
      },
      "needs its functions");
  StarParts anchored = parts();
  anchored.anchor = SharedCoin{0.5};
  expect_check([&] { served(always({problem, std::move(anchored)}), 0.1, mailbox); }, "no anchor");
  expect_check([&] { serve_clients(nullptr, 1, of_client, 1, {}); }, "need their function");
  expect_check([&] { serve_clients(always({problem, parts()}), 1, mailbox, 1, {}); }, "rank 0 serves");
  expect_check([&] { serve_clients(always({problem, parts()}), 1, of_client, 0, {}); }, "need a thread");
  expect_check([] { RealClock(3, {}, 0); }, "patience > 0");
}

}  // namespace
}  // namespace laconic::testing
