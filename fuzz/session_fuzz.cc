// SPDX-License-Identifier: Apache-2.0
// A libFuzzer target: the stream between a site and the server, without a network. The input moves the two
// ends of a session, cuts their connection and forges messages to each. An end accepts what the format
// describes and refuses all else, in the same way however a message is split into parts. If nothing is
// forged, all letters arrive, in order and once.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/input.h"
#include "laconic/message/bits.h"
#include "laconic/sites/protocol.h"
#include "laconic/sites/session.h"
#include "laconic/transport/mailbox.h"

namespace laconic {
namespace {

using Bytes = std::vector<std::uint8_t>;
using What = SessionInput::What;

void require(bool holds) {
  if (!holds) std::abort();
}

void append(Bytes& to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

/// The first parts have `size` bytes, which may be 0, the last one the rest.
std::vector<ByteView> split(ByteView message, std::size_t size) {
  std::vector<ByteView> parts;
  for (int k = 0; k < 8; ++k) {
    parts.push_back(message.first(std::min(size, message.size())));
    message = message.subspan(parts.back().size());
  }
  parts.push_back(message);
  return parts;
}

/// What begins a connection is printed as it was read.
void check_beginning(const Bytes& message, std::span<const ByteView> parts) {
  const ByteView whole = message;
  const auto greeting = Greeting::of(PartsReader(parts));
  require(greeting.has_value() == Greeting::of(PartsReader({&whole, 1})).has_value());
  if (greeting && greeting->version == kProtocolVersion) require(greeting->bytes() == message);
  const auto welcome = Welcome::of(PartsReader(parts));
  require(welcome.has_value() == Welcome::of(PartsReader({&whole, 1})).has_value());
  if (!welcome) return;
  require(welcome->bytes() == message && welcome->rank >= 1 && welcome->rank < welcome->ranks);
  require(std::isfinite(welcome->patience) && welcome->patience > 0);
}

/// One end, next to a model of it after docs/wire_format.md.
class End {
 public:
  explicit End(std::size_t rank) : rank_(rank), peer_(1 - rank), mailbox_(rank, 2, kNoSigns) {
    if (rank == 0) mailbox_.limit({.letter = SessionInput::kLetter, .waiting = SessionInput::kWaiting});
    session_.emplace(peer_, mailbox_);
  }

  void post(std::size_t size) {
    const std::size_t room = size + 128;  // as the mailbox counts what waits
    if (posted_room_ + room > SessionInput::kWaiting) return;
    posted_room_ += room;
    Bytes content(size);
    for (std::size_t j = 0; j < size; j += 1021)
      content[j] = static_cast<std::uint8_t>(j / 1021 + 7 * posted_.size());
    posted_.push_back(std::make_shared<const Bytes>(std::move(content)));
    mailbox_.post(peer_, posted_.back());
  }
  /// The server closes the run, or the site leaves it.
  void end() { rank_ == 0 ? mailbox_.close(3) : mailbox_.leave(); }

  std::optional<Bytes> write() {
    if (!session_) return {};
    const auto message = session_->next();
    if (!message) return {};
    Bytes bytes(message->head.begin(), message->head.begin() + message->head_size);
    append(log_, bytes);
    append(bytes, message->content);
    require(bytes.size() <= Session::kLongest);
    if (Tag{bytes[0]} == Tag::acknowledged) {
      require(bytes.size() == 9 && load_le<std::uint64_t>(bytes.data() + 1) == received_);
      return bytes;
    }
    if (written_ == pieces_.size()) {
      pieces_.push_back(*message);
      unacknowledged_ += cost_of(*message);
    }
    require(is_same(*message, pieces_[written_++]));
    require(unacknowledged_ <= Session::kWindow);
    return bytes;
  }

  void receive(const Bytes& message, std::span<const ByteView> parts) {
    if (!session_) return;
    const bool is_right = follows(message);
    judge(session_->receive(PartsReader(parts)), is_right);
    if (!is_right) return;
    require(session_->received() == received_);
    const bool is_letter = Tag{message[0]} != Tag::acknowledged && to_come_ == 0 && kind_ == kLetter;
    if (is_letter && mailbox_.is_connected(peer_)) arrived_.push_back(std::move(content_));
  }

  void reconnect(std::uint64_t acknowledged) {
    if (!session_) return;
    const bool is_right = acknowledges(acknowledged, pieces_.size());
    judge(session_->reconnect(acknowledged), is_right);
    written_ = acknowledged_;
  }

  void take() {
    while (const auto received = mailbox_.take(kNow)) {
      require(received->from == peer_ && !is_refused() && taken_ < arrived_.size());
      require(*received->letter == arrived_[taken_++]);
      require(rank_ != 0 || received->letter->size() <= SessionInput::kLetter);
      log_.push_back('t');
    }
    require(taken_ == arrived_.size() || is_refused());
  }

  /// All that the other end has posted has arrived, or the first letters of it where one has ended.
  void check_arrived(const End& from, bool has_ended) const {
    require(!is_refused() && session_->is_all_acknowledged());
    require(has_ended ? taken_ <= from.posted_.size() : taken_ == from.posted_.size());
    for (std::size_t k = 0; k < taken_; ++k) require(arrived_[k] == *from.posted_[k]);
  }

  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] bool is_refused() const { return !mailbox_.refusal(peer_).empty(); }
  /// What it has done.
  [[nodiscard]] Bytes log() const {
    Bytes log = log_;
    const std::string refusal = mailbox_.refusal(peer_);
    log.insert(log.end(), refusal.begin(), refusal.end());
    return log;
  }

 private:
  // Kinds of parcels: a letter, and those that end, which tell how.
  static constexpr std::uint8_t kLetter = 0, kEnds = 2, kLeft = 4;
  static constexpr double kNow = -1;       // seconds; until a time that has passed, which waits for no timer
  static constexpr double kNoSigns = 1e6;  // seconds of patience: no sign of life becomes due

  static std::size_t cost_of(const Session::Message& piece) {
    return piece.content.size() + Session::kOverhead;
  }
  static bool is_same(const Session::Message& a, const Session::Message& b) {
    return a.head == b.head && a.head_size == b.head_size && std::ranges::equal(a.content, b.content);
  }

  /// As the server does, it has nothing more to do with a session in which something was wrong.
  void judge(const std::string& wrong, bool is_right) {
    require(wrong.empty() == is_right);
    if (is_right) return;
    mailbox_.refuse(peer_, wrong);
    session_.reset();
    require(is_refused() && mailbox_.is_lost(peer_) && !mailbox_.take(kNow) && !mailbox_.next_for(peer_));
  }

  /// Whether the message is right here.
  bool follows(const Bytes& message) {
    if (message.empty()) return false;
    const Tag tag{message[0]};
    ByteView rest = ByteView(message).subspan(1);
    if (tag == Tag::acknowledged)
      return rest.size() == 8 && acknowledges(load_le<std::uint64_t>(rest.data()), written_);
    if (tag != (to_come_ == 0 ? Tag::first : Tag::more)) return false;
    if (tag == Tag::first) {
      if (rest.size() < ParcelReader::kHead) return false;
      kind_ = rest[0];
      to_come_ = load_le<std::uint64_t>(rest.data() + 1);
      if (kind_ >= kEnds && kind_ <= kLeft && to_come_ == 0) return false;
      content_.clear();
      rest = rest.subspan(ParcelReader::kHead);
    }
    if (rest.size() != std::min<std::uint64_t>(to_come_, Session::kPiece)) return false;
    to_come_ -= rest.size();
    append(content_, rest);
    ++received_;
    return true;
  }

  bool acknowledges(std::uint64_t acknowledged, std::size_t at_most) {
    if (acknowledged < acknowledged_ || acknowledged > at_most) return false;
    for (; acknowledged_ < acknowledged; ++acknowledged_) unacknowledged_ -= cost_of(pieces_[acknowledged_]);
    return true;
  }

  std::size_t rank_;
  std::size_t peer_;
  Mailbox mailbox_;
  std::optional<Session> session_;  // unset after something was wrong
  Bytes log_;

  std::vector<Letter> posted_;
  std::size_t posted_room_ = 0;
  std::vector<Session::Message> pieces_;  // that were written
  std::size_t written_ = 0;               // of them, those that this connection has behind it
  std::size_t acknowledged_ = 0;          // of them
  std::size_t unacknowledged_ = 0;        // the cost of the others

  std::uint64_t received_ = 0;  // pieces
  std::uint8_t kind_ = 0;       // of the parcel that arrives
  std::uint64_t to_come_ = 0;   // of its content
  Bytes content_;               // as far as it has arrived
  std::vector<Bytes> arrived_;  // letters
  std::size_t taken_ = 0;       // of them
};

/// The server, the site and their connection.
class Pair {
 public:
  explicit Pair(bool splits) : splits_(splits) {}

  void run(std::span<const SessionInput::Event> events) {
    for (const SessionInput::Event& event : events) {
      if (moved_ > kMostMoved) break;
      happen(event);
    }
    if (is_honest_) {
      settle();
      cut();  // each end tells the other the number of pieces that it has received
      settle();
    }
    for (const std::size_t end : {0, 1}) {
      ends_[end].take();
      if (is_honest_) ends_[end].check_arrived(ends_[1 - end], has_ended_);
    }
  }
  [[nodiscard]] std::array<Bytes, 2> logs() const { return {ends_[0].log(), ends_[1].log()}; }

 private:
  static constexpr std::size_t kMostMoved = std::size_t{1} << 20;  // bytes; more would only be slower

  void happen(const SessionInput::Event& event) {
    const std::size_t count = event.number % 8 + 1;
    End& end = ends_[event.end];
    switch (event.what) {
      case What::forge: {
        is_honest_ = false;
        Bytes message(event.bytes.begin(), event.bytes.end());
        message.resize(message.size() + event.length(SessionInput::kZeros));
        check_beginning(message, split(message, event.part));
        receive(event.end, message, event.part);
        moved_ += message.size();
        return;
      }
      case What::reconnect:
        is_honest_ = false;
        for (auto& written : written_) written.clear();
        return end.reconnect(event.number);
      case What::post:
        return end.post(event.length(SessionInput::kLetter));
      case What::write:
        for (std::size_t k = 0; k < count; ++k) write(event.end);
        return;
      case What::deliver:
        for (std::size_t k = 0; k < count; ++k) deliver(event.end, event.part);
        return;
      case What::cut:
        return cut();
      case What::take:
        return end.take();
      case What::end:
        has_ended_ = true;
        return end.end();
    }
  }

  bool write(std::size_t from) {
    auto message = ends_[from].write();
    if (!message) return false;
    moved_ += message->size();
    written_[from].push_back(std::move(*message));
    return true;
  }
  bool deliver(std::size_t to, std::size_t part) {
    std::deque<Bytes>& written = written_[1 - to];
    if (written.empty()) return false;
    receive(to, written.front(), part);
    written.pop_front();
    return true;
  }
  void receive(std::size_t to, const Bytes& message, std::size_t part) {
    ends_[to].receive(message, split(message, splits_ ? part : message.size()));
    require(!is_honest_ || !ends_[to].is_refused());
  }
  /// What is under way is lost, and the ends connect again.
  void cut() {
    for (auto& written : written_) written.clear();
    for (const std::size_t end : {0, 1}) {
      ends_[end].reconnect(ends_[1 - end].received());
      require(!is_honest_ || !ends_[end].is_refused());
    }
  }
  void settle() {
    for (bool moves = true; moves;) {
      moves = false;
      for (const std::size_t end : {0, 1}) {
        while (write(end)) moves = true;
        while (deliver(1 - end, 100)) moves = true;
      }
    }
  }

  bool splits_;
  bool is_honest_ = true;
  bool has_ended_ = false;
  std::size_t moved_ = 0;
  std::array<End, 2> ends_ = {End(0), End(1)};
  std::array<std::deque<Bytes>, 2> written_;  // by each end, and not delivered
};

}  // namespace
}  // namespace laconic

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {  // NOLINT: libFuzzer's name
  using namespace laconic;
  const auto events = SessionInput::events_of({data, size});
  Pair whole(false);
  Pair split(true);
  whole.run(events);
  split.run(events);
  require(whole.logs() == split.logs());
  return 0;
}
