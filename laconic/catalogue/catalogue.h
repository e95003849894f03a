// SPDX-License-Identifier: Apache-2.0
// The names that a user can write, with their descriptions: the tables of all rooms in one form. `laconic help`,
// `laconic list`, the reference and the completion of the shell read them here, so a row that is added to a table
// has them at once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace laconic {

/// A name. `facts` are pairs of a heading and a text, such as "default" and "20".
struct NameRow {
  std::string name;
  std::string usage;  // as the user writes it
  std::string summary;
  std::vector<std::pair<std::string, std::string>> facts = {};
};

/// The names of one kind.
struct NameTable {
  std::string name;   // as `laconic list` takes it: methods
  std::string kind;   // of one entry: method
  std::string title;  // a heading
  std::vector<NameRow> entries;
  std::string key = {};  // the entries are values of this key of a run; empty: none
};

/// All tables, those of the keys first.
std::vector<NameTable> catalogue();

/// An entry, and its table. Both belong to the tables.
struct Found {
  const NameTable* table;
  const NameRow* entry;
};
/// All entries of that name. Of a spec, as in marina(rand-k(10)), its name counts.
std::vector<Found> entries_named(std::string_view name, const std::vector<NameTable>& tables);
/// nullptr if there is none.
const NameTable* table_named(std::string_view name, const std::vector<NameTable>& tables);
/// InputError that suggests a name near to it, if a name is neither that of a table nor of an entry.
void require_names(const std::vector<std::string>& names, const std::vector<NameTable>& tables);
/// The names of all tables and entries, each once.
std::vector<std::string> names_in(const std::vector<NameTable>& tables);

/// The fact with the heading; "" if there is none.
std::string fact(const NameRow& entry, std::string_view heading);

}  // namespace laconic
