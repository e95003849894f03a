// SPDX-License-Identifier: Apache-2.0
#include "cli/ranks.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string_view>
#include <vector>

#include <fmt/format.h>

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

int exit_code_of_current_exception() {
  try {
    throw;
  } catch (const SharedFailure& failure) {
    return failure.exit_code();
  } catch (const Interrupted& interrupted) {
    return exit_code_of(interrupted.end());
  } catch (const InputError&) {
    return kWrongInput;
  } catch (...) {
    return kFailed;
  }
}

void without_memory_errors(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::bad_alloc&) {
    throw InputError("not enough memory: the description or its data ask for more than this machine has");
  }
}

void together(Transport& transport, const std::function<void()>& action) {
  std::string said;  // nothing, or the exit code as one byte and then the message
  try {
    without_memory_errors(action);
  } catch (const std::exception& error) {
    said = std::string(1, static_cast<char>(exit_code_of_current_exception())) + error.what();
    if (transport.size() == 1) throw;
  }
  for (const std::string& words : gather(transport, said)) {
    if (!words.empty()) throw SharedFailure(static_cast<unsigned char>(words[0]), words.substr(1));
  }
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
