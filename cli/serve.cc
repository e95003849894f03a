// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.h"

#ifdef LACONIC_SITES
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "cli/data_folders.h"
#include "cli/run_result.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/watch.h"
#include "laconic/core/error.h"
#include "laconic/core/quantity.h"
#include "laconic/core/read_whole.h"
#include "laconic/sites/join.h"
#include "laconic/sites/serve.h"
#else
#include "cli/sites.h"
#endif

namespace laconic::cli {

#ifdef LACONIC_SITES
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
    double label = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), label);
    if (error != std::errc{} || end != part.data() + part.size())
      throw InputError(fmt::format("labels: \"{}\"; need numbers, as in -1,1", part));
    labels.push_back(label);
  }
  std::sort(labels.begin(), labels.end());
  if (std::adjacent_find(labels.begin(), labels.end()) != labels.end())
    throw InputError("labels: one stands there twice");
  return labels;
}

/// The folder of the run, and whether its run goes on: it is of the same description and has not ended.
std::unique_ptr<RunFolder> folder_of(const Config& config, bool force, bool& goes_on) {
  goes_on = false;
  if (config.out.empty()) return nullptr;
  auto folder = std::make_unique<RunFolder>(config.out);
  const std::string description = toml_of(resolved(config));
  const bool is_same = !force && folder->is_described() && !folder->is_finished() &&
                       read_whole(folder->description()) == description;
  if (is_same) {
    folder->take_up();
    goes_on = folder->has_checkpoint();
  } else {
    folder->take(force, description);
    for (const char* file : {"members.csv", "terms.json"}) std::filesystem::remove(folder->file(file));
  }
  return folder;
}

}  // namespace

int serve(const std::vector<std::string>& words, bool force, Output output) {
  const std::vector<KeyValue> settings = settings_of(words);
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
  described.resources.folders = data_folders();
  const Config config = config_across_sites(std::move(described), options);
  bool goes_on = false;
  const auto out = folder_of(config, force, goes_on);
  RunResult result;
  {
    Watch watch(!output.quiet);
    options.on_listening = [&](int port) {
      watch.remark(fmt::format("listening on {}, port {}{}", options.listen, port,
                               goes_on ? "; the run goes on from its checkpoint" : ""));
    };
    result = laconic::serve(config, options, watch, {.out = out.get(), .goes_on = goes_on});
  }
  if (result.interrupted()) {
    print_err("laconic: {}; {}\n", result.summary.reason,
              result.saved ? "to go on: the same command again" : "not saved");
    return exit_code_of(result.summary.request);
  }
  return tell_result(result, config, output);
}

int join(const std::vector<std::string>& words, Output output) {
  if (words.empty() || words[0].find('=') != std::string::npos)
    throw InputError("join: the server is missing, as in laconic join example.org:8443 tls=DIR data=FILE");
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  const std::vector<std::string> keys = {"tls", "data", "threads", "server-patience", "allow"};
  const std::vector<KeyValue> settings = settings_of(rest);
  for (const KeyValue& setting : settings) require_known(setting, keys);
  const OwnKeys own(keys, settings);
  JoinOptions options = {.server = words[0],
                         .tls = read_tls(own.required("tls", "certificates/north")),
                         .data = own.required("data", "rows.libsvm"),
                         .folders = data_folders(),
                         .threads = own.whole("threads").value_or(0)};
  if (const auto patience = own.find("server-patience")) {
    const auto seconds = seconds_in(*patience);
    if (!seconds || !(*seconds > 0))
      throw InputError(fmt::format("server-patience: \"{}\"; need a time > 0, as in 10min", *patience));
    options.server_patience = *seconds;
  }
  if (const auto allowed = own.find("allow")) options.allow = parts_of(*allowed);
  Watch watch(!output.quiet);
  const RunResult result = laconic::join(options, watch);
  if (!output.quiet)
    print_out("the run has ended: {}\n", result.diverged()      ? "it diverged"
                                         : result.interrupted() ? "the server was asked to end it"
                                                                : "done");
  return result.diverged() ? kFailed : kDone;
}
#else
int serve(const std::vector<std::string>& /*words*/, bool /*force*/, Output /*output*/) {
  fail_without_sites();
}
int join(const std::vector<std::string>& /*words*/, Output /*output*/) { fail_without_sites(); }
#endif

}  // namespace laconic::cli
