// SPDX-License-Identifier: Apache-2.0
#include "laconic/transport/parcel_reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "laconic/message/bits.h"

namespace laconic {
namespace {

/// Reserved for a letter that is announced. The system provides the memory as the bytes arrive; what a letter
/// is longer costs copies.
constexpr std::size_t kReserved = std::size_t{1} << 26;

}  // namespace

std::size_t ParcelReader::length_of_next() const {
  return content_ ? std::min(piece_, length_ - content_->size()) : kHead;
}

std::span<std::uint8_t> ParcelReader::room_for(std::size_t count) {
  if (!is_refused_ && count != length_of_next()) {
    mailbox_.reject(from_, fmt::format("it sends a piece of {} bytes; need {}", count, length_of_next()));
    is_refused_ = true;
  }
  if (is_refused_) {
    content_.reset();
    dropped_.resize(std::min(count, piece_));
    return dropped_;
  }
  if (!content_) return head_;
  content_->resize(content_->size() + count);
  return std::span(*content_).last(count);
}

void ParcelReader::filled() {
  if (is_refused_) return;
  if (!content_) {
    length_ = load_le<std::uint64_t>(head_ + 1);
    is_refused_ = !mailbox_.admits(from_, head_[0], length_);
    if (is_refused_) return;
    content_ = std::make_shared<std::vector<std::uint8_t>>();
    content_->reserve(std::min(length_, kReserved));
  }
  if (content_->size() < length_) {
    mailbox_.hear_from(from_);
  } else {
    mailbox_.deliver(from_, {static_cast<Mailbox::Kind>(head_[0]), std::exchange(content_, nullptr)});
  }
}

}  // namespace laconic
