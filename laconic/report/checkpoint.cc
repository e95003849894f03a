// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/checkpoint.h"

#include <bit>
#include <cstring>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/checksum.h"
#include "laconic/core/error.h"
#include "laconic/core/lines.h"
#include "laconic/core/range.h"
#include "laconic/core/read_whole.h"
#include "laconic/report/file.h"
#include "laconic/report/row_json.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little, "parts are written as the machine stores numbers");

constexpr int kVersion = 4;
constexpr std::string_view kMagic = "laconic part 1\n";

std::string content_of(const std::string& path) {
  try {
    return read_whole(path);
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}; the checkpoint is not complete", error.what()));
  }
}

[[noreturn]] void refuse(const std::string& path, std::string_view why) {
  throw InputError(fmt::format("{}: {}", path, why));
}

/// The header of a part, by which a part is checked to be the expected one.
struct PartHeader {
  std::uint64_t identity;  // checksum of the run's
  std::uint64_t round;
  std::uint64_t rank;
  std::uint64_t ranks;

  bool operator==(const PartHeader&) const = default;
};

class PartWriter {
 public:
  PartWriter(std::string path, const PartHeader& header) : file_(std::move(path)) {
    append(kMagic);
    put(header);
  }

  template <class Number>
  void put(const Number& number) {
    append({reinterpret_cast<const char*>(&number), sizeof number});
  }
  void put_all(const std::vector<MutView>& vectors) {
    put(std::uint64_t{vectors.size()});
    for (const MutView v : vectors) {
      put(std::uint64_t{v.size()});
      append({reinterpret_cast<const char*>(v.data()), v.size_bytes()});
    }
  }
  void commit() {
    const std::uint32_t sum = checksum_;
    put(sum);
    file_.commit();
  }

 private:
  void append(std::string_view bytes) {
    checksum_ = checksum_of(bytes, checksum_);
    file_.append(bytes.data(), bytes.size());
  }

  WholeFile file_;
  std::uint32_t checksum_ = 0;
};

/// Reads a part in memory with a correct checksum: its content is as written, so any mismatch means that it
/// belongs to another run.
class PartReader {
 public:
  PartReader(std::string path, const PartHeader& header)
      : path_(std::move(path)), content_(content_of(path_)) {
    constexpr std::size_t kSum = sizeof(std::uint32_t);
    if (content_.size() < kMagic.size() + kSum || !content_.starts_with(kMagic))
      refuse(path_, "is not part of a checkpoint that this version of laconic reads");
    rest_ = std::string_view(content_).substr(0, content_.size() - kSum);
    std::uint32_t sum = 0;
    std::memcpy(&sum, content_.data() + rest_.size(), kSum);
    if (sum != checksum_of(rest_)) refuse(path_, "is damaged: its checksum is not that of its content");
    rest_.remove_prefix(kMagic.size());
    if (get<PartHeader>() != header) refuse(path_, "is part of another run's checkpoint");
  }

  template <class Number>
  Number get() {
    Number number;
    take(&number, sizeof number);
    return number;
  }
  void get_all(const std::vector<MutView>& vectors) {
    if (get<std::uint64_t>() != vectors.size()) mismatch();
    for (const MutView v : vectors) {
      if (get<std::uint64_t>() != v.size()) mismatch();
      take(v.data(), v.size_bytes());
    }
  }
  void pass_over_vectors() {
    for (auto vectors = get<std::uint64_t>(); vectors > 0; --vectors)
      take(nullptr, get<std::uint64_t>() * sizeof(double));
  }

 private:
  void take(void* to, std::size_t bytes) {
    if (bytes > rest_.size()) mismatch();
    if (to != nullptr && bytes > 0) std::memcpy(to, rest_.data(), bytes);
    rest_.remove_prefix(bytes);
  }
  [[noreturn]] void mismatch() const { refuse(path_, "does not hold what this method remembers"); }

  std::string path_;
  std::string content_;
  std::string_view rest_;
};

}  // namespace

struct Checkpoints::Manifest {
  Progress progress;
  std::size_t ranks = 0;
};

Checkpoints::Checkpoints(std::string folder, std::string identity)
    : folder_(std::move(folder)), identity_(std::move(identity)) {}

void Checkpoints::make_folder() {
  if (std::exchange(folder_made_, true)) return;
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw InputError(fmt::format("cannot make the folder {}: {}", folder_, error.message()));
}

std::string Checkpoints::manifest_path() const { return folder_ + "/manifest.json"; }

std::string Checkpoints::part_path(std::size_t round, std::size_t rank, std::size_t ranks) const {
  return fmt::format("{}/{}.{}-of-{}.part", folder_, round, rank, ranks);
}

bool Checkpoints::any(const std::string& folder) {
  std::error_code error;
  const bool found = fs::exists(fs::path(folder) / "manifest.json", error);
  // An error must not count as a missing checkpoint: the run would start over.
  if (error) refuse(folder, fmt::format("cannot look for a checkpoint: {}", error.message()));
  return found;
}

void Checkpoints::save(Fleet& fleet, const Progress& progress, const State& state) {
  const std::size_t rank = fleet.transport().rank();
  const std::size_t ranks = fleet.transport().size();
  make_folder();
  {
    PartWriter part(part_path(progress.round, rank, ranks),
                    {checksum_of(identity_), progress.round, rank, ranks});
    part.put(static_cast<const Totals&>(*state.ledger));
    part.put_all(rank == 0 ? state.shared : std::vector<MutView>{});
    for (const auto& vectors : state.clients) part.put_all(vectors);
    part.commit();
  }
  fleet.wait_for_all();  // after this all parts are complete
  if (rank > 0) return;
  Json json = {{"laconic checkpoint", kVersion},
               {"round", progress.round},
               {"ranks", ranks},
               {"seconds", progress.timing.seconds},
               {"bytes_sent", progress.timing.bytes_sent},
               {"bytes_received", progress.timing.bytes_received},
               {"network_seconds", progress.network_seconds},
               {"last", json_of(progress.last)},
               {"trace_checksum", progress.trace_checksum},
               {"identity", identity_}};
  json["checksum"] = checksum_of(json.dump());
  write_whole(manifest_path(), json.dump(1) + "\n");
  if (saved_) {
    std::error_code ignored;  // a file that is not removed does no harm
    for (std::size_t r = 0; r < saved_->ranks; ++r)
      fs::remove(part_path(saved_->round, r, saved_->ranks), ignored);
  }
  saved_ = {progress.round, ranks};
}

Checkpoints::Manifest Checkpoints::read_manifest() const {
  const std::string path = manifest_path();
  Manifest manifest;
  std::string theirs;
  try {
    Json json = Json::parse(content_of(path));
    if (json.at("laconic checkpoint") != kVersion)
      refuse(path, fmt::format("is a checkpoint of version {}; need {}", json["laconic checkpoint"].dump(),
                               kVersion));
    const auto sum = json.at("checksum").get<std::uint32_t>();
    json.erase("checksum");
    if (sum != checksum_of(json.dump())) refuse(path, "is damaged: its checksum is not that of its content");
    manifest.progress = {.round = json.at("round"),
                         .timing = {json.at("seconds"), json.at("bytes_sent"), json.at("bytes_received")},
                         .network_seconds = json.at("network_seconds"),
                         .last = row_of(json.at("last")),
                         .trace_checksum = json.at("trace_checksum")};
    manifest.ranks = json.at("ranks");
    theirs = json.at("identity");
  } catch (const nlohmann::json::exception&) {
    refuse(path, "is damaged: not the manifest of a checkpoint");
  }
  if (theirs != identity_) {
    const auto [of_theirs, of_ours] = first_difference(theirs, identity_);
    refuse(path, fmt::format("is of another run: it has {}, this run has {}", of_theirs, of_ours));
  }
  return manifest;
}

void Checkpoints::remove_leftovers() const {
  std::set<fs::path> kept;
  for (std::size_t r = 0; saved_ && r < saved_->ranks; ++r)
    kept.insert(part_path(saved_->round, r, saved_->ranks));
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    const bool is_ours = entry.path().extension().string().starts_with(".part");  // also unfinished ones
    if (is_ours && !kept.contains(entry.path())) fs::remove(entry.path(), ignored);
  }
}

Progress Checkpoints::load(const State& state, std::size_t clients, Range own) {
  const Manifest manifest = read_manifest();
  folder_made_ = true;
  const std::size_t round = manifest.progress.round;
  for (std::size_t rank = 0; rank < manifest.ranks; ++rank) {
    const Range theirs = block_of(clients, rank, manifest.ranks);
    if (rank > 0 && (theirs.end <= own.begin || own.end <= theirs.begin)) continue;
    PartReader part(part_path(round, rank, manifest.ranks),
                    {checksum_of(identity_), round, rank, manifest.ranks});
    const auto totals = part.get<Totals>();
    if (rank == 0) {
      static_cast<Totals&>(*state.ledger) = totals;
      part.get_all(state.shared);
    } else {
      part.pass_over_vectors();
    }
    for (std::size_t i = theirs.begin; i < theirs.end; ++i) {
      if (own.contains(i)) {
        part.get_all(state.clients[i - own.begin]);
      } else {
        part.pass_over_vectors();
      }
    }
  }
  saved_ = {round, manifest.ranks};
  return manifest.progress;
}

}  // namespace laconic
