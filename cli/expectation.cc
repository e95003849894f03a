// SPDX-License-Identifier: Apache-2.0
#include "cli/expectation.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic::cli {
namespace {

class Reader {
 public:
  explicit Reader(const std::string& text) : text_(text) {}

  std::vector<Expectation> statements() {
    std::vector<Expectation> all;
    while (!at_end()) {
      const std::size_t begin = at_;
      Expectation one;
      one.left = product();
      one.relation = relation();
      one.right = product();
      one.text = text_.substr(begin, text_.find_last_not_of(" \n\t\r", at_ - 1) + 1 - begin);
      all.push_back(std::move(one));
      if (!at_end() && !take(";")) fail("a ; between statements");
    }
    return all;
  }

 private:
  std::vector<Factor> product() {
    std::vector<Factor> factors{factor(false)};
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
    Factor result;
    result.divides = divides;
    if (take("\"")) {
      const std::size_t end = text_.find('"', at_);
      if (end == std::string::npos) fail("the end of a quoted text");
      if (end == at_) fail("a method in the quotes");
      result.method = text_.substr(at_, end - at_);
      at_ = end + 1;
      return result;
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
    const std::string word = text_.substr(begin, at_ - begin);
    if (word.empty()) fail("a method or a number");
    const char* const last = word.data() + word.size();
    const auto [end, error] = std::from_chars(word.data(), last, result.number);
    if (error == std::errc{} && end == last) return result;
    result.number = 1;
    result.method = word;
    return result;
  }

  std::string relation() {
    for (const char* each : {"<=", ">=", "<", ">"}) {
      if (take(each)) return each;
    }
    fail("one of <= >= < >");
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
    throw InputError(fmt::format("expect: column {} of \"{}\": need {}", at_ + 1, text_, expected));
  }

  const std::string& text_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<Expectation> parse_expectations(const std::string& text) { return Reader(text).statements(); }

Verdict judge(const Expectation& expectation, const std::function<double(const std::string& method)>& score) {
  const auto value = [&](const std::vector<Factor>& factors) {
    double product = 1;
    for (const Factor& factor : factors) {
      const double one = factor.method.empty() ? factor.number : score(factor.method);
      // Infinite whether it multiplies or divides: nothing is known of a score that was not reached.
      if (std::isinf(product) || std::isinf(one)) {
        product = std::numeric_limits<double>::infinity();
      } else {
        product = factor.divides ? product / one : product * one;
      }
    }
    return product;
  };
  Verdict verdict{value(expectation.left), value(expectation.right)};
  const bool known = std::isfinite(verdict.left) && std::isfinite(verdict.right);
  const std::string& relation = expectation.relation;
  verdict.holds = known && (relation == "<="   ? verdict.left <= verdict.right
                            : relation == ">=" ? verdict.left >= verdict.right
                            : relation == "<"  ? verdict.left < verdict.right
                                               : verdict.left > verdict.right);
  return verdict;
}

}  // namespace laconic::cli
