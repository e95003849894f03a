// SPDX-License-Identifier: Apache-2.0
#include "laconic/catalogue/catalogue.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "laconic/catalogue/method_facts.h"
#include "laconic/compress/compressor.h"
#include "laconic/core/error.h"
#include "laconic/core/spec.h"
#include "laconic/cost/link.h"
#include "laconic/data/split.h"
#include "laconic/experiment/config.h"
#include "laconic/methods/citations.h"
#include "laconic/methods/methods.h"
#include "laconic/participation/aggregator.h"
#include "laconic/participation/allocation.h"
#include "laconic/participation/attack.h"
#include "laconic/participation/stragglers.h"
#include "laconic/plot/plot.h"
#include "laconic/problem/make.h"
#include "laconic/report/trace.h"
#include "laconic/sweep/columns.h"
#include "laconic/sweep/papers.h"
#include "laconic/sweep/plan.h"
#include "laconic/topology/graph.h"
#include "laconic/topology/mixing.h"

namespace laconic {
namespace {

/// The word before the arguments.
std::string name_in(std::string_view usage) {
  return std::string(usage.substr(0, usage.find_first_of("(, ")));
}

/// The entries of a room's table. Its rows have a usage and a summary.
template <class Rows>
std::vector<NameRow> entries_of(const Rows& rows) {
  std::vector<NameRow> entries;
  for (const auto& row : rows) entries.push_back({name_in(row.usage), row.usage, row.summary});
  return entries;
}

std::vector<NameRow> entries_of_keys(std::span<const KeyRow> rows) {
  const auto defaults = resolved(Config{});
  std::vector<NameRow> entries;
  for (const KeyRow& row : rows) {
    NameRow& entry =
        entries.emplace_back(NameRow{row.name, fmt::format("{}={}", row.name, row.example), row.help});
    for (const auto& [key, value] : defaults) {
      if (key == row.name && !value.empty()) entry.facts.emplace_back("default", value);
    }
  }
  return entries;
}

std::vector<NameRow> entries_of_columns(std::span<const ColumnRow> rows) {
  std::vector<NameRow> entries;
  for (const ColumnRow& row : rows) {
    NameRow& entry = entries.emplace_back(NameRow{row.name, row.name, row.summary});
    if (*row.unit != '\0') entry.facts.emplace_back("unit", row.unit);
  }
  return entries;
}

std::vector<NameRow> entries_of_methods() {
  std::vector<NameRow> entries;
  auto facts = facts_of_methods();
  for (std::size_t m = 0; m < methods().size(); ++m) {
    const MethodRow& row = methods()[m];
    entries.push_back({row.name, row.usage, row.summary, std::move(facts[m])});
  }
  return entries;
}

std::vector<NameRow> entries_of_compressors() {
  std::vector<NameRow> entries = entries_of(compressors());
  for (NameRow& entry : entries) {
    if (const Citation* paper = citation_of_compressor(entry.name))
      entry.facts.emplace_back("paper", line_of(*paper));
  }
  return entries;
}

std::vector<NameRow> entries_of_measures() {
  std::vector<NameRow> entries;
  for (const Measure& row : measures()) entries.push_back({row.name, row.name, row.help});
  return entries;
}

std::vector<NameRow> entries_of_experiments() {
  std::vector<NameRow> entries;
  for (const PaperExperiment& row : papers())
    entries.push_back({row.name, row.name, row.title, {{"paper", row.paper}}});
  return entries;
}

}  // namespace

std::vector<NameTable> catalogue() {
  return {
      {"keys", "key of a run", "Keys of a run: words key=value, or a TOML file",
       entries_of_keys(config_keys())},
      {"sweep-keys", "key of a sweep",
       "Further keys of a sweep; braces in a value of a run are an axis: zeta={0,2^0..2^10}",
       entries_of_keys(sweep_keys())},
      {"plot-keys", "key of laconic plot", "Keys of laconic plot: words key=value, after the folders",
       entries_of_keys(plot_keys())},
      {"methods", "method", "Methods; C is a compressor, Q an unbiased one", entries_of_methods(), "method"},
      {"compressors", "compressor", "Compressors; K is a count, or a share of d such as 1%, rounded up",
       entries_of_compressors()},
      {"problems", "problem", "Problems", entries_of(problems()), "problem"},
      {"data", "data set without a file", "Data without a file", entries_of(std::span(&generated_row(), 1))},
      {"splits", "split", "Splits: which rows go to which client", entries_of(splits()), "split"},
      {"outer", "rule of the server's step", "Rules of the server's step", entries_of(outer_rules()),
       "outer"},
      {"downlink", "message of the server", "Messages of the server", entries_of(downlinks()), "downlink"},
      {"aggregator", "aggregation rule", "Rules by which the server makes one vector of those of the clients",
       entries_of(aggregators()), "aggregator"},
      {"byzantine", "attack", "Attacks: what the last F clients send instead of their vectors",
       entries_of(attacks()), "byzantine"},
      {"topologies", "topology", "Topologies, for methods without a server", entries_of(topologies()),
       "topology"},
      {"mixings", "mixing", "Mixings: the weights of neighbours", entries_of(mixings()), "mixing"},
      {"allocations", "allocation", "Allocations, for methods in which clients hold each other's data",
       entries_of(allocations()), "allocation"},
      {"stragglers", "model of stragglers", "Models of stragglers", entries_of(straggler_models()),
       "stragglers"},
      {"links", "link", "Links of the modelled network", entries_of(links()), "network"},
      {"measures", "measure", "Measures of a sweep", entries_of_measures(), "measure"},
      {"experiments", "experiment of laconic reproduce", "Experiments of papers, for laconic reproduce",
       entries_of_experiments()},
      {"columns", "column of trace.csv", "Columns of trace.csv", entries_of_columns(trace_columns())},
      {"timing-columns", "column of timing.csv", "Columns of timing.csv",
       entries_of_columns(timing_columns())},
      {"sweep-columns", "column of sweep.csv and cells.csv",
       "Further columns of sweep.csv and cells.csv, besides those of trace.csv",
       entries_of_columns(sweep_columns())},
  };
}

std::vector<Found> entries_named(std::string_view name, const std::vector<NameTable>& tables) {
  const std::string word = name_in(name);
  std::vector<Found> found;
  for (const NameTable& table : tables) {
    for (const NameRow& entry : table.entries) {
      if (entry.name == word) found.push_back({&table, &entry});
    }
  }
  return found;
}

const NameTable* table_named(std::string_view name, const std::vector<NameTable>& tables) {
  const auto table =
      std::find_if(tables.begin(), tables.end(), [&](const NameTable& each) { return each.name == name; });
  return table == tables.end() ? nullptr : &*table;
}

void require_names(const std::vector<std::string>& names, const std::vector<NameTable>& tables) {
  for (const std::string& name : names) {
    if (!entries_named(name, tables).empty() || table_named(name, tables) != nullptr) continue;
    throw InputError(fmt::format("there is no name \"{}\"{}; `laconic list` has all names", name,
                                 did_you_mean(name, names_in(tables))));
  }
}

std::vector<std::string> names_in(const std::vector<NameTable>& tables) {
  std::vector<std::string> names;
  for (const NameTable& table : tables) {
    names.push_back(table.name);
    for (const NameRow& entry : table.entries) names.push_back(entry.name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string fact(const NameRow& entry, std::string_view heading) {
  for (const auto& [name, text] : entry.facts) {
    if (name == heading) return text;
  }
  return "";
}

}  // namespace laconic
