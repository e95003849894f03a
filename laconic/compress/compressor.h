// SPDX-License-Identifier: Apache-2.0
// Compressors: maps x -> C(x) that cost few bits to say. Unbiased ones satisfy E Q(x) = x and
// E|Q(x)-x|^2 <= omega |x|^2; contractive ones E|C(x)-x|^2 <= (1-alpha) |x|^2 with 0 < alpha <= 1.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "laconic/core/rng.h"
#include "laconic/core/spec.h"
#include "laconic/core/vec.h"
#include "laconic/message/message.h"

namespace laconic {

/// What is promised of a compressor.
struct Bound {
  std::optional<double> omega = {};  // set where it is unbiased
  std::optional<double> alpha = {};  // set where it is contractive as it stands
  double density = 0;                // zeta_Q: expected non-zeros, at most
  double floats = 0;                 // expected counted_floats of one message; of qsgd an upper bound
  // AB-inequality over all workers (arXiv 2110.03300): E|(1/n) sum Q_i(a_i) - mean a|^2 <= A mean|a_i|^2 - B
  // |mean a|^2. omega/n and 0 where the workers draw independently.
  double A = 0;
  double B = 0;
};

/// What a compressor is made for.
struct CompressorSetting {
  std::size_t dim = 0;
  std::size_t workers = 0;
  Wire wire = Wire::f32;
};

class Compressor {
 public:
  virtual ~Compressor() = default;

  /// out = the message that says C(x); decode_add(key, out, 1, acc) adds C(x) to acc. Overwrites out, reusing
  /// its buffer. A pure function of key and x. x is finite and has CompressorSetting::dim entries.
  virtual void compress(const Key& key, View x, Message& out) const = 0;
  /// The same for x = a - b. Worth overriding where compress() looks at few coordinates: the difference of
  /// the others then need not be taken.
  virtual void compress_difference(const Key& key, View a, View b, Message& out) const;
  [[nodiscard]] virtual Bound bound() const = 0;
};

/// Throws InputError for an unknown name, or arguments out of range.
std::unique_ptr<Compressor> make_compressor(const Spec& spec, const CompressorSetting& setting);

/// A row of the table behind make_compressor.
struct CompressorRow {
  std::string name;
  std::string usage;    // rand-k(K)
  std::string summary;  // one line
  std::function<std::unique_ptr<Compressor>(const Spec&, const CompressorSetting&)> make;
};
/// Every compressor there is.
const std::deque<CompressorRow>& compressors();
/// Adds a compressor, as register_method() adds a method.
void register_compressor(CompressorRow row);

}  // namespace laconic
