// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/terms.h"

#include <initializer_list>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace laconic::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Offer with_labels(std::initializer_list<double> labels) {
  Offer offer = {.rows = labels.size(), .columns = 1};
  offer.classes.emplace();
  for (const double label : labels) ++(*offer.classes)[label];
  return offer;
}

std::vector<double> left_of(std::vector<Offer> offers) {
  leave_out_rarest_label(offers);
  return common_terms(offers).labels;
}

TEST(Terms, TheOffersWithTheRarestLabelAreLeftOut) {
  const Offer usual = with_labels({-1, 1});
  EXPECT_THAT(left_of({with_labels({0, 1}), usual, usual}), ElementsAre(-1, 1));
  EXPECT_THAT(left_of({with_labels({-1}), usual, with_labels({7})}), ElementsAre(-1, 1))
      << "of labels as rare, the greatest";
  const Offer no_classes = {.rows = 1, .columns = 1};
  EXPECT_THAT(left_of({no_classes, usual, usual}), ElementsAre(-1, 1));
  EXPECT_THAT(left_of({usual, usual}), IsEmpty()) << "all have it";
  EXPECT_THAT(left_of({}), IsEmpty());
}

}  // namespace
}  // namespace laconic::testing
