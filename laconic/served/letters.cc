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

Letter Order::letter() const {
  Writer writer;
  writer.put(epoch);
  writer.put(start);
  writer.put(round);
  writer.put_all(gone);
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
  order.gone = reader.get_all<std::uint32_t>();
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

Letter Answer::letter(std::uint32_t epoch, std::uint32_t round, const Entry& entry) {
  Writer writer;
  writer.put(epoch);
  writer.put(round);
  writer.put(entry.key.client);
  entry.envelope.store(writer.make_room(Envelope::kBytes));
  if (entry.envelope.finite)
    std::copy(entry.message.bytes.begin(), entry.message.bytes.end(),
              writer.make_room(entry.message.bytes.size()));
  return writer.finish();
}

Answer Answer::of(const Letter& letter) {
  Reader reader(letter);
  Answer answer;
  answer.epoch = reader.get<std::uint32_t>();
  answer.round = reader.get<std::uint32_t>();
  answer.client = reader.get<std::uint32_t>();
  answer.envelope = Envelope::load(reader.take(Envelope::kBytes).data());
  const auto bytes = reader.take(reader.rest());
  answer.message.bytes.assign(bytes.begin(), bytes.end());
  return answer;
}

}  // namespace laconic
