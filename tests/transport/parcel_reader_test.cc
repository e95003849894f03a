// SPDX-License-Identifier: Apache-2.0
// Parcels in pieces, as a carrier receives them from a rank that it does not trust.
#include "laconic/transport/parcel_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/message/bits.h"

namespace laconic::testing {
namespace {

using ::testing::HasSubstr;
using Bytes = std::vector<std::uint8_t>;

constexpr double kPatience = 60;  // seconds

Bytes head(Mailbox::Kind kind, std::uint64_t length) {
  Bytes bytes(ParcelReader::kHead);
  bytes[0] = static_cast<std::uint8_t>(kind);
  store_le(length, bytes.data() + 1);
  return bytes;
}

/// The side of rank 0 for rank 1.
struct Side {
  Mailbox mailbox{0, 3, kPatience};
  ParcelReader reader{1, mailbox};

  /// A piece as it arrives; what does not fit is lost.
  void receive(const Bytes& piece) {
    const auto room = reader.room_for(piece.size());
    std::copy_n(piece.begin(), room.size(), room.begin());
    reader.filled();
  }
};

TEST(ParcelReader, PutsLettersTogether) {
  Side side;
  Bytes letter(2 * ParcelReader::kPiece + 5);
  for (std::size_t j = 0; j < letter.size(); ++j) letter[j] = static_cast<std::uint8_t>(j % 251);
  for (const std::size_t length : {std::size_t{1}, ParcelReader::kPiece, letter.size(), std::size_t{0}}) {
    side.receive(head(Mailbox::Kind::letter, length));
    for (std::size_t at = 0; at < length; at += ParcelReader::kPiece) {
      EXPECT_FALSE(side.mailbox.take(0));
      const auto from = letter.begin() + static_cast<std::ptrdiff_t>(at);
      side.receive({from, from + static_cast<std::ptrdiff_t>(std::min(ParcelReader::kPiece, length - at))});
    }
    const auto received = side.mailbox.take(0);
    ASSERT_TRUE(received) << length;
    EXPECT_EQ(received->from, 1U);
    EXPECT_TRUE(std::equal(received->letter->begin(), received->letter->end(), letter.begin()));
    EXPECT_EQ(received->letter->size(), length);
    side.receive(head(Mailbox::Kind::alive, 0));
  }
  EXPECT_FALSE(side.mailbox.is_lost(1));
}

TEST(ParcelReader, RefusesWhatIsNotAsAnnounced) {
  const Bytes letter_head = head(Mailbox::Kind::letter, 10);
  const struct {
    const char* name;
    std::vector<Bytes> pieces;
    const char* reason;
  } rows[] = {
      {"nothing", {{}}, "a piece of 0 bytes; need 9"},
      {"a head that is cut off", {Bytes(8)}, "a piece of 8 bytes; need 9"},
      {"a head that is too long", {Bytes(10)}, "a piece of 10 bytes; need 9"},
      {"much more", {Bytes(std::size_t{1} << 20)}, "a piece of 1048576 bytes; need 9"},
      {"a piece that is cut off", {letter_head, Bytes(9)}, "a piece of 9 bytes; need 10"},
      {"a piece that is too long", {letter_head, Bytes(11)}, "a piece of 11 bytes; need 10"},
      {"pieces of another size", {head(Mailbox::Kind::letter, 40000), Bytes(40000)}, "need 32768"},
      {"a letter too long for any memory",
       {head(Mailbox::Kind::letter, ~std::uint64_t{0})},
       "a letter of 18446744073709551615 bytes; need at most 1048576"},
      {"a letter that is too long", {head(Mailbox::Kind::letter, (1U << 20) + 1)}, "need at most 1048576"},
      {"a sign with a letter", {head(Mailbox::Kind::alive, 2)}, "a sign of 2 bytes"},
      {"a kind that there is not", {head(static_cast<Mailbox::Kind>(5), 0)}, "of the kind 5"},
      {"the end of the run", {head(Mailbox::Kind::closed, 1)}, "it ends the run, which only rank 0 may"},
      {"the same", {head(Mailbox::Kind::closed_broken, 1)}, "it ends the run, which only rank 0 may"},
  };
  for (const auto& row : rows) {
    Side side;
    for (const Bytes& piece : row.pieces) {
      EXPECT_FALSE(side.mailbox.is_lost(1)) << row.name;
      side.receive(piece);
    }
    EXPECT_TRUE(side.mailbox.is_lost(1)) << row.name;
    EXPECT_THAT(side.mailbox.refusal(1), HasSubstr(row.reason)) << row.name;
    EXPECT_FALSE(side.mailbox.is_lost(2)) << row.name;
    for (const Bytes& more : {head(Mailbox::Kind::letter, 1), Bytes(1), Bytes(100000)}) {
      EXPECT_LE(side.reader.room_for(more.size()).size(), ParcelReader::kPiece);
      side.reader.filled();
    }
    EXPECT_FALSE(side.mailbox.take(0)) << row.name << ": what comes afterwards is dropped";
  }
}

TEST(ParcelReader, TakesMemoryForWhatHasCome) {
  Side side;
  side.mailbox.limit({.letter = std::size_t{1} << 60, .waiting = std::size_t{1} << 61});
  side.receive(head(Mailbox::Kind::letter, std::size_t{1} << 59));  // more than there is
  for (int k = 0; k < 3; ++k) side.receive(Bytes(ParcelReader::kPiece));
  EXPECT_FALSE(side.mailbox.is_lost(1));
}

}  // namespace
}  // namespace laconic::testing
