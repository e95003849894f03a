// SPDX-License-Identifier: Apache-2.0
// The language of descriptions: name(arg, arg, key=value), nested to any depth. Strings occur only at the
// interface of the program: a factory reads its Spec through Arguments and works with numbers afterwards.
//
//   spec   := word [ '(' [ item { ',' item } ] ')' ] | number | "quoted text"
//   item   := [ key '=' ] spec
//   word   := letters (of any script), digits and any of _ - + . / ~ : @ % * ^
//             (marina, 3pc-v1, 1%, 50ms, data/a9a.gz)
//
// A word that is entirely a number is a number. A quoted text may contain anything; \" and \\ are escapes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "laconic/core/error.h"
#include "laconic/core/interval.h"

namespace laconic {

struct Spec {
  enum class Kind { word, number, text };

  Kind kind = Kind::word;
  std::string name;   // the word or the text; for a number, its canonical spelling
  double number = 0;  // if it is a number
  std::vector<Spec> args;
  std::vector<std::pair<std::string, Spec>> options;
  std::size_t column = 1;  // where it begins in the parsed text, from 1; not part of its identity

  Spec() = default;
  explicit Spec(std::string word) : name(std::move(word)) {}

  friend bool operator==(const Spec& a, const Spec& b);
};

/// Throws SpecError with the column and what was expected there.
Spec parse(std::string_view text);

/// The spec `name(text)`, where `text` holds the arguments. Columns count from the start of `text`.
Spec parse_arguments(std::string name, std::string_view text);

/// The canonical form: parse(print(s)) == s, and print(parse(t)) is the same for every spelling t of one
/// spec.
std::string print(const Spec& spec);

/// The candidate closest to `word` (edit distance), as ` (did you mean "..."?)`, or "" if none is close.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// Throws SpecError: `column 8: unknown compressor "randk" (did you mean "rand-k"?);
/// known: identity, rand-k, ...`
[[noreturn]] void fail_unknown(const Spec& spec, std::string_view what,
                               const std::vector<std::string>& known);

/// The row of `table` with the name of the spec. Throws as fail_unknown() does.
template <class Table>
const auto& row_named(const Spec& spec, std::string_view what, const Table& table) {
  std::vector<std::string> known;
  for (const auto& row : table) {
    if (spec.kind == Spec::Kind::word && row.name == spec.name) return row;
    known.emplace_back(row.name);
  }
  fail_unknown(spec, what, known);
}

/// Throws InputError if the table, which may grow, already has a row of that name, or if a spec cannot have
/// that name.
template <class Table>
void require_new(std::string_view name, std::string_view what, const Table& table) {
  const Spec spec = parse(std::string(name));
  if (spec.kind != Spec::Kind::word || spec.name != name)
    throw InputError("\"" + std::string(name) + "\" is no name for a " + std::string(what));
  for (const auto& row : table) {
    if (row.name == name)
      throw InputError("there is a " + std::string(what) + " " + std::string(name) + " already");
  }
}

/// Calls action() and puts the name of the text before its SpecErrors: `method: column 8: ...`.
template <class Action>
auto of_text(const std::string& name, Action&& action) {
  try {
    return action();
  } catch (const SpecError& error) {
    throw InputError(name + ": " + error.what());
  }
}

/// Reads the arguments of one spec, by name and, if a position is given, also by position. Read each argument
/// once; done() then rejects all arguments that were not read. Errors are SpecErrors that begin with the
/// column and the spec: `column 8: rand-k(0): k = 0; need k >= 1`.
class Arguments {
 public:
  static constexpr std::size_t kNamed = static_cast<std::size_t>(-1);  // no position: by name only

  explicit Arguments(const Spec& spec)
      : spec_(spec), args_read_(spec.args.size()), options_read_(spec.options.size()) {}

  /// nullptr if absent.
  const Spec* find(std::string_view name, std::size_t position = kNamed);

  double number(std::string_view name, double fallback, std::size_t position = kNamed);
  std::optional<double> number(std::string_view name, std::size_t position = kNamed);
  /// A number in the interval.
  double number_in(std::string_view name, double fallback, const Interval& interval,
                   std::size_t position = kNamed);
  std::optional<double> number_in(std::string_view name, const Interval& interval,
                                  std::size_t position = kNamed);
  /// Fails with the message `missing` if the argument is absent.
  double required_number_in(std::string_view name, const Interval& interval, std::size_t position,
                            const std::string& missing);
  /// A whole number >= least.
  std::size_t whole(std::string_view name, std::size_t fallback, std::size_t least = 1,
                    std::size_t position = kNamed);
  /// Whole numbers >= 1: all arguments from a position on, or one by name. Empty if there are none.
  std::vector<std::size_t> wholes(std::string_view name, std::size_t position);
  std::string word(std::string_view name, std::string_view fallback, std::size_t position = kNamed);
  /// The word of a value that find() returned. Fails if the value has arguments.
  [[nodiscard]] std::string plain_word(std::string_view name, const Spec& value) const;
  std::string required_word(std::string_view name, std::size_t position);
  /// One of `choices`.
  std::string choice(std::string_view name, const std::vector<std::string>& choices,
                     std::string_view fallback, std::size_t position = kNamed);
  /// A count K, or a share of `whole`: 10, or 1% (rounded up). 1 <= result <= whole.
  std::size_t count_of(std::string_view name, std::size_t whole, std::size_t position);
  /// 0/1, true/false, yes/no.
  bool flag(std::string_view name, bool fallback);
  const Spec& required(std::string_view name, std::size_t position, std::string_view example);

  void done() const;

  /// Throws SpecError: the spec, its column, then `message`.
  [[noreturn]] void fail(const std::string& message) const;

 private:
  [[noreturn]] void fail_missing(const std::string& message) const;

  const Spec& spec_;
  std::vector<bool> args_read_;
  std::vector<bool> options_read_;
  std::vector<std::string> known_;
  std::size_t positions_ = 0;
};

}  // namespace laconic
