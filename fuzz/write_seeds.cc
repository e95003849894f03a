// SPDX-License-Identifier: Apache-2.0
// write_seeds FOLDER ANSWERS SESSIONS : writes real messages of every compressor, alone and in pairs, as
// seeds for decode_fuzz, letters with them as seeds for answer_fuzz, and sessions as seeds for session_fuzz.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <utility>
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

using What = SessionInput::What;
using Event = SessionInput::Event;
using Bytes = std::vector<std::uint8_t>;

void write_session(const std::filesystem::path& file, const std::vector<Event>& events) {
  Bytes bytes;
  for (const Event& event : events) SessionInput::add(event, bytes);
  write_bytes(file, bytes);
}

/// Both ends exchange letters, and are cut in between.
void write_honest_session(const std::filesystem::path& file, bool ends) {
  std::vector<Event> events;
  const auto step = [&](std::size_t end) {
    events.push_back({.what = What::write, .end = end, .number = 3});
    events.push_back({.what = What::deliver, .end = 1 - end, .part = 5, .number = events.size() % 4});
  };
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{9000}, Session::kPiece,
                                   Session::kPiece + 1, SessionInput::kLetter}) {
    events.push_back({.what = What::post, .end = 0, .number = length});
    events.push_back({.what = What::post, .end = 1, .number = length / 2});
    step(0);
    step(1);
    if (events.size() % 3 == 0) events.push_back({.what = What::cut});
    if (events.size() % 2 == 0) events.push_back({.what = What::take});
  }
  for (const std::size_t end : {0, 1}) {
    if (ends) events.push_back({.what = What::end, .end = end});
    step(end);
  }
  write_session(file, events);
}

/// Forges to each end what the other one could have written.
void write_forged_session(const std::filesystem::path& file, std::size_t to,
                          const std::vector<Bytes>& messages) {
  std::vector<Event> events;
  for (int k = 0; k < 3; ++k) events.push_back({.what = What::post, .end = to, .number = 100});
  events.push_back({.what = What::write, .end = to, .number = 7});
  for (const Bytes& message : messages) {
    // Zeros at the end need no bytes.
    const auto zeros = std::find_if(message.rbegin(), message.rend(), [](std::uint8_t b) { return b != 0; });
    const std::size_t length = message.rend() - zeros;
    events.push_back({.what = What::forge,
                      .end = to,
                      .part = 3,
                      .number = message.size() - length,
                      .bytes = std::span(message).first(length)});
    events.push_back({.what = What::write, .end = to, .number = 1});
    events.push_back({.what = What::take, .end = to});
  }
  events.push_back({.what = What::reconnect, .end = to, .number = 2});
  events.push_back({.what = What::write, .end = to, .number = 7});
  write_session(file, events);
}

void write_sessions(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_honest_session(folder / "honest", false);
  write_honest_session(folder / "honest-to-the-end", true);

  const auto acknowledgement = [](std::uint64_t pieces) {
    Bytes bytes = {static_cast<std::uint8_t>(Tag::acknowledged)};
    bytes.resize(1 + sizeof pieces);
    store_le(pieces, bytes.data() + 1);
    return bytes;
  };
  const auto pieces_of = [](Mailbox::Kind kind, std::uint64_t length, std::size_t present) {
    std::vector<Bytes> pieces;
    for (std::size_t at = 0; at < std::max<std::size_t>(present, 1); at += Session::kPiece) {
      Bytes piece = {static_cast<std::uint8_t>(at == 0 ? Tag::first : Tag::more)};
      if (at == 0) {
        piece.push_back(static_cast<std::uint8_t>(kind));
        piece.resize(piece.size() + sizeof length);
        store_le(length, piece.data() + 2);
      }
      piece.resize(piece.size() + std::min(Session::kPiece, present - at));
      pieces.push_back(piece);
    }
    return pieces;
  };
  using Kind = Mailbox::Kind;
  for (const std::size_t to : {0, 1}) {
    const auto name = [&](const std::string& what) { return folder / fmt::format("{}-{}", what, to); };
    std::vector<Bytes> messages = {acknowledgement(1)};
    const auto add = [&](Kind kind, std::size_t length) {
      for (Bytes& piece : pieces_of(kind, length, length)) messages.push_back(std::move(piece));
    };
    for (const std::size_t length : {std::size_t{0}, std::size_t{20}, std::size_t{300}, Session::kPiece,
                                     Session::kPiece + 1, SessionInput::kLetter})
      add(Kind::letter, length);
    add(Kind::alive, 0);
    messages.push_back(acknowledgement(3));
    add(to == 0 ? Kind::left : Kind::closed, 1);
    write_forged_session(name("letters"), to, messages);
    for (std::size_t k = 0; k < messages.size(); ++k)
      write_forged_session(name(fmt::format("message-{}", k)), to, {messages[k]});

    const std::uint64_t huge = std::uint64_t{1} << 62;
    write_forged_session(name("huge"), to, pieces_of(Kind::letter, huge, 3 * Session::kPiece));
    write_forged_session(name("too-long"), to,
                         pieces_of(Kind::letter, SessionInput::kLetter + 1, SessionInput::kLetter + 1));
  }
  // Greetings and welcomes, and what is wrong.
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<Bytes> alone = {Greeting{.continues = true, .acknowledged = 2}.bytes(),
                              Welcome{.rank = 1, .ranks = 2, .patience = 9}.bytes(),
                              Welcome{.rank = 0, .ranks = 2, .patience = 9}.bytes(),
                              Welcome{.rank = 1, .ranks = 2, .patience = kInfinity}.bytes(),
                              {static_cast<std::uint8_t>(Tag::more)},
                              acknowledgement(4)};
  for (const Kind kind : {Kind::closed, Kind::left}) alone.push_back(pieces_of(kind, 0, 0).front());
  for (std::size_t k = 0; k < alone.size(); ++k)
    write_forged_session(folder / fmt::format("alone-{}", k), 1, {alone[k]});

  const Bytes early = acknowledgement(1);  // before the piece is written on this connection
  write_session(folder / "early", {{.what = What::post, .number = 100},
                                   {.what = What::write},
                                   {.what = What::reconnect},
                                   {.what = What::forge, .bytes = early}});

  std::vector<Event> full;  // more letters than may be under way
  for (int k = 0; k < 6; ++k) full.push_back({.what = What::post, .number = Session::kPiece - 200});
  full.push_back({.what = What::write, .number = 7});
  write_session(folder / "full", full);

  std::vector<Event> many;  // of which nothing is taken
  const Bytes letter = pieces_of(Kind::letter, Session::kPiece, 0).front();
  for (std::size_t k = 0; k * Session::kPiece <= SessionInput::kWaiting; ++k)
    many.push_back({.what = What::forge, .end = 0, .number = Session::kPiece, .bytes = letter});
  write_session(folder / "many", many);
}

}  // namespace
}  // namespace laconic

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::fputs("usage: write_seeds FOLDER ANSWERS SESSIONS\n", stderr);
    return 2;
  }
  laconic::write_seeds(argv[1]);
  laconic::write_answers(argv[2]);
  laconic::write_sessions(argv[3]);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "write_seeds: %s\n", error.what());
  return 1;
}
