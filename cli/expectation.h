// SPDX-License-Identifier: Apache-2.0
// Statements about the best scores of a sweep, as its key `expect` has them:
//
//   expect    := statement { ';' statement }
//   statement := product ( '<=' | '>=' | '<' | '>' ) product
//   product   := factor { ( '*' | '/' ) factor }
//   factor    := number | method
//   method    := name (ef21: the best of all ef21(...)) | "text" (in full, or as the sweep writes it)
//
// A statement is made of every scene (problem, clients and split) of the sweep.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace laconic::cli {

struct Factor {
  double number = 1;
  std::string method;  // empty: the number
  bool divides = false;
};

struct Expectation {
  std::string text;
  std::vector<Factor> left, right;
  std::string relation;
};

/// Throws InputError naming the statement.
std::vector<Expectation> parse_expectations(const std::string& text);

struct Verdict {
  double left = 0, right = 0;
  bool holds = false;  // never where a score is infinite: who did not reach the target proves nothing
};

/// `score` gives the best score of a method.
Verdict judge(const Expectation& expectation, const std::function<double(const std::string& method)>& score);

}  // namespace laconic::cli
