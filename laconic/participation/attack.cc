// SPDX-License-Identifier: Apache-2.0
#include "laconic/participation/attack.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>

#include <fmt/format.h>

#include "laconic/core/blocks.h"
#include "laconic/core/error.h"

namespace laconic {
namespace {

/// Calls body(i) for each liar.
template <class Body>
void for_each_liar(const Attack& attack, ThreadPool& pool, Body&& body) {
  const std::size_t honest = attack.clients() - attack.liars();
  pool.for_each(attack.liars(), [&](std::size_t k) { body(honest + k); });
}

/// All liars send what the first of them sends.
void repeat_first_lie(const Attack& attack, std::span<const MutView> vectors, ThreadPool& pool) {
  const std::size_t first = attack.clients() - attack.liars();
  for_each_liar(attack, pool, [&](std::size_t i) {
    if (i != first) copy(vectors[first], vectors[i]);
  });
}

/// out = the mean of the honest vectors over the coordinates of `range`, in ascending order of clients.
void honest_mean(const Attack& attack, std::span<const MutView> vectors, Range range, MutView out) {
  const std::size_t honest = attack.clients() - attack.liars();
  fill(out, 0);
  for (std::size_t i = 0; i < honest; ++i)
    axpy(1.0 / static_cast<double>(honest), part(vectors[i], range), out);
}

/// -s v_i
class SignFlip final : public Attack {
 public:
  SignFlip(std::size_t clients, std::size_t liars, double s) : Attack(clients, liars), s_(s) {}
  std::string description() const override {
    return s_ == 1 ? fmt::format("bit-flip({})", liars()) : fmt::format("sign-flip({}, s={})", liars(), s_);
  }
  bool needs_own_vector() const override { return true; }

 private:
  void replace(const Key& /*round*/, std::span<const MutView> vectors, ThreadPool& pool) const override {
    for_each_liar(*this, pool, [&](std::size_t i) { scale(-s_, vectors[i]); });
  }

  double s_;
};

class LabelFlip final : public Attack {
 public:
  using Attack::Attack;
  std::string description() const override { return fmt::format("label-flip({})", liars()); }
  bool needs_own_vector() const override { return true; }
  bool flips_labels() const override { return true; }

 private:
  void replace(const Key& /*round*/, std::span<const MutView> /*vectors*/,
               ThreadPool& /*pool*/) const override {}
};

/// mean - z std of the honest vectors, coordinate by coordinate, std with divisor |G| - 1 for |G| honest
/// clients: "a little is enough" (Baruch, Baruch, Goldberg, NeurIPS 2019, arXiv 1902.06156).
class Alie final : public Attack {
 public:
  Alie(std::size_t clients, std::size_t liars, double z) : Attack(clients, liars), z_(z) {}
  std::string description() const override { return fmt::format("alie({}, z={})", liars(), z_); }

 private:
  void replace(const Key& /*round*/, std::span<const MutView> vectors, ThreadPool& pool) const override {
    const std::size_t honest = clients() - liars();
    for_each_block(vectors[0].size(), pool, [&](std::size_t /*b*/, Range range) {
      const MutView lie = part(vectors[honest], range);
      honest_mean(*this, vectors, range, lie);
      double squares[kBlock] = {};
      for (std::size_t i = 0; i < honest; ++i) {
        const View v = part(vectors[i], range);
        for (std::size_t j = 0; j < v.size(); ++j) squares[j] += (v[j] - lie[j]) * (v[j] - lie[j]);
      }
      for (std::size_t j = 0; j < lie.size(); ++j)
        lie[j] -= z_ * std::sqrt(squares[j] / static_cast<double>(honest - 1));
    });
    repeat_first_lie(*this, vectors, pool);
  }

  double z_;
};

/// -eps times the mean of the honest vectors: inner product manipulation (Xie, Koyejo, Gupta, "Fall of
/// empires", UAI 2019, arXiv 1903.03936). With eps < |G| / f it only shortens the mean of all clients.
class InnerProduct final : public Attack {
 public:
  InnerProduct(std::size_t clients, std::size_t liars, double eps) : Attack(clients, liars), eps_(eps) {}
  std::string description() const override { return fmt::format("ipm({}, eps={})", liars(), eps_); }

 private:
  void replace(const Key& /*round*/, std::span<const MutView> vectors, ThreadPool& pool) const override {
    const MutView first = vectors[clients() - liars()];
    for_each_block(first.size(), pool, [&](std::size_t /*b*/, Range range) {
      honest_mean(*this, vectors, range, part(first, range));
      scale(-eps_, part(first, range));
    });
    repeat_first_lie(*this, vectors, pool);
  }

  double eps_;
};

/// scale N(0, I), independent for each liar and round. By fill_normal(): different CPUs agree only up to
/// rounding.
class Noise final : public Attack {
 public:
  Noise(std::size_t clients, std::size_t liars, double scale) : Attack(clients, liars), scale_(scale) {}
  std::string description() const override { return fmt::format("noise({}, scale={})", liars(), scale_); }

 private:
  void replace(const Key& round, std::span<const MutView> vectors, ThreadPool& pool) const override {
    for_each_liar(*this, pool, [&](std::size_t i) {
      const Key key{.seed = round.seed, .round = round.round, .client = static_cast<std::uint32_t>(i)};
      fill_normal(key.stream(Purpose::lie), vectors[i]);
      scale(scale_, vectors[i]);
    });
  }

  double scale_;
};

/// The vector of client 0: each message is honest, but the liars give one client too much weight
/// (Karimireddy, He, Jaggi 2020, arXiv 2006.09365, which chooses the client).
class Mimic final : public Attack {
 public:
  using Attack::Attack;
  std::string description() const override { return fmt::format("mimic({})", liars()); }

 private:
  void replace(const Key& /*round*/, std::span<const MutView> vectors, ThreadPool& pool) const override {
    for_each_liar(*this, pool, [&](std::size_t i) { copy(vectors[0], vectors[i]); });
  }
};

/// Phi(z) - 1/2 of the normal distribution, z >= 0: two series of positive terms, by + * / sqrt only, so that
/// all machines compute the same bits.
///   phi(z) (z + z^3/3 + z^5/(3 5) + ..),  phi(z) = 1 / (sqrt(2 pi) (1 + (z^2/2) + (z^2/2)^2/2! + ..))
double normal_share(double z) {
  double odd = z;
  double exponential = 1;
  double odd_sum = odd;
  double exponential_sum = exponential;
  for (int k = 1; k < 400; ++k) {
    odd *= z * z / (2 * k + 1);
    exponential *= z * z / 2 / k;
    odd_sum += odd;
    exponential_sum += exponential;
  }
  return odd_sum / (std::sqrt(2 * std::numbers::pi) * exponential_sum);
}

/// Phi^{-1}(p), 0 < p < 1, by bisection. Exactly 0 for p = 1/2.
double inverse_normal(double p) {
  if (p < 0.5) return -inverse_normal(1 - p);
  double low = 0;
  double high = 10;
  for (int halving = 0; halving < 64; ++halving) {
    const double middle = (low + high) / 2;
    (normal_share(middle) <= p - 0.5 ? low : high) = middle;
  }
  return low;
}

std::unique_ptr<Attack> make_bit_flip(Arguments& /*arguments*/, std::size_t clients, std::size_t liars) {
  return std::make_unique<SignFlip>(clients, liars, 1);
}

std::unique_ptr<Attack> make_sign_flip(Arguments& arguments, std::size_t clients, std::size_t liars) {
  return std::make_unique<SignFlip>(clients, liars, arguments.number_in("s", 3, kPositive, 1));
}

std::unique_ptr<Attack> make_label_flip(Arguments& /*arguments*/, std::size_t clients, std::size_t liars) {
  return std::make_unique<LabelFlip>(clients, liars);
}

/// Without z it is the largest with which the lie still looks like one of a majority: s honest clients must
/// be further from the mean, so that they and the liars are more than half of all clients.
std::unique_ptr<Attack> make_alie(Arguments& arguments, std::size_t clients, std::size_t liars) {
  const std::optional<double> given = arguments.number("z");
  const std::size_t honest = clients - liars;
  if (honest < 2) arguments.fail(fmt::format("f = {} of {} clients; need 2 honest clients", liars, clients));
  if (given) return std::make_unique<Alie>(clients, liars, *given);
  const std::size_t majority = clients / 2 + 1;
  if (majority <= liars || majority >= clients)
    arguments.fail(
        fmt::format("f = {} of {} clients gives no z; need z=, as in alie(1, z=1)", liars, clients));
  const double p = static_cast<double>(clients - majority) / static_cast<double>(honest);
  return std::make_unique<Alie>(clients, liars, inverse_normal(p));
}

std::unique_ptr<Attack> make_ipm(Arguments& arguments, std::size_t clients, std::size_t liars) {
  return std::make_unique<InnerProduct>(clients, liars, arguments.number_in("eps", 0.1, kPositive, 1));
}

std::unique_ptr<Attack> make_noise(Arguments& arguments, std::size_t clients, std::size_t liars) {
  const double scale =
      arguments.required_number_in("scale", kPositive, 1, "its scale is missing, as in noise(2, scale=10)");
  return std::make_unique<Noise>(clients, liars, scale);
}

std::unique_ptr<Attack> make_mimic(Arguments& /*arguments*/, std::size_t clients, std::size_t liars) {
  return std::make_unique<Mimic>(clients, liars);
}

constexpr AttackRow kAttacks[] = {
    {"bit-flip", "bit-flip(F)", "each of the last F clients sends its vector times -1", make_bit_flip},
    {"sign-flip", "sign-flip(F, s=3)", "its vector times -s", make_sign_flip},
    {"label-flip", "label-flip(F)", "its vector, computed with false labels", make_label_flip},
    {"alie", "alie(F, z=)",
     "the mean of the honest vectors minus z standard deviations; by default the largest z that hides among "
     "a majority",
     make_alie},
    {"ipm", "ipm(F, eps=0.1)", "the mean of the honest vectors times -eps", make_ipm},
    {"noise", "noise(F, scale=)", "normal entries with this standard deviation", make_noise},
    {"mimic", "mimic(F)", "the vector of client 0", make_mimic},
};

}  // namespace

void Attack::lie(const Key& round, std::span<const MutView> vectors, ThreadPool& pool) const {
  const auto fits = [&](MutView v) { return v.size() == vectors[0].size(); };
  check(vectors.size() == clients_ && std::all_of(vectors.begin(), vectors.end(), fits),
        "an attack needs one vector of each client, all of one length");
  if (liars_ > 0) replace(round, vectors, pool);
}

std::span<const AttackRow> attacks() { return kAttacks; }

std::unique_ptr<Attack> make_attack(const Spec& spec, std::size_t clients) {
  check(clients >= 1, "an attack needs clients >= 1");
  const AttackRow& row = row_named(spec, "attack", attacks());
  Arguments arguments(spec);
  if (arguments.find("f", 0) == nullptr)
    arguments.fail(fmt::format("\"f\" is missing: how many clients lie, as in {}(2)", row.name));
  const std::size_t liars = arguments.whole("f", 0, 0, 0);
  if (liars >= clients) arguments.fail(fmt::format("f = {}; need f < {}, the clients", liars, clients));
  auto attack = row.make(arguments, clients, liars);
  arguments.done();
  return attack;
}

}  // namespace laconic
