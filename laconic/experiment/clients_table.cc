// SPDX-License-Identifier: Apache-2.0
#include "laconic/experiment/clients_table.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "laconic/data/classes.h"

namespace laconic {
namespace {

constexpr std::size_t kMostColumns = 20;  // most columns of classes on a terminal

/// Calls row(client, counts) for each client.
template <class Row>
void for_each_client(const Classes& classes, const Shards& shards, Row row) {
  for (std::size_t client = 0; client < shards.size(); ++client) row(client, classes.count(shards[client]));
}

}  // namespace

std::string clients_csv(const std::vector<double>& labels, const Shards& shards) {
  const auto classes = classes_of(labels);
  if (!classes) return "";
  std::string text = "client,rows";
  const auto out = std::back_inserter(text);
  for (const double label : classes->labels) fmt::format_to(out, ",class_{}", label);
  text += "\n";
  for_each_client(*classes, shards, [&](std::size_t client, const std::vector<std::size_t>& counts) {
    fmt::format_to(out, "{},{},{}\n", client, shards[client].size(), fmt::join(counts, ","));
  });
  return text;
}

std::string clients_text(const std::vector<double>& labels, const Shards& shards) {
  const auto classes = classes_of(labels);
  std::string text = fmt::format("{:>6} {:>7}", "client", "rows");
  const auto out = std::back_inserter(text);
  if (!classes) {
    text += "\n";
    for (std::size_t client = 0; client < shards.size(); ++client)
      fmt::format_to(out, "{:>6} {:>7}\n", client, shards[client].size());
    return text;
  }

  const bool fits = classes->labels.size() <= kMostColumns;
  if (fits) {
    for (const double label : classes->labels) fmt::format_to(out, " {:>6}", fmt::format("[{}]", label));
  } else {
    fmt::format_to(out, " {:>7}   {}", "classes", "most rows");
  }
  text += "\n";
  for_each_client(*classes, shards, [&](std::size_t client, const std::vector<std::size_t>& counts) {
    fmt::format_to(out, "{:>6} {:>7}", client, shards[client].size());
    if (fits) {
      for (const std::size_t count : counts) fmt::format_to(out, " {:>6}", count);
    } else {
      const auto most = std::max_element(counts.begin(), counts.end());
      fmt::format_to(out, " {:>7}   {} of [{}]", counts.size() - std::count(counts.begin(), counts.end(), 0U),
                     *most, classes->labels[static_cast<std::size_t>(most - counts.begin())]);
    }
    text += "\n";
  });
  return text;
}

}  // namespace laconic
