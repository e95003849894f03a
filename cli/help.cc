// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/terminal.h"
#include "cli/verb_table.h"
#include "cli/verbs.h"
#include "laconic/catalogue/completion.h"
#include "laconic/catalogue/text.h"
#include "laconic/core/error.h"

namespace laconic::cli {
namespace {

/// The entries of that name, and the table of that name or of the values of that key.
std::string explained(const std::string& name, const std::vector<NameTable>& tables) {
  std::string text;
  const auto add = [&](const std::string& part) {
    text += fmt::format("{}{}", text.empty() ? "" : "\n", part);
  };
  for (const Found& found : entries_named(name, tables)) add(text_of(found));
  for (const NameTable& table : tables) {
    if (table.name == name || table.key == name) add(text_of(table));
  }
  return text;
}

}  // namespace

int help(const std::vector<std::string>& words) {
  if (words.empty()) {
    write_out(first_screen());
    return code_after_output(kDone);
  }
  const std::vector<NameTable> tables = all_tables();
  require_names(words, tables);
  std::string text;
  for (const std::string& name : words)
    text += fmt::format("{}{}", text.empty() ? "" : "\n", explained(name, tables));
  write_out(text);
  return code_after_output(kDone);
}

int completion(const std::vector<std::string>& words) {
  if (words != std::vector<std::string>{"bash"})
    throw InputError("completion: need the name of a shell: bash");
  write_out(bash_completion(all_tables()));
  return code_after_output(kDone);
}

}  // namespace laconic::cli
