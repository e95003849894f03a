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
      throw InputError(fmt::format("stragglers: {} is a server's, and {} has none that could go on without its clients",
                                   description.stragglers->name, description.method.name));
    }
    return std::move(*assembly.star);
  }
};

int serve_rank(Party& party, OutFolder* out, bool goes_on, Mailbox& mailbox) {
  const Description& description = party.description;
  const Problem& problem = *party.prepared.problem;
  const Regroup regroup = [&](const std::vector<std::uint32_t>& gone) {
    const std::shared_ptr<const Problem> always_there(std::shared_ptr<void>(), &problem);
    return Staff{always_there, party.parts(problem, gone)};
  };
  std::optional<AttendanceFile> attendance;
  const auto attended = [&](const Attendance& told) {
    if (attendance) attendance->record(told);
  };
  const double step = resolve(description.step, party.prepared.assembly);
  const auto method = make_served_star(
      regroup, {.step = step, .seed = description.seed, .wire = description.wire}, mailbox, *party.clock, attended);
  const auto transport = alone(&mailbox);
  Fleet fleet(*party.prepared.pool, *transport);
  return conduct(description, party.prepared, *method, fleet,
                 {.out = out, .goes_on = goes_on, .ranks = mailbox.size(), .on_files = [&](const Progress* from) {
                    if (out == nullptr) return;
                    from != nullptr ? attendance.emplace(out->path(), from->round) : attendance.emplace(out->path());
                  }});
}

void work_for_it(Party& party, Mailbox& mailbox) {
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
  Party party{.description = description, .place = {.rank = rank, .neighbours = neighbours}, .prepared = {}, .clock = {}};
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
    if (description.solve.target_accuracy) require_test_set("target-accuracy:", *prepared.problem, *prepared.pool);
    Fleet fleet(*prepared.pool);
    prepared.known = known_of(description, *prepared.problem, fleet);
    prepared.assembly = assembly_of(description, *prepared.problem, prepared.known.constants, party.clock, {});
    resolve(description.step, prepared.assembly);
  });

  int code = kDone;
  std::exception_ptr failure;
  try {
    transport.correspond(party.clock->patience(), [&](Mailbox& mailbox) {
      if (rank > 0) return work_for_it(party, mailbox);
      code = serve_rank(party, out, goes_on, mailbox);
    });
  } catch (...) {
    failure = std::current_exception();
  }
  // Where none was lost all can still meet, and end alike.
  if (!transport.is_broken()) {
    together(transport, [&] {
      if (failure) std::rethrow_exception(failure);
    });
    return code_of_first(transport, code);
  }
  if (!failure) return code;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    fmt::print(stderr, "laconic: {}{}\n", rank > 0 ? fmt::format("rank {}: ", rank) : "", error.what());
    return exit_code_of_current_exception();
  }
}

}  // namespace laconic::cli
