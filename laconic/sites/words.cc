// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/words.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/quantity.h"
#include "laconic/core/read_whole.h"
#include "laconic/sites/members.h"

namespace laconic {
namespace {

/// The words of a verb that are not keys of a run, by their keys.
class OwnKeys {
 public:
  OwnKeys(std::vector<std::string> known, const std::vector<KeyValue>& settings) : known_(std::move(known)) {
    for (const KeyValue& setting : settings) {
      if (is_known(setting.key)) values_[setting.key] = setting.value;
    }
  }
  [[nodiscard]] bool is_known(const std::string& key) const {
    return std::find(known_.begin(), known_.end(), key) != known_.end();
  }
  [[nodiscard]] std::optional<std::string> find(const std::string& key) const {
    const auto at = values_.find(key);
    if (at == values_.end()) return {};
    return at->second;
  }
  [[nodiscard]] std::string required(const std::string& key, const char* example) const {
    const auto value = find(key);
    if (!value || value->empty())
      throw InputError(fmt::format("{}: is missing, as in {}={}", key, key, example));
    return *value;
  }
  [[nodiscard]] std::optional<std::size_t> whole(const std::string& key) const {
    const auto value = find(key);
    if (!value) return {};
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
    if (error != std::errc{} || end != value->data() + value->size() || number == 0)
      throw InputError(fmt::format("{}: \"{}\"; need a whole number >= 1", key, *value));
    return number;
  }

 private:
  std::vector<std::string> known_;
  std::map<std::string, std::string> values_;
};

/// The parts of a text between commas.
std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return parts;
}

std::vector<double> labels_in(const std::string& text) {
  std::vector<double> labels;
  for (const std::string& part : parts_of(text)) {
    const std::size_t sign = part.starts_with('+') ? 1 : 0;  // as in LIBSVM's files
    double label = 0;
    const auto [end, error] = std::from_chars(part.data() + sign, part.data() + part.size(), label);
    if (error != std::errc{} || end != part.data() + part.size() || !std::isfinite(label))
      throw InputError(fmt::format("labels: \"{}\"; need numbers, as in -1,1", part));
    labels.push_back(label);
  }
  std::sort(labels.begin(), labels.end());
  if (std::adjacent_find(labels.begin(), labels.end()) != labels.end())
    throw InputError("labels: one stands there twice");
  return labels;
}

}  // namespace

ServeWords read_serve_words(const std::vector<KeyValue>& settings, const std::vector<std::string>& folders) {
  const OwnKeys own({"listen", "tls", "roster", "start-with", "columns", "labels"}, settings);
  std::vector<KeyValue> of_run;
  std::copy_if(settings.begin(), settings.end(), std::back_inserter(of_run),
               [&](const KeyValue& setting) { return !own.is_known(setting.key); });
  ServeOptions options = {.listen = own.required("listen", "0.0.0.0:8443"),
                          .tls = read_tls(own.required("tls", "certificates/server")),
                          .roster = read_roster(own.required("roster", "roster.txt")),
                          .start_with = own.whole("start-with").value_or(0),
                          .columns = own.whole("columns")};
  if (const auto labels = own.find("labels")) options.labels = labels_in(*labels);
  const std::string sites = fmt::format("{}", options.roster.size());
  for (const KeyValue& setting : of_run) {
    if (setting.key == "clients" && setting.value != sites)
      throw InputError(
          fmt::format("clients: {}; the roster has {} sites: leave it out", setting.value, sites));
  }
  of_run.push_back({"clients", sites, ""});
  Config described = describe(of_run);
  described.resources.folders = folders;
  return {config_across_sites(std::move(described), options), options};
}

JoinOptions read_join_words(const std::string& server, const std::vector<KeyValue>& settings,
                            const std::vector<std::string>& folders) {
  const std::vector<std::string> keys = {"tls", "data", "threads", "server-patience", "allow"};
  for (const KeyValue& setting : settings) require_known(setting, keys);
  const OwnKeys own(keys, settings);
  JoinOptions options = {.server = server,
                         .tls = read_tls(own.required("tls", "certificates/north")),
                         .data = own.required("data", "rows.libsvm"),
                         .folders = folders,
                         .threads = own.whole("threads").value_or(0)};
  if (const auto patience = own.find("server-patience")) {
    const auto seconds = seconds_in(*patience);
    if (!seconds || !(*seconds > 0))
      throw InputError(fmt::format("server-patience: \"{}\"; need a time > 0, as in 10min", *patience));
    options.server_patience = *seconds;
  }
  if (const auto allowed = own.find("allow")) options.allow = parts_of(*allowed);
  return options;
}

ServeFolder folder_to_serve(const Config& config, bool force) {
  if (config.out.empty()) return {};
  ServeFolder folder = {std::make_unique<RunFolder>(config.out)};
  RunFolder& out = *folder.out;
  const std::string description = toml_of(resolved(config));
  const bool is_same =
      !force && out.is_described() && !out.is_finished() && read_whole(out.description()) == description;
  if (is_same) {
    out.take_up();
    folder.goes_on = out.has_checkpoint();
  } else {
    if (!force && out.holds(MembersFile::kName) && out.is_described() && !out.is_finished())
      throw InputError(fmt::format(
          "out: {} holds a run across sites with other keys that has not ended; give the keys of {} to go on "
          "with it, choose another folder, or give --force to replace it",
          config.out, out.description()));
    out.take(force, description);
    const bool replaces = !out.holds("run.toml");
    if (!replaces) std::filesystem::remove(out.file(MembersFile::kName));  // of a start that came to nothing
  }
  return folder;
}

}  // namespace laconic
