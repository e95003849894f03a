// SPDX-License-Identifier: Apache-2.0
#include "laconic/served/letters.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "laconic/core/error.h"
#include "laconic/message/bits.h"

namespace laconic {
namespace {

class Writer {
 public:
  explicit Writer(std::size_t size = 64) { bytes_.reserve(size); }

  template <class Number>
  void put(Number number) {
    store_le(number, make_room(sizeof number));
  }
  template <class Number>
  void put_all(const std::vector<Number>& numbers) {
    put(std::uint64_t{numbers.size()});
    std::uint8_t* to = make_room(numbers.size() * sizeof(Number));
    for (std::size_t j = 0; j < numbers.size(); ++j) store_le(numbers[j], to + j * sizeof(Number));
  }
  /// Room for the next bytes. The caller must fill it before the next call.
  std::uint8_t* make_room(std::size_t count) {
    bytes_.resize(bytes_.size() + count);
    return bytes_.data() + bytes_.size() - count;
  }

  Letter finish() { return std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes_)); }

 private:
  std::vector<std::uint8_t> bytes_;
};

class Reader {
 public:
  explicit Reader(const Letter& letter) : rest_(*letter) {}

  template <class Number>
  Number get() {
    return load_le<Number>(take(sizeof(Number)).data());
  }
  template <class Number>
  std::vector<Number> get_all() {
    const auto count = get<std::uint64_t>();
    if (count > rest_.size() / sizeof(Number)) fail();
    std::vector<Number> numbers(count);
    const auto bytes = take(count * sizeof(Number));
    for (std::size_t j = 0; j < count; ++j) numbers[j] = load_le<Number>(bytes.data() + j * sizeof(Number));
    return numbers;
  }
  std::span<const std::uint8_t> take(std::size_t count) {
    if (count > rest_.size()) fail();
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  [[nodiscard]] std::size_t rest() const { return rest_.size(); }

 private:
  [[noreturn]] static void fail() { throw RunError("a letter from another process is not whole"); }

  std::span<const std::uint8_t> rest_;
};

}  // namespace

std::uint32_t Members::number_of(std::uint32_t client) const {
  if (!are_renumbered()) return client;
  const auto gone_before = std::lower_bound(gone.begin(), gone.end(), client) - gone.begin();
  return client - static_cast<std::uint32_t>(gone_before);
}

std::vector<std::uint32_t> Members::by_number() const {
  std::vector<std::uint32_t> clients;
  auto next_gone = gone.begin();
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    if (next_gone != gone.end() && *next_gone == i) {
      ++next_gone;
    } else {
      clients.push_back(i);
    }
  }
  return clients;
}

Letter Order::letter() const {
  Writer writer;
  writer.put(epoch);
  writer.put(start);
  writer.put(round);
  writer.put(static_cast<std::uint8_t>(evaluates));
  writer.put_all(members.gone);
  writer.put_all(members.rows);
  writer.put_all(counted);
  writer.put_all(x);
  writer.put_all(before);
  return writer.finish();
}

Order Order::of(const Letter& letter) {
  Reader reader(letter);
  Order order;
  order.epoch = reader.get<std::uint32_t>();
  order.start = reader.get<std::uint32_t>();
  order.round = reader.get<std::uint32_t>();
  order.evaluates = reader.get<std::uint8_t>() != 0;
  order.members.gone = reader.get_all<std::uint32_t>();
  order.members.rows = reader.get_all<std::uint32_t>();
  order.counted = reader.get_all<std::uint32_t>();
  order.x = reader.get_all<double>();
  order.before = reader.get_all<double>();
  return order;
}

Key Order::key(std::uint64_t seed) const {
  const std::uint64_t of_epoch =
      epoch == 0 ? seed : Key{.seed = seed, .round = epoch}.stream(Purpose::epoch).next64();
  return {of_epoch, round - start};
}

Letter Hello::letter() const {
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  bytes.insert(bytes.begin(), static_cast<std::uint8_t>(kind));
  return std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
}

Hello Hello::of(const Letter& letter) {
  const std::vector<std::uint8_t>& bytes = *letter;
  if (bytes.empty() || bytes[0] > static_cast<std::uint8_t>(Failure::Kind::terminate))
    throw RunError("its first letter is no hello");
  return {static_cast<Failure::Kind>(bytes[0]), {bytes.begin() + 1, bytes.end()}};
}

Letter AnswerHead::letter(std::span<const std::uint8_t> content) const {
  Writer writer(kBytes + content.size());
  writer.put(static_cast<std::uint8_t>(kind));
  writer.put(epoch);
  writer.put(round);
  writer.put(client);
  envelope.store(writer.make_room(Envelope::kBytes));
  std::copy(content.begin(), content.end(), writer.make_room(content.size()));
  return writer.finish();
}

Answer Answer::of(const Letter& letter) {
  Reader reader(letter);
  Answer answer;
  answer.kind = static_cast<Kind>(reader.get<std::uint8_t>());
  answer.epoch = reader.get<std::uint32_t>();
  answer.round = reader.get<std::uint32_t>();
  answer.client = reader.get<std::uint32_t>();
  answer.envelope = Envelope::load(reader.take(Envelope::kBytes).data());
  const auto bytes = reader.take(reader.rest());
  answer.message.bytes.assign(bytes.begin(), bytes.end());
  return answer;
}

void write_numbers(View numbers, std::vector<std::uint8_t>& to) {
  to.resize(numbers.size() * sizeof(double));
  for (std::size_t j = 0; j < numbers.size(); ++j) store_le(numbers[j], to.data() + j * sizeof(double));
}

Vector numbers_in(const Message& content) {
  Vector numbers(content.bytes.size() / sizeof(double));
  for (std::size_t j = 0; j < numbers.size(); ++j)
    numbers[j] = load_le<double>(content.bytes.data() + j * sizeof(double));
  return numbers;
}

}  // namespace laconic
