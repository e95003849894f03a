// SPDX-License-Identifier: Apache-2.0
// Communication graphs without a server, by name: which nodes receive from which. mixing.h has the weights of
// the received vectors, which a graph that comes from a file may have itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "laconic/core/spec.h"

namespace laconic {

/// Nodes 0 .. n-1, and for each of them the nodes from which it receives. Memory: four bytes per directed
/// edge.
class Graph {
 public:
  /// An edge in both directions. w_ab = w_ba = weight: finite, of any sign.
  struct Weighted {
    std::uint32_t a = 0;
    std::uint32_t b = 0;
    double weight = 0;
  };

  /// heard[i]: the nodes from which node i receives, in any order, duplicates allowed. Node i itself may be
  /// omitted.
  explicit Graph(std::vector<std::vector<std::uint32_t>> heard);
  /// A graph with weights of its edges. Each edge occurs once, in one direction, and joins two nodes.
  Graph(std::size_t nodes, std::span<const Weighted> edges);

  [[nodiscard]] std::size_t nodes() const { return heard_.size(); }
  /// The nodes from which `node` receives: ascending, without the node itself.
  [[nodiscard]] std::span<const std::uint32_t> heard_by(std::size_t node) const { return heard_[node]; }
  [[nodiscard]] std::size_t degree(std::size_t node) const { return heard_[node].size(); }
  [[nodiscard]] bool has_weights() const { return !weights_.empty(); }
  /// The weights of heard_by(node), in the same order. Only for graphs with weights.
  [[nodiscard]] std::span<const double> weights_of(std::size_t node) const { return weights_[node]; }
  /// Whether every edge has its reverse edge.
  [[nodiscard]] bool symmetric() const;

 private:
  std::vector<std::vector<std::uint32_t>> heard_;
  std::vector<std::vector<double>> weights_;  // empty without weights
};

/// Whether information reaches every node from every other, if the graphs are used in turn. Valid for graphs
/// in which each node has as many receivers as senders (doubly stochastic weights require this). All graphs
/// must have the same number of nodes.
bool connected(std::span<const Graph> turns);

struct TopologySetting {
  std::size_t nodes = 1;
  std::uint64_t seed = 0;  // for random graphs
};

/// The graph that the spec names, or several that are used in turn: rounds 1, 2, ... use turns[0], turns[1],
/// ... and then start again. The result is connected. Throws InputError for an unknown name, arguments out of
/// range, a graph that does not exist for this number of nodes, or a file that is not a list of edges.
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
