// SPDX-License-Identifier: Apache-2.0
// Rank 0 of a served star: sends orders, receives answers, updates the estimate.
#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/index_set.h"
#include "laconic/rounds/star_clients.h"
#include "laconic/rounds/star_server.h"
#include "laconic/served/epoch.h"
#include "laconic/served/judge.h"

namespace laconic {
namespace {

/// The clients of each rank.
std::vector<Range> owned_by(std::size_t clients, std::size_t ranks) {
  std::vector<Range> owned;
  for (std::size_t r = 0; r < ranks; ++r) owned.push_back(clients_of(clients, r, ranks));
  return owned;
}

class ServedStar final : public Method {
 public:
  ServedStar(const MakeEpochMethod& make_epoch_method, const StarOptions& options, Mailbox& mailbox,
             RealClock& clock, ServedEvents events)
      : make_epoch_method_(make_epoch_method),
        options_(options),
        mailbox_(mailbox),
        clock_(clock),
        events_(std::move(events)),
        method_(checked(make_epoch_method({}))),
        all_(method_.problem),
        problem_(*all_),
        looks_back_(StarClients(problem_, method_.parts).looks_back()),
        server_(problem_, method_.parts, options, looks_back_),
        owned_(owned_by(problem_.shards(), mailbox.size())),
        judge_(problem_.dim(), options.seed, owned_),
        ranks_(mailbox.size(), events_.admit ? Rank::given_up : Rank::reads),
        is_gone_(problem_.shards(), events_.admit != nullptr),
        has_failed_(mailbox.size()),
        answers_(problem_.shards()),
        measured_(problem_.shards()),
        board_(problem_.shards()) {
    check(events_.start_with <= problem_.shards(), "a served star waits for more clients than there are");
    for (const std::size_t rank : events_.arrived) ranks_.at(rank) = Rank::arrived;
    std::size_t most_owned = 0;
    for (const Range own : owned_) most_owned = std::max(most_owned, own.size());
    const std::size_t letter = judge_.longest();
    const std::size_t waiting = std::max(Mailbox::Limits{}.waiting, 2 * (most_owned + 1) * letter);
    mailbox.limit({.letter = letter, .waiting = waiting});
  }

  void start(Fleet& fleet, Evaluation* watch) override {
    if (events_.admit) {
      gather_clients(0);
      server_.start_over();  // of the clients that are there
    }
    begin_epoch(0);
    server_.ledger().open_round();
    converse(fleet, 0, watch);
  }

  void round(Fleet& fleet, std::size_t t, Evaluation* watch) override {
    server_.step(fleet, t);
    if (!has_begun_) {  // resumed from a checkpoint
      ++epochs_;
      gather_clients(t);
      server_.start_over();
      begin_epoch(t);
    }
    converse(fleet, t, watch);
  }

  void evaluate(Fleet& fleet, Evaluation& out) override {
    if (method_.is_across_sites) {
      while (!ask_evaluation(fleet, out)) converse_anew(fleet);
    } else {
      laconic::evaluate(objective(), server_.x(), fleet, out);
    }
    server_.complete(out);
  }

  State state(Fleet& /*fleet*/) override {
    State state{.ledger = &server_.ledger(), .shared = server_.memory(false), .clients = {}};
    state.shared.push_back(clock_.seen());
    state.shared.emplace_back(&epochs_, 1);
    state.clients.resize(problem_.shards());  // the memories of clients are lost with them
    return state;
  }

  const Problem& problem() const override { return problem_; }
  const Problem& objective() const override { return objective_of(*method_.problem, method_.parts); }
  View point() const override { return server_.x(); }
  const Ledger& ledger() const override { return server_.ledger(); }
  double step() const override { return options_.step; }

 private:
  /// The state of a process of clients in the epoch.
  enum class Rank : std::uint8_t {
    reads,     // reads its data for the epoch
    joined,    // its clients are ready
    given_up,  // it is lost, or has not arrived yet
    arrived,   // its clients take part from the next epoch on
  };
  /// What was received from a client about the current point: its message, or a measurement.
  struct Heard {
    bool in_time = false;
    std::string not_finite;  // what of it is not; empty if all is
    Envelope envelope;
    Message message;
  };

  /// Whether the clients of a rank in this state are gone.
  static bool is_away(Rank rank) { return rank == Rank::given_up || rank == Rank::arrived; }

  void begin_epoch(std::size_t t) {
    order_.epoch = static_cast<std::uint32_t>(epochs_);
    order_.start = static_cast<std::uint32_t>(t);
    order_.counted.assign(problem_.shards(), Order::kNever);
    for (Rank& rank : ranks_) {
      if (rank == Rank::joined) rank = Rank::reads;
    }
    has_begun_ = true;
    if (!events_.admit || !events_.began) return;
    std::vector<std::uint32_t> clients;
    for (std::uint32_t i = 0; i < is_gone_.size(); ++i) {
      if (!is_gone_[i]) clients.push_back(i);
    }
    events_.began(t, order_.epoch, clients);
  }

  /// The round at x_t: sends the order, receives the answers, aggregates them.
  void converse(Fleet& fleet, std::size_t t, Evaluation* watch) {
    const auto begin = RealTime::now();
    while (!gather(t)) next_epoch(t);
    const double waited = seconds_since(begin);

    answering_.clear();
    for (std::uint32_t i = 0; i < answers_.size(); ++i) {
      if (!answers_[i].in_time) continue;
      answering_.push_back(i);
      order_.counted[i] = order_.round;
    }
    clock_.hear(answering_);
    const Key round = order_.key(options_.seed);
    method_.parts.participation->draw(round.common(), shares_);
    const std::vector<Share>& shares = shares_;
    board_.clear();
    for (const Share& share : shares) {
      board_.add({round.seed, round.round, share.client}, share.weight);
      Entry& entry = board_[board_.size() - 1];
      Heard& answer = answers_[client_of(share.client)];
      entry.envelope = answer.envelope;
      entry.message.bytes.swap(answer.message.bytes);
    }
    server_.open(shares, method_.parts.mechanism->restarts(round));
    server_.hear(fleet, board_, t);
    server_.close(fleet, round, shares);
    clock_.learn(is_gone_);
    tell_attendance(t, waited);
    for (Heard& answer : answers_) answer.in_time = false;  // they have counted
    if (watch != nullptr) evaluate(fleet, *watch);
  }

  /// The client with this number in the epoch.
  [[nodiscard]] std::uint32_t client_of(std::uint32_t number) const {
    return by_number_.empty() ? number : by_number_[number];
  }

  /// The round again, in a new epoch, after all processes were lost.
  void converse_anew(Fleet& fleet) {
    next_epoch(order_.round);
    converse(fleet, order_.round, nullptr);
  }

  /// The mean over the clients that answer an order to evaluate. Waits for all that are not lost. Returns
  /// false if none answers, or only with what is not finite while the round's messages were.
  bool ask_evaluation(Fleet& fleet, Evaluation& out) {
    const View x = server_.x();
    order_.x.assign(x.begin(), x.end());
    order_.evaluates = true;
    send_order();
    order_.evaluates = false;
    for (Heard& measured : measured_) measured = {};
    const auto all_have_answered = [&] {
      for (std::size_t r = 1; r < ranks_.size(); ++r) {
        if (!is_away(ranks_[r]) && !mailbox_.is_lost(r) && owes(r, measured_)) return false;
      }
      return true;
    };
    const auto begin = RealTime::now();
    while (!all_have_answered()) {
      take_letters(mailbox_.between_looks(), order_.round);
      wait(seconds_since(begin), measured_);
    }
    out.clear(problem_.dim());
    std::vector<Vector> gradients;  // of the board's entries
    board_.clear();
    const bool all_diverge = refuse_not_finite(measured_) == 0;
    double rows = 0;
    for (std::uint32_t i = 0; i < measured_.size(); ++i) {
      if (!measured_[i].in_time || (!measured_[i].not_finite.empty() && !all_diverge)) continue;
      board_.add({.client = order_.members.number_of(i)}, 0);
      board_[board_.size() - 1].envelope = measured_[i].envelope;
      rows += order_.members.rows[i];
      gradients.push_back(numbers_in(measured_[i].message));
    }
    for (std::size_t e = 0; e < board_.size(); ++e) {
      board_[e].weight = 1 / static_cast<double>(board_.size());
      board_[e].vector = gradients[e];
    }
    if (board_.size() == 0) return false;
    out.add(fleet, board_);
    // The share of correct rows is over those that answer, too.
    out.correct *= std::accumulate(order_.members.rows.begin(), order_.members.rows.end(), 0.0) / rows;
    return true;
  }

  void send_order() {
    judge_.add(order_);
    const Letter letter = order_.letter();
    for (std::size_t r = 1; r < mailbox_.size(); ++r) {
      if (!is_away(ranks_[r])) mailbox_.post_newest(r, letter);
    }
  }

  /// Hears all letters that have arrived by then. The mailbox closes before only if its transport failed.
  void take_letters(double seconds, std::size_t t) {
    for (auto next = mailbox_.take(seconds); next; next = mailbox_.take(0)) hear(*next);
    if (mailbox_.closed()) throw RunError(fmt::format("letters are not carried any more in round {}", t));
  }

  /// Whether the server has not heard all that the process owes: that it is ready, and these answers.
  [[nodiscard]] bool owes(std::size_t rank, const std::vector<Heard>& answers) const {
    const auto clients = IndexSet(owned_[rank]);
    return ranks_[rank] == Rank::reads ||
           std::any_of(clients.begin(), clients.end(), [&](std::uint32_t i) { return !answers[i].in_time; });
  }

  /// The server has waited for the answers for so long. Refuses the processes that owe some, if that is too
  /// long.
  void wait(double seconds, const std::vector<Heard>& answers) {
    if (events_.waiting) events_.waiting(order_.round, living());
    if (seconds <= clock_.answer_within()) return;
    for (std::size_t r = 1; r < ranks_.size(); ++r) {
      if (is_away(ranks_[r]) || !owes(r, answers)) continue;
      mailbox_.refuse(r, fmt::format("it is not silent, and has not answered for {:.3g} s (answer-within)",
                                     clock_.answer_within()));
    }
  }

  /// Sends the order and waits for answers to it. Returns false if processes with clients are lost, or if
  /// some had arrived before the order.
  bool gather(std::size_t t) {
    if (clients_are_lost() || std::find(ranks_.begin(), ranks_.end(), Rank::arrived) != ranks_.end())
      return false;
    order_.round = static_cast<std::uint32_t>(t);
    const auto [x, before, anchor] = server_.points(0);
    order_.x.assign(x.begin(), x.end());
    if (looks_back_) order_.before.assign(before.begin(), before.end());
    send_order();
    for (Heard& answer : answers_) answer.in_time = false;
    arrived_ = 0;
    const auto sent = RealTime::now();
    auto begin = sent;
    for (double waited = 0; !is_met(waited); waited = seconds_since(begin)) {
      double next_look = mailbox_.between_looks();
      if (const double left = clock_.policy().deadline.value_or(0) - waited; left > 0)
        next_look = std::min(next_look, left);
      const bool reads = !all_have_joined();
      take_letters(next_look, t);  // all answers that have arrived by now are in time
      wait(seconds_since(sent), answers_);
      if (clients_are_lost()) return false;
      if (reads) begin = RealTime::now();
    }
    return all_are_finite(t);
  }

  /// If some processes have sent answers that are not finite, refuses these and returns false. If all have,
  /// the run has diverged.
  bool all_are_finite(std::size_t t) {
    const auto refused = refuse_not_finite(answers_);
    if (refused && *refused == 0)
      throw Diverged(fmt::format("diverged: a gradient is not finite in round {}", t));
    return !refused;
  }

  /// If some processes have sent what is not finite, refuses these, unless all have. Returns how many it has
  /// refused, or nothing if all is finite.
  std::optional<std::size_t> refuse_not_finite(const std::vector<Heard>& all_heard) {
    std::vector<std::pair<std::size_t, std::string>> wrong;  // ranks, and the reasons
    std::size_t right = 0;
    for (std::size_t r = 1; r < ranks_.size(); ++r) {
      if (is_away(ranks_[r]) || owned_[r].size() == 0) continue;
      std::string reason;
      for (const std::uint32_t i : IndexSet(owned_[r])) {
        if (all_heard[i].in_time && reason.empty()) reason = all_heard[i].not_finite;
      }
      if (reason.empty()) {
        ++right;
      } else {
        wrong.emplace_back(r, reason);
      }
    }
    if (wrong.empty()) return {};
    if (right == 0) return 0;
    for (const auto& [rank, reason] : wrong) mailbox_.refuse(rank, reason);
    return wrong.size();
  }

  /// Whether all processes have joined. Processes that still read data for a new epoch are not late: the
  /// clock starts once all have joined.
  [[nodiscard]] bool all_have_joined() const {
    return std::find(ranks_.begin() + 1, ranks_.end(), Rank::reads) == ranks_.end();
  }

  /// Whether the policy is met after waiting this many seconds.
  [[nodiscard]] bool is_met(double waited) const {
    if (!all_have_joined()) return false;
    if (arrived_ == living()) return true;
    if (all_must_answer() || none_is_finite()) return false;
    const auto& [deadline, first] = clock_.policy();
    return arrived_ >= std::min(first.value_or(0), living()) && waited >= deadline.value_or(0);
  }

  /// Whether the method needs all answers in this round. In MARINA all memories restart if its coin shows
  /// heads.
  [[nodiscard]] bool all_must_answer() const {
    const StarParts& parts = method_.parts;
    return parts.mechanism->coin_bits() > 0 && parts.mechanism->restarts(order_.key(options_.seed));
  }
  /// Whether answers have arrived and none is finite. Then another one decides whether the run has diverged
  /// or the processes that sent them are wrong.
  [[nodiscard]] bool none_is_finite() const {
    return arrived_ > 0 && std::none_of(answers_.begin(), answers_.end(), [](const Heard& answer) {
             return answer.in_time && answer.not_finite.empty();
           });
  }
  [[nodiscard]] std::size_t living() const { return is_gone_.size() - order_.members.gone.size(); }

  /// The first letter of a process that has arrived.
  void admit(const Mailbox::Received& first) {
    try {
      events_.admit(first.from, first.letter);
      ranks_[first.from] = Rank::arrived;
    } catch (const std::exception& error) {
      const bool is_refusal = dynamic_cast<const InputError*>(&error) != nullptr ||
                              dynamic_cast<const RunError*>(&error) != nullptr;
      if (!is_refusal) throw;
      mailbox_.refuse(first.from, error.what());
      give_up(first.from);
    }
  }

  /// Judges the letter, and uses it or refuses its sender.
  void hear(const Mailbox::Received& received) {
    using Kind = Judge::Verdict::Kind;
    if (ranks_[received.from] == Rank::given_up) return admit(received);
    Judge::Verdict verdict = judge_.judge(received.from, received.letter);
    if (ranks_[received.from] == Rank::arrived && verdict.kind != Kind::request &&
        verdict.kind != Kind::failure)
      return mailbox_.refuse(received.from, "it sends a second letter before it has an order");
    Answer& answer = verdict.answer;
    switch (verdict.kind) {
      case Kind::ready:
        if (answer.epoch == order_.epoch) ranks_[received.from] = Rank::joined;
        break;
      case Kind::request:
        if (events_.asked) events_.asked(static_cast<Request>(answer.round));
        break;
      case Kind::failure:
        has_failed_[received.from] = true;
        mailbox_.refuse(received.from, verdict.reason);
        break;
      case Kind::late:
        if (answer.kind == Answer::Kind::message)
          server_.ledger().late_bits += 8 * answer.message.bytes.size();
        break;
      case Kind::in_time:
      case Kind::not_finite:
        keep(answer, std::move(verdict.reason));
        break;
      case Kind::wrong:
        mailbox_.refuse(received.from, verdict.reason);
        break;
    }
  }

  /// An answer in time. `not_finite`: what of it is not, if anything.
  void keep(Answer& answer, std::string not_finite) {
    const bool measures = answer.kind == Answer::Kind::measurement;
    (measures ? measured_ : answers_)[answer.client] = {.in_time = true,
                                                        .not_finite = std::move(not_finite),
                                                        .envelope = answer.envelope,
                                                        .message = std::move(answer.message)};
    if (!measures) ++arrived_;
  }

  /// Whether a process with clients of this epoch is lost. Other lost processes are given up here.
  bool clients_are_lost() {
    for (std::size_t r = 1; r < ranks_.size(); ++r) {
      if (ranks_[r] == Rank::given_up || !mailbox_.is_lost(r)) continue;
      if (owned_[r].size() > 0 && ranks_[r] != Rank::arrived) return true;
      give_up(r);
    }
    return false;
  }

  void give_up(std::size_t rank) {
    const std::string reason = mailbox_.refusal(rank);
    const bool has_left = mailbox_.has_left(rank);
    mailbox_.give_up(rank);
    ranks_[rank] = Rank::given_up;
    for (const std::uint32_t i : IndexSet(owned_[rank])) is_gone_[i] = true;
    const auto& told = has_failed_[rank] ? events_.failed : events_.refused;
    has_failed_[rank] = false;
    if (reason.empty()) {
      if (events_.lost) events_.lost(rank, order_.round, has_left);
    } else if (told) {
      told(rank, order_.round, reason);
    }
  }

  /// Starts a new epoch, without the lost clients and with those that have arrived.
  void next_epoch(std::size_t t) {
    gather_clients(t);
    for (Heard& answer : answers_) {  // to the order of the earlier epoch
      if (answer.in_time) server_.ledger().late_bits += 8 * answer.message.bytes.size();
      answer.in_time = false;
    }
    server_.start_over();
    ++epochs_;
    begin_epoch(t);
  }

  /// Finds the clients of a new epoch, and assembles the method for them. If processes arrive, waits until
  /// there are enough clients.
  void gather_clients(std::size_t t) {
    take_stock();
    while (events_.admit && living() < events_.start_with) {
      if (events_.waiting) events_.waiting(t, living());
      take_letters(mailbox_.between_looks(), t);
      take_stock();
    }
    server_.ledger().gone = order_.members.gone.size();
    if (living() == 0) throw RunError(fmt::format("no process with clients is left in round {}", t));
    try {
      method_ = checked(make_epoch_method_(order_.members));
    } catch (const InputError& error) {
      throw RunError(fmt::format("in round {}: {}", t, error.what()));
    }
    if (method_.is_across_sites) number_members();
  }

  /// Tells the clients of the epoch the rows of each, which numbers them.
  void number_members() {
    std::vector<std::uint32_t>& rows = order_.members.rows;
    rows.assign(is_gone_.size(), 0);
    std::uint32_t number = 0;
    for (std::uint32_t i = 0; i < is_gone_.size(); ++i) {
      if (!is_gone_[i]) rows[i] = static_cast<std::uint32_t>(method_.problem->rows(number++));
    }
    by_number_ = order_.members.by_number();
  }

  /// Gives up lost processes, and counts those that have arrived among the others.
  void take_stock() {
    for (std::size_t r = 1; r < ranks_.size(); ++r) {
      if (ranks_[r] != Rank::given_up && mailbox_.is_lost(r)) give_up(r);
      if (ranks_[r] != Rank::arrived) continue;
      ranks_[r] = Rank::reads;
      for (const std::uint32_t i : IndexSet(owned_[r])) is_gone_[i] = false;
    }
    order_.members = {};
    for (std::uint32_t i = 0; i < is_gone_.size(); ++i) {
      if (is_gone_[i]) order_.members.gone.push_back(i);
    }
  }

  void tell_attendance(std::size_t t, double waited) {
    Attendance told{.round = t,
                    .epoch = order_.epoch,
                    .counted = answering_,
                    .late = {},
                    .gone = order_.members.gone,
                    .late_bits = server_.ledger().late_bits,
                    .seconds = waited};
    for (std::uint32_t i = 0; i < is_gone_.size(); ++i) {
      if (!is_gone_[i] && !answers_[i].in_time) told.late.push_back(i);
    }
    events_.attended(told);
  }

  const MakeEpochMethod& make_epoch_method_;
  StarOptions options_;
  Mailbox& mailbox_;
  RealClock& clock_;
  ServedEvents events_;
  EpochMethod method_;
  std::vector<Share> shares_;           // of the round
  std::shared_ptr<const Problem> all_;  // the problem of all clients
  const Problem& problem_;              // the same
  bool looks_back_;
  StarServer server_;
  std::vector<Range> owned_;  // the clients of each rank
  Judge judge_;
  bool has_begun_ = false;
  double epochs_ = 0;                     // epochs before this one, including those before the resumption
  Order order_;                           // the current order
  std::vector<std::uint32_t> by_number_;  // the clients by their numbers; empty: each is its own
  std::vector<Rank> ranks_;               // by rank; entry 0 is unused, because rank 0 has no clients
  std::vector<bool> is_gone_;             // by client: whether its rank was given up
  std::vector<bool> has_failed_;          // by rank: whether it said so
  std::vector<Heard> answers_;
  std::vector<Heard> measured_;
  std::size_t arrived_ = 0;  // answers in time
  std::vector<std::uint32_t> answering_;
  Board board_;
};

}  // namespace

Range clients_of(std::size_t clients, std::size_t rank, std::size_t ranks) {
  return rank == 0 ? Range{0, 0} : block_of(clients, rank - 1, ranks - 1);
}

std::unique_ptr<Method> make_served_star(const MakeEpochMethod& make_epoch_method, const StarOptions& options,
                                         Mailbox& mailbox, RealClock& clock, ServedEvents events) {
  check(make_epoch_method && events.attended, "a served star needs its functions");
  check(events.start_with >= 1, "a served star starts with a client");
  check(mailbox.rank() == 0 && mailbox.size() >= 2, "a star is served by rank 0, to others");
  require_step(options.step);
  return std::make_unique<ServedStar>(make_epoch_method, options, mailbox, clock, std::move(events));
}

}  // namespace laconic
