// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/terms.h"

#include <cstddef>
#include <initializer_list>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/core/error.h"

namespace laconic::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

Offer with_labels(std::initializer_list<double> labels) {
  Offer offer = {.rows = labels.size(), .columns = 1};
  offer.classes.emplace();
  for (const double label : labels) ++(*offer.classes)[label];
  return offer;
}

std::vector<double> left_of(std::vector<Offer> offers) {
  const std::size_t all = offers.size();
  leave_out_oddest(offers);
  EXPECT_THAT(offers, SizeIs(all - 1));
  return common_terms(offers).labels;
}

TEST(Terms, TheOfferWithTheRarestLabelIsLeftOut) {
  const Offer usual = with_labels({-1, 1});
  EXPECT_THAT(left_of({with_labels({0, 1}), usual, usual}), ElementsAre(-1, 1));
  EXPECT_THAT(left_of({usual, with_labels({-1}), with_labels({7})}), ElementsAre(-1, 1));
  EXPECT_THAT(left_of({with_labels({0.1, 0.2, 0.3}), with_labels({1}), with_labels({2})}), ElementsAre(1, 2))
      << "of labels as rare, the offer with the most labels";
  EXPECT_THAT(left_of({with_labels({1}), with_labels({2}), with_labels({3})}), ElementsAre(1, 2))
      << "and then the last";
  const Offer no_classes = {.rows = 1, .columns = 1};
  EXPECT_THAT(left_of({no_classes, usual}), ElementsAre(-1, 1));
  EXPECT_THAT(left_of({usual, no_classes, usual}), ElementsAre(-1, 1));
  EXPECT_THAT(left_of({usual}), IsEmpty());
}

TEST(Terms, AnOfferThatIsLongerThanItsLimitIsRefusedUnread) {
  const std::string brackets(Offer::kLongest, '[');
  EXPECT_THAT([&] { Offer::read(brackets + "["); },
              ThrowsMessage<InputError>(HasSubstr("has 65537 bytes; need at most 65536")));
  EXPECT_THAT([&] { Offer::read(brackets); },
              ThrowsMessage<InputError>(HasSubstr("does not say what rows it has")));
}

TEST(Terms, AreReadAsTheyWereWritten) {
  const Terms terms = {7, {-1, 0.5}, {"north", "south"}};
  const Terms read = Terms::read(terms.text());
  EXPECT_EQ(read.columns, 7U);
  EXPECT_EQ(read.labels, terms.labels);
  EXPECT_EQ(read.roster, terms.roster);
  EXPECT_THROW(Terms::read(R"({"columns": 7, "labels": []})"), RunError);
}

/// A lying server could otherwise have a site read a file of its choice, and tell a line of it as an error.
TEST(Terms, WhatNoRunAcrossSitesHasIsRefused) {
  const auto across = [](const std::string& words) {
    return [words] {
      require_across_sites(describe(
          std::vector<KeyValue>{{"problem", "logistic(columns=3)", ""},
                                {"method", "gd", ""},
                                {"step", "0.1", ""},
                                {words.substr(0, words.find('=')), words.substr(words.find('=') + 1), ""}}));
    };
  };
  EXPECT_NO_THROW(across("stragglers=first-r(20)")());
  EXPECT_THAT(across("topology=edges(rows.svm)"), ThrowsMessage<InputError>(HasSubstr("topology: ")));
  EXPECT_THAT(across("mixing=lazy"), ThrowsMessage<InputError>(HasSubstr("mixing: ")));
  EXPECT_THAT(across("rounds=3"), ThrowsMessage<InputError>(HasSubstr("there is no clock")));
  EXPECT_THAT(across("stragglers=bernoulli(0.2)"), ThrowsMessage<InputError>(HasSubstr("is a model")));
}

}  // namespace
}  // namespace laconic::testing
