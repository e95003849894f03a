// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/data_folders.h"
#include "cli/terminal.h"
#include "cli/verb_table.h"
#include "cli/verbs.h"
#include "laconic/catalogue/text.h"
#include "laconic/data/classes.h"
#include "laconic/data/lookup.h"
#include "laconic/data/split.h"
#include "laconic/experiment/clients_table.h"
#include "laconic/experiment/config.h"

namespace laconic::cli {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(DataKind kind) {
  switch (kind) {
    case DataKind::libsvm:
      return "LIBSVM";
    case DataKind::idx:
      return "idx images";
    case DataKind::cifar:
      return "CIFAR-10";
  }
  return "";
}

/// The data set and the split of `laconic list data=NAME`.
struct DataWords {
  std::string name;
  Config config;
};
DataWords read_words(const std::vector<std::string>& words) {
  const std::vector<std::string> known = {"data", "split", "clients", "split-seed"};
  DataWords read;
  for (const KeyValue& setting : settings_of(words)) {
    if (setting.key == "data") {
      require_text(setting);
      read.name = setting.value;
    } else if (std::find(known.begin(), known.end(), setting.key) != known.end()) {
      apply(read.config, setting);
    } else {
      fail_unknown_key(setting.key, known);
    }
  }
  if (read.name.empty())
    throw InputError("no data set is given, as in \"laconic list data=a9a split=by-label\"");
  return read;
}

Json json_of(const Dataset& data, const std::optional<Classes>& classes, const Shards& shards) {
  Json json = {{"data", data.name}, {"rows", data.rows}, {"left_out", count_left_out(shards, data.rows)}};
  if (classes) json["classes"] = classes->labels;
  json["clients"] = Json::array();
  for (const auto& shard : shards) {
    Json client = {{"rows", shard.size()}};
    if (classes) client["of_class"] = classes->count(shard);
    json["clients"].push_back(std::move(client));
  }
  return json;
}

/// Prints the rows and classes that each client would hold in a run with these keys. Reads labels, no
/// features.
int list_clients(const std::vector<std::string>& words, Output output) {
  const auto [name, config] = read_words(words);
  const auto no_row = [](const std::vector<double>&) { return std::vector<std::uint32_t>{}; };
  const Dataset data = load_dataset(name, {.folders = data_folders(), .choose = no_row});
  const Shards shards = of_text("split", [&, &run = config] {
    return split_rows(run.split, data.labels, run.clients, run.split_seed);
  });
  const auto classes = classes_of(data.labels);
  if (output.json) {
    write_out(json_of(data, classes, shards).dump(2) + "\n");
  } else {
    print_out("{}: {} rows, {}; split {}, split-seed {}, {} clients\n\n{}", name, data.rows,
              classes ? fmt::format("{} classes", classes->labels.size())
                      : fmt::format("no classes (more than {} distinct labels)", kMostClasses),
              print(config.split), config.split_seed, config.clients, clients_text(data.labels, shards));
  }
  return code_after_output(kDone);
}

Json json_of(const NameRow& entry) {
  Json json = {{"name", entry.name}, {"usage", entry.usage}, {"summary", entry.summary}};
  for (const auto& [heading, text] : entry.facts) json[heading] = text;
  return json;
}

/// The tables and rows with these names; without a name all of them, and the data sets found.
Json json_of_names(const std::vector<std::string>& names) {
  const std::vector<NameTable> tables = all_tables();
  require_names(names, tables);
  const auto is_wanted = [&](const std::string& name) {
    return names.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& each) {
             return each.substr(0, each.find('(')) == name;
           });
  };
  Json json = Json::object();
  for (const NameTable& table : tables) {
    for (const NameRow& entry : table.entries) {
      if (is_wanted(table.name) || is_wanted(entry.name)) json[table.name].push_back(json_of(entry));
    }
  }
  if (!names.empty()) return json;
  json["data-found"] = Json::array();
  for (const auto& set : find_datasets(data_folders()))
    json["data-found"].push_back({{"name", set.name}, {"kind", name_of(set.kind)}, {"path", set.path}});
  return json;
}

void list_everything() {
  for (const NameTable& table : all_tables()) write_out(text_of(table) + "\n");
  print_out("Data sets found\n");
  const auto found = find_datasets(data_folders());
  for (const auto& set : found) print_out("  {:<16} {:<10} {}\n", set.name, name_of(set.kind), set.path);
  if (found.empty()) print_out("  none: set LACONIC_DATA to folders that hold some, or run `make data`\n");
}

}  // namespace

int list(const std::vector<std::string>& words, bool markdown, Output output) {
  const bool is_of_data = std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return word.find('=') != std::string::npos || word.ends_with(".toml");
  });
  if (is_of_data) return list_clients(words, output);
  if (markdown) {
    write_out(reference_of(all_tables()));
  } else if (output.json) {
    write_out(json_of_names(words).dump(2) + "\n");
  } else if (!words.empty()) {
    return help(words);
  } else {
    list_everything();
  }
  return code_after_output(kDone);
}

}  // namespace laconic::cli
