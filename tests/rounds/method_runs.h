// SPDX-License-Identifier: Apache-2.0
// The table of methods x problems for the laws checked by methods_test.cc (threads) and
// tests/mpi/methods_test.cc (processes).
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support.h"

namespace laconic::testing {

// A sanitizer looks at the code that runs, and each of its runs is slow: there one number of threads or ranks
// and one width of values are enough.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline const std::vector<std::size_t> kNumbersOfThreads = {3};
inline const std::vector<std::size_t> kNumbersOfRanks = {3};
inline const std::vector<Wire> kWires = {Wire::f32};
#else
inline const std::vector<std::size_t> kNumbersOfThreads = {2, 3, 8};
inline const std::vector<std::size_t> kNumbersOfRanks = {1, 2, 3, 5};
inline const std::vector<Wire> kWires = {Wire::f32, Wire::f64};
#endif

/// The keys that may follow a method in a row.
inline const char* const kWords[] = {"outer", "downlink", "aggregator", "clip-norm", "byzantine"};

/// The part of a row from `begin` to the next key.
inline std::string up_to_next_key(const std::string& row, std::size_t begin) {
  std::size_t end = row.size();
  for (const char* key : kWords) end = std::min(end, row.find(fmt::format(" {}=", key), begin));
  return row.substr(begin, end - begin);
}

/// Methods, some with values of these keys.
inline const char* const kMethods[] = {
    "gd",
    "dcgd(rand-k(3))",
    "dcgd(natural)",
    "diana(rand-k(3))",
    "diana(natural)",
    "dcgd(bernoulli(0.5))",
    "diana(natural-dithering(4))",
    "diana(perm-k)",
    "diana(identity, alpha=1)",
    "marina(rand-k(3))",
    "marina(rand-k(10%), p=0.3)",
    "marina(perm-k)",
    "marina(perm-k(1))",
    "marina(natural)",
    "marina(qsgd(4))",
    "marina(identity)",
    "vr-diana(rand-k(3), batch=4)",
    "vr-diana(natural, batch=2, p=0.5)",
    "vr-marina(rand-k(3), batch=4)",
    "vr-marina(natural, batch=2, p=0.4)",
    "vr-marina-online(rand-k(3), batch=4, large-batch=12)",
    "pp-marina(rand-k(3), sample=2)",
    "pp-marina(natural, sample=2, p=0.4)",
    "ef21(top-k(3))",
    "ef21(c-rand-k(3), init=zero)",
    "ef21(c-perm-k)",
    "ef21(identity)",
    "ef21(low-rank(2))",
    "ef21(low-rank(1, warm=0))",
    "diana(sketch(2))",
    "lag(zeta=4)",
    "clag(top-k(3), zeta=4)",
    "clag(c-rand-k(3), zeta=1)",
    "3pc-v1(top-k(3))",
    "3pc-v2(rand-k(3), top-k(3))",
    "3pc-v2(perm-k, c-rand-k(3))",
    "3pc-v2(perm-k(1), top-k(3))",
    "3pc-v2(perm-k, c-perm-k(1))",
    "3pc-v3(lag(zeta=4), top-k(3))",
    "3pc-v3(3pc-v5(c-rand-k(3)), top-k(3))",
    "3pc-v4(top-k(3), c-rand-k(3))",
    "3pc-v5(top-k(3), p=0.3)",
    "d-sgd(steps=3)",
    "gt",
    "periodical-gt(steps=3)",
    "periodical-gt(steps=3, sample=first)",
    "k-gt(steps=3)",
    "k-gt(steps=2, init=avg)",
    "scaffold(steps=3)",
    "local-sgd(steps=3)",
    "local-sgd(steps=2, momentum=0.5, compressor=qsgd(4))",
    "fedavg(steps=2, sample=2)",
    "fedadam(steps=2, sample=2, tau=0.1)",
    "diloco(steps=2)",
    "diloco(steps=3, weight-decay=0, compressor=natural)",
    "savic(adam, steps=2)",
    "savic(rmsprop, steps=2, refresh=2, refresh-at-start=0, momentum=0.5, momentum-at-sync=reset)",
    "savic(adagrad, steps=2, scaling=local, alpha=0.1)",
    "savic(adam, steps=2, statistic=mean-of-sq, compressor=natural)",
    "savic(oasis, steps=2)",
    "savic(oasis, steps=2, scaling=local, probes=shared)",
    "scaffold(steps=3, vectors=1)",
    "scaffnew(p=0.3)",
    "scaffnew(steps=3) outer=heavy-ball(0.5)",
    "compressed-scaffnew(p=0.4, owners=2)",
    "locodl(rand-k(3), p=0.4)",
    "fedprox(steps=2, mu=0.5, sample=2)",
    "fednova(steps=1..3, momentum=0.5)",
    "local-sgd(steps=2, momentum=0.5, compressor=ef(top-k(3), decay=0.9))",
    "fedavg(steps=2, sample=2, compressor=ef21(top-k(3)))",
    "fedadam(steps=2, sample=2, tau=0.1, compressor=ef(c-rand-k(3)))",
    "sparseloco(steps=2, keep=2, chunk=9)",
    "sparseloco(steps=2, keep=2, chunk=9, bits=32, average=senders, inner=sgd) outer=nesterov(0.5)",
    "muloco(steps=2)",
    "streaming-diloco(steps=5, fragments=3, delay=2, mix=0.3)",
    "streaming-diloco(steps=3, fragments=2, delay=0, mix=0)",
    "demo(keep=2, chunk=5)",
    // In the following methods some clients are late.
    "is-sgd",
    "sgc(redundancy=2)",
    "gc-1bit(redundancy=2)",
    "gc-1bit(redundancy=2, scale=block, block=8, decode=count)",
    "bgc(redundancy=2)",
    "bgc(redundancy=2, decode=lsq)",
    "erasurehead(redundancy=2)",
    "exact-gc(code=cyclic, tolerates=1)",
    "majority(redundancy=2)",
    "coco-ef(redundancy=2)",
    "gc-diana(redundancy=2)",
    // In the following rows the counts are checked by the golden cases (tests/reference).
    "choco(sign, gamma=0.3, steps=2)",
    "gt(compressor=rand-k(3), gamma=0.2)",
    "periodical-gt(steps=2, compressor=natural, gamma=0.3)",
    "k-gt(steps=2, init=avg, compressor=top-k(3), gamma=0.3)",
    "beer(rand-k(3), gamma=0.2)",
    "motef(qsgd(4), gamma=0.2, lambda=0.3)",
    "lead(top-k(3), gamma=0.3, start=warm)",
    "d2",
    "nids",
    "led(steps=2, compressor=top-k(3), gamma=0.3)",
    "ef21-sgdm(top-k(3), eta=0.5)",
    "ef21-sgd2m(c-rand-k(3), eta=0.5)",
    "ef21-hb(top-k(3), beta=0.5)",
    "ef21-pp(top-k(3), p=0.5)",
    "ef21-bc(top-k(3), c-rand-k(3))",
    "ef21-prox(top-k(3)) outer=prox-l1(0.001)",
    "ef-bv(rand-k(3))",
    "ef-bv(comp(2, 4))",
    "ef-bv(mix(1, 2))",
    "dasha(rand-k(3), init=zero)",
    "dasha-page(rand-k(3), batch=4)",
    "dasha-mvr(rand-k(3), batch=4, b=0.3) downlink=marina-p(perm-k)",
    "dasha-pp(rand-k(3), sample=2)",
    "econtrol(top-k(3))",
    "ef(top-k(3))",
    "ef(low-rank(1))",
    "ef-bv(low-rank(1))",
    "m3(perm-k, rand-k(3))",
    "vr-diana(rand-k(3), batch=4) downlink=ef21-p(top-k(3))",
    "marina(rand-k(3)) downlink=ef21-p(c-rand-k(3)) outer=nesterov(0.5)",
    "gd downlink=marina-p(rand-k(3), shared=1)",
    "diana(rand-k(3), init=exact) outer=adam(0.9, 0.99)",
    "local-sgd(steps=2) downlink=ef21-p(top-k(3)) outer=nesterov(0.5)",
    "fedavg(steps=2, sample=2) downlink=marina-p(perm-k) outer=heavy-ball(0.5)",
    "savic(adam, steps=2) downlink=ef21(top-k(3)) outer=adam(0.9, 0.99)",
    "gd aggregator=median byzantine=sign-flip(1)",
    "dcgd(rand-k(3)) aggregator=krum(1) byzantine=noise(1, scale=0.1)",
    "diana(rand-k(3)) aggregator=bucketing(2, median) byzantine=label-flip(2)",
    "ef21(top-k(3)) aggregator=trimmed-mean(1) byzantine=alie(1, z=1)",
    "ef21-pp(top-k(3), p=0.5) aggregator=multi-krum(1, 2) byzantine=bit-flip(1) downlink=ef21-p(top-k(3))",
    "vr-marina(rand-k(3), batch=4) aggregator=rfa byzantine=ipm(1)",
    "marina(natural) aggregator=clip(1) byzantine=mimic(1)",
    "dasha(rand-k(3)) byzantine=ipm(1, eps=3)",
    "diana(rand-k(3)) clip-norm=0.3",
    "ef21(top-k(3)) aggregator=median clip-norm=0.3 byzantine=sign-flip(1)",
};

class Methods : public ::testing::TestWithParam<const char*> {
 protected:
  /// A small run of the method on each kind of problem.
  std::vector<Job> runs() const {
    // By name, as processes have folders of their own.
    const std::string classes = "classes";
    folder_.write(classes, two_classes(61, 12));
    std::vector<Job> jobs = {
        {.problem = "quadratic(d=20, s=0.8)", .method = GetParam(), .clients = 7},
        {.problem = fmt::format("logistic(\"{}\", lambda=0.1, reg=nonconvex)", classes),
         .method = GetParam()},
        {.problem = fmt::format("nonconvex(\"{}\", bias=1)", classes), .method = GetParam(), .clients = 61},
        {.problem = fmt::format("least-squares(\"{}\")", classes),
         .method = GetParam(),
         .clients = has("sample=2") ? std::size_t{2} : 1},
        {.problem = fmt::format("softmax(\"{}\", lambda=0.01)", classes),
         .method = GetParam(),
         .split = "by-label"},
        {.problem = fmt::format("autoencoder(\"{}\", 3)", classes),
         .method = GetParam(),
         .clients = 6,
         .step = "0.02",
         .split = "overlap(0.5)"},
        {.problem = fmt::format("mlp(\"{}\", 3, lambda=0.01)", classes),
         .method = GetParam(),
         .clients = 5,
         .step = "0.02"},
        {.problem = "logistic(generated(rows=4, d=15, nnz=6, shift=0.5), lambda=0.1)",
         .method = GetParam(),
         .clients = 6}};
    for (std::size_t i = 0; steps_locally() && i < jobs.size(); ++i) {
      jobs[i].step = "0.02";
      if (gossips()) jobs[i].topology = i % 3 == 0 ? "ring" : i % 3 == 1 ? "one-peer" : "exponential";
      if (gossips() && is_successor()) jobs[i].topology = i % 2 == 0 ? "ring" : "star";
      jobs[i].outer_step = i % 2 == 0 || has_one_step() ? 1 : 0.7;
    }
    for (Job& job : jobs) {
      if (!codes()) continue;
      job.clients = std::max<std::size_t>(job.clients, 2);
      if (has("erasurehead")) job.clients -= job.clients % 2;  // needs groups of two
      job.step = "0.02";
      job.stragglers = has("tolerates") ? "fixed(1)" : "bernoulli(0.3)";
    }
    for (Job& job : jobs) {
      job.folders = {folder_.path()};
      set_words(job);
    }
    if (has("locodl"))
      std::erase_if(jobs, [](const Job& job) {  // needs a ridge
        return job.problem.find("lambda") == std::string::npos ||
               job.problem.find("nonconvex") != std::string::npos;
      });
    if (has("compressed-scaffnew")) std::erase_if(jobs, [](const Job& job) { return job.clients == 1; });
    if (is_successor()) {
      std::erase_if(jobs, [](const Job& job) {
        return job.clients == 1 || job.clients == 61 || job.split != "contiguous";
      });
      for (Job& job : jobs) job.step = "0.02";
    }
    if (has("label-flip"))
      std::erase_if(jobs, [](const Job& job) {
        return job.problem.starts_with("quadratic") || job.problem.starts_with("autoencoder");
      });
    if (has("oasis"))
      std::erase_if(jobs, [](const Job& job) { return job.problem.starts_with("autoencoder"); });
    return jobs;
  }

  /// Splits the row into the method and the keys after it.
  static void set_words(Job& job) {
    const std::string row = GetParam();
    const auto value = [&](const char* key) {
      const std::string word = fmt::format(" {}=", key);
      const std::size_t at = row.find(word);
      return at == std::string::npos ? std::string() : up_to_next_key(row, at + word.size());
    };
    job.method = up_to_next_key(row, 0);
    job.outer = value("outer");
    job.downlink = value("downlink");
    job.aggregator = value("aggregator");
    job.clip_norm = value("clip-norm");
    job.byzantine = value("byzantine");
  }
  /// Of the rows with their own golden cases.
  static bool is_successor() {
    return has("ef21-") || has("ef-bv") || has("dasha") || has("econtrol") || has("ef(") || has("m3") ||
           has("downlink=") || has("outer=") || has("aggregator=") || has("clip-norm=") ||
           has("byzantine=") || has("gamma=") || has("demo") || is_one_of({"d2", "nids"});
  }

  /// Coded methods: some clients are late. These methods have no theorem.
  static bool codes() {
    return has("is-sgd") || has("erasurehead") || has("gc(") || has("gc-") || has("majority") ||
           has("coco-ef");
  }
  /// Without a server.
  static bool gossips() {
    return is_one_of(
        {"d-sgd", "choco", "gt", "periodical-gt", "k-gt", "beer", "motef", "lead", "d2", "nids", "led"});
  }
  /// Without a server, and without an outer step.
  static bool has_one_step() { return is_one_of({"beer", "motef", "lead", "d2", "nids", "led"}); }
  /// Methods with local steps have no theorem. For their ledgers see gossip_test.cc and local_test.cc.
  static bool steps_locally() {
    return gossips() || has("scaffold") || has("local-sgd") || has("fedavg") || has("fedadam") ||
           has("diloco") || has("savic") || has("scaffnew") || has("locodl") || has("fedprox") ||
           has("fednova") || has("sparseloco") || has("muloco");
  }

  static bool is_one_of(std::initializer_list<std::string_view> names) {
    const std::string name = parse(up_to_next_key(GetParam(), 0)).name;
    return std::find(names.begin(), names.end(), name) != names.end();
  }
  static bool has(std::string_view part) {
    return std::string_view(GetParam()).find(part) != std::string::npos;
  }

  TemporaryFolder folder_;
};

/// All bits of the trace and of x.
inline std::string text_of(const Outcome& outcome) {
  std::string text;
  for (const Row& r : outcome.rows) {
    text += fmt::format("{} {:a} {:a} {:a} {:a} {:a} {:a} {} {:a} {:a} {:a} {:a}\n", r.round, r.f,
                        r.grad_norm_sq, r.uplink_floats, r.uplink_bits, r.downlink_bits, r.oracle_calls,
                        r.participants, r.step, r.consensus, r.train_accuracy.value_or(0), r.downlink_floats);
  }
  for (const double v : outcome.x) text += fmt::format("{:a} ", v);
  return text;
}

}  // namespace laconic::testing
