// SPDX-License-Identifier: Apache-2.0
// Gradient tracking with local steps: K-GT and Periodical-GT, Liu, Lin, Koloskova, Stich 2023, arXiv
// 2301.01313. With one local step: gradient tracking, Koloskova, Lin, Stich 2021, arXiv 2202.03836.
#include <utility>

#include "laconic/local/local_steps.h"
#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

/// With h the mean of the round's gradients (K-GT), or one of them (Periodical-GT):
///   y = x, then K times y <- y - eta_c (g(y) + c)
///   u = x + eta_s (y - x);   z = c + h               sent
///   x <- sum_j w_ij u_j;     c <- c - z + sum_j w_ij z_j
/// For K-GT, z = (x - y) / (K eta_c). sum_i c_i stays 0, and the mean of the x_i moves by -eta_s eta_c (1/n)
/// sum of all gradients, for any W.
class Tracking final : public NodeRule {
 public:
  Tracking(std::size_t steps, Sample sample) : steps_(steps), sample_(sample) {}

  std::size_t vectors() const override { return 2; }  // x and c
  std::size_t parts() const override { return 2; }    // u and z
  std::vector<Mix> mixes(double /*step*/) const override {
    return {{.part = 0, .into = 0, .replaces = true}, {.part = 1, .into = 1}};
  }
  std::size_t gradients(std::size_t t) const override { return t == 0 ? 0 : steps_; }

  void compute(const NodeRound& at, std::span<Vector> own, std::span<Vector> said) const override {
    const Vector& x = own[0];
    const Vector& c = own[1];
    Vector& u = said[0];
    Vector& z = said[1];
    if (steps_ == 1) {  // in one pass: z = c + g, y = x - eta_c z
      at.oracle.gradient(at.key, x, z);
      for (std::size_t k = 0; k < z.size(); ++k) {
        z[k] += c[k];
        u[k] = x[k] - at.step * z[k];
      }
    } else {
      thread_local LocalScratch scratch;
      local_steps(at.oracle, at.key, {steps_, at.step}, c, x, u, sample_, scratch);
      z.swap(scratch.sample);  // h
      axpy(1, c, z);
    }
    move_from(x, at.outer_step, u);
  }

 private:
  std::size_t steps_;  // K
  Sample sample_;
};

Assembly tracking(Arguments& args, const MethodSetting& s, std::size_t steps, Sample sample,
                  bool average = false) {
  return gossip(args, s,
                {.oracle = full_or_batch(s),
                 .rule = std::make_shared<Tracking>(steps, sample),
                 .copies = optional_copies(args, s),
                 .average_start = average});
}

/// Gradient tracking, adapt-then-combine: X <- W (X - eta Y), Y <- W Y + G - G_before.
Assembly gt(Arguments& args, const MethodSetting& s) { return tracking(args, s, 1, Sample::mean); }

/// Gradient tracking that communicates every K steps.
Assembly periodical_gt(Arguments& args, const MethodSetting& s) {
  const std::size_t steps = local_steps_of(args);
  const bool last = args.choice("sample", {"last", "first"}, "last") == "last";
  return tracking(args, s, steps, last ? Sample::last : Sample::first);
}

/// K-GT.
Assembly k_gt(Arguments& args, const MethodSetting& s) {
  const std::size_t steps = local_steps_of(args);
  const bool average = args.choice("init", {"zero", "avg"}, "zero") == "avg";
  return tracking(args, s, steps, Sample::mean, average);
}

}  // namespace

std::vector<MethodRow> k_gt_methods() {
  return {
      {"gt", "gt(compressor=C, gamma=G)", "gradient tracking", "arXiv 2202.03836", gt, kNeighbours},
      {"periodical-gt", "periodical-gt(steps=K, sample=last, compressor=C, gamma=G)",
       "gradient tracking with messages every K steps", "arXiv 2301.01313", periodical_gt, kNeighbours},
      {"k-gt", "k-gt(steps=K, init=zero, compressor=C, gamma=G)",
       "gradient tracking with local steps, on the mean of K gradients", "arXiv 2301.01313", k_gt,
       kNeighbours},
  };
}

}  // namespace laconic::recipe
