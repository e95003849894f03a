// SPDX-License-Identifier: Apache-2.0
#include "laconic/topology/graph.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/lines.h"
#include "laconic/core/read_whole.h"
#include "laconic/core/rng.h"

namespace laconic {
namespace {

using Heard = std::vector<std::vector<std::uint32_t>>;

/// whom_to_hear(i, hear) calls hear(j) for each node j from which node i receives; it reduces j modulo the
/// number of nodes.
template <class WhomToHear>
Graph graph_of(std::size_t nodes, WhomToHear&& whom_to_hear) {
  Heard heard(nodes);
  for (std::size_t i = 0; i < nodes; ++i) {
    whom_to_hear(i, [&](std::size_t j) { heard[i].push_back(static_cast<std::uint32_t>(j)); });
  }
  return Graph(std::move(heard));
}

void join(Heard& heard, std::size_t i, std::size_t j) {
  heard[i].push_back(static_cast<std::uint32_t>(j));
  heard[j].push_back(static_cast<std::uint32_t>(i));
}

std::vector<Graph> ring(Arguments& /*args*/, const TopologySetting& s) {
  const std::size_t n = s.nodes;
  return {graph_of(n, [n](std::size_t i, auto&& hear) {
    hear((i + 1) % n);
    hear((i + n - 1) % n);
  })};
}

std::vector<Graph> path(Arguments& /*args*/, const TopologySetting& s) {
  const std::size_t n = s.nodes;
  return {graph_of(n, [n](std::size_t i, auto&& hear) {
    if (i > 0) hear(i - 1);
    if (i + 1 < n) hear(i + 1);
  })};
}

std::vector<Graph> torus(Arguments& args, const TopologySetting& s) {
  const std::size_t a = args.whole("rows", 0, 1, 0);
  const std::size_t b = args.whole("columns", 0, 1, 1);
  if (a == 0 || b == 0) args.fail("needs its rows and columns, as in torus(4,4)");
  if (a > s.nodes || a * b != s.nodes)
    args.fail(fmt::format("has {} x {} nodes; need {}, the clients", a, b, s.nodes));
  return {graph_of(s.nodes, [a, b](std::size_t i, auto&& hear) {
    const std::size_t r = i / b;
    const std::size_t c = i % b;
    hear((r + 1) % a * b + c);
    hear((r + a - 1) % a * b + c);
    hear(r * b + (c + 1) % b);
    hear(r * b + (c + b - 1) % b);
  })};
}

std::vector<Graph> complete(Arguments& /*args*/, const TopologySetting& s) {
  return {graph_of(s.nodes, [&](std::size_t, auto&& hear) {
    for (std::size_t j = 0; j < s.nodes; ++j) hear(j);
  })};
}

std::vector<Graph> star(Arguments& /*args*/, const TopologySetting& s) {
  Heard heard(s.nodes);
  for (std::size_t i = 1; i < s.nodes; ++i) join(heard, 0, i);
  return {Graph(std::move(heard))};
}

std::vector<Graph> hypercube(Arguments& args, const TopologySetting& s) {
  if (!std::has_single_bit(s.nodes))
    args.fail(fmt::format("has 1, 2, 4, 8, ... nodes; need {}, the clients", s.nodes));
  return {graph_of(s.nodes, [&](std::size_t i, auto&& hear) {
    for (std::size_t bit = 1; bit < s.nodes; bit *= 2) hear(i ^ bit);
  })};
}

std::vector<Graph> exponential(Arguments& /*args*/, const TopologySetting& s) {
  const std::size_t n = s.nodes;
  return {graph_of(n, [n](std::size_t i, auto&& hear) {
    for (std::size_t hop = 1; hop < n; hop *= 2) hear((i + hop) % n);
  })};
}

std::vector<Graph> one_peer(Arguments& /*args*/, const TopologySetting& s) {
  const std::size_t n = s.nodes;
  std::vector<Graph> turns;
  for (std::size_t hop = 1; hop < n; hop *= 2) {
    turns.push_back(graph_of(n, [n, hop](std::size_t i, auto&& hear) { hear((i + hop) % n); }));
  }
  if (turns.empty()) turns.emplace_back(Heard(n));
  return turns;
}

std::vector<Graph> erdos_renyi(Arguments& args, const TopologySetting& s) {
  const double p =
      args.required_number_in("p", kPositiveShare, 0, "its probability is missing, as in erdos-renyi(0.3)");
  constexpr std::uint32_t kDraws = 1000;
  for (std::uint32_t draw = 0; draw < kDraws; ++draw) {
    Heard heard(s.nodes);
    for (std::size_t i = 0; i + 1 < s.nodes; ++i) {
      Stream stream =
          Key{.seed = s.seed, .round = draw, .client = static_cast<std::uint32_t>(i)}.stream(Purpose::graph);
      for (std::size_t j = i + 1; j < s.nodes; ++j) {
        if (stream.uniform() < p) join(heard, i, j);
      }
      if (heard[i].empty()) break;  // later nodes add no edge to i, so i stays isolated
    }
    std::vector<Graph> drawn = {Graph(std::move(heard))};
    if (connected(drawn)) return drawn;
  }
  args.fail(fmt::format("none of {} draws with {} nodes is connected; need a larger p, as 2 ln n / n", kDraws,
                        s.nodes));
}

constexpr std::string_view kSeparators = " \t,\r";

/// Removes the number at the start of `text`, up to a separator, and returns it.
template <class Number>
std::optional<Number> take_number(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSeparators), text.size()));
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return {};
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty() && kSeparators.find(text.front()) == std::string_view::npos) return {};
  return value;
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r") == std::string_view::npos; }

/// The edges of a file: two nodes a line, and in every line or in none the weight of the edge.
class EdgeFile {
 public:
  EdgeFile(const Arguments& args, std::string name, std::size_t nodes)
      : args_(args), name_(std::move(name)), nodes_(nodes) {}

  Graph read() {
    std::istringstream file(read_whole(name_));
    for (number_ = 1; std::getline(file, line_); ++number_) {
      std::string_view rest = number_ == 1 ? without_byte_order_mark(line_) : line_;
      rest = rest.substr(0, rest.find('#'));
      if (!is_blank(rest)) add(rest);
    }
    if (number_ == 1) args_.fail(fmt::format("{}: is empty", name_));
    if (!lines_.empty() && has_weights_) {
      std::vector<Graph::Weighted> edges;
      for (const auto& [edge, line] : lines_) edges.push_back({edge.first, edge.second, line.weight});
      return {nodes_, edges};
    }
    Heard heard(nodes_);
    for (const auto& [edge, line] : lines_) join(heard, edge.first, edge.second);
    return Graph(std::move(heard));
  }

 private:
  struct Line {
    std::size_t number = 0;
    double weight = 0;
  };

  [[noreturn]] void fail(const std::string& what) const {
    args_.fail(fmt::format("{}:{}: {}", name_, number_, what));
  }

  void add(std::string_view rest) {
    const auto i = take_number<std::uint64_t>(rest);
    const auto j = take_number<std::uint64_t>(rest);
    std::optional<double> weight;
    const bool more = !is_blank(rest);
    if (more) weight = take_number<double>(rest);
    if (!i || !j || more != weight.has_value() || !is_blank(rest))
      fail(fmt::format("\"{}\"; need two nodes, as in 0 1, or two nodes and a weight, as in 0 1 0.5", line_));
    if (*i >= nodes_ || *j >= nodes_ || *i == *j)
      fail(fmt::format("edge {} {}; need two different nodes of 0 to {}", *i, *j, nodes_ - 1));
    if (lines_.empty()) {
      has_weights_ = more;
      first_ = number_;
    }
    if (more != has_weights_) {
      fail(fmt::format(
          "the edge has {} weight, and that of line {} has {}; need weights in all lines or in none",
          more ? "a" : "no", first_, more ? "none" : "one"));
    }
    // |w_ij| <= |W|, which is 1 if mixing enlarges no difference.
    if (more && !(*weight >= -1 && *weight <= 1))
      fail(fmt::format("weight {}; need a number from -1 to 1", *weight));
    const std::pair edge(static_cast<std::uint32_t>(std::min(*i, *j)),
                         static_cast<std::uint32_t>(std::max(*i, *j)));
    const auto [found, is_new] = lines_.try_emplace(edge, Line{number_, weight.value_or(0)});
    if (!is_new && found->second.weight != weight.value_or(0)) {
      fail(fmt::format("weight {} of edge {} {}, which line {} gives {}; need one weight for both directions",
                       *weight, *i, *j, found->second.number, found->second.weight));
    }
  }

  const Arguments& args_;
  std::string name_;
  std::size_t nodes_;
  std::string line_;
  std::size_t number_ = 1;
  std::size_t first_ = 0;  // the line of the first edge
  bool has_weights_ = false;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Line> lines_;
};

std::vector<Graph> edges(Arguments& args, const TopologySetting& s) {
  const std::string name = args.required_word("file", 0);
  return {EdgeFile(args, name, s.nodes).read()};
}

const TopologyRow kTopologies[] = {
    {"ring", "ring", "each node receives from the node before it and the node after it", ring},
    {"torus", "torus(a,b)", "a ring of a rings of b nodes; node (r, c) is number r*b + c", torus},
    {"complete", "complete", "every node receives from every other: n(n-1) messages a round", complete},
    {"star", "star", "node 0 receives from all others, and they receive from it", star},
    {"hypercube", "hypercube",
     "n = 2^m: node i receives from the nodes with numbers that differ from i in one bit", hypercube},
    {"exponential", "exponential",
     "node i receives from i+1, i+2, i+4, ... mod n (arXiv 2110.13363); directed", exponential},
    {"one-peer", "one-peer",
     "node i receives from one node: i+1, in the next round i+2, then i+4, ... mod n; directed", one_peer},
    {"erdos-renyi", "erdos-renyi(p)", "each edge with probability p; drawn again until connected",
     erdos_renyi},
    {"path", "path", "a ring without the edge that closes it", path},
    {"edges", "edges(\"FILE\")",
     "a file with an edge a line: two nodes, counted from 0, and in all lines or in none a weight, as in 0 1 "
     "0.5; # begins a comment",
     edges},
};

}  // namespace

Graph::Graph(std::vector<std::vector<std::uint32_t>> heard) : heard_(std::move(heard)) {
  for (std::size_t i = 0; i < nodes(); ++i) {
    std::vector<std::uint32_t>& of_node = heard_[i];
    std::sort(of_node.begin(), of_node.end());
    of_node.erase(std::unique(of_node.begin(), of_node.end()), of_node.end());
    std::erase(of_node, i);
    check(of_node.empty() || of_node.back() < nodes(), "a node hears one that is not in the graph");
  }
}

Graph::Graph(std::size_t nodes, std::span<const Weighted> edges) : heard_(nodes), weights_(nodes) {
  std::vector<std::vector<std::pair<std::uint32_t, double>>> all(nodes);
  for (const auto& [a, b, weight] : edges) {
    check(a < nodes && b < nodes && a != b, "an edge joins two nodes of the graph");
    all[a].emplace_back(b, weight);
    all[b].emplace_back(a, weight);
  }
  for (std::size_t i = 0; i < nodes; ++i) {
    std::sort(all[i].begin(), all[i].end());
    for (const auto& [node, weight] : all[i]) {
      check(heard_[i].empty() || heard_[i].back() < node, "a weighted edge occurs once");
      heard_[i].push_back(node);
      weights_[i].push_back(weight);
    }
  }
}

bool Graph::symmetric() const {
  for (std::size_t i = 0; i < nodes(); ++i) {
    for (const std::uint32_t j : heard_[i]) {
      if (!std::binary_search(heard_[j].begin(), heard_[j].end(), i)) return false;
    }
  }
  return true;
}

bool connected(std::span<const Graph> turns) {
  const std::size_t n = turns.front().nodes();
  // Joins the edges one by one and ignores their directions: if each node has as many receivers as senders,
  // there is also a directed path back. head[i]: a node of the same component; i itself if it represents the
  // component.
  std::vector<std::uint32_t> head(n);
  for (std::size_t i = 0; i < n; ++i) head[i] = static_cast<std::uint32_t>(i);
  const auto part_of = [&](std::uint32_t i) {
    while (head[i] != i) i = head[i] = head[head[i]];
    return i;
  };
  std::size_t parts = n;
  for (const Graph& graph : turns) {
    for (std::size_t i = 0; i < n; ++i) {
      for (const std::uint32_t j : graph.heard_by(i)) {
        const std::uint32_t a = part_of(static_cast<std::uint32_t>(i));
        const std::uint32_t b = part_of(j);
        if (a == b) continue;
        head[a] = b;
        --parts;
      }
    }
  }
  return parts <= 1;
}

std::vector<Graph> make_topology(const Spec& topology, const TopologySetting& setting) {
  check(setting.nodes >= 1, "a graph needs nodes");
  Arguments args(topology);
  std::vector<Graph> turns = row_named(topology, "topology", topologies()).make(args, setting);
  args.done();
  if (!connected(turns)) args.fail("is not connected: some nodes never receive anything of each other");
  return turns;
}

std::span<const TopologyRow> topologies() { return kTopologies; }

}  // namespace laconic
