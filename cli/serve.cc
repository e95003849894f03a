// SPDX-License-Identifier: Apache-2.0
#include "cli/serve.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/conduct.h"
#include "cli/ranks.h"
#include "cli/signals.h"
#include "cli/stage_line.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "laconic/core/error.h"
#include "laconic/core/threads.h"
#include "laconic/network/real_clock.h"
#include "laconic/network/rehearsal.h"
#include "laconic/report/attendance.h"
#include "laconic/rounds/served.h"
#include "laconic/transport/threads.h"

namespace laconic::cli {
namespace {

/// A problem that somebody else keeps.
std::shared_ptr<const Problem> kept_elsewhere(const Problem& problem) {
  return {std::shared_ptr<void>(), &problem};
}

/// The method for a problem, without those clients who are gone.
StarParts parts_of(const Description& description, const Problem& problem,
                   const std::optional<Constants>& constants, const std::shared_ptr<RealClock>& clock,
                   const std::vector<std::uint32_t>& gone) {
  Assembly assembly = assembly_of(description, problem, constants, clock, gone);
  if (!assembly.star) {
    throw InputError(
        fmt::format("stragglers: {} is a server's, and {} has none that could go on without its clients",
                    description.stragglers->name, description.method.name));
  }
  return std::move(*assembly.star);
}

std::shared_ptr<RealClock> real_clock_of(const Description& description) {
  return std::dynamic_pointer_cast<RealClock>(stragglers_of(description));
}

/// Of each client, how often it was late while it lived.
class Missed {
 public:
  explicit Missed(std::size_t clients) : late_(clients, 0), rounds_(clients, 0) {}

  void add(const Attendance& told) {
    for (const std::uint32_t i : told.counted) ++rounds_[i];
    for (const std::uint32_t i : told.late) {
      ++rounds_[i];
      ++late_[i];
    }
    for (const std::uint32_t i : told.gone) rounds_[i] = 0;
  }

  /// Of those that hardly ever were in time.
  [[nodiscard]] std::vector<std::string> remarks() const {
    constexpr std::size_t kMost = 3;  // names
    std::vector<std::string> remarks;
    for (std::size_t i = 0; i < late_.size() && remarks.size() <= kMost; ++i) {
      if (rounds_[i] == 0 || 10 * late_[i] < 9 * rounds_[i]) continue;
      remarks.push_back(remarks.size() == kMost
                            ? "and so were others"
                            : fmt::format("client {} was late in {} of {} rounds", i, late_[i], rounds_[i]));
    }
    return remarks;
  }

 private:
  std::vector<std::size_t> late_;
  std::vector<std::size_t> rounds_;  // in which it was late or counted
};

/// Of the exception in flight.
void complain(std::size_t rank) {
  print_err("laconic: rank {}: {}\n", rank, failure_in_flight().message);
}

// Before round 0 each process says in a letter that it is of the run, or what keeps it from that: as
// together() and require_same() do (ranks.h), but a process that dies meanwhile is missed.

Letter hello(int code, const std::string& text) {
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  bytes.insert(bytes.begin(), static_cast<std::uint8_t>(code));
  return std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
}

void hear_hellos(Mailbox& mailbox, const std::string& identity) {
  std::vector<bool> heard(mailbox.size(), false);
  heard[0] = true;
  while (std::find(heard.begin(), heard.end(), false) != heard.end()) {
    if (const auto received = mailbox.take(mailbox.between_looks())) {
      const auto& bytes = *received->letter;
      const std::string text(bytes.begin() + 1, bytes.end());
      if (bytes[0] != kDone) throw SharedFailure(bytes[0], fmt::format("rank {}: {}", received->from, text));
      require_same_of_rank(received->from, text, identity);
      heard[received->from] = true;
    }
    if (mailbox.closed()) throw RunError("letters are not carried any more");  // the carrier has failed
    for (std::size_t r = 1; r < mailbox.size(); ++r) {
      if (!heard[r] && mailbox.is_lost(r))
        throw RunError(fmt::format("rank {} was lost before round 0; start again", r));
    }
  }
}

/// Rank 0's, which says on a terminal how far it is.
Prepared prepare_first(const Description& description, Place place) {
  StageLine stages(true);
  place.on_stage = [&](const std::string& stage) { stages.begin(stage); };
  return prepare(description, place);
}

/// Rank 0's part.
int lead(const Description& description, Prepared& prepared, OutFolder* out, bool goes_on, Mailbox& mailbox) {
  std::optional<StageLine> stages(true);
  const Problem& problem = *prepared.problem;
  hear_hellos(mailbox, identity_of(description, problem));
  const auto clock = real_clock_of(description);
  if (description.solve.target_accuracy) require_test_set("target-accuracy:", problem, *prepared.pool);
  const auto transport = alone(&mailbox);
  Fleet fleet(*prepared.pool, *transport);
  prepared.known =
      known_of(description, problem, fleet, [&](const std::string& stage) { stages->begin(stage); });
  stages.reset();  // from here on a progress bar is drawn
  const Regroup regroup = [&](const std::vector<std::uint32_t>& gone) {
    return Staff{kept_elsewhere(problem),
                 parts_of(description, problem, prepared.known.constants, clock, gone)};
  };
  prepared.assembly = assembly_of(description, problem, prepared.known.constants, clock, {});
  const double step = resolve(description.step, prepared.assembly);
  Missed missed(description.clients);
  std::optional<AttendanceFile> attendance;
  const auto attended = [&](const Attendance& told) {
    missed.add(told);
    if (attendance) attendance->record(told);
  };
  Request of_clients = Request::none;  // what their processes were asked for
  const auto method =
      make_served_star(regroup, {.step = step, .seed = description.seed, .wire = description.wire}, mailbox,
                       *clock, attended, [&](Request asked) { of_clients = std::max(of_clients, asked); });
  return conduct(description, prepared, *method, fleet,
                 {.out = out,
                  .goes_on = goes_on,
                  .ranks = mailbox.size(),
                  .on_files =
                      [&](const Progress* from) {
                        if (out == nullptr) return;
                        if (from != nullptr) {
                          attendance.emplace(out->path(), from->round);
                        } else {
                          attendance.emplace(out->path());
                        }
                      },
                  .remarks = [&] { return missed.remarks(); },
                  .asked = [&] { return of_clients; }});
}

/// That part, after which all end with the same exit code.
int lead_to_the_end(Mailbox& mailbox, const std::function<int()>& part) {
  int code = kDone;
  try {
    code = part();
  } catch (...) {
    mailbox.close(static_cast<std::uint8_t>(failure_in_flight().exit_code));
    throw;
  }
  return code;
}

/// Another rank's part. `everything`: the whole problem, where this process has it anyway.
int work(const Description& description, const Place& place, const Problem* everything, Mailbox& mailbox) {
  Prepared prepared;
  std::uint32_t checksum = 0;
  std::vector<Trouble> rehearsal;
  const auto clock = real_clock_of(description);
  std::optional<SignalGuard> guard;
  const Regroup regroup = [&](const std::vector<std::uint32_t>& gone) {
    std::shared_ptr<const Problem> problem;
    if (everything != nullptr) {
      problem = kept_elsewhere(*everything);
    } else if (prepared.problem && gone.empty()) {
      problem = std::move(prepared.problem);
    } else {
      prepared.problem.reset();
      Place with_theirs = place;
      with_theirs.gone = gone;
      problem = problem_of(description, with_theirs);
      if (problem->data_checksum() != checksum) throw RunError("the data have changed since the run began");
    }
    return Staff{problem, parts_of(description, *problem, {}, clock, gone)};
  };
  std::function<void()> serve_clients;
  try {
    if (everything == nullptr) {
      prepared = prepare(description, place);
      checksum = prepared.problem->data_checksum();
    }
    if (description.rehearsal) rehearsal = make_rehearsal(*description.rehearsal, description.clients);
    const Problem& problem = everything != nullptr ? *everything : *prepared.problem;
    const std::size_t threads = everything != nullptr ? 1 : prepared.pool->threads();
    if (everything == nullptr) guard.emplace();  // else rank 0, in the same process, has one
    serve_clients = start_clients(regroup, description.seed, mailbox, threads, rehearsal,
                                  guard ? take_request : std::function<Request()>{});
    mailbox.post(0, hello(kDone, identity_of(description, problem)));
  } catch (...) {
    const Failure failure = failure_in_flight();
    mailbox.post(0, hello(failure.exit_code, failure.message));
    while (!mailbox.closed() && !mailbox.is_lost(0)) mailbox.sleep(mailbox.between_looks());
    return failure.exit_code;
  }
  serve_clients();
  return kDone;
}

/// One process: a thread that serves, with all others to evaluate, and one for clients on each of the others.
int serve_on_threads(const Description& description, OutFolder* out, bool goes_on) {
  const std::size_t workers = std::min(threads_of(description.threads), description.clients);
  const auto clock = real_clock_of(description);
  Prepared prepared = prepare_first(description, {});
  const Problem& problem = *prepared.problem;
  int code = kDone;
  std::mutex mutex;
  std::exception_ptr refused;  // why the server misses a rank that has no thread
  const auto rank_of = [&](Transport& transport) {
    const bool leads = transport.rank() == 0;
    const auto body = [&](Mailbox& mailbox) {
      if (leads)
        return lead_to_the_end(mailbox, [&] { return lead(description, prepared, out, goes_on, mailbox); });
      try {
        return work(description, {}, &problem, mailbox);
      } catch (...) {  // the server goes on without it
        complain(transport.rank());
        return failure_in_flight().exit_code;
      }
    };
    try {
      const int own = transport.correspond(clock->patience(), body);
      if (leads) code = own;
    } catch (const ThreadRefused&) {
      const std::lock_guard lock(mutex);
      if (!refused) refused = std::current_exception();
      throw;
    }
  };
  try {
    run_ranks(1 + workers, rank_of);
  } catch (...) {
    if (!refused) throw;
  }
  if (refused) std::rethrow_exception(refused);
  return code;
}

}  // namespace

int serve(const Description& description, OutFolder* out, bool goes_on, Transport& transport,
          std::size_t neighbours) {
  if (transport.size() == 1) return serve_on_threads(description, out, goes_on);
  const std::size_t rank = transport.rank();
  Place place = {.rank = rank, .neighbours = neighbours};
  if (rank > 0) place.clients = clients_of(description.clients, rank, transport.size());
  double patience = 0;
  together(transport, [&] { patience = real_clock_of(description)->patience(); });
  // From here on a rank may be lost, and no call is collective any more.
  try {
    return transport.correspond(patience, [&](Mailbox& mailbox) {
      if (rank > 0) return work(description, place, nullptr, mailbox);
      return lead_to_the_end(mailbox, [&] {
        Prepared prepared = prepare_first(description, place);
        return lead(description, prepared, out, goes_on, mailbox);
      });
    });
  } catch (...) {
    const Failure failure = failure_in_flight();
    if (rank == 0) throw SharedFailure(failure.exit_code, failure.message);
    complain(rank);
    return failure.exit_code;
  }
}

}  // namespace laconic::cli
