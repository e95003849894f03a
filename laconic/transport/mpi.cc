// SPDX-License-Identifier: Apache-2.0
// Uses the C interface of MPI: the C++ interface left the standard in 2012.
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
#include "laconic/transport/parcel_reader.h"

namespace laconic {
namespace {

constexpr int kTag = 0;
constexpr int kTagOfLetters = 1;

// Over TCP, Open MPI sends a request before a message of more than 64 KiB, including its own header, and
// request and reply wait behind other traffic of both ends. Therefore medium messages are divided into
// smaller pieces, which are sent immediately. For long messages the request hardly matters, and it keeps them
// out of the queues of a link that still carries another step's messages. They are sent whole, up to the
// limit of an int, in which MPI counts bytes. Messages between two ranks with one tag stay in order, so
// pieces need no numbers.
constexpr std::size_t kShort = std::size_t{60} * 1024;
constexpr std::size_t kModest = std::size_t{1} << 19;
constexpr std::size_t kMost = std::size_t{1} << 30;

// How long a rank waits in a busy loop, and the interval between checks after that.
constexpr std::chrono::microseconds kPatience{500};
constexpr std::chrono::microseconds kNap{20};
// If a rank yielded its core for longer than this, it sleeps at once for a while.
constexpr std::chrono::milliseconds kTooLate{1};
constexpr std::chrono::milliseconds kCrowded{100};
// Interval between checks for letters, in seconds: shortly after a letter, and otherwise.
constexpr double kShortNap = 2e-5;
constexpr double kLongNap = 5e-4;

/// Calls piece(offset, count) for each piece of a message. An empty message has none; both ends know that it
/// is empty.
template <class Piece>
void for_each_piece(std::size_t length, Piece piece) {
  const std::size_t most = length <= kModest ? kShort : kMost;
  for (std::size_t offset = 0; offset < length; offset += most) {
    piece(offset, static_cast<int>(std::min(most, length - offset)));
  }
}

/// The letters to and from one rank, in heads and pieces (parcel_reader.h); each is a sign of life. Never
/// waits, and posts no receive for a message that may not come. So if a rank has died, only transfers in
/// progress remain open.
class Line {
 public:
  Line(int peer, Mailbox& mailbox)
      : peer_(peer), mailbox_(mailbox), reader_(static_cast<std::size_t>(peer), mailbox) {}

  /// Makes all progress possible now. Returns whether there was any.
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
  static std::size_t length_of(const Letter& letter) { return letter ? letter->size() : 0; }

  bool send() {
    if (!completes(sending_)) return false;
    if (const std::size_t length = length_of(outgoing_.letter); sent_ < length) {
      const std::size_t count = std::min(ParcelReader::kPiece, length - sent_);
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
    succeeds(
        MPI_Isend(head_out_, ParcelReader::kHead, MPI_BYTE, peer_, kTagOfLetters, MPI_COMM_WORLD, &sending_));
    return true;
  }

  bool receive() {
    if (receiving_ == MPI_REQUEST_NULL) {
      int there = 0;
      MPI_Message message = MPI_MESSAGE_NULL;
      MPI_Status status;
      if (!succeeds(MPI_Improbe(peer_, kTagOfLetters, MPI_COMM_WORLD, &there, &message, &status)) ||
          there == 0)
        return false;
      int count = 0;
      MPI_Get_count(&status, MPI_BYTE, &count);
      const MutByteView to = reader_.room_for(static_cast<std::size_t>(count));
      succeeds(MPI_Imrecv(to.data(), static_cast<int>(to.size()), MPI_BYTE, &message, &receiving_));
    }
    if (!completes(receiving_) || broken_) return false;
    reader_.filled();
    return true;
  }

  bool completes(MPI_Request& request) {
    int done = 0;
    return succeeds(MPI_Test(&request, &done, MPI_STATUS_IGNORE)) && done != 0;
  }
  /// A failure is permanent: the rank will be lost, because it is silent from now on.
  bool succeeds(int error) {
    broken_ = broken_ || error != MPI_SUCCESS;
    return !broken_;
  }

  int peer_;
  Mailbox& mailbox_;
  bool broken_ = false;
  MPI_Request sending_ = MPI_REQUEST_NULL;
  Mailbox::Parcel outgoing_;
  std::uint8_t head_out_[ParcelReader::kHead] = {};
  std::size_t sent_ = 0;  // bytes of the letter
  MPI_Request receiving_ = MPI_REQUEST_NULL;
  ParcelReader reader_;
};

std::size_t count_ranks_here() {
  MPI_Comm machine = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
  int ranks = 1;
  MPI_Comm_size(machine, &ranks);
  MPI_Comm_free(&machine);
  return static_cast<std::size_t>(ranks);
}

class World final : public Transport {
 public:
  World(bool shares_cores, bool outlive) : shares_cores_(shares_cores), outlive_(outlive) {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }

  std::size_t rank() const override { return static_cast<std::size_t>(rank_); }
  std::size_t size() const override { return static_cast<std::size_t>(size_); }
  bool outlive() const override { return outlive_; }

 private:
  /// Step k sends to the k-th neighbour on the right and receives from the k-th on the left. Long messages
  /// are exchanged one step at a time: a link then carries one stream in each direction, which uses TCP
  /// better than many streams (on 3 hosts at 100 Mbit/s, 3.3 MB to each of two others took up to half as long
  /// again in parallel). Short messages are dominated by latency and are exchanged all at once. There is no
  /// deadlock: step k needs at most the other ranks' steps before k, so ranks may choose differently.
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
    // MPI keeps the unfinished letters to and from a lost rank until the process ends.
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
      // The checker knows MPI_Wait, but not that advance() calls MPI_Test.
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

  /// MPI_Waitall waits in a busy loop. If ranks share cores, that takes time from a rank for which others
  /// wait. So this function yields the core to them, and sleeps if the wait is longer than for a short
  /// answer. On a machine that is busy with other programs, a yield lasts for their time slices, some ms.
  /// Then this function sleeps at once for a while.
  void finish() {
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    for (;;) {
      int done = 0;
      MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE);
      if (done != 0) break;
      const auto now = Clock::now();
      if (now - begin > kPatience || now < crowded_until_) {
        std::this_thread::sleep_for(kNap);
      } else if (shares_cores_) {
        std::this_thread::yield();
        if (Clock::now() - now > kTooLate) crowded_until_ = now + kCrowded;
      }
    }
    requests_.clear();
  }

  int rank_ = 0;
  int size_ = 1;
  bool shares_cores_;  // with other ranks
  bool outlive_;
  std::chrono::steady_clock::time_point crowded_until_;  // by other programs
  std::vector<MPI_Request> requests_;                    // reused, so that an exchange does not allocate
};

}  // namespace

MpiSession::MpiSession(bool outlives_ranks) : outlives_ranks_(outlives_ranks) {
  int initialised = 0;
  MPI_Initialized(&initialised);
  check(initialised == 0, "there is one MpiSession in the life of a process");
  // Where ranks share cores, Open MPI would yield the core at each test of a request. World::finish() does so
  // only where that is short. A setting of the user's environment stays.
  setenv("OMPI_MCA_mpi_yield_when_idle", "0", /*overwrite=*/0);
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  if (provided < MPI_THREAD_FUNNELED) throw RunError("this MPI does not serve programs with threads");
  ranks_on_this_machine_ = count_ranks_here();
  world_ =
      std::make_unique<World>(ranks_on_this_machine_ > std::thread::hardware_concurrency(), outlives_ranks);
}

MpiSession::~MpiSession() {
  // MPI_Finalize waits for all ranks, and if one is lost it may wait for ever. A launcher that outlives ranks
  // accepts its absence. Any other launcher ends the job anyway when a rank is lost.
  if (!world_->is_broken() && !outlives_ranks_) MPI_Finalize();
}

void MpiSession::abort(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::abort();  // not reached; MPI_Abort is not marked [[noreturn]]
}

}  // namespace laconic
