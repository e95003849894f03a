// SPDX-License-Identifier: Apache-2.0
// Statements about the best scores of a sweep, as its key `expect` has them:
//
//   expect    := statement { ';' statement }
//   statement := [ claim ':' ] product relation product [ relation product ]
//   relation  := '<=' | '>=' | '<' | '>'
//   claim     := what the statement shows, in words
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

#include "laconic/sweep/grid.h"

namespace laconic {

struct Factor {
  double number = 1;
  std::string method = {};         // empty: the number
  std::vector<Choice> where = {};  // what its runs have at some axes
  std::string measure = {};        // empty: the sweep's
  std::string text = {};           // of a method: the factor as written
  bool divides = false;
};

using Product = std::vector<Factor>;

/// 0.9 <= ef21 / clag <= 1.1: products with a relation between each two that follow each other.
struct Expectation {
  std::string claim;  // may be empty
  std::string text;   // without the claim
  std::vector<Product> products;
  std::vector<std::string> relations;
};

/// Those of its factors that are no numbers, from left to right.
std::vector<const Factor*> methods_in(const Expectation& expectation);

/// Throws InputError naming the statement.
std::vector<Expectation> parse_expectations(const std::string& text);

struct Verdict {
  std::vector<double> values;  // of the products
  bool holds = false;          // never where a score is infinite: who did not reach the target proves nothing
};

/// The statement with its products worked out: "0.9 <= 1.02 <= 1.1".
std::string in_numbers(const Expectation& expectation, const Verdict& verdict);

/// `score` gives the number that stands for a method.
Verdict judge(const Expectation& expectation, const std::function<double(const Factor& method)>& score);

}  // namespace laconic
