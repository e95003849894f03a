// SPDX-License-Identifier: Apache-2.0
#include "laconic/transport/fleet.h"

#include <bit>

#include "laconic/core/error.h"
#include "laconic/message/bits.h"
#include "laconic/message/slice.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

/// The coordinates in their memory representation: all ranks of a run have the same byte order (MPI launchers
/// ensure that).
MutByteView bytes_of_coordinates(MutView v, Range range) {
  return {reinterpret_cast<std::uint8_t*>(v.data() + range.begin), range.size() * sizeof(double)};
}

}  // namespace

Fleet::Fleet(ThreadPool& pool)
    : pool_(pool), alone_(laconic::alone()), transport_(*alone_), threads_(pool.threads()) {}

Fleet::Fleet(ThreadPool& pool, Transport& transport)
    : pool_(pool),
      transport_(transport),
      threads_(0),
      outgoing_(transport.size()),
      incoming_(transport.size()),
      to_(transport.size()),
      from_(transport.size()) {
  std::uint8_t mine[8];
  store_le<std::uint64_t>(pool.threads(), mine);
  for (std::size_t r = 0; r < transport.size(); ++r) {
    incoming_[r].assign(mine, mine + sizeof mine);  // replaced by the data of the other ranks
    from_[r] = incoming_[r];
  }
  transport_.gather(mine, from_);
  for (const auto& bytes : incoming_) threads_ += load_le<std::uint64_t>(bytes.data());
}

Range Fleet::owned_by(std::size_t rank, const Board& board) const {
  const Range clients = block_of(board.clients(), rank, transport_.size());
  const auto first_at_least = [&](std::size_t client) {
    Range left{0, board.size()};
    while (left.size() > 0) {
      const std::size_t middle = left.begin + left.size() / 2;
      if (board[middle].key.client < client) {
        left.begin = middle + 1;
      } else {
        left.end = middle;
      }
    }
    return left.begin;
  };
  return {first_at_least(clients.begin), first_at_least(clients.end)};
}

void Fleet::share(Board& board) {
  if (transport_.size() == 1) return;
  const Range own = owned(board);
  for (std::size_t r = 0; r < transport_.size(); ++r) {
    incoming_[r].resize(owned_by(r, board).size() * Envelope::kBytes);
    from_[r] = incoming_[r];
  }
  std::vector<std::uint8_t>& mine = incoming_[transport_.rank()];
  for (std::size_t e = own.begin; e < own.end; ++e) {
    board[e].envelope.store(mine.data() + (e - own.begin) * Envelope::kBytes);
  }
  transport_.gather(mine, from_);
  for (std::size_t r = 0; r < transport_.size(); ++r) {
    const Range theirs = owned_by(r, board);
    for (std::size_t e = theirs.begin; e < theirs.end; ++e) {
      board[e].envelope = Envelope::load(incoming_[r].data() + (e - theirs.begin) * Envelope::kBytes);
    }
  }
}

void Fleet::fold(Board& board, SignCount& counted, MutView acc) {
  if (transport_.size() > 1 && slicing_moves_less(board, acc.size())) return fold_slices(board, acc);
  gather_messages(board);
  addends_.clear();
  for_each_gathered(board, [&](const Entry& entry, ByteView bytes) {
    addends_.push_back({entry.key, bytes, entry.weight});
  });
  decode_add_all(addends_, counted, pool_, acc);
}

void Fleet::fold_vectors(Board& board, MutView acc) {
  if (transport_.size() == 1) {
    for (std::size_t e = 0; e < board.size(); ++e) axpy(board[e].weight, board[e].vector, acc);
    return;
  }
  // A dense f64 message is exact, and decoding it has the same effect as axpy.
  for_each(owned(board), [&](std::size_t e) { write_dense(Wire::f64, board[e].vector, board[e].message); });
  Message empty;
  write_dense(Wire::f64, {}, empty);
  for (std::size_t e = 0; e < board.size(); ++e) {
    board[e].envelope.bytes = dense_bytes(acc.size(), sizeof(double));
    board[e].envelope.first_byte = empty.bytes[0];
  }
  fold(board, acc);
}

/// Compares the bytes over the busiest link in either direction. All ranks get the same result.
bool Fleet::slicing_moves_less(const Board& board, std::size_t dim) const {
  const std::size_t ranks = transport_.size();
  std::uint64_t total = 0;
  std::uint64_t total_width = 0;  // bytes of one coordinate of all messages
  for (std::size_t e = 0; e < board.size(); ++e) {
    const std::size_t width = dense_value_bytes(board[e].envelope.first_byte);
    if (width == 0) return false;
    total += board[e].envelope.bytes;
    total_width += width;
  }
  std::uint64_t whole = 0;
  std::uint64_t sliced = 0;
  for (std::size_t r = 0; r < ranks; ++r) {
    const Range theirs = owned_by(r, board);
    std::uint64_t bytes = 0;
    std::uint64_t width = 0;
    for (std::size_t e = theirs.begin; e < theirs.end; ++e) {
      bytes += board[e].envelope.bytes;
      width += dense_value_bytes(board[e].envelope.first_byte);
    }
    const std::size_t slice = block_of(dim, r, ranks).size();
    const std::uint64_t rest = dim - slice;
    whole = std::max({whole, (ranks - 1) * bytes, total - bytes});
    const std::uint64_t out = rest * width + (ranks - 1) * slice * sizeof(double);
    const std::uint64_t in = slice * (total_width - width) + rest * sizeof(double);
    sliced = std::max({sliced, out, in});
  }
  return sliced < whole;
}

void Fleet::gather_messages(Board& board) {
  if (transport_.size() == 1) return;
  for (std::size_t r = 0; r < transport_.size(); ++r) {
    const Range theirs = owned_by(r, board);
    std::size_t bytes = 0;
    for (std::size_t e = theirs.begin; e < theirs.end; ++e) bytes += board[e].envelope.bytes;
    incoming_[r].resize(bytes);
    from_[r] = incoming_[r];
  }
  const Range own = owned(board);
  std::uint8_t* to = incoming_[transport_.rank()].data();
  for (std::size_t e = own.begin; e < own.end; ++e) {
    to = std::copy(board[e].message.bytes.begin(), board[e].message.bytes.end(), to);
  }
  transport_.gather(incoming_[transport_.rank()], from_);
}

void Fleet::fold_slices(Board& board, MutView acc) {
  const std::size_t ranks = transport_.size();
  const Range own = owned(board);
  const Range own_slice = block_of(acc.size(), transport_.rank(), ranks);
  const auto width_of = [&](std::size_t e) { return dense_value_bytes(board[e].envelope.first_byte); };

  // The slices of all ranks' messages for this rank's coordinates, including its own messages.
  for (std::size_t r = 0; r < ranks; ++r) {
    const Range slice = block_of(acc.size(), r, ranks);
    std::size_t bytes = 0;
    for (std::size_t e = own.begin; e < own.end; ++e) bytes += dense_bytes(slice.size(), width_of(e));
    outgoing_[r].resize(bytes);
    to_[r] = outgoing_[r];
    std::uint8_t* to = outgoing_[r].data();
    for (std::size_t e = own.begin; e < own.end; ++e) to = cut_dense(board[e].message, slice, to);

    const Range theirs = owned_by(r, board);
    bytes = 0;
    for (std::size_t e = theirs.begin; e < theirs.end; ++e)
      bytes += dense_bytes(own_slice.size(), width_of(e));
    incoming_[r].resize(bytes);
    from_[r] = incoming_[r];
  }
  transport_.exchange(to_, from_);
  const MutView slice_of_acc = acc.subspan(own_slice.begin, own_slice.size());
  for (std::size_t r = 0; r < ranks; ++r) {
    const Range theirs = owned_by(r, board);
    const std::uint8_t* at = (r == transport_.rank() ? outgoing_ : incoming_)[r].data();
    for (std::size_t e = theirs.begin; e < theirs.end; ++e) {
      const std::size_t bytes = dense_bytes(own_slice.size(), width_of(e));
      received_.bytes.assign(at, at + bytes);
      at += bytes;
      decode_add(board[e].key, received_, board[e].weight, slice_of_acc);
    }
  }

  // Sends the sums to all ranks.
  for (std::size_t r = 0; r < ranks; ++r)
    from_[r] = bytes_of_coordinates(acc, block_of(acc.size(), r, ranks));
  transport_.gather(from_[transport_.rank()], from_);
}

template <class Said>
void Fleet::for_each_heard(const Mixing& mixing, const Board& board, std::size_t from, std::size_t to,
                           Said&& said) {
  heard_.assign(mixing.nodes(), 0);
  const Range listeners = block_of(mixing.nodes(), to, transport_.size());
  for (std::size_t i = listeners.begin; i < listeners.end; ++i) {
    for (const Neighbour& j : mixing.row(i)) heard_[j.node] = 1;
  }
  const Range theirs = owned_by(from, board);
  for (std::size_t e = theirs.begin; e < theirs.end; ++e) {
    if (heard_[board[e].key.client] != 0) said(e);
  }
}

void Fleet::exchange(const Mixing& mixing, Board& board) {
  const std::size_t ranks = transport_.size();
  if (ranks == 1) return;
  const std::size_t me = transport_.rank();
  for (std::size_t r = 0; r < ranks; ++r) {
    outgoing_[r].clear();
    incoming_[r].clear();
    if (r != me) {
      for_each_heard(mixing, board, me, r, [&](std::size_t e) {
        check(board[e].message.bytes.size() == board[e].envelope.bytes,
              "a message is not as long as was said");
        outgoing_[r].insert(outgoing_[r].end(), board[e].message.bytes.begin(), board[e].message.bytes.end());
      });
      std::size_t bytes = 0;
      for_each_heard(mixing, board, r, me, [&](std::size_t e) { bytes += board[e].envelope.bytes; });
      incoming_[r].resize(bytes);
    }
    to_[r] = outgoing_[r];
    from_[r] = incoming_[r];
  }
  transport_.exchange(to_, from_);
  for (std::size_t r = 0; r < ranks; ++r) {
    if (r == me) continue;
    const std::uint8_t* at = incoming_[r].data();
    for_each_heard(mixing, board, r, me, [&](std::size_t e) {
      board[e].message.bytes.assign(at, at + board[e].envelope.bytes);
      at += board[e].envelope.bytes;
    });
  }
}

void Fleet::ask_all(std::size_t clients, std::size_t dim,
                    const std::function<Measured(std::size_t, MutView)>& tell,
                    const std::function<void(Board&)>& hear) {
  const double weight = 1.0 / static_cast<double>(clients);
  const std::size_t most = window(clients, dim);
  Board board(clients);
  std::vector<Vector> vectors;
  for (std::size_t first = 0; first < clients; first += most) {
    board.clear();
    for (std::size_t i = first; i < std::min(first + most, clients); ++i) {
      board.add({.client = static_cast<std::uint32_t>(i)}, weight);
    }
    const Range own = owned(board);
    if (vectors.size() < own.size()) vectors.resize(own.size());
    for_each(own, [&](std::size_t e) {
      Vector& vector = vectors[e - own.begin];
      vector.resize(dim);
      board[e].envelope.measured = tell(board[e].key.client, vector);
      board[e].vector = vector;
    });
    share(board);
    hear(board);
  }
}

Vector Fleet::numbers(std::size_t shards, const std::function<double(std::size_t)>& of_shard) {
  Vector all;
  ask_all(
      shards, 0, [&](std::size_t i, MutView) { return Measured{.value = of_shard(i)}; },
      [&](const Board& board) {
        for (std::size_t e = 0; e < board.size(); ++e) all.push_back(board[e].envelope.measured.value);
      });
  return all;
}

void Fleet::mean(std::size_t shards, const std::function<void(std::size_t, MutView)>& of_shard, MutView out) {
  fill(out, 0.0);
  const auto tell = [&](std::size_t i, MutView v) {
    of_shard(i, v);
    return Measured{};
  };
  ask_all(shards, out.size(), tell, [&](Board& board) { fold_vectors(board, out); });
}

void Fleet::vectors(const std::vector<std::size_t>& length,
                    const std::function<void(std::size_t, MutView)>& of_shard,
                    const std::function<void(std::size_t, View)>& hear) {
  const std::size_t shards = length.size();
  const std::size_t most = window(shards, *std::max_element(length.begin(), length.end()));
  Board board(shards);
  std::vector<Vector> own_vectors;
  Vector theirs;
  for (std::size_t first = 0; first < shards; first += most) {
    board.clear();
    for (std::size_t i = first; i < std::min(first + most, shards); ++i)
      board.add({.client = static_cast<std::uint32_t>(i)}, 1);
    const Range own = owned(board);
    if (own_vectors.size() < own.size()) own_vectors.resize(own.size());
    for_each(own, [&](std::size_t e) {
      Vector& vector = own_vectors[e - own.begin];
      vector.resize(length[first + e]);
      of_shard(first + e, vector);
      if (transport_.size() > 1) write_dense(Wire::f64, vector, board[e].message);
    });
    if (transport_.size() == 1) {
      for (std::size_t e = 0; e < board.size(); ++e) hear(first + e, own_vectors[e]);
      continue;
    }
    for (std::size_t e = 0; e < board.size(); ++e)
      board[e].envelope.bytes = dense_bytes(length[first + e], sizeof(double));
    for_each_message(board, [&](const Entry& entry, const Message& message) {
      theirs.assign(length[entry.key.client], 0.0);
      decode_add(entry.key, message, 1, theirs);
      hear(entry.key.client, theirs);
    });
  }
}

bool Fleet::answer_of_first(bool answer) {
  if (transport_.size() == 1) return answer;
  const std::uint8_t mine = answer ? 1 : 0;
  std::vector<std::uint8_t> answers(transport_.size(), mine);
  for (std::size_t r = 0; r < answers.size(); ++r) from_[r] = MutByteView(answers).subspan(r, 1);
  transport_.gather({&mine, 1}, from_);
  return answers[0] != 0;
}

}  // namespace laconic
