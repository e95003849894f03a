// SPDX-License-Identifier: Apache-2.0
#include "laconic/mechanism/mechanism.h"

#include <type_traits>
#include <utility>

#include "laconic/core/error.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

/// Checks a component from which a mechanism is built.
template <class Part>
Part given(Part part) {
  check(part != nullptr, "a mechanism is made of a part that is null");
  return part;
}

/// A mechanism with one compressor, whose numbers the client keeps.
class OfCompressor : public Mechanism {
 public:
  explicit OfCompressor(CompressorPtr c) : c_(given(std::move(c))), keeps_(c_->keeps()) {}

  std::size_t keeps() const final { return keeps_; }
  void keep(const Message& message, MutView numbers) const final { c_->keep(message, numbers); }

 protected:
  const Compressor& compressor() const { return *c_; }
  void say(const Key& key, View x, const Memories& kept, Message& out) const {
    if (keeps_ == 0) return c_->compress(key, x, out);
    c_->compress_with(key, x, kept.numbers, out);
  }
  void say(const Key& key, FloatView x, const FloatMemories& kept, Message& out) const {
    if (keeps_ == 0) return c_->compress_floats(key, x, out);
    thread_local Vector widened;  // reused, so that a round does not allocate
    widened.assign(x.begin(), x.end());
    c_->compress_with(key, widened, kept.numbers, out);
  }
  /// The same for a - b.
  template <class Value>
  void say_difference(const Key& key, ViewOf<Value> a, ViewOf<Value> b, const MemoriesOf<Value>& kept,
                      Message& out) const {
    if (keeps_ == 0) {
      if constexpr (std::is_same_v<Value, float>)
        return c_->compress_difference_of_floats(key, a, b, out);
      else
        return c_->compress_difference(key, a, b, out);
    }
    thread_local Vector difference;  // reused, so that a round does not allocate
    difference.resize(a.size());
    for (std::size_t j = 0; j < a.size(); ++j)
      difference[j] = static_cast<double>(a[j]) - static_cast<double>(b[j]);
    c_->compress_with(key, difference, kept.numbers, out);
  }

 private:
  CompressorPtr c_;
  std::size_t keeps_;
};

class Direct final : public OfCompressor {
 public:
  using OfCompressor::OfCompressor;

  void encode(const Key& key, const Memories& kept, View x, Message& out) const override {
    say(key, x, kept, out);
  }
  void encode_floats(const Key& key, const FloatMemories& kept, FloatView x, Message& out) const override {
    say(key, x, kept, out);
  }
  Rates rates() const override { return {0, 0}; }
};

class Memory final : public OfCompressor {
 public:
  Memory(CompressorPtr c, double rate, double weight)
      : OfCompressor(std::move(c)), rate_(rate), weight_(weight) {}

  void encode(const Key& key, const Memories& kept, View x, Message& out) const override {
    say_difference<double>(key, x, kept.h, kept, out);
  }
  void encode_floats(const Key& key, const FloatMemories& kept, FloatView x, Message& out) const override {
    say_difference<float>(key, x, kept.h, kept, out);
  }
  Rates rates() const override { return {rate_, rate_, weight_}; }
  bool estimates_by_memory() const override {
    return rate_ == 1 && weight_ == 1 && !compressor().bound().omega;
  }

 private:
  double rate_;
  double weight_;
};

class ErrorControl final : public OfCompressor {
 public:
  ErrorControl(CompressorPtr c, double share) : OfCompressor(std::move(c)), share_(share) {}

  void encode(const Key& key, const Memories& kept, View x, Message& out) const override {
    const View h = kept.h;
    const View e = kept.e;
    thread_local Vector y;  // reused, so that a round does not allocate
    y.resize(x.size());
    for (std::size_t j = 0; j < x.size(); ++j) y[j] = share_ * e[j] + x[j] - h[j];
    say(key, y, kept, out);
  }
  Rates rates() const override { return {1, 1}; }
  bool accumulates_error() const override { return true; }

 private:
  double share_;
};

class DriftingDifference final : public OfCompressor {
 public:
  DriftingDifference(CompressorPtr c, double a) : OfCompressor(std::move(c)), a_(a) {}

  void encode(const Key& key, const Memories& kept, View x, Message& out) const override {
    const View h = kept.h;
    const View y = kept.y;
    thread_local Vector drift;  // reused, so that a round does not allocate
    drift.resize(x.size());
    for (std::size_t j = 0; j < x.size(); ++j) drift[j] = y[j] + a_ * (h[j] - y[j]);
    say_difference<double>(key, x, drift, kept, out);
  }
  Rates rates() const override { return {1, 1}; }
  bool uses_previous() const override { return true; }

 private:
  double a_;
};

class SilentAtStart final : public Mechanism {
 public:
  explicit SilentAtStart(MechanismPtr inner) : inner_(given(std::move(inner))) {
    check(!inner_->replaces() && !inner_->restarts({}) && inner_->takes_in() == 0,
          "a silent start needs memories that start at 0");
  }

  void encode(const Key& key, const Memories& kept, View x, Message& out) const override {
    if (key.round == 0) {
      write_nothing(Wire::f32, out);
    } else {
      inner_->encode(key, kept, x, out);
    }
  }
  void encode_floats(const Key& key, const FloatMemories& kept, FloatView x, Message& out) const override {
    if (key.round == 0) {
      write_nothing(Wire::f32, out);
    } else {
      inner_->encode_floats(key, kept, x, out);
    }
  }
  Rates rates() const override { return inner_->rates(); }
  std::size_t keeps() const override { return inner_->keeps(); }
  void keep(const Message& message, MutView numbers) const override { inner_->keep(message, numbers); }
  bool uses_previous() const override { return inner_->uses_previous(); }
  bool accumulates_error() const override { return inner_->accumulates_error(); }
  bool estimates_by_memory() const override { return inner_->estimates_by_memory(); }

 private:
  MechanismPtr inner_;
};

class Feedback final : public OfCompressor {
 public:
  Feedback(CompressorPtr c, double gain, double decay)
      : OfCompressor(std::move(c)), gain_(gain), decay_(decay) {}

  void encode(const Key& key, const Memories& kept, View /*x*/, Message& out) const override {
    say(key, View(kept.h), kept, out);
  }
  void encode_floats(const Key& key, const FloatMemories& kept, FloatView /*x*/,
                     Message& out) const override {
    say(key, FloatView(kept.h), kept, out);
  }
  Rates rates() const override { return {-1, 0}; }
  double takes_in() const override { return gain_; }
  double decay() const override { return decay_; }

 private:
  double gain_;
  double decay_;
};

class Difference final : public OfCompressor {
 public:
  using OfCompressor::OfCompressor;

  void encode(const Key& key, const Memories& kept, View x, Message& out) const override {
    say_difference<double>(key, x, kept.y, kept, out);
  }
  void encode_floats(const Key& key, const FloatMemories& kept, FloatView x, Message& out) const override {
    say_difference<float>(key, x, kept.y, kept, out);
  }
  Rates rates() const override { return {0, 1}; }
  bool uses_previous() const override { return true; }
};

class Whole final : public Mechanism {
 public:
  explicit Whole(Wire wire) : wire_(wire) {}

  void encode(const Key& /*key*/, const Memories& /*kept*/, View x, Message& out) const override {
    write_reset(wire_, x, out);
  }
  Rates rates() const override { return {1, 1}; }
  bool replaces() const override { return true; }

 private:
  Wire wire_;
};

class Previous final : public Mechanism {
 public:
  explicit Previous(Wire wire) : wire_(wire) {}

  void encode(const Key& /*key*/, const Memories& kept, View /*x*/, Message& out) const override {
    write_uncounted(wire_, kept.y, out);
  }
  Rates rates() const override { return {0, 0}; }
  bool uses_previous() const override { return true; }

 private:
  Wire wire_;
};

class Lazy final : public Mechanism {
 public:
  Lazy(MechanismPtr inner, double zeta) : inner_(given(std::move(inner))), zeta_(zeta) {
    check(inner_->rates().client != 0 && !inner_->accumulates_error() && inner_->takes_in() == 0,
          "lazy needs an inner map with a memory and no other state");
  }

  void encode(const Key& key, const Memories& kept, View x, Message& out) const override {
    // Both distances use the same function: for h = y and zeta = 1 they are then equal, and nothing is sent.
    if (distance_sq(x, kept.h) > zeta_ * distance_sq(x, kept.y)) {
      inner_->encode(key, kept, x, out);
    } else {
      write_nothing(Wire::f32, out);
    }
  }
  Rates rates() const override { return inner_->rates(); }
  std::size_t keeps() const override { return inner_->keeps(); }
  void keep(const Message& message, MutView numbers) const override { inner_->keep(message, numbers); }
  bool uses_previous() const override { return true; }
  bool replaces() const override { return inner_->replaces(); }

 private:
  MechanismPtr inner_;
  double zeta_;
};

class Refined final : public Mechanism {
 public:
  Refined(MechanismPtr inner, CompressorPtr c) : inner_(given(std::move(inner))), c_(given(std::move(c))) {
    check(!inner_->accumulates_error() && inner_->takes_in() == 0, "refined needs an inner map of h and y");
    check(inner_->keeps() == 0 && c_->keeps() == 0, "refined needs compressors that keep no numbers");
  }

  void encode(const Key& key, const Memories& kept, View x, Message& out) const override {
    thread_local Scratch of_thread;  // reused, so that a round does not allocate
    Scratch scratch;
    std::swap(scratch, of_thread);  // the inner map may be another Refined
    const Key inner_key = key_of_part(key, 0);
    inner_->encode(inner_key, kept, x, scratch.first);
    // b, as the server will compute it
    scratch.b.resize(x.size());
    if (inner_->rates().server == 0 || starts_over(scratch.first)) {
      fill(scratch.b, 0.0);
    } else {
      copy(kept.h, scratch.b);
    }
    decode_add(inner_key, scratch.first, 1, scratch.b);
    c_->compress_difference(key_of_part(key, 1), x, scratch.b, scratch.second);
    write_pair(scratch.first, scratch.second, out);
    std::swap(scratch, of_thread);
  }
  Rates rates() const override {
    const double server = inner_->rates().server;
    return {server, server};  // b depends on h, even if the inner map alone does not
  }
  bool uses_previous() const override { return inner_->uses_previous(); }
  bool replaces() const override { return inner_->replaces(); }

 private:
  struct Scratch {
    Message first, second;
    Vector b;
  };

  MechanismPtr inner_;
  CompressorPtr c_;
};

class Restarting final : public Mechanism {
 public:
  Restarting(MechanismPtr inner, CompressorPtr identity, SharedCoin coin)
      : inner_(given(std::move(inner))), identity_(given(std::move(identity))), coin_(coin) {}

  void encode(const Key& key, const Memories& kept, View x, Message& out) const override {
    if (restarts(key)) {
      identity_->compress(key, x, out);
    } else {
      inner_->encode(key, kept, x, out);
    }
  }
  void encode_floats(const Key& key, const FloatMemories& kept, FloatView x, Message& out) const override {
    if (restarts(key)) {
      identity_->compress_floats(key, x, out);
    } else {
      inner_->encode_floats(key, kept, x, out);
    }
  }
  Rates rates() const override { return inner_->rates(); }
  std::size_t keeps() const override { return inner_->keeps(); }
  void keep(const Message& message, MutView numbers) const override { inner_->keep(message, numbers); }
  bool restarts(const Key& key) const override { return coin_.heads(key); }
  double takes_in() const override { return inner_->takes_in(); }
  double decay() const override { return inner_->decay(); }
  bool uses_previous() const override { return inner_->uses_previous(); }
  bool accumulates_error() const override { return inner_->accumulates_error(); }
  bool replaces() const override { return inner_->replaces(); }
  bool estimates_by_memory() const override { return inner_->estimates_by_memory(); }
  unsigned coin_bits() const override { return coin_.p > 0 ? 1 : 0; }

 private:
  MechanismPtr inner_;
  CompressorPtr identity_;
  SharedCoin coin_;
};

}  // namespace

void Mechanism::encode_floats(const Key& key, const FloatMemories& kept, FloatView x, Message& out) const {
  // reused, so that a round does not allocate
  thread_local Vector wide_x, wide_h, wide_y, wide_e;
  const auto widened = [](FloatView from, Vector& to) -> View {
    to.assign(from.begin(), from.end());
    return to;
  };
  Memories wide{.numbers = kept.numbers};
  if (kept.h.is_kept()) wide.h = widened(kept.h, wide_h);
  if (kept.y.is_kept()) wide.y = widened(kept.y, wide_y);
  if (kept.e.is_kept()) wide.e = widened(kept.e, wide_e);
  encode(key, wide, widened(x, wide_x), out);
}

MechanismPtr direct(CompressorPtr c) { return std::make_unique<Direct>(std::move(c)); }

MechanismPtr memory(CompressorPtr c, double rate) {
  check(rate > 0 && rate <= 1, "memory: need 0 < rate <= 1");
  return std::make_unique<Memory>(std::move(c), rate, 1);
}

MechanismPtr weighted_memory(CompressorPtr c, double rate, double weight) {
  check(rate > 0 && rate <= 1 && weight > 0 && weight <= 1,
        "weighted_memory: need 0 < rate <= 1 and 0 < weight <= 1");
  return std::make_unique<Memory>(std::move(c), rate, weight);
}

MechanismPtr error_control(CompressorPtr c, double share) {
  check(share >= 0, "error_control: need share >= 0");
  return std::make_unique<ErrorControl>(std::move(c), share);
}

MechanismPtr drifting_difference(CompressorPtr c, double a) {
  check(a >= 0 && a <= 1, "drifting_difference: need 0 <= a <= 1");
  return std::make_unique<DriftingDifference>(std::move(c), a);
}

MechanismPtr silent_at_start(MechanismPtr inner) { return std::make_unique<SilentAtStart>(std::move(inner)); }

MechanismPtr feedback(CompressorPtr c, double gain, double decay) {
  check(gain != 0 && decay >= 0 && decay <= 1, "feedback: need a gain and 0 <= decay <= 1");
  return std::make_unique<Feedback>(std::move(c), gain, decay);
}

MechanismPtr difference(CompressorPtr c) { return std::make_unique<Difference>(std::move(c)); }

MechanismPtr whole(Wire wire) { return std::make_unique<Whole>(wire); }

MechanismPtr previous(Wire wire) { return std::make_unique<Previous>(wire); }

MechanismPtr lazy(MechanismPtr inner, double zeta) {
  check(zeta >= 0, "lazy: need zeta >= 0");
  return std::make_unique<Lazy>(std::move(inner), zeta);
}

MechanismPtr refined(MechanismPtr inner, CompressorPtr c) {
  return std::make_unique<Refined>(std::move(inner), std::move(c));
}

MechanismPtr restarting(MechanismPtr inner, CompressorPtr identity, SharedCoin coin) {
  check(coin.p >= 0 && coin.p <= 1, "restarting: need 0 <= p <= 1");
  return std::make_unique<Restarting>(std::move(inner), std::move(identity), coin);
}

}  // namespace laconic
