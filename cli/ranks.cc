// SPDX-License-Identifier: Apache-2.0
#include "cli/ranks.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "cli/description.h"
#include "cli/signals.h"
#include "cli/verbs.h"
#include "laconic/core/error.h"
#include "laconic/core/lines.h"

namespace laconic::cli {
namespace {

using Text = std::vector<std::uint8_t>;

/// Everyone's text, by rank.
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

/// The text on one line, without what a terminal would take for a command, and not too long to be read.
std::string one_line(const std::string& text) {
  constexpr std::size_t kMost = 2000;  // bytes
  constexpr std::size_t kKept = 800;   // at each end
  const bool is_clean = is_utf8(text);
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "\\n";
    } else if (byte < ' ' || byte == 0x7f || (byte > 0x7f && !is_clean)) {
      line += fmt::format("\\x{:02x}", byte);
    } else {
      line += c;
    }
  }
  if (line.size() <= kMost) return line;
  const auto whole = [&](std::size_t at) {  // not inside a character
    while ((static_cast<unsigned char>(line[at]) & 0xc0U) == 0x80) ++at;
    return at;
  };
  const std::size_t head = whole(kKept);
  const std::size_t tail = whole(line.size() - kKept);
  return fmt::format("{} ... {} bytes left out ... {}", line.substr(0, head), tail - head, line.substr(tail));
}

std::optional<std::size_t> number_of(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return {};
  return std::strtoull(text, nullptr, 10);
}

}  // namespace

std::optional<std::size_t> ranks_of_launcher() {
  // mpirun of Open MPI, mpiexec of MPICH and srun --mpi=pmi2, srun of any kind. A batch script that calls the
  // program without srun has no step, and is one process.
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    if (const auto ranks = number_of(variable)) {
      // A step of one task may be a launcher's own, as when a job script runs mpirun.
      if (*ranks > 1 || std::string_view(variable) != "SLURM_STEP_NUM_TASKS") return ranks;
    }
  }
  return {};
}

bool launcher_outlives_ranks() {
  const char* text = std::getenv("OMPI_MCA_orte_enable_recovery");
  return text != nullptr && std::string_view("1tTyY").find(text[0]) != std::string_view::npos;
}

Failure failure_in_flight() {
  const auto wrong = [](const std::string& message) { return Failure{kWrongInput, one_line(message)}; };
  const auto failed = [](const std::string& message) { return Failure{kFailed, one_line(message)}; };
  constexpr const char* kTooLarge =
      "not enough memory: the description or its data ask for more than this machine has";
  try {
    throw;
  } catch (const SharedFailure& failure) {
    return {failure.exit_code(), one_line(failure.what())};
  } catch (const Interrupted& interrupted) {
    return {exit_code_of(interrupted.end()), one_line(interrupted.what())};
  } catch (const InputError& error) {
    return wrong(error.what());
  } catch (const RunError& error) {
    return failed(error.what());
  } catch (const std::bad_alloc&) {
    return wrong(kTooLarge);
  } catch (const std::length_error&) {  // of a vector that no machine could hold
    return wrong(kTooLarge);
  } catch (const std::filesystem::filesystem_error& error) {
    return failed(fmt::format("{}: {}", error.path1().string(), error.code().message()));
  } catch (const std::system_error& error) {
    return failed(fmt::format("the system refuses what the run needs: {}", error.code().message()));
  } catch (const std::exception& error) {
    return failed(fmt::format("a fault in laconic itself, please report it: {}", error.what()));
  } catch (...) {
    return failed("a fault in laconic itself, please report it");
  }
}

void together(Transport& transport, const std::function<void()>& action) {
  std::string said;  // nothing, or the exit code as one byte and then the message
  try {
    action();
  } catch (...) {
    if (transport.size() == 1) throw;
    const Failure failure = failure_in_flight();
    said = std::string(1, static_cast<char>(failure.exit_code)) + failure.message;
  }
  const std::vector<std::string> all = gather(transport, said);
  const auto failed =
      std::find_if(all.begin(), all.end(), [](const std::string& one) { return !one.empty(); });
  if (failed == all.end()) return;
  const bool are_alike = std::count(all.begin(), all.end(), *failed) == std::ssize(all);
  const std::string message = failed->substr(1);
  throw SharedFailure(static_cast<unsigned char>(failed->front()),
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
  throw SharedFailure(kWrongInput, fmt::format("the ranks are not of one run: rank {} has {}, rank 0 has {}",
                                               rank, line, line_of_first));
}

}  // namespace laconic::cli
