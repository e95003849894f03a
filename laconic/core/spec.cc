// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/spec.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/failure.h"

namespace laconic {
namespace {

constexpr std::string_view kWordPunctuation = "_-+./~:@%*^";

bool is_word_char(char c) {
  const bool ascii = static_cast<unsigned char>(c) < 0x80;  // all other UTF-8 characters count as letters
  return !ascii || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kWordPunctuation.find(c) != std::string_view::npos;
}

/// The number that the whole of `word` spells, such as 10, -1.5e-3 or +2. "nan", "inf" and "1%" are words.
std::optional<double> as_number(std::string_view word) {
  if (word.starts_with('+')) word.remove_prefix(1);
  const std::string_view digits = word.substr(word.starts_with('-') ? 1 : 0);
  if (digits.empty() || !(std::isdigit(static_cast<unsigned char>(digits[0])) || digits[0] == '.')) return {};
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return {};
  return value;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Spec parse_all() {
    Spec spec = parse_spec("a name such as marina(rand-k(10))");
    skip_space();
    if (at_ < text_.size())
      fail(fmt::format("unexpected '{}' after the end of the description", character()));
    return spec;
  }

  Spec parse_arguments(std::string name) {
    Spec spec(std::move(name));
    do {
      parse_item(spec);
    } while (take(','));
    skip_space();
    if (at_ < text_.size()) fail(fmt::format("expected ',', found '{}'", character()));
    return spec;
  }

 private:
  static constexpr int kDeepest = 64;

  [[noreturn]] void fail(const std::string& message) const {
    throw SpecError(fmt::format("column {}: {}", at_ + 1, message));
  }

  /// The character of UTF-8 at this place, or the number of a byte that is none to print.
  [[nodiscard]] std::string character() const {
    const auto byte_at = [&](std::size_t at) { return static_cast<unsigned char>(text_[at]); };
    std::size_t end = at_ + 1;
    while (byte_at(at_) >= 0x80 && end < text_.size() && (byte_at(end) & 0xc0U) == 0x80) ++end;
    const std::string bytes(text_.substr(at_, end - at_));
    return byte_at(at_) < ' ' || !is_utf8(bytes) ? fmt::format("\\x{:02x}", byte_at(at_)) : bytes;
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }

  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Spec parse_spec(std::string_view expected) {
    skip_space();
    Spec spec;
    spec.column = at_ + 1;
    if (at_ < text_.size() && text_[at_] == '"') {
      spec.kind = Spec::Kind::text;
      spec.name = parse_text();
      return spec;
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_word_char(text_[at_])) ++at_;
    if (begin == at_) {
      fail(at_ == text_.size() ? fmt::format("expected {}, found the end", expected)
                               : fmt::format("expected {}, found '{}'", expected, character()));
    }
    spec.name = text_.substr(begin, at_ - begin);
    if (const auto number = as_number(spec.name)) {
      spec.kind = Spec::Kind::number;
      spec.number = *number;
      spec.name = fmt::format("{}", *number);
      return spec;
    }
    if (take('(')) parse_items(spec);
    return spec;
  }

  void parse_items(Spec& spec) {
    if (++depth_ > kDeepest) fail(fmt::format("more than {} parentheses deep", kDeepest));
    const std::size_t open = at_;
    if (!take(')')) {
      do {
        parse_item(spec);
      } while (take(','));
      if (!take(')')) {
        if (at_ == text_.size())
          fail(fmt::format("expected ')' to close the '(' of column {}, found the end", open));
        fail(fmt::format("expected ',' or ')', found '{}' (a text with blanks needs double quotes)",
                         character()));
      }
    }
    --depth_;
  }

  void parse_item(Spec& spec) {
    Spec item = parse_spec("an argument");
    const bool plain = item.kind == Spec::Kind::word && item.args.empty() && item.options.empty();
    if (!plain || !take('=')) {
      if (!spec.options.empty()) {
        at_ = item.column - 1;
        fail("an argument without a name must come before those with one");
      }
      spec.args.push_back(std::move(item));
      return;
    }
    for (const auto& [key, value] : spec.options) {
      if (key == item.name) {
        at_ = item.column - 1;
        fail(fmt::format("\"{}\" is given twice", key));
      }
    }
    std::string key = item.name;
    spec.options.emplace_back(std::move(key), parse_spec(fmt::format("a value for \"{}\"", item.name)));
  }

  std::string parse_text() {
    const std::size_t open = ++at_;
    std::string text;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      text += text_[at_];
    }
    if (at_ == text_.size()) fail(fmt::format("expected '\"' to close the text begun in column {}", open));
    ++at_;
    return text;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

void print_to(const Spec& spec, std::string& out) {
  if (spec.kind == Spec::Kind::text) {
    out += '"';
    for (const char c : spec.name) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
    return;
  }
  out += spec.name;
  if (spec.args.empty() && spec.options.empty()) return;
  std::string_view separator = "(";
  for (const Spec& arg : spec.args) {
    out += separator;
    print_to(arg, out);
    separator = ", ";
  }
  for (const auto& [key, value] : spec.options) {
    out += separator;
    out += key;
    out += '=';
    print_to(value, out);
    separator = ", ";
  }
  out += ')';
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

}  // namespace

bool operator==(const Spec& a, const Spec& b) {
  return a.kind == b.kind && a.name == b.name && a.args == b.args && a.options == b.options;
}

Spec parse_arguments(std::string name, std::string_view text) {
  return Parser(text).parse_arguments(std::move(name));
}

Spec parse(std::string_view text) {
  Spec spec = Parser(text).parse_all();
  return spec;
}

std::string print(const Spec& spec) {
  std::string out;
  print_to(spec, out);
  return out;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string* best = nullptr;
  std::size_t least = word.size() / 2 + 2;  // a candidate at a larger distance would mislead
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      best = &candidate;
    }
  }
  return best == nullptr ? "" : fmt::format(" (did you mean \"{}\"?)", *best);
}

void fail_unknown(const Spec& spec, std::string_view what, const std::vector<std::string>& known) {
  throw SpecError(fmt::format("column {}: unknown {} \"{}\"{}; known: {}", spec.column, what, spec.name,
                              did_you_mean(spec.name, known), fmt::join(known, ", ")));
}

namespace {

/// As people write it: 1e9 and 0.5, not 1e+09.
std::string short_number(double value) {
  const std::string text = fmt::format("{:g}", value);
  const std::size_t e = text.find('e');
  return e == std::string::npos ? text
                                : fmt::format("{}e{}", text.substr(0, e), std::stoi(text.substr(e + 1)));
}

}  // namespace

std::string print(const Interval& interval, std::string_view name) {
  const char* above = interval.includes_low ? "=" : "";
  const char* below = interval.includes_high ? "=" : "";
  if (std::isinf(interval.high)) return fmt::format("{} >{} {}", name, above, short_number(interval.low));
  if (std::isinf(interval.low)) return fmt::format("{} <{} {}", name, below, short_number(interval.high));
  return fmt::format("{} <{} {} <{} {}", short_number(interval.low), above, name, below,
                     short_number(interval.high));
}

const Spec* Arguments::find(std::string_view name, std::size_t position) {
  if (known_.empty() || known_.back() != name) known_.emplace_back(name);
  const Spec* found = nullptr;
  if (position != kNamed) {
    positions_ = std::max(positions_, position + 1);
    if (position < spec_.args.size()) {
      args_read_[position] = true;
      found = &spec_.args[position];
    }
  }
  for (std::size_t i = 0; i < spec_.options.size(); ++i) {
    if (spec_.options[i].first != name) continue;
    if (found != nullptr) fail(fmt::format("\"{}\" is given twice, by position and by name", name));
    options_read_[i] = true;
    found = &spec_.options[i].second;
  }
  return found;
}

std::optional<double> Arguments::number(std::string_view name, std::size_t position) {
  const Spec* value = find(name, position);
  if (value == nullptr) return {};
  if (value->kind != Spec::Kind::number) fail(fmt::format("{} = {}; need a number", name, print(*value)));
  return value->number;
}

double Arguments::number(std::string_view name, double fallback, std::size_t position) {
  return number(name, position).value_or(fallback);
}

std::optional<double> Arguments::number_in(std::string_view name, const Interval& interval,
                                           std::size_t position) {
  const std::optional<double> value = number(name, position);
  if (value && !interval.contains(*value))
    fail(fmt::format("{} = {}; need {}", name, *value, print(interval, name)));
  return value;
}

double Arguments::number_in(std::string_view name, double fallback, const Interval& interval,
                            std::size_t position) {
  return number_in(name, interval, position).value_or(fallback);
}

std::size_t Arguments::whole(std::string_view name, std::size_t fallback, std::size_t least,
                             std::size_t position) {
  const auto value = number(name, position);
  if (!value) return fallback;
  if (*value != std::floor(*value) || *value < static_cast<double>(least) || *value > 0x1p53) {
    fail(fmt::format("{} = {}; need a whole number >= {}{}", name, *value, least,
                     *value > 0x1p53 ? " and <= 2^53" : ""));
  }
  return static_cast<std::size_t>(*value);
}

std::vector<std::size_t> Arguments::wholes(std::string_view name, std::size_t position) {
  std::vector<std::size_t> values;
  const auto read = [&](std::size_t at) {
    if (const std::size_t value = whole(name, 0, 1, at); value > 0) values.push_back(value);
  };
  read(position);
  while (++position < spec_.args.size()) read(position);
  return values;
}

std::string Arguments::word(std::string_view name, std::string_view fallback, std::size_t position) {
  const Spec* value = find(name, position);
  return value == nullptr ? std::string(fallback) : plain_word(name, *value);
}

std::string Arguments::plain_word(std::string_view name, const Spec& value) const {
  if (!value.args.empty() || !value.options.empty()) {
    fail(fmt::format("{} = {}; need a plain word", name, print(value)));
  }
  return value.name;
}

double Arguments::required_number_in(std::string_view name, const Interval& interval, std::size_t position,
                                     const std::string& missing) {
  const std::optional<double> value = number_in(name, interval, position);
  if (!value) fail_missing(missing);
  return *value;
}

std::string Arguments::required_word(std::string_view name, std::size_t position) {
  std::string value = word(name, "", position);
  if (value.empty()) fail_missing(fmt::format("\"{}\" is missing", name));
  return value;
}

std::string Arguments::choice(std::string_view name, const std::vector<std::string>& choices,
                              std::string_view fallback, std::size_t position) {
  std::string value = word(name, fallback, position);
  if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
    fail(fmt::format("{} = {}; need {}", name, value, fmt::join(choices, " or ")));
  }
  return value;
}

std::size_t Arguments::count_of(std::string_view name, std::size_t whole, std::size_t position) {
  const Spec* value = find(name, position);
  if (value == nullptr)
    fail_missing(fmt::format("\"{}\" is missing: a count such as 10, or a share such as 1%", name));
  double count = value->number;
  if (value->kind == Spec::Kind::word && value->name.ends_with('%')) {
    const auto percent = as_number(std::string_view(value->name).substr(0, value->name.size() - 1));
    if (!percent)
      fail(fmt::format("{} = {}; need a count such as 10, or a share such as 1%", name, print(*value)));
    // The share is rounded up. A product just above a whole number by rounding, such as 0.07 * 100, counts as
    // that number.
    const double share = *percent / 100 * static_cast<double>(whole);
    count = std::ceil(share - 1e-9 * share);
  } else if (value->kind != Spec::Kind::number) {
    fail(fmt::format("{} = {}; need a count such as 10, or a share such as 1%", name, print(*value)));
  }
  if (!(count >= 1 && count <= static_cast<double>(whole)) || count != std::floor(count)) {
    const bool is_share = value->kind == Spec::Kind::number && count > 0 && count < 1;
    fail(fmt::format("{} = {}; need a whole number with 1 <= {} <= {}{}", name, print(*value), name, whole,
                     is_share ? fmt::format(" (did you mean {:.6g}%?)", 100 * count) : ""));
  }
  return static_cast<std::size_t>(count);
}

bool Arguments::flag(std::string_view name, bool fallback) {
  const std::string value = word(name, fallback ? "1" : "0");
  if (value == "1" || value == "true" || value == "yes") return true;
  if (value == "0" || value == "false" || value == "no") return false;
  fail(fmt::format("{} = {}; need 0 or 1", name, value));
}

const Spec& Arguments::required(std::string_view name, std::size_t position, std::string_view example) {
  const Spec* value = find(name, position);
  if (value == nullptr) fail_missing(fmt::format("its {} is missing, as in {}", name, example));
  return *value;
}

void Arguments::done() const {
  for (std::size_t i = 0; i < args_read_.size(); ++i) {
    if (args_read_[i]) continue;
    const std::string takes = positions_ == 0 ? "takes no argument without a name"
                              : positions_ == 1
                                  ? "takes one argument without a name"
                                  : fmt::format("takes {} arguments without a name", positions_);
    fail(fmt::format("{}; found {} more: {}", takes, args_read_.size() - i, print(spec_.args[i])));
  }
  for (std::size_t i = 0; i < options_read_.size(); ++i) {
    if (options_read_[i]) continue;
    const std::string& key = spec_.options[i].first;
    const std::string known = known_.empty() ? "none" : fmt::format("{}", fmt::join(known_, ", "));
    fail(fmt::format("unknown option \"{}\"{}; known: {}", key, did_you_mean(key, known_), known));
  }
}

void Arguments::fail_missing(const std::string& message) const {
  for (std::size_t i = 0; i < options_read_.size(); ++i) {
    // A name close to a known one is probably a misspelling of the missing one. Others may be read later.
    if (!options_read_[i] && !did_you_mean(spec_.options[i].first, known_).empty()) done();
  }
  fail(message);
}

void Arguments::fail(const std::string& message) const {
  throw SpecError(fmt::format("column {}: {}: {}", spec_.column, print(spec_), message));
}

}  // namespace laconic
