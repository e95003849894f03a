// SPDX-License-Identifier: Apache-2.0
// The verbs of the program as a table, for its help.
#pragma once

#include <string>
#include <vector>

#include "laconic/catalogue/catalogue.h"

namespace laconic::cli {

struct VerbRow {
  const char* name;
  const char* usage;
  const char* summary;
  const char* words;  // what the words after the verb are
};
const VerbRow& verb_named(const std::string& name);
std::vector<std::string> verb_names();

/// The verbs, everything in laconic/catalogue/, and the exit codes.
std::vector<NameTable> all_tables();

/// What `laconic` alone prints: what it is, the verbs, examples.
std::string first_screen();

}  // namespace laconic::cli
