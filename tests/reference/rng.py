# SPDX-License-Identifier: Apache-2.0
"""Addressed randomness: Philox4x32-10 as Salmon et al. define it (SC 2011, section 3.3), and laconic's
addresses."""
import math

import numpy as np

M0, M1 = 0xD2511F53, 0xCD9E8D57  # multipliers
W0, W1 = 0x9E3779B9, 0xBB67AE85  # Weyl constants: the golden ratio, sqrt(3) - 1
MASK32 = 0xFFFFFFFF
EVERYONE = 0xFFFFFFFF

# purposes
(COMPRESSOR, COIN, PERMUTATION, BATCH, SPLIT, TURNOUT, DATA, START, GRAPH, NOISE, PROBE, ALLOCATION, STRAGGLER, EPOCH,
 LIE, STEPS) = range(16)


def philox4x32(counter, key):
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        left, right = M0 * c0, M1 * c2
        c0, c1, c2, c3 = (right >> 32) ^ c1 ^ k0, right & MASK32, (left >> 32) ^ c3 ^ k1, left & MASK32
        k0, k1 = (k0 + W0) & MASK32, (k1 + W1) & MASK32
    return c0, c1, c2, c3


class Stream:
    """The stream of words at one address. One block maps the address to the key and the upper half of the
    counter."""

    def __init__(self, seed, round=0, client=0, step=0, copy=0, purpose=COMPRESSOR):
        self.address = philox4x32((round, client, step, copy << 8 | purpose), (seed & MASK32, seed >> 32))
        self.next_block, self.ready = 0, []

    def next32(self):
        if not self.ready:
            a0, a1, a2, a3 = self.address
            b = self.next_block
            self.ready = list(philox4x32((b & MASK32, b >> 32, a2, a3), (a0, a1)))
            self.next_block += 1
        return self.ready.pop(0)

    def next64(self):
        low = self.next32()
        return low | self.next32() << 32

    def uniform(self):
        """On [0, 1), 53 bits."""
        return (self.next64() >> 11) * 2.0**-53

    def normals(self, count):
        """N(0, 1), by Box and Muller's transform."""
        values = []
        while len(values) < count:
            radius, angle = math.sqrt(-2 * math.log(1 - self.uniform())), 2 * math.pi * self.uniform()
            values += [radius * math.cos(angle), radius * math.sin(angle)]
        return np.array(values[:count])

    def signs(self, count):
        """-1 or 1: the bits of the words, lowest first."""
        words = [self.next32() for _ in range(-(-count // 32))]
        return np.array([2.0 * (words[j // 32] >> j % 32 & 1) - 1 for j in range(count)])

    def below(self, n):
        """On {0, .., n-1}: the high half of a product (Lemire 2019), rejecting the few low halves that
        would cause a bias."""
        product = self.next64() * n
        while product % 2**64 < 2**64 % n:
            product = self.next64() * n
        return product >> 64


def shared_coin(seed, round, p, step=0):
    """MARINA's c_k: one coin for all clients of a round."""
    return Stream(seed, round, EVERYONE, step, purpose=COIN).uniform() < p


def shuffled(count, seed):
    """0 .. count-1, shuffled from the back."""
    order, stream = list(range(count)), Stream(seed, purpose=SPLIT)
    for left in range(count, 1, -1):
        other = stream.below(left)
        order[left - 1], order[other] = order[other], order[left - 1]
    return order


# ---- supports that sender and receiver both draw: part of laconic's wire format ----------------------------
def subset(stream, count, dim):
    """A uniform subset, ascending: the first `count` distinct draws. Of a word w the draw is floor(w dim /
    2^32), unless the low half of the product is below 2^32 mod dim. For more than half of dim, the
    complement is drawn."""
    drawn, wanted = set(), min(count, dim - count)
    while len(drawn) < wanted:
        product = stream.next32() * dim
        if product % 2**32 >= 2**32 % dim:
            drawn.add(product >> 32)
    return sorted(drawn) if wanted == count else [j for j in range(dim) if j not in drawn]


def rand_k_support(seed, round, client, k, dim, step=0, copy=0):
    return subset(Stream(seed, round, client, step, copy), k, dim)


def perm_k_support(seed, round, client, dim, clients, k=None, step=0):
    """Deals cards to hands: coordinates to clients, or clients to coordinates if there are more clients. A
    uniform subset of the hands gets one card more than the others. The cards are the list of hands in
    order, shuffled from the back. With k, the client keeps a subset of its block, by its own draw."""
    hands, deck = min(dim, clients), max(dim, clients)
    larger = subset(Stream(seed, round, EVERYONE, step, copy=1, purpose=PERMUTATION), deck % hands, hands)
    cards = [hand for hand in range(hands) for _ in range(deck // hands + (hand in larger))]
    stream = Stream(seed, round, EVERYONE, step, purpose=PERMUTATION)
    for left in range(deck, 1, -1):
        product = stream.next32() * left
        while product % 2**32 < 2**32 % left:
            product = stream.next32() * left
        other = product >> 32
        cards[left - 1], cards[other] = cards[other], cards[left - 1]
    block = [cards[client]] if clients > dim else [j for j in range(dim) if cards[j] == client]
    return [block[i] for i in subset(Stream(seed, round, client, step), k or len(block), len(block))]
