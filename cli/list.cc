// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <span>

#include <fmt/format.h>

#include "cli/data_folders.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "laconic/compress/compressor.h"
#include "laconic/cost/link.h"
#include "laconic/data/classes.h"
#include "laconic/data/lookup.h"
#include "laconic/data/split.h"
#include "laconic/experiment/clients_table.h"
#include "laconic/experiment/config.h"
#include "laconic/methods/methods.h"
#include "laconic/participation/aggregator.h"
#include "laconic/participation/allocation.h"
#include "laconic/participation/attack.h"
#include "laconic/participation/stragglers.h"
#include "laconic/problem/make.h"
#include "laconic/sweep/plan.h"
#include "laconic/topology/graph.h"
#include "laconic/topology/mixing.h"

namespace laconic::cli {
namespace {

template <class Rows>
void print_rows(const char* title, const Rows& rows) {
  print_out("{}\n", title);
  for (const auto& row : rows) print_out("  {:<52} {}\n", row.usage, row.summary);
  print_out("\n");
}

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

/// Prints the rows and classes that each client would hold in a run with these keys. Reads labels, no
/// features.
int list_clients(const std::vector<std::string>& words) {
  const std::vector<std::string> known = {"data", "split", "clients", "split-seed"};
  std::string name;
  Config config;
  for (const KeyValue& setting : settings_of(words)) {
    if (setting.key == "data") {
      require_text(setting);
      name = setting.value;
    } else if (std::find(known.begin(), known.end(), setting.key) != known.end()) {
      apply(config, setting);
    } else {
      fail_unknown_key(setting.key, known);
    }
  }
  if (name.empty()) throw InputError("no data set is given, as in \"laconic list data=a9a split=by-label\"");

  const auto no_row = [](const std::vector<double>&) { return std::vector<std::uint32_t>{}; };
  const Dataset data = load_dataset(name, {.folders = data_folders(), .choose = no_row});
  const Shards shards = of_text(
      "split", [&] { return split_rows(config.split, data.labels, config.clients, config.split_seed); });
  const auto classes = classes_of(data.labels);
  print_out("{}: {} rows, {}; split {}, split-seed {}, {} clients\n\n{}", name, data.rows,
            classes ? fmt::format("{} classes", classes->labels.size())
                    : fmt::format("no classes (more than {} distinct labels)", kMostClasses),
            print(config.split), config.split_seed, config.clients, clients_text(data.labels, shards));
  return code_after_output(kDone);
}

}  // namespace

int list(const std::vector<std::string>& words) {
  if (!words.empty()) return list_clients(words);
  print_out("methods\n");
  for (const MethodRow& row : methods()) {
    print_out("  {:<52} {}{}\n", row.usage, row.summary, row.paper == "-" ? "" : " (" + row.paper + ")");
  }
  print_out("\n");
  print_rows("compressors (K is a count, or a share of d such as 1%, rounded up)", compressors());
  print_rows("problems", problems());
  print_rows("splits", splits());
  print_rows("outer, the server's rule", outer_rules());
  print_rows("downlink, what the server sends", downlinks());
  print_rows("aggregator, how the server makes one vector of those of its clients", aggregators());
  print_rows("byzantine, how the last F clients lie", attacks());
  print_rows("topologies, for methods without a server", topologies());
  print_rows("mixings, the weights of neighbours", mixings());

  print_rows("allocations, of methods whose clients hold each other's data", allocations());
  print_rows("stragglers", straggler_models());
  print_rows("links of the modelled network", links());

  print_out("keys of a run (words key=value, or a TOML file)\n");
  const auto defaults = resolved(Config{});
  for (const KeyRow& key : config_keys()) {
    const auto value = std::find_if(defaults.begin(), defaults.end(),
                                    [&](const auto& each) { return each.first == key.name; });
    print_out("  {:<52} {}{}\n", fmt::format("{}={}", key.name, key.example), key.help,
              value == defaults.end() ? "" : fmt::format("; default {}", value->second));
  }

  print_out("\nkeys of a sweep, besides; braces in a value of a run are an axis: zeta={{0,2^0..2^10}}\n");
  for (const KeyRow& key : sweep_keys())
    print_out("  {:<52} {}\n", fmt::format("{}={}", key.name, key.example), key.help);

  print_out("\n");
  print_rows("data without a file", std::span(&generated_row(), 1));

  print_out("data sets found\n");
  const auto found = find_datasets(data_folders());
  for (const auto& set : found) print_out("  {:<16} {:<10} {}\n", set.name, name_of(set.kind), set.path);
  if (found.empty()) print_out("  none: set LACONIC_DATA to folders that hold some, or run `make data`\n");
  return code_after_output(kDone);
}

}  // namespace laconic::cli
