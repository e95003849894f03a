// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/terms.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "laconic/core/error.h"
#include "laconic/data/classes.h"

namespace laconic {
namespace {

using Json = nlohmann::json;

std::size_t count_in(const Json& json) {
  if (!json.is_number_unsigned()) throw InputError("a count is no whole number");
  const auto count = json.get<std::uint64_t>();
  if (count > std::numeric_limits<std::uint32_t>::max()) throw InputError("a count is above 2^32");
  return count;
}

std::vector<double> labels_in(const Json& json) {
  std::vector<double> labels = json.get<std::vector<double>>();
  const bool ascends =
      std::adjacent_find(labels.begin(), labels.end(), std::greater_equal<>()) == labels.end();
  if (!ascends || labels.size() > kMostClasses) throw InputError("the labels do not ascend, or are too many");
  return labels;
}

}  // namespace

Offer Offer::of(const Dataset& data) {
  Offer offer = {.rows = data.rows, .columns = data.columns};
  std::map<double, std::size_t> counts;
  for (const double label : data.labels) {
    ++counts[label];
    if (counts.size() > kMostClasses) return offer;
  }
  offer.classes = std::move(counts);
  return offer;
}

std::string Offer::text() const {
  Json json = {{"rows", rows}, {"columns", columns}};
  if (classes) {
    json["labels"] = Json::array();
    json["counts"] = Json::array();
    for (const auto& [label, count] : *classes) {
      json["labels"].push_back(label);
      json["counts"].push_back(count);
    }
  }
  return json.dump();
}

Offer Offer::read(const std::string& text) {
  if (text.size() > kLongest)
    throw InputError(fmt::format("its first letter has {} bytes; need at most {}", text.size(), kLongest));
  try {
    const Json json = Json::parse(text);
    Offer offer = {.rows = count_in(json.at("rows")), .columns = count_in(json.at("columns"))};
    if (offer.rows == 0 || offer.columns == 0) throw InputError("it has no rows or no columns");
    if (!json.contains("labels")) return offer;
    const std::vector<double> labels = labels_in(json.at("labels"));
    const Json& counts = json.at("counts");
    if (counts.size() != labels.size()) throw InputError("there are other counts than labels");
    offer.classes.emplace();
    std::size_t rows = 0;
    for (std::size_t c = 0; c < labels.size(); ++c)
      rows += (*offer.classes)[labels[c]] = count_in(counts.at(c));
    if (rows != offer.rows) throw InputError("the counts of the labels are not those of the rows");
    return offer;
  } catch (const Json::exception&) {
    throw InputError("its first letter does not say what rows it has");
  } catch (const InputError& error) {
    throw InputError(fmt::format("its first letter: {}", error.what()));
  }
}

Letter Assignment::letter() const {
  Json json = {{"columns", columns}, {"labels", labels}, {"settings", Json::array()}};
  for (const auto& [key, value, place] : settings) json["settings"].push_back({key, value});
  const std::string text = json.dump();
  return std::make_shared<const std::vector<std::uint8_t>>(text.begin(), text.end());
}

Assignment Assignment::of(const Letter& letter) {
  try {
    const Json json = Json::parse(letter->begin(), letter->end());
    Assignment assignment = {.columns = count_in(json.at("columns")), .labels = labels_in(json.at("labels"))};
    for (const Json& pair : json.at("settings"))
      assignment.settings.push_back({pair.at(0).get<std::string>(), pair.at(1).get<std::string>(), ""});
    return assignment;
  } catch (const Json::exception&) {
    throw RunError("the server's first letter does not say what to compute");
  } catch (const InputError& error) {
    throw RunError(fmt::format("the server's first letter: {}", error.what()));
  }
}

void Terms::require_fits(const Offer& offer) const {
  if (offer.columns > columns)
    throw InputError(fmt::format("its rows have {} columns; the run has {}", offer.columns, columns));
  if (labels.empty()) return;
  if (!offer.classes) throw InputError("its labels are no classes; those of the run are");
  for (const auto& [label, count] : *offer.classes) {
    if (!std::binary_search(labels.begin(), labels.end(), label)) {
      throw InputError(fmt::format("it has rows with the label {}; the labels of the run are {}", label,
                                   first_of(std::set<double>(labels.begin(), labels.end()))));
    }
  }
}

std::string Terms::text() const {
  return Json({{"columns", columns}, {"labels", labels}, {"roster", roster}}).dump() + "\n";
}

Terms Terms::read(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    return {count_in(json.at("columns")), labels_in(json.at("labels")),
            json.at("roster").get<std::vector<std::string>>()};
  } catch (const Json::exception& error) {
    throw RunError(error.what());
  } catch (const InputError& error) {
    throw RunError(error.what());
  }
}

void require_across_sites(const Config& config) {
  const auto require_unset = [](bool is_unset, const char* key, const char* why) {
    if (!is_unset) throw InputError(fmt::format("{}: {}; leave it out", key, why));
  };
  require_unset(!config.byzantine, "byzantine", "it simulates liars, and sites are real");
  require_unset(!config.target_gap, "target-gap", "no process has the data to compute f*");
  require_unset(config.split == Spec("contiguous"), "split", "each site has its own rows");
  require_unset(!config.allocation, "allocation", "each site has its own rows");
  require_unset(!config.topology, "topology", "each site is connected with the server");
  require_unset(!config.mixing, "mixing", "each site is connected with the server");
  if (!config.is_served())
    throw InputError(fmt::format(
        "stragglers: {}, and sites are real; need first-r(R) or deadline(500ms)",
        config.stragglers ? config.stragglers->name + " is a model" : std::string("there is no clock")));
}

Terms common_terms(const std::vector<Offer>& offers) {
  Terms terms;
  std::set<double> labels;
  bool are_classes = true;
  for (const Offer& offer : offers) {
    terms.columns = std::max(terms.columns, offer.columns);
    are_classes = are_classes && offer.classes.has_value();
    if (!offer.classes) continue;
    for (const auto& [label, count] : *offer.classes) labels.insert(label);
  }
  if (are_classes && labels.size() <= kMostClasses) terms.labels.assign(labels.begin(), labels.end());
  return terms;
}

void leave_out_oddest(std::vector<Offer>& offers) {
  std::map<double, std::size_t> offers_with;
  std::size_t without_classes = 0;
  for (const Offer& offer : offers) {
    if (!offer.classes) {
      ++without_classes;
    } else {
      for (const auto& [label, count] : *offer.classes) ++offers_with[label];
    }
  }
  // Of an offer: how many have its rarest label, how many its commonest, and how many labels it has. The least
  // is the oddest.
  const auto oddness = [&](const Offer& offer) {
    if (!offer.classes)
      return std::tuple(without_classes, without_classes, std::numeric_limits<std::ptrdiff_t>::min());
    std::size_t rarest = offers.size();
    std::size_t commonest = 0;
    for (const auto& [label, count] : *offer.classes) {
      rarest = std::min(rarest, offers_with[label]);
      commonest = std::max(commonest, offers_with[label]);
    }
    return std::tuple(rarest, commonest, -static_cast<std::ptrdiff_t>(offer.classes->size()));
  };
  const auto oddest = std::min_element(offers.rbegin(), offers.rend(), [&](const Offer& a, const Offer& b) {
    return oddness(a) < oddness(b);
  });
  offers.erase(std::next(oddest).base());
}

}  // namespace laconic
