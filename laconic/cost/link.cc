// SPDX-License-Identifier: Apache-2.0
#include "laconic/cost/link.h"

#include <algorithm>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/quantity.h"

namespace laconic {
namespace {

double read(Arguments& args, const char* name, std::optional<double> (*quantity)(std::string_view),
            const char* expected, double fallback, std::size_t position = Arguments::kNamed) {
  const Spec* given = args.find(name, position);
  if (given == nullptr) return fallback;
  const auto value = quantity(given->name);
  if (!value || !given->args.empty() || !given->options.empty())
    args.fail(fmt::format("{} = {}; need {}", name, print(*given), expected));
  return *value;
}

double bandwidth(Arguments& args, const char* name, double fallback,
                 std::size_t position = Arguments::kNamed) {
  if (const Spec* given = args.find(name, position)) {
    if (const auto bits = bandwidth_of_bytes_in(given->name))
      args.fail(fmt::format("{} = {}; bandwidths are in bits a second: write {:g}mbit", name, print(*given),
                            *bits / 1e6));
  }
  return read(args, name, bandwidth_in, "bits a second as in 10mbit; lan and wan stand alone", fallback,
              position);
}

double latency(Arguments& args, const char* name, double fallback, std::size_t position = Arguments::kNamed) {
  return read(args, name, seconds_in, "seconds as in 20ms", fallback, position);
}

Link link(Arguments& args) {
  const double both = bandwidth(args, "bandwidth", Link{}.up, 0);
  const double delay = latency(args, "latency", 0, 1);
  return {.up = bandwidth(args, "up", both),
          .down = bandwidth(args, "down", both),
          .latency_up = latency(args, "latency-up", delay),
          .latency_down = latency(args, "latency-down", delay)};
}

Link symmetric(double bandwidth, double latency) { return {bandwidth, bandwidth, latency, latency}; }

constexpr LinkRow kLinks[] = {
    {"lan", "lan", "1 Gbit/s and 0.1 ms each way", [](Arguments&) { return symmetric(1e9, 1e-4); }},
    {"wan", "wan", "100 Mbit/s and 20 ms each way", [](Arguments&) { return symmetric(1e8, 2e-2); }},
    {"link", "link(100mbit, 20ms, up=, down=, latency-up=, latency-down=)",
     "bits a second, and seconds each way; of one link for all, the brackets and their content alone will do",
     link},
};

/// nullptr if the spec names no row.
const LinkRow* row_of(const Spec& spec) {
  const auto* row = std::find_if(std::begin(kLinks), std::end(kLinks), [&](const LinkRow& each) {
    return spec.kind == Spec::Kind::word && spec.name == each.name;
  });
  return row == std::end(kLinks) ? nullptr : row;
}

Link link_of(const Spec& arguments, Link (*make)(Arguments&) = link) {
  if (make == link && arguments.args.empty() && arguments.options.empty())
    throw SpecError(fmt::format("column {}: link: need a bandwidth and a latency, as in link(10mbit, 20ms)",
                                arguments.column));
  Arguments args(arguments);
  const Link made = make(args);
  args.done();
  return made;
}

Link made(const Spec& spec) {
  const LinkRow* row = row_of(spec);
  if (row == nullptr)
    throw SpecError(fmt::format(
        "column {}: {}; of several each is lan, wan, or a link of its own, as in link(10mbit, 20ms)",
        spec.column, print(spec)));
  return link_of(spec, row->make);
}

}  // namespace

std::span<const LinkRow> links() { return kLinks; }

std::vector<Link> make_links(const Spec& brackets) {
  const bool names_some = std::any_of(brackets.args.begin(), brackets.args.end(), row_of);
  if (!names_some) return {link_of(brackets)};
  if (!brackets.options.empty())
    throw SpecError(fmt::format("{}: goes into a link of its own, as in lan, link(10mbit, 50ms)",
                                brackets.options[0].first));
  std::vector<Link> all;
  for (const Spec& spec : brackets.args) all.push_back(made(spec));
  return all;
}

}  // namespace laconic
