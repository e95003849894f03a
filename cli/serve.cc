// SPDX-License-Identifier: Apache-2.0
#include "cli/serve.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/conduct.h"
#include "cli/ranks.h"
#include "cli/verbs.h"
#include "laconic/network/real_clock.h"
#include "laconic/network/rehearsal.h"
#include "laconic/report/attendance.h"
#include "laconic/rounds/served.h"
#include "laconic/transport/threads.h"

namespace laconic::cli {
namespace {

/// What a rank brings to a served run.
struct Party {
  const Description& description;
  Place place;
  Prepared prepared;
  std::shared_ptr<RealClock> clock;

  /// The method without those who are gone, for a problem that is there.
  [[nodiscard]] StarParts parts(const Problem& problem, const std::vector<std::uint32_t>& gone) const {
    Assembly assembly = assembly_of(description, problem, prepared.known.constants, clock, gone);
    if (!assembly.star) {
      throw InputError(
          fmt::format("stragglers: {} is a server's, and {} has none that could go on without its clients",
                      description.stragglers->name, description.method.name));
    }
    return std::move(*assembly.star);
  }
};

/// Of each client, how often it was late while it lived.
class Missed {
 public:
  explicit Missed(std::size_t clients) : late_(clients, 0), rounds_(clients, 0) {}

  void add(const Attendance& told) {
    for (const std::uint32_t i : told.counted) ++rounds_[i];
    for (const std::uint32_t i : told.late) ++rounds_[i], ++late_[i];
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

int serve_rank(Party& party, OutFolder* out, bool goes_on, Mailbox& mailbox) try {
  const Description& description = party.description;
  const Problem& problem = *party.prepared.problem;
  const Regroup regroup = [&](const std::vector<std::uint32_t>& gone) {
    const std::shared_ptr<const Problem> always_there(std::shared_ptr<void>(), &problem);
    return Staff{always_there, party.parts(problem, gone)};
  };
  std::optional<AttendanceFile> attendance;
  Missed missed(description.clients);
  const auto attended = [&](const Attendance& told) {
    missed.add(told);
    if (attendance) attendance->record(told);
  };
  const double step = resolve(description.step, party.prepared.assembly);
  const auto method =
      make_served_star(regroup, {.step = step, .seed = description.seed, .wire = description.wire}, mailbox,
                       *party.clock, attended);
  const auto transport = alone(&mailbox);
  Fleet fleet(*party.prepared.pool, *transport);
  return conduct(description, party.prepared, *method, fleet,
                 {.out = out,
                  .goes_on = goes_on,
                  .ranks = mailbox.size(),
                  .on_files =
                      [&](const Progress* from) {
                        if (out == nullptr) return;
                        from != nullptr ? attendance.emplace(out->path(), from->round)
                                        : attendance.emplace(out->path());
                      },
                  .remarks = [&] { return missed.remarks(); }});
} catch (...) {
  mailbox.close(static_cast<std::uint8_t>(exit_code_of_current_exception()));
  throw;
}

int work_for_it(Party& party, Mailbox& mailbox) {
  const Regroup regroup = [&](const std::vector<std::uint32_t>& gone) {
    std::shared_ptr<const Problem> problem = std::move(party.prepared.problem);  // the first time
    if (!problem) {
      party.place.gone = gone;
      problem = problem_of(party.description, party.place);
    }
    return Staff{problem, party.parts(*problem, gone)};
  };
  const auto& rehearsal = party.description.rehearsal;
  serve_clients(regroup, party.description.seed, mailbox, *party.prepared.pool,
                rehearsal ? make_rehearsal(*rehearsal, party.description.clients) : std::vector<Trouble>{});
  return kDone;
}

/// One process: a thread that serves, and one for clients on each of the others.
int serve_on_threads(const Description& description, OutFolder* out, bool goes_on) {
  const std::size_t workers = std::min(threads_of(description.threads), description.clients);
  Description of_thread = description;
  of_thread.threads = 1;
  int code = kDone;
  run_ranks(1 + workers, [&](Transport& transport) {
    const bool first = transport.rank() == 0;
    const int own = serve(of_thread, first ? out : nullptr, goes_on, transport, 1);
    if (first) code = own;
  });
  return code;
}

}  // namespace

int serve(const Description& description, OutFolder* out, bool goes_on, Transport& transport,
          std::size_t neighbours) {
  if (transport.size() == 1) return serve_on_threads(description, out, goes_on);
  const std::size_t rank = transport.rank();
  Party party{.description = description,
              .place = {.rank = rank, .neighbours = neighbours},
              .prepared = {},
              .clock = {}};
  if (rank > 0) party.place.clients = clients_of(description.clients, rank, transport.size());
  together(transport, [&] {
    party.prepared = prepare(description, party.place);
    party.clock = std::dynamic_pointer_cast<RealClock>(stragglers_of(description));
  });
  require_same(transport, identity_of(description, *party.prepared.problem));
  together(transport, [&] {
    static_cast<void>(party.parts(*party.prepared.problem, {}));
    if (rank > 0) return;
    Prepared& prepared = party.prepared;
    if (description.solve.target_accuracy)
      require_test_set("target-accuracy:", *prepared.problem, *prepared.pool);
    Fleet fleet(*prepared.pool);
    prepared.known = known_of(description, *prepared.problem, fleet);
    prepared.assembly =
        assembly_of(description, *prepared.problem, prepared.known.constants, party.clock, {});
    resolve(description.step, prepared.assembly);
  });

  // From here on a rank may be lost, and no call is collective any more.
  try {
    return transport.correspond(party.clock->patience(), [&](Mailbox& mailbox) {
      return rank > 0 ? work_for_it(party, mailbox) : serve_rank(party, out, goes_on, mailbox);
    });
  } catch (const std::exception& error) {
    const int code = exit_code_of_current_exception();
    if (rank == 0) throw SharedFailure(code, error.what());
    fmt::print(stderr, "laconic: rank {}: {}\n", rank, error.what());
    return code;
  }
}

}  // namespace laconic::cli
