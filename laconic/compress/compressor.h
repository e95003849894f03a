// SPDX-License-Identifier: Apache-2.0
// Compressors: maps x -> C(x) with a short encoding. Unbiased ones satisfy E Q(x) = x and E|Q(x)-x|^2 <=
// omega |x|^2; contractive ones E|C(x)-x|^2 <= (1-alpha) |x|^2 with 0 < alpha <= 1.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "laconic/core/matrix_block.h"
#include "laconic/core/rng.h"
#include "laconic/core/spec.h"
#include "laconic/core/vec.h"
#include "laconic/message/message.h"

namespace laconic {

/// The class of compressors of EF-BV (arXiv 2205.04180): |E C(x) - x| <= eta |x|, E|C(x) - E C(x)|^2 <= omega
/// |x|^2, and the same variance of the mean of the clients' messages, relative to mean |x_i|^2.
struct BiasVariance {
  double eta = 0;
  double omega = 0;
  double omega_mean = 0;
};

/// The guarantees of a compressor.
struct Bound {
  std::optional<double> omega = {};  // set if it is unbiased
  std::optional<double> alpha = {};  // set if it is contractive without rescaling
  double density = 0;                // zeta_Q: an upper bound on the expected number of non-zeros
  double floats = 0;                 // expected counted_floats of one message; for qsgd an upper bound
  // AB-inequality over all clients (arXiv 2110.03300): E|(1/n) sum Q_i(a_i) - mean a|^2 <= A mean|a_i|^2 - B
  // |mean a|^2. If the clients draw independently, A = omega/n and B = 0.
  double A = 0;
  double B = 0;
  bool shrinks = false;  // |C(x)| <= |x| for every draw
  // Set if bias_variance_of() cannot derive it from omega and alpha.
  std::optional<BiasVariance> bias_variance = {};
};

/// The class of a compressor: the stated one; of an unbiased one eta = 0; of any other contractive one eta =
/// sqrt(1 - alpha) and omega = 0, because EF-BV uses only that |bias|^2 + variance <= (1 - alpha) |x|^2.
/// Unset if nothing is guaranteed.
std::optional<BiasVariance> bias_variance_of(const Bound& bound);

/// The properties of a run that a compressor depends on.
struct CompressorSetting {
  std::size_t dim = 0;
  std::size_t clients = 0;
  Wire wire = Wire::f32;
  std::vector<MatrixBlock> blocks = {};  // Problem::blocks()
};

class Compressor {
 public:
  virtual ~Compressor() = default;

  /// out = a message that encodes C(x); decode_add(key, out, 1, acc) adds C(x) to acc. Overwrites out and
  /// reuses its buffer. A pure function of key and x. x must be finite and have CompressorSetting::dim
  /// entries.
  virtual void compress(const Key& key, View x, Message& out) const = 0;
  /// The same for a vector of floats: the bytes are those for x widened to doubles. Override it where no copy
  /// in doubles is needed.
  virtual void compress_floats(const Key& key, FloatView x, Message& out) const;
  /// compress() for x = a - b. Override it if compress() reads few coordinates: the others then need not be
  /// subtracted.
  virtual void compress_difference(const Key& key, View a, View b, Message& out) const;
  /// The same for vectors of floats: the bytes are those for a and b widened to doubles.
  virtual void compress_difference_of_floats(const Key& key, FloatView a, FloatView b, Message& out) const;

  // A compressor has no state, but a client may keep numbers for it from message to message. At first they
  // are 0. The driver of the method owns them (rounds/star_clients.h). compress() is without such numbers.

  /// How many numbers a client keeps.
  [[nodiscard]] virtual std::size_t keeps() const { return 0; }
  /// compress() for a client that keeps these numbers.
  virtual void compress_with(const Key& key, View x, View kept, Message& out) const;
  /// Updates the numbers once the client's message counts. The message of another compressor changes nothing.
  /// A pure function of its arguments.
  virtual void keep(const Message& message, MutView kept) const;

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
/// All compressors.
const std::deque<CompressorRow>& compressors();
/// Adds a compressor, as register_method() adds a method.
void register_compressor(CompressorRow row);

}  // namespace laconic
