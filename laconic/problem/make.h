// SPDX-License-Identifier: Apache-2.0
// Problems by description: logistic(a9a, lambda=0.1, reg=nonconvex), quadratic(d=1000, s=6.4), ...
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
#include "laconic/problem/torch/options.h"

namespace laconic {

/// What a problem needs to know besides its own description.
struct ProblemSetting {
  std::size_t clients = 1;                // shards, >= 1
  Spec split{"contiguous"};               // how rows are dealt to clients (data/split.h)
  std::uint64_t split_seed = 1;           // of splits that draw
  std::vector<std::string> folders = {};  // where data sets are looked up by name (data/lookup.h)
  std::optional<IndexSet> own = {};       // shards whose data this process reads and keeps; unset: all
  DataCache* cache = nullptr;  // of whole data sets, where many problems are made and `own` is unset
  /// Told, once, how the rows of a data set are dealt, where labels are classes: of problems that classify.
  std::function<void(const std::vector<double>& labels, const Shards& shards)> on_classes_dealt = {};
  /// Told what a user should know of the data though nothing is wrong, a sentence each: a test set that was
  /// found but does not fit, labels that may be no classes.
  std::function<void(const std::string& remark)> on_remark = {};
  /// Told what begins, as in "reading a9a", before each part that may take long. May throw, which ends it.
  std::function<void(const std::string& stage)> on_stage = {};
  MakeTorchNetwork* make_torch_network = nullptr;  // of torch(...), for programs that link laconic_torch
};

/// Throws InputError: an unknown problem or argument, a value out of its range (`column 1: logistic(a9a,
/// lambda=-1): lambda = -1; need lambda >= 0`), data that is not found or does not fit.
std::unique_ptr<Problem> make_problem(const Spec& spec, const ProblemSetting& setting);

/// One row of the table of problems.
struct ProblemRow {
  std::string name;
  std::string usage;    // as the user writes it
  std::string summary;  // one line
  std::function<std::unique_ptr<Problem>(Arguments& arguments, const ProblemSetting& setting)> make;
  std::optional<std::size_t> data = {};  // which of its arguments names a data set, from 0
};

/// What may stand where a data set is named.
struct GeneratedRow {
  const char* name;
  const char* usage;    // as the user writes it
  const char* summary;  // one line
};
const GeneratedRow& generated_row();

/// Every problem there is.
const std::deque<ProblemRow>& problems();
/// Adds a problem, as register_method() adds a method. A problem that has clients' data of its own takes
/// setting.clients of them.
void register_problem(ProblemRow row);

/// The data set that a problem names; nothing where it draws its rows, has none, or is unknown.
std::optional<std::string> data_named(const Spec& problem);

}  // namespace laconic
