// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/palette.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string_view>

namespace laconic {
namespace {

constexpr Colour kColours[] = {
    {"#111111", "#F2F2F2"},  // black
    {"#0072B2", "#4BA3E3"},  // blue
    {"#D55E00", "#FF8246"},  // vermillion
    {"#009E73", "#2CC59B"},  // green
    {"#CC79A7", "#E29BC3"},  // pink
    {"#56B4E9", "#9BD8FF"},  // sky
    {"#E69F00", "#FFC24D"},  // orange
    {"#882255", "#D4608F"},  // wine
};
constexpr std::size_t kSlots = std::size(kColours);

/// The first kSlots are the markers of the slots.
constexpr Marker kMarkers[] = {
    {"circle", true, 7, "*"},
    {"square", true, 5, "square*"},
    {"triangle", true, 9, "triangle*"},
    {"diamond", true, 13, "diamond*"},
    {"circle", false, 6, "o"},
    {"down", true, 11, "triangle*, every mark/.append style={rotate=180}"},
    {"square", false, 4, "square"},
    {"diamond", false, 12, "diamond"},
    {"triangle", false, 8, "triangle"},
    {"pentagon", true, 15, "pentagon*"},
    {"down", false, 10, "triangle, every mark/.append style={rotate=180}"},
    {"pentagon", false, 14, "pentagon"},
    {"plus", false, 1, "+"},
    {"cross", false, 2, "x"},
    {"star", false, 3, "asterisk"},
};

const std::vector<double> kDashes[] = {{},      {24, 4},      {12, 4}, {20, 4, 3, 4},       {6, 3},
                                       {32, 4}, {9, 3, 3, 3}, {16, 6}, {26, 4, 3, 4, 3, 4}, {14, 3, 7, 3},
                                       {40, 5}, {6, 3, 3, 3}, {10, 7}, {18, 4, 6, 4, 3, 4}};

/// The preferred slots. Methods of the same slot are rarely in one figure.
struct Preference {
  std::string_view method;
  std::size_t slot;
};
constexpr Preference kPreferences[] = {
    // with a server
    {"gd", 0},
    {"ef21", 1},
    {"marina", 2},
    {"diana", 3},
    {"clag", 4},
    {"lag", 5},
    {"ef", 6},
    {"dcgd", 7},
    {"3pc-v2", 3},
    {"3pc-v3", 5},
    {"3pc-v4", 6},
    {"3pc-v5", 7},
    {"ef21-bc", 3},
    {"ef21-sgdm", 6},
    {"ef-bv", 5},
    {"dasha", 7},
    {"econtrol", 3},
    {"vr-marina", 2},
    {"vr-diana", 3},
    {"marina-p", 6},
    // with local steps
    {"fedavg", 4},
    {"scaffnew", 5},
    {"locodl", 6},
    {"diloco", 7},
    {"scaffold", 2},
    {"compressed-scaffnew", 3},
    {"local-sgd", 3},
    {"fedadam", 1},
    {"savic", 1},
    {"sparseloco", 2},
    {"muloco", 5},
    {"streaming-diloco", 3},
    {"demo", 6},
    // without a server
    {"d-sgd", 0},
    {"gt", 1},
    {"k-gt", 2},
    {"d2", 3},
    {"led", 4},
    {"beer", 5},
    {"lead", 6},
    {"choco", 7},
    {"periodical-gt", 4},
    // with redundant data
    {"gc", 0},
    {"sgc", 1},
    {"gc-1bit", 2},
    {"bgc", 3},
    {"erasurehead", 4},
    {"majority", 5},
    {"coco-ef", 6},
    {"gc-diana", 7},
};

/// The row of the method in the table; its length if there is none.
std::size_t rank_of(std::string_view method) {
  const auto* row = std::find_if(std::begin(kPreferences), std::end(kPreferences),
                                 [&](const Preference& each) { return each.method == method; });
  return static_cast<std::size_t>(row - std::begin(kPreferences));
}

std::size_t preferred_slot(std::string_view method) {
  if (const std::size_t rank = rank_of(method); rank < std::size(kPreferences))
    return kPreferences[rank].slot;
  std::uint32_t hash = 2166136261;  // FNV-1a
  for (const char c : method) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
  return hash % kSlots;
}

std::string without_arguments(const std::string& method) { return method.substr(0, method.find('(')); }

/// The first place from `first` on, cyclically, among those that were taken least often; takes it.
std::size_t take(std::vector<int>& taken, std::size_t first) {
  std::size_t best = first % taken.size();
  for (std::size_t step = 1; step < taken.size(); ++step) {
    const std::size_t place = (first + step) % taken.size();
    if (taken[place] < taken[best]) best = place;
  }
  ++taken[best];
  return best;
}

}  // namespace

std::span<const Colour> colours() { return kColours; }
std::span<const Marker> markers() { return kMarkers; }
std::span<const std::vector<double>> dashes() { return kDashes; }

std::vector<CurveStyle> styles_of(const std::vector<std::string>& methods) {
  std::vector<std::string> order;  // in which methods choose
  for (const std::string& method : methods) order.push_back(without_arguments(method));
  std::sort(order.begin(), order.end(), [](const std::string& a, const std::string& b) {
    return std::pair(rank_of(a), a) < std::pair(rank_of(b), b);
  });
  order.erase(std::unique(order.begin(), order.end()), order.end());

  std::map<std::string, std::size_t> slot_of;
  std::vector<int> slots(kSlots);
  for (const std::string& method : order) {
    if (slots[preferred_slot(method)] == 0) slot_of[method] = take(slots, preferred_slot(method));
  }
  for (const std::string& method : order) {
    if (!slot_of.contains(method)) slot_of[method] = take(slots, preferred_slot(method));
  }

  std::vector<int> of_marker(std::size(kMarkers));
  std::vector<int> of_dash(std::size(kDashes));
  const auto choose = [&](std::size_t slot) {
    return CurveStyle{.colour = slot, .marker = take(of_marker, slot), .dash = take(of_dash, slot)};
  };
  std::map<std::string, CurveStyle> first_of;  // before further curves of a method choose
  for (const std::string& method : order) first_of[method] = choose(slot_of[method]);
  std::vector<CurveStyle> styles;
  for (const std::string& each : methods) {
    const std::string method = without_arguments(each);
    const auto first = first_of.extract(method);
    styles.push_back(first ? first.mapped() : choose(slot_of[method]));
  }
  return styles;
}

}  // namespace laconic
