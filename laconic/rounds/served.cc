// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/served.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/numbers.h"
#include "laconic/rounds/letters.h"
#include "laconic/rounds/star_clients.h"
#include "laconic/rounds/star_server.h"

namespace laconic {
namespace {

using RealTime = std::chrono::steady_clock;

double seconds_since(RealTime::time_point begin) {
  return std::chrono::duration<double>(RealTime::now() - begin).count();
}

/// How often somebody who waits for letters looks up to see who is lost; as often again as there are signs of
/// life.
double between_looks(const Mailbox& mailbox) { return mailbox.patience() / 16; }

/// Where the draws of a round are addressed.
Key key_of(std::uint64_t seed, const Order& order) {
  const std::uint64_t of_epoch =
      order.epoch == 0 ? seed : Key{.seed = seed, .round = order.epoch}.stream(Purpose::epoch).next64();
  return {of_epoch, order.round - order.start};
}

class ServedStar final : public Method {
 public:
  ServedStar(const Regroup& regroup, const StarOptions& options, Mailbox& mailbox, RealClock& clock,
             std::function<void(const Attendance&)> attended)
      : regroup_(regroup),
        options_(options),
        mailbox_(mailbox),
        clock_(clock),
        attended_(std::move(attended)),
        staff_(regroup({})),
        problem_(*staff_.problem),
        looks_back_(StarClients(problem_, staff_.parts).looks_back()),
        server_(problem_, staff_.parts, options, looks_back_),
        is_gone_(problem_.shards(), false),
        answers_(problem_.shards()),
        board_(problem_.shards()) {}

  void start(Fleet& fleet, Evaluation* watch) override {
    begin_epoch(0);
    server_.ledger().open_round();
    converse(fleet, 0, watch);
  }

  void round(Fleet& fleet, std::size_t t, Evaluation* watch) override {
    server_.step();
    if (!has_begun_) {  // it goes on from a checkpoint
      ++epochs_;
      server_.ledger().gone = 0;
      server_.start_over();
      begin_epoch(t);
    }
    converse(fleet, t, watch);
  }

  void evaluate(Fleet& fleet, Evaluation& out) override {
    laconic::evaluate(problem_, server_.x(), fleet, out);
  }

  State state(Fleet& /*fleet*/) override {
    State state{.ledger = &server_.ledger(), .shared = server_.memory(), .workers = {}};
    state.shared.push_back(clock_.seen());
    state.shared.emplace_back(&epochs_, 1);
    state.workers.resize(problem_.shards());  // what clients remember is lost with them
    return state;
  }

  View point() const override { return server_.x(); }
  const Ledger& ledger() const override { return server_.ledger(); }
  double step() const override { return options_.step; }

 private:
  /// What came of a client about the point of the round.
  struct Heard {
    bool in_time = false;
    Envelope envelope;
    Message message;
  };

  void begin_epoch(std::size_t t) {
    order_.epoch = static_cast<std::uint32_t>(epochs_);
    order_.start = static_cast<std::uint32_t>(t);
    order_.counted.assign(problem_.shards(), Order::kNever);
    joined_.clear();
    has_begun_ = true;
  }

  /// Everything about x_t: the order, the answers, the fold.
  void converse(Fleet& fleet, std::size_t t, Evaluation* watch) {
    const auto begin = RealTime::now();
    while (!gather(t)) regroup(t);
    const double waited = seconds_since(begin);

    answering_.clear();
    for (std::uint32_t i = 0; i < answers_.size(); ++i) {
      if (!answers_[i].in_time) continue;
      answering_.push_back(i);
      order_.counted[i] = order_.round;
    }
    clock_.hear(answering_);
    const Key round = key_of(options_.seed, order_);
    const std::vector<Share>& shares = staff_.parts.turnout->draw(round.common());
    board_.clear();
    for (const Share& share : shares) {
      board_.add({round.seed, round.round, share.worker}, share.weight);
      Entry& entry = board_[board_.size() - 1];
      entry.envelope = answers_[share.worker].envelope;
      entry.message.bytes.swap(answers_[share.worker].message.bytes);
    }
    server_.open(shares, staff_.parts.mechanism->restarts(round));
    server_.hear(fleet, board_, t);
    server_.close(fleet, shares);
    clock_.learn(is_gone_);
    tell_attendance(t, waited);
    if (watch != nullptr) evaluate(fleet, *watch);
  }

  /// Sends the order and waits for answers to it. False where processes turn out to be lost.
  bool gather(std::size_t t) {
    order_.round = static_cast<std::uint32_t>(t);
    const auto [x, before, anchor] = server_.points();
    order_.x.assign(x.begin(), x.end());
    if (looks_back_) order_.before.assign(before.begin(), before.end());
    const Letter letter = order_.letter();
    for (std::size_t r = 1; r < mailbox_.size(); ++r) mailbox_.post_newest(r, letter);
    for (Heard& answer : answers_) answer.in_time = false;
    arrived_ = 0;
    auto begin = RealTime::now();
    for (double waited = 0; !is_met(waited); waited = seconds_since(begin)) {
      double next_look = between_looks(mailbox_);
      if (const double left = clock_.policy().deadline.value_or(0) - waited; left > 0)
        next_look = std::min(next_look, left);
      // All that has come until now is in time.
      for (auto next = mailbox_.take(next_look); next; next = mailbox_.take(0)) {
        if (!all_have_joined()) begin = RealTime::now();
        hear(*next);
      }
      if (somebody_is_lost()) return false;
    }
    return true;
  }

  /// Processes that still read their data for a new epoch are not late: the clock begins when all are ready.
  [[nodiscard]] bool all_have_joined() const {
    return joined_.size() + given_up_.size() + 1 == mailbox_.size();
  }

  /// Whether the server, having waited so long, has waited enough.
  [[nodiscard]] bool is_met(double waited) const {
    if (!all_have_joined()) return false;
    if (arrived_ == living()) return true;
    if (all_must_answer()) return false;
    const auto& [deadline, first] = clock_.policy();
    return arrived_ >= std::min(first.value_or(0), living()) && waited >= deadline.value_or(0);
  }

  /// MARINA: when its coin shows heads all memories start over.
  [[nodiscard]] bool all_must_answer() const {
    const StarParts& parts = staff_.parts;
    return parts.mechanism->coin_bits() > 0 && parts.mechanism->restarts(key_of(options_.seed, order_));
  }
  [[nodiscard]] std::size_t living() const { return is_gone_.size() - order_.gone.size(); }

  void hear(const Mailbox::Received& received) {
    Answer answer = Answer::of(received.letter);
    if (answer.client == Answer::kJoined) {
      if (answer.epoch == order_.epoch) joined_.insert(received.from);
      return;
    }
    if (answer.client >= answers_.size()) throw RunError("a letter is of a client that there is not");
    Heard& heard = answers_[answer.client];
    if (answer.epoch != order_.epoch || answer.round != order_.round || heard.in_time) {
      server_.ledger().late_bits += 8 * answer.message.bytes.size();
      return;
    }
    heard = {.in_time = true, .envelope = answer.envelope, .message = std::move(answer.message)};
    ++arrived_;
  }

  /// Whether a process is lost, and clients with it; who has none does not matter.
  bool somebody_is_lost() {
    for (std::size_t r = 1; r < mailbox_.size(); ++r) {
      if (given_up_.contains(r) || !mailbox_.is_lost(r)) continue;
      if (clients_of(is_gone_.size(), r, mailbox_.size()).size() > 0) return true;
      give_up(r);
    }
    return false;
  }

  void give_up(std::size_t rank) {
    mailbox_.give_up(rank);
    given_up_.insert(rank);
    joined_.erase(rank);
    for (const std::uint32_t i : Numbers(clients_of(is_gone_.size(), rank, mailbox_.size())))
      is_gone_[i] = true;
  }

  /// A new epoch, without those who are lost.
  void regroup(std::size_t t) {
    for (std::size_t r = 1; r < mailbox_.size(); ++r) {
      if (!given_up_.contains(r) && mailbox_.is_lost(r)) give_up(r);
    }
    order_.gone.clear();
    for (std::uint32_t i = 0; i < is_gone_.size(); ++i) {
      if (is_gone_[i]) order_.gone.push_back(i);
      if (answers_[i].in_time) server_.ledger().late_bits += 8 * answers_[i].message.bytes.size();
    }
    server_.ledger().gone = order_.gone.size();
    if (living() == 0) throw RunError(fmt::format("no process with clients is left in round {}", t));
    try {
      staff_.parts = regroup_(order_.gone).parts;
    } catch (const InputError& error) {
      throw RunError(fmt::format("in round {}: {}", t, error.what()));
    }
    server_.start_over();
    ++epochs_;
    begin_epoch(t);
  }

  void tell_attendance(std::size_t t, double waited) {
    Attendance told{.round = t,
                    .epoch = order_.epoch,
                    .counted = answering_,
                    .late = {},
                    .gone = order_.gone,
                    .late_bits = server_.ledger().late_bits,
                    .seconds = waited};
    for (std::uint32_t i = 0; i < is_gone_.size(); ++i) {
      if (!is_gone_[i] && !answers_[i].in_time) told.late.push_back(i);
    }
    attended_(told);
  }

  const Regroup& regroup_;
  StarOptions options_;
  Mailbox& mailbox_;
  RealClock& clock_;
  std::function<void(const Attendance&)> attended_;
  Staff staff_;
  const Problem& problem_;
  bool looks_back_;
  StarServer server_;
  bool has_begun_ = false;
  double epochs_ = 0;               // before this one, those of earlier processes included
  Order order_;                     // the one in hand
  std::set<std::size_t> joined_;    // ranks whose clients are ready for the epoch
  std::set<std::size_t> given_up_;  // and those that are lost
  std::vector<bool> is_gone_;
  std::vector<Heard> answers_;
  std::size_t arrived_ = 0;  // in time
  std::vector<std::uint32_t> answering_;
  Board board_;
};

class ServedClients {
 public:
  ServedClients(const Regroup& regroup, std::uint64_t seed, Mailbox& mailbox, ThreadPool& pool,
                const std::vector<Trouble>& rehearsal)
      : regroup_(regroup), seed_(seed), mailbox_(mailbox), pool_(pool), rehearsal_(rehearsal) {}

  void serve() {
    for (;;) {
      std::optional<Letter> newest;
      for (auto next = mailbox_.take(between_looks(mailbox_)); next; next = mailbox_.take(0))
        newest = std::move(next->letter);
      if (mailbox_.closed()) return;
      if (mailbox_.is_lost(0)) {
        throw RunError(fmt::format(
            "nothing was heard of the server, rank 0, for {} s: it has died, then laconic resume goes on "
            "from its last checkpoint; or it goes on without this process",
            mailbox_.patience()));
      }
      if (newest) obey(Order::of(*newest));
    }
  }

 private:
  void obey(const Order& order) {
    mailbox_.recall(0);  // what has not gone out yet of an earlier round
    if (!clients_ || order.epoch != epoch_) {
      join(order);
    } else {
      remember(order);
    }
    if (own_.size() == 0) return;
    round_ = order.round;
    const Key round = key_of(seed_, order);
    restart_ = staff_.parts.mechanism->restarts(round);
    board_->clear();
    for (const std::uint32_t i : Numbers(own_)) board_->add({round.seed, round.round, i}, 0);
    // Where there is no time for all of them, those after the last that answered are first in the next round.
    std::atomic<std::size_t> answered = 0;
    pool_.for_each(own_.size(), [&](std::size_t turn) {
      if (is_outdated()) return;
      const std::size_t e = (first_ + turn) % own_.size();
      answer(order, e);
      if (is_outdated()) return;
      mailbox_.post(0, Answer::letter(order.epoch, order.round, (*board_)[e]));
      said_[e] = 1;
      ++answered;
    });
    first_ = (first_ + answered) % own_.size();
  }

  /// Whether what is being worked out is of an order that is not the newest.
  [[nodiscard]] bool is_outdated() const { return mailbox_.any() || mailbox_.closed(); }

  /// The epoch of the order, in which all start over.
  void join(const Order& order) {
    clients_.reset();
    staff_ = {};  // of the old problem nothing is needed, and both need not fit into memory
    staff_ = regroup_(order.gone);
    const std::size_t n = staff_.problem->shards();
    own_ = clients_of(n, mailbox_.rank(), mailbox_.size());
    clients_.emplace(*staff_.problem, staff_.parts);
    clients_->take_on(own_);
    clients_->reserve(own_.size());
    board_.emplace(n);
    said_.assign(own_.size(), 0);
    looked_.assign(own_.size(), Order::kNever);
    first_ = 0;
    epoch_ = order.epoch;
    Entry joined;
    joined.key.worker = Answer::kJoined;
    mailbox_.post(0, Answer::letter(order.epoch, order.round, joined));
  }

  /// What was said in the round before and has counted; the rest is as if it had not been said.
  void remember(const Order& order) {
    for (std::size_t e = 0; e < said_.size(); ++e) {
      if (said_[e] != 0 && order.counted[own_.begin + e] == round_)
        clients_->remember((*board_)[e], e, restart_);
      said_[e] = 0;
    }
  }

  void answer(const Order& order, std::size_t e) {
    const auto begin = RealTime::now();
    Entry& entry = (*board_)[e];
    const bool looked_before = looked_[e] != Order::kNever && looked_[e] + 1 == order.round;
    clients_->answer(entry, e, {order.x, order.before, {}}, restart_, looked_before);
    looked_[e] = order.round;
    for (const Trouble& trouble : rehearsal_) {
      if (trouble.client != entry.key.worker || !trouble.is_in(order.round)) continue;
      if (trouble.silent) mailbox_.mute();
      mailbox_.sleep(trouble.seconds + (trouble.times - 1) * seconds_since(begin));
    }
  }

  const Regroup& regroup_;
  std::uint64_t seed_;
  Mailbox& mailbox_;
  ThreadPool& pool_;
  const std::vector<Trouble>& rehearsal_;
  Staff staff_;
  Range own_;
  std::optional<StarClients> clients_;
  std::optional<Board> board_;  // of the clients here, an entry and a slot each
  std::uint32_t epoch_ = 0;
  std::uint32_t round_ = 0;  // of what is on the board
  bool restart_ = false;
  std::vector<char> said_;             // 1: and not yet known whether it has counted
  std::vector<std::uint32_t> looked_;  // of each client, the last round at whose point it looked
  std::size_t first_ = 0;              // of own_, to compute in the next round
};

}  // namespace

Range clients_of(std::size_t clients, std::size_t rank, std::size_t ranks) {
  return rank == 0 ? Range{0, 0} : block_of(clients, rank - 1, ranks - 1);
}

std::unique_ptr<Method> make_served_star(const Regroup& regroup, const StarOptions& options, Mailbox& mailbox,
                                         RealClock& clock, std::function<void(const Attendance&)> attended) {
  return std::make_unique<ServedStar>(regroup, options, mailbox, clock, std::move(attended));
}

void serve_clients(const Regroup& regroup, std::uint64_t seed, Mailbox& mailbox, ThreadPool& pool,
                   const std::vector<Trouble>& rehearsal) {
  ServedClients(regroup, seed, mailbox, pool, rehearsal).serve();
}

}  // namespace laconic
