// SPDX-License-Identifier: Apache-2.0
#include "cli/advice.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "laconic/report/text_table.h"
#include "laconic/report/units.h"

namespace laconic::cli {
namespace {

Spending sum_of(const Spending& a, const Spending& b) {
  return {a.compute + b.compute, a.encode + b.encode, a.latency + b.latency, a.bits + b.bits,
          a.decode + b.decode};
}

/// What most of the time goes to, and how much of it.
std::string mostly(const Spending& spent) {
  const std::pair<const char*, double> parts[] = {{"compute", spent.compute},
                                                  {"encode", spent.encode},
                                                  {"latency", spent.latency},
                                                  {"bandwidth", spent.bits},
                                                  {"decode", spent.decode}};
  const auto* most = std::max_element(std::begin(parts), std::end(parts),
                                      [](const auto& a, const auto& b) { return a.second < b.second; });
  if (spent.total() <= 0) return "-";
  return fmt::format("{} {:.0f}%", most->first, 100 * most->second / spent.total());
}

/// How many times before `base` it arrives: "5.3x".
std::string times_text(double times) { return fmt::format("{:.{}f}x", times, times < 9.95 ? 1 : 0); }

std::vector<std::string> cells_of(const Prospect& p, const Prospect* base) {
  const Spending a_round = p.a_round();
  return {p.method,
          p.step,
          bits_text(p.bits_of_a_round()),
          seconds_text(a_round.total()),
          seconds_text(a_round.compute),
          seconds_text(a_round.encode),
          seconds_text(a_round.link()),
          seconds_text(a_round.decode),
          mostly(a_round),
          fmt::format("{}", p.last.round),
          p.arrived ? seconds_text(p.whole().total()) : "-",
          p.arrived && base != nullptr ? times_text(base->whole().total() / p.whole().total()) : "-"};
}

/// What to call bandwidths that are so many times those of the links; nothing where none is bounded.
std::string bandwidth_text(const std::vector<Link>& links, double times) {
  if (links.size() > 1) return fmt::format("{:.3g} times these bandwidths", times);
  const auto& [up, down, latency_up, latency_down] = links[0];
  if (std::isinf(up) && std::isinf(down)) return "";
  const auto text = [&](double bandwidth) { return bits_text(times * bandwidth) + "/s"; };
  if (up == down) return text(up);
  if (std::isinf(down)) return text(up) + " up";
  if (std::isinf(up)) return text(down) + " down";
  return fmt::format("{} up and {} down", text(up), text(down));
}

}  // namespace

Spending Prospect::whole() const { return sum_of(start, rounds); }

Spending Prospect::a_round() const {
  if (last.round == 0) return start;
  const double count = static_cast<double>(last.round);
  return {rounds.compute / count, rounds.encode / count, rounds.latency / count, rounds.bits / count,
          rounds.decode / count};
}

double Prospect::bits_of_a_round() const {
  if (last.round == 0) return bits_of_start;
  return (last.uplink_bits - bits_of_start) / static_cast<double>(last.round);
}

Pays pays_against(const Spending& other, const Spending& base) {
  constexpr double kEver = std::numeric_limits<double>::infinity();
  const double saved = base.bits - other.bits;
  const double lost = other.fixed() - base.fixed();
  if (saved > 0 && lost > 0) return {0, saved / lost};
  if (saved < 0 && lost < 0) return {saved / lost, kEver};
  if (saved >= 0 && lost <= 0 && (saved > 0 || lost < 0)) return {0, kEver};
  return {0, 0};
}

void Advice::sort() {
  std::stable_sort(prospects.begin(), prospects.end(), [](const Prospect& a, const Prospect& b) {
    if (a.arrived != b.arrived) return a.arrived;
    return a.arrived && a.whole().total() < b.whole().total();
  });
}

const Prospect* Advice::base_prospect() const {
  const auto found = std::find_if(prospects.begin(), prospects.end(),
                                  [&](const Prospect& p) { return p.arrived && p.method == base; });
  return found == prospects.end() ? nullptr : &*found;
}

std::string table_of(const Advice& advice) {
  std::vector<std::vector<std::string>> cells = {{"method", "step", "up a round", "a round", "compute",
                                                  "encode", "link", "decode", "mostly", "rounds", "to target",
                                                  "vs " + advice.base}};
  const Prospect* base = advice.base_prospect();
  for (const Prospect& p : advice.prospects) cells.push_back(cells_of(p, base));
  std::string text = advice.prospects.empty() ? "" : text_table(cells, 2);
  for (const Prospect& p : advice.prospects) {
    if (p.arrived) continue;
    std::string came = fmt::format("|grad f|^2 = {:.3g}, f = {:.6g}", p.last.grad_norm_sq, p.last.f);
    if (p.last.test_accuracy) came += fmt::format(", test accuracy {:.3g}", *p.last.test_accuracy);
    text += fmt::format("not arrived: {}, step {}: {} after {}; {}\n", p.method, p.step, came,
                        seconds_text(p.whole().total()), p.why);
  }
  std::vector<std::string> at_the_edge;
  for (const Prospect& p : advice.prospects) {
    if (p.arrived && p.largest_step) at_the_edge.push_back(p.method);
  }
  if (!at_the_edge.empty())
    text += fmt::format("the largest step that was tried is the best of {}: step= tries others\n",
                        fmt::join(at_the_edge, ", "));
  for (const Refusal& r : advice.refused) text += fmt::format("left out: {}: {}\n", r.method, r.reason);
  return text;
}

std::vector<std::string> words_of(const Advice& advice, const std::vector<Link>& links) {
  if (advice.prospects.empty() || !advice.prospects[0].arrived) return {};
  const Prospect& first = advice.prospects[0];
  const Prospect* base = advice.base_prospect();
  if (base == nullptr)
    return {fmt::format("on this link {} arrives first; {} has not arrived", first.method, advice.base)};

  std::vector<std::string> words;
  if (&first == base) {
    words.push_back(fmt::format("on this link nothing arrives before {}", base->method));
  } else {
    words.push_back(fmt::format("on this link {} arrives {:.3g} times before {}", first.method,
                                base->whole().total() / first.whole().total(), base->method));
  }
  // Of those that say less in a round, who pays up to the highest bandwidth.
  const Prospect* widest = nullptr;
  bool some = false;
  Pays up_to;
  for (const Prospect& p : advice.prospects) {
    if (!p.arrived || p.bits_of_a_round() >= base->bits_of_a_round()) continue;
    some = true;
    const Pays pays = pays_against(p.whole(), base->whole());
    if (pays.never() || pays.from > 0 || pays.to <= up_to.to) continue;
    widest = &p;
    up_to = pays;
  }
  if (!some) {
    // What is not known is not said.
  } else if (widest == nullptr) {
    words.push_back(fmt::format(
        "with this latency nobody who says less in a round arrives before {}, however slow the link is",
        base->method));
  } else if (up_to.always()) {
    words.push_back(
        fmt::format("{} arrives before {} however fast the link is", widest->method, base->method));
  } else if (const std::string bandwidth = bandwidth_text(links, up_to.to); !bandwidth.empty()) {
    words.push_back(fmt::format(
        "below {}, with the same latency, saying less in a round pays ({}); above it {} is as fast",
        bandwidth, widest->method, base->method));
  }
  constexpr std::size_t kFew = 10;
  if (base->last.round < kFew)
    words.push_back(fmt::format("{} arrives in round {} already: a target= farther away would tell more",
                                base->method, base->last.round));
  return words;
}

}  // namespace laconic::cli
