// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/expectation.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic {
namespace {

class Reader {
 public:
  explicit Reader(const std::string& text) : text_(text) {}

  std::vector<Expectation> statements() {
    std::vector<Expectation> all;
    while (!at_end()) {
      begin_ = at_;
      Expectation one;
      one.claim = claim();
      const std::size_t begin = at_;
      one.products.push_back(product());
      one.relations.push_back(relation());
      one.products.push_back(product());
      if (at_relation()) {
        one.relations.push_back(relation());
        one.products.push_back(product());
      }
      one.text = read_since(begin);
      all.push_back(std::move(one));
      if (!at_end() && !take(";")) fail("a ; between statements");
    }
    return all;
  }

 private:
  /// A claim is the text up to a colon. There is none if one of ; < > " comes before the colon.
  std::string claim() {
    const std::size_t end = text_.find_first_of(":;<>\"", at_);
    if (end == std::string::npos || text_[end] != ':') return "";
    std::string words = text_.substr(at_, end - at_);
    std::replace(words.begin(), words.end(), '\n', ' ');
    at_ = end + 1;
    skip_spaces();
    return words;
  }

  Product product() {
    Product factors{factor(false)};
    while (true) {
      if (take("*")) {
        factors.push_back(factor(false));
      } else if (take("/")) {
        factors.push_back(factor(true));
      } else {
        return factors;
      }
    }
  }

  Factor factor(bool divides) {
    skip_spaces();
    const std::size_t begin = at_;
    Factor result;
    result.divides = divides;
    std::string name = quoted_or_word();
    const char* const last = name.data() + name.size();
    const auto [end, error] = std::from_chars(name.data(), last, result.number);
    if (error == std::errc{} && end == last && std::isfinite(result.number)) return result;
    result.number = 1;
    if (take("(")) {
      result.measure = std::move(name);
      name = quoted_or_word();
    }
    result.method = std::move(name);
    if (take("[")) result.where = choices();
    if (!result.measure.empty() && !take(")")) fail("the ) after what is measured");
    result.text = read_since(begin);
    return result;
  }

  std::string quoted_or_word() {
    if (take("\"")) {
      const std::size_t begin = at_;
      const std::size_t end = text_.find('"', begin);
      if (end == std::string::npos) fail("the end of a quoted text");
      if (end == begin) fail("a method in the quotes");
      at_ = end + 1;
      return text_.substr(begin, end - begin);
    }
    skip_spaces();
    const auto in_word = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_';
    };
    const std::size_t begin = at_;
    const auto is_exponent_sign = [&] {  // 1e+3
      return text_[at_] == '+' && at_ > begin && (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E');
    };
    while (at_ < text_.size() && (in_word(text_[at_]) || is_exponent_sign())) ++at_;
    if (at_ == begin) fail("a method or a number");
    return text_.substr(begin, at_ - begin);
  }

  /// Reads the choices after an opening bracket.
  std::vector<Choice> choices() {
    std::vector<Choice> all;
    do {
      skip_spaces();
      const std::size_t begin = at_;
      const std::size_t end = text_.find_first_of(",]", begin);
      const std::size_t equals = text_.find('=', begin);
      if (end == std::string::npos) fail("the ] after the values of axes");
      if (equals == begin || equals >= end || equals + 1 == end) fail("an axis and its value, as in steps=5");
      all.push_back({text_.substr(begin, equals - begin), text_.substr(equals + 1, end - equals - 1)});
      at_ = end;
    } while (take(","));
    take("]");
    return all;
  }

  bool at_relation() {
    skip_spaces();
    return at_ < text_.size() && (text_[at_] == '<' || text_[at_] == '>');
  }

  std::string relation() {
    for (const char* each : {"<=", ">=", "<", ">"}) {
      if (take(each)) return each;
    }
    fail("one of <= >= < >");
  }

  /// The text since `begin`, without trailing spaces.
  [[nodiscard]] std::string read_since(std::size_t begin) const {
    return text_.substr(begin, text_.find_last_not_of(" \n\t\r", at_ - 1) + 1 - begin);
  }
  void skip_spaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool at_end() {
    skip_spaces();
    return at_ == text_.size();
  }
  bool take(std::string_view token) {
    skip_spaces();
    if (text_.compare(at_, token.size(), token) != 0) return false;
    at_ += token.size();
    return true;
  }
  [[noreturn]] void fail(const char* expected) const {
    const std::size_t begin = text_.find_first_not_of(" \n\t\r", begin_);
    std::string statement = text_.substr(begin, text_.find(';', begin_) - begin);
    std::replace(statement.begin(), statement.end(), '\n', ' ');
    throw InputError(
        fmt::format("expect: column {} of \"{}\": need {}", at_ - begin + 1, statement, expected));
  }

  const std::string& text_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;  // start of the current statement
};

bool holds(double left, const std::string& relation, double right) {
  if (!std::isfinite(left) || !std::isfinite(right)) return false;
  return relation == "<="   ? left <= right
         : relation == ">=" ? left >= right
         : relation == "<"  ? left < right
                            : left > right;
}

}  // namespace

std::vector<Expectation> parse_expectations(const std::string& text) { return Reader(text).statements(); }

std::vector<const Factor*> methods_in(const Expectation& expectation) {
  std::vector<const Factor*> methods;
  for (const Product& product : expectation.products) {
    for (const Factor& factor : product) {
      if (!factor.method.empty()) methods.push_back(&factor);
    }
  }
  return methods;
}

Verdict judge(const Expectation& expectation, const std::function<double(const Factor& method)>& score) {
  const auto value = [&](const Product& factors) {
    double product = 1;
    for (const Factor& factor : factors) {
      const double one = factor.method.empty() ? factor.number : score(factor);
      // An infinite factor makes the product infinite, even as a divisor: a score that was not reached gives
      // no information.
      if (std::isinf(product) || std::isinf(one)) {
        product = std::numeric_limits<double>::infinity();
      } else {
        product = factor.divides ? product / one : product * one;
      }
    }
    return product;
  };
  Verdict verdict;
  for (const Product& product : expectation.products) verdict.values.push_back(value(product));
  verdict.holds = true;
  for (std::size_t r = 0; r < expectation.relations.size(); ++r)
    verdict.holds &= holds(verdict.values[r], expectation.relations[r], verdict.values[r + 1]);
  return verdict;
}

std::string in_numbers(const Expectation& expectation, const Verdict& verdict) {
  const std::vector<double>& values = verdict.values;
  const auto is_told = [&](int digits) {  // whether this many digits show that neighbours differ
    for (std::size_t v = 0; v + 1 < values.size(); ++v) {
      if (values[v] != values[v + 1] &&
          fmt::format("{:.{}g}", values[v], digits) == fmt::format("{:.{}g}", values[v + 1], digits))
        return false;
    }
    return true;
  };
  int digits = 4;
  while (digits < 17 && !is_told(digits)) ++digits;
  std::string text = fmt::format("{:.{}g}", values[0], digits);
  for (std::size_t r = 0; r < expectation.relations.size(); ++r)
    text += fmt::format(" {} {:.{}g}", expectation.relations[r], values[r + 1], digits);
  return text;
}

}  // namespace laconic
