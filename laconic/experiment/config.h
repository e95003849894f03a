// SPDX-License-Identifier: Apache-2.0
// The config of a run: keys of TOML files and key=value words, read, checked and resolved.
#pragma once

#include <cstdint>
#include <memory>
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
#include "laconic/problem/problem.h"
#include "laconic/solve.h"

namespace laconic {

/// What the caller adds to the keys of a run. It belongs to this process, and no file describes it.
struct Resources {
  /// Where data sets are looked up by name (data/lookup.h).
  std::vector<std::string> folders = {};
  /// The problem to minimise. The key `problem` is then only its name. Unset: one of the table of problems.
  std::shared_ptr<const Problem> own_problem = {};
};

struct Config {
  Spec problem;
  std::size_t clients = 20;
  Spec split{"contiguous"};
  std::optional<std::string> rest;  // until describe() makes it an argument of the split
  Spec method;
  StepRule step;
  std::optional<double> outer_step;
  std::optional<Spec> outer;
  std::optional<Spec> downlink;
  std::optional<Spec> aggregator;
  std::optional<double> clip_norm;
  std::optional<Spec> byzantine;
  std::optional<Spec> topology;
  std::optional<Spec> mixing;
  std::optional<Spec> stragglers;
  std::optional<Spec> rehearsal;  // its brackets hold the injected faults (served/faults.h)
  std::optional<Spec> allocation;
  std::optional<Spec> network;  // its brackets hold the links (cost/link.h)
  std::vector<double> compute;  // seconds of a single-sample gradient; clients take these values in turn
  std::optional<std::size_t> batch;
  std::uint64_t seed = 1;
  std::uint64_t split_seed = 1;
  SolveOptions solve;
  std::optional<double> target_gap;  // of f, as a share of the gap at the start; determines solve.target_f
  Wire wire = Wire::f32;
  std::size_t threads = 0;  // 0: as many as the machine has
  std::string out;          // empty: no files are written
  Resources resources;

  [[nodiscard]] bool has_target() const {
    return solve.target || target_gap || solve.target_accuracy || solve.target_consensus;
  }
  /// Whether the stragglers give the compute times of clients.
  [[nodiscard]] bool has_delays() const;
  /// Whether a real clock decides which clients are late (served/served.h).
  [[nodiscard]] bool is_served() const;
  /// The clients that do not lie: all, or those before the last F with byzantine=ATTACK(F).
  [[nodiscard]] std::size_t honest_clients() const;
  /// Whether the others compute with false labels.
  [[nodiscard]] bool has_false_labels() const;
  /// Whether the run has a modelled clock.
  [[nodiscard]] bool is_timed() const { return network || !compute.empty() || has_delays(); }
};

/// A key and its value as text. For errors, `place` is where it was read ("demo.toml:3"; empty for a word).
struct KeyValue {
  std::string key;
  std::string value;
  std::string place;
};

/// The top-level keys of a TOML file, with numbers in their shortest form. With `quick`, the keys of its
/// table [quick], which make the run smaller, follow. Throws InputError with file, line and column.
std::vector<KeyValue> read_toml(const std::string& path, bool quick = false);
/// The same for a text; `path` is used in errors only.
std::vector<KeyValue> parse_toml(std::string_view text, const std::string& path, bool quick = false);

/// Each word is `key=value` or the path of a TOML file. If a key is given more than once, only one value
/// remains: that of the last word, else that of the last file. `quick` is as for read_toml().
std::vector<KeyValue> settings_of(const std::vector<std::string>& words, bool quick = false);
/// Keeps the last value of each key.
std::vector<KeyValue> last_of_each(std::vector<KeyValue> settings);

/// Each word is `key=value` or the path of a TOML file. Words override files, later files override earlier
/// ones. Throws InputError for an unknown key, a value out of range, or a missing problem or method.
Config describe(const std::vector<std::string>& words);
/// The same for settings that are already read. Later settings override earlier ones.
Config describe(const std::vector<KeyValue>& settings);

/// Sets the setting's key in the config. Throws InputError for an unknown key or a value out of range.
void apply(Config& config, const KeyValue& setting);

/// Every key with its resolved value, in the order of the documentation. describe() of these gives the same
/// run.
std::vector<std::pair<std::string, std::string>> resolved(const Config& config);

/// The same as a TOML file, without `out`, so that the file can be run again into another folder.
std::string toml_of(const std::vector<std::pair<std::string, std::string>>& pairs);

struct KeyRow {
  const char* name;
  const char* example;
  const char* help;
};
/// The table of keys, for `laconic list`.
std::vector<KeyRow> config_keys();

/// The keys that a sweep has in addition to those of a run, for `laconic list`.
std::span<const KeyRow> sweep_keys();
bool is_sweep_key(const std::string& key);

/// Throws an InputError that suggests the nearest known name: `unknown key "stp" (did you mean "step"?);
/// known: ...`.
[[noreturn]] void fail_unknown_key(const std::string& key, const std::vector<std::string>& known);

/// As fail_unknown_key(), with the setting's place, if its key is not among the known names.
void require_known(const KeyValue& setting, const std::vector<std::string>& known);

/// InputError if files could not hold the value, because it is not UTF-8 or contains a NUL.
void require_text(const KeyValue& setting);

/// InputError if two words set the same key, as happens when the shell expands braces.
void require_once(const std::vector<std::string>& words);

/// Runs `action`. Rethrows its InputError with the key in front: "method: column 8: ...".
template <class Action>
auto naming(const std::string& key, Action&& action) {
  try {
    return action();
  } catch (const InputError& error) {
    throw InputError(key + ": " + error.what());
  }
}

}  // namespace laconic
