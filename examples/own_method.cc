// SPDX-License-Identifier: Apache-2.0
// A user-defined method: the message of a client, and the update of the memories.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "laconic/laconic.h"
using namespace laconic;

/// Clip21 (arXiv 2305.18929): g_i <- g_i + clip(grad f_i(x) - g_i), where clip limits the norm to tau.
class Clipped final : public Mechanism {
 public:
  explicit Clipped(double tau) : tau_(tau) {}
  void encode(const Key& /*key*/, const Memories& kept, View x, Message& out) const override {
    Vector v(x.begin(), x.end());
    axpy(-1, kept.h, v);
    scale(std::min(1.0, tau_ / std::sqrt(norm_sq(v))), v);
    write_dense(Wire::f32, v, out);
  }
  Rates rates() const override { return {.client = 1, .server = 1}; }  // client and server add the message

 private:
  double tau_;
};

/// clip21(tau=1): its parts, and no theorem, so a run needs a number as its step.
Assembly clip21(Arguments& args, const MethodSetting& s) {
  const double tau = args.number_in("tau", 1.0, laconic::kPositive);
  return recipe::star(s, {.oracle = full_gradients(s.problem),
                          .mechanism = std::make_shared<Clipped>(tau),
                          .participation = everyone(s.problem.shards())});
}

int main() {
  register_method({"clip21", "clip21(tau=1)", "clipped differences to a memory", "arXiv 2305.18929", clip21});
  ThreadPool pool(2);
  Fleet fleet(pool);
  const auto problem = make_problem(parse("quadratic(d=100, s=0.8)"), {.clients = 10});
  const double step = 0.5 * gd_theorem(*problem->constants(fleet)).step;
  const auto method = make_method(assemble(parse("clip21(tau=0.5)"), {.problem = *problem}), step);
  MemoryRecorder trace;
  const Summary summary = solve(*problem, *method, fleet, {.rounds = 5000, .target = 1e-4}, trace);
  std::printf("%s in %zu rounds\n", summary.reason.c_str(), summary.rounds);
  return summary.why == Summary::Why::target ? 0 : 1;
}
