// SPDX-License-Identifier: Apache-2.0
// A row as a JSON object, with its column names as keys; the only header that includes nlohmann-json.
#pragma once

#include <optional>
#include <type_traits>

#include <nlohmann/json.hpp>

#include "laconic/report/trace.h"

namespace laconic {

/// Accuracies are left out if they are unset.
inline nlohmann::ordered_json json_of(const Row& row) {
  nlohmann::ordered_json json;
  for_each_column(row, [&](const char* name, const auto& value) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::optional<double>>) {
      if (value) json[name] = *value;
    } else {
      json[name] = value;
    }
  });
  return json;
}

/// Restores the same row, bit for bit. Throws nlohmann::json::exception if a number is missing or is not a
/// number.
inline Row row_of(const nlohmann::ordered_json& json) {
  Row row;
  for_each_column(row, [&](const char* name, auto& value) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::optional<double>>) {
      if (json.contains(name)) value = json[name].template get<double>();
    } else {
      json.at(name).get_to(value);
    }
  });
  return row;
}

}  // namespace laconic
