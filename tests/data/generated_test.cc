// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/generated.h"

#include <algorithm>
#include <cmath>

#include <Eigen/Dense>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace laconic {
namespace {

const SparseRows& sparse(const Dataset& data) { return std::get<SparseRows>(data.features); }

TEST(Generated, RowsHaveTheirEntriesAndScale) {
  for (const std::size_t columns : {1UL, 7UL, 1000UL, 4'000'000'000UL}) {
    for (const std::size_t nnz : {1UL, 7UL, 60UL}) {
      if (nnz > columns) continue;
      const GeneratedOptions options{.rows = 300, .columns = columns, .nnz = nnz};
      const Dataset data = generate(options, 5);
      EXPECT_EQ(data.rows, 300U);
      EXPECT_EQ(data.columns, columns);
      EXPECT_EQ(data.labels.size(), 300U);
      const SparseRows& rows = sparse(data);
      ASSERT_EQ(rows.begin.size(), 301U);
      double square = 0;
      std::uint32_t largest = 0;
      for (std::size_t i = 0; i < 300; ++i) {
        ASSERT_EQ(rows.begin[i + 1], (i + 1) * nnz);
        for (std::size_t e = i * nnz; e < (i + 1) * nnz; ++e) {
          ASSERT_LT(rows.column[e], columns);
          ASSERT_TRUE(e == i * nnz || rows.column[e - 1] < rows.column[e]);
          largest = std::max(largest, rows.column[e]);
          square += rows.value[e] * rows.value[e] / 300;
        }
      }
      EXPECT_NEAR(square, 1, 0.2) << nnz;
      EXPECT_GT(largest, 0.9 * static_cast<double>(columns - 1) - 1) << "all columns are drawn from";
    }
  }
}

TEST(Generated, AClientIsAFunctionOfItsNumberAndTheSeed) {
  const GeneratedOptions options{.rows = 20, .columns = 50, .nnz = 6};
  const auto text = [](const Dataset& data) {
    return std::pair(sparse(data).value, std::pair(sparse(data).column, data.labels));
  };
  EXPECT_EQ(text(generate(options, 3)), text(generate(options, 3)));
  EXPECT_NE(text(generate(options, 3)), text(generate(options, 4)));
  GeneratedOptions other = options;
  other.seed = 2;
  EXPECT_NE(text(generate(options, 3)), text(generate(other, 3)));
  other = options;
  other.rows = 40;
  const Dataset more = generate(other, 3);
  EXPECT_TRUE(std::equal(more.labels.begin(), more.labels.begin() + 20, generate(options, 3).labels.begin()))
      << "more rows are these and others";
}

TEST(Generated, UnitsAndDirectionsChangeTheFeaturesAlone) {
  const GeneratedOptions options{.rows = 30, .columns = 12, .nnz = 12, .law = GeneratedOptions::Law::normal};
  GeneratedOptions scaled = options;
  scaled.decades = 3;
  GeneratedOptions turned = scaled;
  turned.rotated = true;
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto rows = [](const GeneratedOptions& o) {
    const Dataset data = generate(o, 2);
    return Matrix(Eigen::Map<const Matrix>(sparse(data).value.data(), 30, 12));
  };
  const Matrix plain = rows(options), units = rows(scaled), directions = rows(turned);
  for (int j = 0; j < 12; ++j) {
    const double unit = std::pow(10, -3.0 * j / 11);
    EXPECT_LE((units.col(j) - unit * plain.col(j)).norm(), 1e-14 * units.col(j).norm());
  }
  // One orthogonal matrix rotates all rows: inner products of rows are preserved, and coordinates are mixed.
  EXPECT_LE((directions * directions.transpose() - units * units.transpose()).norm(),
            1e-13 * units.squaredNorm());
  EXPECT_GT((directions - units).norm(), 0.5 * units.norm());
  const Matrix Q = plain.topRows(12).partialPivLu().solve(rows([&] {
                                                            GeneratedOptions o = options;
                                                            o.rotated = true;
                                                            return o;
                                                          }())
                                                              .topRows(12));
  EXPECT_LE((Q * Q.transpose() - Matrix::Identity(12, 12)).norm(), 1e-10);
  for (const GeneratedOptions& each : {scaled, turned})
    EXPECT_EQ(generate(each, 2).labels, generate(options, 2).labels);
}

/// The distance of the labels of some clients' rows from the best linear model for all of them.
double misfit(const GeneratedOptions& options) {
  const std::size_t clients = 4;
  const auto d = static_cast<Eigen::Index>(options.columns);
  Eigen::MatrixXd A = Eigen::MatrixXd::Zero(static_cast<Eigen::Index>(clients * options.rows), d);
  Eigen::VectorXd b(A.rows());
  Eigen::Index row = 0;
  for (std::size_t client = 0; client < clients; ++client) {
    const Dataset data = generate(options, client);
    for (std::size_t i = 0; i < data.rows; ++i, ++row) {
      for (auto e = sparse(data).begin[i]; e < sparse(data).begin[i + 1]; ++e) {
        A(row, sparse(data).column[e]) = sparse(data).value[e];
      }
      b[row] = data.labels[i];
    }
  }
  return (A * A.colPivHouseholderQr().solve(b) - b).norm() / b.norm();
}

TEST(Generated, RealLabelsAreThoseOfAPlantedModel) {
  GeneratedOptions options{.rows = 30, .columns = 8, .nnz = 3, .noise = 0, .classes = 0};
  EXPECT_LT(misfit(options), 1e-13);
  options.noise = 0.1;
  EXPECT_GT(misfit(options), 0.05);
  options.noise = 0;
  options.shift = 0.5;
  EXPECT_GT(misfit(options), 0.05);
}

TEST(Generated, ClassesFollowTheModelButForTheNoise) {
  for (const std::size_t classes : {2UL, 3UL, 10UL}) {
    GeneratedOptions options{.rows = 4000, .columns = 12, .nnz = 12, .noise = 0, .classes = classes};
    const std::vector<double> clean = generate(options, 1).labels;
    std::vector<std::size_t> count(classes);
    for (const double label : clean) ++count.at(static_cast<std::size_t>(label));
    EXPECT_GT(*std::min_element(count.begin(), count.end()), 0U);
    options.noise = 0.3;
    const std::vector<double> noisy = generate(options, 1).labels;
    double changed = 0;
    for (std::size_t i = 0; i < clean.size(); ++i) changed += clean[i] != noisy[i] ? 1.0 / 4000 : 0;
    EXPECT_NEAR(changed, 0.3 * (1 - 1.0 / static_cast<double>(classes)), 0.03)
        << "drawn anew, maybe as it was";
  }
}

/// Logistic regression finds the planted model: here by Newton's method on many rows.
TEST(Generated, NormalRowsAreThoseOfALogisticModel) {
  const auto fitted = [](std::size_t client, double shift, double noise) {
    const GeneratedOptions options{.rows = 40000,
                                   .columns = 3,
                                   .nnz = 3,
                                   .noise = noise,
                                   .shift = shift,
                                   .law = GeneratedOptions::Law::normal};
    const Dataset data = generate(options, client);
    const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, 3, Eigen::RowMajor>> A(
        sparse(data).value.data(), 40000, 3);
    EXPECT_TRUE((A.transpose() * A / 40000).isIdentity(0.03));
    EXPECT_LE(A.colwise().mean().norm(), 0.02);
    const Eigen::Map<const Eigen::VectorXd> labels(data.labels.data(), 40000);
    Eigen::Vector3d x = Eigen::Vector3d::Zero();
    for (int step = 0; step < 20; ++step) {
      const Eigen::VectorXd p = (1 + (-(A * x)).array().exp()).inverse();
      const Eigen::VectorXd curvature = p.array() * (1 - p.array());
      const Eigen::Matrix3d hessian = A.transpose() * curvature.asDiagonal() * A;
      x -= hessian.ldlt().solve(A.transpose() * (p - labels));
    }
    return x;
  };
  // The error of the fits is about 0.03: 1/sqrt(40000 * curvature).
  const Eigen::Vector3d common = fitted(0, 0, 0);
  EXPECT_GE(common.norm(), 0.3);
  EXPECT_LE((fitted(1, 0, 0) - common).norm(), 0.2);
  const Eigen::Vector3d shifted = fitted(1, 1, 0);
  EXPECT_GE((shifted - common).norm(), 0.4);
  EXPECT_LE((fitted(1, 2, 0) - common - 2 * (shifted - common)).norm(), 0.4) << "shifts are in proportion";
  EXPECT_LE(fitted(0, 0, 0.5).norm(), 0.8 * common.norm()) << "labels drawn anew say nothing";
}

}  // namespace
}  // namespace laconic
