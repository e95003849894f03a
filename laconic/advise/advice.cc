// SPDX-License-Identifier: Apache-2.0
#include "laconic/advise/advice.h"

#include <algorithm>
#include <cmath>
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
  if (end == RunEnd::too_late) return "ten times as late as the fastest";
  if (end == RunEnd::time_over) return "its share of the time was over";
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

/// How many times faster than `base` the method arrives: "5.3x".
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
          p.arrived ? seconds_text(p.whole().total()) : "-",
          p.arrived && base != nullptr ? times_text(base->whole().total() / p.whole().total()) : "-"};
}

/// How close to the target the pilot came.
std::string came_text(const PilotResult& p) {
  if (p.last.round == 0)
    return fmt::format("{}: {}", print(p.method),
                       p.end == RunEnd::time_over ? "no round in the time" : in_words(p.end));
  std::string text = fmt::format("{}, step {}: |grad f|^2 = {:.3g}, f = {:.6g}", print(p.method),
                                 print(p.step), p.last.grad_norm_sq, p.last.f);
  if (p.last.test_accuracy) text += fmt::format(", test accuracy {:.3g}", *p.last.test_accuracy);
  return text + fmt::format(" after {}; {}", seconds_text(p.whole().total()), in_words(p.end));
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

/// Which methods send fewer bits a round than the base and arrive earlier, and at which bandwidths. Empty if
/// no method with fewer bits arrived: then nothing is known.
std::string who_pays(const Advice& advice, const PilotResult& base, const std::vector<Link>& links) {
  // pays at bandwidths from 0 up to a limit; this one has the highest limit
  const PilotResult* below = nullptr;
  const PilotResult* above = nullptr;  // pays from a bandwidth > 0 on; this one has the lowest such bandwidth
  Pays up_to;
  Pays from{std::numeric_limits<double>::infinity(), 0};
  std::size_t count = 0;
  for (const PilotResult& p : advice.pilots) {
    if (!p.arrived || p.bits_of_a_round() >= base.bits_of_a_round()) continue;
    ++count;
    const Pays pays = pays_against(p.whole(), base.whole());
    if (pays.never()) continue;
    if (pays.from > 0 && pays.from < from.from) {
      above = &p;
      from = pays;
    } else if (pays.from == 0 && pays.to > up_to.to) {
      below = &p;
      up_to = pays;
    }
  }
  if (count == 0) return "";
  std::string text =
      fmt::format("of the methods here that send less than {} in a round, ", print(base.method));
  if (below == nullptr && above == nullptr)
    return text + fmt::format("none arrives before it with this latency, however slow the link is");
  if (below != nullptr && up_to.always())
    return text + fmt::format("{} arrives before it on a link of any width", print(below->method));
  if (below != nullptr && is_beyond_practice(links, up_to.to))
    return text + fmt::format("{} arrives before it on any link of practical width", print(below->method));
  std::vector<std::string> parts;
  if (below != nullptr)
    parts.push_back(
        fmt::format("{} arrives before it below {}", print(below->method), bandwidth_text(links, up_to.to)));
  if (above != nullptr)
    parts.push_back(
        fmt::format("{} arrives before it above {}", print(above->method), bandwidth_text(links, from.from)));
  text += fmt::format("{}, with the same latency", fmt::join(parts, ", and "));
  if (above == nullptr)
    text += fmt::format("; above that {} arrives before {}", print(base.method),
                        count == 1   ? "it"
                        : count == 2 ? "both"
                                     : "all of them");
  return text;
}

Json json_of(const RoundCost& spent) {
  return {{"compute", spent.compute}, {"encode", spent.encode}, {"latency", spent.latency},
          {"bits", spent.bits},       {"decode", spent.decode}, {"total", spent.total()}};
}

Json json_of(const PilotResult& p, const PilotResult* base) {
  Json json = {{"method", print(p.method)},
               {"step", print(p.step)},
               {"gamma", p.last.step},
               {"largest_step", p.largest_step},
               {"arrived", p.arrived},
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
  if (p.arrived && base != nullptr && &p != base) {
    const Pays pays = pays_against(p.whole(), base->whole());
    // JSON has no infinity, so null stands for it
    json["pays"] = {{"from", pays.from}, {"to", std::isinf(pays.to) ? Json(nullptr) : Json(pays.to)}};
  }
  return json;
}

}  // namespace

RoundCost PilotResult::whole() const { return sum_of(start, rounds); }

RoundCost PilotResult::a_round() const {
  const double count = static_cast<double>(last.round);
  return {rounds.compute / count, rounds.encode / count, rounds.latency / count, rounds.bits / count,
          rounds.decode / count};
}

double PilotResult::bits_of_a_round() const {
  return (last.uplink_bits - bits_of_start) / static_cast<double>(last.round);
}

Pays pays_against(const RoundCost& other, const RoundCost& base) {
  constexpr double kEver = std::numeric_limits<double>::infinity();
  const double saved = base.bits - other.bits;
  const double lost = other.fixed() - base.fixed();
  if (saved > 0 && lost > 0) return {0, saved / lost};
  if (saved < 0 && lost < 0) return {saved / lost, kEver};
  if (saved >= 0 && lost <= 0 && (saved > 0 || lost < 0)) return {0, kEver};
  return {0, 0};
}

void Advice::sort() {
  std::stable_sort(pilots.begin(), pilots.end(), [](const PilotResult& a, const PilotResult& b) {
    if (a.arrived != b.arrived) return a.arrived;
    return a.arrived && a.whole().total() < b.whole().total();
  });
}

const PilotResult* Advice::base_prospect() const {
  const auto found = std::find_if(pilots.begin(), pilots.end(),
                                  [&](const PilotResult& p) { return p.arrived && p.method == base; });
  return found == pilots.end() ? nullptr : &*found;
}

std::string table_of(const Advice& advice) {
  std::vector<std::vector<std::string>> cells = {{"method", "step", "up a round", "a round", "compute",
                                                  "encode", "link", "decode", "mostly", "rounds", "to target",
                                                  "vs " + print(advice.base)}};
  const PilotResult* base = advice.base_prospect();
  for (const PilotResult& p : advice.pilots) cells.push_back(cells_of(p, base));
  std::string text = advice.pilots.empty() ? "" : text_table(cells, 2);
  for (const PilotResult& p : advice.pilots) {
    if (!p.arrived) text += fmt::format("not arrived: {}\n", came_text(p));
  }
  std::vector<std::string> at_the_edge;
  for (const PilotResult& p : advice.pilots) {
    if (p.arrived && p.largest_step) at_the_edge.push_back(print(p.method));
  }
  if (!at_the_edge.empty())
    text += fmt::format("the largest step that was tried is the best of {}: step= tries others\n",
                        fmt::join(at_the_edge, ", "));
  for (const Refusal& r : advice.refused)
    text += fmt::format("left out: {}: {}\n", print(r.method), r.reason);
  return text;
}

std::vector<std::string> words_of(const Advice& advice, const std::vector<Link>& links) {
  if (advice.pilots.empty() || !advice.pilots[0].arrived) return {};
  const PilotResult& first = advice.pilots[0];
  const PilotResult* base = advice.base_prospect();
  if (base == nullptr)
    return {fmt::format("on this link {} arrives first; {} has not arrived", print(first.method),
                        print(advice.base))};

  std::vector<std::string> words;
  if (&first == base) {
    words.push_back(fmt::format("on this link nothing arrives before {}", print(base->method)));
  } else {
    words.push_back(fmt::format("on this link {} arrives first; {} takes {} as long", print(first.method),
                                print(base->method),
                                fmt::format("{:.3g} times", base->whole().total() / first.whole().total())));
  }
  if (std::string line = who_pays(advice, *base, links); !line.empty()) words.push_back(std::move(line));
  constexpr std::size_t kFew = 10;
  if (base->last.round < kFew)
    words.push_back(fmt::format("{} arrives in round {} already: a target= farther away would tell more",
                                print(base->method), base->last.round));
  return words;
}

nlohmann::ordered_json json_of(const Advice& advice) {
  Json json;
  json["base"] = print(advice.base);
  json["methods"] = Json::array();
  for (const PilotResult& p : advice.pilots) json["methods"].push_back(json_of(p, advice.base_prospect()));
  json["refused"] = Json::array();
  for (const Refusal& r : advice.refused)
    json["refused"].push_back({{"method", print(r.method)}, {"reason", r.reason}});
  return json;
}

}  // namespace laconic
