// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/star_clients.h"

namespace laconic {

StarClients::StarClients(const Problem& problem, const StarParts& parts)
    : problem_(problem),
      parts_(parts),
      plan_{.estimates = parts.estimates,
            .mechanism = parts.mechanism,
            .gradients_repeat = parts.oracle->exact() && parts.participation->complete()} {}

void StarClients::take_on(Range clients, bool saves) {
  first_ = clients.begin;
  saved_.resize(saves ? clients.size() : 0);
  clients_.resize(clients.size());
  for (Client& client : clients_) {
    client.side.start(plan_, problem_.dim());
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

void StarClients::speak(Entry& entry, Slot& slot, const Points& at, bool restart, bool has_other) {
  Client& client = client_of(entry);
  const auto look_back = [&]() -> View {
    slot.other.resize(at.x.size());
    if (!has_other) ask(entry, at.before, slot.other);
    return slot.other;
  };
  // Cheap, as it is done for one client in two rounds.
  const bool twice = entry.key.round <= 1 && entry.key.client == first_;
  client.side.send(plan_, entry.key, View(slot.gradient), look_back, restart, entry.message, twice);
  entry.envelope.describe(entry.message, at.x.size());
  entry.vector = slot.gradient;
  // The entry's view stays valid, as swap() keeps the numbers where they are.
  if (plan_.keeps_gradient()) client.side.y.swap(slot.gradient);
}

std::vector<std::vector<MutView>> StarClients::memories() {
  std::vector<std::vector<MutView>> all;
  for (Client& client : clients_) {
    std::vector<MutView>& vectors = all.emplace_back(client.side.vectors());
    vectors.emplace_back(client.at_anchor);
    if (!client.side.memory.numbers.empty()) vectors.emplace_back(client.side.memory.numbers);
  }
  return all;
}

}  // namespace laconic
