// SPDX-License-Identifier: Apache-2.0
#include "laconic/catalogue/completion.h"

#include <fmt/format.h>

namespace laconic {
namespace {

/// The names in the table, each followed by `end`, with spaces between.
std::string names_of(const NameTable* table, const char* end = "") {
  std::string names;
  if (table == nullptr) return names;
  for (const NameRow& entry : table->entries)
    names += fmt::format("{}{}{}", names.empty() ? "" : " ", entry.name, end);
  return names;
}

/// The cases of a shell's `case` that give the values of keys.
std::string values_of_keys(const std::vector<NameTable>& tables) {
  std::string cases;
  for (const NameTable& table : tables) {
    if (!table.key.empty()) cases += fmt::format("      {}) words=\"{}\" ;;\n", table.key, names_of(&table));
  }
  return cases;
}

}  // namespace

std::string bash_completion(const std::vector<NameTable>& tables) {
  std::string topics;
  for (const std::string& name : names_in(tables))
    topics += fmt::format("{}{}", topics.empty() ? "" : " ", name);
  // COMP_WORDBREAKS of most shells has =, so "key=value" arrives as three words; without it as one.
  return fmt::format(
      R"(# bash completion for laconic, made by `laconic completion bash`
_laconic() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} key= stem= words=
  if [[ $cur == '=' ]]; then
    key=$before cur=
  elif [[ $before == '=' ]]; then
    key=${{COMP_WORDS[COMP_CWORD-2]}}
  elif [[ $cur == *=* ]]; then
    key=${{cur%%=*}} stem=$key= cur=${{cur#*=}}
  fi
  if [[ -n $key ]]; then
    case $key in
{values}    esac
  elif (( COMP_CWORD == 1 )); then
    words="{verbs}"
  else
    case ${{COMP_WORDS[1]}} in
      run|theory|advise) words="{keys}" ;;
      sweep) words="{keys} {sweep_keys}" ;;
      help|list) words="{topics}" ;;
      cite) words="{methods}" ;;
      reproduce) words="all {experiments}" ;;
      completion) words="bash" ;;
    esac
  fi
  COMPREPLY=($(compgen -P "$stem" -W "$words" -- "$cur"))
  if [[ ${{#COMPREPLY[@]}} == 1 && ${{COMPREPLY[0]}} != *= && -z $key ]]; then
    COMPREPLY=("${{COMPREPLY[0]}} ")
  fi
}}
complete -o default -o nospace -F _laconic laconic
)",
      fmt::arg("values", values_of_keys(tables)), fmt::arg("verbs", names_of(table_named("verbs", tables))),
      fmt::arg("keys", names_of(table_named("keys", tables), "=")),
      fmt::arg("sweep_keys", names_of(table_named("sweep-keys", tables), "=")), fmt::arg("topics", topics),
      fmt::arg("methods", names_of(table_named("methods", tables))),
      fmt::arg("experiments", names_of(table_named("experiments", tables))));
}

}  // namespace laconic
