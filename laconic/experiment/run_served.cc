// SPDX-License-Identifier: Apache-2.0
#include "laconic/experiment/run_served.h"

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

#include "laconic/core/error.h"
#include "laconic/core/threads.h"
#include "laconic/participation/real_clock.h"
#include "laconic/report/attendance.h"
#include "laconic/served/faults.h"
#include "laconic/served/judge.h"
#include "laconic/served/letters.h"
#include "laconic/served/served.h"
#include "laconic/transport/agreement.h"
#include "laconic/transport/threads.h"

namespace laconic {
namespace {

// The code with which a rank ends and closes its mailbox: how the run ended, or kFailed plus the kind of the
// failure. A transport that can no longer carry letters closes with kLost.
enum Code : int { kDone, kLost, kDiverged, kInterrupted, kTerminated, kFailed = 16 };

int code_of(const RunResult& result) {
  if (result.diverged()) return kDiverged;
  if (!result.interrupted()) return kDone;
  return result.summary.request == Request::terminate ? kTerminated : kInterrupted;
}

int code_of(const Failure& failure) { return kFailed + static_cast<int>(failure.kind); }

/// A non-owning pointer to a problem that the caller keeps alive.
std::shared_ptr<const Problem> kept_elsewhere(const Problem& problem) {
  return {std::shared_ptr<void>(), &problem};
}

/// Counts for each client how often it was late while it was alive.
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

  /// Sentences about the clients that were hardly ever in time.
  [[nodiscard]] std::vector<std::string> sentences() const {
    constexpr std::size_t kMost = 3;  // names
    std::vector<std::string> sentences;
    for (std::size_t i = 0; i < late_.size() && sentences.size() <= kMost; ++i) {
      if (rounds_[i] == 0 || 10 * late_[i] < 9 * rounds_[i]) continue;
      sentences.push_back(sentences.size() == kMost ? "and so were others"
                                                    : fmt::format("client {} was late in {} of {} rounds", i,
                                                                  late_[i], rounds_[i]));
    }
    return sentences;
  }

 private:
  std::vector<std::size_t> late_;
  std::vector<std::size_t> rounds_;  // rounds in which the client was late or counted
};

/// Reports the current exception of a rank that has clients.
void remark_failure(Observer& observer, std::size_t rank) {
  observer.remark(fmt::format("rank {}: {}", rank, failure_in_flight().message));
}

// Before round 0 each process sends a letter with the identity of its run, or with the error that stops it.
// This replaces together() and require_same() (transport/agreement.h), which would wait for ever for a
// process that dies.

/// What a process is refused for that sends this as its first letter. Empty, of the kind none, if it belongs
/// to the run.
Failure failure_in(const Mailbox::Received& first, const std::string& identity) {
  try {
    const Hello hello = Hello::of(first.letter);
    if (hello.kind != Failure::Kind::none) throw SharedFailure(hello.kind, hello.text);
    require_same_of_rank(first.from, hello.text, identity);
    return {};
  } catch (...) {
    return failure_in_flight();
  }
}

/// Receives the first letter of each rank. If the ranks outlive each other and others with clients are left,
/// the run begins without those that do not belong to it: they are refused. `asked` is called for requests.
void receive_hellos(Mailbox& mailbox, const std::string& identity, std::size_t clients, bool outlive,
                    const std::function<void(Request)>& asked) {
  std::vector<bool> is_missing(mailbox.size(), true);
  is_missing[0] = false;
  std::size_t left = std::min(clients, mailbox.size() - 1);  // ranks with clients
  const auto refuse = [&](std::size_t rank, const Failure& failure) {
    is_missing[rank] = false;
    if (clients_of(clients, rank, mailbox.size()).size() > 0) --left;
    if (!outlive || left == 0 || failure.kind == Failure::Kind::interrupt ||
        failure.kind == Failure::Kind::terminate)
      throw SharedFailure(failure.kind, fmt::format("rank {}: {}", rank, failure.message));
    mailbox.refuse(rank, failure.message);
  };
  Judge judge(0, 0, std::vector<Range>(mailbox.size()));  // without orders, only a request is valid
  while (std::find(is_missing.begin(), is_missing.end(), true) != is_missing.end()) {
    std::vector<std::size_t> lost;  // before the letters are taken: a lost rank may have sent one
    for (std::size_t r = 1; r < mailbox.size(); ++r) {
      if (is_missing[r] && mailbox.is_lost(r)) lost.push_back(r);
    }
    for (auto next = mailbox.take(mailbox.between_looks()); next; next = mailbox.take(0)) {
      const std::size_t rank = next->from;
      if (is_missing[rank]) {
        const Failure failure = failure_in(*next, identity);
        is_missing[rank] = false;
        if (failure.kind != Failure::Kind::none) refuse(rank, failure);
        continue;
      }
      const Judge::Verdict verdict = judge.judge(rank, next->letter);
      if (verdict.kind == Judge::Verdict::Kind::request) {
        asked(static_cast<Request>(verdict.answer.round));
      } else {
        refuse(rank, {Failure::Kind::run, verdict.reason});
      }
    }
    if (mailbox.closed()) throw RunError("letters are not carried any more");  // the transport has failed
    for (const std::size_t r : lost) {
      if (!is_missing[r]) continue;
      const std::string reason = mailbox.refusal(r);
      if (reason.empty()) throw RunError(fmt::format("rank {} was lost before round 0; start again", r));
      refuse(r, {Failure::Kind::run, reason});
    }
  }
}

/// The whole problem, without its constants.
std::shared_ptr<OpenedProblem> read_whole_problem(const Config& config, Observer& observer) {
  auto opened = std::make_shared<OpenedProblem>();
  opened->problem =
      read_problem(config, observer, {}, nullptr, config.out.empty() ? nullptr : &opened->clients_csv);
  opened->honest_part = honest_part_of(config, opened->problem);
  return opened;
}

/// The part of rank 0. `outlive`: the launcher continues the job when a rank ends.
RunResult serve(const Config& config, const std::shared_ptr<OpenedProblem>& opened, ThreadPool& pool,
                const RunFiles& files, Mailbox& mailbox, bool outlive, Observer& observer) {
  const Problem& problem = *opened->problem;
  Request of_clients = Request::none;  // the highest request that processes of clients received
  const auto asked = [&](Request request) { of_clients = std::max(of_clients, request); };
  receive_hellos(mailbox, identity_of(config, problem), config.clients, outlive, asked);
  const auto clock = real_clock_of(config);
  const auto transport = alone(&mailbox);
  Fleet fleet(pool, *transport);
  opened->facts = facts_of(config, opened->objective(), fleet, observer);
  const MakeEpochMethod make_epoch_method = [&](const Members& members) {
    return EpochMethod{opened->problem, served_parts_of(Experiment(config, opened, clock, members.gone))};
  };
  const Experiment experiment(config, opened, clock, {});
  Missed missed(config.clients);
  std::optional<AttendanceFile> attendance;
  const auto attended = [&](const Attendance& told) {
    missed.add(told);
    if (attendance) attendance->record(told);
  };
  const auto refused = [&](std::size_t rank, std::size_t round, const std::string& reason) {
    observer.remark(fmt::format("rank {} is given up in round {}: {}", rank, round, reason));
  };
  const auto method = make_served_star(
      make_epoch_method, {.step = experiment.step(), .seed = config.seed, .wire = config.wire}, mailbox,
      *clock, {.attended = attended, .asked = asked, .refused = refused});
  const auto open_attendance = [&](const Progress* from) {
    if (files.out == nullptr) return;
    if (from != nullptr) {
      attendance.emplace(files.out->path(), from->round);
    } else {
      attendance.emplace(files.out->path());
    }
  };
  return run_method(experiment, *method, fleet, observer, files,
                    {.on_files = open_attendance,
                     .sentences = [&] { return missed.sentences(); },
                     .asked = [&] { return of_clients; },
                     .ranks = mailbox.size()});
}

/// The part of a rank that has clients. `everything` is the whole problem if this process already has it,
/// else nullptr. A process that cannot begin stays until the run ends, if its end would end the whole job.
int serve_as_client(const Config& config, const RankData& rank, std::size_t neighbours,
                    const Problem* everything, Mailbox& mailbox, bool outlive, Observer& observer) {
  std::shared_ptr<const Problem> own;
  std::uint32_t checksum = 0;
  std::vector<Fault> faults;
  const auto clock = real_clock_of(config);
  const MakeEpochMethod make_epoch_method = [&](const Members& members) {
    const auto opened = std::make_shared<OpenedProblem>();
    if (everything != nullptr) {
      opened->problem = kept_elsewhere(*everything);
    } else if (own && members.gone.empty()) {
      opened->problem = std::move(own);
    } else {
      own.reset();
      RankData with_theirs = rank;
      with_theirs.gone = members.gone;
      opened->problem = read_problem(config, observer, with_theirs);
      if (opened->problem->data_checksum() != checksum)
        throw RunError("the data have changed since the run began");
    }
    return EpochMethod{opened->problem, served_parts_of(Experiment(config, opened, clock, members.gone))};
  };
  std::function<void()> serve_clients;
  try {
    if (everything == nullptr) {
      own = read_problem(config, observer, rank);
      checksum = own->data_checksum();
    }
    if (config.rehearsal) faults = make_faults(*config.rehearsal, config.clients);
    const Problem& problem = everything != nullptr ? *everything : *own;
    const std::size_t threads = everything != nullptr ? 1 : threads_of(config, neighbours);
    if (everything == nullptr) observer.begin();  // otherwise rank 0, in the same process, calls begin()
    const auto asked = [&] { return observer.asked(); };
    serve_clients = start_clients(make_epoch_method, config.seed, mailbox, threads, faults,
                                  everything == nullptr ? asked : std::function<Request()>{});
    mailbox.post(0, Hello{.text = identity_of(config, problem)}.letter());
  } catch (...) {
    const Failure failure = failure_in_flight();
    mailbox.post(0, Hello{failure.kind, failure.message}.letter());
    while (!outlive && !mailbox.closed() && !mailbox.is_lost(0)) mailbox.sleep(mailbox.between_looks());
    return code_of(failure);
  }
  serve_clients();
  return kDone;
}

/// One process. One thread serves and uses all threads of the pool to evaluate; each other thread is a rank
/// with clients.
RunResult serve_on_threads(const Config& config, Observer& observer, const RunFiles& files) {
  const std::size_t threads = threads_of(config);
  const auto clock = real_clock_of(config);
  const auto opened = read_whole_problem(config, observer);
  ThreadPool pool(threads);
  RunResult result;
  std::mutex mutex;
  std::exception_ptr refused;  // the reason that a rank has no thread, which rank 0 only sees as lost
  const auto rank_of = [&](Transport& transport) {
    const auto body = [&](Mailbox& mailbox) {
      if (transport.rank() == 0) {
        return serve_to_the_end(mailbox, result,
                                [&] { return serve(config, opened, pool, files, mailbox, false, observer); });
      }
      try {
        return serve_as_client(config, {}, 1, opened->problem.get(), mailbox, false, observer);
      } catch (...) {  // the server continues without this rank
        remark_failure(observer, transport.rank());
        return code_of(failure_in_flight());
      }
    };
    try {
      transport.correspond(clock->patience(), body);
    } catch (const ThreadRefused&) {
      const std::lock_guard lock(mutex);
      if (!refused) refused = std::current_exception();
      throw;
    }
  };
  try {
    run_ranks(1 + threads, rank_of);
  } catch (...) {
    if (!refused) throw;
  }
  if (refused) std::rethrow_exception(refused);
  return result;
}

}  // namespace

StarParts served_parts_of(const Experiment& experiment) {
  const Assembly& assembly = experiment.assembly();
  const StarParts* parts = std::get_if<StarParts>(&assembly.parts);
  if (parts == nullptr) {
    throw InputError(
        fmt::format("stragglers: {} is a server's, and {} has none that could go on without its clients",
                    experiment.config().stragglers->name, experiment.config().method.name));
  }
  return *parts;
}

StarParts served_parts_of(const Config& config, const std::shared_ptr<const Problem>& problem,
                          const std::shared_ptr<RealClock>& clock) {
  Config of_these = config;
  of_these.clients = problem->shards();
  const auto opened = std::make_shared<OpenedProblem>();
  opened->problem = problem;
  return served_parts_of(Experiment(of_these, opened, clock, {}));
}

std::shared_ptr<RealClock> real_clock_of(const Config& config) {
  return std::dynamic_pointer_cast<RealClock>(stragglers_of(config));
}

int serve_to_the_end(Mailbox& mailbox, RunResult& result, const std::function<RunResult()>& part) {
  try {
    result = part();
  } catch (...) {
    mailbox.close(static_cast<std::uint8_t>(code_of(failure_in_flight())));
    throw;
  }
  return code_of(result);
}

RunResult result_of_code(int code) {
  if (code == kLost) throw SharedFailure(Failure::Kind::run, "letters are not carried any more");
  if (code >= kFailed) throw SharedFailure(static_cast<Failure::Kind>(code - kFailed), "the run failed");
  RunResult result;
  if (code == kDiverged) result.summary.why = Summary::Why::diverged;
  if (code == kInterrupted || code == kTerminated) {
    result.summary.why = Summary::Why::interrupted;
    result.summary.request = code == kTerminated ? Request::terminate : Request::interrupt;
  }
  return result;
}

RunResult run_served(const Config& config, Transport& transport, std::size_t neighbours, Observer& observer,
                     const RunFiles& files) {
  if (transport.size() == 1) return serve_on_threads(config, observer, files);
  const std::size_t rank = transport.rank();
  const bool outlive = transport.outlive();
  double patience = 0;
  together(transport, [&] { patience = real_clock_of(config)->patience(); });
  // From here on a rank may be lost, so no call is collective.
  int code = kDone;
  RunResult result;
  try {
    code = transport.correspond(patience, [&](Mailbox& mailbox) {
      if (rank > 0) {
        const RankData own = {.rank = rank, .clients = clients_of(config.clients, rank, transport.size())};
        return serve_as_client(config, own, neighbours, nullptr, mailbox, outlive, observer);
      }
      return serve_to_the_end(mailbox, result, [&] {
        const auto opened = read_whole_problem(config, observer);
        ThreadPool pool(threads_of(config, neighbours));
        return serve(config, opened, pool, files, mailbox, outlive, observer);
      });
    });
  } catch (...) {
    const Failure failure = failure_in_flight();
    if (rank > 0) remark_failure(observer, rank);
    throw SharedFailure(failure.kind, failure.message);
  }
  return rank == 0 ? result : result_of_code(code);
}

}  // namespace laconic
