// SPDX-License-Identifier: Apache-2.0
// The C interface of MPI: the C++ one left the standard in 2012.
#include "laconic/transport/mpi.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <mpi.h>

#include "laconic/core/error.h"
#include "laconic/message/bits.h"

namespace laconic {
namespace {

constexpr int kTag = 0;
constexpr int kTagOfLetters = 1;

// Open MPI asks before it sends more than 64 KiB, its own header included, over TCP, and question and answer
// wait in line behind what both ends are sending. Modest messages therefore go in smaller pieces, which go at
// once. Long ones do not mind the question, and are better kept from the queues of a link that still carries
// another step's: they go whole, but for MPI's counting bytes with an int. Between two ranks messages of one
// tag stay in order, so pieces need no numbers.
constexpr std::size_t kShort = std::size_t{60} * 1024;
constexpr std::size_t kModest = std::size_t{1} << 19;
constexpr std::size_t kMost = std::size_t{1} << 30;

// How long a rank waits at full speed, and then between two looks.
constexpr std::chrono::microseconds kPatience{500};
constexpr std::chrono::microseconds kNap{20};
// In seconds, between two looks for letters: just after one, and else.
constexpr double kShortNap = 2e-5;
constexpr double kLongNap = 5e-4;

// Letters go in pieces of this: each one that comes is a sign of life.
constexpr std::size_t kPiece = std::size_t{1} << 15;

/// piece(offset, count) for each piece of a message; none for an empty one, which both ends know to be empty.
template <class Piece>
void for_each_piece(std::size_t length, Piece piece) {
  const std::size_t most = length <= kModest ? kShort : kMost;
  for (std::size_t offset = 0; offset < length; offset += most) {
    piece(offset, static_cast<int>(std::min(most, length - offset)));
  }
}

/// The letters to one rank and from it. Each is a head, which says its kind and length, and then pieces.
/// Never waits, and never asks for what may not come: so nothing is left open towards a rank that has died
/// but what was under way.
class Line {
 public:
  Line(int peer, Mailbox& mailbox) : peer_(peer), mailbox_(mailbox) {}

  /// Does what can be done now; whether there was anything.
  bool advance() {
    if (broken_) return false;
    const bool sent = send();
    return receive() || sent;
  }
  [[nodiscard]] bool is_idle() const {
    return sending_ == MPI_REQUEST_NULL && receiving_ == MPI_REQUEST_NULL;
  }
  [[nodiscard]] bool has_sent() {
    return broken_ || (completes(sending_) && sent_ == length_of(outgoing_.letter));
  }

 private:
  static constexpr std::size_t kHead = 1 + 8;
  static std::size_t length_of(const Letter& letter) { return letter ? letter->size() : 0; }

  bool send() {
    if (!completes(sending_)) return false;
    if (const std::size_t length = length_of(outgoing_.letter); sent_ < length) {
      const std::size_t count = std::min(kPiece, length - sent_);
      succeeds(MPI_Isend(outgoing_.letter->data() + sent_, static_cast<int>(count), MPI_BYTE, peer_,
                         kTagOfLetters, MPI_COMM_WORLD, &sending_));
      sent_ += count;
      return true;
    }
    auto parcel = mailbox_.next_for(static_cast<std::size_t>(peer_));
    if (!parcel) return false;
    outgoing_ = std::move(*parcel);
    sent_ = 0;
    head_out_[0] = static_cast<std::uint8_t>(outgoing_.kind);
    store_le<std::uint64_t>(length_of(outgoing_.letter), head_out_ + 1);
    succeeds(MPI_Isend(head_out_, kHead, MPI_BYTE, peer_, kTagOfLetters, MPI_COMM_WORLD, &sending_));
    return true;
  }

  bool receive() {
    if (receiving_ == MPI_REQUEST_NULL) {
      int there = 0;
      MPI_Message message = MPI_MESSAGE_NULL;
      if (!succeeds(MPI_Improbe(peer_, kTagOfLetters, MPI_COMM_WORLD, &there, &message, MPI_STATUS_IGNORE)) ||
          there == 0)
        return false;
      std::uint8_t* to = incoming_ ? incoming_->data() + received_ : head_in_;
      coming_ = incoming_ ? std::min(kPiece, incoming_->size() - received_) : kHead;
      succeeds(MPI_Imrecv(to, static_cast<int>(coming_), MPI_BYTE, &message, &receiving_));
    }
    if (!completes(receiving_) || broken_) return false;
    if (incoming_) {
      received_ += coming_;
    } else {
      incoming_ = std::make_shared<std::vector<std::uint8_t>>(load_le<std::uint64_t>(head_in_ + 1));
      received_ = 0;
    }
    const auto from = static_cast<std::size_t>(peer_);
    if (received_ < incoming_->size()) {
      mailbox_.hear_from(from);
    } else {
      mailbox_.deliver(from, {static_cast<Mailbox::Kind>(head_in_[0]), std::exchange(incoming_, nullptr)});
    }
    return true;
  }

  bool completes(MPI_Request& request) {
    int done = 0;
    return succeeds(MPI_Test(&request, &done, MPI_STATUS_IGNORE)) && done != 0;
  }
  /// What fails, fails for good: the rank will be lost, as it is not heard of any more.
  bool succeeds(int error) {
    broken_ = broken_ || error != MPI_SUCCESS;
    return !broken_;
  }

  int peer_;
  Mailbox& mailbox_;
  bool broken_ = false;
  MPI_Request sending_ = MPI_REQUEST_NULL;
  Mailbox::Parcel outgoing_;
  std::uint8_t head_out_[kHead] = {};
  std::size_t sent_ = 0;  // of the letter
  MPI_Request receiving_ = MPI_REQUEST_NULL;
  std::uint8_t head_in_[kHead] = {};
  std::shared_ptr<std::vector<std::uint8_t>> incoming_;  // once its head is here
  std::size_t received_ = 0;                             // of it
  std::size_t coming_ = 0;                               // with the receive under way
};

class World final : public Transport {
 public:
  World() {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }

  std::size_t rank() const override { return static_cast<std::size_t>(rank_); }
  std::size_t size() const override { return static_cast<std::size_t>(size_); }

 private:
  /// Step k sends to the k-th neighbour on the right and receives from the k-th on the left. Long messages
  /// take one step at a time: a link then carries one stream each way, which TCP fills better than many (on 3
  /// hosts at 100 Mbit/s, 3.3 MB to each of two others took up to half as long again all at once). Short
  /// ones, which wait more than they move, go all at once. A rank that takes steps never waits for one that
  /// waits for it: step k needs the others' steps before k at most, so ranks may choose differently.
  void move(std::span<const ByteView> to, std::span<const MutByteView> from) override {
    for (int step = 1; step < size_; ++step) {
      const int left = (rank_ + size_ - step) % size_;
      const int right = (rank_ + step) % size_;
      const MutByteView in = from[static_cast<std::size_t>(left)];
      const ByteView out = to[static_cast<std::size_t>(right)];
      for_each_piece(in.size(), [&](std::size_t offset, int count) {
        MPI_Irecv(in.data() + offset, count, MPI_BYTE, left, kTag, MPI_COMM_WORLD, &requests_.emplace_back());
      });
      for_each_piece(out.size(), [&](std::size_t offset, int count) {
        MPI_Isend(out.data() + offset, count, MPI_BYTE, right, kTag, MPI_COMM_WORLD,
                  &requests_.emplace_back());
      });
      if (std::max(in.size(), out.size()) > kShort) finish();
    }
    finish();
  }

  void carry(Mailbox& mailbox) override {
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    // What MPI still holds of letters to and from a lost rank is left to it, until the process ends.
    auto lines = std::make_unique<std::vector<std::unique_ptr<Line>>>();
    for (int r = 0; r < size_; ++r) {
      if (r != rank_ && (rank_ == 0 || r == 0)) lines->push_back(std::make_unique<Line>(r, mailbox));
    }
    const auto all_sent = [&] {
      return std::all_of(lines->begin(), lines->end(), [](const auto& line) { return line->has_sent(); });
    };
    auto over_since = std::chrono::steady_clock::time_point::max();
    for (auto active = std::chrono::steady_clock::now();;) {
      bool advanced = false;
      // The checker knows of MPI_Wait, and not that advance() tests.
      // NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker)
      for (const auto& line : *lines) advanced = line->advance() || advanced;
      mailbox.look_around();
      const auto now = std::chrono::steady_clock::now();
      if (advanced) active = now;
      if (mailbox.is_over()) {
        over_since = std::min(over_since, now);
        const bool waits = mailbox.is_broken() && now - over_since < std::chrono::seconds(1);
        if (all_sent() || (mailbox.is_broken() && !waits)) break;
      }
      mailbox.wait_for_post(now - active < kPatience ? kShortNap : kLongNap);
    }
    const bool idle =
        std::all_of(lines->begin(), lines->end(), [](const auto& line) { return line->is_idle(); });
    if (!idle) static_cast<void>(lines.release());
  }

  /// MPI_Waitall spins as long as it waits; where ranks share cores, it takes time from one that others wait
  /// for. This naps when an answer takes longer than a short one does.
  void finish() {
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
      int done = 0;
      MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE);
      if (done != 0) break;
      if (std::chrono::steady_clock::now() - begin > kPatience) std::this_thread::sleep_for(kNap);
    }
    requests_.clear();
  }

  int rank_ = 0;
  int size_ = 1;
  std::vector<MPI_Request> requests_;  // kept, so that an exchange does not allocate
};

}  // namespace

MpiSession::MpiSession(bool outlives_ranks) : outlives_ranks_(outlives_ranks) {
  int initialised = 0;
  MPI_Initialized(&initialised);
  check(initialised == 0, "there is one MpiSession in the life of a process");
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  if (provided < MPI_THREAD_FUNNELED) throw RunError("this MPI does not serve programs with threads");
  world_ = std::make_unique<World>();
}

MpiSession::~MpiSession() {
  // MPI_Finalize waits for all, and for one that is lost it may wait for ever. A launcher that outlives ranks
  // does not mind its absence; another ends the job anyway when it sees that a rank is lost.
  if (!world_->is_broken() && !outlives_ranks_) MPI_Finalize();
}

std::size_t MpiSession::ranks_on_this_machine() const {
  MPI_Comm machine = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
  int ranks = 1;
  MPI_Comm_size(machine, &ranks);
  MPI_Comm_free(&machine);
  return static_cast<std::size_t>(ranks);
}

void MpiSession::abort(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::abort();  // not reached; MPI_Abort is not marked so
}

}  // namespace laconic
