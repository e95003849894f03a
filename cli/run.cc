// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/prepared.h"
#include "cli/ranks.h"
#include "cli/verbs.h"
#include "laconic/report/file.h"
#include "laconic/report/npy.h"
#include "laconic/report/trace.h"
#include "laconic/report/units.h"
#include "laconic/solve.h"
#include "laconic/transport/fleet.h"

namespace laconic::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kFiles[] = {"trace.csv", "timing.csv", "run.toml", "summary.json", "x.npy"};

/// The folder of a run. Nothing is made before everything else about the description is known to be right.
class OutFolder {
 public:
  /// Throws InputError when the folder already holds a run, unless told to replace it.
  OutFolder(std::string path, bool force) : path_(std::move(path)) {
    std::error_code error;
    if (fs::exists(path_, error) && !fs::is_directory(path_, error)) {
      throw InputError(fmt::format("out: {} is not a folder", path_));
    }
    for (const char* file : kFiles) {
      if (!force && fs::exists(fs::path(path_) / file, error)) {
        throw InputError(fmt::format(
            "out: {} already holds a run ({}); choose another folder, or give --force to replace it", path_,
            file));
      }
    }
  }

  /// Makes the folder, clears it of an earlier run, and opens the files; an InputError when that cannot be
  /// done.
  std::unique_ptr<FileRecorder> open(bool with_accuracy) {
    std::error_code error;
    const bool made = !fs::exists(path_, error);
    fs::create_directories(path_, error);
    if (error) throw InputError(fmt::format("out: cannot make the folder {}: {}", path_, error.message()));
    for (const char* file : kFiles) fs::remove(fs::path(path_) / file, error);
    try {
      return std::make_unique<FileRecorder>(path_, with_accuracy);
    } catch (const std::exception& failure) {
      if (made) fs::remove_all(path_, error);
      throw InputError(fmt::format("out: {}", failure.what()));
    }
  }

  [[nodiscard]] std::string file(const char* name) const { return (fs::path(path_) / name).string(); }

 private:
  std::string path_;
};

/// Hands rows on to a file, where there is one, and shows how far the run is, where somebody watches.
class Screen final : public Recorder {
 public:
  Screen(std::size_t rounds, Recorder* next, bool shows)
      : rounds_(rounds), next_(next), watched_(shows && isatty(STDERR_FILENO) == 1) {}
  ~Screen() override { clear(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void record(const Row& row, const Timing& timing) override {
    grad_norm_sq_ = row.grad_norm_sq;
    if (next_ != nullptr) next_->record(row, timing);
  }

  void tick(std::size_t round) override {
    const auto now = Clock::now();
    if (!watched_ || now - shown_ < std::chrono::milliseconds(100)) return;
    shown_ = now;
    constexpr std::size_t kWidth = 30;
    const std::size_t filled = rounds_ == 0 ? kWidth : kWidth * round / rounds_;
    fmt::print(stderr, "\r[{:=<{}}{: <{}}] round {} of {}, |grad f|^2 = {:.3g}\x1b[K", "", filled, "",
               kWidth - filled, round, rounds_, grad_norm_sq_);
    drawn_ = true;
  }

 private:
  using Clock = std::chrono::steady_clock;

  void clear() const {
    if (drawn_) fmt::print(stderr, "\r\x1b[K");
  }

  std::size_t rounds_;
  Recorder* next_;
  bool watched_;
  bool drawn_ = false;
  double grad_norm_sq_ = 0;
  Clock::time_point shown_ = Clock::now();
};

std::string toml_of(const Description& description) {
  std::string text = fmt::format("# laconic {}\n", LACONIC_VERSION);
  for (const auto& [key, value] : resolved(description)) {
    if (key == "out") continue;  // so that the file can be run again as it is, into another folder
    text += fmt::format("{} = {}\n", key, Json(value).dump());  // a JSON string is a TOML basic string
  }
  return text;
}

const char* name_of(Summary::Why why) {
  switch (why) {
    case Summary::Why::rounds:
      return "rounds";
    case Summary::Why::target:
      return "target";
    case Summary::Why::max_bits:
      return "max-bits";
    case Summary::Why::max_seconds:
      return "max-seconds";
    case Summary::Why::diverged:
      return "diverged";
  }
  return "";
}

Json json_of(const Row& row) {
  Json json = {{"round", row.round},
               {"f", row.f},
               {"grad_norm_sq", row.grad_norm_sq},
               {"uplink_floats", row.uplink_floats},
               {"uplink_bits", row.uplink_bits},
               {"downlink_bits", row.downlink_bits},
               {"oracle_calls", row.oracle_calls},
               {"participants", row.participants},
               {"step", row.step},
               {"consensus", row.consensus},
               {"network_seconds", row.network_seconds}};
  if (row.train_accuracy) json["train_accuracy"] = *row.train_accuracy;
  if (row.test_accuracy) json["test_accuracy"] = *row.test_accuracy;
  return json;
}

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

Json json_of(const Description& description, const Prepared& prepared, const Summary& summary,
             std::size_t ranks) {
  Json json;
  json["laconic"] = LACONIC_VERSION;
  for (const auto& [key, value] : resolved(description)) json["description"][key] = value;
  json["host"] = {{"name", host_name()}, {"ranks", ranks}, {"threads", prepared.pool->threads()}};
  json["constants"] = Json::object();
  if (prepared.constants) {
    for (const auto& [name, value] : named_constants(*prepared.constants)) json["constants"][name] = value;
  }
  json["method"] = Json::object();
  for (const auto& [name, value] : prepared.assembly.facts) json["method"][name] = value;
  json["method"]["gamma"] = summary.last.step;
  if (const Theorem* theorem = theorem_of(description.step, prepared.assembly)) {
    json["theorem"] = {{"name", theorem->name},
                       {"step_rule", theorem->step_rule},
                       {"step", theorem->step},
                       {"promise", theorem->promise}};
  }
  json["stopped"] = {{"why", name_of(summary.why)}, {"reason", summary.reason}, {"rounds", summary.rounds}};
  json["last"] = json_of(summary.last);
  const double clients = static_cast<double>(prepared.problem->shards());
  json["totals"] = {{"clients", prepared.problem->shards()},
                    {"dim", prepared.problem->dim()},
                    {"uplink_bits", summary.last.uplink_bits * clients},
                    {"downlink_bits", summary.last.downlink_bits * clients},
                    {"oracle_calls", summary.last.oracle_calls * clients}};
  json["seconds"] = summary.seconds;
  return json;
}

std::string measured(const Summary& summary) {
  const Row& last = summary.last;
  return fmt::format("f = {:.6g}, |grad f|^2 = {:.4g}, {} up and {} down a client, {:.2f} s", last.f,
                     last.grad_norm_sq, bits_text(last.uplink_bits), bits_text(last.downlink_bits),
                     summary.seconds);
}

/// What must be the same on all ranks before they do anything together. One a line.
std::string identity_of(const Description& description, const Problem& problem) {
  std::string text = fmt::format("laconic {}\n", LACONIC_VERSION);
  for (const auto& [key, value] : resolved(description)) {
    if (key != "out" && key != "threads") text += fmt::format("{} = {}\n", key, value);
  }
  return text + fmt::format("d = {}\ndata with checksum {:08x}\n", problem.dim(), problem.data_checksum());
}

/// And what must be so before round 0, though libraries and CPUs may differ from machine to machine.
std::string numbers_of(const Prepared& prepared, const Method& method) {
  std::string text = fmt::format("gamma = {}\n", method.step());
  if (prepared.constants) {
    for (const auto& [name, value] : named_constants(*prepared.constants))
      text += fmt::format("{} = {}\n", name, value);
  }
  return text;
}

}  // namespace

int run(const std::vector<std::string>& words, bool force, Transport& transport, std::size_t neighbours) {
  const bool first = transport.rank() == 0;
  Description description;
  std::optional<OutFolder> out;  // rank 0's
  Prepared prepared;
  std::unique_ptr<Method> method;
  std::unique_ptr<FileRecorder> files;  // rank 0's
  together(transport, [&] {
    description = describe(words);
    if (first && !description.out.empty()) out.emplace(description.out, force);
    prepared = prepare(description, {transport.rank(), transport.size(), neighbours});
  });
  require_same(transport, identity_of(description, *prepared.problem));
  Fleet fleet(*prepared.pool, transport);
  prepared.constants = prepared.problem->constants(fleet);
  together(transport, [&] {
    prepared.assembly = assembly_of(description, prepared);
    method = prepared.assembly.build(resolve(description.step, prepared.assembly));
  });
  require_same(transport, numbers_of(prepared, *method));
  together(transport, [&] {
    if (!out) return;
    files = out->open(prepared.problem->classifies());
    write_whole(out->file("run.toml"), toml_of(description));
  });

  Summary summary;
  {
    Screen screen(description.solve.rounds, files.get(), first);
    summary = solve(*prepared.problem, *method, fleet, description.solve, screen);
  }
  const bool failed = summary.why == Summary::Why::diverged;
  if (!first) return failed ? kFailed : kDone;
  if (out) {
    write_npy(out->file("x.npy"), method->point());
    write_whole(out->file("summary.json"),
                json_of(description, prepared, summary, transport.size()).dump(2) + "\n");
  }
  std::string last_words = summary.reason;
  if (summary.recorded) last_words += "; " + measured(summary);
  last_words += out ? " -> " + description.out : " (not saved: no out=)";
  fmt::print(failed ? stderr : stdout, "{}{}\n", failed ? "laconic: " : "", last_words);
  return failed ? kFailed : kDone;
}

}  // namespace laconic::cli
