// SPDX-License-Identifier: Apache-2.0
// A libFuzzer target: a process of clients sends any pieces to the server of a served star. Each letter that
// they make up is judged, in the same way every time, and what is accepted is what the server asked for.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "fuzz/input.h"
#include "laconic/core/error.h"
#include "laconic/served/judge.h"
#include "laconic/transport/mailbox.h"
#include "laconic/transport/parcel_reader.h"

namespace laconic {
namespace {

using Verdict = Judge::Verdict;

void require(bool holds) {
  if (!holds) std::abort();
}

/// The server, and the process of the clients 0 to 2 of 4.
class Server {
 public:
  Server(std::size_t dim, const std::vector<Order>& orders)
      : dim_(dim), newest_(orders.back()), judge_(dim, kSeed, {{0, 0}, {0, 3}, {3, 4}}), mailbox_(0, 3, 1e6) {
    mailbox_.limit({.letter = judge_.longest(), .waiting = 4 * judge_.longest()});
    for (const Order& order : orders) judge_.add(order);
  }

  void receive(std::span<const std::uint8_t> piece) {
    const auto room = reader_.room_for(piece.size());
    require(room.size() <= piece.size());
    std::copy_n(piece.begin(), room.size(), room.begin());
    reader_.filled();
    while (const auto received = mailbox_.take(0)) {
      require(received->from == 1 && !mailbox_.is_lost(1));
      read_hello(received->letter);
      verdicts_.push_back(judge_.judge(1, received->letter));
      const Verdict& verdict = verdicts_.back();
      check_verdict(verdict);
      if (verdict.kind == Verdict::Kind::wrong) mailbox_.refuse(1, verdict.reason);
    }
    require(mailbox_.is_lost(1) == (mailbox_.has_left(1) || !mailbox_.refusal(1).empty()));
  }
  [[nodiscard]] const std::vector<Verdict>& verdicts() const { return verdicts_; }

 private:
  static constexpr std::uint64_t kSeed = 1;

  static void read_hello(const Letter& letter) {
    try {
      require(Hello::of(letter).text.size() + 1 == letter->size());
    } catch (const RunError&) {
      return;
    }
  }

  void check_verdict(const Verdict& verdict) {
    const Answer& answer = verdict.answer;
    const bool is_newest = answer.epoch == newest_.epoch && answer.round == newest_.round;
    const bool is_fault = verdict.kind == Verdict::Kind::wrong || verdict.kind == Verdict::Kind::not_finite ||
                          verdict.kind == Verdict::Kind::failure;
    const bool measures = answer.kind == Answer::Kind::measurement;
    require(is_fault != verdict.reason.empty());
    switch (verdict.kind) {
      case Verdict::Kind::ready:
        return require(answer.epoch <= newest_.epoch && answer.message.bytes.empty());
      case Verdict::Kind::request:
        return require((answer.round == 2 || answer.round == 3) && answer.message.bytes.empty());
      case Verdict::Kind::late:
        return require(answer.client < 3 && !is_newest && answer.round <= newest_.round);
      case Verdict::Kind::in_time:
        if (measures) {
          require(numbers_in(answer.message).size() == dim_);
        } else {
          check_message(answer);
        }
        [[fallthrough]];
      case Verdict::Kind::not_finite: {
        unsigned& answered = measures ? measured_ : answered_;
        require(answer.client < 3 && is_newest && (answered & 1U << answer.client) == 0);
        answered |= 1U << answer.client;
        return;
      }
      case Verdict::Kind::failure:
      case Verdict::Kind::wrong:
        return;
    }
  }

  void check_message(const Answer& answer) const {
    require(answer.envelope.bytes == answer.message.bytes.size() &&
            answer.envelope.floats == counted_floats(answer.message, dim_));
    Key key = newest_.key(kSeed);
    key.client = answer.client;
    Vector decoded(dim_);
    decode_add(key, answer.message, 1, decoded);
    require(all_finite(decoded));
  }

  std::size_t dim_;
  Order newest_;
  Judge judge_;
  Mailbox mailbox_;
  ParcelReader reader_{1, mailbox_};
  std::vector<Verdict> verdicts_;
  unsigned answered_ = 0;  // a bit for each client
  unsigned measured_ = 0;
};

std::vector<Verdict> verdicts_of(std::span<const std::uint8_t> bytes) {
  const std::size_t dim = bytes[0] % AnswerInput::kDimLimit;
  Server server(dim, AnswerInput::orders());
  bytes = bytes.subspan(AnswerInput::kPrefix);
  while (bytes.size() >= 2) {
    const std::size_t announced = bytes[0] | std::size_t{bytes[1]} << 8;
    const std::size_t length = std::min(announced, bytes.size() - 2);
    server.receive(bytes.subspan(2, length));
    bytes = bytes.subspan(2 + length);
  }
  return server.verdicts();
}

}  // namespace
}  // namespace laconic

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {  // NOLINT: libFuzzer's name
  using namespace laconic;
  if (size < AnswerInput::kPrefix) return 0;
  const auto first = verdicts_of({data, size});
  const auto second = verdicts_of({data, size});
  require(first.size() == second.size());
  for (std::size_t k = 0; k < first.size(); ++k)
    require(first[k].kind == second[k].kind && first[k].reason == second[k].reason);
  return 0;
}
