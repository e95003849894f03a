// SPDX-License-Identifier: Apache-2.0
// Makes problems from their descriptions: logistic(a9a, lambda=0.1, reg=nonconvex), quadratic(d=1000, s=6.4),
// ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "laconic/core/index_set.h"
#include "laconic/core/spec.h"
#include "laconic/data/lookup.h"
#include "laconic/data/split.h"
#include "laconic/problem/problem.h"
#include "laconic/problem/torch_options.h"

namespace laconic {

/// The data of a problem across sites, in place of the data set that the description names, if it names one.
struct SiteData {
  std::size_t columns = 0;
  std::vector<double> labels = {};  // of the rows of all sites, ascending; empty: they are no classes
  std::shared_ptr<const Dataset> rows = {};  // of this site; null at the server, which has none
};

/// The inputs of a problem other than its description.
struct ProblemSetting {
  std::size_t clients = 1;                // shards, >= 1
  Spec split{"contiguous"};               // how rows are split among clients (data/split.h)
  std::uint64_t split_seed = 1;           // of random splits
  std::vector<std::string> folders = {};  // where data sets are looked up by name (data/lookup.h)
  std::optional<IndexSet> own = {};       // the shards that this process reads and keeps; unset: all
  /// If set, shard 0 has all rows of the site, and no other shard is of use. At the server the rows of shard
  /// 0 are 0: only the dimension, the start, the structure and the test set count. Leave clients and split
  /// alone.
  std::optional<SiteData> site = {};
  bool false_labels = false;   // replaces all labels by false ones, after the split
  DataCache* cache = nullptr;  // caches whole data sets, for many problems with `own` unset; may be null
  /// Called once with the split of the rows, for problems that classify.
  std::function<void(const std::vector<double>& labels, const Shards& shards)> on_classes_dealt = {};
  /// Called with remarks for the user that are not errors, one sentence each: a test set was found but does
  /// not fit, or the labels may not be classes.
  std::function<void(const std::string& remark)> on_remark = {};
  /// Called before each part that may take long, with its name, as in "reading a9a". May throw, which ends
  /// make_problem().
  std::function<void(const std::string& stage)> on_stage = {};
  /// Called several times a second while data is read. It may throw.
  std::function<void()> working = {};
  MakeTorchNetwork* make_torch_network = nullptr;  // of torch(...); set by programs that link laconic_torch
};

/// Throws InputError for an unknown problem or argument, for a value out of its range (`column 1:
/// logistic(a9a, lambda=-1): lambda = -1; need lambda >= 0`), and for data that is not found or does not fit.
std::unique_ptr<Problem> make_problem(const Spec& spec, const ProblemSetting& setting);

/// One row of the table of problems.
struct ProblemRow {
  std::string name;
  std::string usage;    // as the user writes it
  std::string summary;  // one line
  std::function<std::unique_ptr<Problem>(Arguments& arguments, const ProblemSetting& setting)> make;
  std::optional<std::size_t> data = {};  // index from 0 of the argument that names a data set
};

/// Generated data, which can be named in place of a data set.
struct GeneratedRow {
  const char* name;
  const char* usage;    // as the user writes it
  const char* summary;  // one line
};
const GeneratedRow& generated_row();

/// All registered problems.
const std::deque<ProblemRow>& problems();
/// Adds a problem, as register_method() adds a method. A problem that generates its own data should make
/// setting.clients shards.
void register_problem(ProblemRow row);

/// The data set that a problem names; unset where the problem generates its rows, has no data, or is unknown.
std::optional<std::string> data_named(const Spec& problem);

}  // namespace laconic
