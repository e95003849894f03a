// SPDX-License-Identifier: Apache-2.0
// The papers of methods and compressors.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace laconic {

struct Citation {
  const char* arxiv;  // the number, as in 2102.07845
  const char* key;    // of the BibTeX entry
  const char* authors;
  const char* title;
  int year;  // of the venue, or of the first version on arXiv
  const char* venue =
      "";  // where the paper was published; empty if it is only on arXiv, or if that is not known
};

/// All papers, by their numbers.
std::span<const Citation> citations();

/// The paper that a text such as MethodRow::paper names, "arXiv 2102.07845"; nullptr if there is none.
const Citation* citation_in(std::string_view text);

/// The paper of a compressor; nullptr if there is none.
const Citation* citation_of_compressor(std::string_view name);

/// The entry of the paper, in several lines.
std::string bibtex(const Citation& citation);

/// In a line: authors by their surnames, year, title, arXiv number.
std::string line_of(const Citation& citation);

}  // namespace laconic
