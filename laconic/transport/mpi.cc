// SPDX-License-Identifier: Apache-2.0
// The C interface of MPI: the C++ one left the standard in 2012.
#include "laconic/transport/mpi.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include <mpi.h>

#include "laconic/core/error.h"

namespace laconic {
namespace {

constexpr int kTag = 0;

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

/// piece(offset, count) for each piece of a message; none for an empty one, which both ends know to be empty.
template <class Piece>
void for_each_piece(std::size_t length, Piece piece) {
  const std::size_t most = length <= kModest ? kShort : kMost;
  for (std::size_t offset = 0; offset < length; offset += most) {
    piece(offset, static_cast<int>(std::min(most, length - offset)));
  }
}

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

MpiSession::MpiSession() {
  int initialised = 0;
  MPI_Initialized(&initialised);
  check(initialised == 0, "there is one MpiSession in the life of a process");
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  if (provided < MPI_THREAD_FUNNELED) throw RunError("this MPI does not serve programs with threads");
  world_ = std::make_unique<World>();
}

MpiSession::~MpiSession() { MPI_Finalize(); }

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
