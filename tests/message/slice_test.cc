// SPDX-License-Identifier: Apache-2.0
#include "laconic/message/slice.h"

#include <cmath>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "laconic/message/wire.h"

namespace laconic {
namespace {

TEST(Slices, SumsAreThoseOfDecodingOneAfterAnother) {
  for (const Wire wire : {Wire::f32, Wire::f64}) {
    for (const std::size_t dim : {std::size_t{1}, std::size_t{15}, std::size_t{16}, std::size_t{101}}) {
      std::vector<Message> messages(4);
      std::vector<Summand> sum;
      Vector start(dim);
      for (std::size_t j = 0; j < dim; ++j) start[j] = std::cos(static_cast<double>(j));
      Vector expected = start;
      Vector from_zero(dim);
      for (std::size_t m = 0; m < messages.size(); ++m) {
        Vector a(dim), b(dim), both(dim);
        for (std::size_t j = 0; j < dim; ++j) {
          a[j] = std::sin(static_cast<double>(m + 7 * j));
          b[j] = 1e3 * std::sin(static_cast<double>(3 * m + j));
          both[j] = a[j] + b[j];
        }
        write_dense_sum(wire, a, b, messages[m]);
        Message same;
        write_dense(wire, both, same);
        EXPECT_EQ(messages[m].bytes, same.bytes);
        sum.push_back({&messages[m], 0.3 - static_cast<double>(m)});
        decode_add({}, messages[m], sum.back().weight, expected);
        decode_add({}, messages[m], sum.back().weight, from_zero);
      }
      for (const Range range : {Range{0, dim}, Range{0, dim / 2}, Range{dim / 3, dim}, Range{dim, dim}}) {
        const auto slice = [&](View v) { return Vector(v.begin() + range.begin, v.begin() + range.end); };
        Vector acc = slice(start);
        add_slices(sum, range, acc);
        EXPECT_EQ(acc, slice(expected));
        sum_slices(sum, range, acc);
        EXPECT_EQ(acc, slice(from_zero));
        EXPECT_THROW(add_slices(sum, {range.begin, dim + 1}, acc), std::logic_error);
      }
      sum_slices({}, {0, dim}, from_zero);
      EXPECT_EQ(from_zero, Vector(dim));
      Message of_other_width;
      write_dense(wire == Wire::f32 ? Wire::f64 : Wire::f32, start, of_other_width);
      sum.push_back({&of_other_width, 1});
      EXPECT_THROW(add_slices(sum, {0, dim}, expected), std::logic_error);
    }
  }
}

TEST(Slices, OfADenseMessageAreDenseMessages) {
  const Vector x = {1, -2.5, 0, 4, 1e-3};
  for (const Wire wire : {Wire::f32, Wire::f64}) {
    Message whole, part;
    write_dense(wire, x, whole);
    EXPECT_EQ(dense_value_bytes(whole.bytes[0]), bytes_of(wire));
    EXPECT_EQ(dense_bytes(x.size(), bytes_of(wire)), whole.bytes.size());
    for (const Range range : {Range{0, 5}, Range{1, 3}, Range{2, 2}, Range{4, 5}}) {
      part.bytes.resize(dense_bytes(range.size(), bytes_of(wire)));
      EXPECT_EQ(cut_dense(whole, range, part.bytes.data()), part.bytes.data() + part.bytes.size());
      Message expected;
      write_dense(wire, View(x).subspan(range.begin, range.size()), expected);
      EXPECT_EQ(part.bytes, expected.bytes);
    }
    EXPECT_THROW(cut_dense(whole, {3, 6}, part.bytes.data()), std::logic_error);
  }
  Message sparse;
  write_seeded_subset(Wire::f32, View(x).first(2), sparse);
  EXPECT_EQ(dense_value_bytes(sparse.bytes[0]), 0U);
}

}  // namespace
}  // namespace laconic
