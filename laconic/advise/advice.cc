// SPDX-License-Identifier: Apache-2.0
#include "laconic/advise/advice.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "laconic/report/text_table.h"
#include "laconic/report/units.h"

namespace laconic {
namespace {

/// Why a pilot ended, as a sentence fragment.
std::string in_words(RunEnd end) {
  if (end == RunEnd::diverged) return "it diverged with every step that was tried";
  if (end == RunEnd::still) return "its point had stopped moving";
  if (end == RunEnd::behind) return "its step was behind others";
  if (end == RunEnd::too_late) return "other methods need a tenth of its link time and gradients";
  if (end == RunEnd::budget_over) return "its share of the gradients was used up";
  return name_of(end);
}

using Json = nlohmann::ordered_json;

RoundCost sum_of(const RoundCost& a, const RoundCost& b) {
  return {a.compute + b.compute, a.encode + b.encode, a.latency + b.latency, a.bits + b.bits,
          a.decode + b.decode};
}

/// The largest part of the time, and its share.
std::string mostly(const RoundCost& spent) {
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

/// How many times faster than `base` the method reaches the target: "5.3x".
std::string times_text(double times) { return fmt::format("{:.{}f}x", times, times < 9.95 ? 1 : 0); }

std::vector<std::string> cells_of(const PilotResult& p, const PilotResult* base) {
  if (p.last.round == 0) return {print(p.method), "-", "-", "-", "-", "-", "-", "-", "-", "0", "-", "-"};
  const RoundCost a_round = p.a_round();
  return {print(p.method),
          print(p.step),
          bits_text(p.bits_of_a_round()),
          seconds_text(a_round.total()),
          seconds_text(a_round.compute),
          seconds_text(a_round.encode),
          seconds_text(a_round.link()),
          seconds_text(a_round.decode),
          mostly(a_round),
          fmt::format("{}", p.last.round),
          p.reached() ? seconds_text(p.whole().total()) : "-",
          p.reached() && base != nullptr && base->reached()
              ? times_text(base->whole().total() / p.whole().total())
              : "-"};
}

/// How close to the target a pilot came that did not reach it.
std::string nearness_text(const Advice& advice, const PilotResult& p) {
  if (p.last.round == 0)
    return fmt::format("{}: {}", print(p.method),
                       p.end == RunEnd::budget_over ? "no round in its share" : in_words(p.end));
  const std::string of = fmt::format("{}, step {}", print(p.method), print(p.step));
  if (!p.compares()) return fmt::format("{}: {}", of, in_words(p.end));
  return fmt::format("{}: {} after {}; {}", of, advice.target.reached(p.after(advice.common_seconds)),
                     seconds_text(advice.common_seconds), in_words(p.end));
}

/// The name of bandwidths that are `times` those of the links.
std::string bandwidth_text(const std::vector<Link>& links, double times) {
  if (links.size() > 1)
    return fmt::format("{:g} times these bandwidths", std::stod(fmt::format("{:.1e}", times)));
  const auto& [up, down, latency_up, latency_down] = links[0];
  const auto text = [&](double bandwidth) { return bits_text(times * bandwidth, 2) + "/s"; };
  if (up == down) return text(up);
  if (std::isinf(down)) return text(up) + " up";
  if (std::isinf(up)) return text(down) + " down";
  return fmt::format("{} up and {} down", text(up), text(down));
}

/// Whether these bandwidths are wider than any link in practice.
bool is_beyond_practice(const std::vector<Link>& links, double times) {
  constexpr double kWidest = 10e9;
  constexpr double kWider = 1000;
  double narrowest = std::numeric_limits<double>::infinity();
  for (const Link& link : links) narrowest = std::min({narrowest, link.up, link.down});
  return times >= kWider || times * narrowest > kWidest;
}

/// At which bandwidths the methods that send fewer bits a round than the base are faster than it. Empty if no
/// such method reached the target: then nothing is known.
std::string by_bandwidth(const Advice& advice, const PilotResult& base, const std::vector<Link>& links) {
  // faster at bandwidths from 0 up to a limit; this one has the highest limit
  const PilotResult* below = nullptr;
  // faster from a bandwidth > 0 on; this one has the lowest such bandwidth
  const PilotResult* above = nullptr;
  FasterAt up_to;
  FasterAt from{std::numeric_limits<double>::infinity(), 0};
  std::size_t count = 0;
  for (const PilotResult& p : advice.pilots) {
    if (!p.reached() || p.bits_of_a_round() >= base.bits_of_a_round()) continue;
    ++count;
    const FasterAt faster = faster_at(p.whole(), base.whole());
    if (faster.never()) continue;
    if (faster.from > 0 && faster.from < from.from) {
      above = &p;
      from = faster;
    } else if (faster.from == 0 && faster.to > up_to.to) {
      below = &p;
      up_to = faster;
    }
  }
  if (count == 0) return "";
  const std::string name = print(base.method);
  std::string text = fmt::format("of the methods here that send less than {} in a round, ", name);
  if (below == nullptr && above == nullptr)
    return text + fmt::format("none is faster than {} with this latency, at any bandwidth", name);
  if (below != nullptr && (up_to.always() || is_beyond_practice(links, up_to.to)))
    return text + fmt::format("{} is faster than {} at any practical bandwidth", print(below->method), name);
  std::vector<std::string> parts;
  if (below != nullptr)
    parts.push_back(fmt::format("{} is faster than {} below {}", print(below->method), name,
                                bandwidth_text(links, up_to.to)));
  if (above != nullptr)
    parts.push_back(fmt::format("{} is faster than {} above {}", print(above->method), name,
                                bandwidth_text(links, from.from)));
  text += fmt::format("{}, with the same latency", fmt::join(parts, ", and "));
  if (above == nullptr)
    text += fmt::format("; above that {} is faster than {}", name,
                        count == 1   ? "it"
                        : count == 2 ? "both"
                                     : "all of them");
  return text;
}

/// The recommended method, and what it is better than.
std::string recommendation(const Advice& advice) {
  const PilotResult& best = *advice.best();
  const PilotResult* base = advice.of_base();
  const std::string text =
      fmt::format("recommended: {} with step={}: ", print(best.method), print(best.step));
  const std::string other = print(advice.base);
  const std::string here = seconds_text(best.reached() ? best.whole().total() : advice.common_seconds);
  if (!best.reached()) {
    const auto value = [&](const PilotResult& p) {
      return advice.target.reached(p.after(advice.common_seconds));
    };
    return text + fmt::format("{} after {} on this link{}", value(best), here,
                              base == nullptr || base == &best
                                  ? ""
                                  : fmt::format("; {} has {}", other, value(*base)));
  }
  if (&best == base) return text + fmt::format("no method here is faster on this link; it takes {}", here);
  if (base == nullptr || !base->reached())
    return text + fmt::format("it reaches the target in {} on this link; {} did not reach it", here, other);
  const double seconds = base->whole().total();
  return text + fmt::format("it reaches the target in {} on this link; {} takes {}, {:.3g} times as long",
                            here, other, seconds_text(seconds), seconds / best.whole().total());
}

Json json_of(const RoundCost& spent) {
  return {{"compute", spent.compute}, {"encode", spent.encode}, {"latency", spent.latency},
          {"bits", spent.bits},       {"decode", spent.decode}, {"total", spent.total()}};
}

Json json_of(const Advice& advice, const PilotResult& p) {
  const PilotResult* base = advice.of_base();
  Json json = {{"method", print(p.method)},
               {"step", print(p.step)},
               {"gamma", p.last.step},
               {"largest_step", p.largest_step},
               {"reached", p.reached()},
               {"why", in_words(p.end)},
               {"rounds", p.last.round},
               {"uplink_bits", p.last.uplink_bits},
               {"downlink_bits", p.last.downlink_bits},
               {"uplink_bits_of_start", p.bits_of_start},
               {"oracle_calls", p.last.oracle_calls},
               {"f", p.last.f},
               {"grad_norm_sq", p.last.grad_norm_sq},
               {"a_message", {{"encode", p.encode}, {"decode", p.decode}}},
               {"seconds_of_start", json_of(p.start)},
               {"seconds_of_a_round", p.last.round > 0 ? json_of(p.a_round()) : Json(nullptr)},
               {"seconds", json_of(p.whole())}};
  if (p.reached() && base != nullptr && base->reached() && &p != base) {
    const FasterAt faster = faster_at(p.whole(), base->whole());
    // JSON has no infinity, so null stands for it
    json["faster_at"] = {{"from", faster.from},
                         {"to", std::isinf(faster.to) ? Json(nullptr) : Json(faster.to)}};
  }
  if (!p.reached() && p.compares()) {
    const Row& then = p.after(advice.common_seconds);
    json["after"] = {{"seconds", advice.common_seconds},
                     {"round", then.round},
                     {"uplink_bits", then.uplink_bits},
                     {advice.target.key, advice.target.value_of(then)}};
  }
  return json;
}

}  // namespace

const Row& PilotResult::after(double seconds) const {
  const auto next =
      std::find_if(path.begin() + 1, path.end(), [&](const Reached& each) { return each.seconds > seconds; });
  return std::prev(next)->row;
}

RoundCost PilotResult::whole() const { return sum_of(start, rounds); }

RoundCost PilotResult::a_round() const {
  const double count = static_cast<double>(last.round);
  return {rounds.compute / count, rounds.encode / count, rounds.latency / count, rounds.bits / count,
          rounds.decode / count};
}

double PilotResult::bits_of_a_round() const {
  return (last.uplink_bits - bits_of_start) / static_cast<double>(last.round);
}

FasterAt faster_at(const RoundCost& other, const RoundCost& base) {
  constexpr double kEver = std::numeric_limits<double>::infinity();
  const double saved = base.bits - other.bits;
  const double lost = other.fixed() - base.fixed();
  if (saved > 0 && lost > 0) return {0, saved / lost};
  if (saved < 0 && lost < 0) return {saved / lost, kEver};
  if (saved >= 0 && lost <= 0 && (saved > 0 || lost < 0)) return {0, kEver};
  return {0, 0};
}

void Advice::rank() {
  common_seconds = std::numeric_limits<double>::infinity();
  for (const PilotResult& p : pilots) {
    if (!p.reached() && p.compares()) common_seconds = std::min(common_seconds, p.path.back().seconds);
  }
  const auto key = [&](const PilotResult& p) {
    if (p.reached()) return std::pair(0, p.whole().total());
    return p.compares() ? std::pair(1, target.distance(p.after(common_seconds))) : std::pair(2, 0.0);
  };
  std::stable_sort(pilots.begin(), pilots.end(),
                   [&](const PilotResult& a, const PilotResult& b) { return key(a) < key(b); });
}

const PilotResult* Advice::best() const {
  return pilots.empty() || !pilots[0].compares() ? nullptr : pilots.data();
}

const PilotResult* Advice::of_base() const {
  const auto found = std::find_if(pilots.begin(), pilots.end(),
                                  [&](const PilotResult& p) { return p.compares() && p.method == base; });
  return found == pilots.end() ? nullptr : &*found;
}

std::string table_of(const Advice& advice) {
  std::vector<std::vector<std::string>> cells = {{"method", "step", "up a round", "a round", "compute",
                                                  "encode", "link", "decode", "mostly", "rounds", "to target",
                                                  "vs " + print(advice.base)}};
  const PilotResult* base = advice.of_base();
  for (const PilotResult& p : advice.pilots) cells.push_back(cells_of(p, base));
  std::string text = advice.pilots.empty() ? "" : text_table(cells, 2);
  for (const PilotResult& p : advice.pilots) {
    if (!p.reached()) text += fmt::format("target not reached: {}\n", nearness_text(advice, p));
  }
  std::vector<std::string> at_the_edge;
  for (const PilotResult& p : advice.pilots) {
    if (p.compares() && p.largest_step) at_the_edge.push_back(print(p.method));
  }
  if (!at_the_edge.empty())
    text += fmt::format("the largest step that was tried is the best of {}: step= tries others\n",
                        fmt::join(at_the_edge, ", "));
  for (const Refusal& r : advice.refused)
    text += fmt::format("left out: {}: {}\n", print(r.method), r.reason);
  return text;
}

std::vector<std::string> words_of(const Advice& advice, const std::vector<Link>& links) {
  const PilotResult* best = advice.best();
  const PilotResult* base = advice.of_base();
  if (best == nullptr) return {};
  std::vector<std::string> words;
  if (!best->reached()) {
    words.push_back(
        fmt::format("no method reached the target; the table ranks them by {} after {} on this link",
                    advice.target.quantity, seconds_text(advice.common_seconds)));
  } else if (base != nullptr && base->reached()) {
    if (base->last.round < Advice::kFewRounds)
      words.push_back(fmt::format("{} reaches the target in round {} already: a harder target= tells more",
                                  print(base->method), base->last.round));
    if (std::string line = by_bandwidth(advice, *base, links); !line.empty())
      words.push_back(std::move(line));
  }
  words.push_back(recommendation(advice));
  return words;
}

nlohmann::ordered_json json_of(const Advice& advice) {
  Json json;
  json["base"] = print(advice.base);
  json["recommended"] = nullptr;
  if (const PilotResult* best = advice.best())
    json["recommended"] = {{"method", print(best->method)}, {"step", print(best->step)}};
  json["methods"] = Json::array();
  for (const PilotResult& p : advice.pilots) json["methods"].push_back(json_of(advice, p));
  json["refused"] = Json::array();
  for (const Refusal& r : advice.refused)
    json["refused"].push_back({{"method", print(r.method)}, {"reason", r.reason}});
  return json;
}

}  // namespace laconic
