// SPDX-License-Identifier: Apache-2.0
// The program `laconic` with a problem of one's own: run, sweep, theory, advise and report know it by its
// name.
//   own_program run 'problem=tilted(d=50)' method='marina(rand-k(5))' clients=10
#include <cmath>

#include "cli/main.h"
#include "laconic/laconic.h"
using namespace laconic;

/// f_i(x) = |x|^2 / 2 - cos(i) x_1: quadratics with different minima.
class Tilted final : public Problem {
 public:
  Tilted(std::size_t dim, std::size_t clients) : dim_(dim), clients_(clients) {}
  std::size_t dim() const override { return dim_; }
  std::size_t shards() const override { return clients_; }
  std::size_t rows(std::size_t /*shard*/) const override { return 1; }
  Measured value_gradient(std::size_t shard, Rows /*rows*/, View x, MutView g) const override {
    const double tilt = std::cos(static_cast<double>(shard));
    copy(x, g);
    g[0] -= tilt;
    return {.value = norm_sq(x) / 2 - tilt * x[0]};
  }
  std::optional<Constants> constants(AllShards&) const override {
    return Constants{.L_minus = 1,
                     .L_plus = 1,
                     .L_pm = 0,
                     .L_tilde = 1,
                     .L_max = 1,
                     .L_sample = 1,
                     .mu = 1,
                     .f_lower = -0.5};
  }
  void start(MutView x) const override { fill(x, 1.0); }

 private:
  std::size_t dim_, clients_;
};

int main(int argc, char** argv) {
  register_problem({"tilted", "tilted(d=10)", "quadratics with different minima",
                    [](Arguments& args, const ProblemSetting& setting) -> std::unique_ptr<Problem> {
                      const std::size_t dim = args.whole("d", 10);
                      args.done();
                      return std::make_unique<Tilted>(dim, setting.clients);
                    }});
  return cli::main(argc, argv);
}
