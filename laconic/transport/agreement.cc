// SPDX-License-Identifier: Apache-2.0
#include "laconic/transport/agreement.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include "laconic/core/lines.h"

namespace laconic {
namespace {

using Text = std::vector<std::uint8_t>;

/// The texts of all ranks, by rank.
std::vector<std::string> gather(Transport& transport, const std::string& mine) {
  const auto everyones = [&](const Text& own, const std::vector<std::size_t>& lengths) {
    std::vector<Text> all(transport.size());
    std::vector<MutByteView> from;
    for (std::size_t r = 0; r < all.size(); ++r) {
      all[r].resize(lengths[r]);
      from.emplace_back(all[r]);
    }
    transport.gather(own, from);
    all[transport.rank()] = own;
    return all;
  };
  Text length;
  for (unsigned b = 0; b < 64; b += 8)
    length.push_back(static_cast<std::uint8_t>(std::uint64_t{mine.size()} >> b));
  std::vector<std::size_t> lengths;
  for (const Text& text : everyones(length, std::vector<std::size_t>(transport.size(), length.size()))) {
    std::uint64_t value = 0;
    for (unsigned b = 0; b < 8; ++b) value |= std::uint64_t{text[b]} << (8 * b);
    lengths.push_back(value);
  }
  std::vector<std::string> result;
  for (const Text& text : everyones({mine.begin(), mine.end()}, lengths))
    result.emplace_back(text.begin(), text.end());
  return result;
}

}  // namespace

void together(Transport& transport, const std::function<void()>& action) {
  std::string said;  // empty, or one byte with the kind and then the message
  try {
    action();
  } catch (...) {
    if (transport.size() == 1) throw;
    const Failure failure = failure_in_flight();
    said = std::string(1, static_cast<char>(failure.kind)) + failure.message;
  }
  const std::vector<std::string> all = gather(transport, said);
  const auto failed =
      std::find_if(all.begin(), all.end(), [](const std::string& one) { return !one.empty(); });
  if (failed == all.end()) return;
  const bool are_alike = std::count(all.begin(), all.end(), *failed) == std::ssize(all);
  const std::string message = failed->substr(1);
  throw SharedFailure(static_cast<Failure::Kind>(failed->front()),
                      are_alike ? message : fmt::format("rank {}: {}", failed - all.begin(), message));
}

bool on_all(Transport& transport, bool is_so) {
  const std::vector<std::string> all = gather(transport, is_so ? "" : "no");
  return std::all_of(all.begin(), all.end(), [](const std::string& text) { return text.empty(); });
}

void require_same(Transport& transport, const std::string& text) {
  const std::vector<std::string> all = gather(transport, text);
  for (std::size_t r = 1; r < all.size(); ++r) require_same_of_rank(r, all[r], all[0]);
}

void require_same_of_rank(std::size_t rank, const std::string& text, const std::string& text_of_first) {
  if (text == text_of_first) return;
  const auto [line, line_of_first] = first_difference(text, text_of_first);
  throw SharedFailure(
      Failure::Kind::input,
      fmt::format("the ranks are not of one run: rank {} has {}, rank 0 has {}", rank, line, line_of_first));
}

}  // namespace laconic
