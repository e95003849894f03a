// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/session.h"

#include <algorithm>

#include <fmt/format.h>

#include "laconic/message/bits.h"

namespace laconic {
namespace {

/// Pieces of this cost are acknowledged at once. Below the window by more than a piece, so that a sender
/// never waits for an acknowledgement that does not come.
constexpr std::size_t kAcknowledged = Session::kPiece;
/// At the end of a parcel, less suffices: then the sender need not keep its letter until more follow.
constexpr std::size_t kAcknowledgedAtEnd = std::size_t{1} << 13;
static_assert(kAcknowledged + Session::kPiece + Session::kOverhead <= Session::kWindow);

std::size_t length_of(const Mailbox::Parcel& parcel) { return parcel.letter ? parcel.letter->size() : 0; }

bool is_last(std::uint8_t kind) {
  return kind >= static_cast<std::uint8_t>(Mailbox::Kind::closed) &&
         kind <= static_cast<std::uint8_t>(Mailbox::Kind::left);
}

}  // namespace

std::string Session::reconnect(std::uint64_t acknowledged) {
  std::string wrong = acknowledge(acknowledged, kept_.size());
  written_ = 0;
  owed_ = 0;  // this end told its number too
  owes_now_ = false;
  return wrong;
}

std::string Session::acknowledge(std::uint64_t acknowledged, std::size_t at_most) {
  if (acknowledged < acknowledged_ || acknowledged - acknowledged_ > at_most) {
    return fmt::format("it acknowledges {} pieces; need {} to {}", acknowledged, acknowledged_,
                       acknowledged_ + at_most);
  }
  for (; acknowledged_ < acknowledged; ++acknowledged_) {
    kept_cost_ -= kept_.front().cost();
    kept_.pop_front();
    if (written_ > 0) --written_;
  }
  return "";
}

bool Session::cut() {
  if (kept_cost_ + kPiece + kOverhead > kWindow) return false;
  if (!parcel_) {
    parcel_ = mailbox_.next_for(peer_);
    if (!parcel_) return false;
    cut_ = 0;
  }
  const std::size_t length = length_of(*parcel_);
  kept_.push_back({*parcel_, cut_, std::min(kPiece, length - cut_)});
  kept_cost_ += kept_.back().cost();
  cut_ += kept_.back().size;
  if (cut_ == length) parcel_.reset();
  return true;
}

std::optional<Session::Message> Session::next() {
  Message message;
  const auto begin = [&](Tag tag) { message.head[message.head_size++] = static_cast<std::uint8_t>(tag); };
  if (owes_now_) {
    begin(Tag::acknowledged);
    store_le(received_, message.head.data() + 1);
    message.head_size += sizeof received_;
    owed_ = 0;
    owes_now_ = false;
    return message;
  }
  if (written_ == kept_.size() && !cut()) return {};
  const Piece& piece = kept_[written_++];
  if (piece.offset > 0) {
    begin(Tag::more);
  } else {
    begin(Tag::first);
    message.head[1] = static_cast<std::uint8_t>(piece.parcel.kind);
    store_le<std::uint64_t>(length_of(piece.parcel), message.head.data() + 2);
    message.head_size += ParcelReader::kHead;
  }
  message.letter = piece.parcel.letter;
  if (piece.size > 0) message.content = ByteView(*message.letter).subspan(piece.offset, piece.size);
  return message;
}

std::string Session::receive(PartsReader message) {
  is_whole_ = false;
  std::string wrong = receive_any(message);
  is_whole_ = true;
  return wrong;
}

std::string Session::receive_any(PartsReader& message) {
  std::array<std::uint8_t, 1> tag;
  if (!message.read(tag)) return "it sends an empty message";
  if (tag[0] == static_cast<std::uint8_t>(Tag::first)) return receive_piece(message, true);
  if (tag[0] == static_cast<std::uint8_t>(Tag::more)) return receive_piece(message, false);
  if (tag[0] == static_cast<std::uint8_t>(Tag::acknowledged)) {
    const auto acknowledged = message.last_number();
    if (!acknowledged) return "it sends an acknowledgement of the wrong length";
    mailbox_.hear_from(peer_);
    return acknowledge(*acknowledged, written_);
  }
  return fmt::format("it sends a message of the kind {}, which there is not", tag[0]);
}

std::string Session::receive_piece(PartsReader& message, bool is_first) {
  if (is_first != (content_to_come_ == 0)) return "it sends a piece out of order";
  std::array<std::uint8_t, ParcelReader::kHead> head = {};
  if (is_first) {
    if (!message.read(head)) return "it sends the head of a letter that is cut off";
    content_to_come_ = load_le<std::uint64_t>(head.data() + 1);
    if (is_last(head[0]) && content_to_come_ == 0) return "it sends an end without the byte that tells which";
  }
  const std::size_t size = message.left();
  if (size != std::min(kPiece, content_to_come_))
    return fmt::format("it sends a piece of {} bytes; need {}", size, std::min(kPiece, content_to_come_));
  if (is_first) {
    std::copy(head.begin(), head.end(), reader_.room_for(head.size()).begin());
    reader_.filled();
  }
  if (size > 0) {
    message.read(reader_.room_for(size));
    reader_.filled();
  }
  content_to_come_ -= size;
  ++received_;
  owed_ += size + kOverhead;
  const bool is_whole = content_to_come_ == 0;
  if (is_first && is_whole && is_last(head[0])) has_heard_end_ = owes_now_ = true;
  owes_now_ = owes_now_ || owed_ >= (is_whole ? kAcknowledgedAtEnd : kAcknowledged);
  return "";
}

}  // namespace laconic
