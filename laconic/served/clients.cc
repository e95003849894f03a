// SPDX-License-Identifier: Apache-2.0
// The ranks with clients of a served star. Each takes the newest order and answers it.
#include <algorithm>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "laconic/core/index_set.h"
#include "laconic/core/threads.h"
#include "laconic/rounds/star_clients.h"
#include "laconic/served/epoch.h"
#include "laconic/served/letters.h"

namespace laconic {
namespace {

constexpr double kBetweenRequests = 0.25;  // seconds

/// The thread that calls serve() receives orders. The other threads compute answers, one client at a time,
/// and the client that has waited longest comes first. A slow client therefore delays only its own thread.
class ServedClients {
 public:
  ServedClients(const MakeEpochMethod& make_epoch_method, std::uint64_t seed, Mailbox& mailbox,
                std::size_t threads, const std::vector<Fault>& rehearsal, std::function<Request()> asked)
      : make_epoch_method_(make_epoch_method),
        seed_(seed),
        mailbox_(mailbox),
        rehearsal_(rehearsal),
        asked_(std::move(asked)) {
    check(threads >= 1, "clients need a thread to compute on");
    for (std::size_t t = 0; t < threads; ++t) threads_.start(nth_thread(t, threads), [this] { compute(); });
  }

  void serve() {
    for (;;) {
      std::optional<Letter> newest;
      const double next_look = std::min(mailbox_.between_looks(), kBetweenRequests);
      for (auto next = mailbox_.take(next_look); next; next = mailbox_.take(0))
        newest = std::move(next->letter);
      if (mailbox_.closed()) return;
      if (mailbox_.is_lost(0)) {
        throw RunError(fmt::format(
            "nothing was received from the server, rank 0, for {} s: it has died, then laconic resume goes "
            "on from its last checkpoint; or it goes on without this process",
            mailbox_.patience()));
      }
      if (newest) obey(std::make_shared<const Order>(Order::of(*newest)));
      pass_on_request(newest.has_value());
      const std::lock_guard lock(mutex_);
      if (failure_) std::rethrow_exception(failure_);
    }
  }

 private:
  /// Of a client: the rounds of this epoch at which it began and finished its last gradient, and the round of
  /// its last answer, as long as it is unknown whether that counted. Answers that are not sent never do.
  struct ClientProgress {
    std::uint32_t begun = Order::kNever;
    std::uint32_t looked = Order::kNever;
    std::optional<std::uint32_t> said;
    std::uint32_t measured = Order::kNever;  // the round of its last measurement
    bool is_busy = false;
  };
  /// The data of an epoch. A thread that is busy when a new epoch begins finishes with the old data.
  struct EpochClients {
    EpochClients(EpochMethod method_of_epoch, Range own_clients, std::uint32_t number_of_first)
        : method(std::move(method_of_epoch)),
          own(own_clients),
          first_number(number_of_first),
          clients(*method.problem, method.parts),
          board(method.problem->shards()),
          progress(own.size()) {
      const Range numbers{first_number, first_number + own.size()};
      clients.take_on(numbers, true);
      clients.reserve(own.size());
      for (const std::uint32_t k : IndexSet(numbers)) board.add({.client = k}, 0);
    }
    [[nodiscard]] std::uint32_t client(std::size_t e) const {
      return static_cast<std::uint32_t>(own.begin + e);
    }

    EpochMethod method;
    Range own;
    std::uint32_t first_number;  // of its first client in the epoch; the others follow
    StarClients clients;
    Board board;  // an entry and a slot for each client
    std::vector<ClientProgress> progress;
    std::size_t next = 0;  // the next client in turn
  };

  void obey(std::shared_ptr<const Order> order) {
    std::shared_ptr<EpochClients> clients = clients_;  // only this thread replaces clients_
    if (!clients || order->epoch != epoch_) {
      {
        const std::lock_guard lock(mutex_);
        clients_.reset();  // no thread starts work of the previous epoch
      }
      clients = join(*order);
      epoch_ = order->epoch;
    }
    if (order->x.size() != clients->method.problem->dim()) throw RunError("an order is of another problem");
    const std::lock_guard lock(mutex_);
    mailbox_.recall(0);  // removes unsent letters of earlier rounds
    if (clients != clients_) {
      post_joined(*order);
      order_.reset();
      evaluation_.reset();
    }
    clients_ = std::move(clients);
    (order->evaluates ? evaluation_ : order_) = std::move(order);
    ordered_.notify_all();
  }

  /// Prepares the epoch of the order, in which all clients start over.
  std::shared_ptr<EpochClients> join(const Order& order) {
    const std::size_t clients = order.counted.size();
    EpochMethod method = checked(make_epoch_method_(order.members));
    const std::size_t gone = order.members.are_renumbered() ? order.members.gone.size() : 0;
    if (method.problem->shards() + gone != clients) throw RunError("an order is of another problem");
    const Range own = clients_of(clients, mailbox_.rank(), mailbox_.size());
    const std::uint32_t first = order.members.number_of(static_cast<std::uint32_t>(own.begin));
    return std::make_shared<EpochClients>(std::move(method), own, first);
  }

  /// Reports to the server that this process was asked to end. Repeats it after each order, because recall()
  /// may have removed the report.
  void pass_on_request(bool after_order) {
    const Request request = asked_ ? asked_() : Request::none;
    if (request <= Request::checkpoint || (request <= told_ && !after_order)) return;
    told_ = request;
    const AnswerHead head = {.kind = Answer::Kind::request, .round = static_cast<std::uint32_t>(request)};
    mailbox_.post(0, head.letter());
  }

  void post_joined(const Order& order) {
    const AnswerHead head = {.kind = Answer::Kind::ready, .epoch = order.epoch, .round = order.round};
    mailbox_.post(0, head.letter());
  }

  void compute() {
    try {
      std::unique_lock lock(mutex_);
      for (;;) {
        std::optional<Task> task;
        ordered_.wait(lock, [&] { return over_ || (task = next_task()).has_value(); });
        if (over_) return;
        const auto clients = clients_;
        const auto& [e, order] = *task;
        ClientProgress& progress = clients->progress[e];
        progress.is_busy = true;
        (order->evaluates ? progress.measured : progress.begun) = order->round;
        lock.unlock();
        const Letter letter =
            order->evaluates ? measurement(*clients, *order, e) : answer(*clients, *order, e);
        lock.lock();
        progress.is_busy = false;
        if (!order->evaluates) progress.said = order->round;
        const bool is_newest = order == (order->evaluates ? evaluation_ : order_);
        if (clients == clients_ && is_newest && !mailbox_.closed()) mailbox_.post(0, letter);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
  }

  /// The answer, cut off if the rehearsal says so.
  [[nodiscard]] Letter letter_of(const Order& order, std::uint32_t client, const Entry& entry) const {
    const AnswerHead head = {
        .epoch = order.epoch, .round = order.round, .client = client, .envelope = entry.envelope};
    Letter letter = entry.envelope.finite ? head.letter(entry.message.bytes) : head.letter();
    for (const Fault& fault : rehearsal_) {
      if (fault.garbled && fault.client == client && fault.is_in(order.round))
        letter = std::make_shared<const std::vector<std::uint8_t>>(letter->begin(), letter->end() - 1);
    }
    return letter;
  }

  /// What a thread does next: a client, by its place among those of this process, and the order.
  struct Task {
    std::size_t e;
    std::shared_ptr<const Order> order;
  };
  /// The first client in turn that is idle and has not begun the newest order. Measurements come first, as
  /// the server waits for all of them.
  std::optional<Task> next_task() {
    if (!clients_) return {};
    for (const auto& order : {evaluation_, order_}) {
      if (!order) continue;
      for (std::size_t turn = 0; turn < clients_->own.size(); ++turn) {
        const std::size_t e = (clients_->next + turn) % clients_->own.size();
        const ClientProgress& progress = clients_->progress[e];
        if (progress.is_busy || (order->evaluates ? progress.measured : progress.begun) == order->round)
          continue;
        clients_->next = (e + 1) % clients_->own.size();
        return Task{e, order};
      }
    }
    return {};
  }

  /// The value and the gradient of the client's f at x, for the server's evaluation.
  static Letter measurement(const EpochClients& clients, const Order& order, std::size_t e) {
    const Problem& problem = *clients.method.problem;
    AnswerHead head = {.kind = Answer::Kind::measurement,
                       .epoch = order.epoch,
                       .round = order.round,
                       .client = clients.client(e)};
    Vector gradient(problem.dim());
    head.envelope.measured =
        problem.value_gradient(clients.first_number + e, Rows::everything(), order.x, gradient);
    std::vector<std::uint8_t> content;
    write_numbers(gradient, content);
    head.envelope.bytes = content.size();
    return head.letter(content);
  }

  /// The client's answer. The caller must be the only thread that uses this client.
  Letter answer(EpochClients& clients, const Order& order, std::size_t e) {
    const auto begin = RealTime::now();
    ClientProgress& progress = clients.progress[e];
    Entry& entry = clients.board[e];
    // An answer that did not count is withdrawn as if it had not been sent.
    const std::uint32_t client = clients.client(e);
    const std::uint32_t number = entry.key.client;
    if (progress.said && order.counted[client] != *progress.said) clients.clients.withdraw(number);
    progress.said.reset();
    clients.clients.save(number);

    entry.key = order.key(seed_);
    const bool restart = clients.method.parts.mechanism->restarts(entry.key);
    entry.key.client = number;
    entry.envelope = {};
    const bool looked_before = progress.looked != Order::kNever && progress.looked + 1 == order.round;
    clients.clients.answer(entry, e, {order.x, order.before, {}}, restart, looked_before);
    progress.looked = order.round;
    for (const Fault& fault : rehearsal_) {
      if (fault.client != client || !fault.is_in(order.round)) continue;
      if (fault.silent) mailbox_.mute();
      mailbox_.sleep(fault.seconds + (fault.times - 1) * seconds_since(begin));
    }
    return letter_of(order, client, entry);
  }

  const MakeEpochMethod& make_epoch_method_;
  std::uint64_t seed_;
  Mailbox& mailbox_;
  const std::vector<Fault>& rehearsal_;
  std::function<Request()> asked_;
  Request told_ = Request::none;  // the request last reported to the server
  std::mutex mutex_;
  std::condition_variable ordered_;
  std::shared_ptr<EpochClients> clients_;
  std::uint32_t epoch_ = 0;                  // of clients_
  std::shared_ptr<const Order> order_;       // the newest
  std::shared_ptr<const Order> evaluation_;  // the newest that evaluates
  std::exception_ptr failure_;
  bool over_ = false;
  ThreadGroup threads_{[this] {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    ordered_.notify_all();
  }};
};

}  // namespace

std::function<void()> start_clients(const MakeEpochMethod& make_epoch_method, std::uint64_t seed,
                                    Mailbox& mailbox, std::size_t threads,
                                    const std::vector<Fault>& rehearsal, std::function<Request()> asked) {
  check(make_epoch_method != nullptr, "clients of a served star need their function");
  check(mailbox.rank() > 0, "rank 0 serves");
  const auto clients =
      std::make_shared<ServedClients>(make_epoch_method, seed, mailbox, threads, rehearsal, std::move(asked));
  return [clients] { clients->serve(); };
}

}  // namespace laconic
