// SPDX-License-Identifier: Apache-2.0
// A run in words: the keys of a TOML file and of key=value words, read, checked and resolved.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "laconic/core/error.h"
#include "laconic/core/failure.h"
#include "laconic/core/spec.h"
#include "laconic/message/message.h"
#include "laconic/methods/methods.h"
#include "laconic/solve.h"

namespace laconic {

struct Config {
  Spec problem;
  std::size_t clients = 20;
  Spec split{"contiguous"};
  Spec method;
  StepRule step;
  std::optional<double> outer_step;
  std::optional<Spec> topology;
  std::optional<Spec> mixing;
  std::optional<Spec> stragglers;
  std::optional<Spec> rehearsal;  // its brackets hold the troubles (served/faults.h)
  std::optional<Spec> allocation;
  std::optional<Spec> network;  // its brackets hold the links (cost/link.h)
  std::vector<double> compute;  // seconds a single-sample gradient, of which client i takes its turn
  std::optional<std::size_t> batch;
  std::uint64_t seed = 1;
  std::uint64_t split_seed = 1;
  SolveOptions solve;
  std::optional<double> target_gap;  // of f, in shares of that at the start; solve.target_f comes of it
  Wire wire = Wire::f32;
  std::size_t threads = 0;  // 0: as many as the machine has
  std::string out;          // empty: nothing is written

  [[nodiscard]] bool has_target() const { return solve.target || target_gap || solve.target_accuracy; }
  /// Whether stragglers say how long clients compute.
  [[nodiscard]] bool has_delays() const;
  /// Whether a real clock says who is late (served/served.h).
  [[nodiscard]] bool is_served() const;
  /// Whether the run has a modelled clock.
  [[nodiscard]] bool is_timed() const { return network || !compute.empty() || has_delays(); }
};

/// A key, its value as text, and where that stands ("demo.toml:3"; empty for a word), for errors.
struct KeyValue {
  std::string key;
  std::string value;
  std::string place;
};

/// Top-level keys of a TOML file, numbers in their shortest form; `quick`: then those of its table [quick],
/// which change the description into a smaller one. Throws InputError with file, line and column.
std::vector<KeyValue> read_toml(const std::string& path, bool quick = false);
/// The same of a text that is in hand; `path` is for errors.
std::vector<KeyValue> parse_toml(std::string_view text, const std::string& path, bool quick = false);

/// Words are `key=value` or the path of a TOML file. Of a key that is given several times one setting is
/// left: that of the last word, else that of the last file. `quick`: as read_toml().
std::vector<KeyValue> settings_of(const std::vector<std::string>& words, bool quick = false);
/// Of each key the last.
std::vector<KeyValue> last_of_each(std::vector<KeyValue> settings);

/// Words are `key=value` or the path of a TOML file; words win over files, later files over earlier ones. An
/// unknown key, a value out of range, or a missing problem or method is an InputError.
Config describe(const std::vector<std::string>& words);
/// The same of settings that are read already; later ones win.
Config describe(const std::vector<KeyValue>& settings);

/// Sets what the setting is about. An unknown key and a value out of range are InputErrors.
void apply(Config& config, const KeyValue& setting);

/// Every key with its resolved value, in the order of the documentation; describe() of these is the same run.
std::vector<std::pair<std::string, std::string>> resolved(const Config& config);

/// The same as a TOML file, all but `out`: so it can be run again as it is, into another folder.
std::string toml_of(const std::vector<std::pair<std::string, std::string>>& pairs);

struct KeyRow {
  const char* name;
  const char* example;
  const char* help;
};
/// The table of keys, for `laconic list`.
std::vector<KeyRow> config_keys();

/// The keys that a sweep has besides those of a run, for `laconic list`.
std::span<const KeyRow> sweep_keys();
bool is_sweep_key(const std::string& key);

/// InputError that offers the nearest of the known names: `unknown key "stp" (did you mean "step"?); known:
/// ...`.
[[noreturn]] void fail_unknown_key(const std::string& key, const std::vector<std::string>& known);

/// The same, with the setting's place, where its key is none of the known names.
void require_known(const KeyValue& setting, const std::vector<std::string>& known);

/// InputError where files could not hold the value: it is not UTF-8, or has a NUL in it.
void require_text(const KeyValue& setting);

/// InputError where two of the words give the same key a value, as braces do that the shell has expanded.
void require_once(const std::vector<std::string>& words);

/// Rethrows an InputError of `action` with the key in front: "method: column 8: ...".
template <class Action>
auto naming(const std::string& key, Action&& action) {
  try {
    return action();
  } catch (const InputError& error) {
    throw InputError(key + ": " + error.what());
  }
}

}  // namespace laconic
