// SPDX-License-Identifier: Apache-2.0
// Vectors in which some stretches are matrices: low rank (two factors of each matrix) and sketch (the product
// of each matrix with random signs). A header with R; the layout, which has the number of matrices and of
// each matrix the gap, rows and columns; then, in the order of the coordinates, what is sent of each matrix
// and the values of the coordinates between them.
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/message/formats.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

/// The numbers that are sent of a matrix are R times this.
std::size_t low_rank_lines(const MatrixBlock& block) { return block.rows + block.cols; }
std::size_t sketch_lines(const MatrixBlock& block) { return block.rows; }
using Lines = std::size_t (*)(const MatrixBlock&);

/// Calls take(number) for each number of the layout.
template <class Take>
void for_each_number(std::span<const MatrixBlock> blocks, Take take) {
  take(blocks.size());
  std::size_t end = 0;
  for (const MatrixBlock& block : blocks) {
    take(block.offset - end);
    take(block.rows);
    take(block.cols);
    end = block.offset + block.rows * block.cols;
  }
}

void write_matrices(Format format, Wire wire, std::size_t rank, std::span<const MatrixBlock> blocks,
                    View values, Message& out) {
  check(rank >= 1 && rank < kHeaderCountLimit && !blocks.empty(),
        "a message of matrices has a rank and matrices");
  std::size_t length = kCountHeader + values.size() * bytes_of(wire);
  for_each_number(blocks, [&](std::size_t number) { length += number_length(number); });
  std::uint8_t* to = store_count(rank, begin_message(format, wire, length, out));
  for_each_number(blocks, [&](std::size_t number) { to = store_number(number, to); });
  store_values(wire, values, to);
}

/// The layout of a checked message.
struct MatrixLayout {
  std::size_t rank = 0;
  std::vector<MatrixBlock> blocks;
  std::size_t header = 0;  // bytes before the values
};

/// The returned layout is valid until the next call on this thread.
const MatrixLayout& layout_of(const Incoming& message, Lines lines) {
  thread_local MatrixLayout layout;  // reused, so that a round does not allocate
  layout.blocks.clear();
  layout.rank = message.header_count();
  if (layout.rank == 0) message.fail("rank 0; need at least 1");
  std::size_t at = kCountHeader;
  const std::size_t count = message.read_number(at);
  if (count == 0) message.fail("no matrices; a dense message has none");
  std::size_t values = 0;
  std::size_t end = 0;  // of the matrices so far
  for (std::size_t b = 0; b < count; ++b) {
    const std::size_t gap = message.read_number(at);
    MatrixBlock block;
    block.rows = message.read_number(at);
    block.cols = message.read_number(at);
    if (end >= message.dim || gap >= message.dim - end)
      message.fail(fmt::format("matrix {} begins behind the vector", b));
    block.offset = end + gap;
    const std::size_t left = message.dim - block.offset;
    if (block.rows == 0 || block.cols == 0 || block.cols > left || (block.rows - 1) * block.cols >= left)
      message.fail(fmt::format("matrix {} of {} x {} does not fit", b, block.rows, block.cols));
    // Otherwise the matrix is sent whole, in fewer values. So the work of a reader is bounded too.
    if (layout.rank * lines(block) >= block.rows * block.cols)
      message.fail(
          fmt::format("matrix {} of {} x {} has no more entries than what is sent of it with rank {}", b,
                      block.rows, block.cols, layout.rank));
    layout.blocks.push_back(block);
    values += gap + layout.rank * lines(block);
    end = block.offset + block.rows * block.cols;
  }
  values += message.dim - std::min(end, message.dim);
  layout.header = at;
  message.need_length(at + values * bytes_of(message.wire));
  return layout;
}

/// Reads the values of a message one after another.
class Values {
 public:
  Values(const Incoming& message, std::size_t header)
      : wire_(message.wire), at_(message.bytes.data() + header) {}

  /// acc += weight * the next values.
  template <class Real>
  void add(double weight, std::span<Real> acc) {
    with_value_type(wire_, [&]<class Value>(Value) {
      for (std::size_t j = 0; j < acc.size(); ++j)
        add_to(acc[j], weight * static_cast<double>(load_le<Value>(at_ + j * sizeof(Value))));
    });
    skip(acc.size());
  }
  void read(std::size_t count, Vector& out) {
    out.assign(count, 0.0);
    add(1, MutView(out));
  }
  /// Reads a factor with `rank` columns, of which the message has the rows, column by column.
  void read_columns(std::size_t rank, MutView out) {
    const std::size_t rows = out.size() / rank;
    with_value_type(wire_, [&]<class Value>(Value) {
      for (std::size_t k = 0; k < rows; ++k) {
        for (std::size_t l = 0; l < rank; ++l)
          out[l * rows + k] = static_cast<double>(load_le<Value>(at_ + (k * rank + l) * sizeof(Value)));
      }
    });
    skip(out.size());
  }
  void skip(std::size_t count) { at_ += count * bytes_of(wire_); }

 private:
  Wire wire_;
  const std::uint8_t* at_;
};

/// acc += weight * left right, for factors of rows x R and R x cols numbers, both row by row. Each entry is
/// one sum, in ascending order of the R terms.
template <class Real>
void add_product(const MatrixBlock& block, View left, View right, double weight, std::span<Real> acc) {
  const std::size_t rank = left.size() / block.rows;
  thread_local Vector row;  // reused, so that a round does not allocate
  for (std::size_t j = 0; j < block.rows; ++j) {
    row.assign(block.cols, 0.0);
    for (std::size_t l = 0; l < rank; ++l)
      axpy(left[j * rank + l], right.subspan(l * block.cols, block.cols), row);
    const std::size_t begin = block.offset + j * block.cols;
    const std::size_t count = std::min(block.cols, acc.size() - begin);
    for (std::size_t k = 0; k < count; ++k) add_to(acc[begin + k], weight * row[k]);
  }
}

double floats_of_layout(const Incoming& message, Lines lines) {
  const std::size_t header = layout_of(message, lines).header;
  const std::size_t values = (message.bytes.size() - header) / bytes_of(message.wire);
  return static_cast<double>(values);
}

/// Adds the values between the matrices, and calls product(block, values) for each matrix.
template <class Real, class Product>
void add_matrices(const Incoming& message, Lines lines, double weight, std::span<Real> acc, Product product) {
  const MatrixLayout& layout = layout_of(message, lines);
  Values values(message, layout.header);
  std::size_t end = 0;
  for (const MatrixBlock& block : layout.blocks) {
    values.add(weight, acc.subspan(end, block.offset - end));
    product(block, layout.rank, values);
    end = std::min(block.offset + block.rows * block.cols, acc.size());
  }
  values.add(weight, acc.subspan(end));
}

}  // namespace

void write_low_rank(Wire wire, std::size_t rank, std::span<const MatrixBlock> blocks, View values,
                    Message& out) {
  write_matrices(Format::low_rank, wire, rank, blocks, values, out);
}

void write_sketch(Wire wire, std::size_t rank, std::span<const MatrixBlock> blocks, View values,
                  Message& out) {
  write_matrices(Format::sketch, wire, rank, blocks, values, out);
}

template <class Real>
void add_low_rank(const Incoming& message, double weight, std::span<Real> acc) {
  add_matrices(message, low_rank_lines, weight, acc,
               [&](const MatrixBlock& block, std::size_t rank, Values& values) {
                 thread_local Vector left, right;  // reused, so that a round does not allocate
                 values.read(block.rows * rank, left);
                 right.resize(block.cols * rank);
                 values.read_columns(rank, right);
                 add_product(block, left, right, weight, acc);
               });
}

template <class Real>
void add_sketch(const Incoming& message, double weight, std::span<Real> acc) {
  Stream stream = message.key.stream(Purpose::compressor);
  add_matrices(message, sketch_lines, weight, acc,
               [&](const MatrixBlock& block, std::size_t rank, Values& values) {
                 thread_local Vector products, signs;  // reused, so that a round does not allocate
                 values.read(block.rows * rank, products);
                 draw_sketch(stream, rank, block.cols, signs);
                 add_product(block, products, signs, weight, acc);
               });
}

void draw_sketch(Stream& stream, std::size_t rank, std::size_t cols, Vector& signs) {
  signs.resize(rank * cols);
  std::uint32_t word = 0;
  for (std::size_t j = 0; j < signs.size(); ++j) {
    if (j % 32 == 0) word = stream.next32();
    signs[j] = (word >> (j % 32) & 1) != 0 ? 1 : -1;
  }
}

double floats_low_rank(const Incoming& message) { return floats_of_layout(message, low_rank_lines); }

double floats_sketch(const Incoming& message) { return floats_of_layout(message, sketch_lines); }

bool read_right_factors(const Message& message, std::size_t dim, MutView right) {
  if (message.bytes.empty()) return false;
  const Wire wire = (message.bytes[0] & kWideValues) != 0 ? Wire::f64 : Wire::f32;
  if (message.bytes[0] != first_byte(Format::low_rank, wire)) return false;
  const Incoming incoming{Key{}, "low rank", wire, message.bytes, dim};
  const MatrixLayout& layout = layout_of(incoming, low_rank_lines);
  Values values(incoming, layout.header);
  std::size_t end = 0;
  std::size_t done = 0;
  for (const MatrixBlock& block : layout.blocks) {
    const std::size_t count = block.cols * layout.rank;
    check(count <= right.size() - done, "the right factors of a message are those of another layout");
    values.skip(block.offset - end + block.rows * layout.rank);
    values.read_columns(layout.rank, right.subspan(done, count));
    done += count;
    end = block.offset + block.rows * block.cols;
  }
  check(done == right.size(), "the right factors of a message are those of another layout");
  return true;
}

template void add_low_rank(const Incoming&, double, MutView);
template void add_low_rank(const Incoming&, double, MutFloatView);
template void add_sketch(const Incoming&, double, MutView);
template void add_sketch(const Incoming&, double, MutFloatView);

}  // namespace laconic
