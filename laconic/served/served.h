// SPDX-License-Identifier: Apache-2.0
// The star by a real clock: rank 0 serves, the other ranks have the clients in blocks, and nobody waits for
// anybody. With gamma the step and g the server's estimate, round t is
//
//   server                                             a process of clients
//     x_t = x_{t-1} - gamma g
//     order: x_t, and who counted in which round -->     takes the newest order, drops what is outdated
//                                                        clients that counted remember what they said; others not
//     answers of round t, until the policy is met <--    m_i = C_{h_i, y_i}(grad f_i(x_t)), unless a newer order is there
//     g from sum of w_i m_i, ascending i
//
// An answer of another round than t is late: it is dropped, and its bits are counted. Where the coin of a
// method shows heads the server waits for all that live, whatever the policy.
//
// A process of which nothing is heard for the patience is dead, and its clients are gone. Then a new epoch
// begins in the middle of the round: who looks at which shards is settled anew among those who live
// (MakeEpochMethod), all memories start over from x_t as in round 0, and answers of the epoch before are late. Draws
// of an epoch but the first have a seed of their own, and its rounds count from 0 there.
//
// Not repeatable: who counts, the clock decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "laconic/core/range.h"
#include "laconic/core/request.h"
#include "laconic/participation/real_clock.h"
#include "laconic/problem/problem.h"
#include "laconic/rounds/method.h"
#include "laconic/rounds/star.h"
#include "laconic/served/faults.h"
#include "laconic/transport/mailbox.h"

namespace laconic {

/// A method for the clients that are not gone, and the problem that it is made for: parts as star.h asks, without
/// an anchor.
struct EpochMethod {
  std::shared_ptr<const Problem> problem;
  StarParts parts;
};
/// Clients who are gone, ascending, are given; none at first. On a process of clients the problem then has
/// the shards that its clients look at; the server's has all, and is always the same. Throws InputError where
/// the method cannot do without them.
using MakeEpochMethod = std::function<EpochMethod(const std::vector<std::uint32_t>& gone)>;

/// The clients of a rank.
Range clients_of(std::size_t clients, std::size_t rank, std::size_t ranks);

/// Who counted in a round.
struct Attendance {
  std::size_t round = 0;
  std::size_t epoch = 0;
  std::vector<std::uint32_t> counted;  // ascending
  std::vector<std::uint32_t> late;     // of those that live
  std::vector<std::uint32_t> gone;
  std::uint64_t late_bits = 0;  // since the start
  double seconds = 0;           // from the order to the end of waiting
};

/// Rank 0's, of two ranks or more. It evaluates by itself, on a fleet of its own. `attended` is told of every
/// round, `asked` of every request to end that another process received; that process goes on until rank 0
/// closes. All must outlive it. Throws as make_star() does. A round throws RunError when no client is left, or
/// those left cannot do without the others.
std::unique_ptr<Method> make_served_star(const MakeEpochMethod& make_epoch_method, const StarOptions& options,
                                         Mailbox& mailbox, RealClock& clock,
                                         std::function<void(const Attendance&)> attended,
                                         std::function<void(Request)> asked = {});

/// The other ranks'. Starts so many threads, one or more, which will compute, a client each; throws RunError where
/// the system refuses one. `asked`, where given, says what this process was asked for; rank 0 is told of a request
/// to end. The function that it returns takes orders; all that is passed must outlive it. It returns when rank 0
/// closes and what is in hand is computed. It throws RunError when nothing is heard of rank 0 for the patience,
/// and what make_epoch_method throws.
std::function<void()> start_clients(const MakeEpochMethod& make_epoch_method, std::uint64_t seed,
                                    Mailbox& mailbox, std::size_t threads,
                                    const std::vector<Fault>& rehearsal, std::function<Request()> asked = {});

/// Both at once.
inline void serve_clients(const MakeEpochMethod& make_epoch_method, std::uint64_t seed, Mailbox& mailbox,
                          std::size_t threads, const std::vector<Fault>& rehearsal) {
  start_clients(make_epoch_method, seed, mailbox, threads, rehearsal)();
}

}  // namespace laconic
