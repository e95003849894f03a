// SPDX-License-Identifier: Apache-2.0
#include "laconic/participation/stragglers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/checksum.h"
#include "laconic/core/error.h"
#include "laconic/core/lines.h"
#include "laconic/core/quantity.h"
#include "laconic/core/read_whole.h"
#include "laconic/participation/real_clock.h"

namespace laconic {
namespace {

/// Models that decide which clients are late, without times.
class Untimed : public Stragglers {
 public:
  double delays(const Key& /*common*/, std::vector<double>& seconds) const override {
    seconds.clear();
    return 0;
  }
};

/// Each client independently; drawn anew every `rounds` rounds.
class Bernoulli final : public Untimed {
 public:
  Bernoulli(std::vector<double> p, std::size_t clients, std::size_t rounds)
      : p_(std::move(p)), clients_(clients), rounds_(rounds) {}

  void draw(const Key& common, std::vector<std::uint32_t>& answering) const override {
    answering.clear();
    Key key{.seed = common.seed, .round = static_cast<std::uint32_t>(common.round / rounds_)};
    for (std::size_t i = 0; i < clients_; ++i) {
      key.client = static_cast<std::uint32_t>(i);
      if (key.stream(Purpose::straggler).uniform() >= late(i)) answering.push_back(key.client);
    }
  }
  std::size_t clients() const override { return clients_; }
  double late(std::size_t client) const override { return p_[client % p_.size()]; }

 private:
  std::vector<double> p_;
  std::size_t clients_;
  std::size_t rounds_;
};

class Fixed final : public Untimed {
 public:
  Fixed(std::size_t late, std::size_t clients) : late_(late), clients_(clients) {}

  void draw(const Key& common, std::vector<std::uint32_t>& answering) const override {
    Stream stream = common.stream(Purpose::straggler);
    draw_distinct(stream, clients_, clients_ - late_, answering);
  }
  std::size_t clients() const override { return clients_; }
  double late(std::size_t /*client*/) const override {
    return static_cast<double>(late_) / static_cast<double>(clients_);
  }

 private:
  std::size_t late_;
  std::size_t clients_;
};

bool waits_for_all(const Policy& policy, std::size_t clients) {
  return policy.first ? *policy.first == clients : !policy.deadline;
}

/// How long the server waits if client i computes for seconds[i].
double wait_of(const Policy& policy, const std::vector<double>& seconds) {
  if (waits_for_all(policy, seconds.size())) return std::numeric_limits<double>::infinity();
  double wait = policy.deadline.value_or(0);
  if (policy.first) {
    std::vector<double> sorted = seconds;
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(*policy.first - 1),
                     sorted.end());
    wait = std::max(wait, sorted[*policy.first - 1]);
  }
  return std::min(wait, *std::max_element(seconds.begin(), seconds.end()));
}

class Timed : public Stragglers {
 public:
  explicit Timed(const Policy& policy) : policy_(policy) {}

  void draw(const Key& common, std::vector<std::uint32_t>& answering) const override {
    std::vector<double> seconds;
    const double wait = delays(common, seconds);
    answering.clear();
    for (std::size_t i = 0; i < seconds.size(); ++i) {
      if (seconds[i] <= wait) answering.push_back(static_cast<std::uint32_t>(i));
    }
  }

  double delays(const Key& common, std::vector<double>& seconds) const override {
    compute(common, seconds);
    return wait_of(policy_, seconds);
  }

 protected:
  /// seconds[i] = the compute time of client i.
  virtual void compute(const Key& common, std::vector<double>& seconds) const = 0;

  [[nodiscard]] const Policy& policy() const { return policy_; }

 private:
  Policy policy_;
};

/// T_i = a r_i + Exp(mu_i / r_i) for a load of r_i (Lee, Lam, Pedarsani, Papailiopoulos, Ramchandran 2018,
/// arXiv 1512.02673).
class ShiftedExponential final : public Timed {
 public:
  struct Client {
    double shift = 0;
    double rate = 0;  // infinite for a client without work

    /// The probability that it has finished by time t.
    [[nodiscard]] double done(double t) const { return t > shift ? 1 - std::exp(-rate * (t - shift)) : 0; }
    bool operator<(const Client& other) const {
      return std::pair(shift, rate) < std::pair(other.shift, other.rate);
    }
  };

  ShiftedExponential(std::vector<Client> clients, const Policy& policy)
      : Timed(policy), clients_(std::move(clients)), late_(clients_.size()) {
    std::map<Client, std::optional<double>> of_kind;
    for (const Client& client : clients_) of_kind.try_emplace(client);
    const double n = static_cast<double>(clients_.size());
    constexpr double kMost = 2e10;  // additions: about ten seconds
    if (of_kind.size() > 1 && policy.first &&
        static_cast<double>(of_kind.size() * kPoints * *policy.first) * n > kMost)
      throw InputError(
          "first = R of so many heterogeneous clients: how often each is late takes too long to compute");
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      std::optional<double>& late = of_kind[clients_[i]];
      if (!late) late = of_kind.size() == 1 ? lateness_of_all() : lateness_of(i);
      late_[i] = *late;
    }
  }

  std::size_t clients() const override { return clients_.size(); }
  double late(std::size_t client) const override { return late_[client]; }

 protected:
  void compute(const Key& common, std::vector<double>& seconds) const override {
    seconds.resize(clients_.size());
    Key key = common;
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      key.client = static_cast<std::uint32_t>(i);
      const double u = key.stream(Purpose::straggler).uniform();
      seconds[i] = clients_[i].shift - std::log1p(-u) / clients_[i].rate;
    }
  }

 private:
  static constexpr std::size_t kPoints = 256;

  /// If all clients are alike, max(K, first) of n answer, with K ~ Binomial(n, P(finished by the deadline)).
  [[nodiscard]] double lateness_of_all() const {
    const std::size_t n = clients_.size();
    if (waits_for_all(policy(), n)) return 0;
    const double p = policy().deadline ? clients_[0].done(*policy().deadline) : 0;
    if (!policy().first) return 1 - p;
    if (p == 0) return 1 - static_cast<double>(*policy().first) / static_cast<double>(n);
    double late = 0;  // sum of P(K = k) (1 - max(k, first) / n)
    for (std::size_t k = 0; k < n; ++k) {
      const double heads = static_cast<double>(k);
      const double tails = static_cast<double>(n - k);
      const double probability =
          std::exp(std::lgamma(heads + tails + 1) - std::lgamma(heads + 1) - std::lgamma(tails + 1) +
                   heads * std::log(p) + tails * std::log1p(-p));
      late += probability * (1 - static_cast<double>(std::max(k, *policy().first)) / static_cast<double>(n));
    }
    return late;
  }

  /// A client is late if it finishes after the deadline and `first` others finish before it. With u the
  /// probability that i has finished by t, this is 1 - u(deadline) - integral over u of P(fewer than `first`
  /// others have finished by t(u)). Computed by the midpoint rule over v = (u - u(deadline))^(1/4), which
  /// resolves clients that rarely answer.
  [[nodiscard]] double lateness_of(std::size_t i) const {
    if (waits_for_all(policy(), clients_.size())) return 0;
    const double by_deadline = policy().deadline ? clients_[i].done(*policy().deadline) : 0;
    const double rest = 1 - by_deadline;
    if (!policy().first || rest == 0) return rest;
    double answers = 0;
    for (std::size_t k = 0; k < kPoints; ++k) {
      const double v = (static_cast<double>(k) + 0.5) / kPoints;
      const double u = by_deadline + rest * v * v * v * v;
      const double t = clients_[i].shift - std::log1p(-u) / clients_[i].rate;
      answers += rest * 4 * v * v * v / kPoints * fewer_done(*policy().first, t, i);
    }
    return std::clamp(rest - answers, 0.0, 1.0);
  }

  /// The probability that fewer than `count` clients other than i have finished by t.
  [[nodiscard]] double fewer_done(std::size_t count, double t, std::size_t i) const {
    std::vector<double> done(count, 0.0);  // done[c] = P(c of the clients so far have finished)
    done[0] = 1;
    for (std::size_t j = 0; j < clients_.size(); ++j) {
      const double p = j == i ? 0 : clients_[j].done(t);
      if (p == 0) continue;
      for (std::size_t c = count; c-- > 1;) done[c] += p * (done[c - 1] - done[c]);
      done[0] -= p * done[0];
    }
    double sum = 0;
    for (const double each : done) sum += each;
    return sum;
  }

  std::vector<Client> clients_;
  std::vector<double> late_;
};

/// Measured times: round t uses row t mod the number of rows.
class Trace final : public Timed {
 public:
  Trace(std::vector<std::vector<double>> rows, const Policy& policy)
      : Timed(policy), rows_(std::move(rows)), late_(rows_[0].size()) {
    for (const std::vector<double>& row : rows_) {
      const double wait = wait_of(policy, row);
      for (std::size_t i = 0; i < row.size(); ++i) late_[i] += row[i] > wait ? 1 : 0;
      checksum_ =
          checksum_of({reinterpret_cast<const char*>(row.data()), row.size() * sizeof(double)}, checksum_);
    }
  }

  std::size_t clients() const override { return late_.size(); }
  double late(std::size_t client) const override { return late_[client] / static_cast<double>(rows_.size()); }
  std::uint32_t checksum() const override { return checksum_; }

 protected:
  void compute(const Key& common, std::vector<double>& seconds) const override {
    seconds = rows_[common.round % rows_.size()];
  }

 private:
  std::vector<std::vector<double>> rows_;
  std::vector<double> late_;  // number of rows in which the client is late
  std::uint32_t checksum_ = 0;
};

/// Checks a list of values that the clients use cyclically: there must not be more values than clients.
void require_turns(Arguments& arguments, std::size_t values, std::size_t clients) {
  if (values > clients) arguments.fail(fmt::format("{} values for {} clients", values, clients));
}

/// The probability that a client is late.
double read_p(Arguments& arguments) {
  return arguments.required_number_in("p", kShareBelowOne, 0, "\"p\" is missing: a probability such as 0.2");
}

std::unique_ptr<Stragglers> bernoulli(Arguments& arguments, std::span<const std::size_t> loads) {
  std::vector<double> p = {read_p(arguments)};
  while (const auto next = arguments.number_in(fmt::format("p{}", p.size() + 1), kShareBelowOne, p.size())) {
    p.push_back(*next);
  }
  require_turns(arguments, p.size(), loads.size());
  return std::make_unique<Bernoulli>(std::move(p), loads.size(), 1);
}

std::unique_ptr<Stragglers> sticky(Arguments& arguments, std::span<const std::size_t> loads) {
  const double p = read_p(arguments);
  const std::size_t rounds = arguments.whole("rounds", 10, 1, 1);
  return std::make_unique<Bernoulli>(std::vector<double>{p}, loads.size(), rounds);
}

std::unique_ptr<Stragglers> fixed(Arguments& arguments, std::span<const std::size_t> loads) {
  if (arguments.find("count", 0) == nullptr)
    arguments.fail("\"count\" is missing: how many are late, such as 2");
  const std::size_t late = arguments.whole("count", 0, 0, 0);
  if (late >= loads.size())
    arguments.fail(fmt::format("count = {}; need count < {}, the clients", late, loads.size()));
  return std::make_unique<Fixed>(late, loads.size());
}

/// Seconds > 0, from an option or from the argument at `position`.
std::optional<double> seconds_of(Arguments& arguments, const char* name,
                                 std::optional<std::size_t> position) {
  const Spec* given = position ? arguments.find(name, *position) : arguments.find(name);
  if (given == nullptr) return {};
  const auto seconds = seconds_in(print(*given));
  if (!seconds || *seconds == 0)
    arguments.fail(fmt::format("{} = {}; need seconds > 0, as in 50ms", name, print(*given)));
  return seconds;
}

std::optional<std::size_t> first_of(Arguments& arguments, std::size_t clients,
                                    std::optional<std::size_t> position) {
  const Spec* given = position ? arguments.find("first", *position) : arguments.find("first");
  if (given == nullptr) return {};
  const std::size_t first =
      position ? arguments.whole("first", 1, 1, *position) : arguments.whole("first", 1);
  if (first > clients)
    arguments.fail(fmt::format("first = {}; need first <= {}, the clients", first, clients));
  return first;
}

Policy policy_of(Arguments& arguments, std::size_t clients) {
  return {.deadline = seconds_of(arguments, "deadline", {}), .first = first_of(arguments, clients, {})};
}

std::unique_ptr<Stragglers> shifted_exp(Arguments& arguments, std::span<const std::size_t> loads) {
  const Spec& given = arguments.required("a", 0, "shifted-exp(10ms, 100): seconds a shard, and a rate");
  const auto a = seconds_in(print(given));
  if (!a) arguments.fail(fmt::format("a = {}; need seconds, as in 10ms", print(given)));
  const Interval in_one_over_seconds{1e-9, true, 1e18, true};
  std::vector<double> rates = {arguments.required_number_in(
      "mu", in_one_over_seconds, 1, "\"mu\" is missing: a rate in 1 / seconds such as 100")};
  while (const auto next = arguments.number_in(fmt::format("mu{}", rates.size() + 1), in_one_over_seconds,
                                               rates.size() + 1)) {
    rates.push_back(*next);
  }
  require_turns(arguments, rates.size(), loads.size());
  std::vector<ShiftedExponential::Client> clients(loads.size());
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const double load = static_cast<double>(loads[i]);
    clients[i] = {.shift = *a * load, .rate = rates[i % rates.size()] / load};
  }
  return std::make_unique<ShiftedExponential>(std::move(clients), policy_of(arguments, loads.size()));
}

std::unique_ptr<Stragglers> trace(Arguments& arguments, std::span<const std::size_t> loads) {
  constexpr const char* kBlanks = " \t\r";
  const std::string name = arguments.required_word("file", 0);
  std::istringstream file(read_whole(name));
  std::vector<std::vector<double>> rows;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    std::string_view content = number == 1 ? without_byte_order_mark(line) : line;
    content = content.substr(0, content.find('#'));
    std::vector<double> row;
    bool whole = true;
    const char* const borders = content.find(',') == std::string_view::npos ? kBlanks : ",";
    for (std::size_t begin = 0; content.find_first_not_of(kBlanks, begin) != std::string_view::npos;) {
      begin = content.find_first_not_of(kBlanks, begin);
      const std::size_t end = std::min(content.find_first_of(borders, begin), content.size());
      std::string_view time = content.substr(begin, end - begin);
      time = time.substr(0, time.find_last_not_of(kBlanks) + 1);
      const auto seconds = seconds_in(time);
      whole = whole && seconds.has_value();
      row.push_back(seconds.value_or(0));
      begin = end + (borders == kBlanks ? 0 : 1);
    }
    if (row.empty()) continue;
    if (!whole || row.size() != loads.size())
      arguments.fail(
          fmt::format("{}:{}: not a row of {} times, one of each client", name, number, loads.size()));
    rows.push_back(std::move(row));
  }
  if (rows.empty()) arguments.fail(fmt::format("{}: holds no times", name));
  return std::make_unique<Trace>(std::move(rows), policy_of(arguments, loads.size()));
}

/// The default patience is much longer than the deadline.
std::unique_ptr<Stragglers> real_clock(Arguments& arguments, std::size_t clients, const Policy& policy) {
  constexpr double kPatience = 10;
  constexpr double kDeadlines = 20;
  const double patience = seconds_of(arguments, "patience", {})
                              .value_or(std::max(kPatience, kDeadlines * policy.deadline.value_or(0)));
  constexpr double kLeast = 0.1;  // signs of life are sent eight times in this time
  if (patience < kLeast) arguments.fail(fmt::format("patience = {}; need patience >= {}", patience, kLeast));
  if (policy.deadline && patience < *policy.deadline)
    arguments.fail(
        fmt::format("patience = {}; need patience >= {}, the deadline", patience, *policy.deadline));
  constexpr double kAnswer = 600;
  const double answer = seconds_of(arguments, "answer-within", {}).value_or(std::max(kAnswer, patience));
  if (answer < patience)
    arguments.fail(
        fmt::format("answer-within = {}; need answer-within >= {}, the patience", answer, patience));
  return std::make_unique<RealClock>(clients, policy, patience, answer);
}

std::unique_ptr<Stragglers> deadline(Arguments& arguments, std::span<const std::size_t> loads) {
  const Policy policy = {.deadline = seconds_of(arguments, "deadline", 0),
                         .first = first_of(arguments, loads.size(), {})};
  if (!policy.deadline) arguments.fail("\"deadline\" is missing: seconds such as 500ms");
  return real_clock(arguments, loads.size(), policy);
}

std::unique_ptr<Stragglers> first_r(Arguments& arguments, std::span<const std::size_t> loads) {
  const Policy policy = {.deadline = {}, .first = first_of(arguments, loads.size(), 0)};
  if (!policy.first) arguments.fail("\"first\" is missing: how many answers end a round, such as 3");
  return real_clock(arguments, loads.size(), policy);
}

constexpr StragglersRow kModels[] = {
    {"bernoulli", "bernoulli(P), bernoulli(P1, P2, ...)",
     "each client is late with probability P in each round; of several, client i takes its turn among them",
     bernoulli},
    {"sticky", "sticky(P, ROUNDS=10)", "the same, drawn anew every so many rounds only", sticky},
    {"fixed", "fixed(COUNT)", "so many clients are late in each round, any of them equally likely", fixed},
    {"shifted-exp", "shifted-exp(A, MU, MU2, ..., deadline=50ms, first=R)",
     "with r shards a client computes A r + Exp(MU / r) seconds in a round; the server waits for the first "
     "R, and until the deadline, or without both for all",
     shifted_exp, StragglersRow::Clock::modelled},
    {"trace", "trace(\"FILE\", deadline=50ms, first=R)",
     "the same with times from a file: a round a line (then from the top again), a time for each client; # "
     "begins a comment",
     trace, StragglersRow::Clock::modelled},
    {"deadline", "deadline(500ms, first=R, patience=10s, answer-within=10min)",
     "by a real clock: a round ends when all have answered, or after so long (with first=R not before R "
     "have); a process of which nothing is heard for the patience is dead, and one for which the server "
     "waits longer than answer-within is refused",
     deadline, StragglersRow::Clock::real},
    {"first-r", "first-r(R, patience=10s, answer-within=10min)",
     "the same, but a round ends with the R-th answer", first_r, StragglersRow::Clock::real},
};

}  // namespace

MinMeanMax lateness(const Stragglers& stragglers, std::size_t clients) {
  MinMeanMax late{.least = 1, .mean = 0, .most = 0};
  for (std::size_t i = 0; i < clients; ++i) {
    const double p = stragglers.late(i);
    late.least = std::min(late.least, p);
    late.mean += p / static_cast<double>(clients);
    late.most = std::max(late.most, p);
  }
  return late;
}

std::optional<double> common_lateness(const Stragglers& stragglers, std::size_t clients) {
  const MinMeanMax late = lateness(stragglers, clients);
  return late.least == late.most ? std::optional(late.most) : std::nullopt;
}

bool is_punctual(const Stragglers& stragglers, std::size_t clients) {
  return lateness(stragglers, clients).most == 0;
}

std::span<const StragglersRow> straggler_models() { return kModels; }

std::unique_ptr<Stragglers> make_stragglers(const Spec& spec, std::span<const std::size_t> loads) {
  const StragglersRow& row = row_named(spec, "straggler model", straggler_models());
  Arguments arguments(spec);
  auto stragglers = row.make(arguments, loads);
  arguments.done();
  return stragglers;
}

std::unique_ptr<Stragglers> make_stragglers(const Spec& spec, std::size_t clients) {
  return make_stragglers(spec, std::vector<std::size_t>(clients, 1));
}

}  // namespace laconic
