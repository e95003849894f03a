// SPDX-License-Identifier: Apache-2.0
#include "laconic/catalogue/method_facts.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "laconic/experiment/experiment.h"
#include "laconic/methods/citations.h"

namespace laconic {
namespace {

/// Methods with arguments that fit any problem with 10 values or more; ef21-prox needs a rule of the server too.
constexpr const char* kProx = "prox-l1(0.001)";
constexpr const char* kExamples[] = {
    "gd",
    "dcgd(rand-k(10))",
    "diana(rand-k(10))",
    "vr-diana(rand-k(10), batch=8)",
    "marina(rand-k(10))",
    "vr-marina(rand-k(10), batch=8)",
    "vr-marina-online(rand-k(10), batch=8, large-batch=16)",
    "pp-marina(rand-k(10), sample=4)",
    "ef21(top-k(10))",
    "lag(zeta=16)",
    "clag(top-k(10), zeta=16)",
    "3pc-v1(top-k(10))",
    "3pc-v2(rand-k(5), top-k(5))",
    "3pc-v3(lag(zeta=4), top-k(10))",
    "3pc-v4(top-k(5), top-k(5))",
    "3pc-v5(top-k(10), p=0.1)",
    "ef21-sgdm(top-k(10), eta=0.1)",
    "ef21-sgd2m(top-k(10), eta=0.1)",
    "ef21-hb(top-k(10), beta=0.9)",
    "ef21-pp(top-k(10), p=0.5)",
    "ef21-bc(top-k(10), top-k(10))",
    "ef21-prox(top-k(10))",
    "ef-bv(rand-k(10))",
    "dasha(rand-k(10))",
    "dasha-page(rand-k(10), batch=8)",
    "dasha-mvr(rand-k(10), batch=8, b=0.1)",
    "dasha-pp(rand-k(10), sample=4)",
    "econtrol(top-k(10))",
    "ef(top-k(10))",
    "m3(perm-k, rand-k(10))",
    "d-sgd(steps=5)",
    "choco(top-k(10), gamma=0.1)",
    "gt",
    "periodical-gt(steps=5)",
    "k-gt(steps=5)",
    "beer(top-k(10), gamma=0.1)",
    "motef(top-k(10), gamma=0.1, lambda=0.1)",
    "lead(rand-k(10), gamma=0.1)",
    "d2",
    "nids",
    "led(steps=5)",
    "scaffold(steps=5)",
    "local-sgd(steps=10)",
    "fedavg(steps=10, sample=4)",
    "fedadam(steps=10, sample=4)",
    "diloco(steps=30)",
    "savic(adam, steps=10)",
    "scaffnew(p=0.1)",
    "compressed-scaffnew(p=0.1, owners=2)",
    "locodl(rand-k(10), p=0.1)",
    "fedprox(steps=10, mu=0.01)",
    "fednova(steps=1..10)",
    "sparseloco(steps=30, keep=4, chunk=16)",
    "muloco(steps=30)",
    "streaming-diloco(steps=50, fragments=4, delay=1, mix=0.5)",
    "demo(keep=4, chunk=16)",
    "gc-1bit(redundancy=3)",
    "sgc(redundancy=3)",
    "is-sgd",
    "bgc(redundancy=3)",
    "erasurehead(redundancy=2)",
    "exact-gc(tolerates=1)",
    "majority(redundancy=3)",
    "coco-ef(redundancy=3)",
    "gc-diana(redundancy=3)",
};

std::string step_of(const Assembly& assembly) {
  if (!assembly.theorem && !assembly.theorem_pl && !assembly.tight) return "a number: no theorem gives one";
  std::vector<std::string> rules;
  for (const auto& [rule, theorem] : {std::pair{"theory", &assembly.theorem},
                                      {"theory-pl", &assembly.theorem_pl},
                                      {"tight", &assembly.tight}}) {
    if (*theorem) rules.push_back(fmt::format("{}: {}", rule, (*theorem)->name));
  }
  return fmt::format("{}", fmt::join(rules, "; "));
}

}  // namespace

std::string example_of(const MethodRow& row) {
  const auto* found = std::find_if(std::begin(kExamples), std::end(kExamples), [&](std::string_view example) {
    return example.substr(0, example.find('(')) == row.name;
  });
  return found == std::end(kExamples) ? row.name : *found;
}

std::vector<std::vector<std::pair<std::string, std::string>>> facts_of_methods() {
  Config config;
  config.problem = parse("logistic(generated(rows=20, d=48), lambda=0.1)");
  config.clients = 12;
  config.topology = parse("ring");
  ThreadPool pool(1);
  Fleet fleet(pool);
  Observer observer;
  std::shared_ptr<const OpenedProblem> opened;
  std::vector<std::vector<std::pair<std::string, std::string>>> all;
  for (const MethodRow& row : methods()) {
    auto& facts = all.emplace_back();
    const std::string example = example_of(row);
    config.method = parse(example);
    config.outer.reset();
    if (row.name == "ef21-prox") config.outer = parse(kProx);
    try {
      if (!opened) opened = open_problem(config, fleet, observer);
      facts.emplace_back("step", step_of(Experiment(config, opened).assembly()));
    } catch (const InputError&) {
      // A user's method may need arguments that are not known here.
    }
    facts.emplace_back("example", fmt::format("method='{}'{}", example,
                                              config.outer ? fmt::format(" outer='{}'", kProx) : ""));
    if (const Citation* paper = citation_in(row.paper)) {
      facts.emplace_back("paper", line_of(*paper));
    } else if (row.paper != "-" && !row.paper.empty()) {
      facts.emplace_back("paper", row.paper);
    }
  }
  return all;
}

}  // namespace laconic
