// SPDX-License-Identifier: Apache-2.0
// The star in real time: rank 0 is the server, the other ranks have the clients in blocks, and no rank waits
// for a particular other rank. With gamma the step and g the server's estimate, round t is
//
//   server                                             a process of clients
//     x_t = x_{t-1} - gamma g
//     order: x_t, and which client counted when -->      takes the newest order, drops outdated ones
//                                                        clients that counted remember their message
//     answers of round t, until the policy is met <--    m_i = C_{h_i, y_i}(grad f_i(x_t)), unless a newer
//                                                        order has arrived
//     g from sum of w_i m_i, ascending i
//
// An answer of another round than t is late: it is dropped, and its bits are counted. If the coin of a method
// shows heads, the server waits for all living clients, whatever the policy.
//
// A process from which no letter arrives for `patience` seconds is dead, and its clients are gone. So are
// those of a process that sends something wrong (judge.h), or that has not answered for
// RealClock::answer_within() seconds. Then a new epoch begins in the middle of the round. The method is made
// anew for the living clients (MakeEpochMethod): they take over the shards of the others, or, across sites, f
// is the mean over the living alone. All memories start over at x_t as in round 0, and answers of the
// previous epoch are late. Every epoch after the first draws with its own seed, and its rounds count from 0
// there.
//
// The server evaluates f and its gradient on its own data. Across sites it has none, and sends an order that
// evaluates: the processes answer with full gradients, outside the ledger.
//
// If processes can arrive during the run (ServedEvents::admit), none is there at first. The run begins, and
// goes on, with `start_with` clients or more. Clients of processes that have arrived take part from the next
// epoch on; all that wait at the end of a round begin together.
//
// A run is not repeatable: the real clock decides which clients count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "laconic/core/range.h"
#include "laconic/core/request.h"
#include "laconic/participation/real_clock.h"
#include "laconic/problem/problem.h"
#include "laconic/rounds/method.h"
#include "laconic/rounds/star.h"
#include "laconic/served/faults.h"
#include "laconic/served/letters.h"
#include "laconic/transport/mailbox.h"

namespace laconic {

/// A method for the clients that are not gone, and its problem. The parts are as in star.h, without an
/// anchor.
struct EpochMethod {
  std::shared_ptr<const Problem> problem;
  StarParts parts;
  /// On the server: it has no data, and Members are renumbered. The problem knows the rows of each shard.
  bool is_across_sites = false;
};
/// The argument has no gone clients in the first call. On a process of clients the returned problem has the
/// shards that its clients read. On the server it has all shards and is always the same object; across sites
/// that is so in the first call, which gives Method::problem(), and later problems are those of the epochs.
/// Throws InputError if the method cannot continue without the gone clients.
using MakeEpochMethod = std::function<EpochMethod(const Members& members)>;

/// The clients of a rank.
Range clients_of(std::size_t clients, std::size_t rank, std::size_t ranks);

/// Which clients counted in a round.
struct Attendance {
  std::size_t round = 0;
  std::size_t epoch = 0;
  std::vector<std::uint32_t> counted;  // ascending
  std::vector<std::uint32_t> late;     // living clients that did not count
  std::vector<std::uint32_t> gone;
  std::uint64_t late_bits = 0;  // since the start of the run
  double seconds = 0;           // from sending the order to the end of waiting
};

/// What the server reports while it works.
struct ServedEvents {
  std::function<void(const Attendance&)> attended;  // after every round
  /// Another process received a request to end. It continues until rank 0 closes its mailbox.
  std::function<void(Request)> asked = {};
  /// A process was given up in the round, because it sent something wrong.
  std::function<void(std::size_t rank, std::size_t round, const std::string& reason)> refused = {};
  /// A process was given up in the round, because it said that it has failed.
  std::function<void(std::size_t rank, std::size_t round, const std::string& reason)> failed = {};
  /// A process without a fault of its letters was given up in the round: it is silent, has left, or another
  /// process has its rank now.
  std::function<void(std::size_t rank, std::size_t round, bool has_left)> lost = {};
  /// If set, processes arrive (Mailbox::arrive). A process has arrived and sent its first letter. The call
  /// may post letters to it; it throws InputError or RunError to refuse the process.
  std::function<void(std::size_t rank, const Letter& first)> admit = {};
  /// An epoch began with these clients, ascending. Only if processes arrive.
  std::function<void(std::size_t round, std::size_t epoch, const std::vector<std::uint32_t>& clients)> began =
      {};
  /// Called several times in a patience while the server waits: for the answers of these clients, or for more
  /// clients if they are fewer than `start_with`. May throw, which ends the run in the middle of the round.
  std::function<void(std::size_t round, std::size_t clients)> waiting = {};
  std::size_t start_with = 1;  // clients, 1 .. all; only if processes arrive
  /// Ranks that have arrived before, and were admitted. Only if processes arrive.
  std::vector<std::size_t> arrived = {};
};

/// The method of rank 0; there must be at least two ranks. Its objective() is the problem of the present
/// epoch (across sites), or of the parts. It gives up processes that are lost, and those that send something
/// wrong (judge.h). All arguments must outlive the method. Throws as make_star() does. A round throws
/// RunError if no client is left and none can arrive, or if the method cannot continue without those that are
/// gone.
std::unique_ptr<Method> make_served_star(const MakeEpochMethod& make_epoch_method, const StarOptions& options,
                                         Mailbox& mailbox, RealClock& clock, ServedEvents events);

/// The part of the other ranks. Starts `threads` >= 1 threads, which compute one client each at a time.
/// Throws RunError if the system refuses a thread. `asked`, if given, returns what this process was asked
/// for; a request to end is reported to rank 0. The returned function processes orders. All arguments must
/// outlive it. It returns once rank 0 closes and all current computations are done. It throws RunError if
/// rank 0 sends nothing for the patience, and rethrows errors of make_epoch_method.
std::function<void()> start_clients(const MakeEpochMethod& make_epoch_method, std::uint64_t seed,
                                    Mailbox& mailbox, std::size_t threads,
                                    const std::vector<Fault>& rehearsal, std::function<Request()> asked = {});

/// Calls start_clients() and runs the returned function.
inline void serve_clients(const MakeEpochMethod& make_epoch_method, std::uint64_t seed, Mailbox& mailbox,
                          std::size_t threads, const std::vector<Fault>& rehearsal) {
  start_clients(make_epoch_method, seed, mailbox, threads, rehearsal)();
}

}  // namespace laconic
