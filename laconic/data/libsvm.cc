// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/libsvm.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/checksum.h"
#include "laconic/core/error.h"
#include "laconic/core/lines.h"
#include "laconic/data/gzip.h"

namespace laconic {
namespace {

constexpr std::uint64_t kHighestIndex = std::uint64_t{1} << 31;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// `text` in quotes, shortened and without control bytes: a message about a binary file must not disturb the
/// terminal.
std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 24;
  if (text.empty()) return "nothing";
  std::string out = "\"";
  for (const char c : text.substr(0, kLongest)) {
    if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out + (text.size() > kLongest ? "...\"" : "\"");
}

enum class Reading { number, not_a_number, not_finite, too_large };

/// Reads the number at `begin` and sets `end` to its end. Unlike from_chars it accepts a plus sign, rejects
/// inf and nan, and rounds too small numbers to 0.
Reading read_number(const char* begin, const char* limit, const char*& end, double& value) {
  if (limit - begin > 1 && *begin == '+' && begin[1] != '-') ++begin;
  const auto [stop, error] = std::from_chars(begin, limit, value);
  end = stop;
  if (error == std::errc::invalid_argument) return Reading::not_a_number;
  if (error == std::errc::result_out_of_range) {
    const std::string_view number(begin, static_cast<std::size_t>(stop - begin));
    const std::size_t exponent = number.find_first_of("eE");
    // from_chars does not report whether the number was too large or too small. Without an exponent, such a
    // number has 300 digits after the point (0.00..01) or before it.
    const bool tiny =
        exponent == std::string_view::npos ? number.find('.') <= 2 : number[exponent + 1] == '-';
    value = 0;
    return tiny ? Reading::number : Reading::too_large;
  }
  return std::isfinite(value) ? Reading::number : Reading::not_finite;
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& place, const LibsvmOptions& options)
      : text_(text), place_(place), options_(options) {}

  Dataset parse() {
    refuse_bad_options();
    const std::uint32_t checksum = checksum_of(text_);
    text_ = without_byte_order_mark(text_);
    while (!text_.empty()) {
      const std::string_view line = text_.substr(0, text_.find('\n'));
      text_.remove_prefix(std::min(line.size() + 1, text_.size()));
      ++line_;
      if (options_.working && line_ % kLinesBetween == 0) options_.working();
      parse_line(line);
    }
    Dataset set = finish();
    set.checksum = checksum;
    if (options_.choose) {
      set.stored = options_.choose(set.labels);
      for (const std::uint32_t row : *set.stored) {
        at_ = left_out_.at(row).data();
        end_ = at_ + left_out_[row].size();
        parse_features(true);
      }
    }
    set.features = std::move(features_);
    return set;
  }

 private:
  static constexpr std::size_t kLinesBetween = 4096;  // calls of options_.working

  [[noreturn]] void fail(const std::string& message) const {
    throw InputError(fmt::format("{}: {}", place_, message));
  }

  [[noreturn]] void fail_at(const char* at, std::string_view expected, const std::string& found) const {
    throw InputError(
        fmt::format("{}:{}:{}: expected {}, found {}", place_, line_, at - line_begin_ + 1, expected, found));
  }

  void refuse_bad_options() const {
    if (options_.columns && (*options_.columns < 1 || *options_.columns > kHighestIndex)) {
      fail(fmt::format("columns = {}; need 1 <= columns <= {}", *options_.columns, kHighestIndex));
    }
    if (options_.rows && *options_.rows < 1) fail("rows = 0; need rows >= 1");
  }

  void parse_line(std::string_view line) {
    line_begin_ = line.data();
    line = line.substr(0, line.find('#'));
    while (!line.empty() && (is_blank(line.back()) || line.back() == '\r')) line.remove_suffix(1);
    at_ = line.data();
    end_ = at_ + line.size();
    skip_blanks();
    if (at_ == end_) return;

    const bool keep = !options_.rows || rows_ < *options_.rows;
    const double label = parse_label();
    ++rows_;
    if (keep) labels_.push_back(label);
    if (keep && options_.choose) left_out_.emplace_back(at_, static_cast<std::size_t>(end_ - at_));
    highest_ = std::max(highest_, parse_features(keep && !options_.choose));
  }

  /// Parses the rest of a row and returns its last index.
  std::uint64_t parse_features(bool store) {
    std::uint64_t last = 0;
    for (skip_blanks(); at_ != end_; skip_blanks()) {
      const auto [index, value] = parse_feature(last);
      last = index;
      if (store) append(index, value);
    }
    if (store) features_.begin.push_back(features_.column.size());
    return last;
  }

  void skip_blanks() {
    while (at_ != end_ && is_blank(*at_)) ++at_;
  }

  /// The text from `begin` to the next blank, for a message.
  std::string_view token(const char* begin) const {
    return {begin, static_cast<std::size_t>(std::find_if(begin, end_, is_blank) - begin)};
  }

  double parse_number(const char* what) {
    const char* const begin = at_;
    double value = 0;
    const Reading reading = read_number(begin, end_, at_, value);
    if (reading == Reading::number && (at_ == end_ || is_blank(*at_))) return value;
    if (begin != end_ && is_blank(*begin)) {  // 63: .50, as in LIBSVM's own `protein`
      at_ = begin;
      skip_blanks();
      return parse_number(what);
    }
    const std::string found = quoted(token(begin));
    const bool whole = at_ == end_ || is_blank(*at_);
    if (whole && reading == Reading::not_finite) fail_at(begin, fmt::format("a finite {}", what), found);
    if (whole && reading == Reading::too_large)
      fail_at(begin, fmt::format("a {} below 1.8e308", what), found);
    fail_at(begin, fmt::format("a {} (a number)", what), found);
  }

  double parse_label() { return parse_number("label"); }

  std::pair<std::uint64_t, double> parse_feature(std::uint64_t last) {
    const char* const begin = at_;
    std::uint64_t index = 0;
    auto [stop, error] = std::from_chars(begin, end_, index);
    if (error == std::errc::invalid_argument) {  // +3:1
      if (*begin != '+') refuse_index(begin);
      const auto behind = std::from_chars(begin + 1, end_, index);
      stop = behind.ptr;
      error = behind.ec;
    }
    if (error == std::errc::invalid_argument || stop == end_ || *stop != ':') refuse_index(begin);
    const std::uint64_t limit = options_.columns.value_or(kHighestIndex);
    if (error == std::errc::result_out_of_range || index > limit) {
      fail_at(begin,
              fmt::format("an index <= {}{}", limit, options_.columns ? ", the number of columns" : ""),
              std::string(begin, stop).substr(0, 30));
    }
    if (index == 0) fail_at(begin, "an index >= 1", "0");
    if (index <= last)
      fail_at(begin, fmt::format("an index above {}, the one before it", last), fmt::format("{}", index));
    at_ = stop + 1;
    return {index, parse_number("value")};
  }

  [[noreturn]] void refuse_index(const char* begin) const {
    const std::string_view found = token(begin);
    if (found.starts_with("qid:")) {
      fail_at(begin, "index:value",
              quoted(found) + " (query ids, as ranking data have them, are not supported)");
    }
    fail_at(begin, "index:value with a whole number as index", quoted(found));
  }

  void append(std::uint64_t index, double value) {
    if (features_.column.empty()) {
      features_.value.assign(1, value);
    } else if (!shared_value_) {
      features_.value.push_back(value);
    } else if (value != features_.value[0]) {
      shared_value_ = false;
      const double shared = features_.value[0];
      features_.value.assign(features_.column.size(), shared);
      features_.value.push_back(value);
    }
    features_.column.push_back(static_cast<std::uint32_t>(index - 1));
  }

  Dataset finish() {
    if (rows_ == 0) fail("expected rows of LIBSVM text, found none");
    if (options_.rows && *options_.rows > rows_) {
      fail(fmt::format("rows = {}; need rows <= {}, the rows there are", *options_.rows, rows_));
    }
    if (!options_.columns && highest_ == 0) {
      fail("expected features, found none in any row (columns=N declares how many there are)");
    }
    Dataset set;
    set.name = place_;
    set.rows = labels_.size();
    set.columns = options_.columns.value_or(highest_);
    set.labels = std::move(labels_);
    return set;
  }

  std::string_view text_;  // the rest of the text
  const std::string& place_;
  const LibsvmOptions& options_;
  std::size_t line_ = 0;
  const char* line_begin_ = nullptr;
  const char* at_ = nullptr;   // position in the current line
  const char* end_ = nullptr;  // end of the current line, without comment and trailing blanks

  std::size_t rows_ = 0;
  std::uint64_t highest_ = 0;
  bool shared_value_ = true;
  SparseRows features_;
  std::vector<double> labels_;
  std::vector<std::string_view> left_out_;  // the feature text of each row, if rows will be chosen later
};

}  // namespace

Dataset parse_libsvm(std::string_view text, const std::string& place, const LibsvmOptions& options) {
  return Parser(text, place, options).parse();
}

Dataset read_libsvm(const std::string& path, const LibsvmOptions& options) {
  return parse_libsvm(read_file(path, options.working), path, options);
}

bool looks_like_libsvm(std::string_view start) {
  const auto parses = [](std::string_view text) {
    try {
      parse_libsvm(text, "");
      return true;
    } catch (const InputError&) {
      return false;
    }
  };
  if (parses(start)) return true;
  // If the start ends inside a feature, that feature may be rejected: "17" of "17:1", "17: ." of "17: .5".
  constexpr std::string_view kBlanks = " \t\n";
  do {
    start = start.substr(0, start.find_last_of(kBlanks));
    start = start.substr(0, start.find_last_not_of(kBlanks) + 1);
  } while (start.ends_with(':') && start.find_first_of(kBlanks) != std::string_view::npos);
  return parses(start);
}

}  // namespace laconic
