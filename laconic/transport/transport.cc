// SPDX-License-Identifier: Apache-2.0
#include "laconic/transport/transport.h"

#include <exception>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/threads.h"

namespace laconic {
namespace {

class Alone final : public Transport {
 public:
  explicit Alone(const Mailbox* mailbox) : mailbox_(mailbox) {}

  std::size_t rank() const override { return 0; }
  std::size_t size() const override { return 1; }
  Traffic traffic() const override { return mailbox_ != nullptr ? mailbox_->traffic() : Traffic{}; }

 private:
  void move(std::span<const ByteView> /*to*/, std::span<const MutByteView> /*from*/) override {}
  void carry(Mailbox& /*mailbox*/) override {}

  const Mailbox* mailbox_;
};

}  // namespace

void Transport::exchange(std::span<const ByteView> to, std::span<const MutByteView> from) {
  check(to.size() == size() && from.size() == size(), "an exchange has one entry a rank");
  move(to, from);
  for (std::size_t r = 0; r < size(); ++r) {
    if (r == rank()) continue;
    traffic_.sent += to[r].size();
    traffic_.received += from[r].size();
  }
}

void Transport::gather(ByteView mine, std::span<const MutByteView> from) {
  same_.assign(size(), mine);
  exchange(same_, from);
}

int Transport::correspond(double patience, const std::function<int(Mailbox&)>& body) {
  Mailbox mailbox(rank(), size(), patience, habits());
  std::exception_ptr error;
  int code = 1;
  const auto end = [&] {
    if (rank() == 0) {
      mailbox.close(static_cast<std::uint8_t>(code));
    } else if (!mailbox.closed()) {
      if (mailbox.is_lost(0)) mailbox.give_up(0);
      mailbox.leave();
    }
  };
  ThreadGroup computing([&] { mailbox.close(1); });  // ends the body
  try {
    computing.start(fmt::format("the thread that computes on rank {}", rank()), [&] {
      try {
        code = body(mailbox);
      } catch (...) {
        error = std::current_exception();
      }
      end();
    });
  } catch (...) {  // handled like a failure of the body, so that the other ranks are informed
    error = std::current_exception();
    end();
  }
  try {
    carry(mailbox);
  } catch (...) {
    broken_ = true;
    throw;
  }
  computing.join();
  broken_ = mailbox.is_broken();
  if (error) std::rethrow_exception(error);
  return mailbox.closed() ? mailbox.code() : code;
}

std::unique_ptr<Transport> alone(const Mailbox* mailbox) { return std::make_unique<Alone>(mailbox); }

}  // namespace laconic
