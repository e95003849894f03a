// SPDX-License-Identifier: Apache-2.0
// Who hears whom, where there is no server: graphs by name. Weights for what is heard are in mixing.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "laconic/core/spec.h"

namespace laconic {

/// Nodes 0 .. n-1, and for each of them the ones it hears. Four bytes an edge and direction.
class Graph {
 public:
  /// heard[i]: whom node i hears, in any order, repeated or not; that it hears itself goes without saying.
  explicit Graph(std::vector<std::vector<std::uint32_t>> heard);

  [[nodiscard]] std::size_t nodes() const { return heard_.size(); }
  /// Ascending, without the node itself.
  [[nodiscard]] std::span<const std::uint32_t> heard_by(std::size_t node) const { return heard_[node]; }
  [[nodiscard]] std::size_t degree(std::size_t node) const { return heard_[node].size(); }
  /// Whether everyone is heard by those it hears.
  [[nodiscard]] bool symmetric() const;

 private:
  std::vector<std::vector<std::uint32_t>> heard_;
};

/// Whether news gets from every node to every other, where the graphs take turns; of graphs in which as many
/// hear a node as it hears (all that doubly stochastic weights can have). All have the same number of nodes.
bool connected(std::span<const Graph> turns);

struct TopologySetting {
  std::size_t nodes = 1;
  std::uint64_t seed = 0;  // of graphs that are drawn
};

/// The graph that a spec names, or several that take turns: rounds 1, 2, ... use turns[0], turns[1], ... and
/// begin again. Connected. Throws InputError for an unknown name, arguments out of range, a graph that has
/// not so many nodes, or a file that is no list of edges.
std::vector<Graph> make_topology(const Spec& topology, const TopologySetting& setting);

/// One row of the table of topologies.
struct TopologyRow {
  const char* name;
  const char* usage;    // as the user writes it
  const char* summary;  // one line
  std::vector<Graph> (*make)(Arguments& args, const TopologySetting& setting);
};
std::span<const TopologyRow> topologies();

}  // namespace laconic
