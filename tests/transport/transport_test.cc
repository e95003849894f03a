// SPDX-License-Identifier: Apache-2.0
// Ranks as threads, and the fold of a fleet: the sums are the same for any number of ranks and threads.
// (mpi_test.py tests the same over MPI.)
#include "laconic/transport/transport.h"

#include <cmath>
#include <numeric>

#include <gmock/gmock.h>

#include "laconic/compress/compressor.h"
#include "laconic/message/slice.h"
#include "laconic/message/wire.h"
#include "laconic/topology/graph.h"
#include "laconic/topology/mixing.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kRanks[] = {1, 2, 3, 5, 8};

/// The data that rank `from` sends to rank `to`: `length` bytes, different for each pair.
Bytes letter(std::size_t from, std::size_t to, std::size_t length) {
  Bytes bytes(length);
  std::iota(bytes.begin(), bytes.end(), static_cast<std::uint8_t>(31 * from + 7 * to));
  return bytes;
}

TEST(Ranks, ExchangeAndGather) {
  const std::size_t large = 300'000;
  for (const std::size_t ranks : kRanks) {
    for (const std::size_t base : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, large}) {
      const auto length = [&](std::size_t from, std::size_t to) {
        return base == 0 ? 0 : base + 10 * from + to;
      };
      run_ranks(ranks, [&](Transport& transport) {
        const std::size_t me = transport.rank();
        EXPECT_EQ(transport.size(), ranks);
        std::vector<Bytes> sent, received(ranks), gathered(ranks);
        std::vector<ByteView> to;
        std::vector<MutByteView> from, from_all;
        for (std::size_t r = 0; r < ranks; ++r) {
          sent.push_back(letter(me, r, length(me, r)));
          received[r].resize(r == me ? 0 : length(r, me));
          gathered[r].resize(length(r, 0));
          from.emplace_back(received[r]);
          from_all.emplace_back(gathered[r]);
        }
        for (const Bytes& bytes : sent) to.emplace_back(bytes);
        transport.exchange(to, from);
        std::uint64_t out = 0;
        std::uint64_t in = 0;
        for (std::size_t r = 0; r < ranks; ++r) {
          if (r == me) continue;
          EXPECT_EQ(received[r], letter(r, me, length(r, me)));
          out += length(me, r);
          in += length(r, me);
        }
        EXPECT_EQ(transport.traffic().sent, out);
        EXPECT_EQ(transport.traffic().received, in);

        transport.gather(letter(me, 0, length(me, 0)), from_all);
        for (std::size_t r = 0; r < ranks; ++r) {
          if (r == me) continue;
          EXPECT_EQ(gathered[r], letter(r, 0, length(r, 0)));
        }
        EXPECT_EQ(transport.traffic().sent, out + (ranks - 1) * length(me, 0));
      });
    }
  }
}

TEST(Ranks, AFailureEndsAllAndIsRethrown) {
  EXPECT_EQ(error_of([] {
              run_ranks(3, [](Transport& transport) {
                if (transport.rank() == 1) throw InputError("one is lost");
                std::vector<MutByteView> from(3);
                transport.gather({}, from);
              });
            }),
            "one is lost");
  EXPECT_THROW(run_ranks(2,
                         [](Transport& transport) {
                           Bytes too_long(transport.rank() == 0 ? 2 : 1);
                           std::vector<MutByteView> from(2, MutByteView(too_long));
                           const Bytes mine(1);
                           transport.gather(mine, from);
                         }),
               std::logic_error);
}

TEST(Blocks, AreInOrderAndEven) {
  for (std::size_t count : {0, 1, 5, 7, 100}) {
    for (std::size_t parts : {1, 2, 3, 8}) {
      std::size_t next = 0;
      for (std::size_t part = 0; part < parts; ++part) {
        const Range block = block_of(count, part, parts);
        EXPECT_EQ(block.begin, next);
        EXPECT_LE(block.size(), count / parts + 1);
        EXPECT_GE(block.size(), count / parts);
        next = block.end;
      }
      EXPECT_EQ(next, count);
    }
  }
}

/// The vector of client i with `dim` coordinates.
Vector vector_of(std::uint32_t client, std::size_t dim) {
  Stream stream = Key{.seed = 3, .client = client}.stream(Purpose::batch);
  Vector x(dim);
  for (double& v : x) v = std::ldexp(stream.uniform() - 0.5, static_cast<int>(stream.below(40)) - 20);
  return x;
}

struct FoldCase {
  const char* compressor;
  std::size_t clients;
  std::size_t dim;
  Wire wire;
};

TEST(Fold, GivesTheSameBitsOnAnyNumberOfRanks) {
  const FoldCase cases[] = {{"identity", 1, 10, Wire::f64},
                            {"identity", 3, 10, Wire::f64},
                            {"identity", 7, 1001, Wire::f32},
                            {"identity", 4, 2, Wire::f64},
                            {"identity", 20, 1, Wire::f32},
                            {"identity", 5, 40, Wire::f32},
                            {"rand-k(5)", 7, 100, Wire::f32},
                            {"top-k(7)", 9, 100, Wire::f64},
                            {"natural", 2, 33, Wire::f32},
                            {"perm-k", 4, 50, Wire::f64},
                            {"one-bit", 9, 100, Wire::f32},
                            {"sign(block=8)", 5, 1001, Wire::f64},
                            {"one-bit(scale=fixed, bound=1)", 20, 70, Wire::f32}};
  for (const FoldCase& c : cases) {
    const auto compressor = make_compressor(parse(c.compressor), {c.dim, c.clients, c.wire});
    const auto fold = [&](Transport& transport, bool exact) {
      ThreadPool pool(1);
      Fleet fleet(pool, transport);
      Board board(c.clients);
      for (std::uint32_t i = 0; i < c.clients; ++i) board.add({.seed = 1, .client = i}, 1.0 / (i + 3));
      const Range own = fleet.owned(board);
      std::vector<Vector> vectors(c.clients);
      for (std::size_t e = own.begin; e < own.end; ++e) {
        vectors[e] = vector_of(board[e].key.client, c.dim);
        board[e].vector = vectors[e];
        compressor->compress(board[e].key, vectors[e], board[e].message);
        board[e].envelope.describe(board[e].message, c.dim);
        board[e].envelope.calls = e;
        board[e].envelope.measured = {0.5 * static_cast<double>(e), 2};
      }
      fleet.share(board);
      for (std::size_t e = 0; e < board.size(); ++e) {
        EXPECT_EQ(board[e].envelope.calls, e);
        EXPECT_EQ(board[e].envelope.measured.value, 0.5 * static_cast<double>(e));
        EXPECT_GT(board[e].envelope.floats, 0);
        EXPECT_TRUE(board[e].envelope.finite);
      }
      Vector acc = vector_of(1000, c.dim);  // acc may have content already
      if (exact) {
        fleet.fold_vectors(board, acc);
      } else {
        fleet.fold(board, acc);
      }
      return acc;
    };
    for (const bool exact : {false, true}) {
      const Vector expected = fold(*alone(), exact);
      for (const std::size_t ranks : kRanks) {
        run_ranks(ranks, [&](Transport& transport) {
          EXPECT_EQ(fold(transport, exact), expected)
              << c.compressor << ", " << c.clients << " clients, rank " << transport.rank() << " of "
              << ranks;
        });
      }
    }
  }
}

TEST(Fold, OfManyBoardsDoesNotDependOnWhereTheyEnd) {
  const std::size_t clients = 23;
  const std::size_t dim = 70;
  const auto bounded = make_compressor(parse("one-bit(scale=fixed, bound=0.3)"), {dim, clients, Wire::f32});
  const auto scaled = make_compressor(parse("one-bit"), {dim, clients, Wire::f32});
  const auto fold = [&](Transport& transport, std::size_t threads, std::size_t window) {
    ThreadPool pool(threads);
    Fleet fleet(pool, transport);
    Board board(clients);
    SignCount counted;
    Vector acc = vector_of(1000, dim);
    for (std::size_t first = 0; first < clients; first += window) {
      board.clear();
      for (std::size_t i = first; i < std::min(first + window, clients); ++i)
        board.add({.seed = 1, .client = static_cast<std::uint32_t>(i)}, i % 7 == 3 ? 0.11 : 0.1);
      const Range own = fleet.owned(board);
      for (std::size_t e = own.begin; e < own.end; ++e) {
        const std::uint32_t client = board[e].key.client;
        const Compressor& compressor = client % 5 == 2 ? *scaled : *bounded;
        compressor.compress(board[e].key, vector_of(client, dim), board[e].message);
        board[e].envelope.describe(board[e].message, dim);
      }
      fleet.share(board);
      fleet.fold(board, counted, acc);
    }
    fleet.settle(counted, acc);
    return acc;
  };
  const Vector expected = fold(*alone(), 1, clients);
  for (const std::size_t ranks : kRanks) {
    for (const std::size_t window : {1, 4, 9, 23}) {
      run_ranks(ranks, [&](Transport& transport) {
        EXPECT_EQ(fold(transport, 1 + window % 3, window), expected) << ranks << " ranks, " << window;
      });
    }
  }
}

TEST(Exchange, BringsEachMessageOnceToTheRanksThatHearIt) {
  const std::size_t dim = 50;
  for (const char* topology : {"ring", "star", "one-peer", "exponential", "complete"}) {
    for (const std::size_t clients : {1, 3, 8, 13}) {
      const MixingPlan plan =
          make_mixing(parse("metropolis"), make_topology(parse(topology), {.nodes = clients}));
      for (const std::size_t ranks : kRanks) {
        run_ranks(ranks, [&](Transport& transport) {
          ThreadPool pool(1);
          Fleet fleet(pool, transport);
          const Range own = fleet.owned(clients);
          const Mixing& w = plan.of_round(2);
          Board board(clients);
          for (std::uint32_t i = 0; i < clients; ++i) {
            for (std::uint32_t part = 0; part < 2; ++part) {
              board.add({.client = i, .copy = part}, 0);
              Entry& entry = board[board.size() - 1];
              entry.envelope.bytes = dense_bytes(dim, 8);
              if (own.contains(i)) write_dense(Wire::f64, vector_of(2 * i + part, dim), entry.message);
            }
          }
          const Traffic before = transport.traffic();
          fleet.exchange(w, board);
          std::vector<bool> heard(clients);
          for (std::size_t i = own.begin; i < own.end; ++i) {
            for (const Neighbour& j : w.row(i)) heard[j.node] = true;
          }
          std::size_t from_others = 0;
          for (std::uint32_t i = 0; i < clients; ++i) {
            for (std::uint32_t part = 0; part < 2; ++part) {
              const Entry& entry = board[2 * i + part];
              EXPECT_EQ(entry.message.bytes.empty(), !heard[i] && !own.contains(i));
              if (!heard[i]) continue;
              Vector v(dim);
              decode_add(entry.key, entry.message, 1, v);
              EXPECT_EQ(v, vector_of(2 * i + part, dim));
            }
            from_others += heard[i] && !own.contains(i) ? 1 : 0;
          }
          EXPECT_EQ(transport.traffic().received - before.received, from_others * 2 * dense_bytes(dim, 8));
          if (topology == std::string("ring") && ranks == clients) {
            const std::size_t neighbours = std::min<std::size_t>(2, ranks - 1);
            EXPECT_EQ(transport.traffic().sent - before.sent, neighbours * 2 * dense_bytes(dim, 8));
          }
        });
      }
    }
  }
}

TEST(Constants, AreTheSameBitsOnAnyNumberOfRanksAndThreads) {
  const TemporaryFolder folder;
  const std::string data = folder.write("classes", two_classes(60, 40));
  for (const char* problem :
       {"logistic(\"{}\", lambda=0.1)", "least-squares(\"{}\", bias=1)", "softmax(\"{}\")",
        "quadratic(d=20, s=0.8)", "logistic(generated(rows=3, d=40, nnz=5), bias=1)",
        "softmax(generated(rows=40, d=9, classes=3, shift=1))"}) {
    const Job run{.problem = fmt::format(fmt::runtime(problem), data), .method = "gd", .clients = 4};
    const auto constants_on = [&](Transport& transport, std::size_t threads) {
      ThreadPool pool(threads);
      Fleet fleet(pool, transport);
      Observer silent;
      const Constants c = open_problem(config_of(run), fleet, silent)->facts.constants.value();
      return std::vector<double>{c.L_minus, c.L_plus,   c.L_pm,           c.L_tilde,
                                 c.L_max,   c.L_sample, c.mu.value_or(0), c.f_lower.value_or(0)};
    };
    const std::vector<double> expected = constants_on(*alone(), 1);
    EXPECT_EQ(constants_on(*alone(), 3), expected) << problem;
    for (const std::size_t ranks : kRanks) {
      run_ranks(ranks, [&](Transport& transport) {
        EXPECT_EQ(constants_on(transport, 1 + ranks % 2), expected) << problem << " on " << ranks;
      });
    }
  }
}

TEST(Fold, MovesWhatARingAllReduceMoves) {
  const std::size_t dim = 30000;
  const auto traffic = [&](std::size_t ranks, const char* compressor_text, Wire wire) {
    std::uint64_t most = 0;
    std::vector<Traffic> all(ranks);
    run_ranks(ranks, [&](Transport& transport) {
      const auto compressor = make_compressor(parse(compressor_text), {dim, ranks, wire});
      ThreadPool pool(1);
      Fleet fleet(pool, transport);
      Board board(ranks);
      for (std::uint32_t i = 0; i < ranks; ++i) board.add({.seed = 1, .client = i}, 1);
      Entry& own = board[transport.rank()];
      compressor->compress(own.key, vector_of(own.key.client, dim), own.message);
      own.envelope.describe(own.message, dim);
      fleet.share(board);
      Vector acc(dim);
      fleet.fold(board, acc);
      all[transport.rank()] = transport.traffic();
    });
    for (const Traffic& t : all) most = std::max({most, t.sent, t.received});
    return static_cast<double>(most);
  };
  for (const std::size_t ranks : {2, 3, 5, 8}) {
    const double ring = 2.0 * static_cast<double>(ranks - 1) / static_cast<double>(ranks) * 8 * dim;
    EXPECT_LT(traffic(ranks, "identity", Wire::f64), 1.01 * ring) << ranks;
    EXPECT_LT(traffic(ranks, "identity", Wire::f32), 1.01 * ring) << ranks;
    // Short messages are sent whole to every rank.
    const double own = 1 + 4 * 300;
    EXPECT_LT(traffic(ranks, "rand-k(300)", Wire::f32), static_cast<double>(ranks - 1) * (own + 100))
        << ranks;
  }
}

}  // namespace
}  // namespace laconic::testing
