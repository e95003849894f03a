// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "cli/terminal.h"
#include "cli/verbs.h"
#include "laconic/compress/compressor.h"
#include "laconic/core/spec.h"
#include "laconic/methods/citations.h"
#include "laconic/methods/methods.h"

namespace laconic::cli {
namespace {

constexpr const char* kLaconic =
    "@software{laconic,\n"
    "  author = {{The laconic developers}},\n"
    "  title = {laconic},\n"
    "  version = {" LACONIC_VERSION
    "},\n"
    "  license = {Apache-2.0},\n"
    "}\n";

/// The paper of a method or compressor; a spec as marina(rand-k(10)) will do. nullptr if none is known, as of
/// gd. InputError for another name.
const Citation* paper_of(const std::string& word) {
  const std::string name = word.substr(0, word.find('('));
  std::vector<std::string> known;
  const Citation* paper = citation_of_compressor(name);
  for (const CompressorRow& row : compressors()) known.push_back(row.name);
  for (const MethodRow& row : methods()) {
    known.push_back(row.name);
    if (row.name == name) paper = citation_in(row.paper);
  }
  if (paper != nullptr || std::find(known.begin(), known.end(), name) != known.end()) return paper;
  throw InputError(
      fmt::format("cite: there is no method or compressor \"{}\"{}", name, did_you_mean(name, known)));
}

}  // namespace

int cite(const std::vector<std::string>& words) {
  std::vector<const Citation*> papers;
  for (const std::string& word : words) {
    const Citation* paper = paper_of(word);
    if (paper == nullptr) print_err("laconic: cite: no paper of {} is known here\n", word);
    if (paper != nullptr && std::find(papers.begin(), papers.end(), paper) == papers.end())
      papers.push_back(paper);
  }
  if (words.empty()) write_out(kLaconic);
  for (const Citation* paper : papers) write_out(bibtex(*paper));
  return code_after_output(kDone);
}

}  // namespace laconic::cli
