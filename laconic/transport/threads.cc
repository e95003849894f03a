// SPDX-License-Identifier: Apache-2.0
#include "laconic/transport/threads.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <vector>

#include "laconic/core/error.h"
#include "laconic/core/threads.h"

namespace laconic {
namespace {

/// Shared memory where ranks publish the data they send, and synchronise.
class Hub {
 public:
  explicit Hub(std::size_t ranks) : outgoing_(ranks), mailboxes_(ranks) {}

  [[nodiscard]] std::size_t size() const { return outgoing_.size(); }

  void lay_out(std::size_t rank, std::span<const ByteView> to) { outgoing_[rank] = to; }
  [[nodiscard]] ByteView laid_out(std::size_t by, std::size_t for_rank) const {
    return outgoing_[by][for_rank];
  }

  /// A barrier: returns when every rank has called it as often as this one. Throws if one of them has failed.
  void meet() {
    std::unique_lock lock(mutex_);
    const std::size_t meeting = meetings_;
    if (++arrived_ == size()) {
      arrived_ = 0;
      ++meetings_;
      all_here_.notify_all();
    }
    all_here_.wait(lock, [&] { return meetings_ != meeting || error_; });
    if (meetings_ == meeting) throw RunError("another rank failed");
  }

  void fail(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    all_here_.notify_all();
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

  /// While it exists, other ranks can deliver to the mailbox.
  class Opened {
   public:
    Opened(Hub& hub, std::size_t rank, Mailbox& mailbox) : hub_(hub), rank_(rank) { put(&mailbox); }
    ~Opened() { put(nullptr); }
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;

   private:
    void put(Mailbox* mailbox) {
      const std::lock_guard lock(hub_.mutex_);
      hub_.mailboxes_[rank_] = mailbox;
    }
    Hub& hub_;
    std::size_t rank_;
  };
  /// If the carrier of one rank fails, it cannot inform the other ranks. So their carriers fail too.
  void stop_carrying() {
    const std::lock_guard lock(mutex_);
    carries_ = false;
  }
  void require_carriers() {
    const std::lock_guard lock(mutex_);
    if (!carries_) throw RunError("another rank failed");
  }
  void deliver(std::size_t from, std::size_t to, const Mailbox::Parcel& parcel) {
    const std::lock_guard lock(mutex_);
    if (mailboxes_[to] != nullptr) mailboxes_[to]->deliver(from, parcel);
  }

 private:
  std::vector<std::span<const ByteView>> outgoing_;
  std::vector<Mailbox*> mailboxes_;
  bool carries_ = true;
  std::mutex mutex_;
  std::condition_variable all_here_;
  std::size_t arrived_ = 0;
  std::size_t meetings_ = 0;
  std::exception_ptr error_;
};

class ThreadRank final : public Transport {
 public:
  ThreadRank(Hub& hub, std::size_t rank) : hub_(hub), rank_(rank) {}

  std::size_t rank() const override { return rank_; }
  std::size_t size() const override { return hub_.size(); }

 private:
  void move(std::span<const ByteView> to, std::span<const MutByteView> from) override {
    hub_.lay_out(rank_, to);
    hub_.meet();
    bool lengths_agree = true;
    for (std::size_t r = 0; r < size(); ++r) {
      if (r == rank_) continue;
      const ByteView message = hub_.laid_out(r, rank_);
      if (message.size() == from[r].size()) {
        std::copy(message.begin(), message.end(), from[r].begin());
      } else {
        lengths_agree = false;
      }
    }
    hub_.meet();  // no rank leaves, not even by an exception, while others may still read its data
    check(lengths_agree, "both ends of an exchange must know the length of a message");
  }

  void carry(Mailbox& mailbox) override {
    const Hub::Opened opened(hub_, rank_, mailbox);
    hub_.meet();  // no rank sends to a mailbox before it exists
    constexpr double kNap = 1e-3;
    try {
      while (!mailbox.is_over()) {
        for (std::size_t r = 0; r < size(); ++r) {
          while (const auto parcel = mailbox.next_for(r)) hub_.deliver(rank_, r, *parcel);
        }
        mailbox.look_around();
        mailbox.wait_for_post(kNap);
        hub_.require_carriers();
      }
    } catch (...) {
      hub_.stop_carrying();
      throw;
    }
  }

  Hub& hub_;
  std::size_t rank_;
};

}  // namespace

void run_ranks(std::size_t ranks, const std::function<void(Transport&)>& body) {
  check(ranks >= 1, "a run has at least one rank");
  Hub hub(ranks);
  ThreadGroup threads([&] { hub.fail(std::make_exception_ptr(RunError("a rank has no thread"))); });
  for (std::size_t r = 0; r < ranks; ++r) {
    threads.start(nth_thread(r, ranks), [&, r] {
      try {
        hub.meet();  // no rank starts before all have their thread
        ThreadRank rank(hub, r);
        body(rank);
      } catch (...) {
        hub.fail(std::current_exception());
      }
    });
  }
  threads.join();
  hub.rethrow();
}

}  // namespace laconic
