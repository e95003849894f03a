// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/grid.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "laconic/experiment/braces.h"

namespace laconic {
namespace {

constexpr std::size_t kMostPoints = 1'000'000;
constexpr const char* kBlanks = " \t\r\n";  // values from files may contain newlines

/// The position of the brace that closes; the text begins after the open brace.
std::size_t find_close(std::string_view text) {
  int depth = 1;
  return find_unquoted(text, [&](char c) {
    depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    return depth == 0;
  });
}

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1));
}

/// Splits at the commas that are outside all brackets and braces.
std::vector<std::string> items_of(std::string_view text) {
  std::vector<std::string> items;
  while (true) {
    int depth = 0;
    const std::size_t comma = find_unquoted(text, [&](char c) {
      depth += c == '(' || c == '{' ? 1 : c == ')' || c == '}' ? -1 : 0;
      return c == ',' && depth == 0;
    });
    items.push_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

long long number_of(const std::string& digits) {
  try {
    return std::stoll(digits);
  } catch (const std::out_of_range&) {
    throw InputError(fmt::format("{} in braces; need a number below 2^63", digits));
  }
}

std::string power_of(const std::string& base, long long exponent) {
  const double value = std::pow(std::stod(base), static_cast<double>(exponent));
  if (!std::isfinite(value)) throw InputError(fmt::format("{}^{} is not a finite number", base, exponent));
  return fmt::format("{}", value);
}

/// from, from +- step, ..., up to and including `to` where a step reaches it.
template <class Print>
void add_range(long long from, long long to, long long step, std::vector<std::string>& values, Print print) {
  const auto width = static_cast<unsigned long long>(from < to ? to : from) -
                     static_cast<unsigned long long>(from < to ? from : to);
  if (width / static_cast<unsigned long long>(step) >= kMostPoints)
    throw InputError(fmt::format("{}..{} in braces; a grid has at most {} points", from, to, kMostPoints));
  // Unsigned, because `to` may be the largest representable number.
  const auto stride = static_cast<unsigned long long>(step);
  for (unsigned long long i = 0; i <= width / stride; ++i) {
    const auto first = static_cast<unsigned long long>(from);
    values.push_back(print(static_cast<long long>(from <= to ? first + i * stride : first - i * stride)));
  }
}

/// Appends the values that an item stands for.
void add_values(const std::string& item, std::vector<std::string>& values) {
  static const std::regex whole(R"(([+-]?\d+)\.\.([+-]?\d+)(?:\.\.(\d+))?)");
  static const std::regex powers(R"((\d+(?:\.\d+)?)\^([+-]?\d+)(?:\.\.(\d+(?:\.\d+)?)\^([+-]?\d+))?)");
  constexpr std::size_t kLongest = 200;  // longest text of a range; std::regex uses stack for every character
  std::smatch match;
  const bool may_match = item.size() <= kLongest;
  if (may_match && std::regex_match(item, match, whole)) {
    const long long step = match[3].matched ? number_of(match[3]) : 1;
    if (step == 0) throw InputError(fmt::format("{} in braces; need a step > 0", item));
    add_range(number_of(match[1]), number_of(match[2]), step, values,
              [](long long value) { return fmt::format("{}", value); });
  } else if (may_match && std::regex_match(item, match, powers)) {
    const std::string base = match[1];
    if (match[3].matched && match[3] != base)
      throw InputError(fmt::format("{} in braces; need one base, as in 2^0..2^10", item));
    const long long first = number_of(match[2]);
    add_range(first, match[4].matched ? number_of(match[4]) : first, 1, values,
              [&](long long exponent) { return power_of(base, exponent); });
  } else {
    values.push_back(item);
  }
}

/// The name of an axis with braces that begin after this text. Rules: top of grid.h.
std::string axis_name(const std::string& key, const std::string& left) {
  int depth = 0;
  bool positional = false;  // whether a comma lies between this position and the parenthesis
  const auto word_before = [&](std::size_t end) {
    const std::size_t last = left.find_last_not_of(' ', end - 1);
    if (end == 0 || last == std::string::npos) return key;
    const std::size_t separator = left.find_last_of("(),=* ", last);
    return separator == last ? key : left.substr(separator + 1, last - separator);
  };
  for (std::size_t i = left.size(); i-- > 0;) {
    const char c = left[i];
    if (c == ')') ++depth;
    if (depth == 0 && c == ',') positional = true;
    if (depth == 0 && (c == '(' || (c == '=' && !positional))) return word_before(i);
    if (c == '(') --depth;
  }
  return key;
}

/// The values that the items between two braces stand for.
std::vector<std::string> listed(std::string_view inside) {
  std::vector<std::string> values;
  for (const std::string& item : items_of(inside)) add_values(item, values);
  return values;
}

/// A partly expanded value: its text so far, and the choices made so far.
struct Partial {
  std::string text;
  std::vector<Choice> choices;
};

/// `left`, followed by each expansion of the rest.
void spell_out(const std::string& key, const Partial& left, std::string_view rest,
               std::vector<Partial>& out) {
  const std::size_t open = find_open(rest);
  if (open == std::string_view::npos) {
    out.push_back({left.text + std::string(rest), left.choices});
    if (out.size() > kMostPoints) throw InputError(fmt::format("a grid has at most {} points", kMostPoints));
    return;
  }
  const std::string_view inside = rest.substr(open + 1);
  const std::size_t close = find_close(inside);
  if (close == std::string_view::npos)
    throw InputError(fmt::format("\"{}\": the brace is not closed", rest.substr(open)));
  Partial before{left.text + std::string(rest.substr(0, open)), left.choices};
  std::string name = axis_name(key, before.text);
  const auto taken = std::count_if(before.choices.begin(), before.choices.end(), [&](const Choice& choice) {
    return choice.axis == name || choice.axis.starts_with(name + "#");
  });
  if (taken > 0) name += fmt::format("#{}", taken + 1);

  const std::vector<std::string> values = listed(inside.substr(0, close));
  for (auto value = values.begin(); value != values.end(); ++value) {
    if (value->empty()) throw InputError(fmt::format("{{{}}}: a value is missing", inside.substr(0, close)));
    if (std::find(values.begin(), value, *value) != value)
      throw InputError(fmt::format("{{{}}}: {} stands there twice", inside.substr(0, close), *value));
    Partial chosen = before;
    chosen.choices.push_back({name, *value});
    std::vector<Partial> spelt;
    spell_out(key, chosen, *value, spelt);
    for (const Partial& each : spelt) spell_out(key, each, inside.substr(close + 1), out);
  }
}

std::vector<Partial> values_of(const KeyValue& setting) {
  std::vector<Partial> values;
  naming(setting.place.empty() ? setting.key : setting.place + ": " + setting.key,
         [&] { spell_out(setting.key, {}, setting.value, values); });
  return values;
}

/// If the values of different keys have axes of the same name, each is renamed to key.name, unless its key is
/// that name.
void tell_apart(const std::vector<KeyValue>& settings, std::vector<std::vector<Partial>>& values) {
  std::map<std::string, std::set<std::string>> keys_of;
  const auto for_each_choice = [&](auto visit) {
    for (std::size_t s = 0; s < settings.size(); ++s) {
      for (Partial& value : values[s]) {
        for (Choice& choice : value.choices) visit(settings[s].key, choice);
      }
    }
  };
  for_each_choice([&](const std::string& key, const Choice& choice) { keys_of[choice.axis].insert(key); });
  for_each_choice([&](const std::string& key, Choice& choice) {
    if (keys_of[choice.axis].size() > 1 && choice.axis != key) choice.axis = key + "." + choice.axis;
  });
}

}  // namespace

std::string print(const std::vector<Choice>& choices) {
  std::string text;
  for (const Choice& choice : choices)
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", choice.axis, choice.value);
  return text;
}

const Axis* Grid::axis(const std::string& name) const {
  const auto found =
      std::find_if(axes.begin(), axes.end(), [&](const Axis& axis) { return axis.name == name; });
  return found == axes.end() ? nullptr : &*found;
}

Grid grid_of(const std::vector<KeyValue>& settings) {
  std::vector<std::vector<Partial>> values;  // of each setting
  for (const KeyValue& setting : settings) values.push_back(values_of(setting));
  tell_apart(settings, values);

  Grid grid;
  grid.points.emplace_back();
  for (std::size_t s = 0; s < settings.size(); ++s) {
    if (grid.points.size() * values[s].size() > kMostPoints)
      throw InputError(fmt::format("{}: a grid has at most {} points", settings[s].key, kMostPoints));
    std::vector<GridPoint> longer;
    for (const GridPoint& point : grid.points) {
      for (const Partial& value : values[s]) {
        GridPoint next = point;
        next.settings.push_back({settings[s].key, value.text, settings[s].place});
        next.choices.insert(next.choices.end(), value.choices.begin(), value.choices.end());
        longer.push_back(std::move(next));
      }
    }
    grid.points = std::move(longer);

    for (const Partial& value : values[s]) {
      for (const Choice& choice : value.choices) {
        auto axis = std::find_if(grid.axes.begin(), grid.axes.end(),
                                 [&](const Axis& each) { return each.name == choice.axis; });
        if (axis == grid.axes.end()) axis = grid.axes.insert(axis, {choice.axis, settings[s].key, {}});
        if (std::find(axis->values.begin(), axis->values.end(), choice.value) == axis->values.end())
          axis->values.push_back(choice.value);
      }
    }
  }
  return grid;
}

std::string with_value(const std::string& key, const std::string& text, const std::string& axis,
                       const std::string& value, bool first) {
  // `left` ends with the text before the brace at `open`. Braces in it do not change the name of the axis.
  const std::function<std::string(std::string, std::string_view)> widened = [&](std::string left,
                                                                                std::string_view rest) {
    std::string result;
    for (std::size_t open = find_open(rest); open != std::string_view::npos; open = find_open(rest)) {
      const std::string_view before = rest.substr(0, open);
      rest.remove_prefix(open + 1);
      const std::string_view inside = rest.substr(0, find_close(rest));
      rest.remove_prefix(inside.size() + 1);
      left += before;
      std::string items = widened(left, inside);
      const std::vector<std::string> values = listed(inside);
      if (axis_name(key, left) == axis && std::find(values.begin(), values.end(), value) == values.end())
        items = first ? fmt::format("{},{}", value, items) : fmt::format("{},{}", items, value);
      result += fmt::format("{}{{{}}}", before, items);
      left += fmt::format("{{{}}}", inside);
    }
    return result.append(rest);
  };
  return widened("", text);
}

}  // namespace laconic
