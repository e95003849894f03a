// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/downlink.h"

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

/// The address of the server's message to a client, or to everyone.
Key address(const Key& round, std::uint32_t client) {
  return {.seed = round.seed, .round = round.round, .client = client, .step = Key::kDownlink};
}

}  // namespace

Downlink::Downlink(const DownlinkPlan& plan, View start, std::size_t clients, Wire wire, bool looks_back)
    : plan_(plan), clients_(clients), wire_(wire) {
  check(plan.kind == DownlinkPlan::Kind::direction || plan.compressor != nullptr,
        "a compressed downlink needs a compressor");
  check(plan.follow > 0 && plan.follow <= 1, "a downlink needs 0 < follow <= 1");
  if (plan.kind == DownlinkPlan::Kind::ef21) direction_.resize(start.size());
  if (plan.clients_at_x()) return;
  all_.w.assign(start.begin(), start.end());
  if (plan.follow < 1) all_.z = all_.w;
  if (looks_back) all_.before = all_.w;
}

void Downlink::take_on(Range clients) {
  first_ = clients.begin;
  if (!plan_.shared) own_.assign(clients.size(), all_);
}

View Downlink::direction(const Key& round, View estimate, Ledger& ledger) {
  if (plan_.kind == DownlinkPlan::Kind::direction) {
    tell_whole(estimate.size(), ledger);
    return estimate;
  }
  if (plan_.kind != DownlinkPlan::Kind::ef21) return estimate;
  const Key key = address(round, Key::kEveryone);
  if (plan_.exact && round.round == 1) {
    tell_whole(estimate.size(), ledger);
    receive_whole(key, estimate, direction_, message_);
    return direction_;
  }
  plan_.compressor->compress_difference(key, estimate, direction_, message_);
  decode_add(key, message_, 1, direction_);
  ledger.tell(static_cast<double>(message_.bits()), counted_floats(message_, estimate.size()));
  return direction_;
}

void Downlink::send(Fleet& fleet, const Key& round, View before, View x, Ledger& ledger) {
  if (plan_.clients_at_x()) return;
  if (!all_finite(x))
    throw Diverged(fmt::format("diverged: the point is not finite in round {}", round.round));
  const bool whole = plan_.kind == DownlinkPlan::Kind::marina_p && plan_.whole.heads(round);
  if (plan_.kind == DownlinkPlan::Kind::marina_p) ledger.tell(1, 0);  // the coin
  if (whole) tell_whole(x.size(), ledger);
  if (plan_.shared) {
    move(all_, address(round, Key::kEveryone), before, x, whole, message_);
    if (!whole) ledger.tell(static_cast<double>(message_.bits()), counted_floats(message_, x.size()));
    return;
  }
  const auto move_own = [&](std::size_t i) {
    thread_local Message message;  // reused, so that a round does not allocate
    move(own_[i - first_], address(round, static_cast<std::uint32_t>(i)), before, x, whole, message);
    own_[i - first_].floats = counted_floats(message, x.size());
    return static_cast<double>(message.bits());
  };
  if (whole) {
    fleet.for_each({first_, first_ + own_.size()}, move_own);
    return;
  }
  const Vector bits = fleet.numbers(clients_, move_own);
  const Vector values = fleet.numbers(clients_, [&](std::size_t i) { return own_[i - first_].floats; });
  double sum_of_bits = 0;
  double sum_of_floats = 0;
  for (std::size_t i = 0; i < clients_; ++i) {
    sum_of_bits += bits[i];
    sum_of_floats += values[i];
  }
  const double n = static_cast<double>(clients_);
  ledger.tell(sum_of_bits / n, sum_of_floats / n);
}

/// The message to one client, or to all, and the points after it.
void Downlink::move(Points& points, const Key& key, View before, View x, bool whole, Message& message) const {
  Vector& w = points.w;
  Vector& z = points.z;
  if (!points.before.empty()) copy(points.seen(), points.before);
  if (whole) {
    receive_whole(key, x, w, message);
  } else {
    const bool to_point = plan_.kind == DownlinkPlan::Kind::ef21_p;
    plan_.compressor->compress_difference(key, x, to_point ? View(w) : before, message);
    decode_add(key, message, 1, w);
  }
  for (std::size_t j = 0; j < z.size(); ++j) z[j] = plan_.follow * w[j] + (1 - plan_.follow) * z[j];
}

/// out = the values of v as they arrive.
void Downlink::receive_whole(const Key& key, View v, MutView out, Message& message) const {
  write_dense(wire_, v, message);
  fill(out, 0.0);
  decode_add(key, message, 1, out);
}

void Downlink::tell_whole(std::size_t dim, Ledger& ledger) const {
  ledger.tell(static_cast<double>(8 * bytes_of(wire_) * dim), static_cast<double>(dim));
}

std::vector<MutView> Downlink::memory() {
  std::vector<MutView> vectors;
  for (Vector* vector : {&direction_, &all_.w, &all_.z}) {
    const bool own = vector != &direction_ && !plan_.shared;  // only its start is in all_
    if (!vector->empty() && !own) vectors.emplace_back(*vector);
  }
  return vectors;
}

std::vector<MutView> Downlink::memory_of(std::size_t own) {
  if (plan_.shared) return {};
  return {own_[own].w, own_[own].z};
}

}  // namespace laconic
