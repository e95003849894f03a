// SPDX-License-Identifier: Apache-2.0
// Statements about the best scores of a sweep. The key `expect` has this grammar:
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
// k-gt[steps=5] is the best, by the sweep's measure, of the runs of k-gt with the value 5 at the axis steps.
// test-error(k-gt) is the value of another measure for the best run of k-gt. Values are written as in the
// sweep, without commas.
//
// A statement is checked on every workload (workload.h) of the sweep. If the brackets of a best name an axis
// of the workload, that best is taken from the workload that they name. The first such best also decides on
// which workloads the statement is checked. Example: d-sgd[zeta=10] >= 90 * d-sgd[zeta=1].
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "laconic/sweep/grid.h"

namespace laconic {

struct Factor {
  double number = 1;
  std::string method = {};         // empty: the factor is a number
  std::vector<Choice> where = {};  // the values of its runs at some axes
  std::string measure = {};        // empty: the sweep's measure
  std::string text = {};           // the factor as written, if it is a method
  bool divides = false;
};

using Product = std::vector<Factor>;

/// Products with a relation between each two neighbours: 0.9 <= ef21 / clag <= 1.1.
struct Expectation {
  std::string claim;  // may be empty
  std::string text;   // without the claim
  std::vector<Product> products;
  std::vector<std::string> relations;
};

/// The factors that are methods, from left to right.
std::vector<const Factor*> methods_in(const Expectation& expectation);

/// Throws InputError, which names the statement that is wrong.
std::vector<Expectation> parse_expectations(const std::string& text);

struct Verdict {
  std::vector<double> values;  // of the products
  // always false if a score is infinite: a run that missed the target proves nothing
  bool holds = false;
};

/// The statement with the values of its products: "0.9 <= 1.02 <= 1.1".
std::string in_numbers(const Expectation& expectation, const Verdict& verdict);

/// `score` returns the value of a factor that is a method.
Verdict judge(const Expectation& expectation, const std::function<double(const Factor& method)>& score);

}  // namespace laconic
