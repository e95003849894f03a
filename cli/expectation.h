// SPDX-License-Identifier: Apache-2.0
// Statements about the best scores of a sweep, as its key `expect` has them:
//
//   expect    := statement { ';' statement }
//   statement := product ( '<=' | '>=' | '<' | '>' ) product
//   product   := factor { ( '*' | '/' ) factor }
//   factor    := number | best | measure '(' best ')'
//   best      := method [ '[' axis '=' value { ',' axis '=' value } ']' ]
//   method    := name (ef21: the best of all ef21(...)) | "text" (in full, or as the sweep writes it)
//
// k-gt[steps=5] is the best of those runs of k-gt that have 5 at the axis steps, by the sweep's measure, and
// test-error(k-gt) what another measure says of that best one. Values are as the sweep writes them, without
// commas. A statement is made of every scene (problem, clients, split, target) of the sweep; a best whose brackets name an axis of the problem is of that scene instead,
// and the first such one says of which scenes the statement is made: d-sgd[zeta=10] >= 90 * d-sgd[zeta=1].
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/grid.h"

namespace laconic::cli {

struct Factor {
  double number = 1;
  std::string method = {};         // empty: the number
  std::vector<Choice> where = {};  // what its runs have at some axes
  std::string measure = {};        // empty: the sweep's
  std::string text = {};           // of a method: the factor as written
  bool divides = false;
};

struct Expectation {
  std::string text;
  std::vector<Factor> left, right;
  std::string relation;
};

/// Those of its factors that are no numbers, from left to right.
std::vector<const Factor*> methods_in(const Expectation& expectation);

/// Throws InputError naming the statement.
std::vector<Expectation> parse_expectations(const std::string& text);

struct Verdict {
  double left = 0, right = 0;
  bool holds = false;  // never where a score is infinite: who did not reach the target proves nothing
};

/// `score` gives the number that stands for a method.
Verdict judge(const Expectation& expectation, const std::function<double(const Factor& method)>& score);

}  // namespace laconic::cli
