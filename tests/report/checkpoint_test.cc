// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/checkpoint.h"

#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "laconic/core/checksum.h"
#include "laconic/transport/threads.h"
#include "tests/support.h"
#include "tests/temporary_folder.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::content_of;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// The state of a method of `clients` clients: two vectors for each client, one of them empty, and one shared
/// vector.
class Memory {
 public:
  explicit Memory(std::size_t clients, std::size_t length = 2)
      : shared_(length), own_(clients, Vector(length)) {}

  /// Fills the vectors with numbers that differ from entry to entry.
  void fill(double seed) {
    ledger_.uplink_floats = seed;
    ledger_.uplink_bits = 64 * own_.size();
    ledger_.gone = 1;
    for (double& v : shared_) v = seed += 0.125;
    for (Vector& own : own_) {
      for (double& v : own) v = seed += 0.125;
    }
  }

  [[nodiscard]] State state(Range own) {
    State state{.ledger = &ledger_, .shared = {shared_}};
    for (std::size_t i = own.begin; i < own.end; ++i) state.clients.push_back({own_[i], {}});
    return state;
  }
  State state() { return state({0, own_.size()}); }
  [[nodiscard]] std::size_t clients() const { return own_.size(); }

  /// Whether two memories are equal in all that `other` holds, if it owns only the clients `own`.
  [[nodiscard]] bool is_as(const Memory& other, Range own) const {
    const auto own_alike = [&](std::size_t i) { return own_[i] == other.own_[i]; };
    bool alike = shared_ == other.shared_ && ledger_.uplink_floats == other.ledger_.uplink_floats &&
                 ledger_.uplink_bits == other.ledger_.uplink_bits && ledger_.gone == other.ledger_.gone;
    for (std::size_t i = own.begin; i < own.end; ++i) alike = alike && own_alike(i);
    return alike;
  }
  [[nodiscard]] bool is_as(const Memory& other) const { return is_as(other, {0, own_.size()}); }

 private:
  Ledger ledger_;
  Vector shared_;
  std::vector<Vector> own_;
};

Progress progress_at(std::size_t round) {
  Progress progress;
  progress.round = round;
  progress.timing = {1.5, 20, 30};
  progress.network_seconds = 0.1;
  progress.last.round = round;
  progress.last.f = 1.0 / 3;
  progress.last.grad_norm_sq = 1e-17;
  progress.last.test_accuracy = 0.25;
  progress.trace_checksum = 77;
  return progress;
}

void expect_same(const Progress& a, const Progress& b) {
  EXPECT_EQ(a.round, b.round);
  EXPECT_EQ(a.timing.seconds, b.timing.seconds);
  EXPECT_EQ(a.timing.bytes_sent, b.timing.bytes_sent);
  EXPECT_EQ(a.timing.bytes_received, b.timing.bytes_received);
  EXPECT_EQ(a.network_seconds, b.network_seconds);
  EXPECT_EQ(a.trace_checksum, b.trace_checksum);
  std::vector<double> of_a, of_b;
  const auto into = [](std::vector<double>& values) {
    return [&values](const char*, const auto& value) {
      if constexpr (std::is_convertible_v<decltype(value), double>) {
        values.push_back(static_cast<double>(value));
      } else {
        values.push_back(value.value_or(-1));
      }
    };
  };
  for_each_column(a.last, into(of_a));
  for_each_column(b.last, into(of_b));
  EXPECT_EQ(of_a, of_b);
}

const char* const kIdentity = "problem = p\nseed = 1\n";

/// The checkpoint of a run, of one process or of ranks that are threads, in its own folder.
class CheckpointFiles : public ::testing::Test {
 protected:
  std::string folder() const { return temporary_.path("checkpoint"); }
  std::string manifest() const { return folder() + "/manifest.json"; }
  std::string part(std::size_t rank, std::size_t ranks, std::size_t round = 7) const {
    return fmt::format("{}/{}.{}-of-{}.part", folder(), round, rank, ranks);
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder())) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  static void save_on(Fleet& fleet, Checkpoints& checkpoints, Memory& memory, std::size_t round) {
    checkpoints.save(fleet, progress_at(round), memory.state(fleet.owned(memory.clients())));
  }
  void save(Memory& memory, std::size_t ranks = 1, std::size_t round = 7,
            const std::string& identity = kIdentity) const {
    run_ranks(ranks, [&](Transport& transport) {
      ThreadPool pool(1);
      Fleet fleet(pool, transport);
      Checkpoints checkpoints(folder(), identity);
      save_on(fleet, checkpoints, memory, round);
    });
  }

  /// The error message of loading; "no error" if there is none.
  std::string refusal(Memory& memory, const std::string& identity = kIdentity) const {
    return error_of([&] {
      Checkpoints(folder(), identity).load(memory.state(), memory.clients(), {0, memory.clients()});
    });
  }
  std::string refusal() const {
    Memory memory(3);
    return refusal(memory);
  }

  void put(const std::string& path, const std::string& content) const {
    fs::remove(path);  // file systems sync a truncated file to the disk when it is closed
    std::ofstream(path, std::ios::binary) << content;
  }
  /// Changes one fact of the manifest and corrects its checksum.
  void change_manifest(const std::string& key, const nlohmann::ordered_json& value) const {
    auto json = nlohmann::ordered_json::parse(content_of(manifest()));
    json[key] = value;
    json.erase("checksum");
    json["checksum"] = checksum_of(json.dump());
    put(manifest(), json.dump());
  }

  TemporaryFolder temporary_;
};

TEST_F(CheckpointFiles, ComeBackOnAnyNumberOfRanks) {
  for (const std::size_t clients : {1, 2, 5}) {
    for (const std::size_t before : {1, 2, 3, 7}) {
      Memory saved(clients);
      saved.fill(static_cast<double>(before));
      save(saved, before);
      EXPECT_TRUE(Checkpoints::any(folder()));
      for (const std::size_t after : {1, 2, 4, 7}) {
        run_ranks(after, [&](Transport& transport) {
          const Range own = block_of(clients, transport.rank(), after);
          Memory loaded(clients);
          expect_same(Checkpoints(folder(), kIdentity).load(loaded.state(own), clients, own), progress_at(7));
          EXPECT_TRUE(loaded.is_as(saved, own)) << clients << ' ' << before << ' ' << after;
        });
      }
    }
  }
}

TEST_F(CheckpointFiles, NumbersComeBackToTheBit) {
  Memory saved(1), loaded(1);
  const State state = saved.state();
  state.shared[0][0] = -0.0;
  state.shared[0][1] = std::numeric_limits<double>::denorm_min();
  state.clients[0][0][0] = std::numeric_limits<double>::infinity();
  state.clients[0][0][1] = std::nan("");
  save(saved);
  Checkpoints(folder(), kIdentity).load(loaded.state(), 1, {0, 1});
  EXPECT_TRUE(std::signbit(loaded.state().shared[0][0]));
  EXPECT_EQ(loaded.state().shared[0][1], std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(loaded.state().clients[0][0][0], std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(loaded.state().clients[0][0][1]));
}

TEST_F(CheckpointFiles, TheNewestTakesThePlaceOfTheOneBefore) {
  Memory memory(3);
  run_ranks(2, [&](Transport& transport) {
    ThreadPool pool(1);
    Fleet fleet(pool, transport);
    Checkpoints checkpoints(folder(), kIdentity);
    for (const std::size_t round : {3, 7}) {
      if (transport.rank() == 0) memory.fill(static_cast<double>(round));
      fleet.wait_for_all();
      save_on(fleet, checkpoints, memory, round);
    }
  });
  EXPECT_EQ(files(), (std::vector<std::string>{"7.0-of-2.part", "7.1-of-2.part", "manifest.json"}));
  // A run that continues from it, on another number of ranks.
  Checkpoints checkpoints(folder(), kIdentity);
  Memory loaded(3);
  checkpoints.load(loaded.state(), 3, {0, 3});
  EXPECT_TRUE(loaded.is_as(memory));
  ThreadPool pool(1);
  Fleet fleet(pool);
  save_on(fleet, checkpoints, loaded, 8);
  EXPECT_EQ(files(), (std::vector<std::string>{"8.0-of-1.part", "manifest.json"}));
}

TEST_F(CheckpointFiles, OnlyLeftoversOfCheckpointsAreRemoved) {
  Memory memory(3);
  save(memory, 2);
  put(part(0, 1, 3), "of a checkpoint before");
  put(part(1, 2, 9), "of one that was not finished");
  put(part(0, 2, 9) + ".part", "not whole");
  put(manifest() + ".part", "not whole");
  put(manifest() + ".part-2", "not whole");
  put(folder() + "/notes.txt", "of the user");
  Checkpoints checkpoints(folder(), kIdentity);
  checkpoints.load(memory.state(), 3, {0, 3});
  checkpoints.remove_leftovers();
  EXPECT_EQ(files(),
            (std::vector<std::string>{"7.0-of-2.part", "7.1-of-2.part", "manifest.json", "notes.txt"}));
}

TEST_F(CheckpointFiles, OneThatCannotBeWrittenLeavesTheOneBefore) {
  Memory memory(3), loaded(3);
  memory.fill(1);
  ThreadPool pool(1);
  Fleet fleet(pool);
  Checkpoints checkpoints(folder(), kIdentity);
  save_on(fleet, checkpoints, memory, 7);
  Memory other(3);
  other.fill(2);
  // A folder takes each name under which the file could be written.
  const auto beside = [](const std::string& file) {
    std::vector<std::string> names = {file + ".part"};
    for (int count = 2; count <= 100; ++count) names.push_back(fmt::format("{}.part-{}", file, count));
    return names;
  };
  for (const auto& taken : {std::vector{part(0, 1, 8)}, beside(part(0, 1, 8)), beside(manifest())}) {
    for (const std::string& name : taken) fs::create_directory(name);
    EXPECT_THROW(save_on(fleet, checkpoints, other, 8), RunError) << taken.front();
    for (const std::string& name : taken) fs::remove(name);
    expect_same(Checkpoints(folder(), kIdentity).load(loaded.state(), 3, {0, 3}), progress_at(7));
    EXPECT_TRUE(loaded.is_as(memory)) << taken.front();
  }
  save_on(fleet, checkpoints, other, 8);
  expect_same(Checkpoints(folder(), kIdentity).load(loaded.state(), 3, {0, 3}), progress_at(8));
  EXPECT_TRUE(loaded.is_as(other));
  EXPECT_EQ(files(), (std::vector<std::string>{"8.0-of-1.part", "manifest.json"}));
}

TEST_F(CheckpointFiles, AFolderThatCannotBeMadeIsNamed) {
  const std::string file = temporary_.write("file", "");
  EXPECT_THAT(error_of([&] { Checkpoints(file + "/checkpoint", kIdentity).make_folder(); }),
              AllOf(StartsWith("cannot make the folder " + file), HasSubstr("Not a directory")));
  EXPECT_FALSE(Checkpoints::any(file));
  EXPECT_FALSE(Checkpoints::any(temporary_.path("nowhere")));
  const std::string too_long(300, 'x');
  EXPECT_EQ(error_of([&] { (void)Checkpoints::any(too_long); }),
            too_long + ": cannot look for a checkpoint: File name too long");
}

/// Damaged versions of a file. Each must be detected.
std::vector<std::pair<std::string, std::string>> damaged(const std::string& whole) {
  std::vector<std::pair<std::string, std::string>> contents;
  for (std::size_t b = 0; b < whole.size(); ++b) {
    for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
      std::string flipped = whole;
      flipped[b] = static_cast<char>(static_cast<unsigned char>(flipped[b]) ^ flip);
      contents.emplace_back(fmt::format("byte {} ^ {}", b, flip), flipped);
    }
    contents.emplace_back(fmt::format("cut to {}", b), whole.substr(0, b));
    std::string zeros = whole;  // as file systems may leave zeros after a crash
    std::fill(zeros.begin() + static_cast<std::ptrdiff_t>(b), zeros.end(), '\0');
    if (zeros != whole) contents.emplace_back(fmt::format("zeros from {}", b), zeros);
  }
  for (const char c : {'\0', 'x'}) contents.emplace_back("longer", whole + c);
  contents.emplace_back("twice", whole + whole);
  return contents;
}

TEST_F(CheckpointFiles, DamageToAPartIsSeenWhereverItIs) {
  Memory memory(3);
  memory.fill(1);
  save(memory, 2);
  for (const std::size_t rank : {0, 1}) {
    const std::string path = part(rank, 2);
    const std::string whole = content_of(path);
    for (const auto& [what, content] : damaged(whole)) {
      put(path, content);
      const std::string said = refusal();
      EXPECT_THAT(said, StartsWith(path + ": is ")) << what;
      EXPECT_EQ(said.find('\n'), std::string::npos) << said;
    }
    put(path, whole);
    EXPECT_EQ(refusal(), "no error");
  }
}

TEST_F(CheckpointFiles, DamageToTheManifestIsSeenWhereverItIs) {
  Memory memory(3);
  memory.fill(1);
  save(memory, 2);
  const std::string whole = content_of(manifest());
  for (const auto& [what, content] : damaged(whole)) {
    put(manifest(), content);
    Memory loaded(3);
    const std::string said = refusal(loaded);
    if (said == "no error") {  // only white space differs
      EXPECT_TRUE(loaded.is_as(memory)) << what;
      expect_same(Checkpoints(folder(), kIdentity).load(loaded.state(), 3, {0, 3}), progress_at(7));
    } else {
      EXPECT_THAT(said, StartsWith(manifest() + ": is ")) << what;
      EXPECT_EQ(said.find('\n'), std::string::npos) << said;
    }
  }
}

TEST_F(CheckpointFiles, WhatIsMissingIsNamed) {
  Memory memory(3);
  const std::string incomplete = ": cannot read: No such file or directory; the checkpoint is not complete";
  fs::create_directories(folder());
  EXPECT_EQ(refusal(), manifest() + incomplete);
  save(memory, 2);
  for (const std::size_t rank : {0, 1}) {
    fs::rename(part(rank, 2), part(rank, 9));
    EXPECT_EQ(refusal(), part(rank, 2) + incomplete);
    fs::rename(part(rank, 9), part(rank, 2));
  }
  // A folder in place of a file.
  fs::remove(part(1, 2));
  fs::create_directory(part(1, 2));
  EXPECT_THAT(refusal(), StartsWith(part(1, 2) + ": "));
  fs::remove(manifest());
  fs::create_directory(manifest());
  EXPECT_THAT(refusal(), StartsWith(manifest() + ": "));
}

TEST_F(CheckpointFiles, PartsOfOtherCheckpointsAreRefused) {
  const std::string other_runs = " is part of another run's checkpoint";
  Memory memory(4);
  save(memory, 2);
  const std::string first = content_of(part(0, 2));
  put(part(0, 2), content_of(part(1, 2)));
  EXPECT_EQ(refusal(memory), part(0, 2) + ":" + other_runs) << "another rank's";
  for (const auto& [ranks, round, identity] :
       {std::tuple{std::size_t{1}, std::size_t{7}, kIdentity}, {2, 6, kIdentity}, {2, 7, "seed = 2\n"}}) {
    save(memory, ranks, round, identity);
    const std::string others = content_of(part(0, ranks, round));
    save(memory, 2);
    put(part(0, 2), others);
    EXPECT_EQ(refusal(memory), part(0, 2) + ":" + other_runs) << ranks << round << identity;
  }
  put(part(0, 2), first);
  EXPECT_EQ(refusal(memory), "no error");
}

TEST_F(CheckpointFiles, AnotherRunIsToldByTheFactThatDiffers) {
  Memory memory(3);
  save(memory);
  EXPECT_EQ(refusal(memory, "problem = p\nseed = 2\n"),
            manifest() + ": is of another run: it has seed = 1, this run has seed = 2");
  EXPECT_EQ(refusal(memory, "problem = p\n"),
            manifest() + ": is of another run: it has seed = 1, this run has nothing");
}

TEST_F(CheckpointFiles, AnotherVersionIsRefused) {
  Memory memory(3);
  save(memory);
  change_manifest("laconic checkpoint", 99);
  EXPECT_EQ(refusal(), manifest() + ": is a checkpoint of version 99; need 4");
  change_manifest("laconic checkpoint", "three");
  EXPECT_EQ(refusal(), manifest() + ": is a checkpoint of version \"three\"; need 4");
  save(memory);
  put(part(0, 1), "laconic part 2\n" + content_of(part(0, 1)).substr(15));
  EXPECT_EQ(refusal(), part(0, 1) + ": is not part of a checkpoint that this version of laconic reads");
}

TEST_F(CheckpointFiles, AManifestWithoutItsFactsIsRefused) {
  Memory memory(3);
  for (const char* key : {"round", "ranks", "seconds", "bytes_sent", "bytes_received", "network_seconds",
                          "last", "trace_checksum", "identity"}) {
    save(memory);
    change_manifest(key, nullptr);
    EXPECT_EQ(refusal(), manifest() + ": is damaged: not the manifest of a checkpoint") << key;
  }
  for (const char* text : {"", "{}", "[]", "1", "null", "{\"laconic checkpoint\": 4}", "\xff\xfe"}) {
    put(manifest(), text);
    EXPECT_EQ(refusal(), manifest() + ": is damaged: not the manifest of a checkpoint") << text;
  }
}

TEST_F(CheckpointFiles, WhatAnotherMethodRemembersIsRefused) {
  const std::string mismatch = ": does not hold what this method remembers";
  Memory saved(4);
  save(saved, 2);
  const auto refused = [&](const std::function<void(State&)>& change, Range own = {0, 4}) {
    Memory memory(4);
    State state = memory.state(own);
    change(state);
    return error_of([&] { Checkpoints(folder(), kIdentity).load(state, 4, own); });
  };
  EXPECT_EQ(refused([](State&) {}), "no error");
  Vector longer(3), shorter(1);
  EXPECT_EQ(refused([](State& state) { state.shared.clear(); }), part(0, 2) + mismatch);
  EXPECT_EQ(refused([&](State& state) { state.shared[0] = longer; }), part(0, 2) + mismatch);
  EXPECT_EQ(refused([](State& state) { state.clients[1].pop_back(); }), part(0, 2) + mismatch);
  EXPECT_EQ(refused([&](State& state) { state.clients[3][0] = shorter; }), part(1, 2) + mismatch);
  // It ends before the vectors of the client that this rank owns.
  Memory few(2);
  save(few, 1);
  EXPECT_EQ(refused([](State&) {}, {3, 4}), part(0, 1) + mismatch);
}

}  // namespace
}  // namespace laconic
