// SPDX-License-Identifier: Apache-2.0
// What a site and the server tell each other before the first order: what the site has, and what is to be
// computed. Both are letters with a JSON text; docs/wire_format.md.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "laconic/data/dataset.h"
#include "laconic/experiment/config.h"
#include "laconic/transport/mailbox.h"

namespace laconic {

/// Of a site, about its rows. It is the site's first letter, as the text of a Hello (served/letters.h).
struct Offer {
  std::size_t rows = 0;
  std::size_t columns = 0;
  /// The number of rows with each label; unset if there are too many labels to be classes (data/classes.h).
  std::optional<std::map<double, std::size_t>> classes = {};

  static Offer of(const Dataset& data);
  [[nodiscard]] std::string text() const;
  /// Throws InputError if the text is none, says what cannot be, or is longer than kLongest bytes. It may be
  /// anything.
  static Offer read(const std::string& text);
  static constexpr std::size_t kLongest = std::size_t{1} << 16;  // parsed JSON takes many times the memory
};

/// Of the server, to a site: the description of the run, and what all sites have in common.
struct Assignment {
  std::vector<KeyValue> settings = {};  // of a Config
  std::size_t columns = 0;
  std::vector<double> labels = {};  // ascending; empty: the labels are no classes

  [[nodiscard]] Letter letter() const;
  /// Throws RunError if the letter is none.
  static Assignment of(const Letter& letter);
};

/// What all sites of a run have in common.
struct Terms {
  std::size_t columns = 0;
  std::vector<double> labels = {};       // ascending; empty: the labels are no classes
  std::vector<std::string> roster = {};  // the name of each client

  /// Throws InputError if the rows of a site do not fit.
  void require_fits(const Offer& offer) const;
  [[nodiscard]] std::string text() const;
  /// Throws RunError if the text is none.
  static Terms read(const std::string& text);
};

/// Throws InputError if the config has what no run across sites can have. The server checks what it was given
/// by this, and a site what the server asks for.
void require_across_sites(const Config& config);

/// The most columns of a site, and the labels of all. If the labels of one site are no classes, none are.
Terms common_terms(const std::vector<Offer>& offers);

/// Removes the offer with the rarest label, that which the fewest offers have. Of several it is the one with
/// the rarest commonest label, then the one with the most labels, then the last. That the labels of an offer
/// are no classes counts as a label, and as the most labels. Needs an offer.
void leave_out_oddest(std::vector<Offer>& offers);

}  // namespace laconic
