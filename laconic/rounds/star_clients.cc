// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/star_clients.h"

namespace laconic {

StarClients::StarClients(const Problem& problem, const StarParts& parts)
    : problem_(problem),
      parts_(parts),
      compares_(parts.mechanism->uses_previous()),
      // The gradient of this round serves as the previous one in the next, if every client computes it and it
      // is exact.
      keeps_gradient_(compares_ && parts.estimates.empty() && parts.oracle->exact() &&
                      parts.participation->complete()),
      looks_back_(parts.estimates.empty() ? compares_ && !keeps_gradient_ : parts.estimates[0].at_previous) {}

void StarClients::take_on(Range clients) {
  first_ = clients.begin;
  clients_.resize(clients.size());
  for (Client& client : clients_) {
    client.estimates.assign(parts_.estimates.size(), Vector(problem_.dim(), 0.0));
    client.memory.start(*parts_.mechanism, problem_.dim());
    if (keeps_gradient_) client.y.assign(problem_.dim(), 0.0);
    if (parts_.anchor) client.at_anchor.assign(problem_.dim(), 0.0);
  }
}

void StarClients::reserve(std::size_t slots) {
  if (slots_.size() < slots) slots_.resize(slots);
}

void StarClients::answer(Entry& entry, std::size_t slot, const Points& at, bool restart, bool looked_before) {
  const bool reuses = looked_before && looks_back() && parts_.oracle->exact();
  if (reuses) slots_[slot].gradient.swap(slots_[slot].other);
  look(entry, slots_[slot], at);
  if (entry.envelope.finite && !parts_.estimates.empty()) estimate(entry, slots_[slot], at, reuses);
  if (entry.envelope.finite) speak(entry, slots_[slot], at, restart, reuses);
  const Attack* attack = parts_.aggregation.attack.get();
  if (attack != nullptr && attack->lies(entry.key.client) && !attack->needs_own_vector())
    entry.envelope.calls = 0;  // its message only shows how long an honest one would be
}

/// slot.gradient = the client's gradient at x_t, or its estimate.
void StarClients::look(Entry& entry, Slot& slot, const Points& at) {
  slot.gradient.resize(problem_.dim());
  if (parts_.anchor) {
    look_through_anchor(entry, slot, at);
  } else {
    entry.envelope.measured = ask(entry, at.x, slot.gradient);
  }
  entry.envelope.finite = all_finite(slot.gradient);
}

Measured StarClients::ask(Entry& entry, View x, MutView g) {
  entry.envelope.calls += parts_.oracle->calls(entry.key);
  return parts_.oracle->gradient(entry.key, x, g);
}

/// g = grad f_ij(x) - grad f_ij(w) + grad f_i(w), then w <- x if the coin shows heads (the anchor itself
/// moves after all clients have computed). At the start w = x_0 and g is exact.
void StarClients::look_through_anchor(Entry& entry, Slot& slot, const Points& at) {
  Vector& at_anchor = client_of(entry).at_anchor;
  if (entry.key.round > 0) {
    slot.other.resize(at.x.size());
    ask(entry, at.x, slot.gradient);
    ask(entry, at.anchor, slot.other);
    for (std::size_t j = 0; j < at.x.size(); ++j) slot.gradient[j] += at_anchor[j] - slot.other[j];
  }
  if (parts_.anchor->heads(entry.key)) {
    entry.envelope.measured = problem_.value_gradient(entry.key.client, Rows::everything(), at.x, at_anchor);
    entry.envelope.calls += problem_.rows(entry.key.client);
  }
  if (entry.key.round == 0) copy(at_anchor, slot.gradient);
}

/// slot.estimates from the gradient in the slot. `has_other`: slot.other already is the gradient at the
/// previous point.
void StarClients::estimate(Entry& entry, Slot& slot, const Points& at, bool has_other) {
  const std::vector<Vector>& before = client_of(entry).estimates;
  slot.estimates.resize(before.size());
  View g = slot.gradient;
  for (std::size_t k = 0; k < before.size(); ++k) {
    const auto& [keep, at_previous, stretch, whole] = parts_.estimates[k];
    const View v = before[k];
    Vector& out = slot.estimates[k];
    out.assign(g.begin(), g.end());
    if (!whole.heads(entry.key)) {
      View other = g;
      if (at_previous) {
        slot.other.resize(g.size());
        if (!has_other) ask(entry, at.before, slot.other);
        other = slot.other;
      }
      for (std::size_t j = 0; j < out.size(); ++j) {
        const double moved = g[j] + keep * (v[j] - other[j]);
        out[j] = stretch == 1 ? moved : v[j] + stretch * (moved - v[j]);
      }
    }
    g = out;
  }
}

void StarClients::speak(Entry& entry, Slot& slot, const Points& at, bool restart, bool has_other) {
  Client& client = client_of(entry);
  const View h = client.memory.before_message(*parts_.mechanism, slot.said(), slot.memory);
  View y = client.y;
  if (compares_ && !restart) {
    if (entry.key.round == 0) {
      y = slot.said();  // no previous round: the point has not moved
    } else if (!client.estimates.empty()) {
      y = client.estimates.back();
    } else if (!keeps_gradient_) {
      slot.other.resize(at.x.size());
      if (!has_other) ask(entry, at.before, slot.other);
      y = slot.other;
    }
  }
  const Memories kept{h, y, client.memory.e, client.memory.numbers};
  parts_.mechanism->encode(entry.key, kept, slot.said(), entry.message);
  if (entry.key.round <= 1 && entry.key.client == first_) {
    // Cheap, as it is done for one client in two rounds. Hidden state would be lost in a checkpoint.
    thread_local Message again;
    parts_.mechanism->encode(entry.key, kept, slot.said(), again);
    check(again.bytes == entry.message.bytes,
          "a mechanism answers the same question in two ways: it or its compressor hides state");
  }
  entry.envelope.describe(entry.message, at.x.size());
  entry.vector = slot.gradient;
}

void StarClients::remember(const Entry& entry, std::size_t slot, bool restart) {
  Client& client = client_of(entry);
  Slot& said = slots_[slot];
  client.memory.update(*parts_.mechanism, entry.key, entry.message, said.said(), said.memory, restart);
  // The next round reads it from client.y. The entry's view stays valid, as swap() keeps the numbers where
  // they are.
  if (keeps_gradient_) client.y.swap(said.gradient);
  // A client without estimates may be sampled twice in a round. Two threads are then here with it.
  if (!client.estimates.empty()) client.estimates.swap(said.estimates);
}

std::vector<std::vector<MutView>> StarClients::memories() {
  std::vector<std::vector<MutView>> all;
  for (Client& client : clients_) {
    std::vector<MutView>& vectors = all.emplace_back();
    ClientMemory& memory = client.memory;
    vectors = {memory.h, client.y, client.at_anchor};
    if (!memory.e.empty()) vectors.emplace_back(memory.e);
    for (Vector& estimate : client.estimates) vectors.emplace_back(estimate);
    if (!memory.numbers.empty()) vectors.emplace_back(memory.numbers);
  }
  return all;
}

}  // namespace laconic
