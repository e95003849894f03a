// SPDX-License-Identifier: Apache-2.0
// write_seeds FOLDER ANSWERS : writes real messages of every compressor, alone and in pairs, as seeds for
// decode_fuzz, and letters with them as seeds for answer_fuzz.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "fuzz/input.h"
#include "laconic/compress/compressor.h"
#include "laconic/compress/factories.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

void write_bytes(const std::filesystem::path& file, const std::vector<std::uint8_t>& bytes) {
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void write_seed(const std::filesystem::path& file, const Key& key, std::size_t dim, const Message& message) {
  write_bytes(file, FuzzInput::bytes_of(key, dim, message));
}

void write_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  const Key key{.seed = 1, .round = 2, .client = 3, .step = 0, .copy = 0};
  std::vector<std::string> specs = {"perm-k(1)",
                                    "c-perm-k(1)",
                                    "sign(block=8)",
                                    "one-bit(scale=block, block=16)",
                                    "sign(scale=one)",
                                    "one-bit(scale=fixed, bound=0.3)",
                                    "qsgd(4)",
                                    "natural-dithering(2)",
                                    "chunk-top-k(3, chunk=10, bits=2)"};
  for (const CompressorRow& row : compressors()) {
    if (row.usage.find('(') == row.name.size()) {
      Spec first = parse(row.usage.substr(0, row.usage.find(')') + 1));  // the first of several usages
      for (Spec& arg : first.args) arg = parse("1");
      specs.push_back(print(first));
    } else {
      specs.push_back(row.name);
    }
  }
  for (const std::size_t dim : {1, 37, 600}) {
    for (const std::size_t owners : {1, 2, 4}) {
      const Vector x(dim, 0.25);
      Message message;
      make_owned(owners, {.dim = dim, .clients = 4})->compress(key, x, message);
      write_seed(folder / fmt::format("owned-{}-{}", owners, dim), key, dim, message);
    }
  }
  for (const std::string& spec : specs) {
    for (const std::size_t dim : {1, 37, 600}) {
      if (dim == 1 && spec.starts_with("mix")) continue;  // has no other coordinates
      for (const Wire wire : {Wire::f32, Wire::f64}) {
        for (const std::size_t clients : {4, 700}) {
          Vector x(dim);
          Stream stream = key.stream(Purpose::batch);
          for (double& v : x) v = stream.uniform() - 0.5;
          Message message;
          make_compressor(parse(spec), {.dim = dim, .clients = clients, .wire = wire})
              ->compress(key, x, message);
          const std::string name = fmt::format("{}-{}-{}-{}", spec, dim, 8 * bytes_of(wire), clients);
          write_seed(folder / name, key, dim, message);

          Message whole, pair, pair_of_pairs;
          write_reset(wire, x, whole);
          write_pair(whole, message, pair);
          write_seed(folder / (name + "-reset"), key, dim, pair);
          write_uncounted(wire, x, whole);
          write_pair(whole, message, pair);
          write_seed(folder / (name + "-uncounted"), key, dim, pair);
          write_pair(pair, pair, pair_of_pairs);
          write_seed(folder / (name + "-pairs"), key, dim, pair_of_pairs);
        }
      }
    }
  }
}

/// A process that is ready, an answer that is late, one in time, a measurement, a request to end, a failure.
void write_answers(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  constexpr std::size_t kDim = 20;
  const std::vector<Order> orders = AnswerInput::orders();
  for (const char* spec : {"identity", "rand-k(3)", "top-k(3)", "perm-k(1)", "natural", "qsgd(4)", "sign"}) {
    std::vector<Letter> letters;
    for (const Order& order : orders) {
      AnswerHead head = {.epoch = order.epoch, .round = order.round};
      if (order.evaluates) {
        std::vector<std::uint8_t> gradient;
        write_numbers(Vector(kDim, 0.25), gradient);
        head.kind = Answer::Kind::measurement;
        head.envelope.bytes = gradient.size();
        letters.push_back(head.letter(gradient));
        continue;
      }
      if (order.round == order.start) {
        head.kind = Answer::Kind::ready;
        letters.push_back(head.letter());
        head.kind = Answer::Kind::message;
      }
      Entry entry;
      entry.key = order.key(1);
      make_compressor(parse(spec), {.dim = kDim, .clients = 4})
          ->compress(entry.key, Vector(kDim, 0.25), entry.message);
      entry.envelope.describe(entry.message, kDim);
      head.envelope = entry.envelope;
      letters.push_back(head.letter(entry.message.bytes));
    }
    letters.push_back(AnswerHead{.kind = Answer::Kind::request, .round = 2}.letter());
    letters.push_back(AnswerHead{.kind = Answer::Kind::failure}.letter(std::vector<std::uint8_t>{'n', 'o'}));
    write_bytes(folder / spec, AnswerInput::bytes_of(kDim, letters));
  }
}

}  // namespace
}  // namespace laconic

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fputs("usage: write_seeds FOLDER ANSWERS\n", stderr);
    return 2;
  }
  laconic::write_seeds(argv[1]);
  laconic::write_answers(argv[2]);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "write_seeds: %s\n", error.what());
  return 1;
}
